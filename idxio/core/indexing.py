"""numpy's indexing over records of a file, of which only the touched ones are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._util.types import Array

# The records wanted, in ascending order: a range with a step > 0, or distinct indices.
Rows = range | Array


def take(
    key: Any, shape: tuple[int, ...], dtype: np.dtype[Any], read: Callable[[Rows], Array]
) -> Any:
    """Return array[key]: read the records that key touches, and index those. No single bools.

    read takes a range or an ascending integer array without repeats, and returns those records as
    a new array.
    """
    if type(key) is int and shape and 0 <= key < shape[0]:  # a fast path for the usual case
        return read(range(key, key + 1))[0]
    parts = key if isinstance(key, tuple) else (key,)
    parts = tuple(part if _is_basic(part) else _as_index(part, shape) for part in parts)
    if not shape:
        return read(range(0))[parts]
    # One element broadcast to the shape: indexing it raises numpy's own errors without a read.
    model = np.broadcast_to(np.zeros((), dtype), shape)
    if all(_is_basic(part) for part in parts):
        model[key]
    position = _first_axis(parts, len(shape))
    if position is None:
        return read(range(shape[0]))[parts]
    rows, local = _split(parts[position], shape)
    if rows is None:
        return model[key]  # raises numpy's error for an index out of bounds or of a wrong shape
    return read(rows)[(*parts[:position], local, *parts[position + 1 :])]


def _is_basic(part: Any) -> bool:
    return part is None or part is Ellipsis or isinstance(part, slice) or is_int(part)


def is_int(part: Any) -> bool:
    """Whether an index is an integer, which picks one record and drops the axis."""
    if isinstance(part, (bool, np.bool_, np.ndarray, list, tuple, slice)):
        return False
    return hasattr(part, "__index__")


def _as_index(part: Any, shape: tuple[int, ...]) -> Any:
    """Convert to an index array as numpy does; numpy refuses what is no index later.

    A single bool, which numpy takes for a new axis, is refused: it comes from a comparison that was
    meant to be a mask.
    """
    array = np.asarray(part)
    if array.dtype == np.bool_ and array.ndim == 0:
        raise IndexError(
            f"a single {array} picks no records of {shape}: a mask has a bool for each of them, as"
            " f[:] == 9 gives it, and int(i) makes an index of a bool"
        )
    if array.size == 0 and not isinstance(part, np.ndarray):
        return array.astype(np.intp)
    return array


def _first_axis(parts: tuple[Any, ...], ndim: int) -> int | None:
    """The position in parts of the index of axis 0; None if that axis is taken whole."""
    for position, part in enumerate(parts):
        if part is None:
            continue
        if part is Ellipsis:
            taken = sum(_axes(other) for other in parts if other is not Ellipsis)
            if taken < ndim:
                return None
            continue
        if _axes(part):
            return position
    return None


def _axes(part: Any) -> int:
    """The number of axes of the array that an index consumes."""
    if part is None or part is Ellipsis:
        return 0
    if isinstance(part, np.ndarray) and part.dtype == np.bool_:
        return part.ndim
    return 1


def _split(part: Any, shape: tuple[int, ...]) -> tuple[Rows | None, Any]:
    """The rows that the index of axis 0 touches, and the equivalent index into those rows."""
    n = shape[0]
    if isinstance(part, slice):
        rows = range(n)[part]
        if rows.step < 0:
            return rows[::-1], slice(None, None, -1)
        return rows, slice(None)
    if not isinstance(part, np.ndarray):
        i = int(part.__index__())
        if not -n <= i < n:
            return None, None
        i %= n
        return range(i, i + 1), 0
    if part.dtype == np.bool_:
        if part.shape != shape[: part.ndim]:
            return None, None
        kept = np.flatnonzero(part.any(axis=tuple(range(1, part.ndim))))
        return kept, part[kept]
    if part.dtype.kind not in "iu" or (part.size and (part.min() < -n or part.max() >= n)):
        return None, None
    part = part.astype(np.intp)
    kept, local = np.unique(np.where(part < 0, part + n, part), return_inverse=True)
    return kept, local.reshape(part.shape)
