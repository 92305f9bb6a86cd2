"""How batches get at images: all of them in memory, mapped, or window by window."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._util.types import Array, Ids
from ..core.array import IdxArray
from ..core.selection import ArrayLike, Selection, compose

# Compressed files of which more than this is wanted, unpacked, are not read into memory. A constant, and not a share of
# the memory that is free: it decides on the order, which must be the same on every machine.
IN_MEMORY = 1 << 30


def needs_windows(images: ArrayLike, buffer: int | None) -> bool:
    """Whether images are to be unpacked in windows: a large gzip file, or any where a caller gives a buffer.

    Other compressed files can't be read by ranges; raw files and arrays need not.
    """
    base = images.base if isinstance(images, Selection) else images
    if not isinstance(base, IdxArray) or base.packing != "gzip":
        return False
    return nbytes_of(images) > IN_MEMORY if buffer is None else True


class Materialized:
    """Images where batches can be gathered from: as an array, or as a selection of one that is not upright.

    They are brought there when they are asked for first: views of arrays and raw files, while other files are read, and
    images that lie turned in memory are copied, unless they are very many. Pickled, they are what they come from.
    """

    def __init__(self, images: ArrayLike) -> None:
        self.images = images
        self._held: Array | Selection | None = None

    def get(self) -> Array | Selection:
        """The images there."""
        if self._held is None:
            self._held = _hold(self.images)
        return self._held

    def __reduce__(self) -> tuple[Any, ...]:
        return Materialized, (self.images,)


def _hold(images: ArrayLike) -> Array | Selection:
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
    """The array that the images with these indices lie in, and where."""
    if isinstance(held, np.ndarray):
        return held, ids
    assert isinstance(held.base, np.ndarray)
    return held.base, np.asarray(compose(held.rows, ids), np.int64)


def nbytes_of(images: ArrayLike) -> int:
    """The bytes of all elements, unpacked."""
    return int(np.prod(images.shape, dtype=object)) * images.dtype.itemsize
