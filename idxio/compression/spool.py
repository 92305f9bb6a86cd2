"""Temporary files for bytes that wait for their header, and headers that are overwritten at the
end.
"""

from __future__ import annotations

import errno
import io
from collections.abc import Iterator
from typing import IO

from ..storage.file_object import write_all
from ..storage.temporary import ignoring_refusals

# Bytes that are copied from a temporary file at a time.
_BLOCK = 1 << 20


def can_be_patched(file: IO[bytes]) -> bool:
    """Whether what was written can be overwritten; some that call themselves seekable only append,
    or compress.
    """
    if isinstance(file, (io.FileIO, io.BufferedWriter, io.BufferedRandom)):
        return file.seekable() and "a" not in file.mode
    return isinstance(file, io.BytesIO)


def new_spool(folder: str | None) -> IO[bytes]:
    """A temporary file for bytes that must wait."""
    import tempfile  # slow to import

    return tempfile.TemporaryFile(dir=folder)


def read_spool(spool: IO[bytes], size: int = _BLOCK) -> Iterator[bytes]:
    """Read the spool, up to its position, in pieces of at most this size, and close it."""
    left = spool.tell()
    spool.seek(0)
    while left:
        data = spool.read(min(left, size))
        if not data:
            raise OSError(errno.EIO, f"a temporary file ended {left:,} bytes too early")
        yield data
        left -= len(data)
    spool.close()


def copy_spool(spool: IO[bytes], file: IO[bytes]) -> None:
    """Copy the spool, up to its position, to the file, and close it."""
    for data in read_spool(spool):
        write_all(file, data)


def drop_spool(spool: IO[bytes]) -> None:
    """Close an unwanted spool; the disk may have no room for the bytes in its buffer, which is no
    error.
    """
    with ignoring_refusals():
        spool.close()


def patch(file: IO[bytes], written: int, at: int, data: bytes) -> None:
    """Overwrite bytes of the last written ones, at a distance from their first, and go back to the
    end.
    """
    end = file.tell()
    file.seek(end - written + at)
    write_all(file, data)
    file.seek(end)
