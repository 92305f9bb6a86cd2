"""Records as images of a page."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from ..._util.types import Array
from ...datasets import contact_sheet
from ...datasets.preview import png
from ...datasets.split_names import KNOWN
from ..text import printable


def can_draw(shape: tuple[int, ...]) -> bool:
    """Return whether records of a file of this shape are grey or RGB pictures."""
    return len(shape) == 3 or shape[3] in (1, 3)


def thumbnails(records: Array, side: int) -> Array:
    """Convert records to uint8 pictures with no edge longer than side."""
    images = contact_sheet.as_images(records)
    return contact_sheet.shrink(images, -(-max(images.shape[1:3]) // side))


def reduced(pictures: Array, side: int) -> Array:
    """Make pictures smaller whose longest edge is longer than side."""
    height, width = pictures.shape[1:3]
    longest = max(height, width)
    if longest <= side:
        return pictures
    return contact_sheet.resize(
        pictures, max(1, height * side // longest), max(1, width * side // longest)
    )


def img(pixels: Array, alt: str) -> str:
    """Embed the pixels as PNG, enlarged to some 48 pixels unless they are that high."""
    height, width = pixels.shape[:2]
    scale = max(1, round(48 / height))
    return _element(pixels, width * scale, height * scale, alt)


def strip(pictures: Array, captions: Sequence[str], alt: str) -> str:
    """Make one image of pictures of one size, and a caption, in HTML, below each."""
    row = contact_sheet.tile(pictures, len(pictures), gap=1, fill=128)
    height, width = row.shape[:2]
    spans = "".join(f"<span>{caption}</span>" for caption in captions)
    image = _element(row, width, height, alt)
    return f'<div class="strip" style="--n:{len(pictures)}">{image}{spans}</div>'


def _element(pixels: Array, width: int, height: int, alt: str) -> str:
    data = base64.b64encode(png(pixels)).decode()
    return f'<img src="data:image/png;base64,{data}" width="{width}" height="{height}" alt="{alt}">'


def colour(split: str) -> str:
    """Return the CSS class for the colour of a split."""
    return split if split in KNOWN else "other"


def text(words: str) -> str:
    """Escape text for HTML, and control characters in it."""
    return escape(printable(words))
