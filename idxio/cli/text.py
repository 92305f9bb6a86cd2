"""Words for the terminal: errors, file names and shapes as text."""

from __future__ import annotations

import os
from collections.abc import Sequence

from .._util.printable import printable as printable
from ..storage.targets import is_remote_target


def message(error: BaseException) -> str:
    """Describe one of `exit_codes.ERRORS` as `FILE: what`."""
    if isinstance(error, OSError) and error.errno is not None:
        # All other files are read and written inside naming(), so the one without a name is stdout.
        name = "standard output" if error.filename is None else error.filename or "''"
        return f"{name}: {error.strerror or error}"
    return str(error) or "not enough memory"


def dimensions(shape: tuple[int, ...]) -> str:
    """Write a shape for people: `60000 x 28 x 28`."""
    return " x ".join(map(str, shape)) or "no dimensions"


def first_few(words: Sequence[str], most: int) -> str:
    """Join the first words with commas; an ellipsis stands for the others."""
    shown = list(words[:most])
    if len(words) > most:
        shown.append("…")
    return ", ".join(shown)


def print_sizes(target: str) -> None:
    """Print the size of a file, or of all that lies in a folder."""
    if is_remote_target(target):
        print(f"{printable(target)}: written")
        return
    if not os.path.isdir(target):
        print(f"{printable(target)}: {os.path.getsize(target):,} bytes")
        return
    for name in sorted(os.listdir(target)):
        path = os.path.join(target, name)
        if os.path.isdir(path):
            count = sum(len(files) for _, _, files in os.walk(path))
            print(f"{printable(path)}: {count:,} files")
        else:
            print(f"{printable(path)}: {os.path.getsize(path):,} bytes")
