"""The order in which an epoch visits samples: a pure function of seed, epoch and position.

A sampler maps positions of an epoch to rows, and rows to samples. A row is where the record of a
sample is read: the number of the sample, except in a window shuffle.
"""

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
    """The samples in the order in which they are stored."""

    window = 0
    """Records in a shuffle window; 0 for an order without one."""

    def __init__(self, n: int) -> None:
        if n > permutation.MAX:
            raise ValueError(f"there are {n} samples; at most {MAX} can be put in order")
        self.n = n

    def rows(self, epoch: int, start: int, stop: int) -> Ids:
        """The rows of the samples at the positions [start, stop) of an epoch."""
        return np.arange(start, stop)

    def ids(self, epoch: int, rows: Ids) -> Ids:
        """The samples whose records are read at these rows."""
        return rows

    def turns(self, ids: Ids, rank: int, world_size: int, stride: int) -> Turns:
        """Indices into ids of the samples for this rank; every stride samples make one batch of
        each rank.
        """
        return slice(rank, None, world_size)


class ShuffledSampler(Sampler):
    """A random permutation that takes no memory."""

    def __init__(self, n: int, seed: int) -> None:
        super().__init__(n)
        self.seed = seed

    def rows(self, epoch: int, start: int, stop: int) -> Ids:
        return permuted(self.n, np.arange(start, stop), self.seed, epoch)


class BalancedSampler(Sampler):
    """Spreads every class evenly over the epoch; with a seed, shuffles the samples of each class.

    Each sample comes once. The j-th of the m samples of the k-th of K classes stands where
    (j + (k + 1/2) / K) / m of the epoch is over. So a range of positions holds each class in its
    proportion, and classes of one size to within one sample.
    """

    def __init__(self, labels: Array, seed: int | None) -> None:
        super().__init__(len(labels))
        self.seed = seed
        self._labels = labels
        counts = np.unique(labels, return_counts=True)[1]
        self._members = np.argsort(labels, kind="stable")  # class by class
        self._starts = np.concatenate([[0], np.cumsum(counts)])
        # Classes of one size get consecutive shifts; else rare ones would come all at once.
        shifts = np.empty(len(counts))
        classes = len(counts)
        shifts[np.argsort(counts, kind="stable")] = (np.arange(classes) + 0.5) / max(1, classes)
        m = np.repeat(counts, counts)
        j = np.arange(self.n) - np.repeat(self._starts[:-1], counts)
        # Indices into members.
        self._sequence = np.argsort((j + np.repeat(shifts, counts)) / m, kind="stable")

    def rows(self, epoch: int, start: int, stop: int) -> Ids:
        wanted = self._sequence[start:stop]
        if self.seed is not None:
            shuffled = np.empty_like(wanted)
            k_of = np.searchsorted(self._starts, wanted, "right") - 1
            for k in np.unique(k_of).tolist():
                first = self._starts[k]
                mine = k_of == k
                m = int(self._starts[k + 1] - first)
                shuffled[mine] = first + permuted(m, wanted[mine] - first, self.seed, epoch, k)
            wanted = shuffled
        return self._members[wanted]

    def turns(self, ids: Ids, rank: int, world_size: int, stride: int) -> Turns:
        return turns_by_class(self._labels[ids], rank, world_size, stride)


def turns_by_class(labels: Array, rank: int, world_size: int, stride: int) -> Turns:
    """As `Sampler.turns`; of each class in a stride, all ranks get equally many, to within one."""
    if world_size == 1:
        return slice(None)
    turns = [np.empty(0, np.int64)]
    for start in range(0, len(labels), stride):
        by_class = np.argsort(labels[start : start + stride], kind="stable")
        turns.append(start + np.sort(by_class[rank::world_size]))
    return np.concatenate(turns)


def permuted(n: int, positions: Ids, *key: int) -> Ids:
    """The elements at these positions of the permutation of range(n) that the key selects."""
    out = np.empty(len(positions), np.int64)
    permutation.permute(permutation.key(*key), n, np.ascontiguousarray(positions, np.int64), out)
    return out


def word(name: str, value: Any) -> int:
    """value as an int of 64 bits, unsigned; raises for anything else."""
    number = whole(name, value, 0)
    if number >> 64:
        raise ValueError(f"{name} is less than 2^64, not {number}")
    return number


def whole(name: str, value: Any, least: int) -> int:
    """value as an int of at least `least`; raises for anything else."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is an integer, not {value!r}") from None
    if number < least:
        raise ValueError(f"{name} is {least} or more, not {number}")
    return number
