"""Lines of a CSV file to labels and pixels: plain ones by the native parser, others by Python's."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Iterator

import numpy as np

from ..._native import csv_parser
from ..._util.types import Array
from ...errors import FormatError
from .common import whole_bytes
from .csv_columns import Table
from .csv_values import number_of
from .text_classes import text_labels

# No line is longer: a colour picture of 2048 x 2048.
MAX_LINE = 64 << 20


def parse(
    text: bytes, table: Table, path: str, line: int, only: set[str] | None = None
) -> tuple[Array | None, Array]:
    """Parse whole lines, of which the first has the number line, into labels and pixels.

    Labels are int64, or objects where they are texts, or None where there are none. only are the
    values in the column of splits whose records are wanted, if the table has one.
    """
    if only is None and not table.is_packed and not table.is_text:
        found = _plain(text, table)
        if found is not None:
            return found
    return _parse_any(text, table, path, line, only)


def _parse_any(
    text: bytes, table: Table, path: str, line: int, only: set[str] | None
) -> tuple[Array | None, Array]:
    """Parse lines as `parse` does, with quotes, spaces and any notation of numbers in them."""
    rows: list[list[str]] = []
    lines: list[int] = []
    problem: FormatError | None = None
    try:
        for number, row in rows_of(text, table, path, line):
            if only is None or table.split is None or row[table.split].strip() in only:
                rows.append(row)
                lines.append(number)
    except FormatError as error:
        problem = error  # what is wrong in the lines before comes first
    labels = None
    if table.label is not None:
        fields = [row[table.label].strip() for row in rows]
        labels = (_texts if table.is_text else _numbers)(fields, lines, table, path)
    pixels = _pixels(rows, lines, table, path)
    if problem is not None:
        raise problem
    return labels, pixels


def _plain(text: bytes, table: Table) -> tuple[Array | None, Array] | None:
    """Parse lines of plain numbers; None if there is anything else in them."""
    delimiter = table.delimiter.encode()
    if delimiter != b",":
        if b"," in text:
            return None
        text = text.replace(delimiter, b",")
    room = text.count(b"\n")
    if table.columns < 2:
        return None
    firsts = np.empty(room, np.int64)
    others = np.empty((room, table.columns - 1), np.uint8)
    # Measured: 4 times as fast as numpy.
    if csv_parser.parse_lines(text, firsts, others) != room:
        return None
    labels = None
    if table.label is not None:
        # A copy: a caller that keeps the labels must not keep the pixels alive.
        labels = firsts if table.label == 0 else others[:, table.label - 1].astype(np.int64)
    if table.pixels == [*range(1, table.columns)]:
        return labels, others
    if 0 in table.pixels:
        if firsts.max(initial=0) > 255:
            return None
        others = np.concatenate((firsts.astype(np.uint8)[:, None], others), axis=1)
        return labels, others[:, table.pixels]
    return labels, others[:, [column - 1 for column in table.pixels]]


@contextlib.contextmanager
def _long_fields() -> Iterator[None]:
    """Let the csv module read fields of any length that a line may have."""
    before = csv.field_size_limit(MAX_LINE)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def rows_of(text: bytes, table: Table, path: str, line: int) -> Iterator[tuple[int, list[str]]]:
    """Split lines, of which the first has the number line, into fields; each with its number."""
    try:
        lines = text.decode().split("\n")
    except UnicodeDecodeError as error:
        line += text.count(b"\n", 0, error.start)
        raise FormatError(f"line {line:,} is no text in UTF-8: {error}", file=path) from None
    for number, content in enumerate(lines if b"\0" in text else [], line):
        if "\0" in content:
            raise FormatError(
                f"line {number:,} has a NUL, which no text has; the file is damaged", file=path
            )
    # a line end may lie between quotes
    ends = (f"{content}\n" for content in lines)
    reader = csv.reader(ends, delimiter=table.delimiter, strict=True, skipinitialspace=True)
    number = line
    try:
        with _long_fields():
            for row in reader:
                number = line + reader.line_num - 1
                if not row or (len(row) == 1 and not row[0].strip()):
                    continue
                if len(row) != table.columns:
                    raise FormatError(
                        f"line {number:,} has {len(row):,} columns, expected {table.columns:,}",
                        file=path,
                    )
                yield number, row
    except csv.Error as error:
        if reader.line_num == len(lines):  # it read to the end for another quote
            raise FormatError(
                f"line {number:,} or one behind it opens a quote that is not closed", file=path
            ) from None
        number = line + max(reader.line_num, 1) - 1
        raise FormatError(f"line {number:,}: {error}", file=path) from None


def _numbers(fields: list[str], lines: list[int], table: Table, path: str) -> Array:
    values = [number_of(field) for field in fields]
    limits = np.iinfo(np.int64)
    for value, field, line in zip(values, fields, lines, strict=True):
        if value is None or not limits.min <= value <= limits.max:
            raise _error(field, "int64", table.label or 0, table, path, line)
    return np.array(values, np.int64)


def _texts(fields: list[str], lines: list[int], table: Table, path: str) -> Array:
    for field, line in zip(fields, lines, strict=True):
        if number_of(field) is not None:
            raise FormatError(
                f"line {line:,} has the label {field!r}, a number, and line {table.line:,} has a"
                " text; write all of them in one way",
                file=path,
            )
    return text_labels(fields, lambda i: f"line {lines[i]:,}", path)


def _pixels(rows: list[list[str]], lines: list[int], table: Table, path: str) -> Array:
    """Convert the fields of pixels, whole numbers from 0 to 255 in any notation, to uint8."""
    if table.is_packed:
        (column,) = table.pixels
        fields = [row[column].strip("[] ").replace(",", " ").split() for row in rows]
        for found, line in zip(fields, lines, strict=True):
            if len(found) != table.pixel_count:
                raise FormatError(
                    f"line {line:,} has {len(found):,} pixels in column {column + 1}, expected"
                    f" {table.pixel_count:,}",
                    file=path,
                )
    else:
        fields = [[row[column] for column in table.pixels] for row in rows]
    pixels = np.empty((len(rows), table.pixel_count), np.uint8)
    text = "".join(f"0,{','.join(found)}\n" for found in fields)
    zeros = np.empty(len(rows), np.int64)
    if csv_parser.parse_lines(text.encode(), zeros, pixels) == len(rows):
        return pixels
    if text.isascii() and "_" not in text:
        with contextlib.suppress(ValueError):
            return whole_bytes(np.array(fields).astype(np.float64))
    for found, line in zip(fields, lines, strict=True):
        for place, field in enumerate(found):
            value = number_of(field)
            if value is None or not 0 <= value <= 255:
                column = table.pixels[0 if table.is_packed else place]
                raise _error(field, "uint8", column, table, path, line)
    return np.array([[number_of(field) for field in found] for found in fields], np.uint8)


def _error(field: str, type: str, column: int, table: Table, path: str, line: int) -> FormatError:
    where = "pixels" if table.label is None else f"a label in column {table.label + 1:,} and pixels"
    remedy = ". If it is a heading, write label,pixel0,pixel1,… in place of it" if line == 1 else ""
    return FormatError(
        f"line {line:,}: could not convert string {field!r:.80} to {type} in column"
        f" {column + 1:,}; expected {where} from 0 to 255, whole numbers{remedy}",
        file=path,
    )
