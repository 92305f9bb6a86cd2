"""Mean and standard deviation of pixels by channel, in one pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .._native import row_stats
from .._util.sizes import record_nbytes, records_in
from .._util.threads import check_threads, on_threads
from .._util.types import Array
from ..core.array import IdxArray
from ..core.selection import ArrayLike
from ..loader.materialize import Materialized, needs_windows
from ..loader.transforms import ImageShape

_PIECE = 1 << 20  # bytes of pixels at a time: they stay in the cache


class Stats(NamedTuple):
    """Mean and standard deviation of the pixels of each channel."""

    mean: float | Array
    """One number; or of channels that come last, shape (channels,), and of channels that come
    first, (channels, 1, 1)."""
    std: float | Array
    """The same of the standard deviation (of the population: the divisor is n)."""


class Moments:
    """Mean and standard deviation, lowest and highest pixel of records that are added by blocks."""

    def __init__(self, record_shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._axis, self._channels = _channels(record_shape)
        self.histograms: Array | None = None
        """uint64 of shape (channels, 256): how often each value occurs; None if not uint8."""
        if dtype == np.uint8:
            self.histograms = np.zeros((self._channels, 256), np.uint64)
        # of all other types
        self._count = 0
        self._mean = np.zeros(self._channels)
        self._squares = np.zeros(self._channels)
        self._lowest = np.inf
        self._highest = -np.inf

    def add(self, block: Array) -> None:
        """Add records."""
        if not block.size:
            return
        if self._axis == 0:
            block = np.moveaxis(block, 1, -1)
        values = block.reshape(-1, self._channels)
        if self.histograms is not None:
            row_stats.count_values(np.ascontiguousarray(values), self.histograms)
            return
        with np.errstate(all="ignore"):  # NaN and infinity
            numbers = values.astype(np.float64)
            finite = numbers[np.isfinite(numbers)] if values.dtype.kind == "f" else numbers
            self._lowest = min(self._lowest, finite.min(initial=np.inf))
            self._highest = max(self._highest, finite.max(initial=-np.inf))
            mean = numbers.mean(axis=0)
            numbers -= mean
            self._merge(len(values), mean, np.einsum("ij,ij->j", numbers, numbers))

    def join(self, other: Moments) -> None:
        """Add what another has seen of the same records."""
        if self.histograms is not None and other.histograms is not None:
            self.histograms += other.histograms
        elif other._count:
            self._lowest = min(self._lowest, other._lowest)
            self._highest = max(self._highest, other._highest)
            with np.errstate(all="ignore"):
                self._merge(other._count, other._mean, other._squares)

    def _merge(self, count: int, mean: Array, squares: Array) -> None:
        """Chan, Golub, LeVeque: Updating Formulae and a Pairwise Algorithm (1979), 2.1."""
        whole = self._count + count
        difference = mean - self._mean
        self._mean = self._mean + difference * (count / whole)
        self._squares = self._squares + squares + difference**2 * (self._count * (count / whole))
        self._count = whole

    @property
    def span(self) -> tuple[float, float]:
        """The lowest and the highest finite pixel; NaN where there is none."""
        if self.histograms is not None:
            values = np.flatnonzero(self.histograms.sum(axis=0))
            return (float(values[0]), float(values[-1])) if len(values) else (np.nan, np.nan)
        if self._lowest > self._highest:
            return np.nan, np.nan
        return float(self._lowest), float(self._highest)

    def stats(self, scale: npt.ArrayLike | None = None) -> Stats:
        """Mean and standard deviation of ``x * scale``; NaN of no pixels."""
        mean, variance = self._exact() if self.histograms is not None else self._merged()
        std = np.sqrt(variance)
        if self._axis is None:
            mean, std = mean[0], std[0]
        elif self._axis == 0:
            mean, std = mean[:, None, None], std[:, None, None]
        factor = np.asarray(1 if scale is None else scale, np.float64)
        scaled = (np.asarray(mean * factor), np.asarray(std * np.abs(factor)))
        return Stats(*(x if x.ndim else float(x) for x in scaled))

    def _merged(self) -> tuple[Array, Array]:
        with np.errstate(all="ignore"):
            count = self._count or np.nan
            return self._mean * count / count, self._squares / count

    def _exact(self) -> tuple[Array, Array]:
        """Mean and variance from the histograms, in Python's integers."""
        moments = []
        assert self.histograms is not None
        for histogram in self.histograms.tolist():
            count = sum(histogram)
            total = sum(value * n for value, n in enumerate(histogram))
            squares = sum(value * value * n for value, n in enumerate(histogram))
            if count:
                moments.append((total / count, (count * squares - total * total) / count**2))
            else:
                moments.append((np.nan, np.nan))
        mean, variance = np.array(moments).T
        return mean, variance


def moments_of(images: Materialized, threads: int | None = None) -> Moments:
    """Those of all images, of which compressed ones are read as batches read them."""
    source = images.images
    shape = source.shape[1:]
    whole = Moments(shape, source.dtype)
    if needs_windows(source, None):
        for block in _blocks(source):
            whole.add(block)
        return whole
    held = images.get()
    step = records_in(_PIECE, record_nbytes(source.shape, source.dtype))
    starts = range(0, len(held), step)
    parts = {start: Moments(shape, source.dtype) for start in starts}
    on_threads(
        lambda start: parts[start].add(np.asarray(held[start : start + step])),
        starts,
        check_threads(threads),
    )
    for start in starts:  # in order, so that the threads do not change the last digit
        whole.join(parts[start])
    return whole


def _blocks(images: ArrayLike) -> Iterator[Array]:
    """The records, in order, in blocks."""
    step = records_in(_PIECE, record_nbytes(images.shape, images.dtype))
    if isinstance(images, IdxArray):
        yield from images.iter_records(step)
        return
    for start in range(0, len(images), step):
        yield np.asarray(images[start : start + step])


def _channels(record_shape: tuple[int, ...]) -> tuple[int | None, int]:
    """Which axis of a record is its channels (0 or 2), and how many there are; None and 1 where
    there are none, or nobody can tell.
    """
    try:
        shape = ImageShape.of(record_shape, np.dtype(np.uint8))
    except ValueError:
        return None, 1
    if shape.planes > 1:
        return 0, shape.planes
    if shape.channels > 1:
        return 2, shape.channels
    return None, 1
