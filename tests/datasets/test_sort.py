"""write_sorted: the order of the labels, in two files that appear together."""

import gzip
import io
import os
import subprocess
import sys

import idx2numpy
import mnist
import numpy as np
import pytest
from helpers import TYPES, assert_same, encode
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import idxio
from idxio.cli.main import main
from idxio.core.selection import Selection
from idxio.datasets import sort

N = 300
IMAGES = np.random.default_rng(0).integers(0, 256, (N, 6, 5), np.uint8)
LABELS = np.random.default_rng(1).integers(0, 7, N).astype(np.uint8)
ORDER = np.argsort(LABELS, kind="stable")


@pytest.fixture
def files(tmp_path):
    return tmp_path / "images.gz", tmp_path / "labels.gz"


@given(
    labels=st.sampled_from(["uint8", "int8", "int16", "int32"]).flatmap(
        lambda dtype: arrays.arrays(dtype, st.integers(0, 60))
    ),
    dtype=st.sampled_from(TYPES),
    big_endian=st.booleans(),
    compression=st.sampled_from(["raw", "gzip"]),
)
def test_the_order_is_numpys(labels, dtype, big_endian, compression):
    images = np.arange(2 * len(labels)).reshape(-1, 2).astype(dtype)
    stored = images.astype(images.dtype.newbyteorder(">")) if big_endian else images
    files = io.BytesIO(), io.BytesIO(), io.BytesIO()
    order = idxio.write_sorted(
        *files[:2], stored, labels, compression=compression, order_file=files[2]
    )
    expected = np.argsort(labels, kind="stable")
    assert order.tolist() == expected.tolist()
    unpacked = [
        gzip.decompress(f.getvalue()) if compression == "gzip" else f.getvalue() for f in files
    ]
    assert unpacked == [
        encode(images[expected]),
        encode(labels[expected]),
        encode(expected.astype(np.int32)),
    ]


def kinds(tmp_path):
    idxio.write(tmp_path / "given", IMAGES)
    idxio.write(tmp_path / "given.gz", IMAGES)
    (tmp_path / "stock.gz").write_bytes(gzip.compress(encode(IMAGES)))
    return {
        "array": IMAGES,
        "list": IMAGES.tolist() and [list(map(np.uint8, row)) for row in IMAGES.reshape(N, 30)],
        "memmap": np.memmap(tmp_path / "given", np.uint8, "r", 16, IMAGES.shape),
        "fortran": np.asfortranarray(IMAGES),
        "transposed": np.ascontiguousarray(IMAGES.swapaxes(1, 2)).swapaxes(1, 2),
        "raw path": tmp_path / "given",
        "path": tmp_path / "given.gz",
        "opened": idxio.open(tmp_path / "given.gz"),
        "foreign": idxio.open(tmp_path / "stock.gz"),
        "bytes": encode(IMAGES),
        "file object": io.BytesIO(encode(IMAGES)),
        "array of a dataset": idxio.Dataset(IMAGES[::-1], LABELS)[::-1].images,
        "some of an array": Selection(np.concatenate([IMAGES[::-1], IMAGES]), np.arange(N)[::-1]),
        "upright": Selection(np.ascontiguousarray(IMAGES.swapaxes(1, 2)), range(N), upright=True),
        "some of a raw file": Selection(idxio.open(tmp_path / "given"), range(N)),
        "selection": Selection(idxio.open(tmp_path / "given.gz"), range(N)),
    }


@pytest.mark.parametrize("budget", [sort.BUDGET, 1000], ids=["decoded", "passes"])
def test_sources(budget, tmp_path, files, monkeypatch):
    monkeypatch.setattr(sort, "BUDGET", budget)
    for name, images in kinds(tmp_path).items():
        assert (idxio.write_sorted(*files, images, LABELS) == ORDER).all(), name
        expected = IMAGES[ORDER].reshape(N, 30) if name == "list" else IMAGES[ORDER]
        assert_same(idxio.read(files[0]), expected)
        assert_same(idxio.read(files[1]), LABELS[ORDER])


@pytest.mark.parametrize("budget", [sort.BUDGET, 1000], ids=["decoded", "passes"])
def test_merged(budget, tmp_path, files, monkeypatch):
    monkeypatch.setattr(sort, "BUDGET", budget)
    idxio.write(tmp_path / "x.gz", IMAGES[:100])
    idxio.write(tmp_path / "l.gz", LABELS[:100])
    idxio.write(tmp_path / "y", IMAGES[100:130])
    images = [tmp_path / "x.gz", tmp_path / "y", IMAGES[130:130], IMAGES[130:]]
    labels = [
        tmp_path / "l.gz",
        LABELS[100:130].tolist(),
        np.empty(0, np.uint8),
        LABELS[130:].astype(np.int16),
    ]
    labels[1] = np.array(labels[1], np.int8)
    assert (idxio.write_sorted(*files, images, labels) == ORDER).all()
    assert_same(idxio.read(files[0]), IMAGES[ORDER])
    assert_same(idxio.read(files[1]), LABELS[ORDER].astype(np.int16))


def test_in_place(files):
    idxio.write(files[0], IMAGES)
    idxio.write(files[1], LABELS)
    idxio.write_sorted(*files, *files)
    assert_same(idxio.read(files[0]), IMAGES[ORDER])
    first = [file.read_bytes() for file in files]
    assert (idxio.write_sorted(*files, *files) == np.arange(N)).all()
    assert [file.read_bytes() for file in files] == first
    assert sorted(os.listdir(files[0].parent)) == ["images.gz", "labels.gz"]


def test_bytes_do_not_depend_on_threads(files):
    images = np.random.default_rng(2).integers(0, 9, (60, 300, 300), np.uint8)
    found = set()
    for threads in (1, 2, 5):
        idxio.write_sorted(*files, images, LABELS[:60], threads=threads)
        found.add((files[0].read_bytes(), files[1].read_bytes()))
    assert len(found) == 1
    other = files[0].with_name("other.gz")
    idxio.write(other, images[np.argsort(LABELS[:60], kind="stable")])
    assert other.read_bytes() == files[0].read_bytes()


@pytest.mark.parametrize(("split", "most"), [("train", 115), ("test", 69)])
def test_label_files_are_small(split, most, fashion_mnist, files):
    """One deflate stream each: the paper's Table 1 says 140 and 92 bytes."""
    labels = idxio.load(fashion_mnist, split).labels
    idxio.write_sorted(*files, np.zeros(len(labels), np.uint8), labels)
    if "not built in" in idxio.show_config() and split == "train":
        most += 1  # zlib's best
    assert files[1].stat().st_size <= most
    assert gzip.decompress(files[1].read_bytes()) == encode(np.sort(labels))


def test_everyone_reads_them(fashion_mnist, tmp_path):
    given = idxio.load(fashion_mnist, "test")
    paths = [tmp_path / f"t10k-{name}-ubyte.gz" for name in ("images-idx3", "labels-idx1")]
    order = idxio.write_sorted(*paths, given.images, given.labels, level=1)
    whole = given.images[:][order]
    assert subprocess.run(
        ["gzip", "-dc", paths[0]], capture_output=True, check=True
    ).stdout == encode(whole)
    with gzip.open(paths[0]) as file:
        assert (idx2numpy.convert_from_file(file) == whole).all()
    images, labels = mnist.MNIST(str(tmp_path), gz=True).load_testing()
    assert labels.tolist() == np.sort(given.labels).tolist()
    assert (np.array(images[::1000]) == whole[::1000].reshape(-1, 784)).all()
    ds = idxio.load(tmp_path, "test")
    assert ds.is_sorted
    assert (ds.of_class(3) == whole[3000:4000]).all()


def test_a_long_label_file_is_cut_into_chunks(files):
    labels = np.random.default_rng(3).integers(0, 9, (1 << 20) + 1).astype(np.uint8)
    idxio.write_sorted(*files, np.zeros(len(labels), np.uint8), labels)
    assert (idxio.read(files[1]) == np.sort(labels)).all()
    assert files[1].read_bytes()[3] == 4  # a table


# Both or neither


def test_a_broken_source_leaves_the_old_files(files, tmp_path):
    (tmp_path / "x.gz").write_bytes(gzip.compress(encode(IMAGES))[:-9])
    for file in files:
        file.write_bytes(b"old")
    with pytest.raises(idxio.TruncatedError):
        idxio.write_sorted(*files, tmp_path / "x.gz", LABELS)
    assert [file.read_bytes() for file in files] == [b"old", b"old"]
    assert len(os.listdir(tmp_path)) == 3


@pytest.mark.parametrize(
    ("images", "labels", "error", "what"),
    [
        (IMAGES, LABELS[1:], ValueError, "there are 300 images and 299 labels"),
        (
            IMAGES,
            LABELS.repeat(2).reshape(-1, 2),
            ValueError,
            "labels of the shape .* neither one-hot nor",
        ),
        (IMAGES, LABELS.astype(np.float32), ValueError, "labels are float32"),
        (
            IMAGES,
            LABELS.tolist(),
            idxio.FormatError,
            r"IDX has no type for labels of int64.*astype\('uint8'\)",
        ),
        (
            IMAGES,
            LABELS.astype(np.uint64) << 40,
            idxio.FormatError,
            "fit into no integers of these; number the classes from 0",
        ),
        (
            IMAGES.astype(np.uint16),
            LABELS,
            idxio.FormatError,
            "IDX has no type for images of uint16",
        ),
        ([IMAGES], [LABELS, LABELS], ValueError, "labels are a list of 2 inputs and images are 1"),
        (IMAGES, [LABELS], ValueError, "images are no list"),
        (
            [IMAGES, IMAGES[:, 1:]],
            [LABELS, LABELS],
            ValueError,
            r"of shape \(5, 5\) and type uint8 can't be merged",
        ),
        (
            [IMAGES, IMAGES.astype(np.int16)],
            [LABELS, LABELS],
            ValueError,
            "type int16 can't be merged",
        ),
        (np.uint8(3), LABELS, ValueError, r"images of shape \(\)"),
        (None, LABELS, TypeError, "images and labels are arrays or files"),
    ],
)
def test_what_can_not_be_sorted(images, labels, error, what, files):
    with pytest.raises(error, match=what):
        idxio.write_sorted(*files, images, labels)
    assert not os.listdir(files[0].parent)


def test_targets_that_are_one_file(files, tmp_path):
    os.symlink(files[0], tmp_path / "link")
    for other in (files[0], os.fsencode(files[0]).decode(), tmp_path / "link"):
        with pytest.raises(ValueError, match="go to different files"):
            idxio.write_sorted(files[0], other, IMAGES, LABELS)
    with pytest.raises(ValueError, match="go to different files"):
        idxio.write_sorted(*files, IMAGES, LABELS, order_file=files[1])
    buffer = io.BytesIO()
    with pytest.raises(ValueError, match="go to different files"):
        idxio.write_sorted(buffer, buffer, IMAGES, LABELS)
    assert not buffer.getvalue()
    with pytest.raises(ValueError, match="level is 0 to 12"):
        idxio.write_sorted(*files, IMAGES, LABELS, level=13)
    with pytest.raises(ValueError, match=r"not \.xz"):
        idxio.write_sorted(files[0], tmp_path / "labels.xz", IMAGES, LABELS)
    assert os.listdir(tmp_path) == ["link"]


def test_progress(files):
    seen = []
    images = np.zeros((50, 100_000), np.uint8)
    idxio.write_sorted(
        *files, images, LABELS[:50], level=1, progress=lambda *args: seen.append(args)
    )
    assert len(seen) > 3
    assert seen == sorted(seen)
    assert seen[-1] == (images.nbytes, images.nbytes)


MEMORY = """
import sys
import numpy as np
import idxio
def status(key):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(key))
images = np.random.default_rng(0).integers(0, 30, (50_000, 784), np.uint8)
labels = (np.arange(50_000) % 10).astype(np.uint8)
source = images
if sys.argv[1] == "raw":
    idxio.write("given", images)
    source = "given"
    del images
idxio.write_sorted("a.gz", "b.gz", np.zeros((9, 9), np.uint8), labels[:9])
open("/proc/self/clear_refs", "w").write("5")
before = status("RssAnon")
peak = 0
def watch(done, total):
    global peak
    peak = max(peak, status("RssAnon") - before)
idxio.write_sorted("a.gz", "b.gz", source, labels, level=1, threads=1, progress=watch)
print(peak)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured through Linux's /proc")
@pytest.mark.parametrize("source", ["array", "raw"])
def test_no_sorted_copy_is_touched(source, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, source], cwd=tmp_path, capture_output=True, check=True
    )
    assert int(done.stdout) << 10 < 24 << 20  # the images have 39 MB


# The command


def test_command(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    qmnist = np.stack([LABELS[100:]] * 8, axis=1).astype(np.int32)
    for name, array in (
        ("a", IMAGES[:100]),
        ("b", LABELS[:100]),
        ("c", IMAGES[100:]),
        ("d", qmnist),
    ):
        idxio.write(name, array)
    assert (
        main(
            [
                "sort",
                "a",
                "b",
                "c",
                "d",
                "images.gz",
                "labels.gz",
                "--order",
                "order",
                "--level",
                "9",
            ]
        )
        == 0
    )
    out = capsys.readouterr().out
    assert out.splitlines()[1] == f"labels.gz: {os.path.getsize('labels.gz'):,} bytes"
    assert_same(idxio.read("images.gz"), IMAGES[ORDER])
    assert_same(idxio.read("labels.gz"), LABELS[ORDER].astype(np.int32))
    assert_same(idxio.read("order"), ORDER.astype(np.int32))


@pytest.mark.parametrize(
    ("args", "code", "what"),
    [
        (["a", "b"], 2, "sort takes pairs: IMAGES LABELS"),
        (["a", "b", "x"], 2, "sort takes pairs"),
        (["a", "c", "x", "y"], 2, "c: has 5 labels for the 300 images of a"),
        (["b", "a", "x", "y"], 1, "a: holds uint8 of shape"),
        (["a", "b", "x", "x"], 2, "go to different files"),
        (["none", "b", "x", "y"], 3, "none: No such file"),
        (["a", "bad", "x", "y"], 1, "bad: "),
        (["a", "b", "nowhere/x", "y"], 3, "nowhere/x: No such file"),
        (["a", "b", "x", "nowhere/y"], 3, "nowhere/y: No such file"),
    ],
)
def test_command_errors(args, code, what, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, array in (("a", IMAGES), ("b", LABELS), ("c", LABELS[:5])):
        idxio.write(name, array)
    (tmp_path / "bad").write_bytes(b"bad")
    assert main(["sort", *args]) == code
    err = capsys.readouterr().err
    assert err.startswith(f"idxio: {what}") or (what.startswith("go ") and what in err)
    assert sorted(os.listdir()) == ["a", "b", "bad", "c"]


def test_command_with_a_level_of_zstd(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    idxio.write("i", np.zeros((9, 2, 2), np.uint8))
    idxio.write("l", np.arange(9, dtype=np.uint8) % 3)
    assert main(["sort", "i", "l", "si.gz", "sl.gz", "--level", "15"]) == 2
    assert capsys.readouterr().err == "idxio: level is 0 to 12, not 15\n"
    pytest.importorskip("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    assert main(["sort", "i", "l", "si.zst", "sl.zst", "--level", "19"]) == 0
    assert idxio.read("sl.zst").tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def rewrite(files, images, labels):
    """Images and labels of another process, which replaces both."""
    idxio.write_sorted(*files, images[::-1].copy(), labels[::-1].copy())


@pytest.mark.parametrize("in_place", [True, False])
@pytest.mark.parametrize("opened", [True, False])
def test_changed_by_another_process_meanwhile(files, in_place, opened, tmp_path):
    idxio.write(files[0], IMAGES)
    idxio.write(files[1], LABELS)
    targets = files if in_place else (tmp_path / "a.gz", tmp_path / "b.gz")
    after = []

    def change(done, total):
        if not after:
            rewrite(files, IMAGES, LABELS)
            after.append([file.read_bytes() for file in files])

    images = idxio.open(files[0]) if opened else files[0]
    with pytest.raises(idxio.ChangedError, match=r"images\.gz: was changed by another process"):
        idxio.write_sorted(*targets, images, files[1], progress=change)
    assert [file.read_bytes() for file in files] == after[0]
    assert sorted(os.listdir(tmp_path)) == ["images.gz", "labels.gz"]
    idxio.write_sorted(*targets, *files)


def test_images_that_were_opened_before_their_labels_changed(files, tmp_path):
    idxio.write(files[0], IMAGES)
    idxio.write(files[1], LABELS)
    images = idxio.open(files[0])
    rewrite(files, IMAGES, LABELS)
    with pytest.raises(idxio.ChangedError):
        idxio.write_sorted(tmp_path / "a.gz", tmp_path / "b.gz", images, files[1])
    # With labels of their own they are a pair whatever lies there now.
    idxio.write_sorted(tmp_path / "a.gz", tmp_path / "b.gz", images, LABELS)
    assert_same(idxio.read(tmp_path / "a.gz"), IMAGES[ORDER])
    with pytest.raises(idxio.ChangedError):
        idxio.write_sorted(*files, images, LABELS)


def test_two_that_write_one_dataset_json(tmp_path):
    """Each keeps what is there of the other's files; the later one would lose it."""
    for split in ("train", "t10k"):
        folder = tmp_path / split
        folder.mkdir()
        idxio.write(folder / f"{split}-images-idx3-ubyte", IMAGES)
        idxio.write(folder / f"{split}-labels-idx1-ubyte", LABELS)
        (folder / "dataset.json").write_text('{"class_names": ["a","b","c","d","e","f","g"]}')
    (tmp_path / "out").mkdir()

    def sort(split, progress=None):
        pair = [f"{split}-{kind}-ubyte" for kind in ("images-idx3", "labels-idx1")]
        idxio.write_sorted(
            *[tmp_path / "out" / name for name in pair],
            *[tmp_path / split / name for name in pair],
            progress=progress,
        )

    done = []

    def other(some, total):
        if not done:
            done.append("t10k")
            sort("t10k")

    with pytest.raises(idxio.ChangedError, match=r"dataset\.json: was changed"):
        sort("train", other)
    sort("train")
    for split in ("train", "test"):
        assert idxio.load(tmp_path / "out", split).class_names == dict(enumerate("abcdefg"))


def test_names_of_two_splits_are_no_pair(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = []
    for split in ("train", "t10k"):
        names.append([f"{split}-images-idx3-ubyte.gz", f"{split}-labels-idx1-ubyte.gz"])
        idxio.write(names[-1][0], IMAGES)
        idxio.write(names[-1][1], LABELS)
    os.mkdir("test")
    idxio.write("test/labels-idx1-ubyte", LABELS)
    (train, train_labels), (test, test_labels) = names
    here = sorted(os.listdir())
    for images, labels in (
        (train, test_labels),
        (test, train_labels),
        (train, "test/labels-idx1-ubyte"),
    ):
        what = r"labels-idx1-ubyte\S*: is of (t10k|train) by its name, and .* no pair"
        with pytest.raises(idxio.IdxError, match=what):
            idxio.write_sorted("x-images", "x-labels", images, labels)
        with pytest.raises(idxio.IdxError, match=what):
            idxio.write_sorted("x-images", "x-labels", [train, images], [train_labels, labels])
        assert main(["sort", images, labels, "x-images", "x-labels"]) != 0
        assert "they are no pair. Name two files of one split" in capsys.readouterr().err
    with pytest.raises(idxio.IdxError, match="no pair"):
        idxio.write_sorted(train, test_labels, IMAGES, LABELS)
    assert sorted(os.listdir()) == here
    # Words of one split, and names that say none.
    os.rename(test_labels, "test-labels-idx1-ubyte.gz")
    assert main(["sort", test, "test-labels-idx1-ubyte.gz", "x-images", "x-labels"]) == 0
    assert main(["sort", train, "x-labels", "y-images", "y-labels"]) == 0


@pytest.mark.parametrize("role", ["images-idx3", "labels-idx1"])
@pytest.mark.parametrize("suffix", ["", ".gz", ".gz (1)"])
def test_a_copy_that_would_be_outdated_is_refused(role, suffix, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pair = ["train-images.idx3-ubyte.gz", "train-labels.idx1-ubyte.gz"]
    idxio.write(pair[0], IMAGES)
    idxio.write(pair[1], LABELS)
    copy = f"train-{role}-ubyte{suffix}"
    idxio.write(copy, IMAGES if role.startswith("images") else LABELS, compression="gzip")
    before = {name: (tmp_path / name).read_bytes() for name in os.listdir()}
    with pytest.raises(idxio.IdxError, match="would stay as it is beside the new") as error:
        idxio.write_sorted(*pair, *pair)
    assert error.value.file == copy
    assert main(["sort", *pair, *pair]) == 1
    assert f"{copy}: would stay as it is" in capsys.readouterr().err
    assert {name: (tmp_path / name).read_bytes() for name in os.listdir()} == before
    os.mkdir("sorted")
    idxio.write_sorted(*[os.path.join("sorted", name) for name in pair], *pair)
    os.remove(copy)
    idxio.write_sorted(*pair, *pair)
    assert idxio.load(".").labels.tolist() == LABELS[ORDER].tolist()


def test_what_only_looks_like_a_copy_does_not_stop_a_sort(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pair = ["train-images.gz", "train-labels.gz"]
    os.mkdir("train-images")
    (tmp_path / "train-labels").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    os.symlink("train-images.gz", "train-images-idx3-ubyte.gz")
    idxio.write_sorted(*pair, IMAGES, LABELS)
    idxio.write_sorted(*pair, *pair)
    assert idxio.read(pair[1]).tolist() == LABELS[ORDER].tolist()
