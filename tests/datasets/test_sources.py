"""sources.csv goes along where files are sorted and merged."""

import hashlib
import os

import numpy as np
import pytest
from helpers import write_pgm

import idxio
from idxio.cli.main import main
from idxio.datasets.classes import described
from idxio.datasets.sources import read_sources

TRAIN = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz")


@pytest.fixture
def two(tmp_path, monkeypatch):
    """Two datasets, of cats and dogs and of birds and dogs."""
    monkeypatch.chdir(tmp_path)
    for i in range(60):
        write_pgm(tmp_path / "p" / ("cat", "dog")[i % 2] / f"{i}.pgm", i)
        write_pgm(tmp_path / "q" / ("bird", "dog")[i % 2] / f"{i}.pgm", i + 100)
    idxio.build("p", "one")
    idxio.build("q", "two")
    return tmp_path


def pair(folder):
    return [os.path.join(folder, name) for name in TRAIN]


def check(two, images, labels, folder, split):
    """Each record is the picture that sources.csv tells, with its label; return their count."""
    images, labels = idxio.read(images), idxio.read(labels)
    names = described(folder)
    sources = read_sources(folder)[split]
    for record, source in sources.items():
        data = next(
            data
            for root in "pq"
            if (two / root / source.file).exists()
            and hashlib.sha256(data := (two / root / source.file).read_bytes()).hexdigest()
            == source.sha256
        )
        assert images[record].tobytes() == data[-4:]
        assert labels[record] == source.label
        assert names[source.label] == source.file.split("/")[0]
    return len(sources)


def test_sorted_into_another_folder(two):
    os.mkdir("s")
    assert main(["sort", *pair("one"), *pair("s")]) == 0
    count = check(two, *pair("s"), "s", "train")
    assert count == len(idxio.load("one"))
    assert list(read_sources("s")) == ["train"]


def test_sorted_in_place_beside_other_splits(two):
    before = read_sources("one")
    idxio.write_sorted(*pair("one"), *pair("one"))
    after = read_sources("one")
    assert after["t10k"] == before["t10k"]
    assert after["train"] != before["train"]
    assert check(two, *pair("one"), "one", "train") == len(before["train"])
    assert [after["train"][i].label for i in sorted(after["train"])] == sorted(
        source.label for source in before["train"].values()
    )


def test_merged_by_name(two):
    os.mkdir("m")
    assert main(["sort", *pair("one"), *pair("two"), "m/all-images", "m/all-labels"]) == 0
    count = check(two, "m/all-images", "m/all-labels", "m", "all")
    assert count == len(idxio.load("one")) + len(idxio.load("two"))
    assert {source.label for source in read_sources("m")["all"].values()} == {0, 1, 2}


def test_records_without_a_source_are_not_listed(two):
    os.remove("two/sources.csv")
    os.mkdir("m")
    idxio.write_sorted(
        "m/a-images", "m/a-labels", [p[0] for p in map(pair, ("one", "two"))],
        [p[1] for p in map(pair, ("one", "two"))],
    )  # fmt: skip
    assert check(two, "m/a-images", "m/a-labels", "m", "a") == len(idxio.load("one"))


def changed(folder):
    return {f.level: f.message for f in idxio.check(folder).findings if f.kind == "changed"}


def test_a_list_of_some_records_is_of_this_dataset(two):
    os.remove("two/sources.csv")
    os.mkdir("m")
    assert main(["sort", *pair("two"), *pair("one"), *pair("m")]) == 0
    listed, all_of_them = len(idxio.load("one")), len(idxio.load("m"))
    found = changed("m")
    assert found.keys() == {"warning"}
    assert f"tells of {listed} of the {all_of_them} pictures: lines are lost" in found["warning"]
    idxio.write(pair("m")[1], idxio.read(pair("m")[1])[::-1])
    assert changed("m").keys() == {"error"}


def test_lines_of_files_that_are_replaced_go(two):
    x, y = np.zeros((3, 2, 2), np.uint8), np.array([1, 0, 1], np.uint8)
    idxio.write_sorted(*pair("one"), x, y)
    assert "train" not in read_sources("one")
    assert read_sources("one")["t10k"]


@pytest.mark.parametrize("change", ["label", "count"])
def test_a_list_of_other_files_is_refused(two, change):
    labels = idxio.read(pair("one")[1])
    other = 1 - labels if change == "label" else labels[:-1]
    images = idxio.read(pair("one")[0])[: len(other)]
    for path, data in zip(pair("one"), (images, other), strict=True):
        idxio.write(path, data)
    os.mkdir("s")
    with pytest.raises(idxio.FormatError, match=r"sources.csv: has record .*remove it"):
        idxio.write_sorted(*pair("s"), *pair("one"))
    assert os.listdir("s") == []


def test_its_place_is_taken(two):
    with pytest.raises(idxio.IdxError, match=r"sources\.csv: is where the pictures"):
        idxio.write_sorted("one/sources.csv", "one/x-labels", *pair("one"))


def test_no_sources_no_list(two):
    x, y = np.zeros((3, 2, 2), np.uint8), np.array([1, 0, 1], np.uint8)
    os.mkdir("s")
    idxio.write_sorted("s/images", "s/labels", x, y)
    assert sorted(os.listdir("s")) == ["images", "labels"]
