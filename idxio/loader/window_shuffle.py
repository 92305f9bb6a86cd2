"""The order of compressed files too large to hold: blocks of records, a shuffle window at a time.

1. `WindowLayout` cuts the records into blocks of consecutive ones, about RECORD_BLOCK bytes each;
   where the first block starts is drawn anew for each epoch, and the last block goes on with the
   first records.
2. A keyed permutation puts the blocks in order; `blocks_per_window` of them make a shuffle window.
3. `WindowBuffer` unpacks a shuffle window into memory, each block by one ranged read; a keyed
   permutation puts the records of the window in order.
4. So what stands at a position is a pure function of seed, epoch and position, as in memory: ranks
   take strides of it, and a loop resumes anywhere by unpacking one shuffle window.
5. Quality: two records share a shuffle window with the probability window / n, and are mixed freely
   there. Two that lie within a block of each other in the file mostly share one: neighbours stay as
   near as a shuffle window is long.
6. Memory: while one shuffle window is used the next is unpacked, little by little; two of them are
   `buffer` bytes.

Without a seed the blocks and records stand as stored, and the file is read front to back.
"""

from __future__ import annotations

import numpy as np

from .._util.types import Array, Ids
from . import keys
from .materialize import Materialized
from .row_source import RowSource
from .samplers import BalancedSampler, Sampler, permuted
from .window_buffer import WindowBuffer
from .window_layout import WindowLayout

# Chunks of our files are 9,719 bytes, spans of an index about 64 KiB: little is unpacked in vain.
RECORD_BLOCK = 1 << 20

BUFFER = 256 << 20
"""Bytes of the two shuffle windows, unless a caller says otherwise."""

# In version 1, a class had the same order in all windows where it was as large.
_BALANCED_VERSION = 2


class WindowSampler(Sampler):
    """The order of a window shuffle; its rows count through all shuffle windows."""

    def __init__(
        self,
        n: int,
        record_nbytes: int,
        buffer: int,
        seed: int | None,
        labels: Array | None,
    ) -> None:
        """With labels, the classes are balanced within each shuffle window."""
        super().__init__(n)
        self.seed = seed
        block = max(1, RECORD_BLOCK // max(1, record_nbytes))
        blocks_per_window = max(1, buffer // 2 // (block * max(1, record_nbytes)))
        self.layout = WindowLayout(n, block, blocks_per_window, seed)
        self.window = self.layout.window
        self._labels = labels
        if labels is not None and seed is not None:
            self.version = _BALANCED_VERSION
        # The sampler of the window used last, with the epoch and number of that window.
        self._balanced: tuple[tuple[int, int], BalancedSampler] | None = None

    def rows(self, epoch: int, start: int, stop: int) -> Ids:
        parts = [np.empty(0, np.int64)]
        while start < stop:
            number = start // self.window
            first = number * self.window
            end = min(stop, first + self.window)
            parts.append(first + self._rows_within(epoch, number, start - first, end - first))
            start = end
        return np.concatenate(parts)

    def _rows_within(self, epoch: int, number: int, start: int, stop: int) -> Ids:
        """The rows, within a shuffle window, of the samples at its positions [start, stop)."""
        if self._labels is not None:
            return self._balanced_window(epoch, number).rows(epoch, start, stop)
        positions = np.arange(start, stop)
        if self.seed is None:
            return positions
        count = self.layout.length(number)
        return permuted(count, positions, self.seed, epoch, keys.RECORDS, number)

    def _balanced_window(self, epoch: int, number: int) -> BalancedSampler:
        """The sampler that balances the classes within one shuffle window."""
        kept = self._balanced  # read once: two loops may be at different windows
        if kept is not None and kept[0] == (epoch, number):
            return kept[1]
        assert self._labels is not None
        first = number * self.window
        ids = self.ids(epoch, np.arange(first, first + self.layout.length(number)))
        balanced = BalancedSampler(self._labels[ids], self.seed, number)
        self._balanced = ((epoch, number), balanced)
        return balanced

    def ids(self, epoch: int, rows: Ids) -> Ids:
        return self.layout.ids(epoch, rows)

    def row_source(self, images: Materialized, epoch: int, threads: int) -> RowSource:
        return WindowBuffer(images.images, self.layout, epoch, threads)
