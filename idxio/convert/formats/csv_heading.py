"""The first line of a CSV file: its fields, and whether they name the columns or are a record."""

from __future__ import annotations

import csv
import re

from ...compression.registry import likely_cause
from ...errors import FormatError
from .csv_label import named_column
from .csv_values import VALUE, counts_up, integers
from .names import LABEL, some

# The marks that may divide fields, the most usual first.
_DELIMITERS = ",;\t"


def delimiter_of(first: bytes) -> str:
    """Return the mark that divides the fields of a first line: the one that is there most often."""
    return max(_DELIMITERS, key=lambda mark: first.count(mark.encode()))


def heading_of(first: bytes, delimiter: str, path: str) -> tuple[list[str], bool]:
    """Split the first line into fields; tell whether they name the columns."""
    if not first.strip():
        raise FormatError("is empty, expected a line label,pixel0,pixel1,…", file=path)
    fields = _fields(first, delimiter, path)
    if all(field.isdecimal() for field in fields):
        # pandas numbers columns that have no names.
        is_heading = len(fields) > 4 and [int(field[:19]) for field in fields] in (
            [*range(len(fields))],
            [*range(1, len(fields) + 1)],
        )
        return fields, is_heading
    if all(re.fullmatch(r"\d+\.0*", field) for field in fields) and counts_up(integers(fields)):
        raise _ambiguous(fields, path)
    values = [field for field in fields if VALUE.fullmatch(field)]
    # pandas counts the columns beside those that have a name.
    is_whole = all(value.isdecimal() for value in values)
    is_heading = not values or _is_named(fields) or (is_whole and counts_up(integers(values)))
    if not is_heading and len(fields) > 1:
        return fields, False  # a record with a field that is none: reading it says which
    if len(fields) < 2 and fields[0].lower() != LABEL:
        cause = likely_cause(first[:1024])
        looks = f"; it looks like {cause}" if cause else ""
        raise FormatError(
            f"starts with {first[:40]!r}, expected label,pixel0,pixel1,…{looks}", file=path
        )
    return fields, True


def _fields(first: bytes, delimiter: str, path: str) -> list[str]:
    """Split the first line into fields."""
    try:
        if b"\0" in first:
            raise csv.Error("a NUL")  # which Python says itself before 3.11
        (row,) = csv.reader([first.decode()], delimiter=delimiter, skipinitialspace=True)
    except (UnicodeDecodeError, csv.Error):
        cause = likely_cause(first[:1024])
        if first.startswith((b"\xff\xfe", b"\xfe\xff")):
            cause = "text in UTF-16: save it as UTF-8 (in Excel: CSV UTF-8)"
        elif not cause and b"\0" in first:
            cause = "damaged, or text in UTF-16: line 1 has a NUL"
        raise FormatError(f"is no CSV file{f' but {cause}' if cause else ''}", file=path) from None
    fields = [field.strip() for field in row]
    fields[0] = fields[0].removeprefix("# ").strip() or fields[0]  # of numpy.savetxt
    return fields


def check_no_record(fields: list[str], labels: int | str | bool | None, path: str) -> None:
    """Raise if a heading may be a record: pandas writes 0,1,2,… where columns have no names, and
    other programs one word wherever a value is missing.
    """
    if labels is None or isinstance(labels, str):
        return  # the heading has the name of the labels
    if not all(field.isdecimal() for field in fields):
        is_unnamed = labels is not False and not fields[named_column(fields, labels, path) or 0]
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
        raise _ambiguous(fields, path)


def _is_named(fields: list[str]) -> bool:
    """Tell whether a first line says `label`, which no record does."""
    return any(field.lower() == LABEL for field in fields)


def _ambiguous(fields: list[str], path: str) -> FormatError:
    """The error for a first line of numbers, which pandas' heading and a record both are."""
    return FormatError(
        f"line 1 is {some(fields)}, which may be a heading of pandas' or a record: remove"
        " that line if it is a heading, write one (label,pixel0,…) above it if it is a record",
        file=path,
    )
