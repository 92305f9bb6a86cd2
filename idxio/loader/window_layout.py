"""How the records of a file are cut into blocks, and these put into shuffle windows."""

from __future__ import annotations

import numpy as np

from .._util.types import Ids
from . import keys
from .samplers import permuted


class WindowLayout:
    """Blocks of consecutive records in a keyed order; a row counts through all shuffle windows."""

    def __init__(self, n: int, block: int, blocks_per_window: int, seed: int | None) -> None:
        """Without a seed the blocks stand as stored."""
        self.n = n
        self.block = block
        """Records in a block."""
        self.blocks_per_window = blocks_per_window
        self.window = block * blocks_per_window
        """Records in a shuffle window."""
        self._seed = seed

    def length(self, number: int) -> int:
        """The records of a shuffle window; the last one may have fewer."""
        return min(self.window, self.n - number * self.window)

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
