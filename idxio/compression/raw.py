"""The payload of a file that is not compressed: read, mapped, or written."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import IO

import numpy as np

from .._util.types import Bytes, Ids
from ..errors import IdxError
from ..storage.file_object import write_all
from .base import READ_SIZE, BlockCheck, Compression, Stream, WriteOptions, unchecked
from .spool import can_be_patched, copy_spool, drop_spool, new_spool, patch

# Records that are apart are read with what lies between them, up to this share of unwanted bytes.
_SPARSE = 8
# Bytes that are read at once where the first few are wanted: the header of most files.
_HEAD = 32
# Written bytes after which the disk is told to begin.
_EARLY = 2 << 20


class Raw(Compression):
    packing = "raw"
    module = "io"
    can_write = True
    is_plain = True
    supports_ranges = True
    in_browsers = True
    checked = "size only: a raw file states no checksum"

    @property
    def supports_view(self) -> bool:
        return self.source.path is not None or self.source.view() is not None

    def limit(self) -> int | None:
        return self.source.size

    def stream(self) -> Stream:
        return _RawStream(self)

    def head(self, size: int, more: Callable[[bytes], int]) -> bytes:
        if self.source.size is None:  # a pipe, which may have no more bytes than these yet
            return super().head(size, more)
        out = bytearray(max(size, _HEAD))
        n = self.source.read_at(0, memoryview(out))
        found = bytes(out[:n])
        if len(found) < size:
            return found
        whole = size + more(found[:size])
        if whole > len(out):
            out = bytearray(whole)
            found = bytes(out[: self.source.read_at(0, memoryview(out))])
        return found[:whole]

    def read_at(self, offset: int, out: memoryview, threads: int) -> None:
        if self.source.read_at(offset, out) < len(out):
            raise self._cut_short(offset)

    def _cut_short(self, offset: int) -> IdxError:
        return IdxError("was cut short since it was opened", file=self.name, offset=offset)

    def read_swapped(self, offset: int, out: memoryview, itemsize: int) -> None:
        if self.source.read_swapped(offset, out, itemsize) < len(out):
            raise self._cut_short(offset)

    def gather(self, base: int, size: int, ids: Ids, out: Bytes, threads: int) -> None:
        if self.source.is_remote:
            offsets = (base + ids * size).tolist()
            with self.source.expect([(offset, offset + size) for offset in offsets]):
                self._gather(base, size, ids, out)
        else:
            self._gather(base, size, ids, out)

    def _gather(self, base: int, size: int, ids: Ids, out: Bytes) -> None:
        start = 0
        while start < len(ids):
            # As many records as lie within one piece, or one.
            stop = max(start + 1, int(np.searchsorted(ids, ids[start] + max(1, READ_SIZE // size))))
            first, last = int(ids[start]), int(ids[stop - 1])
            wanted = out[start * size : stop * size]
            if last - first + 1 == stop - start:
                self.read_at(base + first * size, wanted.data, 1)
            elif last - first + 1 <= _SPARSE * (stop - start):
                block = np.empty((last - first + 1, size), np.uint8)
                self.read_at(base + first * size, memoryview(block).cast("B"), 1)
                np.take(block, ids[start:stop] - first, axis=0, out=wanted.reshape(-1, size))
            else:
                offsets = (base + ids[start:stop] * size).tolist()
                ranges = [(offset, offset + size) for offset in offsets]
                view = wanted.data
                outs = [view[k : k + size] for k in range(0, len(view), size)]
                for (offset, _), n in zip(
                    ranges, self.source.read_ranges(ranges, outs), strict=True
                ):
                    if n < size:
                        raise self._cut_short(offset)
            start = stop

    def view(self) -> memoryview:
        """The whole file without a copy, read-only.

        Raises IdxError for a file object: only a path can be mapped and only bytes are in memory
        already.
        """
        view = self.source.view()
        if view is not None:
            return view.toreadonly()
        mapped = self.source.map()
        if mapped is not None:
            return memoryview(mapped)
        raise IdxError(
            "can't be viewed without a copy: it is a pipe or a file object; read it, or give the"
            " path of a file",
            file=self.name,
        )

    @classmethod
    def writer(cls, file: IO[bytes], header: bytes, options: WriteOptions) -> RawWriter:
        return RawWriter(file, header, options)


class _RawStream(Stream):
    def __init__(self, compressed: Raw) -> None:
        self.block = memoryview(b"")
        self._source = compressed.source
        self._position = 0

    def unpack(self) -> BlockCheck | None:
        block = memoryview(bytearray(READ_SIZE))
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
    """Bytes as they are.

    Where the header is known at the end only and the target can't be patched, all waits in a
    temporary file.
    """

    def __init__(self, file: IO[bytes], header: bytes, options: WriteOptions) -> None:
        self._spool: IO[bytes] | None = None
        if options.length is None and not can_be_patched(file):
            self._spool = new_spool(options.folder)
        self._target = file
        self._file = file = self._spool or file
        self._header = header
        to_disk = self._spool is None and options.folder is not None
        # Linux starts to write to the disk what it is told will not be read, while the rest is
        # still copied.
        self._fd = file.fileno() if to_disk and hasattr(os, "posix_fadvise") else None
        self._size = 0
        try:
            write_all(file, header)
        except BaseException:
            self.discard()
            raise
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
        if header != self._header:
            patch(self._file, self._size, 0, header)
        if self._spool is not None:
            copy_spool(self._spool, self._target)

    def discard(self) -> None:
        if self._spool is not None:
            drop_spool(self._spool)
