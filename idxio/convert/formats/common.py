"""Splits, blocks of records, classes and checks for all formats."""

from __future__ import annotations

import math
import os
import sys
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np

from ..._util.sizes import records_in
from ..._util.threads import on_threads
from ..._util.types import Array
from ...core.array import IdxArray
from ...core.coerce import check_classes, class_column
from ...errors import FormatError

Item = TypeVar("Item")
Result = TypeVar("Result")
# Images and as many labels, or None where there are no labels, one block after the other. There is
# one at least, if only to tell the shape.
Blocks: TypeAlias = Generator[tuple[Array, "Array | None"], None, None]

_BLOCK = 1 << 20
# Items that a thread takes at a time, at most.
_RUN = 32


class Split(NamedTuple):
    """One split of a dataset in IDX files, opened."""

    name: str
    """The name in other formats: see `split_names.common_name`."""
    images: IdxArray
    labels: IdxArray
    class_names: dict[int, str] | None


def tell(text: str) -> None:
    """Warn with a text, at the line outside of idxio that called it."""
    level = 2
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("idxio."):
        frame = frame.f_back
        level += 1
    warnings.warn(text, UserWarning, stacklevel=level)


def records_at_once(record_nbytes: int) -> int:
    """Return how many records one block holds."""
    return records_in(_BLOCK, record_nbytes)


def each(function: Callable[[Item], Result], items: Iterable[Item], threads: int) -> list[Result]:
    """Apply the function to each item on several threads; return the results in order."""
    items = list(items)
    results: dict[int, list[Result]] = {}
    many = max(1, min(_RUN, len(items) // threads))

    def run(begin: int) -> None:
        results[begin] = [function(item) for item in items[begin : begin + many]]

    begins = range(0, len(items), many)
    on_threads(run, begins, threads)
    return [result for begin in begins for result in results[begin]]


def images_of(split: Split) -> Iterator[tuple[int, Array]]:
    """Read blocks of images; each comes with the number of its first record."""
    start = 0
    shape = split.images.shape
    for block in split.images.iter_records(
        records_at_once(math.prod(shape[1:]) * split.images.dtype.itemsize)
    ):
        yield start, block
        start += len(block)


def classes_of(split: Split) -> Array:
    """Read the class of each record as int64; see `class_column`."""
    check_classes(split.labels, split.labels.name)
    labels = class_column(split.labels.read(), split.labels.name).astype(np.int64)
    if len(bad := np.flatnonzero(labels < 0)):
        raise FormatError(
            f"has the label {labels[bad[0]]} at record {bad[0]:,}; a class is 0 or more",
            file=split.labels.name,
        )
    return labels


def check_bytes(split: Split, format: str) -> None:
    """Raise unless the images are uint8."""
    if split.images.dtype != np.uint8:
        raise FormatError(
            f"holds {split.images.dtype.name}; {format} takes uint8 images. npz keeps every type",
            file=split.images.name,
        )


def check_pictures(split: Split, format: str) -> None:
    """Raise unless the images are pictures: uint8 and grey or RGB."""
    check_bytes(split, format)
    shape = split.images.shape
    if not shape[0]:
        raise FormatError(
            f"holds no pictures; {format} can't tell their size then. npz can",
            file=split.images.name,
        )
    if not (len(shape) == 3 or (len(shape) == 4 and shape[3] == 3)) or not all(shape):
        raise FormatError(
            f"has the shape {shape}; {format} takes pictures, count x height x width or count x"
            " height x width x 3. npz keeps every shape",
            file=split.images.name,
        )


def whole_bytes(values: Array) -> Array:
    """Convert whole numbers from 0 to 255 of any type to uint8; ValueError for any other."""
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind not in "iuf":
        raise ValueError(f"pixels are {values.dtype}, expected numbers from 0 to 255")
    with np.errstate(invalid="ignore"):  # of NaN
        as_bytes = values.astype(np.uint8)
    if len(bad := np.argwhere(as_bytes != values)):
        raise ValueError(f"{values[tuple(bad[0])]} is no pixel from 0 to 255, a whole number")
    return as_bytes


def check_no_source(target: str, sources: Sequence[str]) -> None:
    """Raise if the file to write is one of those that are read, which would be gone."""
    for source in sources:
        if os.path.exists(target) and os.path.samefile(target, source):
            raise ValueError(
                f"{target}: is a file of the source, which would be replaced; name another target"
            )


def agreed_names(named: Iterable[tuple[str, dict[int, str] | None]]) -> dict[int, str] | None:
    """Return the class names that several files state, each None or the same as the others.

    Raises
    ------
    FormatError
        A file, of which the path comes first, numbers the classes in another way than the others.
    """
    first: dict[int, str] | None = None
    whose = ""
    for path, names in named:
        if first is None:
            first = names
            whose = path
        elif names not in (None, first):
            label = next(i for i in sorted({*names, *first}) if names.get(i) != first.get(i))
            raise FormatError(
                f"calls the class {label} {names.get(label, 'nothing')!r}, and"
                f" {os.path.relpath(whose, os.path.dirname(path))} calls it"
                f" {first.get(label, 'nothing')!r}: the labels of one of them mean something else."
                " Import them apart, or write one anew with the names of the other",
                file=path,
            )
    return first
