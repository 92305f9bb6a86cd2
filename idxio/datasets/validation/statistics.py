"""collect_statistics(): one pass over the images and labels of a split."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..._native import inflate, row_stats
from ..._util.types import Array
from ...core.array import IdxArray, open_array
from ...core.checksums import known_file
from ...core.coerce import check_classes, class_column
from ...core.header import format_header
from ...errors import FormatError
from ..moments import Moments, Stats
from .byte_order import PixelOrder, are_labels_reversed

MAX_CLASSES = 1000  # more different labels are no classes
# Bytes of a block: it stays in the cache for all loops, and is large beside their overhead.
_PIECE = 1 << 20
# Bytes for the sums of each class; of larger pictures only the sum over all classes is kept.
_MOST_SUMS = 64 << 20


class Statistics(NamedTuple):
    """The labels of a split, and a few bytes about each picture."""

    images_file: str
    labels_file: str
    shape: tuple[int, ...]
    """The shape of the images: count, height, width, and channels if there are any."""
    dtype: np.dtype[Any]
    """The type of the pixels."""
    labels: Array
    """int64 of shape (n,). Of QMNIST's eight numbers the first."""
    classes: Array
    """int64 of shape (k,): the labels that occur, ascending."""
    counts: Array
    """int64 of shape (k,): how many pictures each class has."""
    hashes: Array
    """uint64 of shape (n,): equal pictures have equal ones."""
    constant: Array
    """bool of shape (n,): all elements of the picture are the same."""
    sums: Array | None
    """uint64 of shape ``(k, *shape[1:])``, the sum of the pictures of each class; or of shape
    ``(1, *shape[1:])``, the sum of all pictures, if the former took more than 64 MiB; None where
    pixels are not uint8."""
    histograms: Array | None
    """uint64 of shape (channels, 256): how often each value occurs; None where pixels are not
    uint8."""
    stats: Stats
    """Mean and standard deviation of each channel, as `Dataset.stats` has them."""
    span: tuple[float, float]
    """The lowest and the highest pixel that is finite."""
    crc32: tuple[int, int]
    """The CRC-32 of the images and the labels as unpacked files."""
    known: tuple[str | None, str | None]
    """The names of the images and the labels as published files, by their CRC-32."""
    finite: Array | None
    """bool of shape (n,): no element is NaN or infinite; None where pixels are integers."""
    reversed: tuple[bool, bool]
    """Whether images and labels look as if they had been written little-endian."""

    def __repr__(self) -> str:
        return f"<Statistics of {self.title}>"

    @property
    def title(self) -> str:
        """Shape, type and number of classes in a few words."""
        shape = " x ".join(map(str, self.shape))
        return f"{shape} {self.dtype.name}, {len(self.classes)} classes"

    @property
    def is_sorted(self) -> bool:
        """Whether the labels ascend."""
        return bool((self.labels[1:] >= self.labels[:-1]).all())

    @property
    def histogram(self) -> Array | None:
        """uint64 of shape (256,): how often each value occurs in all channels; or None."""
        return None if self.histograms is None else self.histograms.sum(axis=0, dtype=np.uint64)

    @property
    def runs(self) -> Array:
        """The lengths of the runs of one label."""
        starts = np.flatnonzero(np.diff(self.labels)) + 1
        return np.diff(np.concatenate(([0], starts, [len(self.labels)])))

    @property
    def mean_picture(self) -> Array | None:
        """float64 of shape (height, width): the mean over all pictures and channels; or None."""
        if self.sums is None:
            return None
        mean: Array = self.sums.sum(axis=0) / self.shape[0]
        return mean.mean(axis=2) if mean.ndim == 3 else mean

    @property
    def class_means(self) -> Array | None:
        """float64 of shape ``(k, *shape[1:])``: the mean picture of each class; None without
        sums.
        """
        if self.sums is None or len(self.sums) != len(self.classes):
            return None
        means: Array = self.sums / self.counts.reshape(-1, *[1] * (len(self.shape) - 1))
        return means


def collect_statistics(
    images: str, labels: str, *, progress: Callable[[int], None] | None = None
) -> Statistics:
    """Read the images and labels of one split once, a block at a time.

    Parameters
    ----------
    images, labels : path
    progress : callable, optional
        Called with the number of pixel bytes of each block.

    Raises
    ------
    OSError, IdxError
        A file is damaged, or images are not of shape (n, height, width[, channels]), or labels are
        not n integers.
    """
    with open_array(labels) as f:
        if not f.size:
            raise FormatError("holds no label", file=f.name)
        check_classes(f, f.name)
        stored = f.read()
        labels_crc = _crc(stored, _header_crc(f))
        labels_known = _known(f, labels_crc)
    values = np.ascontiguousarray(class_column(stored, labels)).astype(np.int64)
    classes, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    if len(classes) > MAX_CLASSES:
        hint = "; they count up from 0, as numbers of records do" if counts_up(values) else ""
        raise FormatError(
            f"has {len(classes):,} different labels, expected at most {MAX_CLASSES:,}{hint}",
            file=labels,
        )
    with open_array(images) as f:
        _check_images(f, len(values), labels)
        finite = np.empty(len(values), np.bool_) if f.dtype.kind == "f" else None
        order = PixelOrder()
        moments = Moments(f.shape[1:], f.dtype)
        figures, crc = _pass(
            f, index.astype(np.int64), len(classes), finite, order, moments, progress
        )
        return Statistics(
            images,
            labels,
            f.shape,
            f.dtype,
            values,
            classes,
            counts,
            *figures,
            moments.histograms,
            moments.stats(),
            moments.span,
            (crc, labels_crc),
            (_known(f, crc), labels_known),
            finite,
            (order.is_reversed, are_labels_reversed(class_column(stored, labels))),
        )


def counts_up(labels: Array) -> bool:
    """Whether labels are 0, 1, 2, …"""
    return np.array_equal(labels, np.arange(len(labels)))


def _pass(
    f: IdxArray,
    index: Array,
    classes: int,
    finite: Array | None,
    order: PixelOrder,
    moments: Moments,
    progress: Callable[[int], None] | None,
) -> tuple[tuple[Array, Array, Array | None], int]:
    """Hashes, constant and sums of the images, and the CRC-32 of the unpacked file.

    Fills finite, order and moments.
    """
    count = f.shape[0]
    size = f.nbytes // count
    pixels = f.dtype == np.uint8
    if classes * size * 8 > _MOST_SUMS:
        index = np.zeros(count, np.int64)
        classes = 1
    hashes = np.empty(count, np.uint64)
    constant = np.empty(count, np.uint8)
    columns = size if pixels else 0
    sums = np.zeros((classes, columns), np.uint64)
    crc = _header_crc(f)
    start = 0
    for block in f.iter_records(max(1, _PIECE // size)):
        data = block.reshape(len(block), -1).view(np.uint8)
        part = slice(start, start + len(block))
        row_stats.hash_rows(data, hashes[part])
        row_stats.constant_rows(data, f.dtype.itemsize, constant[part])
        if pixels:
            row_stats.sum_rows(data, index[part], sums)
        moments.add(block)
        if finite is not None:
            np.isfinite(block).reshape(len(block), -1).all(axis=1, out=finite[part])
        if f.dtype.itemsize > 1:
            order.add(block)
        crc = _crc(block, crc)
        start += len(block)
        if progress is not None:
            progress(data.size)
    flags = constant.view(np.bool_)
    return (hashes, flags, sums.reshape(-1, *f.shape[1:]) if pixels else None), crc


def _header_crc(f: IdxArray) -> int:
    """The CRC-32 of the header, with which that of the file begins."""
    return inflate.crc32(format_header(f.dtype, f.shape))


def _crc(array: Array, crc: int) -> int:
    """Continue a CRC-32 with an array in the byte order of the file, big-endian."""
    stored = array.astype(array.dtype.newbyteorder(">"), copy=False)
    return inflate.crc32(stored.reshape(-1).view(np.uint8), crc)


def _known(f: IdxArray, crc: int) -> str | None:
    """The name of the published file with this content, if any."""
    return known_file(crc, len(format_header(f.dtype, f.shape)) + f.nbytes)


def _check_images(f: IdxArray, count: int, labels: str) -> None:
    """Raise unless a file holds count images with pixels."""
    if f.ndim not in (3, 4):
        raise FormatError(
            f"holds {f.shape} {f.dtype.name}, expected images: (count, height, width) or "
            "(count, height, width, channels)",
            file=f.name,
        )
    if f.shape[0] != count:
        raise FormatError(
            f"has {f.shape[0]:,} images for the {count:,} labels of {labels}", file=f.name
        )
    if not f.size:
        raise FormatError(f"holds {f.shape}: no pixel", file=f.name)
