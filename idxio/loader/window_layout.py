"""How the records of a file are cut into blocks, these put into shuffle windows, and the records of
a window into groups.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from .._util.types import Ids
from . import keys
from .groups import of_turns
from .samplers import permuted


class Cuts(NamedTuple):
    """Where blocks may begin: with the first record that begins in a chunk of the file.

    By default, each record is a chunk.
    """

    n: int
    """The records of the file."""
    chunk: int = 1
    """Unpacked bytes of a chunk."""
    before: int = 0
    """Bytes before the first record."""
    record: int = 1
    """Bytes of a record."""

    @property
    def chunks(self) -> int:
        """The chunks of the file."""
        return -(-(self.before + self.n * self.record) // self.chunk)

    def records_at(self, chunks: Ids) -> Ids:
        """The first record of each chunk; behind the last one, the file begins anew."""
        rounds, chunks = np.divmod(chunks, self.chunks)
        first = -((self.before - chunks * self.chunk) // self.record)
        return rounds * self.n + np.clip(first, 0, self.n)


class _Blocks(NamedTuple):
    """The blocks of an epoch in their order."""

    rows: Ids
    """Where each begins, and where the last one ends."""
    records: Ids
    """With which record each begins."""


class WindowLayout:
    """Blocks of consecutive records in a keyed order; a row counts through all shuffle windows."""

    def __init__(
        self, cuts: Cuts, chunks_per_block: int, window: int, seed: int | None, groups: int = 1
    ) -> None:
        """Without a seed the blocks stand as stored."""
        self.n = cuts.n
        self.window = window
        """Records in a shuffle window."""
        self.groups = groups
        """In a shuffle window: each has consecutive rows, as many as positions fall to it."""
        self._cuts = cuts
        self._chunks_per_block = chunks_per_block
        self._seed = seed
        self._last: tuple[int, _Blocks] | None = None  # what was computed last, for this epoch

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
        blocks = self._blocks(epoch)
        k = np.searchsorted(blocks.rows, rows, "right") - 1
        return (blocks.records[k] + rows - blocks.rows[k]) % self.n

    def pieces(self, epoch: int, rows: range) -> list[range]:
        """Consecutive rows, cut where blocks end."""
        edges = self._blocks(epoch).rows
        inner = edges[(edges > rows.start) & (edges < rows.stop)]
        cuts = np.unique([rows.start, *inner.tolist(), rows.stop]).tolist()
        return [range(a, b) for a, b in itertools.pairwise(cuts)]

    def _blocks(self, epoch: int) -> _Blocks:
        """The blocks of an epoch."""
        last = self._last  # read once: two loops may be in different epochs
        if last is not None and last[0] == epoch:
            return last[1]
        cuts, each = self._cuts, self._chunks_per_block
        whole = cuts.chunks // each
        order = np.arange(-(-cuts.chunks // each))
        first = 0
        if self._seed is not None:
            # A last block that is shorter stays the last; which records it has is chance.
            order[:whole] = permuted(whole, order[:whole], self._seed, epoch, keys.BLOCKS)
            drawn = permuted(
                cuts.chunks, np.zeros(1, np.int64), self._seed, epoch, keys.FIRST_BLOCK
            )
            first = int(drawn[0])
        ends = np.minimum(np.arange(len(order) + 1) * each, cuts.chunks)
        edges = cuts.records_at(first + ends)
        rows = np.concatenate([[0], np.cumsum(np.diff(edges)[order])])
        blocks = _Blocks(rows, edges[:-1][order])
        self._last = epoch, blocks
        return blocks
