"""The transform `RandomAffine`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .._native import gather
from .._native import transforms as kernels
from .transforms import ImageShape, Transform, pair

# Beyond these, places would overflow 64 bits.
_MOST_PIXELS = 1 << 20
_LEAST_SCALE = 1 / 1024


@dataclass(frozen=True)
class RandomAffine(Transform):
    """Turn an image about its middle, scale and shift it, each at random; 0 comes in from outside.

    Parameters
    ----------
    degrees : float or (float, float)
        The least and the largest angle, clockwise, from -360 to 360; one number d means (-d, d).
    translate : (float, float), optional
        How far it is shifted at most, to either side and up or down, as a share of its width and of
        its height: whole pixels. By default not at all.
    scale : (float, float), optional
        The least and the largest factor. By default the size stays.
    interpolation : {"nearest", "bilinear"}
        Where a pixel comes from: the nearest one, for all types, or the four around the place,
        weighted in steps of 1/256, for the types of IDX files.

    Examples
    --------
    >>> import idxio, numpy as np
    >>> from idxio.transforms import RandomAffine
    >>> ds = idxio.Dataset(np.arange(1, 10, dtype=np.uint8).reshape(1, 3, 3), [0])
    >>> ((images, _),) = ds.batches(1, augment=[RandomAffine((90, 90))])
    >>> images.tolist()
    [[[7, 4, 1], [8, 5, 2], [9, 6, 3]]]
    """

    degrees: float | tuple[float, float]
    translate: tuple[float, float] | None = None
    scale: tuple[float, float] | None = None
    interpolation: Literal["nearest", "bilinear"] = "nearest"

    def __post_init__(self) -> None:
        pair("degrees of RandomAffine", self._angles, -360, 360)
        pair("scale of RandomAffine", self._scales, _LEAST_SCALE, 1024)
        for share in self._shifts:
            if not 0 <= share <= 1:
                raise _no_shares(self.translate)
        if self.interpolation not in ("nearest", "bilinear"):
            raise ValueError(
                "interpolation of RandomAffine is 'nearest' or 'bilinear', not "
                f"{self.interpolation!r}"
            )

    @property
    def _angles(self) -> tuple[float, float]:
        if isinstance(self.degrees, (tuple, list)):
            return self.degrees
        try:
            return -self.degrees, self.degrees
        except TypeError:
            raise ValueError(
                f"degrees of RandomAffine is a number or a pair of them, not {self.degrees!r}"
            ) from None

    @property
    def _shifts(self) -> tuple[float, float]:
        if self.translate is None:
            return 0.0, 0.0
        try:
            across, down = map(float, self.translate)
        except (TypeError, ValueError):
            raise _no_shares(self.translate) from None
        return across, down

    @property
    def _scales(self) -> tuple[float, float]:
        return (1, 1) if self.scale is None else self.scale

    def _kind(self, shape: ImageShape) -> int:
        """The place of the type in gather.KINDS; -1 where pixels are only moved."""
        if self.interpolation == "nearest":
            return -1
        name = shape.dtype.str[1:]
        return gather.KINDS.index(name) if name in gather.KINDS else len(gather.KINDS)

    def made(self, shape: ImageShape) -> ImageShape:
        if max(shape.height, shape.width) > _MOST_PIXELS:
            raise ValueError(
                f"RandomAffine takes images of up to {_MOST_PIXELS} pixels a side, not "
                f"{shape.height} x {shape.width}"
            )
        if self._kind(shape) == len(gather.KINDS):
            raise ValueError(
                f"RandomAffine with interpolation='bilinear' takes images of the types of IDX "
                f"files, not {shape.dtype}: 'nearest' takes all types"
            )
        return shape

    def native(self, shape: ImageShape, key: int, then: kernels.Kernel | None) -> kernels.Kernel:
        least, largest = map(float, self._angles)
        low, high = map(float, self._scales)
        across, down = self._shifts
        return kernels.warp(
            key,
            (shape.planes, shape.height, shape.width, shape.channels, shape.dtype.itemsize),
            (least, largest - least),
            (low, high - low),
            (across * shape.width, down * shape.height),
            self._kind(shape),
            not shape.dtype.isnative,
            then,
        )


RandomAffine.__module__ = "idxio.transforms"


def _no_shares(translate: object) -> ValueError:
    return ValueError(
        "translate of RandomAffine is a pair of shares from 0 to 1, of the width and the height, "
        f"not {translate!r}"
    )
