"""Detects numbers that were written with their bytes in the wrong order."""

from __future__ import annotations

import numpy as np

from ..._util.types import Array

# Magnitudes of pixels that somebody may mean. Floats whose bytes are reversed lie anywhere
# between 1e-38 and 1e38.
_LEAST, _MOST = 1e-6, 1e6
# How many times smaller the range of whole numbers is with their bytes reversed. Of 12 bits it is
# 16 times.
_GROWN = 8


class PixelOrder:
    """Figures of pixels in blocks, as they are stored and with the bytes of each reversed."""

    def __init__(self) -> None:
        self._nonzero = 0
        self._usual = [0, 0]
        self._ranges: list[tuple[int, int] | None] = [None, None]

    def add(self, block: Array) -> None:
        """Add numbers of more than one byte, in native byte order."""
        self._nonzero += int(np.count_nonzero(block))
        for i, values in enumerate((block, block.byteswap())):
            if block.dtype.kind == "f":
                with np.errstate(all="ignore"):  # signalling NaN
                    size = np.abs(values)
                    self._usual[i] += int(np.count_nonzero((size >= _LEAST) & (size <= _MOST)))
            else:
                low = int(values.min())
                high = int(values.max())
                before = self._ranges[i] or (low, high)
                self._ranges[i] = (min(low, before[0]), max(high, before[1]))

    @property
    def is_reversed(self) -> bool:
        """Whether only their reversed bytes make usual numbers, or ones of a far smaller range."""
        if self._ranges[0] is not None and self._ranges[1] is not None:
            here, there = (high - low for low, high in (self._ranges[0], self._ranges[1]))
            return here > 0 and here >= _GROWN * there
        here, there = self._usual
        return there > 0.99 * self._nonzero and here < 0.5 * self._nonzero


def are_labels_reversed(labels: Array) -> bool:
    """Whether labels, in native byte order, are small with their bytes reversed only: 1 is 2^24."""
    half = 1 << 4 * labels.dtype.itemsize  # what fits into half of the bytes
    if (
        labels.dtype.itemsize == 1
        or not labels.size
        or np.abs(labels.astype(np.int64)).max() < half
    ):
        return False
    turned = labels.byteswap()
    return bool(turned.min() >= 0 and turned.max() < half)
