"""The columns of a CSV file: which one holds the labels, and the shape that the others make."""

from __future__ import annotations

import csv
import math
import os
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ..._util.types import Array
from ...compression.registry import likely_cause
from ...errors import FormatError
from .image_shape import Form, flat_shape
from .names import LABEL, Wanted, is_label, pick, remedy, some
from .pixel_names import PIXEL_KIND, check_order, kind_of, shape_of, usual_kind

# Names of columns that number the records, or name their files; and of those that say the split.
_INDEX = ("", "unnamed: 0", "id", "idx", "index", "imageid", "image_id", "img_id")
_FILES = ("file", "filename", "path", "img_name", "image_name")
SPLITS = ("split", "usage", "set", "subset", "partition")
# The marks that may divide fields, the most usual first.
_DELIMITERS = ",;\t"
# Without a heading, labels are below this, and none is on more than this share of the lines.
_MOST_LABEL = 128
_MOST_SHARE = 0.75
# Among 40 random pixels, two are equal with 95 %: a column of more different values is an index.
_MOST_DISTINCT = 40
_SAY = remedy("labels")

# What a record may hold and no column is called: a number in any notation, or a missing value.
_VALUE = re.compile(
    r"[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?|[-+]?inf(inity)?|#?n/?a|nan|null|none|nil|[\W_]+",
    re.IGNORECASE,
)


# A field with several numbers: pixels of a whole image, as FER2013 has them.
_PACKED = re.compile(r"\[?\s*\d+(\.\d*)?([\s,]+\d+(\.\d*)?)+\s*\]?")
_PICTURE = re.compile(r".+\.(png|jpe?g|bmp|gif|tiff?|webp|ppm|pgm|dcm)", re.IGNORECASE)


class Table(NamedTuple):
    """The columns of a table, as its first lines tell them."""

    columns: int
    delimiter: str
    line: int
    """The number of the first line behind a heading."""
    label: int | None = None
    """The column of the labels; None where there are none."""
    is_text: bool = False
    """Whether the labels are texts."""
    pixels: Sequence[int] = ()
    """The columns of the pixels."""
    is_packed: bool = False
    """Whether one column holds all pixels of an image."""
    split: int | None = None
    """The column that says the split, if there is one."""
    notes: Sequence[str] = ()
    """What to tell: columns that are left out, or that were taken for labels."""
    shape: tuple[int, ...] = ()
    is_own: bool = False
    """Whether the heading leaves no doubt that all other columns are pixels."""

    @property
    def pixel_count(self) -> int:
        """The pixels of an image."""
        return math.prod(self.shape)


def delimiter_of(first: bytes) -> str:
    """Return the mark that divides the fields of a first line: the one that is there most often."""
    return max(_DELIMITERS, key=lambda mark: first.count(mark.encode()))


def heading_of(first: bytes, delimiter: str, path: str) -> tuple[list[str], bool]:
    """Split the first line into fields; tell whether they name the columns."""
    if not first.strip():
        raise FormatError("is empty, expected a line label,pixel0,pixel1,…", file=path)
    try:
        if b"\0" in first:
            raise csv.Error("a NUL")  # which Python says itself before 3.11
        fields = [
            field.strip()
            for field in next(
                csv.reader([first.decode()], delimiter=delimiter, skipinitialspace=True)
            )
        ]
    except (UnicodeDecodeError, csv.Error):
        cause = likely_cause(first[:1024])
        if first.startswith((b"\xff\xfe", b"\xfe\xff")):
            cause = "text in UTF-16: save it as UTF-8 (in Excel: CSV UTF-8)"
        elif not cause and b"\0" in first:
            cause = "damaged, or text in UTF-16: line 1 has a NUL"
        raise FormatError(f"is no CSV file{f' but {cause}' if cause else ''}", file=path) from None
    fields[0] = fields[0].removeprefix("# ").strip() or fields[0]  # of numpy.savetxt
    if all(field.isdecimal() for field in fields):
        # pandas numbers columns that have no names.
        is_heading = len(fields) > 4 and [int(field[:19]) for field in fields] in (
            [*range(len(fields))],
            [*range(1, len(fields) + 1)],
        )
        return fields, is_heading
    if all(re.fullmatch(r"\d+\.0*", field) for field in fields) and _counts_up(_integers(fields)):
        raise _pandas(fields, path)
    values = [field for field in fields if _VALUE.fullmatch(field)]
    # pandas counts the columns beside those that have a name.
    is_whole = all(value.isdecimal() for value in values)
    is_heading = not values or _is_named(fields) or (is_whole and _counts_up(_integers(values)))
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
                f"line 1 is {some(fields)}, which may be a heading that leaves columns without a"
                " name of their own or a damaged record: write label,pixel0,pixel1,… in place of it"
                " if it is a heading, remove or mend it if it is a record",
                file=path,
            )
        return
    pixels = [
        int(field) for i, field in enumerate(fields) if labels is False or i != labels % len(fields)
    ]
    if max(pixels) <= 255:
        raise _pandas(fields, path)


def _pandas(fields: list[str], path: str) -> FormatError:
    return FormatError(
        f"line 1 is {some(fields)}, which may be a heading of pandas' or a record: remove"
        " that line if it is a heading, write one (label,pixel0,…) above it if it is a record",
        file=path,
    )


def numbered_column(fields: list[str], labels: int | str | bool, path: str) -> int | None:
    """Return the column that the caller names by number or by heading."""
    return None if labels is False else pick(fields, labels, "labels", path)


def unnamed_column(fields: list[str], labels: int | str | bool, path: str) -> int | None:
    """Return the column of the labels in a table without a heading, where none has a name."""
    if isinstance(labels, str):
        raise FormatError(
            f"has no column {labels!r}, as it has no heading; it starts with {some(fields)}."
            " Give the number of the column (labels=0, --labels 0), or write a heading"
            " (label,pixel0,…) above line 1",
            file=path,
        )
    return numbered_column(fields, labels, path)


def _guess_label(firsts: list[str], lasts: list[str], columns: int, path: str) -> int:
    """Tell which column without a heading holds the labels: the first or the last one."""
    ends = [_values(firsts), _values(lasts)]
    few = [_recur(values) for values in ends]
    side = few.index(True) if any(few) else 0
    texts = [i for i, values in enumerate(ends) if values.dtype == object]
    if any(_is_index(values) for values in ends if values.dtype != object):
        what = "one of its columns has another number in each line, as an index does: leave it out"
    elif len(texts) == 1 and few[texts[0]]:
        return (0, columns - 1)[texts[0]]
    elif not texts and few.count(True) == 1 and ends[side].max() < _MOST_LABEL:
        return (0, columns - 1)[side]
    elif all(few):
        what = "both its first and its last column could be labels"
    else:
        what = (
            "neither its first nor its last column is like labels, which are few small numbers that"
            " recur"
        )
    raise FormatError(f"has no heading, and {what}. {_SAY}", file=path)


def _values(fields: list[str]) -> Array:
    """Convert fields to int64, or to objects if none is a number; empty for a mixture."""
    if fields and not any(_VALUE.fullmatch(field) for field in fields):
        return np.array(fields, object)
    return _integers(fields)


def number_of(field: str) -> int | None:
    """Return the whole number that a field is, written as an integer or a float; None if none."""
    field = field.strip()
    if re.fullmatch(r"[-+]?\d{1,18}", field, re.ASCII):
        return int(field)
    if not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", field, re.ASCII | re.IGNORECASE):
        return None
    value = float(field)
    # Beyond 2**53, a float is no exact number.
    return int(value) if value.is_integer() and abs(value) < 1 << 53 else None


def _integers(fields: list[str]) -> Array:
    """Convert fields to int64; an empty array if one of them is no integer."""
    numbers = [number_of(field) for field in fields]
    if None in numbers:
        return np.empty(0, np.int64)
    return np.array(numbers, np.int64)


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
    head: Table,
    heading: list[str] | None,
    first: list[str] | None,
    wanted: Wanted,
    form: Form,
    path: str,
    values: Callable[[int], list[str]],
) -> Table:
    """Find out what the columns hold; head has their number.

    heading is None if the file has none, first its first record, None if it has none. values reads
    a column.
    """
    if heading is None:
        table = _unnamed_table(head, first, wanted, path, values)
    else:
        table = _named_table(head, heading, first, wanted, path, values)
    if not table.pixels:
        what = heading[0] if heading else "one field in a line"
        raise FormatError(
            f"has one column, expected label,pixel0,pixel1,… divided by commas: {what!r}"
            if head.columns == 1
            else f"has no column of pixels; it starts with {some(heading or first or [])}",
            file=path,
        )
    if first is not None and any(_PICTURE.fullmatch(first[i].strip()) for i in table.pixels):
        raise _listing(path)
    count = len(table.pixels)
    if table.is_packed and first is not None:
        count = len(first[table.pixels[0]].strip("[] ").replace(",", " ").split())
    heading_shape = None
    if heading is not None and not table.is_packed:
        heading_shape = _checked_shape(heading, table, form, path)
    is_text = False
    if table.label is not None and first is not None:
        field = first[table.label].strip()
        is_text = bool(field) and not _VALUE.fullmatch(field)
    names = [heading[i].lower() for i in table.pixels] if heading else []
    return table._replace(
        is_text=is_text,
        shape=flat_shape(count, form, heading_shape, path),
        is_own=table.is_packed
        or heading_shape is not None
        or (heading is not None and names == [f"pixel{i}" for i in range(count)]),
    )


def _unnamed_table(
    head: Table,
    first: list[str] | None,
    wanted: Wanted,
    path: str,
    values: Callable[[int], list[str]],
) -> Table:
    fields = first or []
    if wanted.labels is not None:
        label = unnamed_column(fields, wanted.labels, path)
    else:
        label = _guess_label(values(0), values(head.columns - 1), head.columns, path)
    if wanted.images is not None:
        image = unnamed_column(fields, wanted.images, path)
        return _packed_table(head, None, first, image, label, None, path)
    return head._replace(label=label, pixels=[i for i in range(head.columns) if i != label])


def _packed_table(
    head: Table,
    heading: list[str] | None,
    first: list[str] | None,
    image: int | None,
    label: int | None,
    split: int | None,
    path: str,
) -> Table:
    """Make the table where one column holds all pixels of an image."""
    if image is not None and first is not None and _PICTURE.fullmatch(first[image].strip()):
        raise _listing(path)
    if image is None or first is None or not _PACKED.fullmatch(first[image].strip()):
        has = f"{first[image]!r:.60}" if image is not None and first is not None else "nothing"
        raise FormatError(
            f"has {has} in the column of images, expected the pixels of a whole image, divided by"
            " spaces",
            file=path,
        )
    others = [i for i in range(head.columns) if i not in (image, label, split)]
    names = [heading[i] if heading else f"column {i}" for i in others]
    return head._replace(
        label=label, pixels=[image], is_packed=True, split=split, notes=_left_out(names)
    )


def _left_out(names: list[str]) -> list[str]:
    return [f"left out what is no image or label: {', '.join(names)}"] if names else []


def _listing(path: str) -> FormatError:
    return FormatError(
        "lists picture files, and holds no pixels: idxio build PICTURES OUT --labels"
        f" {os.path.basename(path)} makes a dataset of them",
        file=path,
    )


def _named_table(
    head: Table,
    heading: list[str],
    first: list[str] | None,
    wanted: Wanted,
    path: str,
    values: Callable[[int], list[str]],
) -> Table:
    names = [name.lower() for name in heading]
    usual, is_numbered = usual_kind(names)
    rest = [i for i, name in enumerate(names) if not (is_numbered and kind_of(name) == usual)]
    split = next((i for i in rest if names[i] in SPLITS), None)
    image = _packed_column(heading, first, rest, wanted, path)
    surplus = [
        i
        for i in rest
        if (is_numbered or image is not None)
        and (names[i] in _FILES or (names[i] in _INDEX and (names[i] or i == 0)))
    ]
    is_said = wanted.labels is not None
    label = (
        numbered_column(heading, wanted.labels, path)
        if wanted.labels is not None
        else pick(heading, None, "labels", path)
    )
    notes = []
    if label is None and not is_said:
        left = [i for i in rest if i not in (split, image, *surplus)]
        is_clear = image is not None or (
            is_numbered and (bool(left) or bool(PIXEL_KIND.fullmatch(usual)))
        )
        index = [values(i) for i in surplus if names[i] in _INDEX]
        if (
            not is_clear
            or len(left) > 1
            or usual == "#"
            or any(len(set(numbers)) < len(numbers) for numbers in index)
        ):
            raise FormatError(
                f"has no column label in its heading {some(heading)}, expected"
                f" label,pixel0,pixel1,…; {_SAY}",
                file=path,
            )
        if left:
            label = _only_column(left, heading, values, path)
            notes.append(f"took {heading[label]!r}, the only column beside pixels, for the labels")
    if image is not None:
        table = _packed_table(head, heading, first, image, label, split, path)
        return table._replace(notes=[*notes, *table.notes])
    surplus = [i for i in surplus if i != label]
    if wanted.labels is False and (unwanted := pick(heading, None, "labels", path)) is not None:
        surplus.append(unwanted)
    split = None if split == label or not is_numbered else split
    others = [heading[i] for i in surplus if names[i] not in ("", "unnamed: 0")]
    pixels = [i for i in range(head.columns) if i not in (label, split, *surplus)]
    notes += _left_out(others)
    return head._replace(label=label, pixels=pixels, split=split, notes=notes)


def _packed_column(
    heading: list[str], first: list[str] | None, rest: list[int], wanted: Wanted, path: str
) -> int | None:
    """Return the column that holds the pixels of a whole image, if there is one."""
    if wanted.images is not None:
        return pick(heading, wanted.images, "images", path)
    found = [i for i in rest if first is not None and _PACKED.fullmatch(first[i].strip())]
    if len(found) > 1:
        raise FormatError(
            f"has several columns with numbers of whole images: {heading[found[0]]},"
            f" {heading[found[1]]}; {remedy('images')}",
            file=path,
        )
    return found[0] if found else None


def _only_column(
    left: list[int], heading: list[str], values: Callable[[int], list[str]], path: str
) -> int:
    """Return the one column beside pixels, if its values are like labels."""
    (column,) = left
    found = _values(values(column))
    if not _recur(found) or (found.dtype != object and not 0 <= found.max() < _MOST_LABEL):
        raise FormatError(
            f"has no column label in its heading {some(heading)}, and {heading[column]!r} may be"
            f" it or not; {_SAY}",
            file=path,
        )
    return column


def _checked_shape(
    heading: list[str], table: Table, form: Form, path: str
) -> tuple[int, ...] | None:
    """Check that the names of the pixels are those of pixels; return the shape that they tell."""
    names = [heading[i].lower() for i in table.pixels]
    heading_shape = shape_of(names)
    usual, is_numbered = usual_kind(names)
    odd = [
        name
        for name in names
        if name in (*_INDEX, *_FILES, *SPLITS)
        or is_label(name)
        or (is_numbered and kind_of(name) != usual)
    ]
    if odd:
        raise FormatError(
            f"has the column {odd[0]!r} in its heading {some(heading)}, which is neither the"
            " label nor a pixel: leave it out (an index, in pandas: to_csv(index=False))",
            file=path,
        )
    if is_numbered and heading_shape is None:
        # A label in a column of its own kind, "pixel5" of pixels, has its place among them.
        counted = [name.lower() for name in heading if kind_of(name) == usual]
        check_order(counted, form.shape, path)
    return heading_shape
