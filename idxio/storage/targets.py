"""Where written bytes go: a path that is replaced at once, or a file object of the caller."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator, Sequence
from typing import IO, Any, TypeAlias, Union

from ..errors import naming
from . import journal
from .as_read import AsRead, check_unchanged
from .atomic_file import AtomicFile
from .file_object import TEXT, name_of, write_all

Target: TypeAlias = Union[str, "os.PathLike[str]", IO[bytes]]


class OpenFile:
    """A file object of the caller: written from its current position, never closed."""

    def __init__(self, file: IO[bytes]) -> None:
        self.name = name_of(file)
        self.file = file
        self.folder = None

    def commit(self) -> None:
        """Flush the file object, if it can be flushed."""
        if hasattr(self.file, "flush"):
            with naming(self.name):
                self.file.flush()

    finish_writing = commit

    def discard(self) -> None:
        """Do nothing: bytes written to a file object can't be taken back."""


def open_target(target: Target) -> AtomicFile | OpenFile:
    """Open a path or a binary file object for writing."""
    if isinstance(target, (str, os.PathLike)):
        path: Any = os.fspath(target)
        return AtomicFile(os.fsdecode(path))
    given: Any = target
    if isinstance(given, io.TextIOBase):
        raise TypeError(TEXT.replace("'rb'", "'wb'"))
    if hasattr(target, "write"):
        return OpenFile(target)
    raise TypeError(f"file is a path or a binary file object, not {type(target).__name__}")


def commit_all(targets: Sequence[AtomicFile | OpenFile], as_read: AsRead) -> None:
    """Commit several targets, all or none; see journal.py. The caller still discards each.

    Raises ChangedError if a file is no longer as it was read: of two processes that read the same
    files and replace them, the later one would undo what the other did.
    """
    for target in targets:
        target.finish_writing()
    files: list[AtomicFile] = []
    moves: list[journal.Replacement] = []
    for target in targets:
        if isinstance(target, AtomicFile) and target.temporary is not None:
            files.append(target)
            moves.append((target.temporary, target.path, target.name))
    if files:
        journal.replace_all(moves, as_read)
    else:
        check_unchanged(as_read)


@contextlib.contextmanager
def atomic_write(target: Target) -> Iterator[IO[bytes]]:
    """Open a file that replaces the target at the end of the block, unless the block raises."""
    output = open_target(target)
    try:
        with naming(output.name):
            yield output.file
    except BaseException:
        output.discard()
        raise
    output.commit()


def write_file(path: str, data: bytes) -> None:
    """Replace the file at path by one that holds data."""
    with atomic_write(path) as file:
        write_all(file, data)
