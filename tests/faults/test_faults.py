"""A sample of what `make faults` does whole; its seed is another every day."""

import datetime
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).with_name("driver.py")
# What a process of another kind loads first: the sanitizers', which take the place of malloc.
LOADED = os.environ.get("LD_PRELOAD", "")

pytestmark = [
    pytest.mark.skipif(
        sys.platform != "linux" or not shutil.which("cc"),
        reason="NOT TESTED: failing calls need Linux and a C compiler",
    ),
    pytest.mark.skipif(bool(LOADED), reason="something else is loaded first"),
]


def test_failing_calls() -> None:
    seed = datetime.date.today().toordinal()
    done = subprocess.run(
        [sys.executable, DRIVER, "--share", "0.01", "--seed", str(seed)],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " cases: {" in done.stdout


def test_what_ends_badly_is_told(tmp_path: Path) -> None:
    """The driver itself: an operation that ignores an error, and one that names no file."""
    (tmp_path / "operations.py").write_text(
        "OPERATIONS = {}\n"
        "def prepare(folder):\n"
        "    (folder / 'cache').mkdir()\n"
        "    (folder / 'a').write_text('old')\n"
        "def ignores(folder):\n"
        "    try: (folder / 'a').write_text('new')\n"
        "    except OSError: pass\n"
        "def names_none(folder):\n"
        "    try: return (folder / 'a').read_text()\n"
        "    except OSError as error: raise OSError('something is wrong')\n"
        "OPERATIONS = {'ignores': ignores, 'names_none': names_none}\n"
    )
    shutil.copy(DRIVER, tmp_path)
    shutil.copy(DRIVER.with_name("shim.c"), tmp_path)
    done = subprocess.run(
        [sys.executable, tmp_path / "driver.py"], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 1, done.stderr
    assert "WRONG ignores " in done.stdout
    assert "no error, and other files: a" in done.stdout
    assert "WRONG names_none " in done.stdout
    assert "unnamed: OSError: something is wrong" in done.stdout
