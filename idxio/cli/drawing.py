"""Contact sheets of images: as lines for the terminal, and as a PNG file."""

from __future__ import annotations

import math
import shutil
import sys
import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np

from .._util.types import Array
from ..datasets import contact_sheet
from ..datasets.preview import png
from ..storage.targets import write_file
from . import terminal

# Of images that are asked for, this many are to be on the screen at once; of others fewer, and
# larger ones.
_ASKED = 10
_UNASKED = 6
# Images in a PNG file where no rows are asked for.
_PNG_IMAGES = 100
# Pixels of a PNG file: an image is enlarged to about this side unless the sheet gets wider.
_PNG_SIDE = 112
_PNG_SHEET = 2400
_PNG_GAP = 4
_CAPTION = 14  # pixels of a line of text
_GROUND = 60


def image_lines(records: Array, captions: Sequence[str] | None = None) -> Iterator[str]:
    """Draw images as a contact sheet for stdout, at most as wide as the terminal, each over its
    caption. Without captions they have none.
    """
    columns, lines = screen_size()
    images = contact_sheet.as_images(records)
    height, width = images.shape[1:3]
    wanted = min(len(images), _ASKED)
    layout = contact_sheet.fit(height, width, wanted, columns, lines)
    yield from _rows(images, captions, layout)


def strip_lines(records: Array, most: int) -> Iterator[str]:
    """Draw a row of images, as large as `most` of them fit the width of the terminal."""
    columns, _ = screen_size()
    images = contact_sheet.as_images(records)
    height, width = images.shape[1:3]
    layout = contact_sheet.fit(height, width, most, columns, -(-height // 2) + 1)
    yield from _rows(images[: layout.across], None, layout)


def strip_count(shape: tuple[int, ...], most: int) -> int:
    """Return how many image records `strip_lines` draws."""
    height, width, planes = _planes(shape)
    columns, _ = screen_size()
    layout = contact_sheet.fit(height, width, most, columns, -(-height // 2) + 1)
    return max(1, layout.across // planes)


def _rows(
    images: Array, captions: Sequence[str] | None, layout: contact_sheet.Layout
) -> Iterator[str]:
    style = terminal.style()
    fill = terminal.gap_shade(style)
    for start in range(0, len(images), layout.across):
        # A row alone at a time: the first is on the screen while the others are drawn.
        row = images[start : start + layout.across]
        row = contact_sheet.resize(row, layout.height, layout.width)
        yield from terminal.lines(contact_sheet.tile(row, len(row), gap=1, fill=fill), style)
        if captions is not None:
            texts = captions[start : start + len(row)]
            yield " ".join(_cell(text, layout.width) for text in texts).rstrip()


def _cell(text: str, width: int) -> str:
    """Cut or fill a text to the width of so many characters; some take the room of two."""
    cell = ""
    for character in text:
        taken = 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if taken > width:
            break
        cell += character
        width -= taken
    return cell + " " * width


def count_on_screen(shape: tuple[int, ...]) -> int:
    """Return how many image records fit the screen."""
    height, width, planes = _planes(shape)
    columns, lines = screen_size()
    wanted = min(shape[0] * planes, _UNASKED)
    layout = contact_sheet.fit(height, width, wanted, columns, lines)
    return max(1, layout.across * layout.down // planes)


def count_in_png(shape: tuple[int, ...]) -> int:
    """Return how many image records a PNG file shows where no rows are asked for."""
    _, _, planes = _planes(shape)
    return max(1, _PNG_IMAGES // planes)


def write_png(records: Array, captions: Sequence[str] | None, output: str) -> None:
    """Write the images as one sheet, about as wide as high, enlarged and with captions; one image
    alone as it is, pixel for pixel.
    """
    images = contact_sheet.as_images(records)
    if len(images) == 1:
        write_file(output, png(images[0]))
        return
    across = math.ceil(math.sqrt(len(images)))
    side = max(images.shape[1:3])
    factor = max(1, min(round(_PNG_SIDE / side), _PNG_SHEET // (across * side)))
    images = images.repeat(factor, axis=1).repeat(factor, axis=2)
    gap = _PNG_GAP
    if captions is not None:
        images = _captioned(images, captions)
    write_file(output, png(contact_sheet.tile(images, across, gap=gap, fill=_GROUND)))


def _captioned(images: Array, captions: Sequence[str]) -> Array:
    """Write its caption below each image; as they are, with a word on stderr, without Pillow."""
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError:
        print(
            "idxio: numbers and labels in a PNG file need Pillow: pip install 'idxio[images]'",
            file=sys.stderr,
        )
        return images
    font = ImageFont.load_default()
    count, _, width, *colours = images.shape
    strips = np.empty((count, _CAPTION, width, *colours), np.uint8)
    for strip, text in zip(strips, captions, strict=True):
        line = Image.new("L", (width, _CAPTION), _GROUND)
        ImageDraw.Draw(line).text((1, 1), _latin(text), fill=230, font=font)
        pixels = np.asarray(line)
        strip[...] = pixels[..., None] if colours else pixels
    return np.concatenate((images, strips), axis=1)


def _latin(text: str) -> str:
    """Replace the characters that Pillow's font has not."""
    return text.encode("latin-1", "replace").decode("latin-1")


def planes_of(shape: tuple[int, ...]) -> int:
    """Return how many images a record of such a file is drawn as."""
    return _planes(shape)[2]


def screen_size() -> tuple[int, int]:
    """Return the columns, and the lines without those of title and prompt."""
    columns, lines = shutil.get_terminal_size()
    return max(1, columns), max(1, lines - 2)


def _planes(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return height and width of an image, and the images of one record."""
    kept = contact_sheet.image_axes(shape)
    height, width = shape[-kept:][:2]
    return height, width, max(1, math.prod(shape[1:-kept]))
