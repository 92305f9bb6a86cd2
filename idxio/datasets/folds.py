"""Folds for cross-validation: the samples that are held out in each."""

from __future__ import annotations

import numpy as np

from .._util.integers import whole_number
from .._util.types import Array, Ids


def held_out(k: int, shuffled: Ids, labels: Array | None = None) -> list[Ids]:
    """The samples of each of k folds, in ascending order: every k-th of the shuffled ones.

    With labels, every k-th of the shuffled ones class by class: the counts of a class, and those of
    the folds, differ by at most one.

    Raises TypeError or ValueError if there are no such folds.
    """
    n = len(shuffled)
    if whole_number("the number of folds", k, 2) > n:
        raise ValueError(f"{k} folds of {n} samples: each fold holds out one sample or more")
    if labels is not None:
        shuffled = shuffled[np.argsort(labels[shuffled], kind="stable")]
    return [np.sort(shuffled[first::k]) for first in range(k)]
