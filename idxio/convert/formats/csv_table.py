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
from contextlib import contextmanager
from typing import IO, Any

import numpy as np

from ..._util.types import Array
from ...compression.base import Stream
from ...compression.registry import open_compressed
from ...datasets.split_names import split_named
from ...errors import FormatError, naming
from ...storage.file_object import write_all
from ...storage.regular import open_regular
from ...storage.source import open_source
from ...storage.targets import atomic_write
from . import npz
from .common import Blocks, Split, check_bytes, classes_of, images_of, tell
from .csv_columns import Table, check_no_index, table_of
from .csv_heading import check_no_record, delimiter_of, heading_of
from .csv_records import MAX_LINE, parse, rows_of
from .image_shape import Form
from .names import LABEL, Wanted
from .pixel_names import pixel_names

# Text read at a time.
_TEXT = 1 << 18
# A first line that says what divides the fields.
_STATED = re.compile(rb'"?sep=([,;|\t])"?\r?\n', re.IGNORECASE)


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
        write_all(output, ",".join((LABEL, *pixel_names(shape))).encode() + b"\n")
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


def csv_splits(
    path: str, split: str, wanted: Wanted, form: Form, *, is_alone: bool
) -> dict[str, Blocks]:
    """Read the records of a CSV file: images, uint8, and labels, or None if it has none.

    Its name says the split, or a column does, so that there may be several. Labels are int64, or
    objects where they are texts.
    """
    table = _table(path, wanted, form)
    for note in table.notes:
        tell(f"{path}: {note}")
    if table.split is None:
        return {split: _blocks(path, table, None)}
    values: dict[str, set[str]] = {}
    for value in dict.fromkeys(_column(path, table, table.split)):
        said = split_named(value)
        if said is None:
            raise FormatError(
                f"has {value!r} in the column of splits, which names none; name it train, test,"
                " val, or another name of a-z, 0-9, _ and -",
                file=path,
            )
        values.setdefault(said, set()).add(value)
    if not is_alone and [*values] != [split]:
        raise FormatError(
            f"is of the split {split} by its name, and has a column that says"
            f" {', '.join(values)}: name this file alone, or take that column out",
            file=path,
        )
    return {said: _blocks(path, table, only) for said, only in values.items()}


def _table(path: str, wanted: Wanted, form: Form) -> Table:
    """Find out which columns of a file hold what."""
    with _opened(path) as (file, delimiter, first, line):
        fields, is_heading = heading_of(first, delimiter, path)
        record = b"" if is_heading else first
        while not record.strip() and (more := _line(file, path)):
            record = more
        if is_heading:
            check_no_record(fields, wanted.labels, path)
    head = Table(len(fields), delimiter, line + is_heading)
    rows = [row for _, row in rows_of(record, head, path, head.line)]
    return table_of(
        head,
        fields if is_heading else None,
        rows[0] if rows else None,
        wanted,
        form,
        path,
        lambda column: [*_column(path, head, column)],
    )


def _blocks(path: str, table: Table, only: set[str] | None) -> Blocks:
    """Read the records whose split is one of these values, or all of them."""
    with _opened(path) as (file, _, first, line):
        unread = b""
        if line == table.line:  # it has no heading
            unread = first
        line = table.line
        is_begin = True
        for text in _texts_of(file, unread, path):
            labels, pixels = parse(text, table, path, line, only)
            if is_begin and not table.is_own:
                check_no_index(pixels, path)
            is_begin = False
            line += text.count(b"\n")
            yield pixels.reshape(-1, *table.shape), labels
        if is_begin:  # not one line
            yield (
                np.empty((0, *table.shape), np.uint8),
                (None if table.label is None else np.empty(0, np.int64)),
            )


def _column(path: str, table: Table, column: int) -> Iterator[str]:
    """Read one column of a table."""
    with _opened(path) as (file, _, first, line):
        unread = first if line == table.line else b""
        line = table.line
        for text in _texts_of(file, unread, path):
            if b'"' in text:
                yield from (row[column].strip() for _, row in rows_of(text, table, path, line))
            else:
                for fields in text.decode(errors="replace").split("\n"):
                    if fields.strip():
                        yield _field(fields, table, column)
            line += text.count(b"\n")


def _field(line: str, table: Table, column: int) -> str:
    """Return one field of a line without quotes; "" if it has not so many."""
    if column == table.columns - 1:
        return line.rpartition(table.delimiter)[2].strip()
    fields = line.split(table.delimiter, column + 1)
    return fields[column].strip() if column < len(fields) else ""


@contextmanager
def _opened(path: str) -> Iterator[tuple[IO[bytes], str, bytes, int]]:
    """Open a file, packed or not: it, what divides its fields, its first line and that's number."""
    with naming(path), open(path, "rb", opener=open_regular) as raw:
        is_zip = raw.read(4) == b"PK\3\4"
        raw.seek(0)
        if is_zip:
            npz.array_names(path)  # says what the archive holds
        compressed = open_compressed(open_source(raw))
        raw.seek(0)  # which telling the compression moves
        # What has no magic number is not packed.
        file = io.BufferedReader(_Unpacked(compressed.stream()), _TEXT) if compressed.magic else raw
        first = _line(file, path).removeprefix(b"\xef\xbb\xbf")
        if first.startswith(b"\0\0"):
            raise is_idx(path)
        stated = _STATED.fullmatch(first)
        if stated:  # for Excel
            yield file, stated[1].decode(), _line(file, path), 2
        else:
            yield file, delimiter_of(first), first, 1


def is_idx(path: str) -> FormatError:
    """The error for an IDX file, packed or not, where another format is expected."""
    return FormatError(
        "is an IDX file already; idxio reads IDX files as they are, packed or not", file=path
    )


class _Unpacked(io.RawIOBase):
    """A stream of unpacked bytes as a file."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, out: Any) -> int:
        return self._stream.readinto(memoryview(out).cast("B"))


def _texts_of(file: IO[bytes], before: bytes, path: str) -> Iterator[bytes]:
    """Read whole lines, many at a time."""
    waiting = [before]  # joined at the end of a line, so that a long one is copied once
    begun = len(before) - (before.rfind(b"\n") + 1)  # bytes of the line that has not ended
    while data := file.read(_TEXT):
        end = data.rfind(b"\n") + 1
        if end:
            yield b"".join((*waiting, data[:end]))
            waiting = []
            begun = 0
        waiting.append(data[end:])
        begun += len(data) - end
        if begun > MAX_LINE:
            raise _too_long(path)
    if rest := b"".join(waiting):
        yield rest if rest.endswith(b"\n") else rest + b"\n"


def _line(file: IO[bytes], path: str) -> bytes:
    """Read one line."""
    line = file.readline(MAX_LINE + 1)
    if len(line) > MAX_LINE:
        raise _too_long(path)
    return line


def _too_long(path: str) -> FormatError:
    return FormatError(f"has a line longer than {MAX_LINE:,} bytes", file=path)
