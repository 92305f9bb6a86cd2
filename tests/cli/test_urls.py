"""A URL in the place of a file: info, verify, show, check and others."""

import gzip
import sys

import numpy as np
import pytest
from range_server import RangeServer

import idxio
from idxio.cli.main import main

COMMANDS = ("info", "verify", "show", "check", "index")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("htp://127.0.0.1/a.gz", "URLs of htp; did you mean http?"),
        ("nosuchthing://x/a.gz", "URLs of nosuchthing; known are https"),
        ("http://user:hunter2@[::1/a.gz", "no URL; its host"),
        ("http://", "http:"),
    ],
)
def test_a_url_that_nothing_reads(command, url, words, capsys):
    pytest.importorskip("fsspec")
    pytest.importorskip("obstore")
    assert main([command, url]) == 2
    error = capsys.readouterr().err
    assert error.startswith("idxio: ")
    assert error.count("\n") == 1
    assert words in error
    assert "hunter2" not in error


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("url", ["http://127.0.0.1:9/a.gz", "s3://bucket/a.gz", "hf://x/a.gz"])
def test_what_reads_urls_is_not_installed(command, url, capsys, monkeypatch):
    for package in "obstore", "fsspec":
        monkeypatch.setitem(sys.modules, package, None)
    assert main([command, url]) == 2
    error = capsys.readouterr().err
    assert error.startswith("idxio: ")
    assert error.count("\n") == 1
    assert 'pip install "idxio[remote]"' in error


def test_a_class_of_images_at_a_url(tmp_path, capsys):
    """The labels and the names of the classes lie beside."""
    pytest.importorskip("obstore")
    labels = np.arange(12, dtype=np.uint8) % 3
    with RangeServer() as server:
        for name, array in ("images", labels.repeat(64).reshape(12, 8, 8)), ("labels", labels):
            file = tmp_path / "x.gz"
            idxio.write(file, array)
            server.add(f"/d/train-{name}-idx{array.ndim}-ubyte.gz", file.read_bytes())
        images = f"{server.url}/d/train-images-idx3-ubyte.gz"
        assert main(["show", images, "--class", "dog"]) == 2
        error = capsys.readouterr().err
        assert f"{server.url}/d/train-labels-idx1-ubyte.gz: has no class dog; it has 0" in error
        server.add("/d/dataset.json", b'{"class_names": ["cat", "dog", "fish"]}')
        assert main(["show", images, "--class", "dog"]) == 0
        assert "4 of the 4 of class 1 dog: 1, 4, 7, 10" in capsys.readouterr().out
        idxio.write(file, np.zeros((2, 8, 8), np.uint8))
        server.add("/e/train-images-idx3-ubyte.gz", file.read_bytes())
        alone = f"{server.url}/e/train-images-idx3-ubyte.gz"
        assert main(["show", alone, "--class", "1"]) == 2
        assert "no train-labels" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["report"], ["export", "--to", "npz"], ["demo"]])
def test_a_command_that_needs_a_folder_here(command, tmp_path, capsys):
    target = [str(tmp_path / "x.npz")] if command[0] == "export" else []
    assert main([*command, "https://nowhere.invalid/digits/", *target]) == 2
    assert "is a URL; copy the files to this machine" in capsys.readouterr().err


def test_no_index_is_written_beside_a_url(tmp_path, capsys):
    pytest.importorskip("obstore")
    raw = tmp_path / "raw"
    idxio.write(raw, np.zeros((5, 8, 8), np.uint8))
    with RangeServer() as server:
        url = server.add("/x.gz", gzip.compress(raw.read_bytes()))
        assert main(["index", url]) == 2
        assert "index the file on this machine" in capsys.readouterr().err
