"""Every example in the docstrings and in the README runs."""

import doctest
import importlib.util
import os
import pkgutil
import re
from pathlib import Path

import numpy as np
import pytest
from helpers import missing

import idxio

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


@pytest.mark.usefixtures("in_a_folder_of_mnist_files")
def test_readme(request):
    path = readme(request.config)
    if not path.exists():
        missing(f"{path} is missing; IDXIO_README may name it")
    text = path.read_text(encoding="utf-8")
    blocks = list(
        re.finditer(r"^```(?:python|py|pycon)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    )
    assert blocks
    names = {}
    for block in blocks:
        code = block[1]
        line = text.count("\n", 0, block.start()) + 1
        if code.lstrip().startswith(">>>"):
            test = doctest.DocTestParser().get_doctest(code, names, "README", str(path), line)
            assert doctest.DocTestRunner().run(test, clear_globs=False).failed == 0
            names = test.globs
        else:
            exec(compile("\n" * line + code, str(path), "exec"), names)
