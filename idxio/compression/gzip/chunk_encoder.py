"""Compresses data in chunks that can be decoded alone, on threads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..._native import deflate, inflate
from ..._util.workers import InOrder

# dictzip's longest chunk, 58315 bytes, holds six of these, so that its table reaches as far as it
# can. Measured on the Fashion-MNIST train images at level 6: 9719 bytes give 26.28 MB, 19438 26.31,
# 58314 26.37, all as fast to read whole, and a record in the shortest takes 20 us in place of 100.
# From level 10 on longer chunks are the smaller ones.
CHUNK = 9719
LONG_CHUNK = 6 * CHUNK
# Encoded in one go by a thread: about a mebibyte.
GROUP = 18 * LONG_CHUNK


class Encoded(NamedTuple):
    """Some chunks, encoded."""

    data: memoryview
    sizes: np.ndarray[Any, np.dtype[np.uint32]]
    crc: int
    length: int


class ChunkEncoder:
    """Takes bytes and gives encoded chunks, in the same order."""

    def __init__(self, level: int, threads: int) -> None:
        self.chunk = LONG_CHUNK if level >= 10 else CHUNK
        """Unpacked bytes in each chunk but the last."""
        self._encoded = InOrder(_GroupEncoder(level, self.chunk).encode, threads)
        self._group = bytearray()

    def write(self, buffer: memoryview) -> Iterator[Encoded]:
        """Add bytes; gives what is ready meanwhile."""
        while len(buffer):
            n = min(len(buffer), GROUP - len(self._group))
            self._group += buffer[:n]
            buffer = buffer[n:]
            if len(self._group) == GROUP:
                yield from self._submit()

    def flush(self) -> Iterator[Encoded]:
        """Give all that is left; the chunk at hand ends here."""
        if self._group:
            yield from self._submit()
        yield from self._encoded.rest()

    def close(self) -> None:
        """End the threads."""
        self._encoded.close()

    def _submit(self) -> list[Encoded]:
        group, self._group = self._group, bytearray()
        return self._encoded.submit(group)


class _GroupEncoder:
    """Encodes groups of chunks, on any thread."""

    def __init__(self, level: int, chunk: int) -> None:
        self._level = level
        self._chunk = chunk
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
