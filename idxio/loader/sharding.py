"""The samples in the batches of one rank: a pure function of epoch and position."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np

from .._util.types import Array, Ids
from .samplers import Sampler

Remainder = Literal["keep", "drop", "pad"]
REMAINDERS: tuple[Remainder, ...] = get_args(Remainder)


class Samples(NamedTuple):
    """The samples of consecutive batches."""

    rows: Ids  # where their records are read, see `samplers`
    ids: Ids
    positions: Ids  # in the order of all ranks; those of repeated samples lie behind its end
    valid: Array  # False for a sample that is repeated to fill the batch


class RankShard(NamedTuple):
    """The part of an epoch that one rank gets. Positions count the samples of all ranks."""

    sampler: Sampler
    size: int  # samples of a batch
    drop_last: bool
    rank: int
    world_size: int
    remainder: Remainder
    classes: Array | None = None  # the labels, where every batch is to hold all classes evenly

    @property
    def stride(self) -> int:
        """The number of samples in one batch of each rank."""
        return self.size * self.world_size

    def count(self, start: int) -> int:
        """The number of batches from a position on."""
        mine = len(range(start + self.rank, self.limit(start), self.world_size))
        return mine // self.size if self.drop_last else -(-mine // self.size)

    def limit(self, start: int) -> int:
        """The position where the epoch ends, for a loop that begins at start."""
        n = self.sampler.n
        if self.remainder == "keep":
            return n
        left = (n - start) % self.world_size
        if left == 0:
            return n
        if self.remainder == "drop":
            return n - left
        return n - left + self.world_size

    def samples(self, epoch: int, start: int, first: int, count: int) -> Samples:
        """The samples of up to count batches, beginning with batch number first behind start."""
        begin = start + first * self.stride
        end = min(begin + count * self.stride, self.limit(start))
        rows = self.sampler.rows(epoch, begin, min(end, self.sampler.n))
        n = len(rows)
        if end > self.sampler.n:  # repeat samples of the last batch of all ranks
            last = rows[(n - 1) // self.stride * self.stride :]
            rows = np.concatenate([rows, np.resize(last, end - begin - n)])
        ids = self.sampler.ids(epoch, rows)
        turns = self._turns(ids)
        positions = np.arange(begin, begin + len(ids))[turns]
        valid = positions < begin + n
        return Samples(
            np.ascontiguousarray(rows[turns]), ids[turns], np.ascontiguousarray(positions), valid
        )

    def _turns(self, ids: Ids) -> slice | Ids:
        """Indices into ids of the samples for this rank, which begin with a batch of each rank.

        Ranks take turns. With `classes` they do so among the samples of each class in a stride, so
        that all get equally many of them, to within one.
        """
        if self.classes is None or self.world_size == 1:
            return slice(self.rank, None, self.world_size)
        labels = self.classes[ids]
        turns = [np.empty(0, np.int64)]
        for start in range(0, len(labels), self.stride):
            by_class = np.argsort(labels[start : start + self.stride], kind="stable")
            turns.append(start + np.sort(by_class[self.rank :: self.world_size]))
        return np.concatenate(turns)
