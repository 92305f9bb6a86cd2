"""Transforms of images, applied in the native pass that gathers, casts and scales them.

A transform is a frozen dataclass with two methods. `made` tells the shape of what it makes of
images of one shape, and refuses those that it can't take; where it changes no shape and takes all
images, it need not be there. `native` makes a kernel of `_native/transforms` for images of that
shape and one key of random numbers. Flips are here; each other transform has a file of its own.

What it draws for a sample is a function of that key and the sample's position in the epoch, so it
is the same for any threads, ranks and batch size, and after a resume. A change of what is drawn
needs another `samplers.VERSION`, as a change of the order does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .._native import permutation
from .._native import transforms as kernels
from .._util.types import Array
from . import keys
from .channels import MOST, channel_ends, why_unclear


class ImageShape(NamedTuple):
    """Images of one type: planes of lines of pixels, each of some channels."""

    planes: int
    height: int
    width: int
    channels: int  # that lie together
    dtype: np.dtype[Any]  # of an element, as stored

    @property
    def pixel(self) -> int:
        """Bytes of a pixel."""
        return self.channels * self.dtype.itemsize

    @classmethod
    def of(cls, record_shape: tuple[int, ...], dtype: np.dtype[Any]) -> ImageShape:
        """Raises ValueError for a record that is no image, or one with channels nobody can tell."""
        if len(record_shape) == 2:
            return cls(1, *record_shape, 1, dtype)
        forms = "(height, width), (height, width, channels) or (channels, height, width)"
        expected = f"augment needs images, records of shape {forms} with 1 to {MOST} channels"
        if len(record_shape) != 3:
            raise ValueError(f"{expected}; these have shape {record_shape}")
        is_first, is_last = channel_ends(record_shape)
        if is_first == is_last:
            raise ValueError(
                f"{expected}; these have shape {record_shape}, where {why_unclear(is_first)}"
            )
        if is_first:
            return cls(*record_shape, 1, dtype)
        return cls(1, *record_shape, dtype)

    def record_shape(self, like: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of a record of these, with its axes as in another one."""
        if len(like) == 2:
            return (self.height, self.width)
        if channel_ends(like)[0]:
            return (self.planes, self.height, self.width)
        return (self.height, self.width, self.channels)


def lines_axis(record_shape: tuple[int, ...]) -> int:
    """The axis of the lines of images in a batch of such records: 2 behind channels, else 1."""
    return 2 if channel_ends(record_shape)[0] else 1


class Transform:
    """What `augment` of `Dataset.batches` takes."""

    def made(self, shape: ImageShape) -> ImageShape:
        """The shape of what it makes of images of this one; raises ValueError if it takes none."""
        return shape

    def native(self, shape: ImageShape, key: int, then: kernels.Kernel | None) -> kernels.Kernel:
        """The kernel for images of this shape, which hands them on to `then`."""
        raise NotImplementedError


def check_p(transform: Transform, p: Any) -> None:
    """Raise ValueError unless p of a transform is a probability."""
    try:
        is_probability = bool(0 <= p <= 1)
    except (TypeError, ValueError):
        is_probability = False
    if not is_probability:
        raise ValueError(f"p of {type(transform).__name__} is a number from 0 to 1, not {p!r}")


def chances(p: float) -> int:
    """Of 2^53 numbers that can be drawn, those that mean yes."""
    return int(float(p) * (1 << 53))


def pair(name: str, value: Any, least: float, most: float) -> None:
    """Raise ValueError unless value is two numbers in this range, the first no larger."""
    try:
        low, high = value
        is_good = bool(least <= low <= high <= most)
    except (TypeError, ValueError):
        is_good = False
    if not is_good:
        raise ValueError(
            f"{name} is a pair of numbers from {least} to {most}, the smaller one first, not "
            f"{value!r}"
        )


def stored_value(name: str, value: Any, dtype: np.dtype[Any]) -> Array:
    """A number of a caller's as one element of a type; raises ValueError where that can't be."""
    number = np.asarray(value)
    is_held = dtype.kind in "biufc" and number.dtype.kind in "biufO" and number.ndim == 0
    if is_held:
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                element: Array = number.astype(dtype)
            # Floats hold rounded numbers; an infinite one may be one that was too large.
            is_rounded = dtype.kind in "fc" and not np.isinf(element)
            is_held = is_rounded or bool(element == number)
        except (TypeError, ValueError, OverflowError):
            is_held = False
    if not is_held:
        raise ValueError(f"{name} is a number that images of {dtype} can hold, not {value!r}")
    return element


@dataclass(frozen=True)
class _RandomFlip(Transform):
    p: float = 0.5

    def __post_init__(self) -> None:
        check_p(self, self.p)


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
        return kernels.flip(key, chances(self.p), lines, shape.width, shape.pixel, then)


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
        return kernels.flip(key, chances(self.p), shape.planes, shape.height, line, then)


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
        self._seed = seed
        # What each transform gets, and what the last one makes.
        self._shapes = [ImageShape.of(record_shape, dtype)]
        for transform in self._transforms:
            self._shapes.append(transform.made(self._shapes[-1]))
        self.record_shape = self._shapes[-1].record_shape(record_shape)
        """The shape of an image when all are done."""

    def in_epoch(self, epoch: int) -> kernels.Kernel:
        """The first kernel, with the key of an epoch; it hands on to the others."""
        first = None
        for number in reversed(range(len(self._transforms))):
            key = permutation.key(self._seed, epoch, keys.TRANSFORMS, number)
            first = self._transforms[number].native(self._shapes[number], key, first)
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
