"""Convert images and labels of the caller: arrays, open files, or files to open."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from .._util.masks import refuse_masked, unmasked
from .._util.types import Array
from ..errors import FormatError
from .array import IdxArray, open_array
from .selection import ArrayLike, Selection

# Columns of QMNIST labels: the class, the writer of the digit, and its place in NIST.
_QMNIST = 8
_LOOKED_AT = 10_000  # records, to tell what is wrong with labels


def as_records(data: Any) -> ArrayLike:
    """Return an array or an open file: a list becomes an array, a path is opened.

    Masked elements raise ValueError.
    """
    refuse_masked(data)
    if isinstance(data, (np.ndarray, IdxArray, Selection)):
        return data
    if isinstance(data, (list, tuple)) or (
        hasattr(data, "__array__") and not isinstance(data, (str, bytes))
    ):
        return unmasked(data)
    if not isinstance(data, (str, os.PathLike, bytes, bytearray, memoryview)) and not hasattr(
        data, "read"
    ):
        raise TypeError(f"images and labels are arrays or files, not {type(data).__name__}")
    return open_array(data)


def as_labels(data: Any, *, first_column: bool = False) -> Array:
    """Return labels in memory, in native byte order: one integer for each sample.

    Anything else raises ValueError. With first_column, the class is taken from QMNIST's eight
    columns; without, those are refused.
    """
    if isinstance(data, (list, tuple)) and not data:
        return np.empty(0, np.uint8)
    records = as_records(data)
    name = f"{records.name}: " if isinstance(records, IdxArray) else ""
    if records.ndim not in (1, 2):
        hint = "; are images and labels exchanged?" if records.ndim > 2 else ""
        raise ValueError(
            f"{name}labels have the shape {records.shape}, expected one for each sample: (n,){hint}"
        )
    if records.dtype.kind not in "iu":
        some = np.asarray(records[:_LOOKED_AT])
        raise ValueError(f"{name}labels are {records.dtype}, expected integers; {_remedy(some)}")
    labels: Array = np.asarray(records)
    try:
        whole = simple_labels(labels)
    except FormatError as error:
        raise ValueError(f"{name}{error}") from None
    if whole.ndim == 2 and not first_column:
        raise ValueError(
            f"{name}labels have the shape {whole.shape}, expected one for each sample: (n,). Of"
            " QMNIST's, the class is the first of each row: labels[:, 0]"
        )
    labels = whole[:, 0] if whole.ndim == 2 else whole
    return labels.astype(labels.dtype.newbyteorder("="), copy=False)


def _remedy(labels: Array) -> str:
    """How labels that are no integers, of one or two axes, become some."""
    if labels.ndim == 2 and labels.dtype.kind in "bf":
        return "of one-hot rows labels.argmax(axis=1) are the classes"
    if labels.dtype.kind in "USO":
        values = labels.reshape(-1).tolist()
        missing = [i for i, value in enumerate(values) if value is None or value != value]
        if missing:
            return f"label {missing[0]} is {values[missing[0]]}, which is none"
        if not all(_is_number(value) for value in values):
            return (
                "names, labels = numpy.unique(labels, return_inverse=True) makes some, and"
                " class_names=names keeps the names"
            )
        return "labels.astype(int) may be them"
    if labels.dtype.kind == "f" and not (labels == np.floor(labels)).all():
        return "these are no whole numbers"
    return "labels.astype('uint8') may be them"


def _is_number(value: Any) -> bool:
    try:
        int(value)
    except (TypeError, ValueError):
        return False
    return True


def read_classes(file: str) -> Array:
    """The class of each sample in a label file, as `class_column` has it."""
    with open_array(file) as f:
        check_classes(f, file)
        return class_column(f.read(), file)


def class_column(labels: Array, file: str) -> Array:
    """The class of each sample, for labels in any form that `simple_labels` accepts."""
    labels = simple_labels(labels, file)
    return labels[:, 0] if labels.ndim == 2 else labels


def simple_labels(labels: Array, file: str | None = None) -> Array:
    """Return labels as one integer for each sample, shape (n,); QMNIST's labels unchanged.

    One column becomes (n,). In one-hot rows the index of the 1 is the class, as uint8, or int32 for
    more than 256 classes. Eight columns of int32 are QMNIST's if the first holds digits and the
    second the NIST series, 0 to 8 (https://github.com/facebookresearch/qmnist, 2.2).

    Raises
    ------
    FormatError
        The labels have none of these forms.
    """
    check_classes(labels, file)
    if labels.ndim == 1:
        return labels
    width = labels.shape[1]
    if width == 1:
        return labels[:, 0]
    if _is_one_hot(labels):
        classes: Array = labels.argmax(axis=1).astype(np.uint8 if width <= 256 else np.int32)
        return classes
    if width == _QMNIST and _is_qmnist(labels):
        return labels
    raise FormatError(
        f"has labels of the shape {labels.shape} that are neither one-hot nor QMNIST's; expected"
        " one integer for each sample: (n,). Save the column that holds the class alone:"
        " labels[:, k]",
        file=file,
    )


def _is_qmnist(labels: Array) -> bool:
    digits = labels[:, 0]
    series = labels[:, 1]
    is_said = digits.min() >= 0 and digits.max() <= 9 and series.min() >= 0 and series.max() <= 8
    # Rows that hold only 0 and 1 are eight multi-label flags.
    return bool(labels.dtype.newbyteorder("=") == np.int32 and is_said and labels.max() > 1)


def _is_one_hot(labels: Array) -> bool:
    if not labels.size:
        return bool(labels.shape[1])
    return bool(
        labels.min() == 0 and labels.max() == 1 and (np.count_nonzero(labels, axis=1) == 1).all()
    )


def check_classes(labels: Array | IdxArray, file: str | None) -> None:
    """Raise FormatError if shape or dtype rule out labels, as those of images do."""
    if labels.ndim not in (1, 2) or labels.dtype.kind not in "iu":
        hint = "; are images and labels exchanged?" if labels.ndim > 2 else ""
        raise FormatError(
            f"holds {labels.dtype.name} of shape {labels.shape}, expected labels: one integer for"
            f" each picture{hint}",
            file=file,
        )
