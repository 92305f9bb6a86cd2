"""Errors name their file: Python's open() names none where fstat() or lseek() fails in it."""

import ast
import io
from pathlib import Path

import numpy as np
import pytest

import idxio
from idxio.errors import naming

PACKAGE = Path(idxio.__file__).parent


def calls_of(tree, name):
    """The calls of a plain function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


def unnamed_opens(text):
    """The lines on which open() is called outside of all blocks `with naming(...)`."""
    tree = ast.parse(text)
    inside = set()
    for block in ast.walk(tree):
        if isinstance(block, ast.With) and any(
            item.context_expr in calls_of(block, "naming") for item in block.items
        ):
            inside.update(calls_of(block, "open"))
    return sorted(call.lineno for call in calls_of(tree, "open") if call not in inside)


def test_every_open_is_named():
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        # `open` of idxio itself, where a file imports it
        if any(line.startswith("from") and "import open" in line for line in lines):
            continue
        found += [f"{path}:{line}" for line in unnamed_opens(text)]
    assert found == []


def test_what_is_not_named_is_found():
    assert unnamed_opens("with open('a'):\n    pass\nopen('b')\n") == [1, 3]
    assert unnamed_opens("with naming('a'), open('a'):\n    open('b')\n") == []


def test_an_error_of_a_file_that_cannot_be_sought_is_named():
    expected = pytest.raises(io.UnsupportedOperation, match=r"not seekable.*some/file")
    with expected, naming("some/file"):
        raise io.UnsupportedOperation("File or stream is not seekable.")


def test_a_name_that_is_there_stays():
    with pytest.raises(OSError, match="'a'"), naming("b"):
        raise OSError(5, "Input/output error", "a")


def cut(path):
    """Leave out the last third of a file."""
    Path(path).write_bytes(Path(path).read_bytes()[: -Path(path).stat().st_size // 3])


IMAGES, LABELS = "in/train-images-idx3-ubyte.gz", "in/train-labels-idx1-ubyte.gz"
FAILING = {
    "read": lambda: idxio.read(IMAGES),
    "read on threads": lambda: idxio.read(IMAGES, threads=2),
    "read through the cache": lambda: idxio.read(IMAGES, cache=True),
    "read what is not there": lambda: idxio.read("in/none", mmap=True),
    "read a folder": lambda: idxio.read("in/"),
    "verify": lambda: idxio.verify(IMAGES),
    "open": lambda: idxio.open(IMAGES)[150:],
    "records": lambda: [*idxio.open(IMAGES).iter_records(9)],
    "repack": lambda: idxio.repack(IMAGES, "new.gz"),
    "repack to nowhere": lambda: idxio.repack(LABELS, "in/none/new.gz"),
    "index": lambda: idxio.build_index(IMAGES),
    "load": lambda: idxio.load("in/none"),
    "batches": lambda: [*idxio.load("in").batches(7)],
    "shuffle windows": lambda: [*idxio.load("in").batches(7, shuffle=True, buffer=4000)],
    "check": lambda: idxio.check("in/none"),
    "write": lambda: idxio.write("in/none/x", np.zeros(3, np.uint8)),
    "write below a file": lambda: idxio.write("in/file/x", np.zeros(3, np.uint8)),
    "writer": lambda: idxio.Writer("in/none/x", np.uint8, (2,)),
    "sort": lambda: idxio.write_sorted("images", "labels", IMAGES, LABELS),
    "sort to nowhere": lambda: idxio.write_sorted("in/none/x", "in/none/y", LABELS, LABELS),
    "export": lambda: idxio.export_dataset("in", "new.npz"),
    "export below a file": lambda: idxio.export_dataset("in", "in/file/x", to="png"),
    "import": lambda: idxio.import_dataset("in/x.csv", "new"),
    "import what is not there": lambda: idxio.import_dataset("in/none", "new"),
    "build": lambda: idxio.build("in/none", "new"),
    "build by a list": lambda: idxio.build("in", "new", labels="in/x.csv"),
}


@pytest.mark.parametrize("name", FAILING)
def test_errors_name_the_file_as_the_caller_did(name, tmp_path, monkeypatch):
    """By the same relative path, not by an absolute one or that of a temporary file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IDXIO_CACHE_DIR", str(tmp_path / "cache"))
    Path("in").mkdir()
    idxio.write(IMAGES, np.random.default_rng(0).integers(0, 256, (200, 4, 4), np.uint8))
    idxio.write(LABELS, np.arange(200, dtype=np.uint8) % 5)
    cut(IMAGES)
    Path("in/file").write_text("x")
    Path("in/x.csv").write_text('1,"2\n')
    with pytest.raises((OSError, idxio.IdxError)) as raised:
        FAILING[name]()
    assert "in/" in str(raised.value) or "'in'" in str(raised.value)
    assert str(tmp_path) not in str(raised.value)
