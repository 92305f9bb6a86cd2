"""The four files of an MNIST-format dataset in a directory, held against each other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..._util.types import Array
from ...core.coerce import check_classes, class_column
from ...datasets.discovery import find_pair
from ...datasets.validation.statistics import MAX_CLASSES
from ...errors import FormatError
from ..text import dimensions

NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


class Dataset(NamedTuple):
    """Images, uint8 of shape (n, ...), and labels, integers of shape (n,), to train and to test
    with.
    """

    train_images: Array
    train_labels: Array
    test_images: Array
    test_labels: Array


def find(directory: str) -> list[str]:
    """The paths of the four files, in the order of `Dataset`. Raises what `find_pair` does."""
    return [*find_pair(directory, "train"), *find_pair(directory, "test")]


def check(files: list[str], arrays: list[Array]) -> Dataset:
    """Make the dataset of the four arrays; FormatError unless they belong together."""
    for images, labels in ((0, 1), (2, 3)):
        check_classes(arrays[labels], files[labels])
        arrays[labels] = class_column(arrays[labels], files[labels])
        _check_images(arrays[images], files[images])
        _check_labels(arrays[labels], files[labels], len(arrays[images]))
    data = Dataset(*arrays)
    if data.train_images.shape[1:] != data.test_images.shape[1:]:
        raise FormatError(
            f"has images of {dimensions(data.test_images.shape[1:])}; those to train with have "
            f"{dimensions(data.train_images.shape[1:])}",
            file=files[2],
        )
    return data


def _check_images(images: Array, file: str) -> None:
    if images.ndim < 3 or images.dtype != np.uint8 or not images.size:
        raise FormatError(
            f"holds {dimensions(images.shape)} {images.dtype.name}, expected images: count x height"
            " x width uint8",
            file=file,
        )


def _check_labels(labels: Array, file: str, count: int) -> None:
    if len(labels) != count:
        raise FormatError(f"has {len(labels):,} labels for {count:,} images", file=file)
    if (classes := len(np.unique(labels))) > MAX_CLASSES:
        raise FormatError(
            f"has {classes:,} different labels, expected at most {MAX_CLASSES:,}", file=file
        )
