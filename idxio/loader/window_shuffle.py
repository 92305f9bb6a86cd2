"""The order of compressed files too large to hold: blocks of records, a shuffle window at a time.

1. `WindowLayout` cuts the records into blocks of consecutive ones, about RECORD_BLOCK bytes each;
   where the first block starts is drawn anew for each epoch, and the last block goes on with the
   first records. Where the file has a table of long chunks, blocks begin with one.
2. A keyed permutation puts the blocks in order; `blocks_per_window` of them make a shuffle window.
3. The rows of a window are cut into groups. The positions of the window fall to these in turn
   (`groups`); within each, a keyed permutation puts the records in order.
4. `WindowBuffer` unpacks a shuffle window into memory, each block by one ranged read. A rank
   unpacks the groups from which it gets its samples.
5. So what stands at a position is a pure function of seed, epoch and position, as in memory: a loop
   resumes anywhere, with any number of ranks, by unpacking its part of one shuffle window.
6. Quality: two records share a shuffle window with the probability window / n. There each may
   stand anywhere; every stretch has records from all over the window, more evenly than by chance.
   Two that lie within a block of each other in the file mostly share a window: neighbours stay as
   near as that is long.
7. Memory: while one shuffle window is used the next is unpacked, little by little; two of them are
   `buffer` bytes.

Without a seed the blocks and records stand as stored, and the file is read front to back. Windows
with balanced classes, or without a seed, have no groups: every rank unpacks everything.
"""

from __future__ import annotations

import numpy as np

from .._native import permutation
from .._util.types import Array, Ids
from ..core.array import Chunks
from . import groups as dealing
from . import keys
from .materialize import Materialized
from .row_source import RowSource
from .samplers import BalancedSampler, Sampler
from .window_buffer import WindowBuffer
from .window_layout import Cuts, WindowLayout

# Spans of an index have about 64 KiB, chunks of our files 9,719 bytes: little is unpacked in vain.
RECORD_BLOCK = 1 << 20
# Those of files past 318 MB are longer, as a table has room for so many. Where they are as long as
# this, blocks begin with chunks: a file of 2 GB was fetched 1.17 times without.
_LONG_CHUNK = 1 << 14

BUFFER = 256 << 20
"""Bytes of the two shuffle windows, unless a caller says otherwise."""

# In version 1, a class had the same order in all windows where it was as large.
_BALANCED_VERSION = 2
# In version 1, windows had no groups.
_VERSION = 3


class WindowSampler(Sampler):
    """The order of a window shuffle; its rows count through all shuffle windows."""

    def __init__(
        self,
        n: int,
        record_nbytes: int,
        buffer: int,
        seed: int | None,
        labels: Array | None,
        chunks: Chunks | None = None,
    ) -> None:
        """With labels, the classes are balanced within each shuffle window."""
        super().__init__(n)
        self.seed = seed
        self._labels = labels
        record_nbytes = max(1, record_nbytes)
        cuts, chunks_per_block = Cuts(n), max(1, RECORD_BLOCK // record_nbytes)
        block = chunks_per_block
        if seed is not None and chunks and max(_LONG_CHUNK, record_nbytes) <= chunks.length:
            self.chunk = chunks.length
            cuts = Cuts(n, chunks.length, chunks.before, record_nbytes)
            chunks_per_block = max(1, RECORD_BLOCK // chunks.length)
            block = max(1, chunks_per_block * chunks.length // record_nbytes)
        blocks_per_window = max(1, buffer // 2 // (block * record_nbytes))
        window = block * blocks_per_window
        if seed is not None and labels is None:
            self.version = _VERSION
            self.groups = dealing.count_of(window, blocks_per_window)
        elif seed is not None:
            self.version = _BALANCED_VERSION
        self.layout = WindowLayout(cuts, chunks_per_block, window, seed, self.groups)
        self.window = window
        # The sampler of the window used last, with the epoch and number of that window.
        self._balanced: tuple[tuple[int, int], BalancedSampler] | None = None

    def rows(self, epoch: int, start: int, stop: int) -> Ids:
        return self.rows_at(epoch, np.arange(start, stop))

    def rows_at(self, epoch: int, positions: Ids) -> Ids:
        rows = np.empty(len(positions), np.int64)
        numbers = positions // self.window
        for number in np.unique(numbers).tolist():
            mine = numbers == number
            first = number * self.window
            rows[mine] = first + self._rows_within(epoch, number, positions[mine])
        return rows

    def _rows_within(self, epoch: int, number: int, positions: Ids) -> Ids:
        """The rows, within a shuffle window, of the samples at positions that lie in it."""
        first = number * self.window
        if self._labels is not None:
            start, stop = int(positions[0]) - first, int(positions[-1]) + 1 - first
            return self._balanced_window(epoch, number).rows(epoch, start, stop)
        if self.seed is None:
            return positions - first
        edges = self.layout.edges(number)
        group = dealing.at(positions, self.groups)
        # How many positions of the window fall to the same group before each.
        before = (positions - first) // self.groups
        out = np.empty(len(positions), np.int64)
        key = permutation.key(self.seed, epoch, keys.RECORDS, number)
        permutation.permute_each(key, np.diff(edges), group, before, out)
        return edges[group] + out

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

    def row_source(
        self, images: Materialized, epoch: int, threads: int, groups: range = range(1)
    ) -> RowSource:
        pool = images.pool(min(self.n, self.window))
        return WindowBuffer(images.images, self.layout, epoch, threads, groups, pool)
