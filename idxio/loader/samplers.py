"""The order in which an epoch visits samples: a pure function of seed, epoch and position.

A sampler is a class with one method, `rows`: which rows stand at these positions of an epoch. A row
is where the record of a sample is read: the number of the sample, unless the sampler overrides
`ids` and `row_source`, as that of a window shuffle does. `Batches` chooses the sampler.
"""

from __future__ import annotations

import numpy as np

from .._native import permutation
from .._util.types import Array, Ids
from .materialize import Materialized
from .row_source import HeldRows, RowSource

VERSION = permutation.VERSION
MAX = permutation.MAX


class Sampler:
    """The samples in the order in which they are stored."""

    version = VERSION
    """Of the order: another number, other rows for the same arguments."""
    window = 0
    """Records in a shuffle window; 0 for an order without one."""
    chunk = 0
    """Bytes of a chunk of the file, where the order depends on it; else 0."""
    groups = 1
    """Parts of a shuffle window that ranks keep to; see `groups`. With 1, ranks take turns."""

    def __init__(self, n: int) -> None:
        if n > permutation.MAX:
            raise ValueError(f"there are {n} samples; at most {MAX} can be put in order")
        self.n = n

    @property
    def checksum(self) -> int:
        """CRC-32 of what else the order depends on, as of weights; 0 where there is nothing."""
        return 0

    def rows(self, epoch: int, start: int, stop: int) -> Ids:
        """The rows of the samples at the positions [start, stop) of an epoch."""
        return np.arange(start, stop)

    def rows_at(self, epoch: int, positions: Ids) -> Ids:
        """The rows of the samples at any positions; only for an order with groups."""
        raise NotImplementedError

    def ids(self, epoch: int, rows: Ids) -> Ids:
        """The samples whose records are read at these rows."""
        return rows

    def row_source(
        self, images: Materialized, epoch: int, threads: int, groups: range = range(1)
    ) -> RowSource:
        """Where one pass through an epoch reads the rows of this sampler.

        groups: those to which most of them belong.
        """
        return HeldRows(images.get())


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

    def __init__(self, labels: Array, seed: int | None, *key: int) -> None:
        """key: further numbers of the key, behind seed, epoch and class."""
        super().__init__(len(labels))
        self.seed = seed
        self._key = key
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
                mixed = permuted(m, wanted[mine] - first, self.seed, epoch, k, *self._key)
                shuffled[mine] = first + mixed
            wanted = shuffled
        return self._members[wanted]


def permuted(n: int, positions: Ids, *key: int) -> Ids:
    """The elements at these positions of the permutation of range(n) that the key selects."""
    out = np.empty(len(positions), np.int64)
    permutation.permute(permutation.key(*key), n, np.ascontiguousarray(positions, np.int64), out)
    return out
