"""Which samples the batches of one rank hold: a pure function of the epoch and the position."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._util.types import Array, Ids
from .samplers import Sampler

REMAINDERS = ("keep", "drop", "pad")


class Samples(NamedTuple):
    """The samples of batches that follow on each other."""

    places: Ids  # where their records are found
    ids: Ids
    valid: Array  # whether each is one of the epoch, or repeated to fill the batch


class RankShard(NamedTuple):
    """What one rank gets of an order, batch by batch. Positions count the samples of all ranks."""

    order: Sampler
    size: int  # samples of a batch
    drop_last: bool
    rank: int
    world_size: int
    remainder: str  # one of REMAINDERS

    @property
    def stride(self) -> int:
        """The samples of one batch of every rank."""
        return self.size * self.world_size

    def count(self, start: int) -> int:
        """The batches from a position on."""
        mine = len(range(start + self.rank, self.limit(start), self.world_size))
        return mine // self.size if self.drop_last else -(-mine // self.size)

    def limit(self, start: int) -> int:
        """The position where the epoch ends for loops that begin at start."""
        n = self.order.n
        if self.remainder == "keep":
            return n
        left = (n - start) % self.world_size
        if left == 0:
            return n
        return n - left if self.remainder == "drop" else n - left + self.world_size

    def samples(self, epoch: int, start: int, first: int, count: int) -> Samples:
        """The samples of count batches, or as many as there are, from the first-th behind the position start on."""
        begin = start + first * self.stride
        end = min(begin + count * self.stride, self.limit(start))
        places = self.order.places(epoch, begin, min(end, self.order.n))
        n = len(places)
        if end > self.order.n:  # the samples of the last batch of all ranks again
            last = places[(n - 1) // self.stride * self.stride :]
            places = np.concatenate([places, np.resize(last, end - begin - n)])
        ids = self.order.ids(epoch, places)
        turns = self.order.turns(ids, self.rank, self.world_size, self.stride)
        return Samples(np.ascontiguousarray(places[turns]), ids[turns], (np.arange(len(ids)) < n)[turns])
