"""Writes one gzip member: in chunks with the table of their sizes in its header, or as one deflate
stream.
"""

from __future__ import annotations

from typing import IO, Any

import numpy as np

from ..._native import deflate, inflate
from ...storage.file_object import write_all
from ..base import WriteOptions
from ..spool import can_be_patched
from .chunk_encoder import ChunkEncoder, Encoded
from .member_output import (
    PatchedMember,
    SpooledMember,
    chunk_table,
    member_header,
    pack_trailer,
)
from .members import Trailer

# The longest file that is one deflate stream where nobody wants a part of it: it takes a
# millisecond to decode.
MOST_WHOLE = 1 << 20


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

    | length known | file can be patched | member's header | first chunk | other chunks |
    |---|---|---|---|---|
    | yes | yes | first; its table at the end | at once | at once |
    | yes, of one chunk | | first; no table | at once | |
    | yes | no | at the end | spooled | spooled |
    | no | | at the end | waits for the IDX header | spooled |
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
        self._encoder = ChunkEncoder(level, threads)
        self._totals = _Totals()
        self._first: bytes | None = None  # the first chunk, if it waits
        self._member: PatchedMember | SpooledMember
        count = -(-length // self._encoder.chunk) if length is not None else 0
        if length is None or (count > 1 and not can_be_patched(file)):
            self._member = SpooledMember(file, folder)
        else:
            empty = chunk_table(np.zeros(count, np.uint32), self._encoder.chunk)
            self._member = PatchedMember(file, empty)
        if length is None:
            self._first = b""
        try:
            self.write(memoryview(header))
        except BaseException:
            self.discard()
            raise

    def write(self, buffer: memoryview) -> None:
        buffer = buffer.cast("B")
        if self._first is not None and len(self._first) < self._encoder.chunk:
            n = self._encoder.chunk - len(self._first)
            self._first += bytes(buffer[:n])
            buffer = buffer[n:]
        for encoded in self._encoder.write(buffer):
            self._take(encoded)

    def finish(self, header: bytes) -> None:
        """Encode what is left, and write the table, with the header as it is by now."""
        for encoded in self._encoder.flush():
            self._take(encoded)
        first: bytes | memoryview = b""
        if self._first is not None:
            first = self._encode_first(header + self._first[len(header) :])
        table = chunk_table(np.concatenate(self._totals.sizes), self._encoder.chunk)
        self._member.finish(table, first, self._totals.trailer)
        self._encoder.close()

    def discard(self) -> None:
        """Stop the threads and drop what waits."""
        self._encoder.close()
        self._member.discard()

    def _take(self, encoded: Encoded) -> None:
        self._totals.add(encoded)
        self._member.write(encoded.data)

    def _encode_first(self, chunk: bytes) -> memoryview:
        """Encode the chunk that has waited, which comes before all others."""
        chunks = [*self._encoder.write(memoryview(chunk)), *self._encoder.flush()]
        self._totals.add_first(chunks[0])
        return chunks[0].data


class _Totals:
    """What the table and the trailer say of the chunks."""

    def __init__(self) -> None:
        self.sizes: list[np.ndarray[Any, np.dtype[np.uint32]]] = []
        self.trailer = Trailer(0, 0)

    def add(self, encoded: Encoded) -> None:
        """Add chunks behind the others."""
        crc, length = self.trailer
        crc = inflate.crc32_combine(crc, encoded.crc, encoded.length)
        self.trailer = Trailer(crc, length + encoded.length)
        self.sizes.append(encoded.sizes)

    def add_first(self, encoded: Encoded) -> None:
        """Add chunks before the others."""
        crc, length = self.trailer
        crc = inflate.crc32_combine(encoded.crc, crc, length)
        self.trailer = Trailer(crc, length + encoded.length)
        self.sizes.insert(0, encoded.sizes)


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
        trailer = Trailer(inflate.crc32(self._data), len(self._data))
        for buffer in (member_header(b""), out[:n].data, pack_trailer(trailer)):
            write_all(self._file, buffer)

    def discard(self) -> None:
        """Nothing waits."""
