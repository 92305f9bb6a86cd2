"""What a caller may give as images and labels: arrays, open files, or files to open."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from .array import IdxArray, open_array
from .errors import FormatError
from .selection import ArrayLike, Selection

Array = np.ndarray[Any, np.dtype[Any]]

# Columns of its labels: the class, who wrote the digit, and where in NIST it is.
_QMNIST = 8


def as_records(data: Any) -> ArrayLike:
    """An array or an open file for whatever was given: a list is an array, a path is opened."""
    if isinstance(data, (np.ndarray, IdxArray, Selection)):
        return data
    if isinstance(data, (list, tuple)) or (hasattr(data, "__array__") and not isinstance(data, (str, bytes))):
        return np.asarray(data)
    if not isinstance(data, (str, os.PathLike, bytes, bytearray, memoryview)) and not hasattr(data, "read"):
        raise TypeError(f"images and labels are arrays or files, not {type(data).__name__}")
    return open_array(data)


def as_labels(data: Any) -> Array:
    """Labels in memory, in native byte order: one integer for each sample. Raises ValueError for anything else."""
    if isinstance(data, (list, tuple)) and not data:
        return np.empty(0, np.uint8)
    records = as_records(data)
    name = f"{records.name}: " if isinstance(records, IdxArray) else ""
    if records.ndim != 1:
        hint = ""
        if records.ndim == 2:
            hint = ". Of QMNIST's, the class is the first of each row: labels[:, 0]; of one-hot ones, labels.argmax(1)"
        raise ValueError(f"{name}labels have the shape {records.shape}, expected one for each sample: (n,){hint}")
    if records.dtype.kind not in "iu":
        raise ValueError(f"{name}labels are {records.dtype}, expected integers; labels.astype('uint8') may be them")
    labels: Array = np.asarray(records)
    return labels.astype(labels.dtype.newbyteorder("="), copy=False)


def read_classes(file: str) -> Array:
    """The class of each sample in a label file, as `class_column` has it."""
    with open_array(file) as f:
        check_classes(f, file)
        return class_column(f.read())


def class_column(labels: Array) -> Array:
    """The class of each sample, of labels that `check_classes` lets pass: of QMNIST's, which have eight, the first."""
    return labels[:, 0] if labels.ndim == 2 else labels


def check_classes(labels: Array | IdxArray, file: str) -> None:
    """Raise FormatError if these are no labels, but images for example. Reads nothing."""
    if labels.dtype.kind in "iu" and labels.ndim == 2 and labels.shape[1] == _QMNIST:
        return
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        hint = ""
        if labels.ndim > 2:
            hint = "; are images and labels exchanged?"
        elif labels.ndim == 2:
            hint = f", or QMNIST's {_QMNIST}; of one-hot ones, labels.argmax(1) are such"
        raise FormatError(
            f"holds {labels.dtype.name} of shape {labels.shape}, expected labels: one integer for each picture{hint}",
            file=file,
        )
