"""Every example in the docstrings, in the README and in the guides runs."""

import doctest
import importlib.util
import os
import pkgutil
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers import missing
from range_server import RangeServer, folder

import idxio
from idxio.cli.main import main

FACES = ("idxio", "idxio.__main__")  # the public names have a test of their own
MODULES = [m.name for m in pkgutil.walk_packages(idxio.__path__, "idxio.") if m.name not in FACES]


@pytest.fixture
def in_a_folder_of_mnist_files(tmp_path, monkeypatch):
    """The current folder has the four files that examples name, small ones."""
    for split, n in (("train", 600), ("t10k", 100)):
        images = np.random.default_rng(n).integers(0, 256, (n, 28, 28), np.uint8)
        for suffix in ("", ".gz"):
            idxio.write(tmp_path / f"{split}-images-idx3-ubyte{suffix}", images)
            idxio.write(
                tmp_path / f"{split}-labels-idx1-ubyte{suffix}", np.arange(n, dtype=np.uint8) % 10
            )
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("in_a_folder_of_mnist_files")
@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name):
    if name == "idxio.adapters.torch" and importlib.util.find_spec("torch") is None:
        pytest.skip("torch is missing")
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0


@pytest.mark.usefixtures("in_a_folder_of_mnist_files")
@pytest.mark.parametrize("name", idxio.__all__)
def test_public_docstrings(name):
    # They say that they are idxio's, so that the modules that they are written in don't have them.
    runner = doctest.DocTestRunner()
    for test in examples(name):
        assert runner.run(test).failed == 0


def examples(name):
    """The doctests of a public name and of its members."""
    found = doctest.DocTestFinder().find(getattr(idxio, name), name, module=False, globs={})
    return [test for test in found if test.examples]


def test_docstrings_have_examples():
    results = {"IdxArray", "Info", "Check"}  # what functions with examples return
    for name in idxio.__all__:
        value = getattr(idxio, name)
        if name not in results and not (isinstance(value, type) and issubclass(value, Exception)):
            assert examples(name), name


def readme(config):
    """The README beside pyproject.toml, or where IDXIO_README says."""
    path = os.environ.get("IDXIO_README")
    return Path(path) if path else Path(config.rootpath, "README.md")


# Where files lie at URLs, in examples; a server on loopback stands in for it.
HOST = "https://data.example.org"


@pytest.fixture
def host(tmp_path):
    """A server of the folder that is the current one in examples."""
    with RangeServer(find=folder(tmp_path)) as server:
        yield server.url


@pytest.fixture
def with_digits(in_a_folder_of_mnist_files):
    """The current folder has MNIST's four files, and in digits/ too."""
    os.mkdir("digits")
    for path in Path.cwd().glob("*.gz"):
        shutil.copy(path, "digits")


@pytest.fixture
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run_examples(path, host):
    """Run the examples of a page in Python, one after the other, and the commands on files at URLs.

    Those on a bucket need one, and those with torch need that.
    """
    has_torch = importlib.util.find_spec("torch") is not None
    text = path.read_text(encoding="utf-8")
    blocks = list(
        re.finditer(r"^```(python|py|pycon|sh)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    )
    assert blocks
    names = {}
    for block in blocks:
        code = block[2].replace(HOST, host)
        line = text.count("\n", 0, block.start()) + 1
        if block[1] == "sh":
            commands = [shlex.split(command) for command in code.splitlines() if host in command]
            for command in commands:
                assert command[0] == "idxio"
                assert main(command[1:]) == 0
        elif code.lstrip().startswith(">>>"):
            test = doctest.DocTestParser().get_doctest(code, names, path.name, str(path), line)
            assert doctest.DocTestRunner().run(test, clear_globs=False).failed == 0
            names = test.globs
        elif "s3://" not in code and (has_torch or "import torch" not in code):
            exec(compile("\n" * line + code, str(path), "exec"), names)


@pytest.fixture
def with_digits_alone(with_digits):
    """The current folder has MNIST's four files in digits/, and nothing else."""
    for path in filter(Path.is_file, Path.cwd().iterdir()):
        path.unlink()


@pytest.mark.usefixtures("with_digits_alone")
def test_readme(request, host):
    path = readme(request.config)
    if not path.exists():
        missing(f"{path} is missing; IDXIO_README may name it")
    run_examples(path, host)


def guide(config, name):
    return Path(config.rootpath, "docs", "guide", name)


@pytest.mark.usefixtures("in_an_empty_folder")
def test_guide_to_files(request, host):
    run_examples(guide(request.config, "files.md"), host)


@pytest.mark.usefixtures("with_digits")
def test_guide_to_urls(request, host, monkeypatch, tmp_path):
    pytest.importorskip("fsspec")
    monkeypatch.setenv("IDXIO_CACHE_DIR", str(tmp_path / "cache"))
    run_examples(guide(request.config, "remote.md"), host)


@pytest.mark.usefixtures("in_an_empty_folder")
def test_guide_to_publishing(request, host):
    run_examples(guide(request.config, "publish.md"), host)


@pytest.mark.usefixtures("in_an_empty_folder", "fashion_mnist")
def test_guide_to_fetching(request, host):
    run_examples(guide(request.config, "fetch.md"), host)


@pytest.mark.usefixtures("with_digits")
def test_guide_to_training(request, host):
    run_examples(guide(request.config, "train.md"), host)
