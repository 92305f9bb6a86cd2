"""Labels as one-hot rows: 1 in the column of the class, 0 in all others."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .._util.types import Array

DTYPE = np.dtype(np.float32)
"""Of the rows: the type of what a model puts out, to which losses compare them."""

# A row has a column for each number: labels that are codes would take gigabytes.
_MOST_COLUMNS = 1 << 16


def columns(labels: Array, named: Iterable[int]) -> int:
    """The columns of a row: one for each number up to the last label that occurs or has a name.

    Raises ValueError for labels that are no numbers of columns.
    """
    lowest = int(labels.min(initial=0))
    count = max([int(labels.max(initial=0)), *named]) + 1
    if lowest < 0 or count > _MOST_COLUMNS:
        odd = lowest if lowest < 0 else count - 1
        raise ValueError(
            f"one_hot makes a column for each number from 0 to the last label, at most"
            f" {_MOST_COLUMNS:,}, and there is the label {odd:,}: number the classes 0, 1, 2, ..."
            " as numpy.unique(labels, return_inverse=True) does"
        )
    return count


def one_hot(labels: Array, count: int) -> Array:
    """The labels as rows of so many columns."""
    rows = np.zeros((len(labels), count), DTYPE)
    rows[np.arange(len(labels)), labels] = 1
    return rows
