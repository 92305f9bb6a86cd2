"""Writes one gzip member: in chunks with the table of their sizes in its header, or as one deflate
stream.
"""

from __future__ import annotations

import struct
from typing import IO, Any, NamedTuple

import numpy as np

from ..._native import deflate, inflate
from ..._util.threads import InOrder
from ...storage.file_object import write_all
from ..base import WriteOptions
from ..spool import can_be_patched, copy_spool, drop_spool, new_spool, patch
from .embedded_index import LONG, RA, field

# dictzip's longest chunk, 58315 bytes, holds six of these, so that its table reaches as far as it
# can. Measured on the Fashion-MNIST train images at level 6: 9719 bytes give 26.28 MB, 19438 26.31,
# 58314 26.37, all as fast to read whole, and a record in the shortest takes 20 us in place of 100.
# From level 10 on longer chunks are the smaller ones.
CHUNK = 9719
LONG_CHUNK = 6 * CHUNK
# An extra field has 65535 bytes: a subfield's name and length, the table's head, and 2 or 4 bytes
# for a chunk.
MOST_RA = (65535 - 4 - 6) // 2
MOST_RA_LENGTH = 58315
MOST_LONG = (65535 - 4 - 10) // 4
# Encoded in one go by a thread: about a mebibyte.
GROUP = 18 * LONG_CHUNK
# The longest file that is one deflate stream where nobody wants a part of it: it takes a
# millisecond to decode.
MOST_WHOLE = 1 << 20
# An empty last block of the fixed kind.
_END = b"\x03\x00"


def new_writer(file: IO[bytes], header: bytes, options: WriteOptions) -> GzipWriter | WholeWriter:
    """The writer of a gzip file: in chunks, or as one stream if it is short and nobody wants a
    part.
    """
    length = options.length
    if options.whole and length is not None and length <= MOST_WHOLE:
        return WholeWriter(file, header, options.level)
    return GzipWriter(file, header, options.level, options.threads, length, options.folder)


class GzipWriter:
    """One gzip member of chunks that can be decoded alone, with the table of their sizes in its
    header.

    The chunk with the header of the IDX file waits for `finish`, unless the header and the length
    are known before.
    """

    def __init__(
        self,
        file: IO[bytes],
        header: bytes,
        level: int,
        threads: int,
        length: int | None,
        folder: str | None,
    ) -> None:
        """length is that of the whole file when it is known; what must wait goes to a temporary
        file in folder.
        """
        self._file = file
        self._header = header
        self._chunk = LONG_CHUNK if level >= 10 else CHUNK
        self._encoded = InOrder(_Encoder(level, self._chunk).encode, threads)
        self._crc = self._length = 0
        self._sizes: list[np.ndarray[Any, np.dtype[np.uint32]]] = []
        self._group = bytearray()
        self._first: bytes | None = None  # the first chunk, while it waits
        self._written = 0
        known = -(-length // self._chunk) if length is not None else 0
        self._known = known
        # A table that can't be patched in is known at the end only, and all that follows it waits.
        self._spool: IO[bytes] | None = None
        if length is None or (known > 1 and not can_be_patched(file)):
            self._spool = new_spool(folder)
        else:
            self._write(_member_header(_table(np.zeros(known, np.uint32), self._chunk)))
        if length is None:
            self._first = b""
        self.write(memoryview(header))

    def write(self, buffer: memoryview) -> None:
        buffer = buffer.cast("B")
        if self._first is not None and len(self._first) < self._chunk:
            n = self._chunk - len(self._first)
            self._first += bytes(buffer[:n])
            buffer = buffer[n:]
        while len(buffer):
            n = min(len(buffer), GROUP - len(self._group))
            self._group += buffer[:n]
            buffer = buffer[n:]
            if len(self._group) == GROUP:
                self._submit()

    def finish(self, header: bytes) -> None:
        """Encode what is left, and write the table, with the header as it is by now."""
        self._submit()
        for encoded in self._encoded.rest():
            self._take(encoded)
        crc, sizes = self._crc, self._sizes
        first: bytes | memoryview = b""
        if self._first is not None:
            self._encoded.submit(header + self._first[len(header) :])
            for encoded in self._encoded.rest():
                first = encoded.data
                sizes = [encoded.sizes, *sizes]
                crc = inflate.crc32_combine(encoded.crc, crc, self._length)
                self._length += encoded.length
        table = _table(np.concatenate(sizes), self._chunk)
        if self._spool is not None:
            self._write(_member_header(table), first)
            copy_spool(self._spool, self._file)
        self._write(_END, struct.pack("<II", crc, self._length & 0xFFFFFFFF))
        if self._spool is None and table:
            patch(self._file, self._written, len(_member_header(b"")) + 2, table)
        self._encoded.close()

    def discard(self) -> None:
        """Stop the threads and drop what waits."""
        self._encoded.close()
        if self._spool is not None:
            drop_spool(self._spool)

    def _submit(self) -> None:
        if self._group:
            for encoded in self._encoded.submit(self._group):
                self._take(encoded)
            self._group = bytearray()

    def _take(self, encoded: Encoded) -> None:
        self._sizes.append(encoded.sizes)
        self._crc = inflate.crc32_combine(self._crc, encoded.crc, encoded.length)
        self._length += encoded.length
        if self._spool is None:
            self._write(encoded.data)
        else:
            write_all(self._spool, encoded.data)

    def _write(self, *pieces: bytes | memoryview) -> None:
        for buffer in pieces:
            write_all(self._file, buffer)
            self._written += len(buffer)


class WholeWriter:
    """One gzip member of one deflate stream, as any program writes it: the smallest form of what is
    read whole.

    All of it is kept until `finish`.
    """

    def __init__(self, file: IO[bytes], header: bytes, level: int) -> None:
        self._file = file
        self._level = level
        self._data = bytearray(header)

    def write(self, buffer: memoryview) -> None:
        self._data += buffer

    def finish(self, header: bytes) -> None:
        """Encode and write everything."""
        self._data[: len(header)] = header
        encoder = deflate.Encoder(self._level, len(self._data))
        out = np.empty(encoder.bound(len(self._data)), np.uint8)
        n = encoder.whole(self._data, out)
        trailer = struct.pack("<II", inflate.crc32(self._data), len(self._data))
        for buffer in (_member_header(b""), out[:n].data, trailer):
            write_all(self._file, buffer)

    def discard(self) -> None:
        """Nothing waits."""


class Encoded(NamedTuple):
    """Some chunks, encoded."""

    data: memoryview
    sizes: np.ndarray[Any, np.dtype[np.uint32]]
    crc: int
    length: int


class _Encoder:
    """Encodes groups of chunks, on any thread."""

    def __init__(self, level: int, chunk: int) -> None:
        self._level, self._chunk = level, chunk
        self._free: list[deflate.Encoder] = []

    def encode(self, group: bytes | bytearray) -> Encoded:
        try:
            encoder = self._free.pop()
        except IndexError:
            encoder = deflate.Encoder(self._level, self._chunk)
        out = np.empty(encoder.bound(len(group)), np.uint8)
        sizes = np.empty(-(-len(group) // self._chunk), np.uint32)
        n = encoder.encode(group, out, sizes)
        self._free.append(encoder)
        return Encoded(out[:n].data, sizes, inflate.crc32(group), len(group))


def _table(sizes: np.ndarray[Any, np.dtype[np.uint32]], chunk: int) -> bytes:
    """The subfield for chunks of these compressed sizes, several joined to one where there are too
    many.
    """
    if len(sizes) < 2:
        return b""
    joined = -(-len(sizes) // MOST_RA)
    form = RA
    if joined * chunk > MOST_RA_LENGTH:
        joined = -(-len(sizes) // MOST_LONG)
        form = LONG
    sums = np.add.reduceat(sizes.astype(np.uint64), np.arange(0, len(sizes), joined))
    return field(form, joined * chunk, sums)


def _member_header(table: bytes) -> bytes:
    """Magic, deflate, no time, no extra flags, unknown system: the same bytes everywhere; and the
    table.
    """
    flags = 4 if table else 0
    header = b"\x1f\x8b\x08" + bytes([flags]) + b"\x00\x00\x00\x00\x00\xff"
    return header + (struct.pack("<H", len(table)) + table if table else b"")
