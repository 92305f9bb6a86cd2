"""A URL in the place of a file: info, verify, show, check and others."""

import sys

import pytest

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
