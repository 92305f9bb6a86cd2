"""Sorting and merging files keep the names of classes: labels are mapped by name, and dataset.json
stays true.
"""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import idxio
from idxio.cli.main import main
from idxio.datasets import merge
from idxio.datasets.classes import class_names
from idxio.datasets.discovery import find_pair


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def dataset(folder, names, labels, split="train", dtype=np.uint8):
    """A pair whose pixels say the name of the class, and the dataset.json beside it if there are
    names.
    """
    os.makedirs(folder, exist_ok=True)
    labels = np.asarray(labels, dtype)
    of = names or {}
    value = [sum(map(ord, of[int(label)])) % 256 if of else int(label) for label in labels]
    images = np.repeat(np.array(value, np.uint8), 4).reshape(-1, 2, 2)
    files = f"{folder}/{split}-images-idx3-ubyte", f"{folder}/{split}-labels-idx1-ubyte"
    idxio.write(files[0], images)
    idxio.write(files[1], labels)
    if names:
        with open(f"{folder}/dataset.json", "w", encoding="utf-8") as file:
            json.dump({"class_names": names}, file)
    return files


def described(folder):
    with open(f"{folder}/dataset.json", encoding="utf-8") as file:
        return json.load(file)


def check_true(folder, split="train"):
    """Every picture has the label of its name, and dataset.json is right."""
    ds = idxio.load(folder, split)
    for image, label in zip(ds.images[:], ds.labels, strict=True):
        assert image[0, 0] == sum(map(ord, ds.class_names[int(label)])) % 256
    about = described(folder)
    for name, told in about["files"].items():
        found = idxio.verify(f"{folder}/{name}")
        assert told == {
            "shape": list(found.shape),
            "dtype": found.dtype.name,
            "crc32": f"{found.crc32:08x}",
        }
    for name, counts in about["counts"].items():
        labels = idxio.load(folder, name).labels
        assert counts == np.bincount(labels, minlength=len(about["class_names"])).tolist()
    assert not [f for f in idxio.check(folder).findings if f.kind in ("changed", "unreadable")]
    return ds


FIVE = ["bird", "cat", "dog", "fish", "tree"]


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("by_hand", [False, True])
def test_classes_are_merged_by_name(suffix, by_hand, capsys):
    a = dataset("a", FIVE, [4, 3, 2, 1, 0, 0])
    b = dataset("b", ["dog", "tree"], [0, 1, 0])
    os.mkdir("out")
    out = [f"out/train-{kind}-ubyte{suffix}" for kind in ("images-idx3", "labels-idx1")]
    if by_hand:
        order = idxio.write_sorted(*out, [a[0], b[0]], [a[1], b[1]])
        assert order.tolist() == [4, 5, 3, 2, 6, 8, 1, 0, 7]
    else:
        assert main(["sort", *a, *b, *out]) == 0
        assert "out/dataset.json: 5 classes: bird, cat, dog, fish, tree" in capsys.readouterr().out
    ds = check_true("out")
    assert ds.labels.tolist() == [0, 0, 1, 2, 2, 2, 3, 4, 4]
    assert described("out")["class_names"] == FIVE
    assert described("out")["counts"] == {"train": [2, 1, 3, 1, 2]}
    assert list(described("out")["files"]) == [os.path.basename(file) for file in out]


def test_new_classes_come_behind():
    a = dataset("a", ["dog", "1"], [0, 1])
    b = dataset("b", ["zebra", "10", "9", "dog "], [0, 1, 2, 3])
    os.mkdir("out")
    assert main(["sort", *a, *b, "out/train-images", "out/train-labels"]) == 0
    assert described("out")["class_names"] == ["dog", "1", "9", "10", "zebra"]
    ds = idxio.load("out")
    assert ds.labels.tolist() == [0, 0, 1, 2, 3, 4]


def test_opened_files_are_files():
    a, b = dataset("a", FIVE, range(5)), dataset("b", ["tree"], [0])
    os.mkdir("out")
    opened = [idxio.open(b[0]), idxio.open(b[1])]
    idxio.write_sorted("out/train-images", "out/train-labels", [a[0], opened[0]], [a[1], opened[1]])
    assert check_true("out").labels.tolist() == [0, 1, 2, 3, 4, 4]


def test_more_classes_than_a_byte_holds():
    a = dataset("a", [f"a{i}" for i in range(200)], range(200))
    b = dataset("b", [f"b{i}" for i in range(200)], range(200))
    os.mkdir("out")
    assert main(["sort", *a, *b, "out/train-images", "out/train-labels"]) == 0
    ds = check_true("out")
    assert ds.labels.tolist() == list(range(400))
    assert idxio.info("out/train-labels").dtype == np.int32


def test_a_name_whose_label_is_negative(capsys):
    """The first file has no such label, so that its type does not hold it."""
    a = dataset("a", {0: "cat"}, [0, 0])
    b = dataset("b", ["dog", "none"], [1, 0])
    os.mkdir("out")
    for label in (-1, -(2**31), 2**31 - 1):
        with open("a/dataset.json", "w", encoding="utf-8") as file:
            json.dump({"class_names": {label: "none", 0: "cat"}}, file)
        shutil.rmtree("out")
        os.mkdir("out")
        if label > 0:  # so that no number is left for "dog"
            assert "no type for labels of int64" in refused(capsys, *a, *b, *OUT)
            continue
        assert main(["sort", *a, *b, *OUT]) == 0
        assert check_true("out", "train").labels.tolist() == [label, 0, 0, 1]


def test_labels_that_have_no_type_together(tmp_path):
    images = np.zeros((4, 2, 2), np.uint8)
    labels = [np.arange(4, dtype=np.uint64), np.arange(4)]
    with pytest.raises(idxio.FormatError, match="no type for labels of uint64 and int64 together"):
        idxio.write_sorted(tmp_path / "i", tmp_path / "l", [images, images], labels)
    assert not os.listdir(tmp_path)


def test_blank_names_are_none():
    """Two files may leave different classes without a name."""
    a, b = dataset("a", {0: "cat", 1: ""}, [0, 1]), dataset("b", {0: " ", 1: "cat"}, [0, 1])
    os.mkdir("out")
    target = "out/train-images", "out/train-labels"
    with pytest.raises(
        idxio.IdxError, match=r"has the label 1, which a/dataset\.json does not name"
    ):
        idxio.write_sorted(*target, [a[0], b[0]], [a[1], b[1]])
    a, b = dataset("a", {0: "cat", 1: ""}, [0]), dataset("b", {0: "dog", 1: ""}, [0])
    idxio.write_sorted(*target, [a[0], b[0]], [a[1], b[1]])
    assert check_true("out").class_names == {0: "cat", 1: "dog"}


def test_labels_with_gaps():
    a = dataset("a", {3: "c", 7: "g"}, [3, 7])
    b = dataset("b", {1: "g", 2: "x"}, [2, 1])
    os.mkdir("out")
    assert main(["sort", *a, *b, "out/train-images", "out/train-labels"]) == 0
    assert described("out")["class_names"] == {"3": "c", "7": "g", "8": "x"}
    assert idxio.load("out").labels.tolist() == [3, 7, 7, 8]


def contents():
    return {path: Path(path).read_bytes() for path in files()}


def refused(capsys, *args):
    """What is said; nothing is written."""
    before = contents()
    assert main(["sort", *args]) == 1
    assert contents() == before
    return capsys.readouterr().err


def files():
    return sorted(os.path.join(top, name) for top, _, names in os.walk(".") for name in names)


OUT = ("out/train-images", "out/train-labels")


@pytest.mark.parametrize("named_first", [True, False])
def test_one_has_names_and_another_none(capsys, named_first):
    pairs = [dataset("a", FIVE, range(5)), dataset("b", None, range(3))]
    os.mkdir("out")
    error = refused(
        capsys,
        *(pairs if named_first else pairs[::-1])[0],
        *(pairs if named_first else pairs[::-1])[1],
        *OUT,
    )
    assert (
        "b/train-labels-idx1-ubyte: has no names of classes, and a/dataset.json has: label 0 is"
        " 'bird'" in error
    )
    assert 'Write them to b/dataset.json, as {"class_names": ["cat", "dog"]}' in error


@pytest.mark.parametrize("second", [["tree", "dog"], ["bird", "cat"], FIVE])
def test_a_label_without_a_name(capsys, second):
    a = dataset("a", FIVE, range(5))
    b = dataset("b", None, [0, 1, 9])
    with open("b/dataset.json", "w", encoding="utf-8") as file:
        json.dump({"class_names": second}, file)
    os.mkdir("out")
    assert (
        "b/train-labels-idx1-ubyte: has the label 9, which b/dataset.json does not name"
        in refused(capsys, *a, *b, *OUT)
    )


@pytest.mark.parametrize(
    ("second", "what"),
    [
        (["dog", "dog"], "b/dataset.json: has two labels with the name 'dog'"),
        (["dog", " dog"], "b/dataset.json: has two labels with the name 'dog'"),
        (
            ["dog", "01"],
            "b/dataset.json: has the class '01', another file '1', which is the same number",
        ),
        ("cat", 'b/dataset.json: has "class_names" that are no list'),
    ],
)
def test_names_that_can_not_be_mapped(capsys, second, what):
    a = dataset("a", ["dog", "1"], [0, 1])
    b = dataset("b", None, [0, 1])
    with open("b/dataset.json", "w", encoding="utf-8") as file:
        json.dump({"class_names": second}, file)
    os.mkdir("out")
    assert what in refused(capsys, *a, *b, *OUT)


# --- what lies beside the result ---


def test_sorted_in_place():
    a = dataset("a", FIVE, [4, 0, 3, 1])
    about = {
        "class_names": FIVE,
        "licence": "CC0",
        "sorted": False,
        "seed": 3,
        "files": {"train-labels-idx1-ubyte": {"crc32": "0"}},
    }
    with open("a/dataset.json", "w", encoding="utf-8") as file:
        json.dump(about, file)
    assert main(["sort", *a, *a]) == 0
    assert check_true("a").labels.tolist() == [0, 1, 3, 4]
    assert list(described("a")) == ["class_names", "licence", "files", "counts"]


def test_a_second_file_in_the_same_folder():
    a = dataset("a", FIVE, [4, 0, 3, 1])
    test = dataset("a", FIVE, [2, 1], "t10k")
    os.mkdir("out")
    for split, pair in (("train", a), ("t10k", test)):
        assert main(["sort", *pair, f"out/{split}-images", f"out/{split}-labels"]) == 0
    assert described("out")["counts"] == {"train": [1, 1, 0, 1, 1], "t10k": [0, 1, 1, 0, 0]}
    assert list(described("out")["files"]) == [
        "train-images",
        "train-labels",
        "t10k-images",
        "t10k-labels",
    ]
    check_true("out")
    check_true("out", "t10k")


def test_merged_beside_the_first():
    """Its numbers stay, so the dataset.json grows."""
    a, b = dataset("a", ["cat", "dog"], [1, 0]), dataset("b", ["ant", "dog"], [0, 1])
    assert main(["sort", *a, *b, "a/all-images", "a/all-labels"]) == 0
    assert described("a")["class_names"] == ["cat", "dog", "ant"]
    for split in ("all", "train"):
        check_true("a", split)


def test_merged_beside_the_second(capsys):
    a, b = dataset("a", ["cat", "dog"], [1, 0]), dataset("b", ["ant", "dog"], [0, 1])
    error = refused(capsys, *a, *b, "b/all-images", "b/all-labels")
    assert "b/dataset.json: numbers the classes of train-labels-idx1-ubyte in another way" in error
    assert "name files in a folder of their own" in error
    assert main(["sort", *a, *b, *b]) == 0  # nothing else is left there
    assert described("b")["class_names"] == ["cat", "dog", "ant"]
    check_true("b")


def test_beside_files_without_names(capsys):
    a = dataset("a", FIVE, range(5))
    dataset("out", None, [0, 1], "other")
    assert "out/dataset.json: would lie beside other-labels-idx1-ubyte, whose classes" in refused(
        capsys, *a, *OUT
    )


def test_beside_a_split_in_a_folder_of_its_own(capsys):
    """The dataset.json above names its classes too."""
    a = dataset("a", ["dog", "cat"], [0, 1])
    dataset("out", ["cat", "dog"], [0, 1], "other")
    os.mkdir("out/test")
    for name in ("images-idx3-ubyte", "labels-idx1-ubyte"):
        os.rename(f"out/other-{name}", f"out/test/{name}")
    error = refused(capsys, *a, *OUT)
    assert "out/dataset.json: numbers the classes of test/labels-idx1-ubyte in another way" in error
    os.remove("out/dataset.json")
    assert "would lie beside test/labels-idx1-ubyte, whose classes" in refused(capsys, *a, *OUT)
    with open("out/test/dataset.json", "w", encoding="utf-8") as file:
        json.dump({"class_names": ["cat", "dog"]}, file)
    assert main(["sort", *a, *OUT]) == 0
    assert idxio.load("out").class_names == {0: "dog", 1: "cat"}
    assert idxio.load("out", "test").class_names == {0: "cat", 1: "dog"}


def test_names_beside_the_folder_of_a_split(capsys):
    """They count as those beside the files: also against files without any, and the licence."""
    for folder, names in (("a", ["dog", "cat"]), ("b", ["cat", "dog"])):
        files = dataset(folder, names, [1, 0, 0], "other")
        with open(f"{folder}/dataset.json", "w", encoding="utf-8") as file:
            json.dump({"class_names": names, "licence": "CC0"}, file)
        os.mkdir(f"{folder}/train")
        for old, name in zip(files, ("images-idx3-ubyte", "labels-idx1-ubyte"), strict=True):
            os.rename(old, f"{folder}/train/{name}")
    a, b = ([f"{d}/train/{n}" for n in ("images-idx3-ubyte", "labels-idx1-ubyte")] for d in "ab")
    none = dataset("none", None, [0, 1])
    os.mkdir("out")
    error = refused(capsys, *none, *a, *OUT)
    assert "none/train-labels-idx1-ubyte: has no names of classes, and a/dataset.json has" in error
    assert "a/dataset.json: names classes, and the labels to write have no" in refused(
        capsys, *none, *a
    )
    assert main(["sort", *a, *b, *OUT]) == 0
    assert check_true("out").labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert described("out")["licence"] == "CC0"


def test_without_names_beside_names(capsys):
    a = dataset("a", None, [0, 1])
    dataset("out", FIVE, [0, 1], "other")
    assert "out/dataset.json: names classes, and the labels to write have no names" in refused(
        capsys, *a, *OUT
    )


def test_images_and_labels_in_two_folders(capsys):
    a = dataset("a", FIVE, [1, 0])
    os.mkdir("out")
    os.mkdir("images")
    assert main(["sort", *a, "images/train-images", "out/train-labels"]) == 0
    assert list(described("out")["files"]) == ["train-labels"]
    shutil.copy("out/dataset.json", "labels.json")
    with open("images/dataset.json", "w", encoding="utf-8") as file:
        json.dump({"files": {"train-images": {"crc32": "0"}}}, file)
    error = refused(capsys, *a, "images/train-images", "out/train-labels")
    assert "images/dataset.json: describes train-images, which would be another" in error


def test_names_that_are_known_need_no_file(monkeypatch):
    """Of published labels; a dataset.json is written only where their numbers change."""
    known = {"mnist": {0: "0", 1: "1"}, "fashion": {0: "top", 1: "bag"}}
    monkeypatch.setattr(merge, "class_names", lambda file: known.get(os.path.dirname(file)))
    mnist, fashion, other = (dataset(name, None, [1, 0]) for name in ("mnist", "fashion", "other"))
    for name in ("one", "same", "mixed", "both"):
        os.mkdir(name)
    assert main(["sort", *mnist, "one/train-images", "one/train-labels"]) == 0
    assert main(["sort", *mnist, *mnist, "same/train-images", "same/train-labels"]) == 0
    assert main(["sort", *mnist, *other, "mixed/train-images", "mixed/train-labels"]) == 0
    assert not any(os.path.exists(f"{name}/dataset.json") for name in ("one", "same", "mixed"))
    assert main(["sort", *mnist, *fashion, "both/train-images", "both/train-labels"]) == 0
    assert described("both")["class_names"] == ["0", "1", "bag", "top"]
    assert idxio.load("both").labels.tolist() == [0, 1, 2, 3]


def test_arrays_have_no_names():
    dataset("a", FIVE, [1, 0])
    before = described("a")
    x, y = np.zeros((3, 2, 2), np.uint8), np.array([2, 9, 1], np.uint8)
    idxio.write_sorted("a/x-images", "a/x-labels", x, y)
    assert described("a") == before
    # Beside files that agree they are of the same classes; beside others nobody knows.
    b = dataset("b", ["dog"], [0])
    os.mkdir("out")
    idxio.write_sorted(*OUT, [x, b[0]], [y, b[1]])
    assert idxio.read("out/train-labels").tolist() == [0, 1, 2, 9]
    with pytest.raises(idxio.IdxError, match="number their classes in different ways"):
        idxio.write_sorted(
            *OUT, [x, b[0], "a/train-images-idx3-ubyte"], [y, b[1], "a/train-labels-idx1-ubyte"]
        )


def test_file_objects_have_no_place_for_names():
    a, b = dataset("a", FIVE, range(5)), dataset("b", ["dog"], [0])
    with pytest.raises(idxio.IdxError, match="nothing lies beside a file object"):
        idxio.write_sorted(io.BytesIO(), io.BytesIO(), [a[0], b[0]], [a[1], b[1]])
    # the old numbers
    assert idxio.write_sorted(io.BytesIO(), io.BytesIO(), *a).tolist() == [0, 1, 2, 3, 4]


def test_targets_that_are_no_files(capsys):
    a, b = dataset("a", FIVE, range(5)), dataset("b", ["dog"], [0])
    assert "nothing lies beside a file object or a device" in refused(
        capsys, *a, *b, "images", "/dev/null"
    )
    assert main(["sort", *a, *b, "/dev/null", "labels"]) == 0
    assert list(described(".")["files"]) == ["labels"]
    assert "dataset.json: is where the names of the classes go" in refused(
        capsys, *a, "a/dataset.json", "a/labels"
    )


def test_a_failure_leaves_the_old_description(monkeypatch):
    a = dataset("a", FIVE, [4, 0])
    before = contents()

    def fail(targets, as_read):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("idxio.datasets.sort.commit_all", fail)
    with pytest.raises(OSError, match="No space"):
        idxio.write_sorted(*a, *a)
    assert contents() == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_pipe_is_read_once():
    a = dataset("a", None, [4, 0, 2])
    os.mkfifo("pipe")
    feeder = threading.Thread(target=lambda: Path("pipe").write_bytes(Path(a[1]).read_bytes()))
    feeder.start()
    command = [sys.executable, "-m", "idxio", "sort", a[0], "pipe", "images", "labels"]
    done = subprocess.run(command, timeout=60, capture_output=True, check=False)
    feeder.join()
    assert done.returncode == 0, done.stderr
    assert idxio.read("labels").tolist() == [0, 2, 4]


def test_parts_of_a_dataset_keep_the_names():
    dataset("a", FIVE, list(range(5)) * 4)
    ds = idxio.load("a")
    for part in (*ds.split(0.5, seed=0), ds[3:9], ds[[1, 2]]):
        assert part.class_names == dict(enumerate(FIVE))
    assert find_pair("a")


def test_links_to_files_that_another_dataset_json_describes_are_not_written_through():
    a = dataset("a", ["cat", "dog"], [0, 1])
    b = dataset("b", ["dog", "cat"], [0, 1])
    os.mkdir("m")
    links = [f"m/{os.path.basename(path)}" for path in b]
    for path, link in zip(b, links, strict=True):
        os.symlink(f"../{path}", link)
    before = [Path(path).read_bytes() for path in b]
    with pytest.raises(idxio.IdxError, match="is a link to"):
        idxio.write_sorted(*links, [a[0], b[0]], [a[1], b[1]])
    assert [Path(path).read_bytes() for path in b] == before
    assert not os.path.exists("m/dataset.json")


def test_links_have_the_names_of_the_files_that_they_lead_to():
    """As in a folder of links to files of several datasets."""
    pairs = [dataset("a", ["cat", "dog"], [0, 1]), dataset("b", ["dog", "cat"], [0, 1, 1])]
    links = []
    for folder, pair in zip(("la", "lb"), pairs, strict=True):
        os.mkdir(folder)
        links.append([f"{folder}/{os.path.basename(path)}" for path in pair])
        for path, link in zip(pair, links[-1], strict=True):
            os.symlink(f"../{path}", link)
    assert idxio.load("lb").class_names == {0: "dog", 1: "cat"}
    os.mkdir("out")
    idxio.write_sorted(*OUT, *zip(*links, strict=True))
    assert described("out")["class_names"] == ["cat", "dog"]
    check_true("out")
    Path("lb/dataset.json").write_text('{"class_names": ["ox", "hen"]}')
    assert idxio.load("lb").class_names == {0: "ox", 1: "hen"}


def test_a_mapping_beside_a_link_comes_first():
    a = dataset("a", ["cat", "dog"], [0, 1], split="emnist-letters-train")
    os.mkdir("m")
    link = f"m/{os.path.basename(a[1])}"
    os.symlink(f"../{a[1]}", link)
    assert class_names(link) == {0: "cat", 1: "dog"}
    Path("m/emnist-letters-mapping.txt").write_text("0 65\n1 66\n", encoding="ascii")
    assert class_names(link) == {0: "A", 1: "B"}
    os.remove("m/emnist-letters-mapping.txt")
    os.remove("a/dataset.json")
    Path("a/emnist-letters-mapping.txt").write_text("0 67\n1 68\n", encoding="ascii")
    assert class_names(link) == {0: "C", 1: "D"}


@pytest.mark.parametrize("is_first", [True, False])
def test_labels_in_a_pipe_are_not_merged_with_those_of_named_classes(is_first) -> None:
    """As of <(zcat labels.gz): nothing lies beside them."""
    a = dataset("a", ["cat", "dog"], [0, 1])
    b = dataset("b", ["dog", "cat"], [0, 1])
    os.mkdir("out")
    images = [a[0], b[0]] if is_first else [b[0], a[0]]
    with piped(Path(b[1]).read_bytes()) as pipe:
        labels = [a[1], pipe] if is_first else [pipe, a[1]]
        with pytest.raises(idxio.IdxError, match="is a pipe or device") as caught:
            idxio.write_sorted(*OUT, images, labels)
    assert "'cat'" in str(caught.value)
    assert caught.value.file == pipe
    assert not os.listdir("out")


def test_labels_in_a_pipe_are_sorted() -> None:
    b = dataset("b", ["dog", "cat"], [1, 0])
    os.mkdir("out")
    with piped(Path(b[1]).read_bytes()) as pipe:
        idxio.write_sorted(*OUT, b[0], pipe)
    assert idxio.read(OUT[1]).tolist() == [0, 1]


@contextlib.contextmanager
def piped(data):
    """The path of a pipe that holds data, as of process substitution."""
    read_end, write_end = os.pipe()
    try:
        os.write(write_end, data)
        os.close(write_end)
        yield f"/dev/fd/{read_end}"
    finally:
        os.close(read_end)


def test_a_class_name_that_is_no_text_is_refused():
    a = dataset("a", ["cat"], [0])
    Path("a/dataset.json").write_text('{"class_names": ["cat", null]}')
    with pytest.raises(idxio.FormatError, match="not None"):
        idxio.write_sorted("i", "l", *a)


def test_names_that_are_known_by_a_checksum_go_along(monkeypatch) -> None:
    """The sorted file has another checksum, by which nobody knows it."""
    clothes = {0: "top", 1: "bag"}
    with monkeypatch.context() as patch:
        patch.setattr(merge, "class_names", lambda file: clothes if "sorted" not in file else None)
        a = dataset("a", None, [1, 0, 1])
        idxio.write_sorted("sorted-train-images", "sorted-train-labels", *a)
    assert described(".")["class_names"] == ["top", "bag"]
    assert idxio.load(".", "sorted-train").class_names == clothes


def test_names_of_emnists_mapping_go_along() -> None:
    a = dataset("a", None, [1, 2, 1], split="emnist-letters-train")
    Path("a/emnist-letters-mapping.txt").write_text("1 65 97\n2 66 98\n", encoding="ascii")
    os.mkdir("out")
    idxio.write_sorted(*OUT, *a)
    assert described("out")["class_names"] == {"1": "A/a", "2": "B/b"}
    idxio.write_sorted(*a, *a)  # where the mapping lies, it names them still
    assert not os.path.exists("a/dataset.json")
