"""Where a command writes its one file: to a path, or to standard output for "-"."""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import sys
from collections.abc import Iterator

from ..errors import naming
from ..storage.file_object import write_all
from .exit_codes import UsageError

STDOUT = "-"
_BLOCK = 1 << 20


@contextlib.contextmanager
def written(target: str) -> Iterator[str]:
    """Yield the path to write to. For "-" that is a temporary file, which goes to standard output
    when it is whole.
    """
    if target != STDOUT:
        yield target
        return
    import tempfile

    if sys.stdout is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), target)
    if sys.stdout.isatty():
        raise UsageError("a terminal can't show this file: name one, or redirect standard output")
    with tempfile.TemporaryDirectory(prefix="idxio-") as folder:
        path = os.path.join(folder, "output")
        yield path
        with naming(path), open(path, "rb") as file:
            # With PYTHONUNBUFFERED, standard output takes a part of what it is given.
            while piece := file.read(_BLOCK):
                write_all(sys.stdout.buffer, piece)
        sys.stdout.buffer.flush()


def check_no_idx(target: str) -> None:
    """Raise if a picture or a page would replace an IDX file, perhaps the one that it shows."""
    from ..core.info import is_idx

    if target != STDOUT and is_idx(target):
        raise UsageError(f"{target}: is an IDX file, which would be replaced; name another one")


def name_of(target: str) -> str:
    """Return the name of a target for messages."""
    return "standard output" if target == STDOUT else target


def new_folder(text: str) -> str:
    """Parse the name of a folder that a command makes: "-" is none."""
    if text == STDOUT:
        raise argparse.ArgumentTypeError("this writes several files, for which - is no place")
    return text
