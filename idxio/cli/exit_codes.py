"""What went wrong, in one line on stderr, and the exit code for it."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from typing import IO

from .. import errors
from ..errors import IdxError

FINE, BAD_FILE, USAGE, UNREADABLE = 0, 1, 2, 3
INTERRUPTED, PIPE_CLOSED = 130, 141  # 128 + the signal, as a shell says it


class UsageError(Exception):
    """What is asked for can't be done with this file or this installation."""


# Everything that a command may raise for bad input; anything else is a bug.
ERRORS = (IdxError, OSError, MemoryError, UsageError)


def report(error: BaseException) -> int:
    """Print one of ERRORS to stderr as `idxio: FILE: what`; the exit code."""
    # Keep the order of the two streams where both go to one place. Neither may fail while an error is told.
    with contextlib.suppress(OSError):
        print(end="", flush=True)
    with contextlib.suppress(OSError):
        print(f"idxio: {printable(message(error))}", file=sys.stderr)
    return exit_code(error)


def message(error: BaseException) -> str:
    """`FILE: what` for one of ERRORS."""
    if isinstance(error, OSError) and error.errno is not None:
        # Whatever reads or writes a file does so inside naming(), so the one without a name is stdout.
        name = "standard output" if error.filename is None else error.filename or "''"
        return f"{name}: {error.strerror or error}"
    return str(error) or "not enough memory"


def exit_code(error: BaseException) -> int:
    """The exit code for one of ERRORS."""
    if isinstance(error, IdxError):
        return BAD_FILE
    return USAGE if isinstance(error, UsageError) else UNREADABLE


@contextlib.contextmanager
def naming(file: str) -> Iterator[None]:
    """Let errors inside that name no file, also those for want of memory, name the one that the user named."""
    try:
        with errors.naming(file):
            yield
    except MemoryError as error:
        raise MemoryError(f"{file}: {str(error) or 'not enough memory'}") from error


@contextlib.contextmanager
def using() -> Iterator[None]:
    """What is wrong with an option or an installation inside is a UsageError."""
    try:
        yield
    except IdxError:
        raise
    except (ValueError, ImportError) as error:
        raise UsageError(str(error)) from None


def given(file: str) -> str | IO[bytes]:
    """The file of an argument: "-" is stdin."""
    if file != "-":
        return file
    if sys.stdin is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), file)
    return sys.stdin.buffer


def printable(text: str) -> str:
    """Control characters and undecodable bytes of a file name escaped: they must not reach a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def dimensions(shape: tuple[int, ...]) -> str:
    """A shape for people: `60000 x 28 x 28`."""
    return " x ".join(map(str, shape)) or "no dimensions"
