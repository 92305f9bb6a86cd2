"""The values of 16-bit pictures that become black and white."""

from __future__ import annotations

import os
import time

import numpy as np

from ..._util.types import Array
from ..process_pool import run
from .decode import BadPictureError, decode, quiet

Range = tuple[int, int]
"""The value that becomes black, and the one that becomes white."""

FULL = (0, 0xFFFF)
_BATCH = 256


def scaled(pixels: Array, values: Range) -> Array:
    """Spread a range of uint16 pixels over all that uint16 holds; those outside it are cut to it.

    Rounded down, as all that follows.
    """
    low, high = values
    part = np.clip(pixels, low, high).astype(np.uint32) - np.uint32(low)
    return (part * np.uint32(0xFFFF) // np.uint32(high - low)).astype(np.uint16)


def find_range(folder: str, paths: list[str], threads: int) -> Range:
    """The smallest and the largest pixel of all grey pictures of 16 bits; without any, all of it.

    All pictures are read for it.
    """
    batches = [
        [os.path.join(folder, path) for path in paths[i : i + _BATCH]]
        for i in range(0, len(paths), _BATCH)
    ]
    if not batches:
        return FULL
    begin = time.perf_counter()
    found = [range_of(batches[0])]
    seconds = (time.perf_counter() - begin) * (len(batches) - 1)
    found += run(range_of, ((batch,) for batch in batches[1:]), threads, seconds)
    ranges = [one for one in found if one is not None]
    if not ranges:
        return FULL
    low = min(low for low, _ in ranges)
    return low, max(low + 1, *(high for _, high in ranges))


def range_of(paths: list[str]) -> Range | None:
    """The same for some pictures; bad ones are told when they are converted."""
    low, high = 1 << 16, -1
    with quiet():
        for path in paths:
            try:
                pixels = decode(path).pixels
            except BadPictureError:
                continue
            if pixels.dtype == np.uint16:
                low = min(low, int(pixels.min()))
                high = max(high, int(pixels.max()))
    return (low, high) if high >= 0 else None
