"""The transforms of whole batches, `MixUp` and `CutMix`: each sample is mixed with the one before.

They come behind the transforms of single images, on the batch that is made. What they draw is a
function of the seed, the epoch and the position in the order of all ranks where the batch begins:
the same for any threads and after a resume with the same batch size and ranks. The share of the
first sample is Beta(alpha, alpha) distributed, by two draws u and v: for alpha > 1/2

    (1 + sqrt(1 - u^(2 / (2 alpha - 1))) cos(2 pi v)) / 2

(G. Ulrich 1984, in L. Devroye, Random variate generation in one line of code, 1996), else by
Joehnk's method of 1964, which takes u^(1/alpha) and v^(1/alpha), and draws again where their sum is
above 1. Libraries of mathematics differ in the last bit of these, so it is rounded to 20 bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .._native import permutation
from .._util.types import Array
from . import keys
from .transforms import ImageShape, Transform, lines_axis

Draw = Callable[[int], float]
"""The k-th number that is drawn for a batch, 0 to 1 without 1: 53 bits."""

_SHARES = 1 << 20


@dataclass(frozen=True)
class BatchTransform(Transform):
    """What mixes the samples of a batch."""

    alpha: float = 1.0

    needs_floats: ClassVar[bool] = False
    """Whether it takes batches of floats only."""
    needs_images: ClassVar[bool] = False
    """Whether it takes no records but images."""

    def __post_init__(self) -> None:
        try:
            is_good = bool(0 < self.alpha < math.inf)
        except (TypeError, ValueError):
            is_good = False
        if not is_good:
            name = type(self).__name__
            raise ValueError(f"alpha of {name} is a number above 0, not {self.alpha!r}")

    def mix(self, images: Array, axis: int, draw: Draw) -> float:
        """Mix the images of a batch in place; the share that each keeps of its own.

        axis: that of the lines, with the pixels of a line behind it.
        """
        raise NotImplementedError


class MixUp(BatchTransform):
    """Mix each image of a batch, and its label, with the sample before it.

    Each becomes ``x * share + y * (1 - share)``, with one share for all of the batch, drawn from
    Beta(alpha, alpha). Images are those of the batch, cast and scaled; labels are one-hot.
    H. Zhang and others: mixup: Beyond Empirical Risk Minimization, 2018, arXiv:1710.09412.

    Parameters
    ----------
    alpha : float
        Above 0. With 1 all shares are equally likely; with less, most are near 0 or 1.

    Examples
    --------
    >>> import idxio, numpy as np
    >>> from idxio.transforms import MixUp
    >>> ds = idxio.Dataset(np.array([[[0]], [[200]]], np.uint8), [0, 1])
    >>> ((images, labels),) = ds.batches(2, dtype="float32", one_hot=True, augment=[MixUp()])
    >>> [f"{x:.1f}" for x in images.ravel()], [f"{share:.4f}" for share in labels[0]]
    (['64.1', '135.9'], ['0.6794', '0.3206'])
    """

    __module__ = "idxio.transforms"
    needs_floats = True

    def mix(self, images: Array, axis: int, draw: Draw) -> float:
        share = _share(self.alpha, draw)
        blend(images, share)
        return share


class CutMix(BatchTransform):
    """Put a rectangle of the image before into each image of a batch, and mix the labels.

    The rectangle is the same for all of the batch. It covers 1 - share of the area, with the share
    drawn from Beta(alpha, alpha), and is cut off at the edges; labels, which are one-hot, are mixed
    by the area that is covered then.
    S. Yun and others: CutMix, 2019, arXiv:1905.04899.

    Parameters
    ----------
    alpha : float
        Above 0. With 1 all shares are equally likely; with less, most are near 0 or 1.

    Examples
    --------
    >>> import idxio, numpy as np
    >>> from idxio.transforms import CutMix
    >>> ds = idxio.Dataset(np.array([[[0] * 4] * 4, [[9] * 4] * 4], np.uint8), [0, 1])
    >>> ((images, labels),) = ds.batches(2, one_hot=True, augment=[CutMix()])
    >>> images[0].tolist(), labels[0].tolist()
    ([[0, 9, 9, 0], [0, 9, 9, 0], [0, 0, 0, 0], [0, 0, 0, 0]], [0.75, 0.25])
    """

    __module__ = "idxio.transforms"
    needs_images = True

    def mix(self, images: Array, axis: int, draw: Draw) -> float:
        half = math.sqrt(1 - _share(self.alpha, draw)) / 2
        height, width = images.shape[axis : axis + 2]
        # behind the draws of the share, of which there may be many
        top, bottom = _span(height, half, draw(-1))
        left, right = _span(width, half, draw(-2))
        where = (*[slice(None)] * axis, slice(top, bottom), slice(left, right))
        images[where] = np.roll(images[where], 1, axis=0)
        area = height * width
        return 1 - (bottom - top) * (right - left) / area if area else 1.0


class Mixing:
    """The transforms of the batches of a loop, in order."""

    def __init__(
        self,
        transforms: Sequence[BatchTransform],
        dtype: np.dtype[Any],
        record_shape: tuple[int, ...],
        seed: int,
        one_hot: int,
    ) -> None:
        """dtype, record_shape: of the images of a batch.

        Raises ValueError for what can't be mixed.
        """
        self._transforms = tuple(transforms)
        self._seed = seed
        for transform in transforms:
            name = type(transform).__name__
            if not one_hot:
                raise ValueError(
                    f"{name} mixes labels, which become shares of classes: give one_hot=True, too"
                )
            if transform.needs_floats and dtype.kind != "f":
                raise ValueError(
                    f"{name} makes fractions, and batches are {dtype}: give dtype='float32', too"
                )
            if transform.needs_images:
                ImageShape.of(record_shape, dtype)
        self._axis = lines_axis(record_shape)

    def apply(self, images: Array, labels: Array, epoch: int, position: int) -> None:
        """Mix a batch that begins at a position of the order of all ranks, in place.

        images: as they are stored, with one axis more; labels: one-hot rows.
        """
        for number, transform in enumerate(self._transforms):

            def draw(k: int, number: int = number) -> float:
                words = (self._seed, epoch, keys.MIXING, number, position, k % (1 << 64))
                return (permutation.key(*words) >> 11) * 2.0**-53

            blend(labels, transform.mix(images, self._axis, draw))


def blend(rows: Array, share: float) -> None:
    """Make of each row, in place, a share of it and the rest of the row before it."""
    kind = rows.dtype.type
    before = np.roll(rows, 1, axis=0)
    np.multiply(rows, kind(share), out=rows)
    np.multiply(before, kind(1 - share), out=before)
    np.add(rows, before, out=rows)


def _share(alpha: float, draw: Draw) -> float:
    """A number of 20 bits, Beta(alpha, alpha) distributed."""
    share = _ulrich(alpha, draw) if alpha > 0.5 else _joehnk(alpha, draw)
    return round(share * _SHARES) / _SHARES


def _ulrich(alpha: float, draw: Draw) -> float:
    radius = math.sqrt(1 - math.pow(draw(0), 2 / (2 * alpha - 1)))
    return (1 + radius * math.cos(2 * math.pi * draw(1))) / 2


def _joehnk(alpha: float, draw: Draw) -> float:
    k = 0
    while True:
        # of logarithms, as the powers of small alpha are smaller than any number
        x, y = (math.log(1 - draw(k + i)) / alpha for i in (0, 1))
        k += 2
        top = max(x, y)
        total = top + math.log(math.exp(x - top) + math.exp(y - top))
        if total <= 0:
            return math.exp(x - total)


def _span(size: int, half: float, place: float) -> tuple[int, int]:
    """The pixels of a rectangle along an axis: around one of them, and no further than the ends."""
    middle = int(place * size)
    reach = int(half * size)
    return max(0, middle - reach), min(size, middle + reach)
