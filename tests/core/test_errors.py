"""The errors: their kinds, their attributes, and that they travel between processes."""

import copy
import importlib
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import encode

import idxio
from idxio import ChangedError, ChecksumError, FormatError, IdxError, TruncatedError

KINDS = (IdxError, FormatError, TruncatedError, ChecksumError, ChangedError)


@pytest.mark.parametrize("kind", KINDS)
def test_kinds(kind):
    assert issubclass(kind, IdxError)
    assert issubclass(kind, ValueError)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(kind, protocol):
    options = {"found": 7} if kind is TruncatedError else {}
    error = kind("is odd", file="a.gz", offset=12345, **options)
    for other in (
        pickle.loads(pickle.dumps(error, protocol)),
        copy.copy(error),
        copy.deepcopy(error),
    ):
        assert type(other) is kind
        assert str(other) == str(error) == "a.gz: is odd (byte 12,345)"
        assert other.args == error.args
        assert vars(other) == vars(error)
        assert (other.file, other.offset) == ("a.gz", 12345)
    if kind is TruncatedError:
        assert error.found == 7


def test_text():
    assert str(IdxError("is odd")) == "is odd"
    assert str(IdxError("is odd", offset=0)) == "is odd (byte 0)"
    assert str(IdxError("is odd", file="a")) == "a: is odd"


@pytest.mark.parametrize(
    "data", [b"", b"\0\0\x08\1\0\0\0\5a", b"nonsense", b"\x1f\x8b\x08", b"\0\0\x08\1\0\0\0\1ab"]
)
def test_raised_errors_pickle(data):
    with pytest.raises(IdxError) as info:
        idxio.read(data)
    other = pickle.loads(pickle.dumps(info.value))
    assert str(other) == str(info.value)
    assert vars(other) == vars(info.value)


def test_native_modules_missing(tmp_path):
    package = Path(idxio.__file__).parent
    shutil.copytree(
        package, tmp_path / "idxio", ignore=shutil.ignore_patterns("*.so", "__pycache__")
    )
    code = "import sys; sys.path.insert(0, sys.argv[1]); import idxio; idxio.read"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode
    assert "ImportError: the native modules of idxio can't be loaded" in done.stderr


@pytest.mark.parametrize(("name", "packing"), [("lzma", "xz"), ("bz2", "bz2")])
def test_python_without_a_codec(monkeypatch, name, packing):
    packed = importlib.import_module(name).compress(encode(np.zeros(3, np.uint8)))
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        idxio.IdxError, match=f"is packed with {packing}, and this Python was built without {name}"
    ):
        idxio.read(packed)


def test_the_system_names_the_file(tmp_path, monkeypatch):
    path = tmp_path / "x"
    idxio.write(path, np.zeros(3, np.uint8))

    def broken(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "preadv", broken)
    with pytest.raises(OSError, match="Input/output error") as caught:
        idxio.read(path)
    assert caught.value.filename == str(path)


def test_threads_are_checked_for_one_record(tmp_path):
    path = tmp_path / "x.gz"
    idxio.write(path, np.zeros(3, np.uint8))
    for rows in (None, [1], slice(1, 2)):
        with pytest.raises(ValueError, match="threads is 1 or more, not 0"):
            idxio.read(path, rows, threads=0)


@pytest.mark.parametrize("folders", ["", "../", "../../", "../../../../"])
def test_annex_pointers_at_any_depth(folders):
    with pytest.raises(idxio.FormatError, match="git annex get"):
        idxio.read(f"{folders}.git/annex/objects/xx/yy/SHA256E-s1--0".encode())


class _Failing:
    """A module of which one function fails, as the system does."""

    def __init__(self, module, name):
        self._module, self._name = module, name

    def __getattr__(self, name):
        if name != self._name:
            return getattr(self._module, name)

        def fail(*_, **__):
            raise OSError(116, "Stale file handle")

        return fail


@pytest.mark.parametrize(
    ("where", "name", "call"),
    [
        ("storage.regular.os", "fstat", lambda path: idxio.open(path)),
        ("storage.source.os", "fstat", lambda path: idxio.open(path)),
        ("storage.source.mmap", "mmap", lambda path: idxio.read(path, mmap=True)),
        ("storage.source.os", "close", lambda path: idxio.open(path).close()),
        ("storage.file_object.os", "preadv", lambda path: idxio.open(path)),
    ],
)
def test_what_fails_at_an_open_file_names_it(where, name, call, tmp_path, monkeypatch):
    path = tmp_path / "x"
    path.write_bytes(encode(np.zeros((3, 2), np.uint8)))
    module, inner = where.rsplit(".", 1)
    home = importlib.import_module(f"idxio.{module}")
    monkeypatch.setattr(home, inner, _Failing(getattr(home, inner), name))
    with pytest.raises(OSError, match="Stale") as info:
        call(path)
    monkeypatch.undo()
    assert info.value.filename == str(path)


def test_what_fails_at_a_given_file_object_names_it(tmp_path, monkeypatch):
    path = tmp_path / "x"
    path.write_bytes(encode(np.zeros((3, 2), np.uint8)))
    home = importlib.import_module("idxio.storage.file_object")
    monkeypatch.setattr(home, "os", _Failing(os, "preadv"))
    with path.open("rb") as file, pytest.raises(OSError, match="Stale") as info:
        idxio.read(file)
    assert info.value.filename == str(path)
