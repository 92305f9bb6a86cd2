"""One uint8 picture as PNG bytes, and back."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from ..._util.types import Array
from ...errors import FormatError
from ..images.complete import fault
from ..images.decode import (
    BadPictureError,
    decode_bytes,
    has_16_bits,
    has_exif,
    plain_pixels,
)


def require_pillow() -> None:
    """Raise an ImportError that says what to install, unless Pillow is there."""
    try:
        import PIL.Image  # noqa: F401
    except ImportError as error:
        raise ImportError(f"pictures need Pillow: pip install 'idxio[images]' ({error})") from None


def encode(image: Array) -> bytes:
    """The PNG file of a picture of shape (height, width), or (height, width, 3) for RGB."""
    from PIL import Image

    png = io.BytesIO()
    Image.fromarray(image).save(png, "PNG")
    return png.getvalue()


def decode(
    data: bytes,
    where: str,
    file: str,
    shape: tuple[int, ...] | None = None,
    *,
    converts: bool = False,
) -> Array:
    """The pixels of a picture, (height, width) or (height, width, 3), turned as its EXIF data say.

    shape is that of the first picture: another size is an error before any pixel is decoded. With
    converts, palettes, transparency and other modes become grey or RGB by the rules of `build`.

    Raises
    ------
    FormatError
        The bytes are no picture, or one of several frames, or of 16 bits, or without converts
        neither 8-bit grey nor RGB, or with a transparent colour. The message says where it is in
        file.
    """
    from PIL import Image, ImageOps

    if (plain := plain_pixels(data, shape)) is not None:
        return plain
    try:
        with Image.open(io.BytesIO(data)) as image:
            if shape is not None and sorted(image.size) != sorted(shape[:2]):
                check_shape(image.size[::-1], shape, where, file)
            # the checksums, which load() does not look at; afterwards it can't be loaded any more
            image.verify()
        with Image.open(io.BytesIO(data)) as image:
            frames = getattr(image, "n_frames", 1)
            is_deep = has_16_bits(image, data)
            image.load()
            reason = fault(data, image) if frames == 1 else None
            is_transparent = "transparency" in image.info
            turned = ImageOps.exif_transpose(image) if has_exif(image) else image
            mode = turned.mode
            size = turned.size
            is_plain = mode in ("L", "RGB") and not is_transparent
            if converts and frames == 1 and not is_deep and not is_plain:
                converted = decode_bytes(data).pixels
                if converted.dtype == np.uint8:
                    return converted
            pixels: Any = turned.tobytes()
    except FormatError:
        raise
    except BadPictureError as error:
        raise FormatError(f"{where} {error}", file=file) from None
    except Exception as error:
        # decoders raise OSError, SyntaxError, struct.error, IndexError and more
        cause = f"is no picture that Pillow can read ({error})" if data else "is empty"
        raise FormatError(f"{where} {cause}", file=file) from None
    if frames > 1:
        raise FormatError(f"{where} has {frames} frames; a picture is one", file=file)
    if reason is not None:
        raise FormatError(f"{where} {reason}", file=file)
    if mode not in ("L", "RGB"):
        raise FormatError(
            f"{where} has the mode {mode}; expected 8-bit grey or RGB. idxio build converts others",
            file=file,
        )
    if is_deep:
        raise FormatError(
            f"{where} has 16 bits for each colour, of which Pillow reads 8; expected 8-bit grey or"
            " RGB. idxio build takes it with 8",
            file=file,
        )
    if is_transparent:
        raise FormatError(
            f"{where} has a transparent colour, which would become a visible one; expected 8-bit"
            " grey or RGB. idxio build puts it on white",
            file=file,
        )
    return np.frombuffer(pixels, np.uint8).reshape(size[1], size[0], *(() if mode == "L" else (3,)))


def stack(images: list[Array], shape: tuple[int, ...], where: list[str], file: str) -> Array:
    """The images as one array, if all have the shape of the first picture."""
    for image, name in zip(images, where, strict=True):
        check_shape(image.shape, shape, name, file)
    return np.stack(images)


def check_shape(found: tuple[int, ...], first: tuple[int, ...], where: str, file: str) -> None:
    """Raise unless a picture has the shape of the first one."""
    if found != first:
        raise FormatError(
            f"{where} has the shape {found}, the first picture has {first}", file=file
        )
