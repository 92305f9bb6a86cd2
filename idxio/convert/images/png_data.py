"""Whether the data of a PNG are as many bytes as its header says."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

# The numbers of a pixel, by PNG's colour type.
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# First row, first column, and the steps between rows and columns, of Adam7's seven passes.
_PASSES = (
    (0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4),
    (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1),
)  # fmt: skip


def fault(data: bytes) -> str | None:
    """Say how the data of a PNG belie its size; None if they do not."""
    if data[12:16] != b"IHDR":
        return "is broken: its header is not the first chunk"
    width, height, bits, colour, _, _, interlace = struct.unpack_from(">IIBBBBB", data, 16)
    pixel = bits * _CHANNELS[colour]
    expected = sum(
        rows * (1 + (columns * pixel + 7) // 8)  # a byte says how the row is filtered
        for rows, columns in (_passes(height, width) if interlace else [(height, width)])
        if columns
    )
    unpacker = zlib.decompressobj()
    try:
        found = len(unpacker.decompress(b"".join(_idat(data)), expected + 1))
    except zlib.error as error:
        return f"is broken: {error}"
    if found < expected:
        return f"ends early: {_of(found, expected, width, height)}"
    if found > expected:
        return (
            f"holds more than its {width:,} x {height:,} pixels, of {expected:,} bytes: its header"
            " tells another size than its data"
        )
    return None


def _passes(height: int, width: int) -> Iterator[tuple[int, int]]:
    """The rows and columns of each of Adam7's passes."""
    for row, column, down, right in _PASSES:
        yield max(0, -((row - height) // down)), max(0, -((column - width) // right))


def _idat(data: bytes) -> Iterator[bytes]:
    """The contents of a PNG's IDAT chunks, which follow each other."""
    position = 8
    begun = False
    while position + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, position)
        if name == b"IDAT":
            begun = True
            yield data[position + 8 : position + 8 + size]
        elif begun:
            return
        position += 12 + size


def _of(found: int, expected: int, width: int, height: int) -> str:
    return f"{found:,} of the {expected:,} bytes of its {width:,} x {height:,} pixels are there"
