"""The range server of the tests, slow and counting, in a process of its own: its GIL is not ours."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from .core_import import ROOT
from .harness import MissingError

PROGRAM = ROOT / "tests" / "support" / "range_server.py"
LATENCY = 0.03  # seconds a request
BANDWIDTH = 40e6  # bytes/s a connection


@dataclass(frozen=True)
class Counts:
    """What a server was asked since it was asked for counts last."""

    requests: int
    megabytes: float
    most_in_flight: int


class RemoteServer:
    """Serves a folder from the moment when its URL is asked for until it is closed."""

    def __init__(self, folder: Path, in_all: float = 0) -> None:
        """in_all: bytes/s of all connections together; 0 for no limit."""
        self._folder = folder
        self._in_all = in_all
        self._process: subprocess.Popen[str] | None = None
        self._url = ""

    def url(self, path: str) -> str:
        """Of a file, by its path in the folder."""
        if self._process is None:
            self._start()
        return f"{self._url}/{path}"

    def counts(self) -> Counts:
        """Of all requests since the last call."""
        with urlopen(self.url("-/counts")) as answer:
            counts = json.load(answer)
        return Counts(counts["requests"], counts["bytes"] / 1e6, counts["most_in_flight"])

    def close(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.communicate()
            self._process = None

    def _start(self) -> None:
        if not PROGRAM.exists():
            raise MissingError(f"{PROGRAM}, the range server, is missing")
        options = ["--latency", str(LATENCY), "--bandwidth", str(BANDWIDTH)]
        options += ["--bandwidth-in-all", str(self._in_all)]
        self._process = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(self._folder), *options],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self._url = self._process.stdout.readline().strip()
