"""idxio.build takes pictures that are already split as they are."""

import json
import os

import numpy as np
import pytest
from PIL import Image

import idxio
from idxio.cli.main import main


@pytest.fixture
def pics(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "pics"


def save(path, value):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Image.fromarray(np.full((8, 8), value, np.uint8)).save(path)


def fill(pics, names, classes=("cat", "dog")):
    """Two pictures of each class in each folder, numbered through, as grey levels."""
    value = 0
    for name in names:
        for c in classes:
            for i in range(2):
                save(pics / name / c / f"{i}.png", value)
                value += 1


def pixels(split, out="out"):
    """The grey level and the class name of each picture, in the order of the file."""
    ds = idxio.load(out, split)
    return [
        (int(image[0, 0]), ds.class_names[int(label)])
        for image, label in zip(ds.images[:], ds.labels, strict=True)
    ]


FIRST = [(0, "cat"), (1, "cat"), (2, "dog"), (3, "dog")]
SECOND = [(value + 4, name) for value, name in FIRST]
THIRD = [(value + 8, name) for value, name in FIRST]


@pytest.mark.parametrize(
    ("names", "files"),
    [
        (("train", "test"), ("train", "t10k")),
        (("Train", "Test"), ("train", "t10k")),
        (("training", "testing"), ("train", "t10k")),  # mnist_png
        (("training-images", "test-images"), ("train", "t10k")),  # gskielian's
        (("train_set", "testset"), ("train", "t10k")),
        (("train", "t10k", "val"), ("train", "t10k", "val")),
        (("train", "test", "Validation"), ("train", "t10k", "val")),
        (("train", "val"), ("train", "val")),  # ImageFolder
        (("train", "test", "extra"), ("train", "t10k", "extra")),  # SVHN
    ],
)
def test_folders_of_splits(pics, names, files):
    fill(pics, names)
    built = idxio.build("pics", "out", sort=True)
    written = [
        f"{split}-{kind}-ubyte.gz" for split in files for kind in ("images-idx3", "labels-idx1")
    ]
    assert [os.path.basename(file.file) for file in built.files] == written
    for split, expected in zip(files, (FIRST, SECOND, THIRD), strict=False):
        assert pixels(split) == expected
    counted = [f"4 pictures of {name}" for name in [w.replace("t10k", "test") for w in files]]
    told = [f"the pictures are split already, and stay so: {', '.join(counted)}"]
    if "t10k" not in files:
        told.append("no picture to test with; others than `load` may look for the files of t10k")
    assert built.notes == told
    about = json.loads((pics.parent / "out" / "dataset.json").read_text())
    assert about["counts"] == {split: [2, 2] for split in files}
    assert about["split_by"] == "pictures"
    assert list(about["files"]) == written


def test_classes_of_all_splits_are_numbered_together(pics):
    save(pics / "train" / "2" / "a.png", 0)
    save(pics / "train" / "10" / "a.png", 1)
    save(pics / "test" / "3" / "a.png", 2)
    built = idxio.build("pics", "out", sort=True)
    assert built.class_names == ["2", "3", "10"]
    assert pixels("train") == [(0, "2"), (1, "10")]
    assert pixels("test") == [(2, "3")]
    assert built.notes[1:] == [
        "no picture of train has the class 3",
        "no picture of test has the class 2, 10",
    ]


def test_a_picture_that_is_missing_and_other_suffixes(pics):
    fill(pics, ("training", "testing"), "01")
    os.rename(pics / "training" / "0" / "1.png", pics / "training" / "0" / "00007.PNG")
    (pics / "testing" / "1" / "bad.png").write_bytes(b"x")
    with pytest.raises(idxio.PictureError, match=r"testing/1/bad\.png"):
        idxio.build("pics", "out")
    built = idxio.build("pics", "out", skip_bad=True, sort=True)
    assert [file.shape[0] for file in built.files] == [4, 4, 4, 4]
    assert pixels("test") == [(4, "0"), (5, "0"), (6, "1"), (7, "1")]


def test_shuffled_within_each_split_and_reproducible(pics):
    fill(pics, ("train", "test"), [str(i) for i in range(10)])
    for out in ("a", "b"):
        idxio.build("pics", out, seed=3)
    for split in ("train", "test"):
        rows = pixels(split, "a")
        assert rows != sorted(rows)
        assert rows == pixels(split, "b")
        assert {value // 20 for value, _ in rows} == {split == "test"}


@pytest.mark.parametrize("options", [{"test_per_class": 1}, {"test_per_class": 0}])
def test_nothing_is_drawn_beside(pics, options):
    fill(pics, ("train", "test"))
    with pytest.raises(ValueError, match=r"are split already.*--test-per-class\) out"):
        idxio.build("pics", "out", **options)
    assert main(["build", "pics", "out", "--test-per-class", "1"]) == 2
    assert not os.path.exists("out")


@pytest.mark.parametrize(
    ("folders", "what"),
    [
        (["train/cat", "training/cat"], "holds train and training, which are one split"),
        (["test/cat", "val/cat"], "nothing to train with; name pics/test, and build draws"),
        (["train/cat", "test"], "but test has no class folders: nothing tells the classes"),
        (["train/cat", "test/cat", "eval/cat"], "eval beside, .*: call it val or test, or name a"),
        (["train/cat", "test/cat", "bird/cat2"], "bird beside, .*: move it away, or name a CSV"),
        (["train/cat", "bird"], "which is a split and no class .as train/cat., and bird beside"),
    ],
)
@pytest.mark.parametrize("skip_bad", [False, True])
def test_what_is_neither_is_refused(pics, folders, what, skip_bad):
    for folder in folders:
        save(pics / folder / "0.png", 0)
    with pytest.raises(idxio.FormatError, match=what):
        idxio.build("pics", "out", skip_bad=skip_bad)


def listed(text):
    with open("list.csv", "w", encoding="utf-8") as file:
        file.write(text)
    return "list.csv"


@pytest.mark.parametrize("heading", ["", "path,label,split\n", "File,Class,SET\n"])
def test_a_split_column(pics, heading):
    for i in range(12):
        save(pics / f"{i}.png", i)
    words = ("train", "TEST", "valid")
    lines = [f"{i}.png, {('cat', 'dog')[i // 2 % 2]}, {words[i // 4]}\n" for i in range(12)]
    built = idxio.build("pics", "out", labels=listed(heading + "".join(lines)), sort=True)
    assert (pixels("train"), pixels("test"), pixels("val")) == (FIRST, SECOND, THIRD)
    assert len(built.files) == 6
    assert len(built.notes) == 1


def test_a_split_of_its_own_name_needs_the_heading(pics):
    for i in range(3):
        save(pics / f"{i}.png", i)
    lines = "0.png,a,train\n1.png,a,Extra\n2.png,a,extra\n"
    with pytest.raises(
        idxio.FormatError,
        match=r"line 2 has the fields .*'Extra'.*train, test or val, or with the heading",
    ):
        idxio.build("pics", "out", labels=listed(lines))
    idxio.build("pics", "out", labels=listed(f"path,label,split\n{lines}"), sort=True)
    assert pixels("extra") == [(1, "a"), (2, "a")]


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        ("0.png,cat,12\n1.png,cat,17\n", r"line 1 has the fields \['0.png', 'cat', '12'\]"),
        ("path,label,width\n0.png,cat,12\n", "line 1 has the fields .*'width'.*path,label,split"),
        ("0.png,train,cat\n1.png,test,cat\n", "the split comes third, behind the label"),
        ("cat,0.png,train\n", "has its columns exchanged"),
        ("0.png,cat,train\n1.png,cat\n", "line 2 .*expected a path, a label and a split"),
        ("0.png,cat\n1.png,cat,test\n", "line 2 .*expected a path and a label, with"),
        ("0.png,cat,train\n1.png,cat, \n", "line 2 .*expected a path, a label and a split"),
        ("0.png,cat,train,1\n", "expected a path and a label or a path, a label and a split"),
        ("path,label,split\n0.png,a,my_val\n", "line 2 has the fields .*'my_val'"),
    ],
)
def test_wrong_columns_are_told(pics, lines, what):
    for i in range(2):
        save(pics / f"{i}.png", i)
    with pytest.raises(idxio.FormatError, match=what):
        idxio.build("pics", "out", labels=listed(lines), skip_bad=True)


def test_paths_that_begin_with_splits(pics):
    fill(pics, ("train", "test"))
    paths = [f"{s}/{c}/{i}.png" for s in ("train", "test") for c in ("cat", "dog") for i in "01"]
    lines = [f"{path},{path.split('/')[1]}\n" for path in paths]
    built = idxio.build("pics", "out", labels=listed("".join(lines)), sort=True)
    assert (pixels("train"), pixels("test")) == (FIRST, SECOND)
    assert built.notes[0] == "the first folder of each path was taken for its split: test and train"
    # Of one split alone, some are drawn as ever.
    built = idxio.build(
        "pics", "one", labels=listed("".join(lines[:4])), sort=True, test_per_class=1
    )
    assert [file.shape[0] for file in built.files] == [2, 2, 2, 2]
    assert built.notes == ["4 pictures in the folder are not in the CSV file, and were left out"]
