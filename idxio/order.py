"""The order in which an epoch visits samples: a pure function of seed, epoch and position."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._native import order

VERSION = order.VERSION

Ids = np.ndarray[Any, np.dtype[np.int64]]


class Order:
    """What stands at any range of positions. `window` positions are handed out to the ranks at a time."""

    def __init__(self, n: int) -> None:
        self.n = n

    def ids(self, epoch: int, start: int, stop: int) -> Ids:
        """The samples at the positions [start, stop) of an epoch."""
        return np.arange(start, stop)

    def deal(self, ids: Ids) -> Ids:
        """The same samples, in the order in which the ranks take turns."""
        return ids


class Shuffled(Order):
    """A random permutation that takes no memory."""

    def __init__(self, n: int, seed: int) -> None:
        super().__init__(n)
        self.seed = seed

    def ids(self, epoch: int, start: int, stop: int) -> Ids:
        out = np.empty(stop - start, np.int64)
        order.permute(self.seed, epoch, self.n, np.arange(start, stop), out)
        return out


class Balanced(Order):
    """Every class spread evenly over the epoch, each sample once; its samples in order, or shuffled.

    The j-th of the m samples of a class stands where (j + 1/2) / m of the epoch is over, so any stretch of positions
    holds each class in its proportion, to within one sample.
    """

    def __init__(self, labels: np.ndarray[Any, np.dtype[Any]], seed: int | None) -> None:
        super().__init__(len(labels))
        self.seed = seed
        by_class = np.argsort(labels, kind="stable")
        _, self._class_of, counts = np.unique(labels, return_inverse=True, return_counts=True)
        self._members = np.split(by_class, np.cumsum(counts)[:-1]) if len(counts) else []
        places = np.concatenate([(np.arange(m) + 0.5) / m for m in counts]) if len(counts) else np.empty(0)
        self._sequence = np.argsort(places, kind="stable")
        self._epoch: int | None = None
        self._ids: Ids = np.empty(0, np.int64)

    def ids(self, epoch: int, start: int, stop: int) -> Ids:
        if self._epoch != epoch:
            members = [
                m if self.seed is None else m[Shuffled(len(m), self.seed).ids(epoch << 32 | k + 1, 0, len(m))]
                for k, m in enumerate(self._members)
            ]
            everything = np.concatenate(members) if members else np.empty(0, np.int64)
            self._epoch, self._ids = epoch, everything[self._sequence]
        return self._ids[start:stop]

    def deal(self, ids: Ids) -> Ids:
        return ids[np.argsort(self._class_of[ids], kind="stable")]
