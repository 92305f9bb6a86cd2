"""Which files in a directory are a dataset."""

import bz2
import gzip
import json
import lzma
import os
import re

import numpy as np
import pytest
from helpers import encode

import idxio
from idxio.cli.main import main
from idxio.datasets import copies
from idxio.datasets.discovery import find_pair, find_split, split_names

IMAGES = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(6, 4, 3)
LABELS = np.array([2, 0, 1, 1, 0, 2], np.uint8)
QMNIST = np.stack([LABELS, *[np.arange(6)] * 7], axis=1).astype(np.int32)


def put(folder, name, array, pack=bytes):
    (folder / name).write_bytes(pack(encode(array)))
    return str(folder / name)


FORMS = [
    ("train", "train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    ("train", "train-images.idx3-ubyte", "train-labels.idx1-ubyte"),
    ("train", "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    ("train", "train-images.idx3-ubyte.gz", "train-labels.idx1-ubyte"),
    ("test", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
    ("t10k", "test-images-idx3-ubyte", "test-labels-idx1-ubyte"),
    (
        "train",
        "emnist-balanced-train-images-idx3-ubyte.gz",
        "emnist-balanced-train-labels-idx1-ubyte.gz",
    ),
    ("test", "emnist-letters-test-images-idx3-ubyte", "emnist-letters-test-labels-idx1-ubyte"),
    ("test", "qmnist-test-images-idx3-ubyte.gz", "qmnist-test-labels-idx2-int.gz"),
    (
        "emnist-digits-t10k",
        "emnist-digits-test-images-idx3-ubyte",
        "emnist-digits-test-labels-idx1-ubyte",
    ),
    ("xnist", "xnist-images-idx3-ubyte.xz", "xnist-labels-idx2-int.xz"),
    ("val", "my_val_images.idx", "my_val_labels.idx.bz2"),
    ("TRAIN", "Train-Images-idx3-ubyte", "Train-Labels-idx1-ubyte"),
    ("train", "X_kannada_MNIST_train-idx3-ubyte.gz", "y_kannada_MNIST_train-idx1-ubyte.gz"),
    ("test", "X_test-idx3-ubyte", "y_test-idx1-ubyte"),
    ("train", "train-images-idx3-ubyte (1).gz", "train-labels-idx1-ubyte(2).gz"),
    ("test", "t10k-images-idx3-ubyte - Copy.gz", "t10k-labels-idx1-ubyte copy"),
]


@pytest.mark.parametrize(("split", "images", "labels"), FORMS)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_every_name_in_the_wild(split, images, labels, pack, tmp_path):
    # What a name says of its packing is often not true.
    pair = (
        put(tmp_path, images, IMAGES, pack),
        put(tmp_path, labels, QMNIST if "idx2" in labels else LABELS, pack),
    )
    for name in (
        "notes.txt",
        "train-images.png",
        "emnist-letters-mapping.csv",
        "train-images-idx3-ubyte.gz.seek",
    ):
        (tmp_path / name).write_bytes(b"?")
    (tmp_path / ".train-images-idx3-ubyte.gz.0a1b.tmp").write_bytes(b"?")
    (tmp_path / f"._{images}").write_bytes(b"macOS leaves such")
    assert find_pair(tmp_path, split) == pair
    ds = idxio.load(tmp_path, split)
    assert (np.asarray(ds.images) == IMAGES).all()
    assert ds.labels.tolist() == LABELS.tolist()


FOLDERS = [
    ("test", "", "test/images-idx3-ubyte.gz", "test/labels-idx1-ubyte.gz"),
    ("test", "", "Testing/test-images-idx3-ubyte", "Testing/test-labels-idx1-ubyte"),
    ("my-test", "", "test/my-images-idx3-ubyte", "test/my-labels-idx1-ubyte"),
    ("train", "train", "train/images.idx3-ubyte", "train/labels.idx1-ubyte"),
    ("train", "", "raw/train-images-idx3-ubyte", "raw/train-labels-idx1-ubyte"),
    ("train", "", "MNIST/raw/train-images-idx3-ubyte", "MNIST/raw/train-labels-idx1-ubyte"),
]


@pytest.mark.parametrize(("split", "start", "images", "labels"), FOLDERS)
def test_folders_that_are_in_use(tmp_path, split, start, images, labels):
    os.makedirs(tmp_path / os.path.dirname(images))
    put(tmp_path, images, IMAGES)
    put(tmp_path, labels, LABELS)
    folder = tmp_path / start
    assert find_pair(folder, split) == (str(tmp_path / images), str(tmp_path / labels))
    idxio.export_dataset(folder, tmp_path / "out.npz")
    findings = idxio.check(folder).findings
    other = "t10k" if split == "train" else "train"
    assert [f.split for f in findings if f.level == "error"] == [other]


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("train/images-idx3-ubyte", "train/labels-idx1-ubyte"),
        ("train/X_kannada_train-idx3-ubyte", "train/y_kannada_train-idx1-ubyte"),
    ],
)
def test_show_finds_the_labels(tmp_path, images, labels, capsys):
    (tmp_path / "train").mkdir()
    put(tmp_path, images, IMAGES)
    put(tmp_path, labels, LABELS)
    assert main(["show", str(tmp_path / images), "--class", "2"]) == 0
    assert "class 2" in capsys.readouterr().out


def test_class_names_beside_the_folder_of_a_split(tmp_path):
    (tmp_path / "train").mkdir()
    put(tmp_path, "train/images-idx3-ubyte", IMAGES)
    put(tmp_path, "train/labels-idx1-ubyte", LABELS)
    (tmp_path / "dataset.json").write_text('{"class_names": ["a", "b", "c"]}')
    assert idxio.load(tmp_path).class_names == {0: "a", 1: "b", 2: "c"}


def test_the_folder_of_a_split_is_left_out_where_its_files_lie_beside_it(tmp_path):
    put(tmp_path, "my-train-images-idx3-ubyte", IMAGES)
    pair = put(tmp_path, "my-train-labels-idx1-ubyte", LABELS)
    (tmp_path / "train").mkdir()
    put(tmp_path, "train/images-idx3-ubyte", IMAGES ^ 1)
    put(tmp_path, "train/labels-idx1-ubyte", LABELS)
    assert find_pair(tmp_path, "train")[1] == pair


def test_folders_of_torchvision_that_are_several(tmp_path):
    for name in ("KMNIST", "MNIST"):
        os.makedirs(tmp_path / name / "raw")
        put(tmp_path, f"{name}/raw/train-images-idx3-ubyte", IMAGES)
        put(tmp_path, f"{name}/raw/train-labels-idx1-ubyte", LABELS)
    for look in (idxio.load, idxio.check):
        with pytest.raises(idxio.IdxError, match="name one of the folders KMNIST/raw, MNIST/raw"):
            look(tmp_path)
    assert len(idxio.load(tmp_path / "MNIST")) == len(LABELS)


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("images.idx3-ubyte", "labels.idx1-ubyte"),
        ("train-imgs-idx3-ubyte", "train-labs-idx1-ubyte"),
        ("images-train-idx3-ubyte", "labels-train-idx1-ubyte"),
        ("trainImages-idx3-ubyte", "trainLabels-idx1-ubyte"),
        ("x.bin", "y.bin"),
        ("down/x.bin", "down/y.bin"),
    ],
)
def test_idx_files_under_other_names_are_listed(tmp_path, images, labels):
    (tmp_path / "down").mkdir()
    (tmp_path / "notes.txt").write_text("none")
    put(tmp_path, images, IMAGES)
    put(tmp_path, labels, LABELS)
    with pytest.raises(FileNotFoundError) as error:
        idxio.load(tmp_path)
    assert f"{images} (6 x 4 x 3 uint8)" in str(error.value)
    assert f"{labels} (6 uint8)" in str(error.value)
    assert "idxio.Dataset(images, labels)" in str(error.value)
    assert "notes" not in str(error.value)


def test_half_a_pair_tells_of_other_names(tmp_path):
    put(tmp_path, "train-labels-idx1-ubyte", LABELS)
    put(tmp_path, "train-imgs-idx3-ubyte", IMAGES)
    with pytest.raises(FileNotFoundError, match=r"belong to train-labels.*train-imgs\S* \(6 x 4"):
        idxio.load(tmp_path)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("train.csv", r"There is train\.csv, which idxio\.import_dataset takes"),
        ("cat/1.png", r"There are pictures, which idxio\.build takes"),
        (".hidden", "-labels-idx1-ubyte.\\.gz.: "),
    ],
)
def test_a_folder_of_something_else(tmp_path, name, remedy):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"?")
    with pytest.raises(FileNotFoundError, match=remedy):
        idxio.load(tmp_path)


@pytest.mark.parametrize("name", ["train.parquet", "data/x.bin", "train-images-idx3-ubyte.gz"])
def test_a_pointer_in_the_folder(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    with pytest.raises((OSError, idxio.IdxError), match=rf"{name}\S* is not an IDX .*git lfs pull"):
        idxio.load(tmp_path)


def test_a_folder_that_can_not_be_listed_is_no_hint(tmp_path, monkeypatch):
    (tmp_path / "closed").mkdir()
    (tmp_path / "open").mkdir()
    put(tmp_path, "open/x.bin", IMAGES)
    listdir = os.listdir

    def refused(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return listdir(path)

    monkeypatch.setattr(os, "listdir", refused)
    with pytest.raises(FileNotFoundError, match=r"has no .*open/x\.bin"):
        idxio.load(tmp_path)


def test_many_idx_files_are_counted(tmp_path):
    for k in range(9):
        put(tmp_path, f"{k}.bin", LABELS)
    with pytest.raises(FileNotFoundError, match=r"5\.bin \(6 uint8\) and 3 more\. "):
        idxio.load(tmp_path)


def test_what_is_no_folder(tmp_path):
    path = put(tmp_path, "train-images-idx3-ubyte", IMAGES)
    for look in (idxio.load, idxio.check):
        with pytest.raises(FileNotFoundError, match="No such file or directory; name the folder"):
            look(tmp_path / "nowhere")
        with pytest.raises(NotADirectoryError, match="Not a directory; name the folder that holds"):
            look(path)


def test_the_real_files(fashion_mnist):
    assert [os.path.basename(path) for path in find_pair(fashion_mnist, "test")] == [
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
    ]


def test_a_swapped_pair_is_told_by_its_axes(tmp_path):
    labels = put(tmp_path, "train-images-idx3-ubyte", LABELS)
    images = put(tmp_path, "train-labels-idx1-ubyte", IMAGES)
    assert find_pair(tmp_path, "train") == (images, labels)


def test_of_copies_the_raw_one_is_taken_and_a_broken_one_is_not(tmp_path):
    packed = put(tmp_path, "train-images-idx3-ubyte.gz", IMAGES, gzip.compress)
    labels = put(tmp_path, "train-labels-idx1-ubyte", LABELS)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(
        b"version https://git-lfs.github.com/spec/v1\n"
    )
    assert find_pair(tmp_path, "train") == (packed, labels)
    raw = put(tmp_path, "train-images-idx3-ubyte", IMAGES)
    assert find_pair(tmp_path, "train") == (raw, labels)


def test_copies_that_differ_are_refused(tmp_path):
    put(tmp_path, "train-labels-idx1-ubyte", LABELS)
    put(tmp_path, "train-images-idx3-ubyte.gz", IMAGES, gzip.compress)
    put(tmp_path, "train-images.idx3-ubyte.gz", IMAGES + 1, gzip.compress)
    with pytest.raises(idxio.IdxError, match=r"is not the same as .*; leave one of the two"):
        find_pair(tmp_path, "train")


def test_labels_with_one_axis_are_taken_before_those_with_two(tmp_path):
    images = put(tmp_path, "qmnist-test-images-idx3-ubyte", IMAGES)
    put(tmp_path, "qmnist-test-labels-idx2-int", QMNIST)
    one = put(tmp_path, "qmnist-test-labels-idx1-ubyte.gz", LABELS, gzip.compress)
    assert find_pair(tmp_path, "test") == (images, one)


def test_counts_settle_which_labels_belong_to_images(tmp_path):
    images = put(tmp_path, "train-images-idx3-ubyte", IMAGES)
    put(tmp_path, "train-labels-idx1-ubyte", LABELS[:5])
    labels = put(tmp_path, "train-labels.idx1-ubyte", LABELS)
    assert find_pair(tmp_path, "train") == (images, labels)


def test_several_datasets(tmp_path):
    pairs = {}
    for name in ("emnist-letters-train", "emnist-digits-train"):
        pairs[name] = (
            put(tmp_path, f"{name}-images-idx3-ubyte", IMAGES),
            put(tmp_path, f"{name}-labels-idx1-ubyte", LABELS),
        )
    with pytest.raises(idxio.IdxError, match="more than one dataset") as error:
        find_pair(tmp_path, "train")
    assert "'emnist-digits-train'" in str(error.value)
    assert "train-images-idx3-ubyte" in str(error.value)
    for name, pair in pairs.items():
        assert find_pair(tmp_path, name) == pair
    # Half a dataset is none, and the plain name could not be given otherwise.
    put(tmp_path, "qmnist-test-images-idx3-ubyte", IMAGES)
    plain = (
        put(tmp_path, "train-images-idx3-ubyte", IMAGES),
        put(tmp_path, "train-labels-idx1-ubyte", LABELS),
    )
    assert find_pair(tmp_path, "train") == plain


@pytest.mark.parametrize("empty", [False, True])
def test_none(empty, tmp_path):
    if not empty:
        put(tmp_path, "val-images-idx3-ubyte", IMAGES)
        put(tmp_path, "val-labels-idx1-ubyte", LABELS)
    with pytest.raises(FileNotFoundError) as error:
        find_pair(tmp_path, "test")
    assert "test-images-idx3-ubyte[.gz]" in str(error.value)
    assert "t10k-images-idx3-ubyte[.gz]" in str(error.value)
    assert ("'val'" in str(error.value)) is not empty
    with pytest.raises(FileNotFoundError):
        find_pair(tmp_path / "nowhere", "test")


def test_half_a_pair(tmp_path):
    put(tmp_path, "train-labels-idx1-ubyte", LABELS)
    with pytest.raises(
        FileNotFoundError, match="has no images that belong to train-labels-idx1-ubyte"
    ):
        find_pair(tmp_path, "train")


@pytest.mark.parametrize(
    ("name", "data", "what"),
    [
        (
            "train-images-idx3-ubyte",
            b"<!DOCTYPE html><title>404</title>",
            "is not an IDX file but an HTML",
        ),
        ("train-images-idx3-ubyte", encode(IMAGES)[:40], "of the 88 bytes are there"),
        ("train-images-idx3-ubyte", encode(IMAGES[:5]), "has 6 labels for the 5 images of"),
        (
            "train-labels-idx1-ubyte",
            encode(LABELS.astype(np.float32)),
            "holds float32, expected labels",
        ),
        ("train-labels-idx1-ubyte", encode(np.uint8(3)), "holds one number"),
    ],
)
def test_what_is_wrong_is_said(name, data, what, tmp_path):
    put(tmp_path, "train-images-idx3-ubyte", IMAGES)
    put(tmp_path, "train-labels-idx1-ubyte", LABELS)
    (tmp_path / name).write_bytes(data)
    with pytest.raises(idxio.IdxError, match=what):
        find_pair(tmp_path, "train")


@pytest.mark.parametrize("stem", ["val", "validation", "valid", "dev", "my-val"])
def test_a_split_to_validate_with_under_any_name(stem, tmp_path):
    pair = (
        put(tmp_path, f"{stem}-images-idx3-ubyte", IMAGES),
        put(tmp_path, f"{stem}-labels-idx1-ubyte", LABELS),
    )
    for word in ("val", "validation", "valid", "dev", "VAL"):
        assert find_pair(tmp_path, word) == pair
    with pytest.raises(FileNotFoundError):
        find_pair(tmp_path, "train")


def test_two_names_of_one_split(tmp_path):
    for stem in ("val", "dev"):
        put(tmp_path, f"{stem}-images-idx3-ubyte", IMAGES)
        put(tmp_path, f"{stem}-labels-idx1-ubyte", LABELS)
    with pytest.raises(idxio.IdxError, match="has 'dev', 'val', which are names of one split"):
        find_pair(tmp_path, "val")


def test_which_splits_there_are(tmp_path):
    for stem in ("unsupervised", "my-val", "my-test", "train", "my-extra"):
        put(tmp_path, f"{stem}-images-idx3-ubyte", IMAGES)
        put(tmp_path, f"{stem}-labels-idx1-ubyte", LABELS)
    for name in ("holiday-images", "class_labels.csv"):  # no "idx" in them
        (tmp_path / name).write_bytes(b"?")
    assert split_names(str(tmp_path), None) == ["train", "t10k", "val", "my-extra", "unsupervised"]
    assert split_names(str(tmp_path), "my") == ["t10k", "val", "extra"]
    for dataset in (None, "my"):
        for split in split_names(str(tmp_path), dataset):
            find_split(str(tmp_path), split, dataset)


ONE_HOT = np.eye(3, dtype=np.int8)[LABELS]


@pytest.mark.parametrize("labels", [LABELS[:, None], ONE_HOT, ONE_HOT.astype(np.int32), QMNIST])
def test_labels_with_two_axes_are_told_by_what_they_hold(labels, tmp_path):
    put(tmp_path, "train-images-idx3-ubyte", IMAGES)
    put(tmp_path, "train-labels-idx2-int", labels)
    assert idxio.load(tmp_path).labels.tolist() == LABELS.tolist()
    assert idxio.Dataset(IMAGES, labels).labels.tolist() == LABELS.tolist()


EIGHT = np.eye(8, dtype=np.int32)[LABELS]


def test_one_hot_rows_of_eight_are_not_those_of_qmnist(tmp_path):
    put(tmp_path, "train-images-idx3-ubyte", IMAGES)
    put(tmp_path, "train-labels-idx2-int", EIGHT)
    assert idxio.load(tmp_path).labels.tolist() == LABELS.tolist()
    assert idxio.Dataset(IMAGES, EIGHT).labels.tolist() == LABELS.tolist()


@pytest.mark.parametrize(
    "labels",
    [
        np.ones((6, 8), np.int32),  # which of eight things a picture shows
        QMNIST.astype(np.uint8),
        QMNIST + 9,
        np.concatenate([QMNIST[:, :1], QMNIST[:, 1:] + 9], axis=1),
        np.eye(3, dtype=np.int32)[LABELS] * 2,
        np.zeros((6, 3), np.int32),
        np.stack([LABELS, LABELS], axis=1),
        np.zeros((6, 0), np.int32),
    ],
)
def test_labels_with_two_axes_that_are_none(labels, tmp_path):
    put(tmp_path, "train-images-idx3-ubyte", IMAGES)
    put(tmp_path, "train-labels-idx2-int", labels)
    with pytest.raises(
        idxio.FormatError, match="neither one-hot nor QMNIST's; expected one integer"
    ):
        idxio.load(tmp_path)
    with pytest.raises(ValueError, match="neither one-hot nor QMNIST's; expected one integer"):
        idxio.Dataset(IMAGES, labels)


def test_packed_copies_that_differ_from_raw_ones(tmp_path) -> None:
    put(tmp_path, "train-images-idx3-ubyte", IMAGES)
    put(tmp_path, "train-labels-idx1-ubyte", LABELS)
    put(tmp_path, "train-labels-idx1-ubyte.gz", LABELS, gzip.compress)
    assert len(idxio.load(tmp_path)) == len(LABELS)
    put(tmp_path, "train-labels-idx1-ubyte.gz", LABELS + 1, gzip.compress)
    with pytest.raises(idxio.IdxError, match=r"is not the same as .*; leave one of the two"):
        idxio.load(tmp_path)


def test_raw_pictures_that_differ_from_packed_ones_are_refused(tmp_path) -> None:
    put(tmp_path, "train-images-idx3-ubyte", IMAGES)
    put(tmp_path, "train-labels-idx1-ubyte", LABELS)
    put(tmp_path, "train-images-idx3-ubyte.gz", IMAGES, gzip.compress)
    assert len(idxio.load(tmp_path)) == len(LABELS)
    put(tmp_path, "train-images-idx3-ubyte.gz", IMAGES ^ 1, gzip.compress)
    with pytest.raises(idxio.IdxError, match=r"is not the same as .*; leave one of the two"):
        idxio.load(tmp_path)


def test_check_compares_large_copies(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(copies, "_MOST_RAW", 1 << 20)
    monkeypatch.setattr(copies, "_PART", 1)
    images = np.random.default_rng(0).integers(0, 256, (len(LABELS), 500, 500), np.uint8)
    put(tmp_path, "train-images-idx3-ubyte", images)
    put(tmp_path, "train-labels-idx1-ubyte", LABELS)
    put(tmp_path, "train-images-idx3-ubyte.gz", images, gzip.compress)
    assert "copy" not in [finding.kind for finding in idxio.check(tmp_path).findings]
    images[1] ^= 1  # a record that is not looked at
    put(tmp_path, "train-images-idx3-ubyte.gz", images, gzip.compress)
    assert len(idxio.load(tmp_path)) == len(LABELS)  # large files are not read to open them
    assert "copy" in [
        finding.kind for finding in idxio.check(tmp_path).findings if finding.level == "warning"
    ]


def test_check_misses_the_files_that_a_description_states(tmp_path) -> None:
    for split in ("train", "t10k", "val"):
        put(tmp_path, f"{split}-images-idx3-ubyte", IMAGES)
        put(tmp_path, f"{split}-labels-idx1-ubyte", LABELS)
    crcs = {
        p.name + ".gz": {"crc32": f"{idxio.verify(p).crc32:08x}"}
        for p in sorted(tmp_path.iterdir())
    }
    (tmp_path / "dataset.json").write_text(json.dumps({"files": {**crcs, "notes": {"crc32": "0"}}}))

    def missing():
        return [found for found in idxio.check(tmp_path).findings if found.kind == "missing"]

    assert missing() == []  # unpacked since
    for role in ("images-idx3", "labels-idx1"):
        (tmp_path / f"val-{role}-ubyte").unlink()
    assert [(found.split, found.level) for found in missing()] == [("val", "error")] * 2


@pytest.mark.parametrize(
    ("first", "second", "dataset"),
    [("a-train", "b-test", "a"), ("train", "b-test", "b"), ("a-train", "val", "a")],
)
def test_splits_of_two_datasets_are_not_exported_together(tmp_path, first, second, dataset) -> None:
    for name in first, second:
        put(tmp_path, f"{name}-images-idx3-ubyte", IMAGES)
        put(tmp_path, f"{name}-labels-idx1-ubyte", LABELS)
    with pytest.raises(idxio.FormatError, match=f"has more than one dataset, and one is {dataset}"):
        idxio.export_dataset(tmp_path, tmp_path / "out.npz")
    idxio.export_dataset(tmp_path, tmp_path / "out.npz", dataset=dataset)


NEARLY = [
    "test-images-idx3-ubyte.bin",
    "test-images-idx3-ubyte~",
    "test-images-idx3-ubyte.orig",
    "val-images-idx3-ubyte.lz4",
    "val-images-idx3-ubyte.gz.gz",
    "test-images-idx3-ubyte.gz.aria2",
    "test-images idx3-ubyte",
    "images-test-idx3-ubyte",
    "testimages-idx3-ubyte",
    "test-images3-idx3-ubyte",
]


@pytest.mark.parametrize("name", NEARLY)
def test_a_split_that_is_nearly_named_right_is_not_left_out(tmp_path, name) -> None:
    put(tmp_path, "train-images-idx3-ubyte", IMAGES)
    put(tmp_path, "train-labels-idx1-ubyte", LABELS)
    put(tmp_path, name, IMAGES)
    with pytest.raises(idxio.FormatError, match=f"has {re.escape(name)}, which would be left out"):
        idxio.export_dataset(tmp_path, tmp_path / "out.npz")
    assert name in str(idxio.check(tmp_path).findings)


@pytest.mark.parametrize(
    "name",
    [
        "train-images-idx3-ubyte~",
        "train-images-idx3-ubyte.gz.seek",
        "train-images-idx3-ubyte (1)",
        "train-images.idx3-ubyte.bak",
        "train-images-idx3-ubyte.gz.sha256",
        "images.txt",
        "about-idx.md",
    ],
)
def test_what_lies_beside_the_splits(tmp_path, name) -> None:
    put(tmp_path, "train-images-idx3-ubyte", IMAGES)
    put(tmp_path, "train-labels-idx1-ubyte", LABELS)
    put(tmp_path, name, IMAGES)
    idxio.export_dataset(tmp_path, tmp_path / "out.npz")


@pytest.mark.parametrize("what", ["images", "labels"])
def test_check_reads_copies_that_state_no_crc_32(tmp_path, what, monkeypatch) -> None:
    for name in ("_MOST_RAW", "_MOST_PACKED", "_PART"):
        monkeypatch.setattr(copies, name, 1)
    content = {"images": IMAGES, "labels": LABELS}
    for name, array in content.items():
        put(tmp_path, f"train-{name}-idx{array.ndim}-ubyte", array)
    copy = f"train-{what}-idx{content[what].ndim}-ubyte.xz"
    put(tmp_path, copy, content[what], lzma.compress)
    assert "copy" not in [finding.kind for finding in idxio.check(tmp_path).findings]
    content[what] = content[what].copy()
    content[what][1] += 1  # a record that is not looked at
    put(tmp_path, copy, content[what], lzma.compress)
    assert len(idxio.load(tmp_path)) == len(LABELS)  # they are not read to open the others
    found = [f.message for f in idxio.check(tmp_path).findings if f.kind == "copy"]
    assert found == [f"{copy} is not the same as {copy[:-3]}; leave one of the two"]


def large(monkeypatch, part=3 * 4 * 3) -> None:
    """Take all files for large ones, of which parts are compared."""
    monkeypatch.setattr(copies, "_MOST_RAW", 0)
    monkeypatch.setattr(copies, "_MOST_PACKED", 0)
    monkeypatch.setattr(copies, "_PART", part)


@pytest.mark.parametrize("size", ["small", "large"])
@pytest.mark.parametrize("what", ["images", "labels"])
@pytest.mark.parametrize(
    ("suffix", "pack", "other", "pack_other"),
    [
        ("", bytes, ".xz", lzma.compress),
        ("", bytes, ".gz", gzip.compress),
        (".gz", gzip.compress, ".xz", lzma.compress),
        (".xz", lzma.compress, ".bz2", bz2.compress),
    ],
)
def test_a_stale_copy_is_refused_in_any_packing(
    size, what, suffix, pack, other, pack_other, tmp_path, monkeypatch
) -> None:
    if size == "large":
        large(monkeypatch)
    content = {"images-idx3": IMAGES, "labels-idx1": LABELS}
    for name, array in content.items():
        put(tmp_path, f"train-{name}-ubyte{suffix}", array, pack)
    (name,) = (name for name in content if name.startswith(what))
    put(tmp_path, f"train-{name}-ubyte{other}", content[name], pack_other)
    assert len(idxio.load(tmp_path)) == len(LABELS)
    put(tmp_path, f"train-{name}-ubyte{other}", np.roll(content[name], 1), pack_other)
    with pytest.raises(idxio.IdxError, match=r"is not the same as .*; leave one of the two"):
        idxio.load(tmp_path)


@pytest.mark.parametrize("record", [0, 50, 99])
@pytest.mark.parametrize("name", ["train-images.idx3-float", "train-images-idx3-float.gz"])
def test_large_copies_are_compared_at_both_ends_and_between(
    record, name, tmp_path, monkeypatch
) -> None:
    large(monkeypatch, part=1)
    images = np.random.default_rng(0).random((100, 64, 64), np.float32)
    images[0] = np.nan  # which is no equal of itself
    idxio.write(tmp_path / name, images)
    idxio.write(tmp_path / "train-labels-idx1-ubyte", np.zeros(100, np.uint8))
    idxio.write(tmp_path / "train-images-idx3-float", images)
    assert len(idxio.load(tmp_path)) == 100
    images[record, 0, 0] = 1
    idxio.write(tmp_path / "train-images-idx3-float", images)
    with pytest.raises(idxio.IdxError, match=r"is not the same as .*; leave one of the two"):
        idxio.load(tmp_path)


@pytest.mark.parametrize("size", ["small", "large"])
def test_a_damaged_copy_is_passed_over(size, tmp_path, monkeypatch) -> None:
    if size == "large":
        large(monkeypatch)
    images = np.random.default_rng(0).integers(0, 256, (6, 300, 300), np.uint8)
    put(tmp_path, "train-images-idx3-ubyte", images)
    put(tmp_path, "train-labels-idx1-ubyte", LABELS)
    put(tmp_path, "train-images-idx3-ubyte.xz", images, lambda data: lzma.compress(data)[:-99999])
    assert (idxio.load(tmp_path).images[:] == images).all()


OTHER_FOLDERS = [
    ("train/", "holdout/images-idx3-ubyte", "holdout/labels-idx1-ubyte", "holdout"),
    ("train-", "holdout/images-idx3-ubyte", "holdout/labels-idx1-ubyte", "holdout"),
    ("train-", "Fold_1/fold_1-images-idx3-ubyte", "Fold_1/fold_1-labels-idx1-ubyte", "fold_1"),
    ("my-train-", "extra/my-images-idx3-ubyte", "extra/my-labels-idx1-ubyte", "my-extra"),
    ("my-train-", "extra/my-extra-images-idx3", "extra/my-extra-labels-idx1", "my-extra"),
    ("my-train-", "extra/images-idx3-ubyte", "extra/labels-idx1-ubyte", "extra"),
]


@pytest.mark.parametrize(("start", "images", "labels", "split"), OTHER_FOLDERS)
def test_a_split_of_any_name_in_a_folder_of_its_own(tmp_path, start, images, labels, split) -> None:
    for folder in {os.path.dirname(start), os.path.dirname(images)} - {""}:
        (tmp_path / folder).mkdir()
    put(tmp_path, f"{start}images-idx3-ubyte", IMAGES)
    put(tmp_path, f"{start}labels-idx1-ubyte", LABELS)
    put(tmp_path, images, IMAGES[:5] ^ 1)
    put(tmp_path, labels, LABELS[:5])
    assert split_names(str(tmp_path), None) == ["train", split]
    assert len(idxio.load(tmp_path)) == 6
    assert (idxio.load(tmp_path, split).images[:] == IMAGES[:5] ^ 1).all()
    assert idxio.check(tmp_path).splits.keys() == {"train", split}
    idxio.export_dataset(tmp_path, tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as arrays:
        assert (arrays[f"x_{split}"] == IMAGES[:5] ^ 1).all()
        assert arrays[f"y_{split}"].tolist() == LABELS[:5].tolist()


def test_half_a_split_in_a_folder_of_its_own_is_not_left_out(tmp_path) -> None:
    (tmp_path / "holdout").mkdir()
    put(tmp_path, "train-images-idx3-ubyte", IMAGES)
    put(tmp_path, "train-labels-idx1-ubyte", LABELS)
    put(tmp_path, "holdout/images-idx3-ubyte", IMAGES)
    with pytest.raises(FileNotFoundError, match="has no labels that belong to images-idx3-ubyte"):
        idxio.export_dataset(tmp_path, tmp_path / "out.npz")
    found = [f.split for f in idxio.check(tmp_path).findings if f.kind == "missing"]
    assert found == ["t10k", "holdout"]


def test_a_split_of_a_name_of_its_own_without_idx(tmp_path) -> None:
    """`load` takes it, and so do others; files that are no IDX files make none."""
    for start in "train", "holdout":
        put(tmp_path, f"{start}-images.gz", IMAGES)
        put(tmp_path, f"{start}-labels.gz", LABELS)
    (tmp_path / "sample-images.zip").write_bytes(b"PK")
    put(tmp_path, "sample-labels", LABELS)
    assert len(idxio.load(tmp_path, "holdout")) == len(LABELS)
    assert split_names(str(tmp_path), None) == ["train", "holdout"]
    idxio.export_dataset(tmp_path, tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as arrays:
        assert arrays.files == ["x_train", "y_train", "x_holdout", "y_holdout"]


@pytest.mark.parametrize("name", ["val/images.gz", "validation/x.idx", "X_test", "my_val.idx"])
def test_images_of_a_split_that_nothing_else_is_of_are_not_left_out(tmp_path, name) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    put(tmp_path, "train-images-idx3-ubyte", IMAGES)
    put(tmp_path, "train-labels-idx1-ubyte", LABELS)
    for other in "images", "X_train", "test-order", "val.txt":  # the last two are no images
        put(tmp_path, other, IMAGES if other in ("images", "X_train") else LABELS)
    idxio.export_dataset(tmp_path, tmp_path / "out.npz")
    put(tmp_path, name, IMAGES)
    with pytest.raises(idxio.FormatError, match=f"has {name}, which would be left out"):
        idxio.export_dataset(tmp_path, tmp_path / "out.npz")
    assert name in str(idxio.check(tmp_path).findings)


@pytest.mark.parametrize("link", ["gone", "test"])
@pytest.mark.parametrize("place", ["train-", "train/"])
def test_the_folder_of_a_split_that_is_a_dead_link_is_not_left_out(tmp_path, place, link) -> None:
    (tmp_path / "train").mkdir()
    put(tmp_path, f"{place}images-idx3-ubyte", IMAGES)
    put(tmp_path, f"{place}labels-idx1-ubyte", LABELS)
    (tmp_path / "test").symlink_to(link)
    with pytest.raises(idxio.FormatError, match=r"has test, and it can't be read: .*left out"):
        idxio.export_dataset(tmp_path, tmp_path / "out.npz")
    assert "has test, and it" in str(idxio.check(tmp_path).findings)
    assert len(idxio.load(tmp_path)) == len(LABELS)
    put(tmp_path, "t10k-images-idx3-ubyte", IMAGES)
    put(tmp_path, "t10k-labels-idx1-ubyte", LABELS)
    idxio.export_dataset(tmp_path, tmp_path / "out.npz")


def test_a_folder_of_another_name_that_is_a_dead_link_is_told(tmp_path) -> None:
    """It may be a split where another one has a folder."""
    (tmp_path / "train").mkdir()
    put(tmp_path, "train/images-idx3-ubyte", IMAGES)
    put(tmp_path, "train/labels-idx1-ubyte", LABELS)
    for name in ("holdout", "read.me", ".hidden"):
        (tmp_path / name).symlink_to("gone")
    with pytest.warns(UserWarning, match="has holdout, and it can't be read") as told:
        idxio.export_dataset(tmp_path, tmp_path / "out.npz")
    assert len(told) == 1
    found = [finding for finding in idxio.check(tmp_path).findings if "holdout" in finding.message]
    assert [finding.level for finding in found] == ["warning"]


def test_files_of_a_split_in_a_folder_of_its_folder_are_not_left_out(tmp_path) -> None:
    put(tmp_path, "train-images-idx3-ubyte", IMAGES)
    put(tmp_path, "train-labels-idx1-ubyte", LABELS)
    (tmp_path / "test" / "raw").mkdir(parents=True)
    (tmp_path / "test" / "raw" / "notes.txt").write_text("no images")
    idxio.export_dataset(tmp_path, tmp_path / "out.npz")
    put(tmp_path, "test/raw/images-idx3-ubyte", IMAGES)
    put(tmp_path, "test/raw/labels-idx1-ubyte", LABELS)
    with pytest.raises(idxio.FormatError, match=r"has test/raw/images.*, which would be left out"):
        idxio.export_dataset(tmp_path, tmp_path / "out.npz")
    assert "test/raw/images-idx3-ubyte" in str(idxio.check(tmp_path).findings)


def test_the_folder_of_another_dataset_is_not_left_out(tmp_path) -> None:
    (tmp_path / "my_val").mkdir()
    for start in "train-", "my_val/":
        put(tmp_path, f"{start}images-idx3-ubyte", IMAGES)
        put(tmp_path, f"{start}labels-idx1-ubyte", LABELS)
    with pytest.raises(idxio.FormatError, match="has more than one dataset, and one is my"):
        idxio.export_dataset(tmp_path, tmp_path / "out.npz")


def test_folders_that_are_no_splits(tmp_path) -> None:
    put(tmp_path, "train-images-idx3-ubyte", IMAGES)
    put(tmp_path, "train-labels-idx1-ubyte", LABELS)
    for name in ("old/train-images-idx3-ubyte", ".git/images-idx3-ubyte", "docs/images.html"):
        (tmp_path / os.path.dirname(name)).mkdir()
        put(tmp_path, name, IMAGES)
    assert split_names(str(tmp_path), None) == ["train"]
    # Without a known split beside it, a folder is that of anything.
    (tmp_path / "many" / "a").mkdir(parents=True)
    put(tmp_path, "many/a/images-idx3-ubyte", IMAGES)
    put(tmp_path, "many/a/labels-idx1-ubyte", LABELS)
    assert split_names(str(tmp_path / "many"), None) == []


def test_the_folder_inside_that_has_the_files_is_named(tmp_path):
    (tmp_path / "fashion").mkdir()
    put(tmp_path, "fashion/train-images-idx3-ubyte", IMAGES)
    put(tmp_path, "fashion/train-labels-idx1-ubyte", LABELS)
    put(tmp_path, "other.bin", IMAGES)
    with pytest.raises(FileNotFoundError, match=r"The folder \S*/fashion has .*: name that one"):
        idxio.load(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"There are IDX files .*other\.bin"):
        idxio.load(tmp_path, split="val")
    (tmp_path / "digits").mkdir()
    put(tmp_path, "digits/train-images-idx3-ubyte", IMAGES)
    with pytest.raises(FileNotFoundError, match=r"These folders .*/digits, \S*/fashion; name one"):
        idxio.load(tmp_path)


def test_the_sources_of_build_are_no_table_to_import(tmp_path):
    (tmp_path / "sources.csv").write_text("split,record,file,label,sha256\n")
    with pytest.raises(FileNotFoundError) as error:
        idxio.load(tmp_path)
    assert "sources.csv" not in str(error.value)


def test_a_split_that_is_no_name(tmp_path):
    with pytest.raises(TypeError, match="split is a name, as 'train' or 'test', not 0"):
        idxio.load(tmp_path, split=0)


@pytest.mark.parametrize("look", [idxio.load, idxio.check])
def test_a_dataset_in_the_place_of_its_folder(look):
    with pytest.raises(TypeError, match="directory is the path of a folder, not Dataset"):
        look(idxio.Dataset(IMAGES, LABELS))
