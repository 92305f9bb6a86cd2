"""How written bytes are packed: raw, or one gzip member. The header is known first, or patched in at the end."""

from __future__ import annotations

import io
import struct
import zlib
from typing import IO, Any

from .._native import inflate

# Magic, deflate, no flags, no time, no extra flags, unknown system: the same bytes everywhere.
_MEMBER_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


class RawSink:
    """Bytes as they are."""

    def __init__(self, file: IO[bytes], header: bytes) -> None:
        self._file = file
        self._header = header
        write_all(file, header)
        self._size = len(header)

    def write(self, piece: memoryview) -> None:
        write_all(self._file, piece)
        self._size += len(piece)

    def finish(self, header: bytes) -> None:
        """Write the header again if it has changed."""
        if header != self._header:
            patch(self._file, self._size, 0, header)


class GzipSink:
    """One gzip member: the header of the IDX file in a stored block, which can be patched, the rest deflated."""

    def __init__(self, file: IO[bytes], header: bytes, level: int) -> None:
        self._file = file
        self._header = header
        self._compressor = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS, 9)
        self._crc = self._length = 0  # of what follows the header
        stored = struct.pack("<BHH", 0, len(header), len(header) ^ 0xFFFF)
        self._prefix = len(_MEMBER_HEADER) + len(stored)
        self._written = 0
        self._put(_MEMBER_HEADER + stored + header)

    def write(self, piece: memoryview) -> None:
        self._crc = inflate.crc32(piece, self._crc)
        self._length += len(piece)
        self._put(self._compressor.compress(piece))

    def finish(self, header: bytes) -> None:
        """End the member and patch the header if it has changed."""
        self._put(self._compressor.flush())
        crc = inflate.crc32_combine(inflate.crc32(header), self._crc, self._length)
        self._put(struct.pack("<II", crc, (self._length + len(header)) & 0xFFFFFFFF))
        if header != self._header:
            patch(self._file, self._written, self._prefix, header)

    def _put(self, data: bytes) -> None:
        write_all(self._file, data)
        self._written += len(data)


def write_all(file: IO[bytes], data: bytes | memoryview) -> None:
    """Write all of data, also to a raw file object that takes less than it is given."""
    view = memoryview(data)
    while len(view):
        n: Any = file.write(view)
        if n is None:
            if isinstance(file, io.RawIOBase):
                raise BlockingIOError("the file object is non-blocking and takes no more data now")
            return  # a file object that says nothing has taken everything
        if not 0 < n <= len(view):
            raise OSError(f"the file object was given {len(view)} bytes to write and returned {n}")
        view = view[n:]


def patch(file: IO[bytes], written: int, at: int, data: bytes) -> None:
    """Overwrite bytes of the last written ones, at a distance from their first, and go back to the end."""
    end = file.tell()
    file.seek(end - written + at)
    write_all(file, data)
    file.seek(end)
