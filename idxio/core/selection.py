"""Selection: some records of an array or an open file, read when they are indexed."""

from __future__ import annotations

from typing import Any, SupportsIndex, TypeAlias, Union, overload

import numpy as np

from .._util.types import Array, ArrayKey
from . import indexing
from .array import IdxArray
from .unread import Unread

ArrayLike: TypeAlias = Union[Array, IdxArray, "Selection"]


class Selection(Unread):
    """Records of an array or an `IdxArray` in any order, as an array-like: shape, dtype, numpy's
    indexing.

    Indexing reads what it needs from the base and returns a copy (of an array, where numpy would, a
    view).
    """

    def __init__(
        self, base: Array | IdxArray, rows: indexing.Rows, *, upright: bool = False
    ) -> None:
        """rows: numbers of records of base; upright: exchange the second and third axis."""
        self.base = base
        """The array or file that holds the records."""
        self.rows = rows
        """The numbers of the records in base: a range or an index array."""
        self.is_upright = upright
        """Whether the second and third axis are exchanged."""
        self.dtype: np.dtype[Any] = base.dtype
        """The type of the elements."""
        record = list(base.shape[1:])
        if upright:
            record[0], record[1] = record[1], record[0]
        self.shape: tuple[int, ...] = (len(rows), *record)
        """The length of each axis; axis 0 counts the records."""

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, key: ArrayKey) -> Array: ...
    @overload
    def __getitem__(self, key: SupportsIndex | tuple[Any, ...]) -> Any: ...
    def __getitem__(self, key: Any) -> Any:
        return indexing.take(key, self.shape, self.dtype, self._read)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        whole = self._read(range(len(self)))
        if dtype is not None:
            whole = whole.astype(dtype, copy=False)
        is_view = isinstance(self.base, np.ndarray) and np.may_share_memory(whole, self.base)
        if copy is False and not is_view:
            raise ValueError("these records in an array need a copy")
        return whole.copy() if copy and is_view else whole

    def __repr__(self) -> str:
        return f"<idxio.Selection shape={self.shape} dtype={self.dtype} of {self.base!r}>"

    def _read(self, rows: indexing.Rows) -> Array:
        records = np.asarray(self.base[_as_key(compose(self.rows, rows))])
        return records.swapaxes(1, 2) if self.is_upright else records


def select(images: ArrayLike, rows: indexing.Rows) -> ArrayLike:
    """Select records without a copy: a range of an array as a view, others as a `Selection`."""
    if isinstance(images, Selection):
        return Selection(images.base, compose(images.rows, rows), upright=images.is_upright)
    if isinstance(images, np.ndarray) and isinstance(rows, range):
        view: Array = images[_as_key(rows)]
        return view
    return Selection(images, rows)


def upright(images: ArrayLike) -> ArrayLike:
    """Transpose each image, as a view; ValueError if the records have fewer than two axes."""
    if images.ndim < 3:
        raise ValueError(
            f"images with two axes can be turned, not records of shape {images.shape[1:]}"
        )
    if isinstance(images, np.ndarray):
        return images.swapaxes(1, 2)
    if isinstance(images, Selection):
        return Selection(images.base, images.rows, upright=not images.is_upright)
    return Selection(images, range(len(images)), upright=True)


def as_rows(key: Any, n: int) -> indexing.Rows:
    """The rows that a slice, an index array or a mask picks from n; consecutive ones as a range."""
    if isinstance(key, slice):
        return range(n)[key]
    rows = np.asarray(key)
    if rows.dtype == np.bool_:
        if rows.shape != (n,):
            raise IndexError(
                f"the mask has the shape {rows.shape}; there are {n} records: shape ({n},)"
            )
        rows = np.flatnonzero(rows)
    elif rows.size == 0:
        rows = rows.astype(np.intp)
    if rows.ndim != 1 or rows.dtype.kind not in "iu":
        raise IndexError(
            f"records are picked by a slice, a list of integers or a mask, not by {key!r}"
        )
    if rows.size and (rows.min() < -n or rows.max() >= n):
        worst = rows.min() if rows.min() < -n else rows.max()
        raise IndexError(f"there is no record {worst}; there are {n}")
    rows = rows.astype(np.intp)  # n may not fit into the type of the caller's
    rows = np.where(rows < 0, rows + n, rows)
    if rows.size and (np.diff(rows) == 1).all():
        return range(int(rows[0]), int(rows[-1]) + 1)
    return rows


def compose(first: indexing.Rows, then: indexing.Rows) -> indexing.Rows:
    """The rows that `then` picks from those that `first` picks."""
    if isinstance(first, range):
        return first[_as_key(then)] if isinstance(then, range) else first.start + first.step * then
    picked: Array = first[_as_key(then)]
    return picked


def _as_key(rows: indexing.Rows) -> Any:
    """Rows as an index for numpy."""
    if not isinstance(rows, range):
        return rows
    if not rows:  # start and stop of an empty range may be out of bounds
        return slice(0, 0)
    return slice(rows.start, rows.stop if rows.stop >= 0 else None, rows.step)
