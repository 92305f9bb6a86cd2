"""./run demo: what is asked before it builds, and that it builds once."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = ("setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "idxio/a.py")


@pytest.fixture
def tree(tmp_path, pytestconfig):
    """A tree with the script and an environment whose idxio prints its arguments."""
    root = tmp_path / "tree"
    (root / "idxio").mkdir(parents=True)
    for name in SOURCES:
        (root / name).write_text(name)
    text = Path(pytestconfig.rootpath, "run").read_text()
    # Nothing is installed or built.
    changed = text.replace("install_system() {", "install_system() {\n    exit 9")
    assert changed != text
    (root / "run").write_text(changed)
    (root / "run").chmod(0o755)
    (root / ".venv" / "bin").mkdir(parents=True)
    command = root / ".venv" / "bin" / "idxio"
    command.write_text('#!/bin/sh\necho "built: $*"\n')
    command.chmod(0o755)
    return root


def run(root, *args):
    return subprocess.run(
        ["./run", *args],
        cwd=root,
        env={**os.environ, "PYTHON": sys.executable, "VENV": f"{root}/.venv"},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )


def mark_as_built(root):
    function = re.search(r"^state\(\).*?^}\n", (root / "run").read_text(), re.DOTALL | re.M)[0]
    code = f"root={root} python={sys.executable}\n{function}state"
    done = subprocess.run(["sh", "-c", code], capture_output=True, check=True)
    (root / ".venv" / "state").write_bytes(done.stdout)


def test_demo_does_not_build_again_what_has_not_changed(tree):
    mark_as_built(tree)
    (tree / "idxio" / "__pycache__").mkdir()
    (tree / "idxio" / "__pycache__" / "a.pyc").write_text("new")
    done = run(tree, "demo", "--drawn")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"run: idxio is built already, in {tree}/.venv",
        "built: demo --drawn",
    ]


@pytest.mark.parametrize("change", ["edit", "new", "remove"])
def test_a_change_of_the_sources_is_noticed(tree, change):
    mark_as_built(tree)
    if change == "edit":
        (tree / "idxio" / "a.py").write_text("other")
    elif change == "new":
        (tree / "idxio" / "b.py").write_text("")
    else:
        (tree / "idxio" / "a.py").unlink()
    assert run(tree, "demo").returncode == 9


def test_the_directory_is_looked_at_before_building(tree):
    (tree / "empty").mkdir()
    (tree / "data").mkdir()
    (tree / "data" / "train-images-idx3-ubyte.gz").write_text("")
    done = run(tree, "demo", "nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "run: nowhere: no such directory\n"
    done = run(tree, "demo", "empty")
    assert (done.returncode, done.stdout) == (1, "")
    assert "run: empty: holds no images" in done.stderr
    mark_as_built(tree)
    assert "built: demo data" in run(tree, "demo", "data").stdout
    assert "built: demo --keep new" in run(tree, "demo", "--keep", "new").stdout
