"""Servers that run as processes of their own, on loopback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def free_port() -> int:
    """A port of loopback that nobody has now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def environment() -> dict[str, str]:
    """That of this process, without the sanitizers that the tests may run under."""
    return {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}


@contextmanager
def running(
    command: list[str], log: Path, last: int = signal.SIGTERM
) -> Iterator[subprocess.Popen[bytes]]:
    """The process that a command starts, until the block ends and a last signal ends it."""
    with open(log, "wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=environment()
        )
    try:
        yield process
    finally:
        process.send_signal(last)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def served_by(
    command: list[str], url: str, log: Path, last: int = signal.SIGTERM
) -> Iterator[None]:
    """A server that a command starts, once it answers at a URL, until the block ends."""
    with running(command, log, last) as process:
        until = time.monotonic() + 60
        while True:
            with suppress(OSError), urllib.request.urlopen(url, timeout=5):
                break
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{command[0]} does not answer: {log.read_text()}")
            time.sleep(0.02)
        yield
