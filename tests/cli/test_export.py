"""idxio export and idxio import, as the command line has them."""

import os
import subprocess
import sys

import numpy as np
import pytest

import idxio
from idxio.cli.main import main


@pytest.fixture(autouse=True)
def in_a_dataset(tmp_path, monkeypatch):
    """The current folder has `data`, a dataset of 2 x 3 images."""
    os.mkdir(tmp_path / "data")
    for split, n in (("train", 12), ("t10k", 5)):
        images = np.random.default_rng(n).integers(0, 256, (n, 2, 3), np.uint8)
        idxio.write(tmp_path / "data" / f"{split}-images-idx3-ubyte.gz", images)
        idxio.write(
            tmp_path / "data" / f"{split}-labels-idx1-ubyte.gz", np.arange(n, dtype=np.uint8) % 3
        )
    monkeypatch.chdir(tmp_path)


def assert_same_dataset(folder):
    names = sorted(os.listdir("data"))
    assert [name for name in sorted(os.listdir(folder)) if name.endswith(".gz")] == names
    for name in names:
        with open(f"data/{name}", "rb") as a, open(f"{folder}/{name}", "rb") as b:
            assert a.read() == b.read()


@pytest.mark.parametrize("to", ["npz", "csv", "png", "parquet"])
def test_export_and_import(capsys, to):
    assert main(["export", "data", "out", "--to", to]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    expected = {
        "npz": ["out"],
        "csv": ["out/test.csv", "out/train.csv"],
        "png": ["out/dataset.json", "out/test", "out/train"],
        "parquet": [
            "out/README.md",
            "out/test-00000-of-00001.parquet",
            "out/train-00000-of-00001.parquet",
        ],
    }
    assert [line.split(": ")[0] for line in out.splitlines()] == expected[to]
    if to == "png":
        assert out.endswith("out/test: 5 files\nout/train: 12 files\n")
    assert main(["import", "out", "back", *(["--shape", "2x3"] if to == "csv" else [])]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 4
    assert_same_dataset("back")


def test_the_suffix_says_the_format():
    assert main(["export", "data", "a.npz"]) == 0
    assert main(["export", "data/t10k-labels-idx1-ubyte.gz", "a.npy"]) == 0
    assert np.load("a.npz")["x_test"].shape == (5, 2, 3)
    assert np.load("a.npy").tolist() == [0, 1, 2, 0, 1]


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        ("export data out", 2, "out: say what to write: --to npz, csv, png, parquet, npy"),
        ("export data out --to jpg", 2, "invalid choice: 'jpg'"),
        ("export data/t10k-labels-idx1-ubyte.gz a.npz", 2, "name the directory of the dataset"),
        ("export nothere a.npz", 3, "nothere: No such file or directory"),
        ("export data data --to csv", 3, "data: is not empty"),
        ("export . a.npz", 3, ".: has no "),
        ("export data nothere/a.npz", 3, "nothere/a.npz: No such file or directory"),
        ("export data a.npz --dataset emnist", 3, "data: has no [*-]emnist-train-images"),
        ("export data a.npy", 3, "data: Is a directory"),
        ("import nothere back", 3, "nothere: No such file or directory"),
        ("import data back", 1, "data: has t10k-images"),
        ("import data/t10k-labels-idx1-ubyte.gz back", 1, "is an IDX file already"),
        ("import data back --shape 2xtwo", 2, "'2xtwo' is no shape like 28x28"),
        ("import data back --shape 0x2", 2, "'0x2' is no shape like 28x28"),
    ],
)
def test_what_is_wrong_in_one_line(capsys, args, code, message):
    assert main(args.split()) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err.splitlines()[-1]
    assert os.listdir() == ["data"]


@pytest.mark.parametrize(
    ("to", "module", "extra"),
    [("png", "PIL", "images"), ("parquet", "PIL", "images"), ("parquet", "pyarrow", "parquet")],
)
def test_a_missing_extra_is_named(capsys, monkeypatch, to, module, extra):
    assert main(["export", "data", "out", "--to", to]) == 0
    capsys.readouterr()
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, f"{module}.Image", None)
    for command in (["export", "data", "more", "--to", to], ["import", "out", "back"]):
        assert main(command) == 2
        assert f"pip install 'idxio[{extra}]'" in capsys.readouterr().err
    assert sorted(os.listdir()) == ["data", "out"]


def test_nothing_heavy_is_imported_for_npz():
    code = """
import sys
from idxio.cli.main import main
assert main(["export", "data", "a.npz"]) == 0 == main(["import", "a.npz", "back"])
print(sorted({"PIL", "pyarrow", "pandas"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_interrupted_it_leaves_nothing(capsys, monkeypatch):
    """Whatever Ctrl-C stops: here the tenth picture."""
    from idxio.convert.formats import png

    encode, calls = png.encode, []

    def interrupted(image):
        calls.append(image)
        if len(calls) == 10:
            raise KeyboardInterrupt
        return encode(image)

    monkeypatch.setattr(png, "encode", interrupted)
    assert main(["export", "data", "out", "--to", "png"]) == 130
    assert os.listdir() == ["data"]
