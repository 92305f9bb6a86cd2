"""The columns of a CSV file: which one holds the labels, and the shape that the others make."""

from __future__ import annotations

import csv
import math
import re
from typing import NamedTuple

import numpy as np

from ..._util.types import Array
from ...compression.registry import likely_cause
from ...errors import FormatError

# The name of a column of labels, and the names that it may have if only one column has one.
LABEL = "label"
_LABELS = ("class", "target", "y")
# Names of columns that hold no pixels.
_ODD = (
    LABEL,
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
_MOST_LABEL = 128
_MOST_SHARE = 0.75
# Among 40 random pixels, two are equal with 95 %: a column of more different values is an index.
_MOST_DISTINCT = 40
# The remedy in messages about the column of the labels.
_SAY = (
    "labels=0, labels=-1 or labels='name' says where they are, labels=False that there are none"
    " (--labels)"
)

# What a record may hold and no column is called: a number in any notation, or a missing value.
_VALUE = re.compile(
    r"[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?|[-+]?inf(inity)?|#?n/?a|nan|null|none|nil|[\W_]+",
    re.IGNORECASE,
)


class Table(NamedTuple):
    """The columns of a table, as its first lines tell them."""

    columns: int
    label: int | None
    """The column of the labels; None where there are none."""
    shape: tuple[int, ...]
    is_own: bool
    """Whether the heading leaves no doubt that all other columns are pixels."""


def pixel_names(shape: tuple[int, ...]) -> list[str]:
    """Name the pixels: pixel0, pixel1, … in a grey square, as Kaggle does; else 1x1, 1x2, …"""
    if len(shape) == 2 and shape[0] == shape[1]:
        return [f"pixel{i}" for i in range(math.prod(shape))]
    return _pixel_positions(shape)


def _pixel_positions(shape: tuple[int, ...]) -> list[str]:
    return ["x".join(str(i + 1) for i in position) for position in np.ndindex(*shape)]


def heading_of(first: bytes, path: str) -> tuple[list[str], bool]:
    """Split the first line into fields; tell whether they name the columns."""
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
    values = [field.encode() for field in fields if _VALUE.fullmatch(field)]
    # pandas counts the columns beside those that have a name.
    is_heading = not values or _is_named(fields) or _counts_up(_integers(values))
    if not is_heading and len(fields) > 1:
        return fields, False  # a record with a field that is none: reading it says which
    if len(fields) < 2 and fields[0].lower() != LABEL:
        cause = likely_cause(first[:1024])
        looks = f"; it looks like {cause}" if cause else ""
        raise FormatError(
            f"starts with {first[:40]!r}, expected label,pixel0,pixel1,…{looks}", file=path
        )
    return fields, True


def _is_named(fields: list[str]) -> bool:
    """Tell whether a first line says `label`, which no record does."""
    return any(field.lower() == LABEL for field in fields)


def check_no_record(fields: list[str], labels: int | str | bool | None, path: str) -> None:
    """Raise if a heading may be a record: pandas writes 0,1,2,… where columns have no names, and
    other programs one word wherever a value is missing.
    """
    if labels is None or isinstance(labels, str):
        return  # the heading has the name of the labels
    if not all(field.isdecimal() for field in fields):
        is_unnamed = labels is not False and not fields[numbered_column(fields, labels, path) or 0]
        if (is_unnamed or len(set(fields)) < len(fields)) and not _is_named(fields):
            raise FormatError(
                f"line 1 is {_some(fields)}, which may be a heading that leaves columns without a"
                " name of their own or a damaged record: write label,pixel0,pixel1,… in place of it"
                " if it is a heading, remove or mend it if it is a record",
                file=path,
            )
        return
    pixels = [
        int(field) for i, field in enumerate(fields) if labels is False or i != labels % len(fields)
    ]
    if max(pixels) <= 255:
        raise FormatError(
            f"starts with {_some(fields)}, which may be a heading of pandas' or a record: remove"
            " that line if it is a heading, write one (label,pixel0,…) above it if it is a record",
            file=path,
        )


def named_column(fields: list[str], labels: int | str | bool | None, path: str) -> int | None:
    """Return the column of the labels in a table with a heading."""
    if labels is not None:
        return numbered_column(fields, labels, path)
    lower = [field.lower() for field in fields]
    matches = [i for i, field in enumerate(lower) if field == LABEL]
    matches = matches or [i for i, field in enumerate(lower) if field in _LABELS]
    if len(matches) == 1:
        return matches[0]
    has = (
        f"more than one column of labels: {', '.join(fields[i] for i in matches)}"
        if matches
        else "no column label"
    )
    raise FormatError(
        f"has {has} in its heading {_some(fields)}, expected label,pixel0,pixel1,…; {_SAY}",
        file=path,
    )


def numbered_column(fields: list[str], labels: int | str | bool, path: str) -> int | None:
    """Return the column that the caller names by number or by heading."""
    if labels is False:
        return None
    if isinstance(labels, str):
        matches = [i for i, field in enumerate(fields) if field.lower() == labels.lower()]
        if len(matches) != 1:
            how = "more than one column" if matches else "no column"
            raise FormatError(f"has {how} {labels!r}; it starts with {_some(fields)}", file=path)
        return matches[0]
    if not -len(fields) <= labels < len(fields):
        raise FormatError(
            f"has {len(fields):,} columns, so none with the number {labels}", file=path
        )
    return labels % len(fields)


def unnamed_column(fields: list[str], labels: int | str | bool, path: str) -> int | None:
    """Return the column of the labels in a table without a heading, where none has a name."""
    if isinstance(labels, str):
        raise FormatError(
            f"has no column {labels!r}, as it has no heading; it starts with {_some(fields)}."
            " Give the number of the column (labels=0, --labels 0), or write a heading"
            " (label,pixel0,…) above line 1",
            file=path,
        )
    return numbered_column(fields, labels, path)


def guess_label(firsts: list[bytes], lasts: list[bytes], columns: int, path: str) -> int:
    """Tell which column without a heading holds the labels: the first or the last one."""
    ends = [_integers(firsts), _integers(lasts)]
    few = [_recur(values) for values in ends]
    side = few.index(True) if any(few) else 0
    if any(_is_index(values) for values in ends):
        what = "one of its columns has another number in each line, as an index does: leave it out"
    elif few.count(True) == 1 and ends[side].max() < _MOST_LABEL:
        return (0, columns - 1)[side]
    elif all(few):
        what = "both its first and its last column could be labels"
    else:
        what = (
            "neither its first nor its last column is like labels, which are few small numbers that"
            " recur"
        )
    raise FormatError(f"has no heading, and {what}. {_SAY}", file=path)


def _integers(fields: list[bytes]) -> Array:
    """Convert fields to int64; an empty array if one of them is no integer."""
    if not all(field.isdigit() and len(field) < 19 for field in fields):
        return np.empty(0, np.int64)
    return np.array([int(field) for field in fields], np.int64)


def _recur(values: Array) -> bool:
    """Tell whether few values recur, as labels do; a corner pixel is nearly always black."""
    counts = np.unique(values, return_counts=True)[1]
    return 2 <= len(counts) <= len(values) / 2 and bool(counts.max() <= _MOST_SHARE * len(values))


def _is_index(values: Array) -> bool:
    """Tell whether values count up, or are all different and too many for pixels."""
    return _counts_up(values) or (
        len(values) > _MOST_DISTINCT and len(np.unique(values)) == len(values)
    )


def _counts_up(values: Array) -> bool:
    """Tell whether each value is one more than the value before."""
    return len(values) > 2 and bool((np.diff(values.astype(np.int64)) == 1).all())


def check_no_index(pixels: Array, path: str) -> None:
    for column in {0, pixels.shape[1] - 1}:
        if _counts_up(pixels[:, column]):
            where = "first" if column == 0 else "last"
            raise FormatError(
                f"has a column, the {where} beside the labels, that counts up as an index does:"
                " leave it out (in pandas, to_csv(index=False))",
                file=path,
            )


def table_of(
    heading: list[str] | None,
    columns: int,
    label: int | None,
    shape: tuple[int, ...] | None,
    path: str,
) -> Table:
    """Derive the columns from a heading (None if the file has none) and the options."""
    pixels = columns - (label is not None)
    if not pixels:
        what = heading[0] if heading else "one field in a line"
        raise FormatError(
            f"has one column, expected label,pixel0,pixel1,… divided by commas: {what!r}", file=path
        )
    heading_shape = None
    is_own = False
    if heading is not None:
        names = [name.lower() for i, name in enumerate(heading) if i != label]
        heading_shape = _heading_shape(names)
        kinds = [re.sub(r"\d+", "#", name) for name in names]
        usual = max(set(kinds), key=kinds.count)
        numbered = "#" in usual and kinds.count(usual) > 1
        odd = [
            name
            for name, kind in zip(names, kinds, strict=True)
            if name in _ODD or (numbered and kind != usual)
        ]
        if odd:
            raise FormatError(
                f"has the column {odd[0]!r} in its heading {_some(heading)}, which is neither the"
                " label nor a pixel: leave it out (an index, in pandas: to_csv(index=False))",
                file=path,
            )
        if numbered and heading_shape is None:
            # A label in a column of its own kind, "pixel5" of pixels, has its place among them.
            counted = [
                name.lower() for name in heading if re.sub(r"\d+", "#", name.lower()) == usual
            ]
            _check_order(counted, shape, path)
        is_own = heading_shape is not None or names == [f"pixel{i}" for i in range(pixels)]
    return Table(columns, label, flat_shape(pixels, shape, heading_shape, path), is_own)


def _check_order(names: list[str], shape: tuple[int, ...] | None, path: str) -> None:
    """Raise if the numbers in the pixels' names contradict the order or the shape."""
    if any(re.search(r"\d{10}", name) for name in names):
        raise FormatError(
            "has names of pixels with numbers of ten digits and more; none has so many", file=path
        )
    numbers = np.array([[int(number) for number in re.findall(r"\d+", name)] for name in names])
    positions = (numbers - numbers.min(axis=0))[:, (numbers != numbers[0]).any(axis=0)]
    sizes = [int(size) + 1 for size in positions.max(axis=0)]
    for i, position in enumerate(positions.tolist()):
        if position != _position(i, sizes):
            where = f"behind {names[i - 1]!r}" if i else "first"
            raise FormatError(
                f"has the pixel {names[i]!r} {where}; pixels are read row by row as their names"
                " count, each of them once: put the columns into this order",
                file=path,
            )
    edge = math.isqrt(len(names))
    if shape is None and len(sizes) > 1 and sizes != [edge, edge]:
        named_shape = " x ".join(map(str, sizes))
        raise FormatError(
            f"has names of pixels that tell of {named_shape}: give the shape (--shape)", file=path
        )


def _position(index: int, sizes: list[int]) -> list[int] | None:
    """Return the indices of a pixel in an image of these sizes, row by row; None behind its end."""
    position = []
    for size in reversed(sizes):
        index, last = divmod(index, size)
        position.append(last)
    return None if index else position[::-1]


def _heading_shape(names: list[str]) -> tuple[int, ...] | None:
    """Derive the shape from pixels called 1x1, 1x2, … in this order; None for other names."""
    if re.fullmatch(r"[1-9]\d{0,8}(x[1-9]\d{0,8}){1,7}", names[-1]) is None:
        return None
    shape = tuple(map(int, names[-1].split("x")))
    return shape if math.prod(shape) == len(names) and _pixel_positions(shape) == names else None


def flat_shape(
    pixels: int, shape: tuple[int, ...] | None, heading_shape: tuple[int, ...] | None, path: str
) -> tuple[int, ...]:
    """Return the shape of images that lie in a row: the chosen one, or that of a grey square."""
    if shape is not None:
        if math.prod(shape) != pixels:
            raise FormatError(
                f"has {pixels:,} pixels in a line, not the {math.prod(shape):,} of shape {shape}",
                file=path,
            )
        if heading_shape not in (None, shape):
            raise FormatError(
                f"has images of the shape {heading_shape} by its heading, not {shape}", file=path
            )
        return shape
    if heading_shape is not None:
        return heading_shape
    edge = math.isqrt(pixels)
    if edge * edge == pixels:
        return edge, edge
    edge = math.isqrt(pixels // 3)
    rgb = ""
    if 3 * edge * edge == pixels:
        rgb = (
            f": ({edge}, {edge}, 3) if each pixel has its red, green and blue together, (3, {edge},"
            f" {edge}) if not"
        )
    raise FormatError(
        f"has {pixels:,} pixels in a line, which make no square image in grey: give the shape"
        f" (--shape){rgb}",
        file=path,
    )


def _some(fields: list[str]) -> str:
    return ",".join(fields[:4])[:60] + (",…" if len(fields) > 4 else "")
