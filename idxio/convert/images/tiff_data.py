"""Whether the strips or tiles of a TIFF hold all of its pixels.

Pillow reads raw pixels on, beyond the end of a strip, and libtiff leaves out what a JPEG in a TIFF
lacks, both without an error. Other compressions raise one, but for those of fax.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from . import jpeg_data

if TYPE_CHECKING:
    from PIL import Image

# The numbers of tags and of their values, from the specification of TIFF 6.0.
_BITS, _COMPRESSION, _PHOTOMETRIC, _CHANNELS, _PLANES = 258, 259, 262, 277, 284
_STRIP_STARTS, _STRIP_ROWS, _STRIP_SIZES = 273, 278, 279
_TILE_COLUMNS, _TILE_ROWS, _TILE_STARTS, _TILE_SIZES = 322, 323, 324, 325
_SAMPLE_FORMAT = 339
_JPEG_TABLES = 347
# The version of BigTIFF.
_BIG = 43
_RAW, _JPEG = 1, 7
_WHITE_IS_ZERO, _YCBCR = 0, 6
_SEPARATE = 2
_SIGNED = 2


class _Part(NamedTuple):
    """A strip or a tile: where its bytes lie, and the pixels that they should make."""

    start: int
    size: int
    rows: int
    columns: int


def is_negative(image: Image.Image) -> bool:
    """Whether 0 is white in a TIFF file of 16 bits, whose numbers Pillow leaves as they are."""
    tags: Any = getattr(image, "tag_v2", {})
    return bool(tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO and image.mode.startswith("I;16"))


def fault(data: bytes, image: Image.Image) -> str | None:
    """Say what the parts of a loaded TIFF lack, or that Pillow has misread them; None if neither
    is so.
    """
    if _directory_end(data) > len(data):  # of whose tags Pillow takes those that are there
        return "ends early: its tags are cut off"
    tags: Any = image.tag_v2  # type: ignore[attr-defined]
    if _SIGNED in tags.get(_SAMPLE_FORMAT, ()) and image.mode == "L":
        return "holds numbers with a sign, whose black and white nobody knows"
    compression = tags.get(_COMPRESSION, _RAW)
    if compression == _RAW and tags.get(_PHOTOMETRIC) != _YCBCR:
        bits = tags.get(_BITS, (1,))
        # in planes, a part has one number of each pixel
        pixel = bits[0] if tags.get(_PLANES) == _SEPARATE else bits[0] * tags.get(_CHANNELS, 1)
        for part in _parts(tags, image):
            expected = part.rows * ((part.columns * pixel + 7) // 8)
            # 0: a writer that did not know it
            if 0 < part.size < expected:
                return (
                    f"ends early: a part of {part.columns:,} x {part.rows:,} pixels has"
                    f" {part.size:,} of {expected:,} bytes"
                )
    if compression == _JPEG:
        return next(filter(None, (_jpeg(data, tags, part) for part in _parts(tags, image))), None)
    return None


def _directory_end(data: bytes) -> int:
    """Where the first directory of tags ends."""
    order = "<" if data[:2] == b"II" else ">"
    (version,) = struct.unpack_from(f"{order}H", data, 2)
    at, offset, number, entry = (8, "Q", "Q", 20) if version == _BIG else (4, "I", "H", 12)
    (start,) = struct.unpack_from(order + offset, data, at)
    (count,) = struct.unpack_from(order + number, data, start)
    return int(start + struct.calcsize(order + number) + entry * count)


def _parts(tags: Any, image: Image.Image) -> Iterator[_Part]:
    width, height = image.size
    if _TILE_STARTS in tags:
        for start, size in zip(tags[_TILE_STARTS], tags.get(_TILE_SIZES, ()), strict=False):
            yield _Part(start, size, tags[_TILE_ROWS], tags[_TILE_COLUMNS])
        return
    most = min(tags.get(_STRIP_ROWS, height), height)
    in_plane = -(-height // most)
    for i, (start, size) in enumerate(
        zip(tags[_STRIP_STARTS], tags.get(_STRIP_SIZES, ()), strict=False)
    ):
        yield _Part(start, size, min(most, height - i % in_plane * most), width)


def _jpeg(data: bytes, tags: Any, part: _Part) -> str | None:
    """Say what a part lacks that is a JPEG file, of which the tables may stand in a tag."""
    from PIL import Image

    start_of_image, end_of_image = b"\xff\xd8", b"\xff\xd9"
    tables = tags.get(_JPEG_TABLES, start_of_image).removesuffix(end_of_image)
    packed = data[part.start : part.start + part.size].removeprefix(start_of_image)
    whole = tables + packed + end_of_image
    with Image.open(io.BytesIO(whole)) as image:
        image.load()
        if image.height < part.rows or image.width < part.columns:
            return (
                f"ends early: a part of {part.columns:,} x {part.rows:,} pixels has"
                f" {image.width:,} x {image.height:,}"
            )
        return jpeg_data.fault(whole, image)
