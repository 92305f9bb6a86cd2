"""How the records of a file are cut into blocks, these put into shuffle windows, and the records of
a window into groups.
"""

from __future__ import annotations

import numpy as np

from .._util.types import Ids
from . import keys
from .groups import of_turns
from .samplers import permuted


class WindowLayout:
    """Blocks of consecutive records in a keyed order; a row counts through all shuffle windows."""

    def __init__(
        self, n: int, block: int, blocks_per_window: int, seed: int | None, groups: int = 1
    ) -> None:
        """Without a seed the blocks stand as stored."""
        self.n = n
        self.block = block
        """Records in a block."""
        self.blocks_per_window = blocks_per_window
        self.window = block * blocks_per_window
        """Records in a shuffle window."""
        self.groups = groups
        """In a shuffle window: each has consecutive rows, as many as positions fall to it."""
        self._seed = seed

    @property
    def is_shuffled(self) -> bool:
        """Whether blocks stand in another order than that of the file."""
        return self._seed is not None

    def length(self, number: int) -> int:
        """The records of a shuffle window; the last one may have fewer."""
        return min(self.window, self.n - number * self.window)

    def edges(self, number: int) -> Ids:
        """The rows of a shuffle window, counted from its own first one, where its groups begin and
        where the last one ends.
        """
        first = number * self.window
        stop = first + self.length(number)
        turns = of_turns(self.groups).astype(np.int64)
        counts = (stop - turns + self.groups - 1) // self.groups
        counts -= (first - turns + self.groups - 1) // self.groups
        return np.concatenate([[0], np.cumsum(counts)])

    def ids(self, epoch: int, rows: Ids) -> Ids:
        """The records at these rows."""
        if self._seed is None or not len(rows):
            return rows
        blocks = rows // self.block
        whole = self.n // self.block
        # A last block that is shorter stays the last; which records it has is chance.
        if whole:
            among_whole = np.minimum(blocks, whole - 1)
            moved = permuted(whole, among_whole, self._seed, epoch, keys.BLOCKS)
            blocks = np.where(blocks < whole, moved, blocks)
        return (self._first_record(epoch) + blocks * self.block + rows % self.block) % self.n

    def _first_record(self, epoch: int) -> int:
        """The record with which the first block starts."""
        assert self._seed is not None
        first = np.zeros(1, np.int64)
        return int(permuted(self.n, first, self._seed, epoch, keys.FIRST_RECORD)[0])
