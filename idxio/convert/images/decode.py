"""One picture file to an array, whatever kind Pillow opens, and why it can't be one."""

from __future__ import annotations

import contextlib
import hashlib
import io
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..._util.types import Array
from ...compression.registry import likely_cause
from ...errors import FormatError
from ...storage.regular import read_regular
from . import plain_jpeg, plain_png, tiff_data
from .complete import fault

if TYPE_CHECKING:
    from PIL import Image


class BadPictureError(ValueError):
    """A file is no picture, or one that the dataset can't hold; the text says why."""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Drop Pillow's warnings inside; the one about a decompression bomb becomes an error."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


class DecodedPicture(NamedTuple):
    """A picture in memory."""

    pixels: Array
    """uint8 or uint16, (height, width) for grey or (height, width, 3) for RGB."""
    is_cut: bool
    """Whether the file has 16 bits for each colour, of which Pillow has read 8."""
    sha256: bytes
    """Of the bytes of the file."""


def decode(path: str) -> DecodedPicture:
    """The pixels of a picture file; see `decode_bytes`."""
    try:
        data = read_regular(path)
    except FormatError as error:
        raise BadPictureError(error.message) from None
    except OSError as error:
        raise BadPictureError(f"can't be read: {error.strerror}") from None
    except ValueError as error:  # a path with a zero
        raise BadPictureError(f"can't be read: {error}") from None
    return decode_bytes(data)


def decode_bytes(data: bytes) -> DecodedPicture:
    """The pixels of a picture file in memory.

    Transparent parts lie on white. Palettes and CMYK become RGB by Pillow's plain formulas, without
    colour profiles; 16 bits of grey stay 16, those of colours become 8 as Pillow reads them. A
    photo is turned as its EXIF data say. To be called inside `quiet`.

    Raises
    ------
    BadPictureError
        No picture, a broken one, one with several frames, with numbers of no known range, or with
        more pixels than Pillow takes for harmless. Its text says which.
    """
    import PIL.Image

    if (plain := plain_pixels(data)) is not None:
        return DecodedPicture(plain, False, hashlib.sha256(data).digest())
    try:
        image = PIL.Image.open(io.BytesIO(data))
        is_deep = has_16_bits(image, data)
        is_grey = _is_grey_with_alpha(image)
        pixels = _pixels(image, data)
        if is_grey and pixels.ndim == 3:
            pixels = np.ascontiguousarray(pixels[..., 0])
        is_cut = is_deep and pixels.dtype == np.uint8
        return DecodedPicture(pixels, is_cut, hashlib.sha256(data).digest())
    except BadPictureError:
        raise
    except PIL.UnidentifiedImageError:
        raise BadPictureError(_unknown(data)) from None
    except (PIL.Image.DecompressionBombWarning, PIL.Image.DecompressionBombError) as error:
        raise BadPictureError(f"is suspiciously large: {error}") from None
    except MemoryError:
        raise BadPictureError("is too large for the memory") from None
    except Exception as error:
        # decoders raise OSError, SyntaxError, struct.error, IndexError and more
        raise BadPictureError(f"is broken: {error or type(error).__name__}") from None


def plain_pixels(data: bytes, shape: tuple[int, ...] | None = None) -> Array | None:
    """The pixels of a plain and whole PNG or JPEG, whose edges are those of a shape if there is
    one; None for any other file. Much is saved where pictures are small.
    """
    if data.startswith(b"\x89"):
        return plain_png.pixels(data, shape)
    return plain_jpeg.pixels(data, shape)


def has_16_bits(image: Image.Image, data: bytes) -> bool:
    """Tell by the decoder's arguments, which loading discards, whether values have 16 bits.

    Those of JPEG 2000 have 9 or more by its header, the SIZ segment of ISO/IEC 15444-1, A.5.1.
    """
    if image.format == "JPEG2000":
        start = data.index(b"\xff\x4f\xff\x51") + 40
        count = int.from_bytes(data[start : start + 2], "big")
        # each with its sign in the highest bit
        depths = data[start + 2 : start + 2 + 3 * count : 3]
        return any(1 + (depth & 0x7F) > 8 for depth in depths)
    tiles = getattr(image, "tile", None)
    if image.format not in ("PNG", "TIFF", "PPM", "SGI") or not tiles:
        return False
    arguments = tiles[0][3]
    if image.format == "SGI":
        # the bytes of a value come last where it is packed
        return bool(tiles[0][0] == "SGI16" or arguments[-1] == 2)
    if image.format == "PPM":
        # the mode, and the largest value
        return isinstance(arguments, tuple) and arguments[-1] > 0xFF
    return ";16" in str(arguments)


def _is_grey_with_alpha(image: Image.Image) -> bool:
    """Whether the file holds grey and alpha: of 16 bits each, Pillow makes colours of them."""
    tiles = getattr(image, "tile", None) or [()]
    return image.format == "PNG" and str(tiles[0][3:]).startswith("('LA")


def _pixels(image: Image.Image, data: bytes) -> Array:
    if (frames := getattr(image, "n_frames", 1)) > 1:
        raise BadPictureError(f"has {frames} frames; a picture is one")
    image.load()
    if reason := fault(data, image):
        raise BadPictureError(reason)
    if image.info or image.mode not in ("L", "RGB"):
        return _special(image)
    return _bytes_of(image)


def _special(image: Image.Image) -> Array:
    """Return the pixels of a picture with palette, transparency, EXIF data or more than 8 bits."""
    if has_exif(image):
        image = _upright(image)
    mode = image.mode
    clear = image.info.get("transparency")
    # Pillow < 10 has I for the 16 bits of PNG; for those of PGM it still has.
    if mode.startswith("I;16") or (mode == "I" and image.format in ("PNG", "PPM")):
        pixels = np.asarray(image).astype(np.uint16)
        if tiff_data.is_negative(image):
            pixels = 0xFFFF - pixels
        if isinstance(clear, int):
            pixels[pixels == clear] = 0xFFFF  # white is what lies behind
        return pixels
    if isinstance(clear, tuple) and max(clear) > 0xFF:
        raise BadPictureError("has 16 bits and a transparent colour, of which Pillow reads 8")
    if mode in ("I", "F"):
        raise BadPictureError(
            f"holds 32-bit numbers (mode {mode}), whose black and white nobody knows"
        )
    if mode.endswith(("A", "a")) or "transparency" in image.info:
        return _on_white(image)
    if mode == "1":
        image = image.convert("L")
    elif mode not in ("L", "RGB"):
        image = image.convert("RGB")
    return _bytes_of(image)


def _bytes_of(image: Image.Image) -> Array:
    # Measured for 28 x 28: 4 us, np.asarray(image) 6.
    shape = (image.height, image.width) if image.mode == "L" else (image.height, image.width, 3)
    return np.frombuffer(image.tobytes(), np.uint8).reshape(shape)


def has_exif(image: Image.Image) -> bool:
    """Whether a loaded picture has EXIF data, in ImageMagick's way for PNG, too."""
    return bool(image.info.get("exif") or image.info.get("Raw profile type exif"))


def _upright(image: Image.Image) -> Image.Image:
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(image) or image
    except Exception:  # the EXIF data are broken, the picture is not
        return image


def _on_white(image: Image.Image) -> Array:
    """Blend a transparent picture with a white background."""
    from PIL import Image

    is_grey = image.mode in ("L", "LA", "La", "1")
    rgba = image.convert("RGBA")
    extrema: Any = rgba.getextrema()
    *colours, alpha = extrema
    if alpha == (0, 0) and any(low < high for low, high in colours):
        raise BadPictureError("is transparent in all parts, so that nothing is seen of its colours")
    white = Image.new("RGBA", rgba.size, "white")
    blended = Image.alpha_composite(white, rgba)
    if is_grey:
        return _bytes_of(blended.getchannel("R"))
    return _bytes_of(blended.convert("RGB"))


def _unknown(data: bytes) -> str:
    if not data:
        return "is empty"
    cause = likely_cause(data[:1024])
    return (
        f"is no picture that Pillow can read; it looks like {cause}"
        if cause
        else "is no picture that Pillow knows"
    )
