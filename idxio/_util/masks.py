"""Masked arrays of numpy, whose masked elements IDX has no place for."""

from __future__ import annotations

from typing import Any

import numpy as np

from .types import Array


def refuse_masked(data: Any) -> None:
    """Raise ValueError if elements of an array, or of an array in a list, are masked."""
    if isinstance(data, (list, tuple)):
        for part in data:
            refuse_masked(part)
    # numpy.ma takes long to import
    elif isinstance(data, np.ndarray) and np.any(getattr(data, "mask", False)):
        raise ValueError(
            "some elements are masked, for which IDX has no place: write array.filled(value)"
        )


def unmasked(data: Any) -> Array:
    """What np.asarray makes of data; ValueError if elements are masked.

    Also those that `__array__` returns masked, as a variable of netCDF4 does: np.asarray gives what
    lies below the mask.
    """
    refuse_masked(data)
    array = np.asanyarray(data)
    refuse_masked(array)
    return np.asarray(array)
