"""The transform `RandomErasing`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._native import transforms as kernels
from .transforms import ImageShape, Transform, chances, check_p, pair, stored_value


@dataclass(frozen=True)
class RandomErasing(Transform):
    """Set a rectangle of an image to one value with probability p: its size and place are random.

    A rectangle as high or as wide as the image is drawn again, up to ten times in all; then the
    image stays as it is.

    Parameters
    ----------
    p : float
        The probability of a rectangle, 0 to 1.
    scale : (float, float)
        The least and the largest share of the area that it covers.
    ratio : (float, float)
        The least and the largest ratio of its height to its width; between them the logarithm is
        uniform.
    value : number
        What it holds, of the type of the images as stored.

    Examples
    --------
    >>> import idxio, numpy as np
    >>> from idxio.transforms import RandomErasing
    >>> ds = idxio.Dataset(np.ones((1, 4, 4), np.uint8), [0])
    >>> ((images, _),) = ds.batches(1, augment=[RandomErasing(p=1, scale=(0.2, 0.3))])
    >>> images.tolist()
    [[[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 1, 1]]]
    """

    p: float = 0.5
    scale: tuple[float, float] = (0.02, 0.33)
    ratio: tuple[float, float] = (0.3, 3.3)
    value: float = 0

    def __post_init__(self) -> None:
        check_p(self, self.p)
        pair("scale of RandomErasing", self.scale, 0, 1)
        pair("ratio of RandomErasing", self.ratio, 1 / 1024, 1024)

    def made(self, shape: ImageShape) -> ImageShape:
        stored_value("value of RandomErasing", self.value, shape.dtype)
        return shape

    def native(self, shape: ImageShape, key: int, then: kernels.Kernel | None) -> kernels.Kernel:
        element = stored_value("value of RandomErasing", self.value, shape.dtype)
        least, largest = map(float, self.scale)
        low, high = map(_logarithm, self.ratio)
        return kernels.erase(
            key,
            chances(self.p),
            (shape.planes, shape.height, shape.width, shape.pixel),
            (least, largest - least),
            (low, high - low),
            np.repeat(element, shape.channels).view(np.uint8),
            then,
        )


RandomErasing.__module__ = "idxio.transforms"


def _logarithm(x: Any) -> float:
    """The natural one, rounded as it should be: that of `math` may differ with the machine."""
    import decimal  # not before it is needed

    return float(decimal.Context(prec=40).ln(decimal.Decimal(float(x))))
