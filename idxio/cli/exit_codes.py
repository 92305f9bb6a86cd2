"""Errors of commands: one line on stderr, and the exit code."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from typing import IO

from .. import errors
from ..errors import IdxError
from ..storage.base import NotInstalledError, UrlError
from ..storage.source import is_url
from .text import message, printable

FINE = 0
BAD_FILE = 1
USAGE = 2
UNREADABLE = 3
# 128 + the number of the signal, as a shell reports it.
INTERRUPTED = 130
PIPE_CLOSED = 141


class UsageError(Exception):
    """The command can't be carried out with this file or this installation."""


_USAGE = (UsageError, UrlError, NotInstalledError)
# Everything that a command may raise for bad input; anything else is a bug.
ERRORS = (IdxError, OSError, MemoryError, *_USAGE)


def report(error: BaseException) -> int:
    """Print one of ERRORS to stderr as `idxio: FILE: what`; return the exit code."""
    # Keep the order of the two streams where both go to one place. Neither may fail here.
    with contextlib.suppress(OSError):
        print(end="", flush=True)
    with contextlib.suppress(OSError):
        print(f"idxio: {printable(message(error))}", file=sys.stderr)
    return exit_code(error)


def exit_code(error: BaseException) -> int:
    """Return the exit code for one of ERRORS."""
    if isinstance(error, IdxError):
        return BAD_FILE
    return USAGE if isinstance(error, _USAGE) else UNREADABLE


@contextlib.contextmanager
def naming(file: str) -> Iterator[None]:
    """Give errors inside that name no file, MemoryError too, the name of this one."""
    try:
        with errors.naming(file):
            yield
    except MemoryError as error:
        raise MemoryError(f"{file}: {str(error) or 'not enough memory'}") from error


@contextlib.contextmanager
def usage_errors() -> Iterator[None]:
    """Raise UsageError for a wrong option or a missing package inside."""
    try:
        yield
    except IdxError:
        raise
    except (ValueError, ImportError) as error:
        raise UsageError(str(error)) from None


def refuse_url(path: str) -> None:
    """Raise UsageError for a URL in the place of a file or folder that has to be here."""
    if is_url(path):
        raise UsageError(
            f"{path}: is a URL; copy the files to this machine, or use info, verify, show or check,"
            " which take URLs"
        )


def file_or_stdin(file: str) -> str | IO[bytes]:
    """Return the argument itself, and stdin for "-"."""
    if file != "-":
        return file
    if sys.stdin is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), file)
    return sys.stdin.buffer
