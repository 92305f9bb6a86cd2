"""Peak memory of reading the stock .gz, in fresh processes.

Run as a program, ``python -m benchmarks.core_memory NAME FILE``, this is one such process: it
imports what the contestant needs, says "ready", and then reads the file when it is told to.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from .c_baseline import Floor, ask
from .core_import import ROOT
from .core_read import GZ_READERS
from .files import Files
from .harness import Contestant, Group, MissingError, WrongError

ALLOWANCE = 8e6  # bytes beyond the array and the compressed file


def groups(files: Files, floor: Floor) -> list[Group]:
    limit = (files.images.nbytes + files.gz.stat().st_size + ALLOWANCE) / 1e6

    def check(contestant: Contestant) -> None:
        if contestant.run() != expected:
            raise WrongError(
                f"{contestant.name} returned other bytes than the oracle in its fresh process"
            )

    expected = zlib.crc32(files.images.data)
    return [
        Group(
            name="memory",
            title=(
                "peak memory of reading the stock .gz in a fresh process, beyond what it had before"
            ),
            oracle="the CRC-32 of gzip.decompress",
            check=check,
            contestants=[
                *(
                    Contestant(
                        name,
                        partial(_crc_in_child, name, files.gz),
                        module,
                        package,
                        sample=partial(_peak_in_child, name, files.gz),
                    )
                    for name, _, module, package in GZ_READERS
                ),
                Contestant(
                    "C floor",
                    lambda: zlib.crc32(floor.result()[16:].data),
                    sample=lambda: _peak_of_floor(floor),
                ),
                Contestant(
                    "array + compressed file + 8 MB", lambda: expected, sample=lambda: limit
                ),
            ],
            ours="idxio.read",
            unit="MB",
            most=5,
        )
    ]


def peak_of(pid: int, job: Callable[[], object]) -> float:
    """By how many MB (10^6 bytes) the resident memory of a process rises while a job runs."""
    folder = Path("/proc") / str(pid)
    try:
        (folder / "clear_refs").write_text("5")  # forget the peak so far
    except OSError as error:
        raise MissingError(f"peak memory is measured through Linux's /proc: {error}") from error
    before = _status(folder, "VmRSS")
    job()
    return (_status(folder, "VmHWM") - before) / 1e6


def _status(folder: Path, key: str) -> int:
    for line in (folder / "status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
    raise MissingError(f"{folder}/status has no {key}")


def _child(name: str, gz: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.core_memory", name, str(gz)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    if ask(child, "hello") != "ready":
        raise RuntimeError(f"the process that reads with {name} did not get ready")
    return child


def _crc_in_child(name: str, gz: Path) -> int:
    child = _child(name, gz)
    ask(child, "read")
    crc = int(ask(child, "crc"))
    child.communicate()
    return crc


def _peak_in_child(name: str, gz: Path) -> float:
    child = _child(name, gz)
    peak = peak_of(child.pid, lambda: ask(child, "read"))
    child.communicate()
    return peak


def _peak_of_floor(floor: Floor) -> float:
    process = floor.start()
    ask(process, "version")
    peak = peak_of(process.pid, lambda: ask(process, "run"))
    process.communicate()
    return peak


def main(name: str, gz: str) -> None:
    run, module = next((run, module) for known, run, module, _ in GZ_READERS if known == name)
    if module is not None:
        importlib.import_module(module)
    for line in sys.stdin:
        if line == "hello\n":
            print("ready", flush=True)
        elif line == "read\n":
            array = run(Path(gz))
            print("done", flush=True)
        elif line == "crc\n":
            # python-mnist makes 64-bit integers of pixels.
            print(zlib.crc32(array.astype(np.uint8, copy=False).data), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
