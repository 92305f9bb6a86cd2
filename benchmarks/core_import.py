"""Importing a package beyond numpy, in fresh interpreters."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

from .harness import Contestant, Group, WrongError

ROOT = Path(__file__).resolve().parent.parent

_PROGRAM = """
import sys, time
import numpy
start = time.perf_counter()
import {module}
elapsed = time.perf_counter() - start
print(elapsed * 1e3, sys.modules[{module!r}].__file__)
"""
_NUMPY = """
import time
start = time.perf_counter()
import numpy
print((time.perf_counter() - start) * 1e3, numpy.__file__)
"""


def import_in_child(program: str, bytecode: Path) -> tuple[float, str]:
    """Milliseconds, and the file that was imported.

    Compiled modules are kept in the folder bytecode: an installed package has its own, a checkout
    may have none.
    """
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(bytecode)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    child = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
    )
    elapsed, file = child.stdout.split(maxsplit=1)
    return float(elapsed), file.strip()


def groups(folder: Path) -> list[Group]:
    bytecode = folder / "bytecode"
    modules = {
        "import idxio": ("idxio", None),
        "import what idxio.read needs": ("idxio.core.read", None),
        "import idx2numpy": ("idx2numpy", "idx2numpy"),
        "import mnist": ("mnist", "python-mnist"),
        "import isal.igzip": ("isal.igzip", "isal"),
        "import zlib_ng.gzip_ng": ("zlib_ng.gzip_ng", "zlib-ng"),
        "import deflate": ("deflate", "deflate"),
        "import gzip": ("gzip", None),
        "import numpy itself": ("numpy", None),
    }
    programs = {
        name: _NUMPY if module == "numpy" else _PROGRAM.format(module=module)
        for name, (module, _) in modules.items()
    }

    def check(contestant: Contestant) -> None:
        _, file = import_in_child(programs[contestant.name], bytecode)
        here = importlib.import_module(modules[contestant.name][0]).__file__
        if file != here:
            raise WrongError(f"{contestant.name}: the child imports {file}, this process {here}")

    return [
        Group(
            name="import",
            title="import, in a fresh interpreter, after numpy is imported",
            oracle="the same module file as in this process",
            check=check,
            contestants=[
                Contestant(
                    name,
                    partial(import_in_child, programs[name], bytecode),
                    module,
                    package,
                    sample=partial(_milliseconds, programs[name], bytecode),
                )
                for name, (module, package) in modules.items()
            ],
            ours="import idxio",
        )
    ]


def _milliseconds(program: str, bytecode: Path) -> float:
    return import_in_child(program, bytecode)[0]
