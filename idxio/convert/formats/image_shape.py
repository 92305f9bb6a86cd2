"""The shape of images: of flat ones, and with the channels last."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..._util.types import Array
from ...errors import FormatError

_CHANNELS = (1, 3, 4)


class Form(NamedTuple):
    """What the caller says about the images of a source."""

    shape: tuple[int, ...] | None = None
    """The shape of one image as it lies in the source."""
    layout: str | None = None
    """ "chw" or "hwc": where the channels are in the source."""


def flat_shape(
    pixels: int, form: Form, heading_shape: tuple[int, ...] | None, path: str
) -> tuple[int, ...]:
    """Return the shape of images that lie in a row: what the caller or the heading says, or that
    of a square, grey unless the caller says where the channels are.
    """
    if form.shape is not None:
        if math.prod(form.shape) != pixels:
            raise FormatError(
                f"has {pixels:,} pixels in a line, not the {math.prod(form.shape):,} of shape"
                f" {form.shape}",
                file=path,
            )
        if heading_shape not in (None, form.shape):
            raise FormatError(
                f"has images of the shape {heading_shape} by its heading, not {form.shape}",
                file=path,
            )
        return form.shape
    if heading_shape is not None:
        return heading_shape
    edge = math.isqrt(pixels)
    if edge * edge == pixels and form.layout is None:
        return edge, edge
    edge = math.isqrt(pixels // 3)
    is_rgb = 3 * edge * edge == pixels
    if is_rgb and form.layout is not None:
        return (3, edge, edge) if form.layout == "chw" else (edge, edge, 3)
    rgb = ""
    if is_rgb:
        rgb = (
            f": ({edge}, {edge}, 3) if each pixel has its red, green and blue together, (3, {edge},"
            f" {edge}) if not. layout='hwc' or 'chw' (--layout) says the same"
        )
    kind = "in grey" if form.layout is None else "of red, green and blue"
    raise FormatError(
        f"has {pixels:,} pixels in a line, which make no square image {kind}: give the shape"
        f" (--shape){rgb}",
        file=path,
    )


def shaped(images: Array, form: Form, path: str) -> Array:
    """Give images the shape that the caller says, with the channels last if he says where they are.

    Flat images are reshaped; others must have the shape. One channel is grey, and has no axis.
    """
    if form.layout is not None and images.ndim == 2:
        images = images.reshape(-1, *flat_shape(images.shape[1], form, None, path))
    shape = form.shape
    if shape is not None and images.shape[1:] != shape:
        if images.ndim != 2 or images.shape[1] != math.prod(shape):
            raise FormatError(f"has images of the shape {images.shape[1:]}, not {shape}", file=path)
        images = images.reshape(len(images), *shape)
    return images if form.layout is None else _channels_last(images, form.layout, path)


def _channels_last(images: Array, layout: str, path: str) -> Array:
    axis = 1 if layout == "chw" else 3
    if images.ndim != 4 or images.shape[axis] not in _CHANNELS:
        where = "first" if layout == "chw" else "last"
        raise FormatError(
            f"has images of the shape {images.shape[1:]}, of which layout={layout!r} says that 1, 3"
            f" or 4 channels are the {where} of three axes",
            file=path,
        )
    images = np.moveaxis(images, axis, 3)
    return images[..., 0] if images.shape[3] == 1 else images
