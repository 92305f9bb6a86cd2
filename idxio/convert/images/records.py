"""The conversion of picture files to records, with the reasons why others give none."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np

from ..._util.types import Array
from .. import pipeline
from .decode import BadPictureError, DecodedPicture, decode, quiet
from .value_range import Range, scaled

DIGEST = 8


class ConversionSpec(NamedTuple):
    """The options of the conversion from picture to record."""

    pipeline: str
    size: int
    colour: str | None
    """"grey", "rgb", or None for what the first picture has."""
    shape: tuple[int, ...] | None
    """The shape of every record; None until there is one."""
    range: Range | None = None
    """The values of 16-bit grey pictures that become black and white; None for 0 and 65,535."""


class Deep(NamedTuple):
    """Counts of 16-bit pictures that lost bits."""

    grey: int = 0
    most: int = 0
    """The largest value of the grey ones."""
    colour: int = 0
    cut: int = 0
    """Grey ones with pixels outside the range."""

    def with_others(self, other: Deep) -> Deep:
        return Deep(
            self.grey + other.grey,
            max(self.most, other.most),
            self.colour + other.colour,
            self.cut + other.cut,
        )


class Batch(NamedTuple):
    """The result of converting some pictures."""

    data: bytes
    """The records of the good ones, one after the other."""
    shape: tuple[int, ...] | None
    """That of each record; None if there is none."""
    bad: list[tuple[int, str]]
    """The positions of the bad pictures, and the reasons."""
    deep: Deep
    """The counts of good ones that lost bits."""
    sha256: bytes
    """Those of the files of the good ones, one after the other."""
    digests: bytes
    """Of the records, DIGEST bytes for each: equal records have equal ones."""


def convert(paths: list[str], spec: ConversionSpec) -> Batch:
    """Convert the pictures at the paths to uint8 records."""
    step = pipeline.step(spec.pipeline, spec.size)
    parts = []
    bad = []
    deep = Deep()
    sums = []
    digests = []
    with quiet():
        for i, path in enumerate(paths):
            try:
                picture = decode(path)
                pixels = picture.pixels
                if spec.range is not None and pixels.dtype == np.uint16:
                    pixels = scaled(pixels, spec.range)
                record = step(_coloured(pixels, spec))
                if spec.shape is None:
                    spec = spec._replace(shape=record.shape)
                elif spec.shape != record.shape:
                    raise BadPictureError(_unlike(record.shape, spec.shape))
            except BadPictureError as error:
                bad.append((i, str(error)))
            else:
                parts.append(np.ascontiguousarray(record).data)
                sums.append(picture.sha256)
                digests.append(digest(parts[-1]))
                if picture.is_cut or picture.pixels.dtype != np.uint8:
                    deep = deep.with_others(_loss(picture, spec.range))
    return Batch(b"".join(parts), spec.shape, bad, deep, b"".join(sums), b"".join(digests))


def digest(record: memoryview) -> bytes:
    """The digest of a record, by which equal ones are found."""
    return hashlib.blake2b(record, digest_size=DIGEST).digest()


def _loss(picture: DecodedPicture, values: Range | None) -> Deep:
    """Count a picture that loses bits; 16 bits that are all multiples of 257 lose none."""
    pixels = picture.pixels
    if pixels.dtype == np.uint8:
        return Deep(colour=int(picture.is_cut))
    if values is not None:
        is_cut = pixels.min() < values[0] or pixels.max() > values[1]
        return Deep(grey=1, most=int(pixels.max()), cut=int(is_cut))
    return Deep(grey=1, most=int(pixels.max())) if (pixels % 257).any() else Deep()


def _coloured(picture: Array, spec: ConversionSpec) -> Array:
    """Convert the picture to the colour of the records."""
    if spec.pipeline == "fashion":
        return picture  # makes it grey itself
    colour = spec.colour
    if colour is None and spec.shape is not None:
        colour = "rgb" if len(spec.shape) == 3 else "grey"
        if colour == "grey" and picture.ndim == 3:
            if np.array_equal(picture, np.broadcast_to(picture[..., :1], picture.shape)):
                return picture[..., 0]
            raise BadPictureError(
                "is in colour, the first picture is grey; ask for the colour 'grey' or 'rgb'"
            )
    if colour == "grey":
        return pipeline.grey(picture)
    if colour == "rgb" and picture.ndim == 2:
        return np.repeat(picture[..., None], 3, axis=2)
    return picture


def _unlike(shape: tuple[int, ...], expected: tuple[int, ...]) -> str:
    return (
        f"is {shape[0]} x {shape[1]}, the pictures before it {expected[0]} x {expected[1]}; "
        "the pipeline 'fit' scales all to one size"
    )
