"""CSV as on Kaggle: a line for each image, its label and then its pixels, under the heading label,pixel0,…"""

from __future__ import annotations

import csv
import io
import math
import os
import re
from collections.abc import Callable, Iterator
from typing import IO

import numpy as np

from .._native import decimal
from ..causes import likely_cause
from ..errors import FormatError, naming
from ..fileobject import write_all
from ..regular import open_regular
from ..target import replacing
from .parts import Array, Blocks, Split, check_bytes, classes_of, images_of

# Text read at a time.
_TEXT = 1 << 18
# No line is longer: a colour picture of 2048 x 2048.
_MAX_LINE = 64 << 20


def _texts(end: str) -> Array:
    """The text of each byte, as four bytes in one number; zeros fill up."""
    return np.array([f"{value}{end}".encode() for value in range(256)], "S4").view(np.uint32)


_MIDDLE, _LAST = _texts(","), _texts("\n")


def write_csv(folder: str, split: Split, threads: int, step: Callable[[int], None]) -> None:
    """Write `<split>.csv` of uint8 images of any shape; only the number of pixels is kept."""
    check_bytes(split, "CSV")
    labels = classes_of(split)
    pixels = math.prod(split.images.shape[1:])
    if not pixels:
        raise FormatError(f"has the shape {split.images.shape}: no pixels to write", file=split.images.name)
    with replacing(os.path.join(folder, f"{split.name}.csv")) as output:
        write_all(output, ",".join(("label", *(f"pixel{i}" for i in range(pixels)))).encode() + b"\n")
        for start, block in images_of(split):
            write_all(output, _lines(labels[start : start + len(block)], block.reshape(len(block), pixels)))
            step(len(block))


def _lines(labels: Array, pixels: Array) -> bytes:
    """The text of some rows: each field is looked up with zeros behind it, then the zeros are dropped."""
    begins = np.array([f"{label}," for label in labels.tolist()], "S12").view(np.uint32).reshape(len(labels), 3)
    cells = np.concatenate((begins, _MIDDLE[pixels[:, :-1]], _LAST[pixels[:, -1:]]), axis=1)
    return cells.tobytes().translate(None, b"\0")


def csv_blocks(path: str, shape: tuple[int, ...] | None) -> Blocks:
    """The records of a CSV file: images, uint8, and labels, int64.

    The heading may be missing or name the pixels as it likes, but the label comes first. Without a shape, the images
    are square, grey or RGB.
    """
    with naming(path), open(path, "rb", opener=open_regular) as file:
        first = file.readline(_MAX_LINE).removeprefix(b"\xef\xbb\xbf")
        columns, is_heading = _heading(first, path)
        shape = _shape(columns - 1, shape, path)
        line = 1 + is_heading
        for text in _texts_of(file, b"" if is_heading else first, path):
            try:
                labels, pixels = _parse(text, columns)
            except ValueError:
                raise _error(text, columns, path, line) from None
            line += text.count(b"\n")
            yield pixels.reshape(-1, *shape), labels
        if line == 1 + is_heading:  # not one line
            yield np.empty((0, *shape), np.uint8), np.empty(0, np.int64)


def _heading(first: bytes, path: str) -> tuple[int, bool]:
    """The number of columns, and whether the first line names them."""
    if not first.strip():
        raise FormatError("is empty, expected a line label,pixel0,pixel1,…", file=path)
    try:
        fields = next(csv.reader([first.decode()]))
    except (UnicodeDecodeError, csv.Error):
        cause = likely_cause(first[:1024])
        raise FormatError(f"is no CSV file{f' but {cause}' if cause else ''}", file=path) from None
    if all(field.strip().isdecimal() for field in fields):
        is_heading = False
    elif fields[0].strip().lower() != "label":
        cause = likely_cause(first[:1024])
        looks = f"; it looks like {cause}" if cause else ""
        raise FormatError(f"starts with {first[:40]!r}, expected label,pixel0,pixel1,…{looks}", file=path)
    else:
        is_heading = True
    if len(fields) < 2:
        raise FormatError(
            f"has one column, expected label,pixel0,pixel1,… divided by commas: {first[:40]!r}", file=path
        )
    return len(fields), is_heading


def _shape(pixels: int, shape: tuple[int, ...] | None, path: str) -> tuple[int, ...]:
    if shape is not None:
        if math.prod(shape) != pixels:
            raise FormatError(
                f"has {pixels:,} pixels in a line, not the {math.prod(shape):,} of shape {shape}", file=path
            )
        return shape
    for channels in ((), (3,)):
        edge = math.isqrt(pixels // math.prod(channels))
        if edge * edge * math.prod(channels) == pixels:
            return (edge, edge, *channels)
    raise FormatError(
        f"has {pixels:,} pixels in a line, which make no square image, grey or RGB: give the shape", file=path
    )


def _texts_of(file: IO[bytes], before: bytes, path: str) -> Iterator[bytes]:
    """Whole lines, many at a time."""
    while data := file.read(_TEXT):
        before += data
        whole = before.rfind(b"\n") + 1
        if whole:
            yield before[:whole]
            before = before[whole:]
        elif len(before) > _MAX_LINE:
            raise FormatError(f"has a line longer than {_MAX_LINE:,} bytes", file=path)
    if before:
        yield before + b"\n"


def _parse(text: bytes, columns: int) -> tuple[Array, Array]:
    """Labels and pixels of whole lines. ValueError where a field is none, or one is missing."""
    room = text.count(b"\n")
    labels, pixels = np.empty(room, np.int64), np.empty((room, columns - 1), np.uint8)
    if decimal.parse_lines(text, labels, pixels) == room:  # measured: 4 times as fast as numpy
        return labels, pixels
    return _parse_any(text, columns)


def _parse_any(text: bytes, columns: int) -> tuple[Array, Array]:
    """The same for lines with spaces, quotes or nothing in them, and for what is wrong."""
    record = np.dtype([("label", np.int64), ("pixels", np.uint8, (columns - 1,))])
    if not text.strip():
        return np.empty(0, np.int64), np.empty((0, columns - 1), np.uint8)
    table = np.loadtxt(io.BytesIO(text), record, delimiter=",", comments=None, quotechar='"', ndmin=1)
    return table["label"].copy(), table["pixels"]  # whoever keeps the labels keeps no pixels


def _error(text: bytes, columns: int, path: str, line: int) -> FormatError:
    """The first line that can't be parsed, found by halving; line is the number of the first one of text."""
    lines, first = text.split(b"\n"), line
    while len(lines) > 1:
        half = lines[: len(lines) // 2]
        try:
            _parse_any(b"\n".join(half), columns)
        except ValueError:
            lines = half
        else:
            line += len(half)
            lines = lines[len(half) :]
    try:
        _parse_any(lines[0], columns)
    except ValueError as error:
        reason = re.sub(r" at row \d+, column (\d+)\.$", r" in column \1", str(error))
    else:  # each line is good, but not all of them together
        return FormatError(f"line {first:,} or one behind it opens a quote that is not closed", file=path)
    found = lines[0].count(b",") + 1
    if found != columns:
        return FormatError(f"line {line:,} has {found:,} columns, expected {columns:,}", file=path)
    return FormatError(
        f"line {line:,}: {reason}; expected a label and then pixels from 0 to 255, whole numbers", file=path
    )
