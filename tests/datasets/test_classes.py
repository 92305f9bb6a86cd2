"""The names of classes, by their label."""

import gzip
import hashlib
import json
import os

import numpy as np
import pytest
from helpers import encode

import idxio
from idxio.datasets import classes
from idxio.datasets.classes import class_names
from idxio.datasets.discovery import find_pair

IMAGES = np.zeros((6, 4, 3), np.uint8)
LABELS = np.array([2, 0, 1, 1, 0, 2], np.uint8)


def put(folder, name, array, pack=bytes):
    (folder / name).write_bytes(pack(encode(array)))
    return str(folder / name)


def test_names_of_published_classes(fashion_mnist, tmp_path):
    for split in ("train", "test"):
        assert class_names(find_pair(fashion_mnist, split)[1])[9] == "Ankle boot"
    # Known by what is inside: raw, under another name.
    labels = idxio.read(fashion_mnist / "t10k-labels-idx1-ubyte.gz")
    assert class_names(put(tmp_path, "x", labels))[3] == "Dress"
    assert class_names(put(tmp_path, "x", labels[::-1])) is None


@pytest.mark.parametrize(
    ("known", "label", "name"),
    [
        ("MNIST train labels", 7, "7"),
        ("QMNIST test labels (idx2)", 0, "0"),
        ("EMNIST letters test labels", 26, "Z/z"),
        ("Fashion-MNIST t10k labels", 0, "T-shirt/top"),
        ("Fashion-MNIST train images", 0, None),
    ],
)
def test_every_published_dataset(known, label, name, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "idxio.core.info.known_file", lambda crc, size: known if crc is not None else None
    )
    names = class_names(put(tmp_path, "x", LABELS))
    assert (names and names[label]) == name


def test_kmnist_is_known_by_its_packed_file(tmp_path, monkeypatch):
    path = put(tmp_path, "x", LABELS, lambda data: gzip.compress(data, mtime=0))
    assert class_names(path) is None
    monkeypatch.setattr(
        classes, "_KMNIST", (hashlib.md5((tmp_path / "x").read_bytes()).hexdigest(),)
    )
    assert class_names(path)[9] == "wo"


def test_names_that_a_dataset_brings_along(tmp_path):
    path = put(tmp_path, "train-labels-idx1-ubyte", LABELS)
    put(tmp_path, "train-images-idx3-ubyte", IMAGES)
    assert class_names(path) is None
    for names in (["cat", "dog"], {"0": "cat", "1": "dog"}):
        (tmp_path / "dataset.json").write_text(json.dumps({"class_names": names}))
        assert class_names(path) == {0: "cat", 1: "dog"}
    assert idxio.load(tmp_path).class_names == {0: "cat", 1: "dog"}
    (tmp_path / "dataset.json").write_text(json.dumps({"license": "MIT"}))
    assert class_names(path) is None
    for bad in ("[1", '["cat"]', '{"class_names": "cat"}', '{"class_names": {"cat": 0}}'):
        (tmp_path / "dataset.json").write_text(bad)
        with pytest.raises(
            idxio.FormatError,
            match=r"dataset.json: (is no JSON object|has \"class_names\" that are no list)",
        ):
            class_names(path)


def test_emnists_mapping(tmp_path):
    path = put(tmp_path, "emnist-letters-train-labels-idx1-ubyte", LABELS)
    (tmp_path / "emnist-letters-mapping.txt").write_text("1 65 97\n2 66 98\n")
    (tmp_path / "emnist-balanced-mapping.txt").write_text("0 48\n")
    assert class_names(path) == {1: "A/a", 2: "B/b"}
    assert class_names(put(tmp_path, "emnist-balanced-test-labels-idx1-ubyte", LABELS)) == {0: "0"}
    for text in ("<html>", "1 65 97\n2\n", "1 65 97\n2 66 9"):
        (tmp_path / "emnist-letters-mapping.txt").write_text(text)
        with pytest.raises(idxio.FormatError, match="is no list of labels"):
            class_names(path)


def test_names_of_another_split(fashion_mnist, tmp_path):
    """A part of the published labels is no published file, but its classes are those of the file
    beside it.
    """
    for name in ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"):
        os.symlink(fashion_mnist / name, tmp_path / name)
    put(tmp_path, "val-images-idx3-ubyte", IMAGES)
    put(tmp_path, "val-labels-idx1-ubyte", LABELS)
    assert idxio.load(tmp_path, "val").class_names[2] == "Pullover"
    put(tmp_path, "val-labels-idx1-ubyte", LABELS + 9)
    assert idxio.load(tmp_path, "val").class_names is None


def test_numbers_in_any_script_are_ordered_by_value():
    """As folders of Arabic or full-width digits are named: 10 is no neighbour of 1."""
    one, two, ten, eleven = (
        number.translate({ord(digit): chr(zero + int(digit)) for digit in "0123456789"})
        for zero, number in ((0x660, "1"), (0x660, "2"), (0x660, "10"), (0xFF10, "11"))
    )
    names = [ten, two, one, eleven, "-1", "\N{MINUS SIGN}2", "b"]
    assert classes.in_order(names) == ["\N{MINUS SIGN}2", "-1", one, two, ten, eleven, "b"]
    assert classes.same_numbers([one, "2", "1"]) == (one, "1")
    assert classes.same_numbers(["\N{SUPERSCRIPT TWO}", "2"]) is None
