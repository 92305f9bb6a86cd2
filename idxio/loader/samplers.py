"""The order in which an epoch visits samples: a pure function of seed, epoch and position."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from .._native import permutation
from .._util.types import Array, Ids

VERSION = permutation.VERSION
MAX = permutation.MAX

Turns = slice | Ids


class Sampler:
    """What stands at any range of positions: here, the samples as they are stored.

    A place is where a sample's record is found, see `Windows`; mostly that is the sample itself.
    """

    def __init__(self, n: int) -> None:
        if n > permutation.MAX:
            raise ValueError(f"there are {n} samples; at most {permutation.MAX} can be put in order")
        self.n = n

    def places(self, epoch: int, start: int, stop: int) -> Ids:
        """The places of the samples at the positions [start, stop) of an epoch."""
        return np.arange(start, stop)

    def ids(self, epoch: int, places: Ids) -> Ids:
        """The samples at these places."""
        return places

    def turns(self, ids: Ids, rank: int, world_size: int, shard: int) -> Turns:
        """Which of the samples are for this rank; share of them make one batch of every rank."""
        return slice(rank, None, world_size)


class ShuffledSampler(Sampler):
    """A random permutation that takes no memory."""

    def __init__(self, n: int, seed: int) -> None:
        super().__init__(n)
        self.seed = seed

    def places(self, epoch: int, start: int, stop: int) -> Ids:
        return permuted(self.n, np.arange(start, stop), self.seed, epoch)


class BalancedSampler(Sampler):
    """Every class spread evenly over the epoch, each sample once; the samples of a class as stored, or shuffled.

    The j-th of the m samples of the k-th of K classes stands where (j + (k + 1/2) / K) / m of the epoch is over. So a
    stretch of positions holds each class in its proportion, and classes of one size to within one sample.
    """

    def __init__(self, labels: Array, seed: int | None) -> None:
        super().__init__(len(labels))
        self.seed = seed
        self._labels = labels
        counts = np.unique(labels, return_counts=True)[1]
        self._members = np.argsort(labels, kind="stable")  # class by class
        self._starts = np.concatenate([[0], np.cumsum(counts)])
        # Classes of one size follow on each other, or rare ones would all stand at the same places.
        shifts = np.empty(len(counts))
        shifts[np.argsort(counts, kind="stable")] = (np.arange(len(counts)) + 0.5) / max(1, len(counts))
        m = np.repeat(counts, counts)
        j = np.arange(self.n) - np.repeat(self._starts[:-1], counts)
        self._sequence = np.argsort((j + np.repeat(shifts, counts)) / m, kind="stable")  # into members

    def places(self, epoch: int, start: int, stop: int) -> Ids:
        wanted = self._sequence[start:stop]
        if self.seed is not None:
            shuffled = np.empty_like(wanted)
            k_of = np.searchsorted(self._starts, wanted, "right") - 1
            for k in np.unique(k_of).tolist():
                first, mine = self._starts[k], k_of == k
                m = int(self._starts[k + 1] - first)
                shuffled[mine] = first + permuted(m, wanted[mine] - first, self.seed, epoch, k)
            wanted = shuffled
        return self._members[wanted]

    def turns(self, ids: Ids, rank: int, world_size: int, shard: int) -> Turns:
        return turns_by_class(self._labels[ids], rank, world_size, shard)


def turns_by_class(labels: Array, rank: int, world_size: int, shard: int) -> Turns:
    """As `Sampler.turns`, such that of each share every rank gets as many of each class, give or take one."""
    if world_size == 1:
        return slice(None)
    turns = [np.empty(0, np.int64)]
    for start in range(0, len(labels), shard):
        by_class = np.argsort(labels[start : start + shard], kind="stable")
        turns.append(start + np.sort(by_class[rank::world_size]))
    return np.concatenate(turns)


def permuted(n: int, positions: Ids, *key: int) -> Ids:
    """What stands at these positions of the permutation of n things that these numbers choose."""
    out = np.empty(len(positions), np.int64)
    permutation.permute(permutation.key(*key), n, np.ascontiguousarray(positions, np.int64), out)
    return out


def word(name: str, value: Any) -> int:
    """An integer that the key of an order has room for."""
    number = whole(name, value, 0)
    if number >> 64:
        raise ValueError(f"{name} is less than 2^64, not {number}")
    return number


def whole(name: str, value: Any, least: int) -> int:
    """An integer that is not too small."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is an integer, not {value!r}") from None
    if number < least:
        raise ValueError(f"{name} is {least} or more, not {number}")
    return number
