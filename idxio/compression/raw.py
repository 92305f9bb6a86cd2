"""The payload of a file that is not compressed: read, mapped, or written."""

from __future__ import annotations

import mmap
import os
from typing import IO

import numpy as np

from .._native import byteorder
from .._util.types import Bytes, Ids
from ..errors import IdxError
from ..storage.file_object import write_all
from ..storage.source import BufferSource, PathSource
from .base import BLOCK, Check, Compression, Stream, unchecked
from .spool import patch

# Records that are apart are read with what lies between them, up to this share of unwanted bytes.
_SPARSE = 8
# Written bytes after which the disk is told to begin.
_EARLY = 2 << 20


class Raw(Compression):
    packing = "raw"

    def limit(self) -> int | None:
        return self.source.size

    def stream(self) -> Stream:
        return _RawStream(self)

    def read_at(self, offset: int, out: memoryview, threads: int) -> None:
        """Fill out with the bytes from offset on, which the caller knows to be there."""
        if self.source.read_at(offset, out) < len(out):
            raise self._cut_short(offset)

    def _cut_short(self, offset: int) -> IdxError:
        return IdxError("was cut short since it was opened", file=self.name, offset=offset)

    def read_swapped(self, offset: int, out: memoryview, itemsize: int) -> None:
        """read_at(), and the bytes of each item reversed."""
        if not isinstance(self.source, PathSource):
            for start in range(0, len(out), BLOCK):
                piece = out[start : start + BLOCK]
                self.read_at(offset + start, piece, 1)
                byteorder.swap_bytes(piece, itemsize)
        elif self.source.read_swapped(offset, out, itemsize) < len(out):
            raise self._cut_short(offset)

    def gather(self, base: int, size: int, ids: Ids, out: Bytes, threads: int) -> None:
        """Fill out with the records of ascending ids, each of size bytes, counted from base."""
        start = 0
        while start < len(ids):
            # As many records as lie within one piece, or one.
            stop = max(start + 1, int(np.searchsorted(ids, ids[start] + max(1, BLOCK // size))))
            first, last = int(ids[start]), int(ids[stop - 1])
            wanted = out[start * size : stop * size]
            if last - first + 1 == stop - start:
                self.read_at(base + first * size, wanted.data, 1)
            elif last - first + 1 <= _SPARSE * (stop - start):
                block = np.empty((last - first + 1, size), np.uint8)
                self.read_at(base + first * size, memoryview(block).cast("B"), 1)
                np.take(block, ids[start:stop] - first, axis=0, out=wanted.reshape(-1, size))
            else:
                for k in range(start, stop):
                    self.read_at(base + int(ids[k]) * size, out[k * size : (k + 1) * size].data, 1)
            start = stop

    def view(self) -> memoryview | mmap.mmap:
        """The whole file without a copy, read-only.

        Raises IdxError for a file object: only a path can be mapped and only bytes are in memory
        already.
        """
        if isinstance(self.source, BufferSource):
            return self.source.view.toreadonly()
        if isinstance(self.source, PathSource):
            return self.source.map()
        raise IdxError(
            "can't be viewed without a copy: it is a pipe or a file object; read it, or give the"
            " path of a file",
            file=self.name,
        )


class _RawStream(Stream):
    def __init__(self, compressed: Raw) -> None:
        self.block = memoryview(b"")
        self._source = compressed.source
        self._position = 0

    def unpack(self) -> Check | None:
        block = memoryview(bytearray(BLOCK))
        n = self._source.read_at(self._position, block)
        self.block = block[:n]
        self._position += n
        return unchecked if n else None

    def readinto(self, out: memoryview) -> int:
        """Without a block in between. Not to be mixed with step()."""
        n = self._source.read_at(self._position, out)
        self._position += n
        return n


class RawWriter:
    """Bytes as they are."""

    def __init__(self, file: IO[bytes], header: bytes, *, to_disk: bool) -> None:
        """to_disk: a new file that will be flushed to the disk."""
        self._file = file
        self._header = header
        # Linux starts to write to the disk what it is told will not be read, while the rest is
        # still copied.
        self._fd = file.fileno() if to_disk and hasattr(os, "posix_fadvise") else None
        write_all(file, header)
        self._size = len(header)

    def write(self, buffer: memoryview) -> None:
        for start in range(0, len(buffer), _EARLY):
            part = buffer[start : start + _EARLY]
            write_all(self._file, part)
            self._size += len(part)
            if len(part) == _EARLY and self._fd is not None:
                self._file.flush()
                os.posix_fadvise(self._fd, self._size - _EARLY, _EARLY, os.POSIX_FADV_DONTNEED)

    def finish(self, header: bytes) -> None:
        """Write the header again if it has changed."""
        if header != self._header:
            patch(self._file, self._size, 0, header)

    def discard(self) -> None:
        """Nothing waits."""
