"""Fashion-MNIST's conversion of pictures, step by step and as a whole, and two plainer ones.

The steps are those of Xiao, Rasul, Vollgraf, "Fashion-MNIST", 2017, section 2, as ImageMagick 6
does them; each names its option there. Given uint16 they give what ImageMagick's Q16 build
computes; uint8 is rounded down after each step.

A picture is an array of uint8 or uint16, (height, width) for grey or (height, width, 3) for RGB,
with a pixel or more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from .._native import image_ops
from .._util.threads import check_threads, on_threads
from .._util.types import Array

Pipeline = Literal["fashion", "fit", "none"]

PIPELINES = ("fashion", "fit", "none")
# Rec. 709 luma, with the digits that ImageMagick has (magick/pixel.c, GetPixelLuma).
_LUMA = (0.212656, 0.715158, 0.072186)
# ImageMagick's MagickEpsilon: it samples just before the middle of each cell.
_EPSILON = 1e-12


def trim(picture: Array, *, fuzz: float = 0.05) -> Array:
    """Cut off the edges that are close to the colour of their corner: ``-fuzz 5% -trim +repage``.

    Parameters
    ----------
    picture : array
        As the head of this module says.
    fuzz : float
        The root mean square distance of the channels, as a share of 65536/65535 of white, up to
        which two colours are close.

    Returns
    -------
    array
        A view. The whole picture where nothing differs from the corners; ImageMagick leaves one
        transparent pixel.
    """
    pixels, most = _pixels(picture)
    # 65536: what ImageMagick takes per cent of (magick/string.c, StringToDoubleInterval).
    limit = 3 * (fuzz * 65536 * most / 65535) ** 2
    top, bottom, left, right = image_ops.inner_box(pixels, int(limit))
    return picture[top:bottom, left:right] if bottom else picture


def sample(picture: Array, size: int = 28) -> Array:
    """Make the longest edge size pixels long by taking rows and columns, without mixing them:
    ``-sample 28x28``.

    Returns a new array, or the picture itself if it has that size. A smaller picture is enlarged by
    repeating.
    """
    height, width = picture.shape[:2]
    new_height, new_width = scaled(height, width, size)
    if (new_height, new_width) == (height, width):
        return picture
    return picture[_centres(height, new_height)[:, None], _centres(width, new_width)]


def sharpen(picture: Array) -> Array:
    """Sharpen with a Gaussian of radius and sigma 1 where there are outlines: ``-adaptive-sharpen
    1x1``.

    Returns a new array. The picture's edges are found (eight times each value less its neighbours),
    stretched to the full range, blurred by the same Gaussian and stretched again; where their luma
    is a half or more, the picture is sharpened (magick/effect.c, AdaptiveSharpenImageChannel, with
    a radius of 1).
    """
    pixels, most = _pixels(picture)
    deep = pixels if most == 65535 else pixels.astype(np.uint16) * np.uint16(257)
    sharp = np.empty_like(deep)
    image_ops.sharpen(deep, sharp, np.empty((2, *deep.shape), np.uint16))
    return (sharp if most == 65535 else to_bytes(sharp)).reshape(picture.shape)


def extend(picture: Array, size: int = 28, *, background: int | None = None) -> Array:
    """Put the picture in the middle of a square: ``-gravity center -background white -extent
    28x28``.

    Parameters
    ----------
    size : int
        The edge of the square; no edge of the picture is longer.
    background : int, optional
        The value of all channels around it; the most that its type can hold if not given.

    Returns
    -------
    array
        A new one.
    """
    height, width = picture.shape[:2]
    if max(height, width) > size:
        raise ValueError(
            f"a picture of {height} x {width} does not fit into {size} x {size}; sample() it first"
        )
    fill = np.iinfo(picture.dtype).max if background is None else background
    square = np.full((size, size, *picture.shape[2:]), fill, picture.dtype)
    top = size // 2 - height // 2
    left = size // 2 - width // 2
    square[top : top + height, left : left + width] = picture
    return square


def negate(picture: Array) -> Array:
    """Each value to its distance from white, in a new array: ``-negate``."""
    return np.iinfo(picture.dtype).max - picture


def grey(picture: Array) -> Array:
    """Rec. 709 luma, rounded, in a new array; a grey picture as it is: ``-colorspace Gray``."""
    if picture.ndim == 2:
        return picture
    red, green, blue = (weight * picture[..., i] for i, weight in enumerate(_LUMA))
    return (red + green + blue + 0.5).astype(picture.dtype)


def to_bytes(picture: Array) -> Array:
    """uint16 to uint8, in a new array; uint8 as it is: ``-depth 8``.

    Rounded down, as ImageMagick 6 does (magick/quantum-private.h, ScaleQuantumToAny).
    """
    return picture if picture.dtype == np.uint8 else (picture // np.uint16(257)).astype(np.uint8)


def fashion(picture: Array, size: int = 28) -> Array:
    """All steps, as Fashion-MNIST was made: a new uint8 array of shape (size, size), light on
    black.
    """
    small = sample(trim(picture), size)
    if small.dtype == np.uint8:
        small = small.astype(np.uint16) * np.uint16(257)
    return to_bytes(grey(negate(extend(sharpen(small), size))))


def fit(picture: Array, size: int = 28) -> Array:
    """Scaled until the longest edge is size pixels, by Pillow's Lanczos filter, in the middle of a
    black square.

    Returns a new uint8 array, grey or RGB as the picture.
    """
    from PIL import Image

    height, width = scaled(picture.shape[0], picture.shape[1], size)
    image = Image.fromarray(np.ascontiguousarray(to_bytes(picture)))
    return extend(
        np.asarray(image.resize((width, height), Image.Resampling.LANCZOS)), size, background=0
    )


def apply(
    many: Sequence[Array] | Array, pipeline: Pipeline, *, size: int = 28, threads: int | None = None
) -> Array:
    """Convert many pictures, on threads.

    Parameters
    ----------
    many : array or sequence of arrays
        Pictures, as the head of this module says, each of its own size; ``"none"`` takes those of
        one shape.
    pipeline : {"fashion", "fit", "none"}
        Which conversion; ``"none"`` leaves all but the depth as it is.
    size : int
        The edge of the squares that ``"fashion"`` and ``"fit"`` give.
    threads : int, optional
        How many may work; by default as many as there are processors.

    Returns
    -------
    array
        A new one of uint8, (n, size, size) or, for RGB that was not made grey, (n, size, size, 3).

    Examples
    --------
    >>> import numpy as np
    >>> from idxio.convert.pipeline import apply
    >>> shirt = np.full((73, 51, 3), 253, np.uint8)
    >>> shirt[10:60, 12:40] = 90, 20, 40
    >>> apply([shirt, shirt], "fashion").shape
    (2, 28, 28)
    """
    convert = step(pipeline, size)
    if not len(many):
        return np.empty((0, size, size), np.uint8)
    first = convert(many[0])
    out = np.empty((len(many), *first.shape), np.uint8)
    out[0] = first

    def run(rows: range) -> None:
        for i in rows:
            converted = convert(many[i])
            if converted.shape != first.shape:
                raise ValueError(
                    f"picture {i} becomes {converted.shape}, the first one {first.shape}"
                )
            out[i] = converted

    on_threads(
        run,
        [range(i, min(i + 64, len(many))) for i in range(1, len(many), 64)],
        check_threads(threads),
    )
    return out


def step(pipeline: str, size: int) -> Any:
    """Return the conversion of one picture that a pipeline's name stands for."""
    if pipeline not in PIPELINES:
        raise ValueError(f"pipeline is one of {', '.join(PIPELINES)}, not {pipeline!r}")
    if size < 1:
        raise ValueError(f"size is 1 or more, not {size}")
    if pipeline == "none":
        return to_bytes
    convert = fashion if pipeline == "fashion" else fit
    return lambda picture: convert(picture, size)


def scaled(height: int, width: int, size: int) -> tuple[int, int]:
    """Height and width when the longest is size, rounded, 1 or more (magick/geometry.c,
    ParseMetaGeometry).
    """
    scale = min(size / height, size / width)
    return max(1, int(scale * height + 0.5)), max(1, int(scale * width + 0.5))


def _centres(old: int, new: int) -> Array:
    """Select the old row at the centre of each new one (magick/resize.c, SampleImage)."""
    return ((np.arange(new) + (0.5 - _EPSILON)) * old / new).astype(np.intp)


def _pixels(picture: Array) -> tuple[Array, int]:
    """Return the picture C-contiguous with an axis of channels, and its type's largest value."""
    if picture.dtype not in (np.uint8, np.uint16):
        raise TypeError(f"a picture is uint8 or uint16, not {picture.dtype}")
    if not (picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] == 3)) or not picture.size:
        raise ValueError(
            f"a picture is (height, width) or (height, width, 3) and not empty, not {picture.shape}"
        )
    return np.ascontiguousarray(picture).reshape(*picture.shape[:2], -1), int(
        np.iinfo(picture.dtype).max
    )
