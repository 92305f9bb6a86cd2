"""`-` as the place of what a command writes."""

import io
import os
import pty
import subprocess
import sys

import numpy as np
import pytest

import idxio
from idxio.cli.main import main

X = np.random.default_rng(0).integers(0, 256, (40, 5, 4), np.uint8)
Y = np.arange(40, dtype=np.uint8) % 4


@pytest.fixture
def dataset(tmp_path, monkeypatch):
    """A dataset in the folder `data` of the working directory."""
    monkeypatch.chdir(tmp_path)
    os.mkdir("data")
    for split, count in (("train", 40), ("t10k", 8)):
        idxio.write(f"data/{split}-images-idx3-ubyte", X[:count])
        idxio.write(f"data/{split}-labels-idx1-ubyte", Y[:count])
    return tmp_path


IMAGES = "data/train-images-idx3-ubyte"


def output_of(*args, **options):
    done = subprocess.run(
        [sys.executable, "-m", "idxio", *args], stdout=subprocess.PIPE, check=True, **options
    )
    assert not os.path.exists("-")
    return done.stdout


def test_one_file_goes_to_standard_output(dataset):
    repacked = output_of("repack", IMAGES, "-")
    assert repacked.startswith(b"\x1f\x8b")
    np.testing.assert_array_equal(idxio.read(repacked), X)
    assert output_of("show", IMAGES, "-o", "-").startswith(b"\x89PNG")
    assert output_of("report", "data", "-o", "-").endswith(b"</html>\n")
    npy = np.load(io.BytesIO(output_of("export", IMAGES, "-", "--to", "npy")))
    np.testing.assert_array_equal(npy, X)
    with np.load(io.BytesIO(output_of("export", "data", "-", "--to", "npz"))) as npz:
        np.testing.assert_array_equal(npz["x_train"], X)


def test_a_pipe_from_end_to_end(dataset):
    with open(IMAGES, "rb") as file:
        packed = output_of("repack", "-", "-", stdin=file)
    np.testing.assert_array_equal(idxio.read(packed), X)


@pytest.mark.parametrize(
    "args",
    [
        ["export", "data", "-", "--to", "csv"],
        ["export", "data", "-"],
        ["import", "data.npz", "-"],
        ["build", "pictures", "-"],
        ["sort", IMAGES, IMAGES.replace("images-idx3", "labels-idx1"), "-", "labels"],
    ],
)
def test_folders_do_not(dataset, capsys, args):
    assert main(args) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "-" in err
    assert sorted(os.listdir(dataset)) == ["data"]


def test_a_terminal_is_spared(dataset):
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "idxio", "repack", IMAGES, "-"],
        stdout=theirs,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    os.close(theirs)
    os.close(ours)
    assert (done.returncode, done.stderr) == (
        2,
        "idxio: a terminal can't show this file: name one, or redirect standard output\n",
    )


def test_a_failure_writes_nothing(dataset):
    with open(IMAGES, "r+b") as file:
        file.truncate(100)
    done = subprocess.run(
        [sys.executable, "-m", "idxio", "repack", IMAGES, "-"], capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, b"")


# --- repack and index ---


def test_repack_tells_sizes_and_seconds(dataset, capsys):
    assert main(["repack", IMAGES, "out.gz"]) == 0
    size, old = os.path.getsize("out.gz"), os.path.getsize(IMAGES)
    start = f"out.gz: {size:,} bytes, {100 * size / old:.1f} % of {old:,}; "
    out = capsys.readouterr().out
    assert out.startswith(start)
    assert out.removeprefix(start).endswith(" s\n")


def test_repack_refuses_the_suffix_of_another_packing(dataset, capsys):
    assert main(["repack", IMAGES, "out.xz"]) == 2
    assert "out.xz: repack writes gzip, and its suffix says xz" in capsys.readouterr().err
    assert not os.path.exists("out.xz")


def test_index_of_a_file_that_carries_its_own(dataset, capsys):
    assert main(["repack", IMAGES, "out.gz"]) == 0
    big = np.zeros((3000, 28, 28), np.uint8)
    idxio.write("big.gz", big)
    capsys.readouterr()
    assert main(["index", "big.gz"]) == 0
    assert capsys.readouterr().out == "big.gz: needs no index, it carries its own\n"
    assert not os.path.exists("big.gz.seek")


@pytest.mark.parametrize(
    "command", [["repack", IMAGES, "-"], ["export", "data", "-", "--to", "npz"]], ids=lambda c: c[0]
)
def test_an_output_that_takes_a_part(dataset, command):
    """As a pipe, or a disk that becomes full, where PYTHONUNBUFFERED leaves out the buffer."""
    whole = output_of(*command)
    taken = []

    class Output(io.RawIOBase):
        def writable(self):
            return True

        def write(self, data):
            taken.append(bytes(data[:100]))
            return len(taken[-1])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", io.TextIOWrapper(Output(), write_through=True))
        assert main(command) == 0
    assert b"".join(taken) == whole


@pytest.mark.parametrize(
    ("command", "output"),
    [
        (["show", IMAGES], IMAGES),  # has no suffix, and so none of another format
        (["show", IMAGES], "data/train-labels-idx1-ubyte"),
        (["report", "data"], IMAGES),
        (["report", "data"], "packed.html"),
        (["report", "data"], "data/dataset.json"),
        (["report", "data"], "data/sources.csv"),
        (["export", "data", "--to", "npz"], "other-images-idx3-ubyte"),
        (["export", IMAGES, "--to", "npy"], "other-images-idx3-ubyte"),
    ],
)
def test_a_file_of_a_dataset_is_not_replaced(dataset, command, output):
    idxio.write("other-images-idx3-ubyte", X)
    idxio.write("packed.html", X, compression="gzip")
    for name in ("dataset.json", "sources.csv"):
        (dataset / "data" / name).write_text("{}")
    before = (dataset / output).read_bytes()
    name, source, *options = command
    arguments = [name, source, *([output] if name == "export" else ["-o", output]), *options]
    try:
        code = main(arguments)
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    assert (dataset / output).read_bytes() == before
