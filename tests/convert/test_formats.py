"""Datasets to npz, CSV, PNG folders and Parquet, and back: nothing is lost, and other programs read
what is written.
"""

import contextlib
import gzip
import io
import json
import os
import shutil
import tempfile
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from helpers import TYPES, assert_same, children, encode
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

import idxio
from idxio._native import csv_parser
from idxio.convert.formats import csv_columns, csv_records
from idxio.datasets.classes import class_names
from idxio.datasets.discovery import find_pair

FORMATS = ["npz", "csv", "png", "parquet"]
WORDS = {
    "uint8": "ubyte",
    "int8": "byte",
    "int16": "short",
    "int32": "int",
    "float32": "float",
    "float64": "double",
}


def put(folder, split, images, labels):
    """One split in IDX files, made without idxio."""
    os.makedirs(folder, exist_ok=True)
    Path(folder, f"{split}-images-idx{images.ndim}-ubyte").write_bytes(encode(images))
    Path(folder, f"{split}-labels-idx{labels.ndim}-ubyte").write_bytes(encode(labels))


def target(folder, to):
    return Path(folder, "out.npz" if to == "npz" else "out")


def assert_back(folder, split, images, labels):
    """The IDX files of folder hold these arrays, under their standard names."""
    for kind, array in (("images", images), ("labels", labels)):
        name = f"{split}-{kind}-idx{array.ndim}-{WORDS[array.dtype.name]}.gz"
        assert_same(idxio.read(Path(folder, name)), array)


@pytest.fixture
def small(tmp_path):
    """A dataset of two splits with three classes, in tmp_path/data."""
    rng = np.random.default_rng(5)
    data = {}
    for split, n in (("train", 30), ("t10k", 11)):
        data[split] = (
            rng.integers(0, 256, (n, 4, 4), np.uint8),
            rng.integers(0, 3, n).astype(np.uint8),
        )
        put(tmp_path / "data", split, *data[split])
    return data


# --- there and back ---


@pytest.mark.parametrize("to", FORMATS)
def test_fashion_mnist_and_back(fashion_mnist, tmp_path, to):
    """Its test files: the same to the bit, and their classes keep their names."""
    os.mkdir(tmp_path / "data")
    for name in ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"):
        os.symlink(fashion_mnist / name, tmp_path / "data" / name)
    idxio.export_dataset(tmp_path / "data", target(tmp_path, to), to=to)
    idxio.import_dataset(target(tmp_path, to), tmp_path / "back", level=1)
    images, labels = find_pair(tmp_path / "back", "test")
    assert (idxio.verify(images).crc32, idxio.verify(labels).crc32) == (0x678FE0B1, 0x80142C1F)
    assert (
        json.loads((tmp_path / "back" / "dataset.json").read_text())["class_names"]["9"]
        == "Ankle boot"
    )
    assert class_names(labels)[9] == "Ankle boot"


SOME = st.integers(1, 40)
# Where there is one, a folder that is no disk: thousands of files are flushed.
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None


def draw_split(data, shapes, types=("uint8",), label_types=("uint8",), counts=SOME):
    n = data.draw(counts)
    images = data.draw(arrays(data.draw(st.sampled_from(types)), (n, *data.draw(shapes))))
    labels = data.draw(
        arrays(data.draw(st.sampled_from(label_types)), n, elements=st.integers(0, 120))
    )
    return images, labels


def round_trip(images, labels, to, **options):
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        put(f"{folder}/data", "train", images, labels)
        idxio.export_dataset(f"{folder}/data", target(folder, to), to=to)
        idxio.import_dataset(target(folder, to), f"{folder}/back", **options)
        assert_back(f"{folder}/back", "train", images, labels)


sides = st.integers(1, 6)


@given(st.data())
def test_any_images_through_npz(data):
    shapes = st.lists(st.integers(0, 4), min_size=2, max_size=4).map(tuple)
    images, labels = draw_split(
        data, shapes, TYPES, ["uint8", "int8", "int16", "int32"], st.integers(0, 40)
    )
    round_trip(images, labels, "npz")


@given(st.data())
def test_any_bytes_through_csv(data):
    shape = data.draw(st.lists(sides, min_size=2, max_size=3).map(tuple))
    images, labels = draw_split(data, st.just(shape), counts=st.integers(0, 40))
    square = shape[0] == shape[1] and shape[2:] in ((), (3,))
    round_trip(images, labels, "csv", shape=None if square else shape)


@pytest.mark.parametrize("to", ["png", "parquet"])
@given(st.data())
def test_any_pictures_through(to, data):
    shapes = st.tuples(sides, sides) | st.tuples(sides, sides, st.just(3))
    round_trip(*draw_split(data, shapes), to)


NAMES = ["train", "t10k", "val", "extra", "pretrain", "a-b_2", "0", "test-2", "latest"]
CLASS_NAMES = st.none() | st.dictionaries(
    st.integers(-3, 130), st.text(st.characters(exclude_characters="\0")), min_size=1
)


def draw_labels(data, n):
    """Labels in a form that `load` takes, and the class that each one means."""
    classes = data.draw(arrays(np.uint8, n, elements=st.integers(0, 9)))
    form = data.draw(st.sampled_from(["one", "type", "column", "one-hot", "qmnist"]))
    if form == "type":
        types = st.sampled_from(["uint8", "int8", "int16", "int32"])
        classes = data.draw(arrays(data.draw(types), n, elements=st.integers(0, 127)))
    if form == "column":
        return classes[:, None], classes
    if form == "one-hot":
        return np.eye(10, dtype=np.int16)[classes], classes
    if form == "qmnist":
        return (
            np.stack([classes, classes % 3, *[classes + 30] * 6], axis=1).astype(np.int32),
            classes,
        )
    return classes, classes


@pytest.mark.parametrize("to", FORMATS)
@given(st.data())
def test_what_is_exported_comes_back_or_is_refused(to, data):
    """Any splits, names, shapes and types; what comes back is what `load` gives of the first
    folder.
    """
    common = st.tuples(sides, sides) | st.tuples(sides, sides, st.just(3))
    is_odd = data.draw(st.booleans())  # else every format has room for it
    shapes = st.lists(st.integers(0, 6), max_size=4).map(tuple) if is_odd else common
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        classes = {}
        for split in data.draw(
            st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True)
        ):
            n = data.draw(st.integers(1 - is_odd, 12))
            types = st.sampled_from(["uint8", "uint8", *TYPES] if is_odd else ["uint8"])
            images = data.draw(arrays(data.draw(types), (n, *data.draw(shapes))))
            labels, classes[split] = draw_labels(data, n)
            if images.ndim > 1:
                put(f"{folder}/data", split, images, labels)
        if not os.path.isdir(f"{folder}/data"):
            return
        if names := data.draw(CLASS_NAMES):
            Path(folder, "data", "dataset.json").write_text(json.dumps({"class_names": names}))
        try:
            idxio.export_dataset(f"{folder}/data", target(folder, to), to=to)
        except idxio.IdxError:
            assert os.listdir(folder) == ["data"]
            return
        idxio.import_dataset(target(folder, to), f"{folder}/back", level=1)
        files = [name for name in os.listdir(f"{folder}/data") if name != "dataset.json"]
        assert len(
            [name for name in os.listdir(f"{folder}/back") if name != "dataset.json"]
        ) == len(files)
        for split in {name.rsplit("-", 3)[0] for name in files}:
            one, other = (idxio.load(f"{folder}/{place}", split) for place in ("data", "back"))
            assert_same(np.asarray(one.images), np.asarray(other.images))
            assert one.labels.tolist() == other.labels.tolist() == classes[split].tolist()
            assert one.class_names == other.class_names


@pytest.mark.parametrize("to", FORMATS)
def test_labels_beyond_a_byte(tmp_path, small, to):
    """EMNIST has 62 classes, others more; the type is the smallest of IDX's that MNIST's loaders
    know.
    """
    images = small["t10k"][0]
    labels = np.array([0, 255, 256, 70_000, 5, 5, 9, 10, 2**31 - 1, 1, 0], np.int32)
    put(tmp_path / "large", "train", images, labels)
    idxio.export_dataset(tmp_path / "large", target(tmp_path, to), to=to)
    idxio.import_dataset(target(tmp_path, to), tmp_path / "back")
    assert_back(tmp_path / "back", "train", images, labels)


@pytest.mark.parametrize("to", FORMATS)
def test_both_splits_and_many_blocks(tmp_path, small, to, monkeypatch):
    monkeypatch.setattr("idxio.convert.formats.common._BLOCK", 16 * 7)
    monkeypatch.setattr("idxio.convert.formats.common._RUN", 2)
    monkeypatch.setattr("idxio.convert.formats.csv_table._TEXT", 100)
    monkeypatch.setattr("idxio.convert.formats.parquet._ROWS", 4)
    out, back = [], []
    idxio.export_dataset(
        tmp_path / "data", target(tmp_path, to), to=to, progress=lambda *n: out.append(n), threads=2
    )
    idxio.import_dataset(
        target(tmp_path, to), tmp_path / "back", progress=lambda *n: back.append(n), threads=2
    )
    for split, data in small.items():
        assert_back(tmp_path / "back", split, *data)
    assert out[-1] == (41, 41)
    assert back[-1] == (41, None)
    assert len(out) > 4
    assert len(back) > 4


@pytest.mark.parametrize(
    "array", [np.float64(2.5), np.arange(7, dtype=np.int16), np.zeros((0, 3), np.uint8)]
)
def test_one_file_through_npy(tmp_path, array):
    (tmp_path / "a").write_bytes(encode(array))
    idxio.export_dataset(tmp_path / "a", tmp_path / "a.npy")
    assert np.array_equal(np.load(tmp_path / "a.npy"), array)
    idxio.import_dataset(tmp_path / "a.npy", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == encode(array)


@given(
    arrays(st.sampled_from(TYPES), st.lists(st.integers(0, 4), max_size=4).map(tuple)),
    st.booleans(),
)
def test_any_npy_of_numpy(array, is_fortran):
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        np.save(
            f"{folder}/a.npy",
            (
                np.asfortranarray(array)
                if is_fortran and array.ndim
                else array.astype(array.dtype.newbyteorder(">"))
            ),
        )
        idxio.import_dataset(f"{folder}/a.npy", f"{folder}/a")
        assert Path(f"{folder}/a").read_bytes() == encode(array)


# --- what other programs read ---


def test_npz_is_that_of_keras(tmp_path, small):
    idxio.export_dataset(tmp_path / "data", tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as loaded:
        assert sorted(loaded) == ["x_test", "x_train", "y_test", "y_train"]
        for split, name in (("train", "train"), ("t10k", "test")):
            for letter, array in zip("xy", small[split], strict=True):
                assert_same(loaded[f"{letter}_{name}"], array)
    idxio.export_dataset(tmp_path / "data", tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_csv_is_that_of_kaggle(tmp_path, small):
    idxio.export_dataset(tmp_path / "data", tmp_path / "out", to="csv")
    assert sorted(os.listdir(tmp_path / "out")) == ["test.csv", "train.csv"]
    heading, first = (tmp_path / "out" / "train.csv").read_text().splitlines()[:2]
    assert heading == "label," + ",".join(f"pixel{i}" for i in range(16))
    images, labels = small["train"]
    assert first == ",".join(map(str, [labels[0], *images[0].ravel()]))
    table = np.loadtxt(tmp_path / "out" / "train.csv", delimiter=",", skiprows=1)
    assert np.array_equal(table[:, 0], labels)
    assert np.array_equal(table[:, 1:].reshape(images.shape), images)


def test_png_folders_are_those_of_imagefolder(tmp_path, small):
    idxio.export_dataset(tmp_path / "data", tmp_path / "out", to="png")
    assert sorted(os.listdir(tmp_path / "out")) == ["dataset.json", "test", "train"]
    images, labels = small["train"]
    files = sorted((tmp_path / "out" / "train").glob("*/*.png"), key=lambda path: path.name)
    assert [int(path.stem) for path in files] == list(range(30))
    assert [int(path.parent.name) for path in files] == labels.tolist()
    assert all(
        np.array_equal(Image.open(path), image) for path, image in zip(files, images, strict=True)
    )


def test_folders_and_files_sort_as_numbers_do(tmp_path):
    put(tmp_path / "data", "train", np.zeros((12, 1, 1), np.uint8), np.arange(12, dtype=np.uint8))
    idxio.export_dataset(tmp_path / "data", tmp_path / "out", to="png")
    assert sorted(os.listdir(tmp_path / "out" / "train")) == [f"{label:02}" for label in range(12)]


def test_parquet_is_that_of_the_hub(tmp_path, small):
    (tmp_path / "data" / "dataset.json").write_text('{"class_names": ["cat", "dog", "hat"]}')
    idxio.export_dataset(tmp_path / "data", tmp_path / "out", to="parquet")
    names = [f"{split}-00000-of-00001.parquet" for split in ("test", "train")]
    assert sorted(os.listdir(tmp_path / "out")) == ["README.md", *names]
    table = pyarrow.parquet.read_table(tmp_path / "out" / names[1])
    images, labels = small["train"]
    assert table.column("label").to_pylist() == labels.tolist()
    pictures = [
        Image.open(io.BytesIO(picture["bytes"])) for picture in table.column("image").to_pylist()
    ]
    assert np.array_equal([np.asarray(picture) for picture in pictures], images)
    assert str(table.schema.field("image").type) == "struct<bytes: binary, path: string>"
    # What datasets.Features.to_dict gives:
    # https://huggingface.co/docs/datasets/about_dataset_features
    assert json.loads(table.schema.metadata[b"huggingface"]) == {
        "info": {
            "features": {
                "image": {"_type": "Image"},
                "label": {"names": ["cat", "dog", "hat"], "_type": "ClassLabel"},
            }
        }
    }


def test_the_class_of_qmnist_is_the_first_column(tmp_path, small):
    images, labels = small["train"]
    put(
        tmp_path / "wide",
        "train",
        images,
        np.stack([labels, labels, *[labels + 100] * 6], axis=1).astype(np.int32),
    )
    idxio.export_dataset(tmp_path / "wide", tmp_path / "out", to="csv")
    idxio.import_dataset(tmp_path / "out", tmp_path / "back")
    assert_back(tmp_path / "back", "train", images, labels)


def test_one_of_several_datasets(tmp_path, small):
    for name, n in (("emnist-letters", 5), ("emnist-digits", 7)):
        for split in ("train", "test"):
            put(tmp_path / "emnist", f"{name}-{split}", *(array[:n] for array in small["train"]))
    with pytest.raises(idxio.IdxError, match="more than one dataset"):
        idxio.export_dataset(tmp_path / "emnist", tmp_path / "out.npz")
    idxio.export_dataset(tmp_path / "emnist", tmp_path / "out.npz", dataset="emnist-letters")
    with np.load(tmp_path / "out.npz") as loaded:
        assert {name: len(loaded[name]) for name in loaded} == {
            "x_train": 5,
            "y_train": 5,
            "x_test": 5,
            "y_test": 5,
        }


# --- what other programs write ---


def test_npz_with_labels_of_numpys_own_integers(tmp_path, small):
    images, labels = small["train"]
    np.savez(tmp_path / "a.npz", x_train=np.asfortranarray(images), y_train=labels.astype(np.int64))
    idxio.import_dataset(tmp_path / "a.npz", tmp_path / "back")
    assert_back(tmp_path / "back", "train", images, labels)
    assert len(os.listdir(tmp_path / "back")) == 2


@pytest.mark.parametrize(
    "text",
    [
        "label,1x1,1x2,2x1,2x2\n3,0,1,25,255\n4,7,8,9,10\n",
        "3,0,1,25,255\n4,7,8,9,10",
        "\ufefflabel,a,b,c,d\r\n3,0,1,25,255\r\n4,7,8,9,10\r\n",
        "\ufeff3,0,1,25,255\r\n4,7,8,9,10\r\n",
        '"label","a","b","c","d"\n"3", 0,1,25 ,"255"\n\n4,07,008,9,10\n\n',
    ],
)
def test_csv_in_its_dialects(tmp_path, text):
    (tmp_path / "my_test.csv").write_bytes(text.encode())
    idxio.import_dataset(tmp_path / "my_test.csv", tmp_path / "back", labels=0)
    images = np.array([[[0, 1], [25, 255]], [[7, 8], [9, 10]]], np.uint8)
    assert_back(tmp_path / "back", "t10k", images, np.array([3, 4], np.uint8))


def test_parquet_in_shards(tmp_path, small):
    images, labels = small["train"]
    os.mkdir(tmp_path / "hub")
    for shard, rows in enumerate((slice(0, 13), slice(13, 30))):
        pictures = []
        for image in images[rows]:
            png = io.BytesIO()
            Image.fromarray(image).save(png, "PNG")
            pictures.append({"bytes": png.getvalue(), "path": "x.png"})
        table = pyarrow.table(
            {"image": pictures, "label": pyarrow.array(labels[rows], pyarrow.int8())}
        )
        pyarrow.parquet.write_table(table, tmp_path / "hub" / f"train-{shard:05}-of-00002.parquet")
    idxio.import_dataset(tmp_path / "hub", tmp_path / "back")
    assert_back(tmp_path / "back", "train", images, labels)


# --- memory ---


@pytest.mark.parametrize("to", ["npz", "csv"])
def test_memory_stays_constant(tmp_path, to):
    """31 MB of pixels go through in half of that; pictures take too long for that here."""
    put(
        tmp_path / "data", "train", np.zeros((40_000, 28, 28), np.uint8), np.zeros(40_000, np.uint8)
    )
    tracemalloc.start()
    try:
        idxio.export_dataset(tmp_path / "data", target(tmp_path, to), to=to, threads=1)
        exported = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        idxio.import_dataset(target(tmp_path, to), tmp_path / "back", level=1, threads=1)
        imported = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert max(exported, imported) < 16 << 20
    assert zlib.crc32(idxio.read(tmp_path / "back" / "train-images-idx3-ubyte.gz")) == zlib.crc32(
        bytes(31_360_000)
    )


# --- nothing half there ---


@pytest.mark.parametrize("to", FORMATS)
def test_a_bad_second_split_leaves_nothing(tmp_path, small, to):
    path = tmp_path / "data" / "t10k-images-idx3-ubyte"
    whole = path.read_bytes()
    bad = bytearray(gzip.compress(whole))
    bad[-30] ^= 255
    path.write_bytes(bad)
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(idxio.IdxError):
        idxio.export_dataset(tmp_path / "data", target(tmp_path, to), to=to)
    assert sorted(os.listdir(tmp_path)) == before


def test_a_bad_second_file_imports_nothing(tmp_path, small):
    idxio.export_dataset(tmp_path / "data", tmp_path / "out", to="csv")
    with open(tmp_path / "out" / "test.csv", "a") as file:
        file.write("1,2\n")
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(idxio.IdxError, match=r"test\.csv: line 13 has 2 columns, expected 17"):
        idxio.import_dataset(tmp_path / "out", tmp_path / "back")
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.usefixtures("small")
def test_a_folder_with_something_in_it_stays(tmp_path):
    os.mkdir(tmp_path / "mine")
    (tmp_path / "mine" / "thesis").write_text("x")
    idxio.export_dataset(tmp_path / "data", tmp_path / "a.npz")
    for call in (
        lambda: idxio.export_dataset(tmp_path / "data", tmp_path / "mine", to="csv"),
        lambda: idxio.import_dataset(tmp_path / "a.npz", tmp_path / "mine"),
    ):
        with pytest.raises(FileExistsError, match="not empty"):
            call()
    assert os.listdir(tmp_path / "mine") == ["thesis"]
    os.mkdir(tmp_path / "empty")
    idxio.import_dataset(tmp_path / "a.npz", tmp_path / "empty")
    assert len(os.listdir(tmp_path / "empty")) == 4


@pytest.mark.usefixtures("small")
def test_an_old_npz_stays_if_the_new_one_fails(tmp_path):
    (tmp_path / "a.npz").write_text("old")
    path = tmp_path / "data" / "t10k-images-idx3-ubyte"
    path.write_bytes(gzip.compress(path.read_bytes())[:-9])
    with pytest.raises(idxio.IdxError):
        idxio.export_dataset(tmp_path / "data", tmp_path / "a.npz")
    assert (tmp_path / "a.npz").read_text() == "old"


# --- what is wrong is said ---


def npz(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)


def npy(array=None, *, shape=None, descr="|u1", data=b""):
    file = io.BytesIO()
    if array is not None:
        np.save(file, array)
    else:
        np.lib.format.write_array_header_1_0(
            file, {"descr": descr, "fortran_order": False, "shape": shape}
        )
        file.write(data)
    return file.getvalue()


LABELS = npy(np.zeros(3, np.uint8))
IMAGES = npy(np.zeros((3, 2, 2), np.uint8))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"x_train": IMAGES, "x_test": IMAGES, "y_test": LABELS}, "has no array y_train"),
        ({"a": IMAGES, "b": LABELS}, "has the arrays a,b; expected x_train.*--images, --labels"),
        (
            {"x_train": IMAGES, "y_train": npy(np.zeros(4, np.uint8))},
            "3 records in x_train, 4 in y_train",
        ),
        (
            {"x_train": IMAGES, "y_train": npy(np.zeros(3))},
            "float64 in y_train; labels are integers",
        ),
        (
            {"x_train": IMAGES, "y_train": npy(np.array([0, 1, -7]))},
            "label -7 at record 2 of the train split",
        ),
        (
            {"x_train": IMAGES, "y_train": npy(np.array([0, 2**31, 1]))},
            "label 2147483648 at record 1",
        ),
        (
            {"x_train": npy(np.zeros((3, 2, 2), np.int64)), "y_train": LABELS},
            "x_train: holds int64; IDX has",
        ),
        (
            {"x_train": npy(np.zeros((3, 2, 2), bool)), "y_train": LABELS},
            "x_train: holds bool; IDX has",
        ),
        ({"x_train": b"PNG", "y_train": LABELS}, "x_train: is no .npy array"),
        ({"x_train": npy(np.uint8(3)), "y_train": LABELS}, r"x_train: has the shape \(\)"),
        (
            {"x_train": npy(shape=(3, 2**40), data=b"x"), "y_train": LABELS},
            "x_train: has 1 bytes of elements; .*promises",
        ),
        ({"x_train": IMAGES + b"x", "y_train": LABELS}, "x_train: has more bytes than its header"),
        ({"x_train": npy(shape=(3, -2)), "y_train": LABELS}, r"x_train: has the shape \(3, -2\)"),
        (
            {"x_train": IMAGES, "y_train": npy(shape=(3,), descr="|S0")},
            r"y_train: holds \|S0, elements of no bytes",
        ),
    ],
)
def test_bad_npz(tmp_path, members, message):
    npz(tmp_path / "a.npz", **members)
    with pytest.raises(idxio.IdxError, match=rf"a\.npz: .*{message}"):
        idxio.import_dataset(tmp_path / "a.npz", tmp_path / "back")
    assert os.listdir(tmp_path) == ["a.npz"]


def test_pickles_are_never_loaded(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    trap = np.array([Trap()], dtype=object)
    np.save(tmp_path / "a.npy", trap, allow_pickle=True)
    np.savez(tmp_path / "a.npz", x_train=trap, y_train=np.zeros(1, np.uint8))
    for name in ("a.npy", "a.npz"):
        with pytest.raises(idxio.IdxError, match="holds Python objects"):
            idxio.import_dataset(tmp_path / name, tmp_path / "back")
    assert sorted(os.listdir(tmp_path)) == ["a.npy", "a.npz"]


@pytest.mark.parametrize("damage", [slice(40, 44), slice(-40, None), slice(70, 78)])
def test_a_damaged_npz(tmp_path, damage):
    images = np.random.default_rng(1).integers(0, 256, (50, 9, 9), np.uint8)
    np.savez_compressed(tmp_path / "a.npz", x_train=images, y_train=np.zeros(50, np.uint8))
    data = bytearray((tmp_path / "a.npz").read_bytes())
    data[damage] = bytes(byte ^ 255 for byte in data[damage])
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(idxio.IdxError, match=r"a\.npz"):
        idxio.import_dataset(tmp_path / "a.npz", tmp_path / "back")
    assert os.listdir(tmp_path) == ["a.npz"]


@pytest.mark.parametrize("at", [-24, -10, -6, -5, -4])
def test_an_npz_whose_places_are_wrong(tmp_path, at):
    """zipfile raises many kinds of errors for these."""
    np.savez(tmp_path / "a.npz", x_train=np.zeros((3, 8, 8), np.uint8), y_train=[0, 1, 2])
    whole = (tmp_path / "a.npz").read_bytes()
    for bit in range(8):
        data = bytearray(whole)
        data[at] ^= 1 << bit
        (tmp_path / "a.npz").write_bytes(data)
        with contextlib.suppress(idxio.IdxError):
            idxio.import_dataset(tmp_path / "a.npz", tmp_path / f"back{bit}")
        data[-3] |= 128  # a place before the start of the file
        (tmp_path / "a.npz").write_bytes(data)
        with pytest.raises(idxio.IdxError, match=r"a\.npz: "):
            idxio.import_dataset(tmp_path / "a.npz", tmp_path / "none")


def test_an_npz_whose_table_is_cut(tmp_path):
    """zipfile finds the first array alone, which would become a dataset without labels."""
    np.savez(tmp_path / "a.npz", x_train=np.zeros((3, 8, 8), np.uint8), y_train=[0, 1, 2])
    data = (tmp_path / "a.npz").read_bytes()
    end = data.rindex(b"PK\5\6")
    second = data.rindex(b"PK\1\2")
    first = data.index(b"PK\1\2")
    size = (second - first).to_bytes(4, "little")
    cut = data[:second] + data[end : end + 12] + size + data[end + 16 :]
    (tmp_path / "a.npz").write_bytes(cut)
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert archive.namelist() == ["x_train.npy"]
    with pytest.raises(idxio.ChecksumError, match="it states 2 members, and its table has 1"):
        idxio.import_dataset(tmp_path / "a.npz", tmp_path / "back")


def test_a_promise_that_the_packed_bytes_cannot_hold(tmp_path):
    """A terabyte of claimed records is refused before memory for one is taken."""
    npz(
        tmp_path / "a.npz",
        x_train=npy(shape=(1, 2**40), data=bytes(1000)),
        y_train=npy(np.zeros(1, np.uint8)),
    )
    data = (tmp_path / "a.npz").read_bytes()
    entry = zipfile.ZipFile(tmp_path / "a.npz").getinfo("x_train.npy")
    # In both headers of the archive, the size is made 4 GB.
    size = entry.file_size.to_bytes(4, "little")
    (tmp_path / "a.npz").write_bytes(data.replace(size, b"\xfe\xff\xff\xff"))
    header = npy(shape=(1, 2**31))
    assert len(header) == len(npy(shape=(1, 2**40)))
    with pytest.raises(idxio.IdxError, match=r"x_train: has [0-9,]{1,7} bytes of elements"):
        idxio.import_dataset(tmp_path / "a.npz", tmp_path / "back")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (npy(np.zeros((3, 2), np.complex64)), "holds complex64; IDX has"),
        (
            npy(shape=(2**20, 2**20), data=b"abc"),
            "has 3 bytes of elements; .* promises 1,099,511,627,776",
        ),
        (npy(shape=(2,), data=b"abc"), "has 3 bytes of elements; .* promises 2"),
        (b"\x93NUMPY\x01\x00\x05\x00{'a':", "is no .npy array"),
        (b"\x93NUMPY\x09\x00\x05\x00{'a':", "is no .npy array"),
    ],
)
def test_bad_npy(tmp_path, data, message):
    (tmp_path / "a.npy").write_bytes(data)
    with pytest.raises(idxio.IdxError, match=rf"a\.npy: {message}"):
        idxio.import_dataset(tmp_path / "a.npy", tmp_path / "b")
    assert os.listdir(tmp_path) == ["a.npy"]


@pytest.mark.parametrize("where", [0, 1, 2])
def test_a_csv_line_that_never_ends(tmp_path, where, monkeypatch):
    """Its bytes are held once, and no field of it is made."""
    most = 1 << 20
    monkeypatch.setattr("idxio.convert.formats.csv_table.MAX_LINE", most)
    monkeypatch.setattr("idxio.convert.formats.csv_table._TEXT", 1 << 12)
    lines = ["label,a,b,c,d", "1,2,3,4,5", "1,2,3,4,5"]
    lines[where:] = ["1," * most]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    tracemalloc.start()
    try:
        with pytest.raises(idxio.FormatError, match="has a line longer than 1,048,576 bytes"):
            idxio.import_dataset(tmp_path / "a.csv", tmp_path / "back")
        assert tracemalloc.get_traced_memory()[1] < 4 * most
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("heading", ["", "label,a,b,c,d\n"])
def test_csv_lines_that_are_longer_together(tmp_path, heading, monkeypatch):
    monkeypatch.setattr("idxio.convert.formats.csv_table.MAX_LINE", 40)
    monkeypatch.setattr("idxio.convert.formats.csv_table._TEXT", 7)
    lines = [f"{k % 3},{k:030},2,3,4" for k in range(20)]
    (tmp_path / "a.csv").write_text(heading + "\n".join(lines))
    idxio.import_dataset(tmp_path / "a.csv", tmp_path / "back")
    images = idxio.load(tmp_path / "back").images[:]
    assert images[:, 0, 0].tolist() == [*range(20)]


HEADING = "label,a,b,c,d\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("label\n1\n", "has one column"),
        ("label;a;b\n1;2;3\n", "has 2 pixels in a line, which make no square"),
        ("label a b\n1 2 3\n", "expected label,pixel0"),
        ("pixel0,pixel1\n1,2\n", "has 2 pixels in a line, which make no square"),
        ("a,b,c,d\n1,2,3,4\n", "expected label,pixel0"),
        ("<!DOCTYPE html>\n", "looks like an HTML or XML page"),
        ("label,a,b\n1,2,3\n", "has 2 pixels in a line, which make no square"),
        (HEADING + "1,2,3,4,5\n" * 9 + "1,2,3,4\n", "line 11 has 4 columns, expected 5"),
        (HEADING + "1,2,3,4,5,6\n", "line 2 has 6 columns, expected 5"),
        (HEADING + "1,2,3,4,5\n\n1,2,3,256,5\n1,2\n", "line 4: .*'256' to uint8 in column 4"),
        (HEADING + "1,2,3,-4,5\n", "line 2: .*'-4'"),
        (HEADING + "1,2,3,0.5,5\n", "line 2: .*'0.5'"),
        (HEADING + "1,2,,4,5\n", "line 2: .*''"),
        (HEADING + "1,2,3,4,5\ncat,2,3,4,5\n", "line 3: .*'cat' to int64 in column 1"),
        (HEADING + "cat,2,3,4,5\n1,2,3,4,5\n", "line 3 has the label '1', a number, and line 2"),
        (HEADING + "cat,2,3,4,5\n,2,3,4,5\n", "line 3 has no label"),
        (HEADING + "1,2,3,4_0,5\n", "line 2: .*'4_0' to uint8"),
        (HEADING + "1,2,3,-0.0,1e9\n", "line 2: .*'1e9' to uint8"),
        (HEADING + "1,2,3,٣,5\n", "line 2: .*'٣' to uint8"),
        (HEADING + "1e30,2,3,4,5\n", "line 2: .*'1e30' to int64"),
        (HEADING + "1,2,3,4,5\n-1,2,3,4,5\n", "label -1 at record 1"),
        (HEADING + '1,2,3,4,"5\n1,2,3,4,5\n', "line [23]"),
        (HEADING + "1,2,3,4,5\r1,2,3,4,5\n", "line 2"),
        (HEADING + "1,2,3,4,\x00\n", "line 2"),
    ],
)
def test_bad_csv(tmp_path, text, message):
    (tmp_path / "a.csv").write_text(text, newline="")
    with pytest.raises(idxio.IdxError, match=rf"a\.csv: .*{message}"):
        idxio.import_dataset(tmp_path / "a.csv", tmp_path / "back")
    assert os.listdir(tmp_path) == ["a.csv"]


@given(st.binary(max_size=40), st.booleans())
def test_any_text_is_a_table_or_an_error(data, has_heading):
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        Path(folder, "a.csv").write_bytes(HEADING.encode() * has_heading + data)
        try:
            idxio.import_dataset(f"{folder}/a.csv", f"{folder}/back")
        except idxio.IdxError as error:
            problem = error
        else:
            return
        assert "a.csv" in str(problem)


def test_csv_of_another_shape(tmp_path):
    (tmp_path / "a.csv").write_text("label,a,b,c,d\n1,2,3,4,5\n")
    with pytest.raises(idxio.IdxError, match=r"4 pixels in a line, not the 6 of shape \(2, 3\)"):
        idxio.import_dataset(tmp_path / "a.csv", tmp_path / "back", shape=(2, 3))


def test_two_csv_files_for_one_split(tmp_path):
    for name in ("train.csv", "train-2.csv", "test.csv"):
        (tmp_path / name).write_text("label,a\n1,2\n")
    with pytest.raises(
        idxio.IdxError,
        match=r"more than one file for the split train, .*: train-2\.csv, train\.csv",
    ):
        idxio.import_dataset(tmp_path, tmp_path / "back")


def spoil(path, data):
    path.write_bytes(data)


def picture(mode, size=(4, 4)):
    png = io.BytesIO()
    Image.new(mode, size).save(png, "PNG")
    return png.getvalue()


def one(folder, number):
    return next((folder / "train").glob(f"*/{number:05}.png"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda out: one(out, 7).unlink(),
            r"has no picture 00007.png in any class, but has [0-2]/00029.png",
        ),
        (lambda out: one(out, 29).unlink(), r"train: holds 29 pictures, expected 30"),
        (
            lambda out: one(out, 7).rename(one(out, 7).with_name("00030.png")),
            "has no picture 00007.png in any class",
        ),
        (lambda out: spoil(one(out, 7), b""), r"00007\.png is empty"),
        (lambda out: spoil(one(out, 7), picture("L")[:-14]), r"00007\.png is no picture"),
        (lambda out: spoil(one(out, 7), picture("RGBA")), r"00007\.png has the mode RGBA"),
        (lambda out: spoil(one(out, 7), picture("1")), r"00007\.png has the mode 1"),
        (
            lambda out: spoil(one(out, 7), picture("L", (4, 5))),
            r"00007\.png has the shape \(5, 4\), the first",
        ),
        (
            lambda out: spoil(one(out, 7), picture("RGB")),
            r"00007\.png has the shape \(4, 4, 3\), the first",
        ),
        (
            lambda out: one(out, 7).rename(one(out, 7).with_name("shoe.png")),
            "holds '[0-9]/shoe.png', expected names",
        ),
        (lambda out: (out / "train" / "shoes").mkdir(), "holds 'shoes', expected folders"),
        (lambda out: spoil(out / "train" / "0" / "00001.png", b""), "has record 1 twice"),
        (
            lambda out: (out / "more").mkdir(),
            "has the folder more, of which dataset.json does not tell",
        ),
    ],
)
def test_bad_png_folders(tmp_path, small, change, message):
    small["train"][1][1] = 1
    put(tmp_path / "data", "train", *small["train"])
    idxio.export_dataset(tmp_path / "data", tmp_path / "out", to="png")
    change(tmp_path / "out")
    with pytest.raises(idxio.IdxError, match=message):
        idxio.import_dataset(tmp_path / "out", tmp_path / "back")
    assert sorted(os.listdir(tmp_path)) == ["data", "out"]


@pytest.fixture
def helpers_read_pngs(tmp_path, small, monkeypatch):
    monkeypatch.setattr("idxio.convert.process_pool._WORTH", 0)
    monkeypatch.setattr("idxio.convert.formats.png_folder._BATCH", 4)
    idxio.export_dataset(tmp_path / "data", tmp_path / "out", to="png")


@pytest.mark.usefixtures("helpers_read_pngs")
def test_helper_processes_read_png_folders(tmp_path, small):
    before, seen = set(children(os.getpid())), set()
    idxio.import_dataset(
        tmp_path / "out",
        tmp_path / "back",
        threads=2,
        progress=lambda *_: seen.update(children(os.getpid())),
    )
    assert len(seen - before) == 4  # two for each split
    assert set(children(os.getpid())) <= before
    for split, data in small.items():
        assert_back(tmp_path / "back", split, *data)


@pytest.mark.usefixtures("helpers_read_pngs")
def test_helper_processes_that_read_end_with_a_failure(tmp_path):
    before = set(children(os.getpid()))

    def fail(done, total):
        if done > 8:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        idxio.import_dataset(tmp_path / "out", tmp_path / "back", threads=2, progress=fail)
    assert set(children(os.getpid())) <= before  # also while the exception holds the frames
    assert caught.value.__traceback__ is not None
    spoil(one(tmp_path / "out", 17), b"")
    with pytest.raises(idxio.FormatError, match=r"train: [0-2]/00017\.png is empty"):
        idxio.import_dataset(tmp_path / "out", tmp_path / "back", threads=2)
    assert sorted(os.listdir(tmp_path)) == ["data", "out"]


GREY, NINE = picture("L"), picture("L", (9, 9))
NONE = pyarrow.array([], pyarrow.struct([("bytes", pyarrow.binary())]))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"photo": [{"bytes": GREY}], "label": [1]}, "has the columns photo, label; expected image and label.*--images"),
        ({"image": [{"bytes": GREY}], "kind": [1]}, "has the columns image, kind; expected image and label.*--labels"),
        ({"image": [{"bytes": GREY}], "y": [1], "target": [1]}, "more than one column of labels: y, target"),
        ({"image": ["a.png"], "label": [1]}, "has string in the column image, expected picture files"),
        ({"image": [{"bytes": GREY}], "label": [1.5]}, "has double in the column label, expected integers"),
        ({"image": [{"bytes": GREY}] * 2, "label": ["cat", ""]}, "row 1 has no label"),
        ({"image": [[1, 2, 3, 256]], "label": [1]}, "256 is no pixel from 0 to 255"),
        ({"image": [[1, 2, 3, 0.5]], "label": [1]}, "0.5 is no pixel from 0 to 255"),
        ({"image": [[1, 2], [1]], "label": [1, 2]}, "a list of another length"),
        ({"image": [["a", "b"]], "label": [1]}, "expected numbers from 0 to 255"),
        ({"image": [{"bytes": GREY}] * 2, "label": [1, None]}, "row 1 has no label"),
        ({"image": [{"bytes": GREY}, {"bytes": None}], "label": [1, 2]}, "row 1 has no picture in its bytes"),
        ({"image": [{"bytes": GREY}, None], "label": [1, 2]}, "row 1 has no picture in its bytes"),
        ({"image": [{"bytes": GREY}, {"bytes": b"x"}], "label": [1, 2]}, "row 1 is no picture"),
        ({"image": [{"bytes": GREY}, {"bytes": NINE}], "label": [1, 2]}, r"row 1 has the shape \(9, 9\)"),
        ({"image": [{"bytes": GREY}], "label": [-3]}, "label -3 at record 0"),
        ({"image": NONE, "label": pyarrow.array([], "int64")}, "has no rows"),
    ],
)  # fmt: skip
def test_bad_parquet(tmp_path, columns, message):
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    with pytest.raises(idxio.IdxError, match=rf"a\.parquet: .*{message}"):
        idxio.import_dataset(tmp_path / "a.parquet", tmp_path / "back")
    assert os.listdir(tmp_path) == ["a.parquet"]


def test_a_parquet_column_whose_name_is_no_utf_8(tmp_path):
    table = pyarrow.table({"image": [[1, 2, 3, 4]], "labelx": [0]})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet", store_schema=False)
    data = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(data.replace(b"labelx", b"label\xff"))
    with pytest.raises(idxio.IdxError, match=r"a\.parquet: .*(UTF-?8|utf-?8)"):
        idxio.import_dataset(tmp_path / "a.parquet", tmp_path / "back")


@pytest.mark.parametrize("cut", [5, 300, -9])
def test_a_cut_parquet(tmp_path, small, cut):
    idxio.export_dataset(tmp_path / "data", tmp_path / "out", to="parquet")
    path = tmp_path / "out" / "test-00000-of-00001.parquet"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(idxio.IdxError, match="can't be read as Parquet"):
        idxio.import_dataset(path, tmp_path / "back")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\0\0\x08\x01\0\0\0\x01a", "is an IDX file already"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x01a", mtime=0), "is an IDX file already"),
        (gzip.compress(b"\x93NUMPY\x01\0", mtime=0), "is no CSV file but a .npy file"),
        (
            gzip.compress(gzip.compress(b"label,a\n", mtime=0), mtime=0),
            "is no CSV file but gzip inside another",
        ),
        (b"\x1f\x8b\x08", "ends inside the header of gzip"),
        (b"\x89PNG\r\n\x1a\n", "is no CSV file but a PNG"),
    ],
)
def test_another_file_is_named(tmp_path, data, message):
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(idxio.IdxError, match=message):
        idxio.import_dataset(tmp_path / "a", tmp_path / "back")


def test_a_folder_of_something_else(tmp_path):
    (tmp_path / "shoes").mkdir()
    with pytest.raises(idxio.IdxError, match="has shoes; expected"):
        idxio.import_dataset(tmp_path, tmp_path / "back")


@pytest.mark.parametrize(
    ("images", "labels", "to", "message"),
    [
        (np.zeros((3, 2, 2), np.int16), [0, 1, 2], "csv", "holds int16; CSV takes uint8"),
        (np.zeros((3, 2, 2), np.float32), [0, 1, 2], "png", "holds float32; PNG takes uint8"),
        (np.zeros((3, 2, 2, 2), np.uint8), [0, 1, 2], "png", "PNG takes pictures"),
        (np.zeros((3, 2, 2, 1), np.uint8), [0, 1, 2], "parquet", "Parquet takes pictures"),
        (np.zeros((3, 0, 2), np.uint8), [0, 1, 2], "csv", "no pixels"),
        (np.zeros((3, 2, 2), np.uint8), [0, -1, 2], "csv", "label -1 at record 1"),
    ],
)
def test_what_a_format_cannot_hold(tmp_path, images, labels, to, message):
    put(tmp_path / "data", "train", images, np.array(labels, np.int8))
    with pytest.raises(idxio.IdxError, match=message):
        idxio.export_dataset(tmp_path / "data", tmp_path / "out", to=to)
    assert os.listdir(tmp_path) == ["data"]


@pytest.mark.usefixtures("small")
def test_half_a_split_is_not_left_out(tmp_path):
    (tmp_path / "data" / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError, match="has no labels that belong to t10k-images"):
        idxio.export_dataset(tmp_path / "data", tmp_path / "out.npz")


@pytest.mark.parametrize("to", [None, "jpg"])
@pytest.mark.usefixtures("small")
def test_an_unknown_format(tmp_path, to):
    with pytest.raises(ValueError, match="to is one of npz, csv"):
        idxio.export_dataset(tmp_path / "data", tmp_path / "out", to=to)


def test_a_flipped_bit_in_a_picture_is_noticed(tmp_path, small):
    """Pillow alone takes 4 % of such pictures, and gives other pixels."""
    idxio.export_dataset(tmp_path / "data", tmp_path / "out", to="png")
    path = one(tmp_path / "out", 7)
    whole = path.read_bytes()
    for position in range(33, len(whole) - 12, 3):  # from the header's end to the last chunk
        data = bytearray(whole)
        data[position] ^= 1
        path.write_bytes(data)
        with pytest.raises(idxio.IdxError, match=r"00007\.png"):
            idxio.import_dataset(tmp_path / "out", tmp_path / "back")


def test_rows_are_counted_across_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("idxio.convert.formats.csv_table._TEXT", 10)
    monkeypatch.setattr("idxio.convert.formats.parquet._ROWS", 2)
    (tmp_path / "a.csv").write_text("label,a\n" + "1,2\n\n" * 20 + "1,x\n")
    with pytest.raises(idxio.IdxError, match=r"line 42: .*'x'"):
        idxio.import_dataset(tmp_path / "a.csv", tmp_path / "back")
    pictures = [{"bytes": GREY}] * 7 + [{"bytes": None}]
    pyarrow.parquet.write_table(
        pyarrow.table({"image": pictures, "label": [1] * 8}), tmp_path / "a.parquet"
    )
    with pytest.raises(idxio.IdxError, match="row 7 has no picture"):
        idxio.import_dataset(tmp_path / "a.parquet", tmp_path / "back")


@pytest.mark.parametrize(("most", "word"), [(255, "ubyte"), (256, "int")])
def test_labels_are_bytes_if_all_fit(tmp_path, most, word):
    (tmp_path / "a.csv").write_text(f"label,a\n0,2\n{most},3\n")
    idxio.import_dataset(tmp_path / "a.csv", tmp_path / "back")
    assert idxio.read(tmp_path / "back" / f"train-labels-idx1-{word}.gz").tolist() == [0, most]


@given(st.data())
def test_the_fast_parser_agrees_with_pythons(data):
    """Or leaves the text to it."""
    columns = data.draw(st.integers(2, 4))
    field = st.integers(0, 300).map(str) | st.sampled_from(
        ["", " 7", "-1", "007", "0007", "1.0", "99999999999999999999"]
    )
    count = st.sampled_from([columns] * 9 + [columns - 1, columns + 1])
    line = count.flatmap(lambda n: st.lists(field, min_size=n, max_size=n)).map(",".join)
    ends = st.sampled_from(["\n"] * 9 + ["\r\n", "\n\n", "\r", "\r\r\n"])
    text = "".join(
        data.draw(line) + data.draw(ends) for _ in range(data.draw(st.integers(0, 4)))
    ).encode()
    labels, pixels = np.full(9, 77), np.zeros((9, columns - 1), np.uint8)
    found = csv_parser.parse_lines(text, labels, pixels)
    if found < 0:
        return
    table = csv_columns.Table(
        columns, ",", 1, label=0, pixels=range(1, columns), shape=(columns - 1,)
    )
    expected = csv_records._parse_any(text, table, "a.csv", 1, None)
    assert labels[:found].tolist() == expected[0].tolist()
    assert pixels[:found].tolist() == expected[1].tolist()
    assert (labels[found:] == 77).all()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"", 0),
        (b"1,2,3\n255,255,255\r\n", 2),
        (b"999999999999999999,0,000\n", 1),
        (b"1,2,3", -1),
        (b"1,2,3\r", -1),
        (b"1,2", -1),
        (b"1,", -1),
        (b"1", -1),
        (b"1,2,256\n", -1),
        (b"1,2,0255\n", -1),
        (b"1,2\n3,4\n", -1),
        (b"1,2,3,4\n", -1),
        (b"1,2,3\n\n", -1),
        (b"1,2,3\n" * 5, -1),
    ],
)
def test_the_fast_parser_by_itself(text, found):
    assert csv_parser.parse_lines(text, np.empty(4, np.int64), np.empty((4, 2), np.uint8)) == found


def test_the_fast_parser_takes_whole_arrays_only():
    with pytest.raises(ValueError, match="one row for each line"):
        csv_parser.parse_lines(b"1,2\n", np.empty(4, np.int64), np.empty((3, 1), np.uint8))
    with pytest.raises(ValueError, match="one row for each line"):
        csv_parser.parse_lines(b"1\n", np.empty(1, np.int64), np.empty((1, 0), np.uint8))


def test_plain_csv_takes_the_fast_parser(tmp_path, small, monkeypatch):
    idxio.export_dataset(tmp_path / "data", tmp_path / "out", to="csv")
    monkeypatch.setattr(csv_records, "_parse_any", None)
    idxio.import_dataset(tmp_path / "out", tmp_path / "back")
    assert_back(tmp_path / "back", "train", *small["train"])


# --- what is missing is noticed ---


def test_a_missing_shard(tmp_path, small):
    idxio.export_dataset(tmp_path / "data", tmp_path / "out", to="parquet")
    shard = tmp_path / "out" / "train-00000-of-00001.parquet"
    shard.rename(tmp_path / "out" / "train-00001-of-00002.parquet")
    with pytest.raises(idxio.FormatError, match=r"no train-00000-of-00002\.parquet; 1 of 2"):
        idxio.import_dataset(tmp_path / "out", tmp_path / "back")
    # one that was named
    idxio.import_dataset(tmp_path / "out" / "train-00001-of-00002.parquet", tmp_path / "back")


def test_a_missing_or_double_split_of_png_folders(tmp_path, small):
    idxio.export_dataset(tmp_path / "data", tmp_path / "out", to="png")
    shutil.copytree(tmp_path / "out" / "test", tmp_path / "out" / "t10k")
    with pytest.raises(idxio.FormatError, match="both t10k and test"):
        idxio.import_dataset(tmp_path / "out", tmp_path / "back")
    for name in ("test", "t10k"):
        shutil.rmtree(tmp_path / "out" / name)
    with pytest.raises(idxio.FormatError, match="no folder test"):
        idxio.import_dataset(tmp_path / "out", tmp_path / "back")
    for records in ("[]", "null", "5", '{"train": "30"}'):
        (tmp_path / "out" / "dataset.json").write_text(f'{{"records": {records}}}')
        with pytest.raises(idxio.FormatError, match="no object of numbers"):
            idxio.import_dataset(tmp_path / "out", tmp_path / "back")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_among_the_pictures(tmp_path, small):
    idxio.export_dataset(tmp_path / "data", tmp_path / "out", to="png")
    path = next((tmp_path / "out" / "train").glob("*/00003.png"))
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(idxio.FormatError, match=r"00003\.png: is a named pipe"):
        idxio.import_dataset(tmp_path / "out", tmp_path / "back")


@pytest.mark.parametrize("to", ["png", "parquet"])
def test_a_split_of_no_pictures_is_refused(tmp_path, small, to):
    put(tmp_path / "data", "t10k", np.zeros((0, 4, 4), np.uint8), np.zeros(0, np.uint8))
    with pytest.raises(idxio.FormatError, match="holds no pictures"):
        idxio.export_dataset(tmp_path / "data", tmp_path / "out", to=to)


def test_a_dataset_in_memory_is_no_directory(tmp_path):
    dataset = idxio.Dataset(np.zeros((1, 2, 2), np.uint8), [0])
    with pytest.raises(TypeError, match=r"not a Dataset in memory: .*idxio\.write first"):
        idxio.export_dataset(dataset, tmp_path / "mnist.npz")
