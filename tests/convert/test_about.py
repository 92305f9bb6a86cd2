"""Licence, source, citation and description go along, and into the dataset card of Parquet."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from helpers import write_pgm

import idxio
from idxio.cli.main import main
from idxio.datasets.metadata import about_of, merged_about

ABOUT = {
    "licence": "CC-BY-4.0",
    "source": 'https://example.org/cats?a=1&b="2"',
    "citation": "@misc{cats,\n  title = {Cats: é}\n}",
    "description": "Cats and dogs.",
}
PAIR = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz")


@pytest.fixture
def pics(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for i in range(40):
        write_pgm(tmp_path / "pics" / ("cat", 'do"g: é')[i % 2] / f"{i}.pgm", i)
    return tmp_path / "pics"


def told(folder):
    text = json.loads(Path(folder, "dataset.json").read_text())
    return {key: text[key] for key in ABOUT if key in text}


def pair(folder):
    return [f"{folder}/{name}" for name in PAIR]


def test_build_add_and_sort(pics):
    idxio.build("pics", "out", about=ABOUT)
    assert told("out") == ABOUT
    for i in range(40, 50):
        write_pgm(pics / "cat" / f"{i}.pgm", i)
    idxio.build("pics", "out", add=True, about={"source": "elsewhere"})
    assert told("out") == {**ABOUT, "source": "elsewhere"}
    os.mkdir("s")
    idxio.write_sorted(*pair("s"), *pair("out"))
    assert told("s") == told("out")
    idxio.write_sorted(*pair("out"), *pair("out"))
    assert told("out") == told("s")


def test_merged(pics):
    idxio.build("pics", "one", about=ABOUT)
    idxio.build("pics", "two", about={"licence": "CC0-1.0", "description": "Cats and dogs."})
    idxio.build("pics", "three")
    for out, folders, licence in (
        ("a", ("one", "two"), "CC-BY-4.0 AND CC0-1.0"),
        ("b", ("one", "three"), "CC-BY-4.0 AND unknown"),
        ("c", ("three", "three"), None),
    ):
        os.mkdir(out)
        files = [file for folder in folders for file in pair(folder)]
        for _ in range(2):  # the second time over the first
            assert main(["sort", *files, *pair(out)]) == 0
            expected = {**ABOUT, "licence": licence} if licence else {}
            assert told(out) == expected


def test_a_licence_without_names_of_classes_goes_along(pics):
    os.mkdir("plain")
    idxio.write(pair("plain")[0], np.zeros((3, 2, 2), np.uint8))
    idxio.write(pair("plain")[1], np.array([1, 0, 1], np.uint8))
    Path("plain/dataset.json").write_text(json.dumps({"licence": "MIT", "source": 5}))
    os.mkdir("s")
    idxio.write_sorted(*pair("s"), *pair("plain"))
    assert told("s") == {"licence": "MIT"}


def test_other_files_in_the_folder_of_the_result(pics):
    idxio.build("pics", "one", about={"licence": "MIT"})
    idxio.build("pics", "two", about={"licence": "CC0-1.0"})
    idxio.write_sorted(*pair("one"), *pair("two"))  # t10k is still that of one
    assert told("one") == {"licence": "MIT AND CC0-1.0"}


def test_merged_once():
    assert merged_about([]) == {}
    assert merged_about([{"licence": "A AND B"}, {"licence": "B"}]) == {"licence": "A AND B"}


@pytest.mark.parametrize(
    ("about", "error", "what"),
    [
        ({"license": "MIT"}, ValueError, "licence, source, citation, description, not 'license'"),
        ({"licence": 5}, TypeError, "licence is 5"),
    ],
)
def test_wrong_keys(pics, about, error, what):
    with pytest.raises(error, match=what):
        idxio.build("pics", "out", about=about)


def test_command(pics):
    options = [word for key, text in ABOUT.items() for word in (f"--{key}", text)]
    assert main(["build", "pics", "out", *options]) == 0
    assert told("out") == ABOUT
    assert main(["build", "pics", "none"]) == 0
    assert told("none") == {}


@pytest.mark.parametrize("to", ["csv", "png"])
def test_exported_beside(pics, to):
    idxio.build("pics", "out", about=ABOUT)
    idxio.export_dataset("out", "x", to=to)
    assert told("x") == ABOUT
    idxio.import_dataset("x", "back")
    assert np.array_equal(idxio.load("back").images[:], idxio.load("out").images[:])
    assert told("back") == ABOUT
    if to == "csv":
        idxio.import_dataset("x/train.csv", "one")
        assert told("one") == ABOUT


def test_beside_arrays_without_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkdir("arrays")
    for name, array in (("x_train", np.zeros((2, 3, 3), np.uint8)), ("y_train", np.arange(2))):
        np.save(f"arrays/{name}.npy", array)
    Path("arrays/dataset.json").write_text(json.dumps(ABOUT), encoding="utf-8")
    idxio.import_dataset("arrays", "back")
    assert told("back") == ABOUT
    assert idxio.load("back").class_names is None


def exported(about):
    pytest.importorskip("pyarrow")
    idxio.build("pics", "out", about=about, test_per_class=3)
    idxio.export_dataset("out", "my cats", to="parquet")
    return Path("my cats/README.md").read_text(encoding="utf-8")


def test_the_card(pics):
    text = exported(ABOUT)
    assert text == (
        """---
license:
- cc-by-4.0
task_categories:
- image-classification
size_categories:
- n<1K
configs:
- config_name: default
  data_files:
  - split: "train"
    path: "train-*.parquet"
  - split: "test"
    path: "test-*.parquet"
dataset_info:
  features:
  - name: image
    dtype: image
  - name: label
    dtype:
      class_label:
        names:
          '0': "cat"
          '1': "do\\"g: \\u00e9"
---

# my cats

Cats and dogs.

Pictures of 2 x 2 pixels: 34 of train, 6 of test.

## Source

https://example.org/cats?a=1&b="2"

## Licence

CC-BY-4.0

## Citation

```
@misc{cats,
  title = {Cats: é}
}
```
"""
    )
    idxio.import_dataset("my cats", "back")  # the card is in nobody's way
    assert idxio.load("back").class_names == idxio.load("out").class_names


@pytest.mark.parametrize(
    ("licence", "head"),
    [
        (
            "My own, for research: only",
            'license: other\nlicense_name: "my-own-for-research-only"\n',
        ),
        ("MIT AND CC0-1.0", "license:\n- mit\n- cc0-1.0\n"),
        ("CC0-1.0 AND unknown", "license:\n- cc0-1.0\n- unknown\n"),
        (None, "task_categories:\n"),
    ],
)
def test_the_licence_of_the_card(pics, licence, head):
    text = exported({"licence": licence} if licence else None)
    assert text.startswith(f"---\n{head}")
    assert ("## Licence" in text) == bool(licence)


def test_a_citation_with_fences(pics):
    text = exported({"citation": "a\n````\nb"})
    assert re.search(r"^`{5}\na\n````\nb\n`{5}$", text, re.MULTILINE)


def test_a_licence_that_is_spelt_license_counts(pics):
    assert main(["build", "pics", "one", "--license", "MIT"]) == 0
    assert told("one") == {"licence": "MIT"}
    text = json.loads(Path("one/dataset.json").read_text())
    text["license"] = text.pop("licence")
    Path("one/dataset.json").write_text(json.dumps(text))
    os.mkdir("s")
    idxio.write_sorted(*pair("s"), *pair("one"))
    assert told("s") == {"licence": "MIT"}
    idxio.export_dataset("one", "out", to="csv")
    assert json.loads(Path("out/dataset.json").read_text())["licence"] == "MIT"
    idxio.build("pics", "two", about={"licence": "CC0-1.0"})
    idxio.write_sorted(*pair("one"), *pair("two"))
    text = json.loads(Path("one/dataset.json").read_text())
    assert (text["licence"], "license" in text) == ("MIT AND CC0-1.0", False)


def test_licence_counts_before_license():
    both = {"licence": "MIT", "license": "CC0-1.0"}
    assert about_of(both) == {"licence": "MIT"}
    assert about_of({"license": 5}) == {}
