"""Transforms of images, applied in the native pass that gathers, casts and scales them.

A transform is a frozen dataclass with one method, `native`: it makes a kernel of
`_native/transforms` for images of one shape and one key of random numbers. What it draws for a
sample is a function of that key and the sample's position in the epoch, so it is the same for any
threads, ranks and batch size, and after a resume. A change of what is drawn needs another
`samplers.VERSION`, as a change of the order does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .._native import permutation
from .._native import transforms as kernels
from . import keys

# More along an axis are no channels.
_MOST_CHANNELS = 4


class ImageShape(NamedTuple):
    """An image as bytes: planes of lines of pixels."""

    planes: int
    height: int
    width: int
    pixel: int  # bytes

    @classmethod
    def of(cls, record_shape: tuple[int, ...], itemsize: int) -> ImageShape:
        """Raises ValueError for a record that is no image, or one with channels nobody can tell."""
        if len(record_shape) == 2:
            return cls(1, *record_shape, itemsize)
        forms = "(height, width), (height, width, channels) or (channels, height, width)"
        expected = (
            f"augment needs images, records of shape {forms} with 1 to {_MOST_CHANNELS} channels"
        )
        if len(record_shape) != 3:
            raise ValueError(f"{expected}; these have shape {record_shape}")
        is_first = 1 <= record_shape[0] <= _MOST_CHANNELS
        is_last = 1 <= record_shape[2] <= _MOST_CHANNELS
        if is_first == is_last:
            which = (
                "either end could be the channels" if is_first else "neither end can be channels"
            )
            raise ValueError(f"{expected}; these have shape {record_shape}, where {which}")
        if is_first:
            return cls(*record_shape, itemsize)
        height, width, channels = record_shape
        return cls(1, height, width, channels * itemsize)


class Transform:
    """What `augment` of `Dataset.batches` takes."""

    def native(self, shape: ImageShape, key: int, then: kernels.Kernel | None) -> kernels.Kernel:
        """The kernel for images of this shape, which hands them on to `then`."""
        raise NotImplementedError


@dataclass(frozen=True)
class _RandomFlip(Transform):
    p: float = 0.5

    def __post_init__(self) -> None:
        try:
            is_probability = 0 <= self.p <= 1
        except TypeError:
            is_probability = False
        if not is_probability:
            raise ValueError(f"p of {type(self).__name__} is a number from 0 to 1, not {self.p!r}")

    @property
    def _below(self) -> int:
        """Of 2^53 numbers that can be drawn, those that mean a flip."""
        return int(float(self.p) * (1 << 53))


class RandomHorizontalFlip(_RandomFlip):
    """Turn an image left to right with probability p, each image on its own.

    Parameters
    ----------
    p : float
        The probability of a flip, 0 to 1.

    Examples
    --------
    >>> import idxio, numpy as np
    >>> from idxio.transforms import RandomHorizontalFlip
    >>> ds = idxio.Dataset(np.arange(8, dtype=np.uint8).reshape(2, 2, 2), [0, 1])
    >>> [images.tolist() for images, _ in ds.batches(1, augment=[RandomHorizontalFlip(p=1)])]
    [[[[1, 0], [3, 2]]], [[[5, 4], [7, 6]]]]
    """

    __module__ = "idxio.transforms"

    def native(self, shape: ImageShape, key: int, then: kernels.Kernel | None) -> kernels.Kernel:
        lines = shape.planes * shape.height
        return kernels.flip(key, self._below, lines, shape.width, shape.pixel, then)


class RandomVerticalFlip(_RandomFlip):
    """Turn an image upside down with probability p, each image on its own.

    Parameters
    ----------
    p : float
        The probability of a flip, 0 to 1.

    Examples
    --------
    >>> import idxio, numpy as np
    >>> from idxio.transforms import RandomVerticalFlip
    >>> ds = idxio.Dataset(np.arange(8, dtype=np.uint8).reshape(2, 2, 2), [0, 1])
    >>> [images.tolist() for images, _ in ds.batches(1, augment=[RandomVerticalFlip(p=1)])]
    [[[[2, 3], [0, 1]]], [[[6, 7], [4, 5]]]]
    """

    __module__ = "idxio.transforms"

    def native(self, shape: ImageShape, key: int, then: kernels.Kernel | None) -> kernels.Kernel:
        line = shape.width * shape.pixel
        return kernels.flip(key, self._below, shape.planes, shape.height, line, then)


class Augmentation:
    """The transforms of a loop, in order, for records of one type and shape."""

    def __init__(
        self,
        transforms: Sequence[Transform],
        dtype: np.dtype[Any],
        record_shape: tuple[int, ...],
        seed: int,
    ) -> None:
        if dtype.hasobject:
            raise ValueError(f"augment moves the bytes of elements, which {dtype} has none of")
        self._transforms = tuple(transforms)
        self._shape = ImageShape.of(record_shape, dtype.itemsize)
        self._seed = seed

    def in_epoch(self, epoch: int) -> kernels.Kernel:
        """The first kernel, with the key of an epoch; it hands on to the others."""
        first = None
        for number in reversed(range(len(self._transforms))):
            key = permutation.key(self._seed, epoch, keys.TRANSFORMS, number)
            first = self._transforms[number].native(self._shape, key, first)
        assert first is not None
        return first


def as_transforms(augment: Any) -> tuple[Transform, ...]:
    """The transforms of a caller; raises TypeError for anything else."""
    transforms = () if augment is None else augment
    if isinstance(transforms, Transform) or not isinstance(transforms, Sequence):
        raise TypeError(f"augment is a list of transforms of idxio.transforms, not {augment!r}")
    for transform in transforms:
        if not isinstance(transform, Transform):
            raise TypeError(f"augment holds transforms of idxio.transforms, not {transform!r}")
    return tuple(transforms)
