"""Warnings of a command: a line on stderr for each kind, with their number."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from . import complaints
from .text import printable


@contextlib.contextmanager
def warnings_once() -> Iterator[None]:
    """Collect the warnings inside, and print a line for each kind at the end."""
    texts: list[tuple[str, str]] = []

    def collect(message: Warning | str, *where: Any, **more: Any) -> None:
        file, colon, reason = str(message).partition(": ")
        texts.append((file, reason) if colon else ("", file))

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = collect
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                for line in complaints.lines(texts):
                    print(f"idxio: {printable(line)}", file=sys.stderr)
