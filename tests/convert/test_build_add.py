"""idxio.build(add=True) adds pictures to a dataset, which keeps its sides and labels."""

import errno
import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import idxio
from idxio.cli.main import main
from idxio.datasets.sources import read_sources

ZERO = np.zeros(1, np.uint8)


@pytest.fixture
def pics(tmp_path, monkeypatch):
    """40 pictures of two classes, and a dataset of them."""
    monkeypatch.chdir(tmp_path)
    fill(tmp_path / "pics", range(40))
    return tmp_path / "pics"


def pgm(path, number):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    path.write_bytes(b"P5 2 2 255\n" + bytes([number % 256, number // 256, 0, 0]))


def fill(folder, numbers, classes="ab"):
    for i in numbers:
        pgm(folder / classes[i % len(classes)] / f"{i}.pgm", i)


def sides(out="out"):
    """The split of each picture, by its hash."""
    sources = read_sources(out)
    return {s.sha256: split for split, records in sources.items() for s in records.values()}


def content(out="out"):
    return {path.name: path.read_bytes() for path in sorted(Path(out).iterdir())}


def about(out="out"):
    return json.loads(Path(out, "dataset.json").read_text())


def check(*roots, out="out"):
    """Each record is the picture that sources.csv tells, with the label of its class."""
    data_of = {}
    for root in roots:
        for path in root.rglob("*.pgm"):
            data = path.read_bytes()
            data_of[hashlib.sha256(data).hexdigest()] = data, path
    names = about(out)["class_names"]
    for split, records in read_sources(out).items():
        ds = idxio.load(out, split)
        assert sorted(records) == list(range(len(ds)))
        for record, source in records.items():
            data, path = data_of[source.sha256]
            assert ds.images[record].tobytes() == data[-4:]
            assert ds.labels[record] == source.label
            assert names[source.label] == path.parent.name
    assert not [f for f in idxio.check(out).findings if f.kind in ("changed", "unreadable")]


def test_old_sides_and_labels_are_kept(pics):
    idxio.build("pics", "out", test_per_class=4)
    before = sides()
    fill(pics, range(40, 120), "0ab")
    built = idxio.build("pics", "out", add=True)
    after = sides()
    assert {sha256: after[sha256] for sha256 in before} == before
    assert built.class_names == ["a", "b", "0"]  # a new one comes behind
    assert len(after) == 120
    check(pics)
    tests = [about()["counts"][s] for s in ("train", "t10k")]
    assert tests[1] == [4, 4, 4]
    assert built.notes == [
        "80 added to the 40 pictures of the dataset, which had 40 of them already"
    ]
    # All anew, the smallest of all would be others.
    idxio.build("pics", "anew", test_per_class=4)
    assert any(sides("anew")[sha256] != side for sha256, side in before.items())


def test_a_class_is_filled_up(pics):
    idxio.build("pics", "out", test_per_class=4)
    before = sides()
    # Old ones stay where they are: there is nothing to fill up with, which is told.
    built = idxio.build("pics", "out", add=True, test_per_class=6)
    assert about()["counts"]["t10k"] == [4, 4]
    assert sides() == before
    assert (
        "less pictures than asked for to test or validate with has the class a, b"
        in (built.notes[0])
    )
    fill(pics, range(40, 60))
    built = idxio.build("pics", "out", add=True, val_per_class=3)
    assert about()["counts"] == {"train": [21, 21], "t10k": [6, 6], "val": [3, 3]}
    after = sides()
    assert {sha256: after[sha256] for sha256 in before} == before
    # The smallest of the new ones.
    new = sorted((pics / "a" / f"{i}.pgm" for i in range(40, 60, 2)), key=sha256_of)
    assert [after[sha256_of(path)] for path in new[:6]] == ["t10k"] * 2 + ["val"] * 3 + ["train"]
    check(pics)


def sha256_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_new_pictures_alone_from_another_folder(pics):
    idxio.build("pics", "out")
    before = sides()
    more = pics.parent / "more"
    fill(more, range(40, 400))
    shutil.copy(pics / "a" / "0.pgm", more / "a" / "copy.pgm")
    built = idxio.build("more", "out", add=True)
    assert built.notes[-1] == (
        "360 added to the 40 pictures of the dataset, which had 1 of them already"
    )
    after = sides()
    assert {sha256: after[sha256] for sha256 in before} == before
    check(pics, more)
    shutil.copytree(more, pics, dirs_exist_ok=True)
    idxio.build("pics", "anew")
    new = {sha256: side for sha256, side in after.items() if sha256 not in before}
    assert {sha256: sides("anew")[sha256] for sha256 in new} == new


def test_a_picture_that_was_changed_is_told(pics):
    """Its old record stays, as all do; both of them may be meant, where folders have like names."""
    idxio.build("pics", "out")
    pgm(pics / "a" / "0.pgm", 500)
    built = idxio.build("pics", "out", add=True)
    assert built.notes[-2].startswith(
        "1 added picture has the path of one that the dataset has, as a/0.pgm; where"
    )
    assert built.notes[-1] == (
        "1 added to the 40 pictures of the dataset, which had 39 of them already"
    )


def test_reproducible_and_nothing_new_changes_nothing(pics):
    idxio.build("pics", "out", seed=3)
    shutil.copytree("out", "again")
    before = content()
    fill(pics, range(40, 60))
    for out, threads in (("out", 1), ("again", 2)):
        idxio.build("pics", out, add=True, threads=threads)
    assert content() == content("again") != before
    one = idxio.build("pics", "out", add=True)
    assert one.notes[-1].startswith("0 added to the 60")
    assert len(sides()) == 60
    check(pics)


def test_equal_pictures_follow_the_old_one(pics):
    idxio.build("pics", "out")
    before = sides()
    for path in list(pics.rglob("*.pgm")):
        Image.open(path).save(path.with_suffix(".bmp"))
    idxio.build("pics", "out", add=True)
    sources = read_sources("out")
    side_of = {s.file: split for split, rows in sources.items() for s in rows.values()}
    assert len(side_of) == 80
    for file, side in side_of.items():
        assert side_of[file.replace(".bmp", ".pgm")] == side
    assert {s: sides()[s] for s in before} == before


def test_the_options_are_those_of_the_dataset(pics):
    idxio.build("pics", "out", pipeline="fit", size=5, seed=2, sort=True)
    fill(pics, range(40, 60))
    built = idxio.build("pics", "out", add=True)
    assert built.files[0].shape[1:] == (5, 5)
    assert (about()["pipeline"], about()["size"], about()["seed"], about()["sorted"]) == (
        "fit",
        5,
        2,
        True,
    )
    labels = idxio.load("out").labels
    assert labels.tolist() == sorted(labels)
    for name, value in (("size", 7), ("pipeline", "fashion"), ("seed", 1), ("colour", "rgb")):
        with pytest.raises(ValueError, match=f"{name} is .* and the dataset was made with"):
            idxio.build("pics", "out", add=True, **{name: value})
    idxio.build("pics", "out", add=True, pipeline="fit", size=5, sort=True)


def test_pictures_that_are_split(pics):
    fill(pics.parent / "s" / "train", range(10))
    fill(pics.parent / "s" / "test", range(10, 20))
    idxio.build("s", "out")
    with pytest.raises(ValueError, match=r"have their splits, and those to add have none; put"):
        idxio.build("pics", "out", add=True)
    fill(pics.parent / "s" / "test", range(20, 30))
    fill(pics.parent / "s" / "val", range(30, 40))
    idxio.build("s", "out", add=True)
    assert [len(idxio.load("out", split)) for split in ("train", "test", "val")] == [10, 20, 10]
    check(pics.parent / "s")
    os.rename(
        pics.parent / "s" / "test" / "a" / "10.pgm", pics.parent / "s" / "val" / "a" / "x.pgm"
    )
    with pytest.raises(
        idxio.PictureError, match=r"10\.pgm of the dataset, where its split is t10k"
    ):
        idxio.build("s", "out", add=True)
    idxio.build("pics", "drawn")
    with pytest.raises(ValueError, match="had none, and those to add have"):
        idxio.build("s", "drawn", add=True)


def test_a_picture_that_has_another_class_now(pics):
    idxio.build("pics", "out")
    before = content()
    os.rename(pics / "a" / "0.pgm", pics / "b" / "0.pgm")
    with pytest.raises(
        idxio.PictureError,
        match=r"b/0\.pgm is a/0\.pgm of the dataset, where its class is 'a'; to change that, build",
    ):
        idxio.build("pics", "out", add=True)
    assert content() == before
    built = idxio.build("pics", "out", add=True, skip_bad=True)
    assert [path for path, _ in built.skipped] == ["b/0.pgm"]
    assert len(sides()) == 40


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda: os.remove("out/dataset.json"), "has no dataset.json of build"),
        (lambda: os.remove("out/sources.csv"), "does not tell the picture of each of the"),
        (lambda: idxio.write("out/train-labels-idx1-ubyte.gz", ZERO), "is not the file of which"),
        (lambda: cut("out/sources.csv"), "does not tell the picture of each of the"),
        (lambda: name("a"), r"has 1 class_names, and \S+-labels-idx1-ubyte.gz the labels 0 to 1"),
        (lambda: name(), "has 0 class_names, and "),
        (lambda: name("a", ["b"]), "class_names"),
        (lambda: edit(class_names={"0": "a", "1": "b"}), "has class_names in another form than"),
        (lambda: edit(seed=float("nan")), "has seed in another form than build writes"),
        (lambda: edit(sorted="no"), "has sorted in another form than build writes"),
    ],
)
def test_what_build_did_not_make_is_refused(pics, change, what):
    idxio.build("pics", "out")
    change()
    before = content()
    with pytest.raises(idxio.FormatError, match=what):
        idxio.build("pics", "out", add=True)
    assert content() == before
    assert main(["build", "--add", "pics", "out"]) == 1


def name(*class_names):
    edit(class_names=class_names)


def edit(**keys):
    """Edit the description, as people do."""
    edited = {**about(), **keys}
    with open("out/dataset.json", "w") as file:
        json.dump(edited, file)


def cut(path):
    with open(path) as file:
        lines = file.readlines()
    with open(path, "w") as file:
        file.writelines(lines[:-1])


def test_names_that_are_numbers_in_the_description(pics):
    idxio.build("pics", "out")
    name(0, 1)
    assert idxio.build("pics", "out", add=True, skip_bad=True).class_names == ["0", "1"]


def test_a_sorted_file_is_refused(pics):
    idxio.build("pics", "out")
    pair = [f"out/train-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1")]
    idxio.write_sorted(*pair, *pair)
    with pytest.raises(idxio.FormatError, match=r"with 'pipeline' in it; .*Build a new one"):
        idxio.build("pics", "out", add=True)


def test_no_dataset(pics):
    with pytest.raises(FileNotFoundError):
        idxio.build("pics", "nowhere", add=True)
    os.mkdir("empty")
    with pytest.raises(idxio.FormatError, match=r"has no dataset\.json of build"):
        idxio.build("pics", "empty", add=True)


def test_more_classes_than_a_byte_holds(pics):
    idxio.build("pics", "out", test_per_class=0)
    for i in range(256):
        pgm(pics / str(i) / "0.pgm", 1000 + i)
    before = content()
    with pytest.raises(idxio.FormatError, match=r"would keep t10k-labels-idx1-ubyte\.gz"):
        idxio.build("pics", "out", add=True)
    assert content() == before


def test_one_number_in_two_ways(pics):
    pgm(pics / "1" / "x.pgm", 100)
    idxio.build("pics", "out", test_per_class=0)
    shutil.rmtree(pics / "1")
    pgm(pics / "01" / "y.pgm", 101)
    with pytest.raises(idxio.FormatError, match="which are one number"):
        idxio.build("pics", "out", add=True)


@pytest.mark.parametrize("at", [10, 45])
def test_a_failure_leaves_the_old_dataset(pics, at):
    idxio.build("pics", "out")
    fill(pics, range(40, 60))
    before = content()

    def fail(done, total):
        if done >= at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        idxio.build("pics", "out", add=True, progress=fail)
    assert content() == before


def test_a_full_disk_leaves_the_old_dataset(pics, monkeypatch):
    idxio.build("pics", "out")
    fill(pics, range(40, 60))
    before = content()

    def refuse(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("idxio.convert.build_files.shutil.copyfileobj", refuse)
    with pytest.raises(OSError, match="No space left"):
        idxio.build("pics", "out", add=True)
    assert content() == before


def test_command(pics, capsys):
    assert main(["build", "pics", "out"]) == 0
    fill(pics, range(40, 60))
    capsys.readouterr()
    assert main(["build", "--add", "pics", "out"]) == 0
    out, errors = capsys.readouterr()
    assert "20 added to the 40 pictures of the dataset" in errors
    assert "out/dataset.json: 2 classes: a, b" in out
    assert "out/sources.csv: the picture of each record" in out
    assert main(["build", "--add", "pics", "out", "--size", "9"]) == 2
    assert "size is 9, and the dataset was made with 28" in capsys.readouterr().err


def test_two_at_once(pics):
    idxio.build("pics", "out")
    one, other = pics.parent / "one", pics.parent / "other"
    fill(one, range(40, 60))
    fill(other, range(60, 80))
    meanwhile = []

    def add_other(done, total):
        if not meanwhile:
            meanwhile.append(idxio.build("other", "out", add=True))

    with pytest.raises(idxio.ChangedError, match=r"was changed by another process .*run it again"):
        idxio.build("one", "out", add=True, progress=add_other)
    assert len(sides()) == 60
    check(pics, other)
    idxio.build("one", "out", add=True)
    assert len(sides()) == 80
    check(pics, one, other)
    assert not [name for name in os.listdir("out") if name.startswith(".")]


def test_sorted_while_pictures_are_added(pics):
    idxio.build("pics", "out")
    fill(pics, range(40, 60))
    pair = [f"out/train-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1")]
    shutil.copytree("out", "sorted")
    pair_there = [path.replace("out", "sorted") for path in pair]
    idxio.write_sorted(*pair_there, *pair_there)
    done = []

    def sort(some, total):
        if not done:
            done.append(idxio.write_sorted(*pair, *pair))

    with pytest.raises(idxio.ChangedError):
        idxio.build("pics", "out", add=True, progress=sort)
    assert content() == content("sorted")


@pytest.mark.parametrize("kind", ["images-idx3", "labels-idx1"])
def test_repacked_to_another_name(pics, kind, capsys):
    idxio.build("pics", "out")
    fill(pics, range(40, 60))
    packed, raw = f"out/train-{kind}-ubyte.gz", f"out/train-{kind}-ubyte"
    idxio.write(raw, idxio.read(packed))
    os.remove(packed)
    assert main(["build", "--add", "pics", "out"]) == 3
    remedy = f"idxio repack {raw} {packed}"
    errors = capsys.readouterr().err
    assert f"{packed}: is not there, and dataset.json tells of it. If {raw} was" in errors
    assert errors.endswith(f"{remedy}\n")
    assert main(remedy.split()[1:]) == 0
    os.remove(raw)
    assert main(["build", "--add", "pics", "out"]) == 0
    check(pics)


def test_a_file_that_is_gone(pics):
    idxio.build("pics", "out")
    os.remove("out/train-images-idx3-ubyte.gz")
    with pytest.raises(FileNotFoundError, match=r"Put the file back, or build a new dataset"):
        idxio.build("pics", "out", add=True)


def test_what_a_killed_writer_left_is_removed(pics):
    idxio.build("pics", "out")
    for number in (0, 3):
        os.mkdir(f"out/..added.{number}.tmp")
        Path(f"out/..added.{number}.tmp/spool").write_bytes(b"left")
    idxio.build("pics", "out", add=True)
    assert not [name for name in os.listdir("out") if name.startswith(".")]
