"""The labels beside an image file: the records of one class, and captions."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

import numpy as np

from .._util.types import Array
from ..core.array import open_array
from ..core.coerce import check_classes, class_column, read_classes
from ..datasets.classes import class_names
from ..datasets.discovery import find_pair
from ..datasets.names import stem_of
from ..errors import FormatError, IdxError
from . import exit_codes
from .text import first_few, printable

_IMAGES = re.compile(r"(.+?)[-_.]images?(?:[-_.].*)?", re.IGNORECASE)


class OfClass(NamedTuple):
    """A class, and its records in ascending order."""

    name: str
    records: Array


def of_class(images: str, count: int, wanted: str, labels: str | None) -> OfClass:
    """Select the records of a class, named by number or name, from `count` images.

    The labels lie beside the images if `labels` is None.
    """
    labels = labels or _beside(images)
    with exit_codes.naming(labels):
        values = read_classes(labels)
        names = class_names(labels) or {}
    if len(values) != count:
        raise exit_codes.UsageError(
            f"{labels}: has {len(values):,} labels for the {count:,} images of {images}"
        )
    of_name = [k for k, name in names.items() if wanted.casefold() in (str(k), name.casefold())]
    classes = np.unique(values).tolist()
    number = int(wanted) if re.fullmatch(r"-?\d{1,19}", wanted) else None
    if number not in classes:
        number = next((k for k in of_name if k in classes), None)  # names that are numbers
    if number is None:
        titles = [f"{k} {names.get(k, '')}".strip() for k in classes]
        raise exit_codes.UsageError(
            f"{labels}: has no class {wanted}; it has {first_few(titles, 20)}"
        )
    name = printable(f"class {number} {names.get(number, '')}".strip())
    return OfClass(name, np.flatnonzero(values == number))


def captions(images: str, count: int, records: Array) -> list[str]:
    """Return the numbers of these of `count` images, with their labels where these lie beside."""
    numbers = [str(record) for record in records.tolist()]
    try:
        labels = _beside(images)
        values = _labels_of(labels, count, records)
        names = class_names(labels) or {}
    except (exit_codes.UsageError, IdxError, OSError):  # they are read for this alone
        return numbers
    return [
        printable(f"{number}: {names.get(k, k)}")
        for number, k in zip(numbers, values.tolist(), strict=True)
    ]


def _labels_of(labels: str, count: int, records: Array) -> Array:
    """Read the labels of some of `count` records; FormatError if the file has not so many."""
    with open_array(labels) as f:
        check_classes(f, labels)
        if len(f) != count:
            raise FormatError(f"has {len(f):,} labels for {count:,} images", file=labels)
        if f.ndim == 1:
            return f[records]
        return class_column(f.read(), labels)[records]


def _beside(images: str) -> str:
    """Return the label file beside an image file."""
    folder, name = os.path.split(images)
    match = _IMAGES.fullmatch(name)
    stem = match[1] if match else stem_of(name, os.path.basename(os.path.abspath(folder)))
    if stem is None:
        raise exit_codes.UsageError(
            f"{images}: its name does not tell where its labels are; name them with --labels FILE"
        )
    try:
        return find_pair(folder or ".", stem)[1]
    except FileNotFoundError as error:
        raise exit_codes.UsageError(
            f"{folder or '.'}: {error.strerror}; name the labels with --labels FILE"
        ) from None
