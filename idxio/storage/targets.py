"""Where written bytes go: a path or URL, which is replaced at once, or an open file object."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any, TypeAlias, Union

from ..errors import naming
from . import journal, source
from .as_read import AsRead, check_unchanged
from .atomic_file import AtomicFile
from .file_object import TEXT, name_of, write_all
from .source import StorageOptions

if TYPE_CHECKING:
    from .remote.upload import Upload

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


def is_remote_target(target: Any) -> bool:
    """Whether a target is a URL, or lies in a file system of fsspec that is not this machine's.

    An open file is written as any other file object is.
    """
    return source.is_remote(target) and not hasattr(target, "write")


def open_target(
    target: Target, storage_options: StorageOptions = None
) -> AtomicFile | OpenFile | Upload:
    """Open a path, a URL or a binary file object for writing."""
    if is_remote_target(target):
        from .remote.upload import Upload, open_stored  # not needed for local files

        return Upload(open_stored(target, storage_options or {}))
    if storage_options:
        raise ValueError(f"storage_options are for URLs; {str(target)[:99]!r} is none")
    if isinstance(target, (str, os.PathLike)):
        path: Any = os.fspath(target)
        return AtomicFile(os.fsdecode(path))
    given: Any = target
    if isinstance(given, io.TextIOBase):
        raise TypeError(TEXT.replace("'rb'", "'wb'"))
    if hasattr(target, "write"):
        return OpenFile(target)
    if hasattr(target, "fs") and hasattr(target, "path"):  # an OpenFile of fsspec, of this machine
        return AtomicFile(target.path)
    raise TypeError(f"file is a path or a binary file object, not {type(target).__name__}")


def commit_all(targets: Sequence[AtomicFile | OpenFile | Upload], as_read: AsRead) -> None:
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
    for target in targets:
        if not isinstance(target, (AtomicFile, OpenFile)):
            target.commit()


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
