"""A contact sheet as pixels: records to grey or RGB images, smaller, side by side."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._util.types import Array

# A fraction of the full size must be larger than the next whole one by this factor to be taken:
# pixels of whole blocks are sharper.
_LARGER = 1.2


class Layout(NamedTuple):
    """How images are laid out on a screen whose character cells are one pixel wide and two high,
    with a line of text below each row.
    """

    height: int
    width: int
    """Of an image on the screen, in pixels."""
    across: int
    """Images in a row."""
    down: int
    """Rows of images that fit the screen, or 1."""


def image_axes(shape: tuple[int, ...]) -> int:
    """How many of the last axes of a file of this shape are one image: 3 for RGB, else 2."""
    return 3 if len(shape) >= 4 and shape[-1] in (1, 3) else 2


def as_images(records: Array) -> Array:
    """uint8 images, (n, height, width) or (n, height, width, 3), of records that are not empty.

    The rows of a 2-D array make one image; records with more axes are as many images as they have
    planes.
    """
    kept = image_axes(records.shape)
    images = _to_bytes(records).reshape(-1, *records.shape[-kept:])
    return images[..., 0] if kept == 3 and images.shape[-1] == 1 else images


def _to_bytes(values: Array) -> Array:
    """uint8 as it is; the finite values of any other type from lowest to highest as 0 to 255, NaN
    as 0.
    """
    if values.dtype == np.uint8:
        return values
    half = values.astype(np.float64) / 2  # halves, so that highest - lowest can't overflow
    finite = half[np.isfinite(half)]
    if not finite.size or finite.min() == finite.max():
        return np.zeros(values.shape, np.uint8)
    low, high = finite.min(), finite.max()
    half = np.nan_to_num(half, nan=low, posinf=high, neginf=low)
    grey: Array = ((half - low) / (high - low) * 255).round().astype(np.uint8)
    return grey


def fit(height: int, width: int, wanted: int, columns: int, lines: int) -> Layout:
    """The layout in which images are largest, none larger than it is, if so many of them are wanted
    on the screen at once.
    """
    whole = _layout(height, width, columns, lines)
    factor = 1
    while not _fits(whole, wanted, columns, lines) and max(whole.height, whole.width) > 1:
        factor += 1
        whole = _layout(-(-height // factor), -(-width // factor), columns, lines)
    for smaller in range(min(width - 1, columns), int(_LARGER * whole.width), -1):
        part = _layout(max(1, height * smaller // width), smaller, columns, lines)
        if _fits(part, wanted, columns, lines):
            return part
    return whole


def _layout(height: int, width: int, columns: int, lines: int) -> Layout:
    across = (columns + 1) // (width + 1)
    down = lines // (-(-height // 2) + 1)
    return Layout(height, width, max(1, across), max(1, down))


def _fits(layout: Layout, wanted: int, columns: int, lines: int) -> bool:
    is_on_screen = layout.width <= columns and layout.height <= 2 * (lines - 1)
    return is_on_screen and layout.across * layout.down >= wanted


def resize(images: Array, height: int, width: int) -> Array:
    """Images of another height and width: each pixel is the mean of the area that it covers."""
    if images.shape[1:3] == (height, width):
        return images
    rows = _shares(images.shape[1], height)
    columns = _shares(images.shape[2], width)
    means: Array = np.einsum("yi,nij...,xj->nyx...", rows, images, columns, optimize=True)
    return means.round().astype(np.uint8)


def _shares(before: int, after: int) -> Array:
    """Which share of each of the new pixels each old one has, float32 of shape (after, before)."""
    edges = np.arange(after + 1) * (before / after)
    pixels = np.arange(before)
    upper = np.minimum(edges[1:, None], pixels + 1)
    lower = np.maximum(edges[:-1, None], pixels)
    shares: Array = ((upper - lower).clip(0) * (after / before)).astype(np.float32)
    return shares


def shrink(images: Array, factor: int) -> Array:
    """Images of which each pixel is the mean of factor x factor."""
    if factor == 1:
        return images
    n, height, width, *colours = images.shape
    pad = [(0, 0), (0, -height % factor), (0, -width % factor)] + [(0, 0)] * len(colours)
    padded = np.pad(images, pad, mode="edge")
    blocks = padded.reshape(
        n, padded.shape[1] // factor, factor, padded.shape[2] // factor, factor, *colours
    )
    means: Array = blocks.mean(axis=(2, 4), dtype=np.float32).round().astype(np.uint8)
    return means


def tile(images: Array, across: int, *, gap: int, fill: int) -> Array:
    """One picture of all images, across in a row, with a gap of the grey fill between them."""
    n, height, width, *colours = images.shape
    down = -(-n // across)
    sheet = np.full((down, height + gap, across, width + gap, *colours), fill, np.uint8)
    for i, image in enumerate(images):
        sheet[i // across, :height, i % across, :width] = image
    whole = sheet.reshape(down * (height + gap), across * (width + gap), *colours)
    return whole[:-gap, :-gap]
