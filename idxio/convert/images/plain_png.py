"""The pixels of a plain PNG, without Pillow: 8-bit grey or RGB, and nothing else in the file.

For a small picture most of Pillow's time goes into opening it, and the count of its bytes
(`png_data`) unpacks it once more. Here it is unpacked once. A file that is not plain, or not whole
and sound, is left to Pillow, which then says what is wrong with it.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np

from ..._native import image_ops
from ..._util.types import Array
from . import plain

_START = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"
# Bits, colour type, compression, filters and interlace, and the numbers of a pixel.
_KINDS = {b"\x08\0\0\0\0": 1, b"\x08\2\0\0\0": 3}


def pixels(data: bytes, shape: tuple[int, ...] | None = None) -> Array | None:
    """The pixels of a plain PNG, (height, width) or (height, width, 3); None for any other file,
    and for one whose edges are not those of a shape.

    All checksums hold, and the data are as many bytes as the header says.
    """
    channels = _KINDS.get(data[24:29])
    if channels is None or not data.startswith(_START):
        return None
    width, height = struct.unpack_from(">II", data, 16)
    if not plain.takes(width, height, shape):
        return None
    packed = _only_data(data)
    if packed is None:
        return None
    size = height * (1 + width * channels)  # a byte says how the row is filtered
    unpacker = zlib.decompressobj()
    try:
        rows = unpacker.decompress(packed, size + 1)
    except zlib.error:
        return None
    if len(rows) != size or not unpacker.eof:
        return None
    out = np.zeros((height + 1, width * channels), np.uint8)
    if not image_ops.unfilter(rows, out, channels):
        return None
    return out[1:] if channels == 1 else out[1:].reshape(height, width, channels)


def _only_data(data: bytes) -> bytes | None:
    """The contents of the IDAT chunks; None unless header, data and end are all that there is."""
    parts: list[bytes] = []
    position = 8
    while True:
        size, name = struct.unpack_from(">I4s", data, position)
        end = position + 8 + size
        if end + 4 > len(data):
            return None
        if zlib.crc32(data[position + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            return None
        if name == b"IEND":
            return b"".join(parts) if end + 4 == len(data) else None
        if name == b"IDAT":
            parts.append(data[position + 8 : end])
        elif position != 8:
            return None
        position = end + 4
        if position + 8 > len(data):
            return None
