"""The labels beside an image file: the records of one class, and captions."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

import numpy as np

from .._util.types import Array
from ..core.coerce import read_classes
from ..datasets.classes import class_names
from ..datasets.discovery import find_pair
from ..datasets.names import stem_of
from ..errors import IdxError
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
    try:
        labels = _beside(images)
        values = read_classes(labels)
        names = class_names(labels) or {}
    except (exit_codes.UsageError, IdxError, OSError):  # they are read for this alone
        return [str(record) for record in records.tolist()]
    if len(values) != count:
        return [str(record) for record in records.tolist()]
    return [
        printable(f"{record}: {names.get(k, k)}")
        for record, k in zip(records.tolist(), values[records].tolist(), strict=True)
    ]


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
