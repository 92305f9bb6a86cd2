"""survey(): what one pass over the images and labels of a split sees."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from ._native import inflate, rows
from .array import IdxArray, open_array
from .errors import FormatError
from .header import format_header
from .known import known_file

Array = np.ndarray[Any, np.dtype[Any]]

MAX_CLASSES = 1000  # more different labels are no classes
# One piece passes through all loops while it is in the cache, and is much beside the calls that it takes.
_PIECE = 1 << 20
# Bytes for the sums of each class; of larger pictures only the sum over all classes is kept.
_MOST_SUMS = 64 << 20


class Survey:
    """A split, surveyed: its labels, and of each picture what fits in a few bytes.

    Made by `survey`. The arrays are not copied; treat them as read-only.
    """

    images_file: str
    labels_file: str
    shape: tuple[int, ...]
    """The shape of the images: count, height, width, and channels if there are any."""
    dtype: np.dtype[Any]
    labels: Array
    """int64 of shape (n,). Of QMNIST's eight numbers the first."""
    hashes: Array
    """uint64 of shape (n,): equal pictures have equal ones."""
    constant: Array
    """bool of shape (n,): all elements of the picture are the same."""
    sums: Array | None
    """uint64 of shape (classes, *shape[1:]), the sum of the pictures of each class, or of shape (1, *shape[1:]) where
    that would be too much; None where pixels are not uint8."""
    histogram: Array | None
    """uint64 of shape (256,): how often each value occurs; None where pixels are not uint8."""
    known: tuple[str | None, str | None]
    """The published files that the images and the labels are, by their CRC-32."""

    @cached_property
    def classes(self) -> Array:
        """The labels that occur, in ascending order."""
        return np.unique(self.labels)

    @cached_property
    def counts(self) -> dict[int, int]:
        """How many pictures each class has."""
        classes, counts = np.unique(self.labels, return_counts=True)
        return dict(zip(classes.tolist(), counts.tolist(), strict=True))

    @cached_property
    def is_sorted(self) -> bool:
        """Whether the labels ascend."""
        return bool((self.labels[1:] >= self.labels[:-1]).all())

    @cached_property
    def runs(self) -> Array:
        """The lengths of the runs of one label."""
        starts = np.flatnonzero(self.labels[1:] != self.labels[:-1]) + 1
        return np.diff(np.concatenate(([0], starts, [len(self.labels)])))

    @cached_property
    def mean_picture(self) -> Array | None:
        """float64 of shape (height, width): the mean over all pictures and channels; None as `sums`."""
        if self.sums is None:
            return None
        mean: Array = self.sums.sum(axis=0) / self.shape[0]
        return mean.mean(axis=2) if mean.ndim == 3 else mean

    def class_means(self) -> dict[int, Array]:
        """The mean picture of each class, uint8 of shape[1:]; empty where the sums of classes were not kept."""
        if self.sums is None or len(self.sums) != len(self.classes):
            return {}
        counts = self.counts
        return {
            k: (total / counts[k]).round().astype(np.uint8)
            for k, total in zip(self.classes.tolist(), self.sums, strict=True)
        }


def survey(images: str, labels: str, *, progress: Callable[[int], None] | None = None) -> Survey:
    """Read the images and labels of one split once, block by block, in memory that does not grow with the pictures.

    Parameters
    ----------
    images, labels : path
    progress : callable, optional
        Called with the number of pixel bytes of each block.

    Raises
    ------
    OSError, IdxError
        A file is damaged, or is not what it should be: images of shape (n, height, width[, channels]), n integers.
    """
    with open_array(labels) as f:
        _check_labels(f)
        stored = f.read()
        known_labels = _known(f, _crc(stored, _header_crc(f)))
    with open_array(images) as f:
        _check_images(f, len(stored), labels)
        found = Survey()
        found.images_file, found.labels_file, found.shape, found.dtype = images, labels, f.shape, f.dtype
        found.labels = np.ascontiguousarray(stored if stored.ndim == 1 else stored[:, 0]).astype(np.int64)
        if len(found.classes) > MAX_CLASSES:
            raise FormatError(
                f"has {len(found.classes):,} different labels, expected at most {MAX_CLASSES:,}", file=labels
            )
        crc = _pass(f, found, progress)
        found.known = _known(f, crc), known_labels
    return found


def _pass(f: IdxArray, found: Survey, progress: Callable[[int], None] | None) -> int:
    """Fill found from the images; the CRC-32 of their file, unpacked."""
    count, size = f.shape[0], f.nbytes // f.shape[0]
    found.hashes = np.empty(count, np.uint64)
    constant = np.empty(count, np.uint8)
    pixels = f.dtype == np.uint8
    classes = found.classes if len(found.classes) * size * 8 <= _MOST_SUMS else found.classes[:1]
    # Searching the one class finds it or the place behind it: all pictures are summed as one.
    index = np.searchsorted(found.classes, found.labels) if len(classes) > 1 else np.zeros(count, np.int64)
    sums = np.zeros((len(classes), size), np.uint64)
    histogram = np.zeros(256, np.uint64)
    crc = _header_crc(f)
    start = 0
    for block in f.iter_records(max(1, _PIECE // size)):
        data = block.reshape(len(block), -1).view(np.uint8)
        part = slice(start, start + len(block))
        rows.hash_rows(data, found.hashes[part])
        rows.constant_rows(data, f.dtype.itemsize, constant[part])
        if pixels:
            rows.sum_rows(data, index[part], sums)
            rows.count_values(data.reshape(-1), histogram)
        crc = _crc(block, crc)
        start += len(block)
        if progress is not None:
            progress(data.size)
    found.constant = constant.view(np.bool_)
    found.sums = sums.reshape(len(classes), *f.shape[1:]) if pixels else None
    found.histogram = histogram if pixels else None
    return crc


def _header_crc(f: IdxArray) -> int:
    return inflate.crc32(format_header(f.dtype, f.shape))


def _crc(array: Array, crc: int) -> int:
    """The CRC-32 goes over the bytes as they are stored: big-endian."""
    return inflate.crc32(array.astype(array.dtype.newbyteorder(">"), copy=False).reshape(-1).view(np.uint8), crc)


def _known(f: IdxArray, crc: int) -> str | None:
    return known_file(crc, len(format_header(f.dtype, f.shape)) + f.nbytes)


def _check_labels(f: IdxArray) -> None:
    if f.ndim not in (1, 2) or f.dtype.kind not in "iu":
        raise FormatError(f"holds {f.shape} {f.dtype.name}, expected labels: one integer for each picture", file=f.name)
    if not f.size:
        raise FormatError("holds no label", file=f.name)


def _check_images(f: IdxArray, count: int, labels: str) -> None:
    if f.ndim not in (3, 4):
        raise FormatError(
            f"holds {f.shape} {f.dtype.name}, expected images: (count, height, width) or "
            "(count, height, width, channels)",
            file=f.name,
        )
    if f.shape[0] != count:
        raise FormatError(f"has {f.shape[0]:,} images for the {count:,} labels of {labels}", file=f.name)
    if not f.size:
        raise FormatError(f"holds {f.shape}: no pixel", file=f.name)
