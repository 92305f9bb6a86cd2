"""The order of compressed files larger than memory: blocks of records, a shuffle window at a time.

1. The records are cut into blocks of consecutive ones, about BLOCK bytes each; where the first
   block starts is drawn anew for each epoch, and the last block goes on with the first records.
2. A keyed permutation puts the blocks in order; `blocks_per_window` of them make a shuffle window.
3. `WindowBuffer` unpacks a shuffle window into memory, each block by one ranged read; a keyed
   permutation puts the records of the window in order.
4. So what stands at a position is a pure function of seed, epoch and position, as in memory: ranks
   take strides of it, and a loop resumes anywhere by unpacking one shuffle window.
5. Quality: two records share a shuffle window with the probability window / n, and are mixed freely
   there, unless they lie within a block of each other in the file, when they mostly do: neighbours
   stay as near as a shuffle window is long.
6. Memory: while one shuffle window is used the next is unpacked, little by little; two of them are
   `buffer` bytes.
Without a seed the blocks and records stand as stored, and the file is read front to back.
"""

from __future__ import annotations

import numpy as np

from .._util.types import Array, Ids
from .samplers import BalancedSampler, Sampler, Turns, permuted, turns_by_class

# Chunks of our files are 9,719 bytes, spans of an index about 64 KiB: little is unpacked in vain.
BLOCK = 1 << 20

BUFFER = 256 << 20
"""Bytes of the two shuffle windows, unless a caller says otherwise."""

# The third number of a key, behind seed and epoch, says what the key permutes.
_SHIFT = 0
_BLOCKS = 1
_WITHIN = 2


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
        self.block = max(1, BLOCK // max(1, record_nbytes))
        """Records in a block."""
        self.blocks_per_window = max(1, buffer // 2 // (self.block * max(1, record_nbytes)))
        self.window = self.block * self.blocks_per_window
        """Records in a shuffle window."""
        self._labels = labels
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
        return permuted(self.length(number), positions, self.seed, epoch, _WITHIN, number)

    def _balanced_window(self, epoch: int, number: int) -> BalancedSampler:
        """The sampler that balances the classes within one shuffle window."""
        kept = self._balanced  # read once: two loops may be at different windows
        if kept is not None and kept[0] == (epoch, number):
            return kept[1]
        assert self._labels is not None
        first = number * self.window
        ids = self.ids(epoch, np.arange(first, first + self.length(number)))
        balanced = BalancedSampler(self._labels[ids], self.seed)
        self._balanced = ((epoch, number), balanced)
        return balanced

    def length(self, number: int) -> int:
        """The records of a shuffle window; the last one may have fewer."""
        return min(self.window, self.n - number * self.window)

    def ids(self, epoch: int, rows: Ids) -> Ids:
        if self.seed is None or not len(rows):
            return rows
        blocks = rows // self.block
        whole = self.n // self.block
        # A last block that is shorter stays the last; which records it has is chance.
        if whole:
            among_whole = np.minimum(blocks, whole - 1)
            moved = permuted(whole, among_whole, self.seed, epoch, _BLOCKS)
            blocks = np.where(blocks < whole, moved, blocks)
        return (self._first_record(epoch) + blocks * self.block + rows % self.block) % self.n

    def _first_record(self, epoch: int) -> int:
        """The record with which the first block starts."""
        assert self.seed is not None
        return int(permuted(self.n, np.zeros(1, np.int64), self.seed, epoch, _SHIFT)[0])

    def turns(self, ids: Ids, rank: int, world_size: int, stride: int) -> Turns:
        if self._labels is None:
            return super().turns(ids, rank, world_size, stride)
        return turns_by_class(self._labels[ids], rank, world_size, stride)
