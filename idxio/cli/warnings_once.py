"""Warnings of a command: a line on stderr for each, equal ones counted."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

from .text import printable


@contextlib.contextmanager
def warnings_once() -> Iterator[None]:
    """Collect the warnings inside, and print each once at the end, with how often it came."""
    texts: Counter[str] = Counter()

    def collect(message: Warning | str, *where: Any, **more: Any) -> None:
        texts[printable(str(message))] += 1

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = collect
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                for text, count in texts.items():
                    times = f" ({count:,} times)" if count > 1 else ""
                    print(f"idxio: {text}{times}", file=sys.stderr)
