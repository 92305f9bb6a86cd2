"""The samples in the batches of one rank: a pure function of epoch and position."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np

from .._util.types import Array, Ids
from . import groups
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
        if self.world_size > 1 and self.sampler.groups > 1:
            return self._by_group(epoch, begin, end)
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

    @property
    def groups(self) -> range:
        """The groups of the sampler from which this rank gets its samples, but for a few."""
        size = max(1, min(self.size, self.sampler.n))  # numbers of a larger one may be too large
        return groups.of_rank(self.rank, self.world_size, size, self.sampler.groups)

    def _by_group(self, epoch: int, begin: int, end: int) -> Samples:
        """The samples of this rank at the positions [begin, end), which are whole steps or the last
        one, where each rank keeps to its groups.
        """
        n = self.sampler.n
        steps, rest = divmod(min(end, n) - begin, self.stride)
        last = begin + steps * self.stride
        whom = (self.rank, self.world_size, self.sampler.groups)
        whole = groups.share(begin, steps, self.stride, *whom)
        positions = np.concatenate([whole, groups.share(last, 1, rest, *whom)])
        # The ranks take turns at samples of the last step that are repeated.
        more = n + np.arange(max(0, end - n))
        more = more[(more - last) % self.world_size == self.rank]
        repeated = last + (more - n) % max(1, n - last)
        rows = self.sampler.rows_at(epoch, np.concatenate([positions, repeated]))
        positions = np.concatenate([positions, more])
        return Samples(rows, self.sampler.ids(epoch, rows), positions, positions < n)

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
