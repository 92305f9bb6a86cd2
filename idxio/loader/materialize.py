"""Where images are for a loop: all in memory, mapped, or unpacked in shuffle windows."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._native.buffer_pool import BufferPool
from .._util.types import Array, Ids
from ..compression.registry import named
from ..core.array import IdxArray
from ..core.indexing import Rows
from ..core.selection import ArrayLike, Selection, compose, select

# Compressed files with more bytes than this, unpacked, are not read into memory. It is no fraction
# of the free memory, because it decides on the order, which must be the same on every machine.
IN_MEMORY = 1 << 30


def needs_windows(images: ArrayLike, buffer: int | None) -> bool:
    """Whether images are unpacked in shuffle windows: large packed files, or any with a buffer.

    Some compressions can't be read by ranges; raw files and arrays need not be unpacked.
    """
    base = images.base if isinstance(images, Selection) else images
    if not isinstance(base, IdxArray):
        return False
    kind = named(base.packing)
    if kind.is_plain or not kind.supports_ranges:
        return False
    return buffer is not None or nbytes_of(images) > IN_MEMORY


class Materialized:
    """Images of a dataset, and from the first call of `get` on what batches are gathered from.

    That is an array, or a selection of one that is not upright: a view of an array or a raw file;
    other files are read. Images that are unpacked in shuffle windows never ask for it.
    Transposed images are copied if they take up to `IN_MEMORY` bytes. A pickle holds the source of
    the images alone.
    """

    _whole: Materialized | None = None
    """What holds more images, of which these are `_rows`."""
    _rows: Rows = range(0)

    def __init__(self, images: ArrayLike) -> None:
        self.images = images
        self._held: Array | Selection | None = None
        self._pool: BufferPool | None = None

    def pool(self, records: int) -> BufferPool:
        """Memory for so many records at a time, the same for all passes; asked for one number."""
        if self._pool is None:
            shape = self.images.shape[1:]
            nbytes = int(np.prod(shape, dtype=np.int64)) * self.images.dtype.itemsize
            self._pool = BufferPool(records * nbytes)
        return self._pool

    def get(self) -> Array | Selection:
        """The array, or the selection of one."""
        if self._held is None and self._whole is not None:
            held = select(self._whole.get(), self._rows)
            assert isinstance(held, (np.ndarray, Selection))
            self._held = held
        elif self._held is None:
            self._held = _hold(self.images)
        return self._held

    def share(self, whole: Materialized, rows: Rows) -> None:
        """Take the images, in this process, from memory that holds more: they are these rows."""
        self._whole = whole
        self._rows = rows

    def __reduce__(self) -> tuple[Any, ...]:
        return Materialized, (self.images,)


def _hold(images: ArrayLike) -> Array | Selection:
    """Images as `Materialized.get` returns them."""
    if isinstance(images, IdxArray):
        return images.array if images.has_view else images.read()
    if isinstance(images, np.ndarray):
        return np.ascontiguousarray(images) if images.nbytes <= IN_MEMORY else images
    base = images.base
    if isinstance(base, IdxArray):
        if not base.has_view:
            return np.ascontiguousarray(images)
        base = base.array
    if images.is_upright:
        if nbytes_of(images) <= IN_MEMORY:
            return np.ascontiguousarray(images)
        base = base.swapaxes(1, 2)
    return Selection(base, images.rows)


def locate(held: Array | Selection, ids: Ids) -> tuple[Array, Ids]:
    """The array that holds the images with these indices, and their rows in it."""
    if isinstance(held, np.ndarray):
        return held, ids
    assert isinstance(held.base, np.ndarray)
    return held.base, np.asarray(compose(held.rows, ids), np.int64)


def nbytes_of(images: ArrayLike) -> int:
    """The bytes of all elements, unpacked."""
    return int(np.prod(images.shape, dtype=object)) * images.dtype.itemsize
