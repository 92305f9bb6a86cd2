"""The bar of long work: on a terminal, after a plain installation."""

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import numpy as np

import idxio

EXTRA = re.compile(r"idxio\[(\w+)")


def on_terminal(folder, *args):
    """Run the command with a terminal for stderr; return what that shows."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    done = subprocess.Popen(
        [sys.executable, "-m", "idxio", *args],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # EIO: the other end is closed
        while piece := os.read(ours, 4096):
            shown += piece
    os.close(ours)
    assert done.wait(60) == 0
    return shown.decode()


def test_bar_names_the_folder(tmp_path):
    folder = tmp_path / "clothes"
    folder.mkdir()
    labels = np.arange(40, dtype=np.uint8) % 4
    for split in ("train", "t10k"):
        idxio.write(folder / f"{split}-images-idx3-ubyte", np.ones((40, 3, 3), np.uint8))
        idxio.write(folder / f"{split}-labels-idx1-ubyte", labels)
    assert "clothes: " in on_terminal(folder, "check", ".")


def test_verify_has_a_bar(tmp_path):
    idxio.write(tmp_path / "pictures", np.zeros((9, 3, 3), np.uint8))
    assert "pictures: " in on_terminal(tmp_path, "verify", "pictures")


def test_verify_tells_its_progress():
    calls = []
    data = bytes.fromhex("0000080100000003") + b"abc"
    idxio.verify(data, progress=lambda *counts: calls.append(counts))
    assert calls[-1] == (11, 11)


def test_no_bar_beside_a_file(tmp_path):
    idxio.write(tmp_path / "images", np.zeros((9, 3, 3), np.uint8))
    done = subprocess.run(
        [sys.executable, "-m", "idxio", "repack", "images", "images.gz"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""


def test_what_the_command_uses_is_installed_with_it(pytestconfig):
    text = Path(pytestconfig.rootpath, "pyproject.toml").read_text(encoding="utf-8")
    needed = re.search(r"^dependencies = \[(.*)\]$", text, re.MULTILINE)[1]
    assert {"numpy", "platformdirs", "tqdm"} == set(re.findall(r'"(\w+)', needed))
    # Extras that are named to people are there.
    extras = re.search(r"\[project.optional-dependencies\]\n(.*?)\n\[", text, re.DOTALL)[1]
    extras = set(re.findall(r"^(\w+) = ", extras, re.MULTILINE))
    package = Path(idxio.__file__).parent
    readme = Path(os.environ.get("IDXIO_README", Path(pytestconfig.rootpath, "README.md")))
    for path in [*package.rglob("*.py"), readme]:
        assert set(EXTRA.findall(path.read_text(encoding="utf-8"))) <= extras, path
