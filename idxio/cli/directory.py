"""The four files of an MNIST-format dataset in a directory: found by their names, held against each other."""

from __future__ import annotations

import errno
import os
import re
from collections import defaultdict
from typing import Any, NamedTuple

import numpy as np

from ..errors import FormatError
from . import report

Array = np.ndarray[Any, np.dtype[Any]]

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
# Also with a dot, as in MNIST's own gzip headers; with a prefix and "test", as of EMNIST and QMNIST, whose labels
# are idx2-int.
_NAME = re.compile(r"(.*?)(train|t10k|test)-(images|labels)[-.]idx\d-\w+(\.gz|\.xz|\.bz2)?")
_ROLES = (("train", "images"), ("train", "labels"), ("t10k", "images"), ("t10k", "labels"))
_MAX_CLASSES = 1000  # more different labels are no classes


class Dataset(NamedTuple):
    """Images, uint8 of shape (n, ...), and labels, integers of shape (n,), to train and to test with."""

    train_images: Array
    train_labels: Array
    test_images: Array
    test_labels: Array


def find(directory: str) -> list[str]:
    """The paths of the four files, in the order of `Dataset`.

    Of several datasets the one with the shortest prefix is taken. Raises FileNotFoundError, naming what is missing.
    """
    datasets: dict[str, dict[tuple[str, str], str]] = defaultdict(dict)
    # Sorted so that a raw file, read faster, is taken before its compressed copy.
    for name in sorted(os.listdir(directory), key=lambda name: (len(name), name)):
        if match := _NAME.fullmatch(name):
            prefix, split, kind, _ = match.groups()
            datasets[prefix].setdefault((split.replace("test", "t10k"), kind), os.path.join(directory, name))
    for _, files in sorted(datasets.items(), key=lambda item: (len(item[0]), item[0])):
        if len(files) == len(_ROLES):
            return [files[role] for role in _ROLES]
    some = max(datasets.values(), key=len, default={})
    missing = ", ".join(f"{name}[.gz]" for name, role in zip(NAMES, _ROLES, strict=True) if role not in some)
    raise FileNotFoundError(errno.ENOENT, f"has no {missing}", directory)


def check(files: list[str], arrays: list[Array]) -> Dataset:
    """The dataset of the arrays of the four files, if they belong together; FormatError otherwise."""
    for images, labels in ((0, 1), (2, 3)):
        if arrays[labels].ndim == 2:
            arrays[labels] = arrays[labels][:, 0]  # QMNIST: the class, then who wrote it and where
        _check_images(arrays[images], files[images])
        _check_labels(arrays[labels], files[labels], len(arrays[images]))
    data = Dataset(*arrays)
    if data.train_images.shape[1:] != data.test_images.shape[1:]:
        raise FormatError(
            f"has images of {report.dimensions(data.test_images.shape[1:])}; those to train with have "
            f"{report.dimensions(data.train_images.shape[1:])}",
            file=files[2],
        )
    return data


def _check_images(images: Array, file: str) -> None:
    if images.ndim < 3 or images.dtype != np.uint8 or not images.size:
        raise FormatError(
            f"holds {report.dimensions(images.shape)} {images.dtype.name}, expected images: "
            "count x height x width uint8",
            file=file,
        )


def _check_labels(labels: Array, file: str, count: int) -> None:
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise FormatError(
            f"holds {report.dimensions(labels.shape)} {labels.dtype.name}, expected labels: count integers",
            file=file,
        )
    if len(labels) != count:
        raise FormatError(f"has {len(labels):,} labels for {count:,} images", file=file)
    if (classes := len(np.unique(labels))) > _MAX_CLASSES:
        raise FormatError(f"has {classes:,} different labels, expected at most {_MAX_CLASSES:,}", file=file)
