"""No container: the payload is the file."""

from __future__ import annotations

import mmap

import numpy as np

from .._native import byteorder
from .._util.types import Bytes, Ids
from ..errors import IdxError
from ..storage.source import BufferSource, PathSource
from .base import BLOCK, Check, Compression, Stream, unchecked

# Records that are apart are read with what lies between them, up to this share of unwanted bytes.
_SPARSE = 8


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

        Raises IdxError for a file object: only a path can be mapped and only bytes are in memory already.
        """
        if isinstance(self.source, BufferSource):
            return self.source.view.toreadonly()
        if isinstance(self.source, PathSource):
            return self.source.map()
        raise IdxError(
            "can't be viewed without a copy: it is a pipe or a file object; read it, or give the path of a file",
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
