"""CSV as on Kaggle: a line for each image, its label and then its pixels, under the heading
label,pixel0,…

The heading tells the shape where that is no grey square: 1x1,1x2,… to 32x32x3.
"""

from __future__ import annotations

import io
import math
import os
import re
from collections.abc import Callable, Iterator
from typing import IO

import numpy as np

from ..._native import csv_parser
from ..._util.types import Array
from ...errors import FormatError, naming
from ...storage.file_object import write_all
from ...storage.regular import open_regular
from ...storage.targets import atomic_write
from . import csv_columns
from .common import Blocks, Split, check_bytes, classes_of, images_of

# Text read at a time.
_TEXT = 1 << 18
# No line is longer: a colour picture of 2048 x 2048.
_MAX_LINE = 64 << 20


def _texts(end: str) -> Array:
    """Encode each byte value as text, four bytes in one number, padded with zeros."""
    return np.array([f"{value}{end}".encode() for value in range(256)], "S4").view(np.uint32)


_MIDDLE = _texts(",")
_LAST = _texts("\n")


def write_csv(folder: str, split: Split, threads: int, step: Callable[[int], None]) -> None:
    """Write `<split>.csv` of uint8 images of two axes or more. The heading tells their shape."""
    check_bytes(split, "CSV")
    labels = classes_of(split)
    shape = split.images.shape[1:]
    pixels = math.prod(shape)
    if not pixels or len(shape) < 2:
        what = "has rows and no pictures" if pixels and shape else "no pixels to write"
        raise FormatError(
            f"has the shape {split.images.shape}: {what}. npz keeps every shape",
            file=split.images.name,
        )
    with atomic_write(os.path.join(folder, f"{split.name}.csv")) as output:
        write_all(
            output, ",".join((csv_columns.LABEL, *csv_columns.pixel_names(shape))).encode() + b"\n"
        )
        for start, block in images_of(split):
            write_all(
                output,
                _lines(labels[start : start + len(block)], block.reshape(len(block), pixels)),
            )
            step(len(block))


def _lines(labels: Array, pixels: Array) -> bytes:
    """Write rows as text: look up each field padded with zeros, then drop the zeros."""
    begins = (
        np.array([f"{label}," for label in labels.tolist()], "S12")
        .view(np.uint32)
        .reshape(len(labels), 3)
    )
    cells = np.concatenate((begins, _MIDDLE[pixels[:, :-1]], _LAST[pixels[:, -1:]]), axis=1)
    return cells.tobytes().translate(None, b"\0")


def csv_blocks(path: str, labels: int | str | bool | None, shape: tuple[int, ...] | None) -> Blocks:
    """Read the records of a CSV file: images, uint8, and labels, int64, or None if it has none.

    labels is the number or the name of their column, False for none. If not given, the heading says
    it, or the lines bear it out that it is the first or the last. Without a shape, the heading
    tells it or the images are grey squares.
    """
    with naming(path), open(path, "rb", opener=open_regular) as file:
        first = file.readline(_MAX_LINE).removeprefix(b"\xef\xbb\xbf")
        fields, is_heading = csv_columns.heading_of(first, path)
        if is_heading:
            csv_columns.check_no_record(fields, labels, path)
            label = csv_columns.named_column(fields, labels, path)
        elif labels is None:
            label = _guess(path, len(fields))
        else:
            label = csv_columns.unnamed_column(fields, labels, path)
        heading = fields if is_heading else None
        table = csv_columns.table_of(heading, len(fields), label, shape, path)
        line = 1 + is_heading
        unread = b"" if is_heading else first
        for text in _texts_of(file, unread, path):
            try:
                classes, pixels = _parse(text, table.columns, table.label)
            except ValueError:
                raise _error(text, table, path, line) from None
            if line == 1 + is_heading and not table.is_own:
                csv_columns.check_no_index(pixels, path)
            line += text.count(b"\n")
            yield pixels.reshape(-1, *table.shape), classes
        if line == 1 + is_heading:  # not one line
            yield (
                np.empty((0, *table.shape), np.uint8),
                (None if label is None else np.empty(0, np.int64)),
            )


def _guess(path: str, columns: int) -> int:
    """Read the first and last column of a table without a heading; return that of the labels."""
    firsts: list[bytes] = []
    lasts: list[bytes] = []
    with open(path, "rb") as file:
        for text in _texts_of(file, b"", path):
            for line in text.removeprefix(b"\xef\xbb\xbf").splitlines():
                if line.strip():
                    firsts.append(line.partition(b",")[0].strip(b' "'))
                    lasts.append(line.rpartition(b",")[2].strip(b' "'))
    return csv_columns.guess_label(firsts, lasts, columns, path)


def _texts_of(file: IO[bytes], before: bytes, path: str) -> Iterator[bytes]:
    """Read whole lines, many at a time."""
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


def _parse(text: bytes, columns: int, label: int | None) -> tuple[Array | None, Array]:
    """Parse whole lines into labels and pixels; ValueError for a bad or a missing field."""
    room = text.count(b"\n")
    firsts = np.empty(room, np.int64)
    others = np.empty((room, columns - 1), np.uint8)
    # Measured: 4 times as fast as numpy.
    if columns > 1 and csv_parser.parse_lines(text, firsts, others) == room:
        if label == 0:
            return firsts, others
        if firsts.max(initial=0) <= 255:
            table = np.concatenate((firsts.astype(np.uint8)[:, None], others), axis=1)
            return (None, table) if label is None else (_apart(table, label))
    return _parse_any(text, columns, label)


def _apart(table: Array, label: int) -> tuple[Array, Array]:
    return table[:, label].astype(np.int64), np.delete(table, label, axis=1)


def _parse_any(text: bytes, columns: int, label: int | None = 0) -> tuple[Array | None, Array]:
    """Parse lines as `_parse` does, also those with spaces, quotes or nothing in them."""
    pixels = columns - (label is not None)
    if not text.strip():
        return None if label is None else np.empty(0, np.int64), np.empty((0, pixels), np.uint8)
    before = pixels if label is None else label
    fields = [
        ("before", np.uint8, (before,)),
        ("label", np.int64),
        ("behind", np.uint8, (pixels - before,)),
    ]
    there = [before > 0, label is not None, pixels > before]
    record = np.dtype([field for field, is_there in zip(fields, there, strict=True) if is_there])
    table = np.loadtxt(
        io.BytesIO(text), record, delimiter=",", comments=None, quotechar='"', ndmin=1
    )
    parts = [table[name] for name in ("before", "behind") if name in (record.names or ())]
    # Copies: a caller that keeps the labels must not keep the pixels alive.
    return None if label is None else table["label"].copy(), np.concatenate(parts, axis=1)


def _error(text: bytes, table: csv_columns.Table, path: str, line: int) -> FormatError:
    """Find the first line that can't be parsed by halving; `line` is the first line's number."""
    lines = text.split(b"\n")
    first = line
    while len(lines) > 1:
        half = lines[: len(lines) // 2]
        try:
            _parse_any(b"\n".join(half), table.columns, table.label)
        except ValueError:
            lines = half
        else:
            line += len(half)
            lines = lines[len(half) :]
    try:
        _parse_any(lines[0], table.columns, table.label)
    except ValueError as error:
        reason = re.sub(r" at row \d+, column (\d+)\.$", r" in column \1", str(error))
    else:  # each line is good, but not all of them together
        return FormatError(
            f"line {first:,} or one behind it opens a quote that is not closed", file=path
        )
    count = lines[0].count(b",") + 1
    if count != table.columns:
        return FormatError(
            f"line {line:,} has {count:,} columns, expected {table.columns:,}", file=path
        )
    where = "pixels" if table.label is None else f"a label in column {table.label + 1:,} and pixels"
    remedy = ". If it is a heading, write label,pixel0,pixel1,… in place of it" if line == 1 else ""
    return FormatError(
        f"line {line:,}: {reason}; expected {where} from 0 to 255, whole numbers{remedy}",
        file=path,
    )
