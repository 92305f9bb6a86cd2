"""The labels beside an image file: the records of one class, and captions."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

import numpy as np

from .._util.types import Array
from ..core.array import open_array
from ..core.coerce import check_classes, class_column, read_classes
from ..datasets.classes import Names, class_names
from ..datasets.discovery import find_pair
from ..datasets.names import stem_of
from ..errors import FormatError, IdxError
from ..storage.source import is_url
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
    if labels is None and is_url(images):
        labels, values, names = _beside_url(images)
    else:
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
    if is_url(images):  # each look at a server costs time
        return numbers
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


def _beside_url(images: str) -> tuple[str, Array, Names]:
    """Return the URL of the labels beside images at a URL, the labels, and the classes' names."""
    from ..datasets.remote import copied_labels, find_remote_pair
    from ..storage.remote.folder import RemoteFolder

    base, mark, query = images.partition("?")
    url, _, name = base.rpartition("/")
    folder = RemoteFolder(f"{url}{mark}{query}", {})
    try:
        found = find_remote_pair(folder, _stem(f"{folder.name}/{name}"))[1]
    except FileNotFoundError as error:
        raise _no_labels(folder.name, error) from None
    with copied_labels(folder, found) as labels:
        return f"{folder.name}/{found}", read_classes(labels), class_names(labels) or {}


def _beside(images: str) -> str:
    """Return the label file beside an image file."""
    folder = os.path.dirname(images)
    stem = _stem(images)
    try:
        return find_pair(folder or ".", stem)[1]
    except FileNotFoundError as error:
        raise _no_labels(folder or ".", error) from None


def _stem(images: str) -> str:
    """Return what the name of an image file says of its split; UsageError if it says nothing."""
    folder, name = os.path.split(images)
    match = _IMAGES.fullmatch(name)
    stem = match[1] if match else stem_of(name, os.path.basename(os.path.abspath(folder)))
    if stem is None:
        raise exit_codes.UsageError(
            f"{images}: its name does not tell where its labels are; name them with --labels FILE"
        )
    return stem


def _no_labels(folder: str, error: OSError) -> exit_codes.UsageError:
    return exit_codes.UsageError(f"{folder}: {error.strerror}; name the labels with --labels FILE")
