"""idxio.build decides by the bytes of a picture whether it trains or tests."""

import csv
import hashlib
import json
import os

import numpy as np
import pytest

import idxio
from idxio.convert.images.sides import decided, unlike
from idxio.datasets.sources import read_sources


@pytest.fixture
def pics(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "pics"


def pgm(path, number, comment=""):
    """A picture of 2 x 2 pixels, whose bytes no version of Pillow changes."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    pixels = bytes([number % 256, number // 256, 0, 0])
    path.write_bytes(b"P5\n" + comment.encode() + b"2 2\n255\n" + pixels)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sides(out="out"):
    """The split of each file."""
    return {
        source.file: split
        for split, records in read_sources(out).items()
        for source in records.values()
    }


def is_below_a_seventh(digest):
    return int(digest, 16) * 7 < 1 << 256


def test_no_picture_changes_sides(pics):
    for i in range(120):
        pgm(pics / "ab"[i % 2] / f"{i}.pgm", i)
    built = idxio.build("pics", "one")
    assert built.notes == []
    for i in range(120, 400):
        pgm(pics / "abc"[i % 3] / f"{i}.pgm", i)
    idxio.build("pics", "two", seed=5, sort=True)
    before = sides("one")
    after = sides("two")
    assert len(after) == 400
    assert {file: after[file] for file in before} == before
    assert after == {
        file: "t10k" if is_below_a_seventh(sha256(pics / file)) else "train" for file in after
    }
    assert 30 < list(after.values()).count("t10k") < 90
    os.rename(pics / "a", pics / "z")
    (pics / "b" / "1.pgm").unlink()
    idxio.build("pics", "three")
    assert {os.path.basename(f): s for f, s in sides("three").items()} == {
        os.path.basename(f): s for f, s in after.items() if f != "b/1.pgm"
    }


def test_a_class_without_a_hash_below_a_seventh_tests_with_its_smallest(pics):
    number = 0
    for _ in range(3):
        while True:  # draw pictures until three are above
            pgm(pics / "a" / f"{number}.pgm", number)
            if not is_below_a_seventh(sha256(pics / "a" / f"{number}.pgm")):
                break
            (pics / "a" / f"{number}.pgm").unlink()
            number += 1
        number += 1
    pgm(pics / "alone" / "x.pgm", 300)
    built = idxio.build("pics", "out")
    least = min((pics / "a").iterdir(), key=sha256)
    assert [file for file, split in sides().items() if split == "t10k"] == [f"a/{least.name}"]
    assert built.notes == [
        "no SHA-256 of the class a is below a seventh, so that its smallest tests; with more"
        " pictures another may, unless they are added by add=True (--add)"
    ]


def test_a_class_never_tests_with_all(pics):
    """Pictures below a seventh alone: the largest trains."""
    kept = []
    for number in range(60):
        pgm(pics / "a" / f"{number}.pgm", number)
        if is_below_a_seventh(sha256(pics / "a" / f"{number}.pgm")):
            kept.append(f"a/{number}.pgm")
        else:
            (pics / "a" / f"{number}.pgm").unlink()
    assert len(kept) > 2
    idxio.build("pics", "out")
    largest = max(kept, key=lambda file: sha256(pics / file))
    assert [file for file, split in sides().items() if split == "train"] == [largest]


def test_the_smallest_of_each_class_test_and_the_next_validate(pics):
    for i in range(40):
        pgm(pics / "ab"[i % 2] / f"{i}.pgm", i)
    built = idxio.build("pics", "out", test_per_class=3, val_per_class=4)
    assert [os.path.basename(file.file)[:5] for file in built.files[::2]] == [
        "train",
        "t10k-",
        "val-i",
    ]
    found = sides()
    for name in "ab":
        by_hash = sorted((pics / name).iterdir(), key=sha256)
        splits = [found[f"{name}/{path.name}"] for path in by_hash]
        assert splits == ["t10k"] * 3 + ["val"] * 4 + ["train"] * 13
    about = json.loads((pics.parent / "out" / "dataset.json").read_text())
    assert about["counts"] == {"train": [13, 13], "t10k": [3, 3], "val": [4, 4]}
    assert about["val_per_class"] == 4
    assert len(idxio.load("out", "val")) == 8
    idxio.build("pics", "seventh", val_per_class=2)
    assert list(sides("seventh").values()).count("val") == 4


def test_equal_pictures_go_to_one_side(pics):
    for i in range(60):
        for copy in range(3):
            pgm(pics / "ab"[i % 2] / f"{i} {copy}.pgm", i, f"# copy {copy}\n")
    for options in ({}, {"test_per_class": 10}):
        out = f"out{len(options)}"
        built = idxio.build("pics", out, **options)
        found = sides(out)
        for i in range(60):
            assert len({found[f"{'ab'[i % 2]}/{i} {copy}.pgm"] for copy in range(3)}) == 1
        assert "t10k" in found.values()
        train, test = (idxio.load(out, split).images[:] for split in ("train", "t10k"))
        assert not {x.tobytes() for x in train} & {x.tobytes() for x in test}
    assert len(test) == 2 * 9  # not 10: three copies at a time
    assert built.notes == [
        "less pictures than asked for to test or validate with has the class a, b: equal ones go to"
        " one side, and those of an old dataset stay where they are"
    ]


def test_equal_pictures_of_two_classes_train_and_are_told(pics):
    for i in range(30):
        pgm(pics / "a" / f"{i}.pgm", i)
        pgm(pics / "b" / f"{i}.pgm", i if i < 12 else i + 100)
    built = idxio.build("pics", "out")
    found = sides()
    assert {found[f"{name}/{i}.pgm"] for name in "ab" for i in range(12)} == {"train"}
    assert "12 pictures are equal to one of another class, as a/0.pgm and b/0.pgm" in built.notes


def test_equal_pictures_of_two_given_splits_are_told(pics):
    pgm(pics / "train" / "a" / "0.pgm", 0)
    pgm(pics / "train" / "a" / "1.pgm", 1)
    pgm(pics / "test" / "a" / "2.pgm", 1, "# other bytes\n")
    built = idxio.build("pics", "out")
    assert built.notes[1:] == [
        "1 picture is equal to one of another split, as test/a/2.pgm and train/a/1.pgm"
    ]


@pytest.mark.parametrize("options", [{}, {"sort": True}, {"skip_bad": True, "threads": 2}])
def test_sources_name_the_picture_of_each_record(pics, options):
    for i in range(50):
        pgm(pics / 'a,"\n' / f"{i}.pgm", i)
        pgm(pics / "b" / f"{i}.pgm", i + 50)
    if "skip_bad" in options:
        (pics / "b" / "10.pgm").write_bytes(b"x")
    built = idxio.build("pics", "out", **options)
    sources = read_sources("out")
    assert list(sources) == ["train", "t10k"]
    for split, records in sources.items():
        ds = idxio.load("out", split)
        assert sorted(records) == list(range(len(ds)))
        for record, source in records.items():
            data = (pics / source.file).read_bytes()
            assert source.sha256 == hashlib.sha256(data).hexdigest()
            assert ds.images[record].tobytes() == data[-4:]
            assert ds.labels[record] == source.label
            folder = os.path.dirname(source.file)
            assert built.class_names[source.label] == folder.strip()


def test_sources_of_a_list(pics):
    for i in range(4):
        pgm(pics / "sub" / f"{i}.pgm", i)
    with open("list.csv", "w") as file:
        csv.writer(file).writerows(
            [(pics / "sub" / "0.pgm", "a"), ("sub/1.pgm", "a"), ("./sub/2.pgm", "a")]
        )
    idxio.build("pics", "out", labels="list.csv")
    assert sorted(sides()) == ["sub/0.pgm", "sub/1.pgm", "sub/2.pgm"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "line 0 .expected the heading"),
        ("split,record,file,label\n", "line 1 .expected the heading"),
        ("{}train,0,a\n", "line 2"),
        ("{}train,x,a,0,{sum}\n", "line 2"),
        ("{}train,0,a,0,12\n", "line 2 .'12' is no SHA-256"),
        ("{}train,0,a,0,{sum}\ntrain,0,b,0,{sum}\n", "line 3 .record 0 of train is there twice"),
    ],
)
def test_sources_that_are_none(tmp_path, text, what):
    heading = "split,record,file,label,sha256\n"
    (tmp_path / "sources.csv").write_text(text.format(heading, sum="00" * 32))
    with pytest.raises(idxio.FormatError, match=what):
        read_sources(tmp_path)


def test_no_sources(tmp_path):
    assert read_sources(tmp_path) == {}
    os.mkfifo(tmp_path / "sources.csv")
    with pytest.raises(idxio.FormatError, match="named pipe"):
        read_sources(tmp_path)


def test_many_records_with_copies():
    """Of random sums, a seventh of each class, and equal ones together."""
    draw = np.random.default_rng(0)
    n = 70_000
    sums = draw.integers(0, 256, (n, 32), np.uint8)
    groups = draw.integers(0, 50_000, n).astype(np.uint64)
    labels = (groups % 10).astype(np.int32)
    names = [str(i) for i in range(10)]
    parts = decided(sums, groups, labels, names, None, None).parts
    assert not set(groups[parts["train"]].tolist()) & set(groups[parts["t10k"]].tolist())
    assert sorted([*parts["train"], *parts["t10k"]]) == list(range(n))
    assert unlike(groups, labels) is None
