"""A gzip member on its way to a file: the table of chunks comes before them, and is known after."""

from __future__ import annotations

import struct
from typing import IO, Any

import numpy as np

from ...storage.file_object import write_all
from ..spool import copy_spool, drop_spool, new_spool, patch
from .embedded_index import LONG, RA, field
from .members import Trailer

# An extra field has 65535 bytes: a subfield's name and length, the table's head, and 2 or 4 bytes
# for a chunk.
MOST_RA = (65535 - 4 - 6) // 2
MOST_RA_LENGTH = 58315
MOST_LONG = (65535 - 4 - 10) // 4
# An empty last block of the fixed kind.
_END = b"\x03\x00"


class PatchedMember:
    """A member whose header is written first, with an empty table that is filled in at the end."""

    def __init__(self, file: IO[bytes], table: bytes) -> None:
        """table has the length that the true one will have."""
        self._file = file
        self._written = 0
        self._reserved = len(table)
        self.write(memoryview(member_header(table)))

    def write(self, data: memoryview) -> None:
        """Write some chunks."""
        write_all(self._file, data)
        self._written += len(data)

    def finish(self, table: bytes, first: bytes | memoryview, trailer: Trailer) -> None:
        """End the member; no first chunk has waited."""
        assert not first
        assert len(table) == self._reserved
        self.write(memoryview(_END + pack_trailer(trailer)))
        if table:
            patch(self._file, self._written, len(member_header(b"")) + 2, table)

    def discard(self) -> None:
        """Nothing waits."""


class SpooledMember:
    """A member whose header is written at the end: its chunks wait in a temporary file."""

    def __init__(self, file: IO[bytes], folder: str | None) -> None:
        self._file = file
        self._spool = new_spool(folder)

    def write(self, data: memoryview) -> None:
        """Keep some chunks."""
        write_all(self._spool, data)

    def finish(self, table: bytes, first: bytes | memoryview, trailer: Trailer) -> None:
        """Write the header, a first chunk that comes before all others, these, and the end."""
        write_all(self._file, member_header(table))
        write_all(self._file, first)
        copy_spool(self._spool, self._file)
        write_all(self._file, _END)
        write_all(self._file, pack_trailer(trailer))

    def discard(self) -> None:
        """Drop what waits."""
        drop_spool(self._spool)


def chunk_table(sizes: np.ndarray[Any, np.dtype[np.uint32]], chunk: int) -> bytes:
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


def member_header(table: bytes) -> bytes:
    """Magic, deflate, no time, no extra flags, unknown system: the same bytes everywhere; and the
    table.
    """
    flags = 4 if table else 0
    header = b"\x1f\x8b\x08" + bytes([flags]) + b"\x00\x00\x00\x00\x00\xff"
    return header + (struct.pack("<H", len(table)) + table if table else b"")


def pack_trailer(trailer: Trailer) -> bytes:
    """The last eight bytes of a member."""
    return struct.pack("<II", trailer.crc, trailer.length & 0xFFFFFFFF)
