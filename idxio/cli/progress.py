"""A progress bar for long reads and writes."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator

from .text import printable


@contextlib.contextmanager
def bar(file: str, unit: str = "B") -> Iterator[Callable[[int, int | None], None] | None]:
    """Show a progress bar on stderr if that is a terminal."""
    if not sys.stderr or not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    name = printable(os.path.basename(os.path.abspath(file)))
    with tqdm(desc=name, unit=unit, unit_scale=True, leave=False) as shown:

        def progress(done: int, total: int | None = None) -> None:
            shown.total = total
            shown.update(done - shown.n)

        yield progress
