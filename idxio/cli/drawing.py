"""Contact sheets of images: as lines for the terminal, and as a PNG file."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator

from .._util.types import Array
from ..datasets import contact_sheet
from ..datasets.preview import png
from ..storage.targets import write_file
from . import terminal

# Images in a PNG file where no rows are asked for.
_PNG_IMAGES = 100


def image_lines(records: Array) -> Iterator[str]:
    """Draw images as a contact sheet for stdout, at most as wide as the terminal."""
    style = terminal.style()
    columns, lines = screen_size()
    images = contact_sheet.as_images(records)
    layout = contact_sheet.fit(images.shape[1], images.shape[2], len(images), columns, lines)
    images = contact_sheet.shrink(images, layout.factor)
    fill = terminal.gap_shade(style)
    for start in range(0, len(images), layout.across):
        row = images[start : start + layout.across]
        # A row alone at a time: the first is on the screen while the others are drawn.
        yield from terminal.lines(contact_sheet.tile(row, len(row), gap=1, fill=fill), style)


def count_on_screen(shape: tuple[int, ...]) -> int:
    """Return how many image records fit the screen."""
    height, width, planes = _planes(shape)
    columns, lines = screen_size()
    layout = contact_sheet.fit(height, width, shape[0] * planes, columns, lines)
    return max(1, layout.across * layout.down // planes)


def count_in_png(shape: tuple[int, ...]) -> int:
    """Return how many image records a PNG file shows where no rows are asked for."""
    _, _, planes = _planes(shape)
    return max(1, _PNG_IMAGES // planes)


def write_png(records: Array, output: str) -> None:
    """Write the images as one sheet, about as wide as high."""
    images = contact_sheet.as_images(records)
    across = math.ceil(math.sqrt(len(images)))
    write_file(output, png(contact_sheet.tile(images, across, gap=2, fill=60)))


def screen_size() -> tuple[int, int]:
    """Return the columns, and the lines without those of title and prompt."""
    columns, lines = shutil.get_terminal_size()
    return max(1, columns), max(1, lines - 2)


def _planes(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return height and width of an image, and the images of one record."""
    kept = contact_sheet.image_axes(shape)
    height, width = shape[-kept:][:2]
    return height, width, max(1, math.prod(shape[1:-kept]))
