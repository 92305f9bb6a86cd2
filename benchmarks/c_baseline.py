"""The C floor: c_baseline.c compiled, started, and driven line by line so that its runs take turns
with Python's.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np

from .files import Array
from .harness import Contestant, MissingError

SOURCE = Path(__file__).with_name("c_baseline.c")
HINT = "the C floor needs a C compiler, pkg-config and libdeflate's headers (libdeflate-dev)"


class Floor:
    """A process that decompresses one gzip file, compiled and started when it is first asked.

    Every method raises MissingError if it can't be compiled here.
    """

    def __init__(self, folder: Path, gz: Path) -> None:
        self._program = folder / "floor"
        self._saved = folder / "floor.out"
        self._gz = gz
        self._process: subprocess.Popen[str] | None = None

    @property
    def process(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._compile()
            self._process = self.start()
        return self._process

    def start(self) -> subprocess.Popen[str]:
        """A process more of the same program."""
        if not self._program.exists():
            self._compile()
        return subprocess.Popen(
            [str(self._program), str(self._gz)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def version(self) -> str:
        """The version of libdeflate that it was compiled with."""
        return ask(self.process, "version")

    def run(self) -> tuple[float, float]:
        """Milliseconds of reading the file, and of libdeflate's call."""
        read, call = ask(self.process, "run").split()
        return int(read) / 1e6, int(call) / 1e6

    def result(self) -> Array:
        """The unpacked bytes."""
        ask(self.process, f"save {self._saved}")
        try:
            return np.fromfile(self._saved, np.uint8)
        finally:
            self._saved.unlink()

    def contestant(
        self, name: str, header: int, pick: Callable[[float, float], float]
    ) -> Contestant:
        """One figure of a run; its result is checked behind the header bytes of the IDX file."""
        return Contestant(name, lambda: self.result()[header:], sample=lambda: pick(*self.run()))

    def close(self) -> None:
        if self._process is not None:
            self._process.communicate()
            self._process = None

    def _compile(self) -> None:
        flags = shlex.split(_output(["pkg-config", "--cflags", "--libs", "libdeflate"]))
        compiler = shlex.split(os.environ.get("CC", "cc"))
        _output(
            [*compiler, "-O2", "-Wall", "-Wextra", "-o", str(self._program), str(SOURCE), *flags]
        )


def ask(process: subprocess.Popen[str], line: str) -> str:
    """Send a line, return the line that answers it."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        raise RuntimeError(
            f"{process.args!r} ended with status {process.wait()} when it was asked to {line!r}"
        )
    return answer.strip()


def _output(command: list[str]) -> str:
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", "") or error
        raise MissingError(f"{HINT}: {reason}") from error
