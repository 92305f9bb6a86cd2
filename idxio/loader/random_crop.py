"""The transform `RandomCrop`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._native import transforms as kernels
from .._util.integers import whole_number
from .transforms import ImageShape, Transform, stored_value

# Places are drawn from 2^32 at the most.
_MOST = 1 << 30


@dataclass(frozen=True)
class RandomCrop(Transform):
    """Cut a part out of an image at a random place, with a margin put around the image before.

    Parameters
    ----------
    size : int or (int, int), optional
        Height and width of the part; one number for a square. By default as large as the image.
    padding : int or sequence of int
        Pixels of margin: on all sides, or (left and right, top and bottom), or (left, top, right,
        bottom).
    fill : number
        The value of all elements of the margin, one that the type of the images holds.

    Examples
    --------
    >>> import idxio, numpy as np
    >>> from idxio.transforms import RandomCrop
    >>> ds = idxio.Dataset(np.arange(1, 10, dtype=np.uint8).reshape(1, 3, 3), [0])
    >>> ((images, _),) = ds.batches(1, seed=1, augment=[RandomCrop(padding=1)])
    >>> images.tolist()
    [[[2, 3, 0], [5, 6, 0], [8, 9, 0]]]
    >>> ((images, _),) = ds.batches(1, augment=[RandomCrop((2, 3))])
    >>> images.shape
    (1, 2, 3)
    """

    size: int | Sequence[int] | None = None
    padding: int | Sequence[int] = 0
    fill: float = 0

    def __post_init__(self) -> None:
        if self.size is not None:
            _numbers("size", self.size, 1, (1, 2))
        _numbers("padding", self.padding, 0, (1, 2, 4))

    def _size(self, shape: ImageShape) -> tuple[int, int]:
        """Height and width of the part."""
        if self.size is None:
            return shape.height, shape.width
        numbers = _numbers("size", self.size, 1, (1, 2))
        return numbers[0], numbers[-1]

    def _margins(self) -> tuple[int, int, int, int]:
        """Top, bottom, left and right."""
        numbers = _numbers("padding", self.padding, 0, (1, 2, 4))
        left, top, right, bottom = numbers * (4 // len(numbers))
        return top, bottom, left, right

    def made(self, shape: ImageShape) -> ImageShape:
        height, width = self._size(shape)
        top, bottom, left, right = self._margins()
        padded = (top + shape.height + bottom, left + shape.width + right)
        if height > padded[0] or width > padded[1]:
            raise ValueError(
                f"RandomCrop cuts {height} x {width} out of images that are {padded[0]} x "
                f"{padded[1]} with their padding: give a smaller size or more padding"
            )
        made = shape._replace(height=height, width=width)
        if self.size is not None and not (shape.height and shape.width):
            raise ValueError(
                f"RandomCrop has nothing to cut out of images of {shape.height} x {shape.width}"
            )
        self._fill(shape)
        return made

    def _fill(self, shape: ImageShape) -> Any:
        """The bytes of a pixel of the margin."""
        element = stored_value("fill of RandomCrop", self.fill, shape.dtype)
        return np.repeat(element, shape.channels).view(np.uint8)

    def native(self, shape: ImageShape, key: int, then: kernels.Kernel | None) -> kernels.Kernel:
        image = (shape.planes, shape.height, shape.width, shape.pixel)
        return kernels.crop(key, image, self._size(shape), self._margins(), self._fill(shape), then)


# Behind the class: dataclasses look into the module, which need not be there yet.
RandomCrop.__module__ = "idxio.transforms"


def _numbers(name: str, value: Any, least: int, counts: tuple[int, ...]) -> tuple[int, ...]:
    """An integer or a sequence of them, of one of these lengths."""
    numbers = tuple(value) if isinstance(value, Sequence) else (value,)
    if len(numbers) not in counts:
        allowed = " or ".join(map(str, counts))
        raise ValueError(f"{name} of RandomCrop is {allowed} numbers, not {value!r}")
    checked = tuple(whole_number(f"{name} of RandomCrop", number, least) for number in numbers)
    if max(checked) > _MOST:
        raise ValueError(f"{name} of RandomCrop is up to {_MOST}, not {value!r}")
    return checked
