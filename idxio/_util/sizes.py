"""The bytes of one record, and how many records fit into a number of bytes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def record_nbytes(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    """The bytes of one record of an array with this shape, whose axis 0 counts the records."""
    return math.prod(shape[1:]) * dtype.itemsize


def records_in(nbytes: int, record_nbytes: int) -> int:
    """The number of whole records in nbytes, at least 1: a larger record is handled on its own."""
    return max(1, nbytes // max(1, record_nbytes))
