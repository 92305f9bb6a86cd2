"""The pixels of a plain JPEG by Pillow's decoder alone: 8-bit grey or colours, and no EXIF data.

For a small picture half of Pillow's time goes into opening it. A file that is not plain, or not
whole, is left to that, which then says what is wrong with it.
"""

from __future__ import annotations

import struct

import numpy as np

from ..._util.types import Array
from . import plain
from .jpeg_data import Scans, fault_of

# JFIF's header, Adobe's and comments; tables, restarts, frames of Huffman's codes, scans, the end.
_PLAIN = {0xE0, 0xEE, 0xFE, 0xC4, 0xDB, 0xDD, *range(0xD0, 0xD8), 0xC0, 0xC1, 0xC2, 0xDA, 0xD9}
_FRAMES = {0xC0, 0xC1, 0xC2}


def pixels(data: bytes, shape: tuple[int, ...] | None = None) -> Array | None:
    """The pixels of a plain JPEG, (height, width) or (height, width, 3); None for any other file,
    and for one whose edges are not those of a shape.
    """
    from PIL import Image

    if not data.startswith(b"\xff\xd8\xff"):
        return None
    try:
        scans = Scans(data)
        bits, height, width, components = struct.unpack_from(">BHHB", scans.frame)
        mode = {1: "L", 3: "RGB"}.get(components)
        if (
            mode is None
            or bits != 8
            or not scans.markers <= _PLAIN
            or len(scans.markers & _FRAMES) != 1
            or not plain.takes(width, height, shape)
        ):
            return None
        # Measured for 28 x 28: 25 us, by Image.open() and load() 50.
        image = Image.frombytes(mode, (width, height), data, "jpeg", mode, "")
        if fault_of(scans, image) is not None:
            return None
        found = np.frombuffer(image.tobytes(), np.uint8)
    except MemoryError:
        raise
    except Exception:  # of a file that is broken: decoders raise many
        return None
    return found.reshape(height, width, *((3,) if mode == "RGB" else ()))
