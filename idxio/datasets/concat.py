"""Puts datasets together in memory: the images one behind the other, the classes by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._util.sizes import records_in
from .._util.types import Array
from ..core.array import IdxArray
from ..core.selection import ArrayLike
from ..errors import IdxError
from .classes import Names
from .renumber import Source, in_one_numbering, tidied

_LIST = "datasets"
"""What errors call the list."""
# Bytes of images that are copied at once: numpy sees no interrupt meanwhile.
_PIECE = 16 << 20


def concat_images(parts: Sequence[ArrayLike]) -> Array:
    """All images, as one new array in native byte order.

    Raises ValueError unless all have one shape and type.
    """
    first = parts[0]
    for k, part in enumerate(parts):
        is_same_type = part.dtype.newbyteorder("=") == first.dtype.newbyteorder("=")
        if part.shape[1:] != first.shape[1:] or not is_same_type:
            raise ValueError(
                f"{_LIST}[{k}] has images of shape {part.shape[1:]} and type {part.dtype},"
                f" {_LIST}[0] of shape {first.shape[1:]} and type {first.dtype}: give them one"
                " shape and type"
            )
    count = sum(part.shape[0] for part in parts)
    whole = np.empty((count, *first.shape[1:]), first.dtype.newbyteorder("="))
    stop = 0
    for part in parts:
        start, stop = stop, stop + part.shape[0]
        if isinstance(part, IdxArray):
            part.read(out=whole[start:stop])
        else:
            _copy(part[:], whole[start:stop])
    return whole


def _copy(images: Array, out: Array) -> None:
    """Copy images in pieces, between which Python sees an interrupt."""
    step = records_in(_PIECE, images[:1].nbytes)
    for start in range(0, len(images), step):
        out[start : start + step] = images[start : start + step]


def concat_labels(
    labels: Sequence[Array], names: Sequence[Names | None]
) -> tuple[Array, Names | None]:
    """The labels in one numbering of the classes, and the names of these.

    Raises ValueError if the names leave a class open.
    """
    together = np.concatenate(labels)
    if together.dtype.kind not in "iu":
        types = " and ".join(dict.fromkeys(one.dtype.name for one in labels))
        raise ValueError(f"there is no integer type for labels of {types} together")
    sources = [
        Source(f"{_LIST}[{k}]", *pair, naming=None, noun="dataset")
        for k, pair in enumerate(zip(labels, names, strict=True))
    ]
    named = [source for source in sources if source.names is not None]
    if not named:
        return together, None
    for source in sources:
        if source.names is None:
            raise ValueError(
                f"{source.file} has no names of classes, and {named[0].file} has: a label may mean"
                " another class here than there. Give all of them class_names, or none"
            )
    if all(tidied(source) == tidied(named[0]) for source in named):
        return together, named[0].names
    try:
        return in_one_numbering(sources, together.dtype)
    except IdxError as error:  # no file is to blame
        raise ValueError(str(error)) from None


def as_list(datasets: Any, kind: type) -> list[Any]:
    """The datasets of a caller; TypeError or ValueError if there are none."""
    if isinstance(datasets, kind):
        raise TypeError("concat takes a list of datasets, not one")
    listed = list(datasets)
    for k, one in enumerate(listed):
        if not isinstance(one, kind):
            raise TypeError(f"{_LIST}[{k}] is no Dataset, but {type(one).__name__}")
    if not listed:
        raise ValueError("concat takes one dataset or more, and the list is empty")
    return listed
