"""CSV as on Kaggle: a line for each image, its label and then its pixels, under the heading label,pixel0,…

The heading tells the shape where that is no grey square: 1x1,1x2,… to 32x32x3.
"""

from __future__ import annotations

import csv
import io
import math
import os
import re
from collections.abc import Callable, Iterator
from typing import IO, NamedTuple

import numpy as np

from ..._native import csv_parser
from ...errors import FormatError, naming
from ...storage.atomic_file import atomic_write
from ...storage.file_object import write_all
from ...storage.regular import open_regular
from ...storage.signatures import likely_cause
from .common import Array, Blocks, Split, check_bytes, classes_of, images_of

# Text read at a time.
_TEXT = 1 << 18
# No line is longer: a colour picture of 2048 x 2048.
_MAX_LINE = 64 << 20


def _texts(end: str) -> Array:
    """The text of each byte, as four bytes in one number; zeros fill up."""
    return np.array([f"{value}{end}".encode() for value in range(256)], "S4").view(np.uint32)


# What a column of labels is called, and what it may be called where no other column could be meant.
_LABEL, _LABELS = "label", ("class", "target", "y")
# Names of columns that are no pixels.
_ODD = (
    _LABEL,
    *_LABELS,
    "",
    "id",
    "idx",
    "index",
    "unnamed: 0",
    "imageid",
    "image_id",
    "file",
    "filename",
    "path",
    "split",
    "usage",
)
# Without a heading, labels are below this, and none is on more than this share of the lines.
_MOST_LABEL, _MOST_SHARE = 128, 0.75
# Of 40 pixels at random, two are the same with 95 %; that so many lines have none such is no chance.
_MOST_DISTINCT = 40
# What says where the labels are, for messages.
_SAY = "labels=0, labels=-1 or labels='name' says where they are, labels=False that there are none (--labels)"

_NUMBER = re.compile(r"[-+]?\d{1,15}(\.\d*)?")

_MIDDLE, _LAST = _texts(","), _texts("\n")


class _Table(NamedTuple):
    """What the beginning of a file says of all its lines."""

    columns: int
    label: int | None
    """The column of the labels; None where there are none."""
    shape: tuple[int, ...]
    is_own: bool
    """Whether the heading leaves no doubt that all other columns are pixels."""


def write_csv(folder: str, split: Split, threads: int, step: Callable[[int], None]) -> None:
    """Write `<split>.csv` of uint8 images of two axes or more. The heading tells their shape."""
    check_bytes(split, "CSV")
    labels = classes_of(split)
    shape = split.images.shape[1:]
    pixels = math.prod(shape)
    if not pixels or len(shape) < 2:
        what = "has rows and no pictures" if pixels and shape else "no pixels to write"
        raise FormatError(f"has the shape {split.images.shape}: {what}. npz keeps every shape", file=split.images.name)
    with atomic_write(os.path.join(folder, f"{split.name}.csv")) as output:
        write_all(output, ",".join((_LABEL, *_pixel_names(shape))).encode() + b"\n")
        for start, block in images_of(split):
            write_all(output, _lines(labels[start : start + len(block)], block.reshape(len(block), pixels)))
            step(len(block))


def _pixel_names(shape: tuple[int, ...]) -> list[str]:
    """Kaggle's pixel0, pixel1, … of a grey square, which is what the number of pixels says anyway; else 1x1, 1x2, …"""
    if len(shape) == 2 and shape[0] == shape[1]:
        return [f"pixel{i}" for i in range(math.prod(shape))]
    return _places(shape)


def _places(shape: tuple[int, ...]) -> list[str]:
    return ["x".join(str(i + 1) for i in place) for place in np.ndindex(*shape)]


def _lines(labels: Array, pixels: Array) -> bytes:
    """The text of some rows: each field is looked up with zeros behind it, then the zeros are dropped."""
    begins = np.array([f"{label}," for label in labels.tolist()], "S12").view(np.uint32).reshape(len(labels), 3)
    cells = np.concatenate((begins, _MIDDLE[pixels[:, :-1]], _LAST[pixels[:, -1:]]), axis=1)
    return cells.tobytes().translate(None, b"\0")


def csv_blocks(path: str, labels: int | str | bool | None, shape: tuple[int, ...] | None) -> Blocks:
    """The records of a CSV file: images, uint8, and labels, int64, or None if there are none.

    labels is the number or the name of their column, False for none. If not given, the heading says it, or the lines
    bear it out that it is the first or the last. Without a shape, the heading tells it or the images are grey squares.
    """
    with naming(path), open(path, "rb", opener=open_regular) as file:
        first = file.readline(_MAX_LINE).removeprefix(b"\xef\xbb\xbf")
        fields, is_heading = _heading(first, path)
        if is_heading:
            _check_no_record(fields, labels, path)
            label = _named_column(fields, labels, path)
        else:
            label = _guess(path, len(fields)) if labels is None else _column(fields, labels, path)
        table = _table(fields if is_heading else None, len(fields), label, shape, path)
        line = 1 + is_heading
        for text in _texts_of(file, b"" if is_heading else first, path):
            try:
                classes, pixels = _parse(text, table.columns, table.label)
            except ValueError:
                raise _error(text, table, path, line) from None
            if line == 1 + is_heading and not table.is_own:
                _check_no_index(pixels, path)
            line += text.count(b"\n")
            yield pixels.reshape(-1, *table.shape), classes
        if line == 1 + is_heading:  # not one line
            yield np.empty((0, *table.shape), np.uint8), None if label is None else np.empty(0, np.int64)


def _heading(first: bytes, path: str) -> tuple[list[str], bool]:
    """The fields of the first line, and whether they name the columns."""
    if not first.strip():
        raise FormatError("is empty, expected a line label,pixel0,pixel1,…", file=path)
    try:
        fields = [field.strip() for field in next(csv.reader([first.decode()]))]
    except (UnicodeDecodeError, csv.Error):
        cause = likely_cause(first[:1024])
        raise FormatError(f"is no CSV file{f' but {cause}' if cause else ''}", file=path) from None
    if all(field.isdecimal() for field in fields):
        # pandas numbers columns that have no names.
        is_heading = len(fields) > 4 and [int(field[:19]) for field in fields] in (
            [*range(len(fields))],
            [*range(1, len(fields) + 1)],
        )
        return fields, is_heading
    numbers = [float(field) for field in fields if _NUMBER.fullmatch(field)]
    if 2 * len(numbers) > len(fields) and not _counts_up(np.array(numbers)):
        return fields, False  # a record with a field that is none: reading it says which
    if len(fields) < 2 and fields[0].lower() != _LABEL:
        cause = likely_cause(first[:1024])
        looks = f"; it looks like {cause}" if cause else ""
        raise FormatError(f"starts with {first[:40]!r}, expected label,pixel0,pixel1,…{looks}", file=path)
    return fields, True


def _check_no_record(fields: list[str], labels: int | str | bool | None, path: str) -> None:
    """Raise if a heading of numbers may be a record: pandas writes 0,1,2,… above columns that have no names."""
    if labels is None or isinstance(labels, str) or not all(field.isdecimal() for field in fields):
        return
    pixels = [int(field) for i, field in enumerate(fields) if labels is False or i != labels % len(fields)]
    if max(pixels) <= 255:
        raise FormatError(
            f"starts with {_some(fields)}, which may be a heading of pandas' or a record: remove that line if it is a "
            "heading, write one (label,pixel0,…) above it if it is a record",
            file=path,
        )


def _named_column(fields: list[str], labels: int | str | bool | None, path: str) -> int | None:
    """The column of the labels in a table with a heading."""
    if labels is not None:
        return _column(fields, labels, path)
    lower = [field.lower() for field in fields]
    found = [i for i, field in enumerate(lower) if field == _LABEL]
    found = found or [i for i, field in enumerate(lower) if field in _LABELS]
    if len(found) == 1:
        return found[0]
    has = f"more than one column of labels: {', '.join(fields[i] for i in found)}" if found else "no column label"
    raise FormatError(f"has {has} in its heading {_some(fields)}, expected label,pixel0,pixel1,…; {_SAY}", file=path)


def _column(fields: list[str], labels: int | str | bool, path: str) -> int | None:
    """The column that was named, by its number or its name in the heading."""
    if labels is False:
        return None
    if isinstance(labels, str):
        found = [i for i, field in enumerate(fields) if field.lower() == labels.lower()]
        if len(found) != 1:
            how = "more than one column" if found else "no column"
            raise FormatError(f"has {how} {labels!r}; it starts with {_some(fields)}", file=path)
        return found[0]
    if not -len(fields) <= labels < len(fields):
        raise FormatError(f"has {len(fields):,} columns, so none with the number {labels}", file=path)
    return labels % len(fields)


def _guess(path: str, columns: int) -> int:
    """The first or the last column of a table without a heading, if one of them alone can be the labels."""
    firsts: list[bytes] = []
    lasts: list[bytes] = []
    with open(path, "rb") as file:
        for text in _texts_of(file, b"", path):
            for line in text.removeprefix(b"\xef\xbb\xbf").splitlines():
                if line.strip():
                    firsts.append(line.partition(b",")[0].strip(b' "'))
                    lasts.append(line.rpartition(b",")[2].strip(b' "'))
    ends = [_integers(firsts), _integers(lasts)]
    few = [_recur(values) for values in ends]
    place = few.index(True) if any(few) else 0
    if any(_is_index(values) for values in ends):
        what = "one of its columns has another number in each line, as an index does: leave it out"
    elif few.count(True) == 1 and ends[place].max() < _MOST_LABEL:
        return (0, columns - 1)[place]
    elif all(few):
        what = "both its first and its last column could be labels"
    else:
        what = "neither its first nor its last column is like labels, which are few small numbers that recur"
    raise FormatError(f"has no heading, and {what}. {_SAY}", file=path)


def _integers(fields: list[bytes]) -> Array:
    """Fields as int64; empty if one of them is none."""
    if not all(field.isdigit() and len(field) < 19 for field in fields):
        return np.empty(0, np.int64)
    return np.array([int(field) for field in fields], np.int64)


def _recur(values: Array) -> bool:
    """Whether they are few that recur, as labels do, and none of them nearly always, as the black of a corner does."""
    counts = np.unique(values, return_counts=True)[1]
    return 2 <= len(counts) <= len(values) / 2 and bool(counts.max() <= _MOST_SHARE * len(values))


def _is_index(values: Array) -> bool:
    """Whether they count up, or are so many that no pixel would have another value in each of them."""
    return _counts_up(values) or (len(values) > _MOST_DISTINCT and len(np.unique(values)) == len(values))


def _counts_up(values: Array) -> bool:
    """Whether they are an index: each one more than the one before."""
    return len(values) > 2 and bool((np.diff(values.astype(np.int64)) == 1).all())


def _check_no_index(pixels: Array, path: str) -> None:
    for column in {0, pixels.shape[1] - 1}:
        if _counts_up(pixels[:, column]):
            where = "first" if column == 0 else "last"
            raise FormatError(
                f"has a column, the {where} beside the labels, that counts up as an index does: leave it out "
                "(in pandas, to_csv(index=False))",
                file=path,
            )


def _table(
    heading: list[str] | None, columns: int, label: int | None, shape: tuple[int, ...] | None, path: str
) -> _Table:
    """How each line is to be read; heading is None where there is none."""
    pixels = columns - (label is not None)
    if not pixels:
        what = heading[0] if heading else "one field in a line"
        raise FormatError(f"has one column, expected label,pixel0,pixel1,… divided by commas: {what!r}", file=path)
    told, is_own = None, False
    if heading is not None:
        names = [name.lower() for i, name in enumerate(heading) if i != label]
        told = _told_shape(names)
        kinds = [re.sub(r"\d+", "#", name) for name in names]
        usual = max(set(kinds), key=kinds.count)
        numbered = "#" in usual and kinds.count(usual) > 1
        odd = [name for name, kind in zip(names, kinds, strict=True) if name in _ODD or (numbered and kind != usual)]
        if odd:
            raise FormatError(
                f"has the column {odd[0]!r} in its heading {_some(heading)}, which is neither the label nor a pixel: "
                "leave it out (an index, in pandas: to_csv(index=False))",
                file=path,
            )
        if numbered and told is None:
            # A label in a column of its own kind, "pixel5" of pixels, has its place among them.
            counted = [name.lower() for name in heading if re.sub(r"\d+", "#", name.lower()) == usual]
            _check_order(counted, shape, path)
        is_own = told is not None or names == [f"pixel{i}" for i in range(pixels)]
    return _Table(columns, label, _shape(pixels, shape, told, path), is_own)


def _check_order(names: list[str], shape: tuple[int, ...] | None, path: str) -> None:
    """Raise if the numbers in the names of pixels say that they have another order or shape than is read."""
    if any(re.search(r"\d{10}", name) for name in names):
        raise FormatError("has names of pixels with numbers of ten digits and more; none has so many", file=path)
    numbers = np.array([[int(number) for number in re.findall(r"\d+", name)] for name in names])
    places = (numbers - numbers.min(axis=0))[:, (numbers != numbers[0]).any(axis=0)]
    sizes = [int(size) + 1 for size in places.max(axis=0)]
    for i, place in enumerate(places.tolist()):
        if place != _place(i, sizes):
            where = f"behind {names[i - 1]!r}" if i else "first"
            raise FormatError(
                f"has the pixel {names[i]!r} {where}; pixels are read row by row as their names count, each of them "
                "once: put the columns into this order",
                file=path,
            )
    edge = math.isqrt(len(names))
    if shape is None and len(sizes) > 1 and sizes != [edge, edge]:
        told_shape = " x ".join(map(str, sizes))
        raise FormatError(f"has names of pixels that tell of {told_shape}: give the shape (--shape)", file=path)


def _place(index: int, sizes: list[int]) -> list[int] | None:
    """Where a pixel stands in an image of these sizes, row by row; None behind its end."""
    place = []
    for size in reversed(sizes):
        index, last = divmod(index, size)
        place.append(last)
    return None if index else place[::-1]


def _told_shape(names: list[str]) -> tuple[int, ...] | None:
    """The shape of images whose pixels are called 1x1, 1x2, … in this order; None if they are not."""
    if re.fullmatch(r"[1-9]\d{0,8}(x[1-9]\d{0,8}){1,7}", names[-1]) is None:
        return None
    shape = tuple(map(int, names[-1].split("x")))
    return shape if math.prod(shape) == len(names) and _places(shape) == names else None


def _shape(pixels: int, shape: tuple[int, ...] | None, told: tuple[int, ...] | None, path: str) -> tuple[int, ...]:
    if shape is not None:
        if math.prod(shape) != pixels:
            raise FormatError(
                f"has {pixels:,} pixels in a line, not the {math.prod(shape):,} of shape {shape}", file=path
            )
        if told not in (None, shape):
            raise FormatError(f"has images of the shape {told} by its heading, not {shape}", file=path)
        return shape
    if told is not None:
        return told
    edge = math.isqrt(pixels)
    if edge * edge == pixels:
        return edge, edge
    edge = math.isqrt(pixels // 3)
    rgb = ""
    if 3 * edge * edge == pixels:
        rgb = f": ({edge}, {edge}, 3) if each pixel has its red, green and blue together, (3, {edge}, {edge}) if not"
    raise FormatError(
        f"has {pixels:,} pixels in a line, which make no square image in grey: give the shape (--shape){rgb}", file=path
    )


def _some(fields: list[str]) -> str:
    return ",".join(fields[:4])[:60] + (",…" if len(fields) > 4 else "")


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


def _parse(text: bytes, columns: int, label: int | None) -> tuple[Array | None, Array]:
    """Labels and pixels of whole lines. ValueError where a field is none, or one is missing."""
    room = text.count(b"\n")
    firsts, others = np.empty(room, np.int64), np.empty((room, columns - 1), np.uint8)
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
    """The same for lines with spaces, quotes or nothing in them, and for what is wrong."""
    pixels = columns - (label is not None)
    if not text.strip():
        return None if label is None else np.empty(0, np.int64), np.empty((0, pixels), np.uint8)
    before = pixels if label is None else label
    fields = [("before", np.uint8, (before,)), ("label", np.int64), ("behind", np.uint8, (pixels - before,))]
    there = [before > 0, label is not None, pixels > before]
    record = np.dtype([field for field, is_there in zip(fields, there, strict=True) if is_there])
    table = np.loadtxt(io.BytesIO(text), record, delimiter=",", comments=None, quotechar='"', ndmin=1)
    parts = [table[name] for name in ("before", "behind") if name in (record.names or ())]
    # Copies: whoever keeps the labels keeps no pixels.
    return None if label is None else table["label"].copy(), np.concatenate(parts, axis=1)


def _error(text: bytes, table: _Table, path: str, line: int) -> FormatError:
    """The first line that can't be parsed, found by halving; line is the number of the first one of text."""
    lines, first = text.split(b"\n"), line
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
        return FormatError(f"line {first:,} or one behind it opens a quote that is not closed", file=path)
    found = lines[0].count(b",") + 1
    if found != table.columns:
        return FormatError(f"line {line:,} has {found:,} columns, expected {table.columns:,}", file=path)
    where = "pixels" if table.label is None else f"a label in column {table.label + 1:,} and pixels"
    return FormatError(f"line {line:,}: {reason}; expected {where} from 0 to 255, whole numbers", file=path)
