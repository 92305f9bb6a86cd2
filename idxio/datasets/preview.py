"""The HTML of a dataset in a notebook: a line for each class, with its first images."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import numpy as np

from .._util.printable import printable
from .._util.types import Array
from ..core.selection import ArrayLike
from . import contact_sheet

_CLASSES = 20
_ACROSS = 10
_PIXELS = 56  # larger images are shrunk to this height and width


def html(
    title: str,
    images: ArrayLike,
    labels: Array,
    counts: Mapping[int, int],
    names: Mapping[int, str],
) -> str:
    """A title and a table. Reads the first images of each class, of the first classes."""
    from html import escape  # slow to import

    rows = []
    for label in list(counts)[:_CLASSES]:
        strip = _strip(images, np.flatnonzero(labels == label)[:_ACROSS])
        name = escape(printable(names.get(label, "")))
        rows.append(f"<tr><td>{label}<td>{name}<td>{counts[label]:,}<td>{strip}</tr>")
    more = f"<p>and {len(counts) - _CLASSES} classes more</p>" if len(counts) > _CLASSES else ""
    head = "<tr><th>class<th>name<th>count<th>the first ones</tr>"
    return f"<div><p>{escape(printable(title))}</p><table>{head}{''.join(rows)}</table>{more}</div>"


def _strip(images: ArrayLike, rows: Array) -> str:
    """Images at these rows side by side, as an img element; "" if records are no images."""
    import base64

    if len(images.shape) < 3 or 0 in images.shape:
        return ""
    pixels = contact_sheet.as_images(np.asarray(images[rows]))[:_ACROSS]
    pixels = contact_sheet.shrink(pixels, -(-max(pixels.shape[1:3]) // _PIXELS))
    picture = contact_sheet.tile(pixels, len(pixels), gap=2, fill=255)
    data = base64.b64encode(png(picture)).decode()
    return (
        f'<img alt="" height="{picture.shape[0]}" width="{picture.shape[1]}"'
        f' src="data:image/png;base64,{data}">'
    )


def png(pixels: Array) -> bytes:
    """A PNG file of uint8 pixels of shape (height, width) or (height, width, 3).

    https://www.w3.org/TR/png/
    """
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    height, width = pixels.shape[:2]
    colour = 0 if pixels.ndim == 2 else 2
    # Each line begins with the number of its filter, 0 for none.
    lines = np.pad(pixels.reshape(height, -1), ((0, 0), (1, 0)))
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    body = zlib.compress(lines.tobytes(), 6)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
