"""Whether the data of a picture file make all of its pixels, which Pillow does not always ask.

Where compressed data end early in good order, Pillow gives what is missing in black or grey,
without an error. `png_data`, `jpeg_data` and `tiff_data` know these formats; the others can't hide
it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import jpeg_data, png_data, tiff_data

if TYPE_CHECKING:
    from PIL import Image


def fault(data: bytes, image: Image.Image) -> str | None:
    """Say how the data of a picture belie its size; None if they do not.

    The image is loaded, and is not converted yet.
    """
    if image.format == "PNG":
        return png_data.fault(data)
    if image.format in ("JPEG", "MPO"):
        return jpeg_data.fault(data, image)
    if image.format == "TIFF":
        return tiff_data.fault(data, image)
    if image.format == "PCX":
        return _pcx(data, image)
    return None


def _pcx(data: bytes, image: Image.Image) -> str | None:
    """Say that a PCX file lacks its palette, where Pillow takes numbers of colours for grey."""
    is_said_grey = data[68] == 2
    if image.mode == "L" and not is_said_grey and data[-769:-768] != b"\x0c":
        return "ends early, or with other data: its palette is missing"
    return None
