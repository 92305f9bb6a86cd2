"""The directory of a dataset in the place of a file: info, verify and show."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import idxio
from idxio.cli.main import main

X = np.arange(24, dtype=np.uint8).repeat(64).reshape(24, 8, 8) * 10
Y = np.arange(24, dtype=np.uint8) % 3
NAMES = [
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkdir("data")
    for name, array in zip(NAMES, (X[:6], Y[:6], X, Y), strict=True):
        idxio.write(f"data/{name}", array)
    with open("data/dataset.json", "w") as file:
        json.dump({"class_names": ["cat", "dog", "fish"]}, file)
    return tmp_path / "data"


@pytest.mark.parametrize("command", ["info", "verify"])
def test_all_idx_files_of_a_folder(folder, capsys, command):
    idxio.write(folder / "weights.idx", np.zeros((3, 2), np.float32))
    (folder / "notes.txt").write_text("no IDX file")
    (folder / ".hidden-images-idx3-ubyte").write_bytes(b"")
    (folder / "sub").mkdir()
    os.mkfifo(folder / "pipe")
    assert main([command, "--json", "data"]) == 0
    files = [about["file"] for about in json.loads(capsys.readouterr().out)]
    assert files == [f"data/{name}" for name in (*NAMES, "weights.idx")]
    assert main([command, "data"]) == 0
    assert capsys.readouterr().out.count("data/") == 5


def test_a_damaged_file_of_a_folder_is_not_left_out(folder, capsys):
    (folder / NAMES[2]).write_bytes(b"<html></html>")
    assert main(["verify", "data"]) == 1
    out, err = capsys.readouterr()
    assert out.count(": OK, ") == 3
    assert err.startswith(f"idxio: data/{NAMES[2]}: is not an IDX file")


@pytest.mark.parametrize("command", ["verify", "check"])
def test_a_pipe_called_as_a_file_of_a_split_is_not_waited_for(folder, command):
    """In a process of its own, which a pipe without a writer would hold up."""
    os.mkfifo(folder / "train-labels-idx1-ubyte")
    run = subprocess.run(
        [sys.executable, "-m", "idxio", command, "data"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if command == "verify":
        assert run.returncode == 1
        assert "train-labels-idx1-ubyte: is a named pipe" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("command", ["info", "verify", "show", "check"])
def test_the_folder_above_a_dataset_names_it(folder, capsys, command):
    os.mkdir("other")
    assert main([command, "."]) == 3
    err = capsys.readouterr().err
    assert "The folder ./data has" in err or "the folder ./data does: name that one" in err


@pytest.mark.parametrize("command", ["info", "verify", "show"])
def test_a_folder_without_idx_files(folder, capsys, command):
    (folder.parent / "empty").mkdir()
    assert main([command, "empty"]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("idxio: empty: h")
    if command != "show":
        # Others are looked at all the same.
        assert main([command, "empty", "data"]) == 3
        assert NAMES[0] in capsys.readouterr().out


def test_show_a_table_of_the_classes(folder, capsys):
    assert main(["show", "data"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "data: 3 classes; train 24, t10k 6; 8 x 8 uint8"
    for k, name in enumerate(("cat", "dog", "fish")):
        at = lines.index(f"{k} {name}: train 8, t10k 2")
        assert len(lines[at + 1 : at + 5]) == 4
    assert "▓" in lines[lines.index("2 fish: train 8, t10k 2") + 1]


def test_show_images_of_a_folder(folder, capsys):
    assert main(["show", "data", "--class", "dog", "--rows", "1:3"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "4: dog   7: dog"
    assert main(["show", "data", "--rows", "4", "-o", "one.png"]) == 0
    with Image.open("one.png") as png:
        np.testing.assert_array_equal(np.asarray(png), X[4])


def test_show_a_folder_with_pictures_without_labels(folder, capsys):
    os.remove(folder / NAMES[1])
    assert main(["show", "data"]) == 0
    assert capsys.readouterr().out.startswith("data: 3 classes; train 24; 8 x 8")
    os.remove(folder / NAMES[3])
    assert main(["show", "data"]) == 3
    assert "has no labels that belong to" in capsys.readouterr().err


def test_show_one_of_several_datasets(folder, capsys):
    for kind, array in (("images-idx3", X), ("labels-idx1", Y + 1)):
        idxio.write(folder / f"other-train-{kind}-ubyte", array)
    assert main(["show", "data", "--dataset", "other"]) == 0
    assert "\n3: train 8\n" in capsys.readouterr().out
    assert main(["show", str(folder / NAMES[0]), "--dataset", "other"]) == 2
    assert "this is one file" in capsys.readouterr().err


def test_show_the_images_of_a_split(folder, capsys):
    assert main(["show", "data", "--split", "test", "--rows", "1"]) == 0
    assert capsys.readouterr().out.startswith("data/t10k-images-idx3-ubyte: 6 x 8 x 8 uint8")
    assert main(["show", "data", "--split", "test", "--class", "dog", "-o", "dogs.png"]) == 0
    assert capsys.readouterr().out.startswith("dogs.png: ")
    assert main(["show", "data", "--split", "val"]) == 3
    assert "it has the splits 't10k', 'train'" in capsys.readouterr().err
    assert main(["show", f"data/{NAMES[0]}", "--split", "test"]) == 2
    assert "--split names a split of a directory" in capsys.readouterr().err


def test_sort_says_which_files_of_a_folder_to_name(folder, capsys):
    assert main(["sort", "data", "sorted"]) == 2
    files = "data/train-images-idx3-ubyte.gz data/train-labels-idx1-ubyte.gz"
    assert f"idxio sort {files} SORTED_IMAGES SORTED_LABELS" in capsys.readouterr().err
    os.mkdir("none")
    assert main(["sort", "none"]) == 2
    assert "idxio sort IMAGES LABELS SORTED" in capsys.readouterr().err


def test_import_tells_of_labels_that_are_not_there(folder, capsys):
    with open("test.csv", "w") as file:
        file.write("pixel0,pixel1,pixel2,pixel3\n1,2,3,4\n")
    assert main(["import", "test.csv", "one"]) == 0
    assert "test.csv: has no labels for t10k, so only its images" in capsys.readouterr().err
    assert main(["check", "one"]) == 3
    assert "has no labels that belong to t10k-images" in capsys.readouterr().err
    assert main(["import", "test.csv", "two", "--labels", "none"]) == 0
    assert capsys.readouterr().err == ""


def test_check_says_what_to_do_about_a_split_that_is_not_there(folder, capsys):
    for name in NAMES[:2]:
        os.unlink(folder / name)
    assert main(["check", "data"]) == 1
    assert "both train and t10k: Dataset.split makes two parts" in capsys.readouterr().out


def test_index_says_that_it_takes_files(folder, capsys):
    assert main(["index", "data", f"data/{NAMES[2]}"]) == 2
    out, err = capsys.readouterr()
    assert err == "idxio: data: is a directory; index takes files, as the .gz in it\n"
    assert f"{NAMES[2]}.seek: " in out  # others are indexed all the same
