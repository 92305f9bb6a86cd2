"""What the fields of a CSV file are, and what the values of one column look like."""

from __future__ import annotations

import re

import numpy as np

from ..._util.types import Array

# What a record may hold and no column is called: a number in any notation, or a missing value.
VALUE = re.compile(
    r"[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?|[-+]?inf(inity)?|#?n/?a|nan|null|none|nil|[\W_]+",
    re.IGNORECASE,
)
# Labels recur: none is on more than this share of the lines.
_MOST_SHARE = 0.75
# Among 40 random pixels, two are equal with 95 %: a column of more different values is an index.
_MOST_DISTINCT = 40


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


def integers(fields: list[str]) -> Array:
    """Convert fields to int64; an empty array if one of them is no integer."""
    numbers = [number_of(field) for field in fields]
    if None in numbers:
        return np.empty(0, np.int64)
    return np.array(numbers, np.int64)


def values_of(fields: list[str]) -> Array:
    """Convert fields to int64, or to objects if none is a number; empty for a mixture."""
    if fields and not any(VALUE.fullmatch(field) for field in fields):
        return np.array(fields, object)
    return integers(fields)


def recur(values: Array) -> bool:
    """Tell whether few values recur, as labels do; a corner pixel is nearly always black."""
    counts = np.unique(values, return_counts=True)[1]
    return 2 <= len(counts) <= len(values) / 2 and bool(counts.max() <= _MOST_SHARE * len(values))


def counts_up(values: Array) -> bool:
    """Tell whether each value is one more than the value before."""
    return len(values) > 2 and bool((np.diff(values.astype(np.int64)) == 1).all())


def is_index(values: Array) -> bool:
    """Tell whether values count up, or are all different and too many for pixels."""
    return counts_up(values) or (
        len(values) > _MOST_DISTINCT and len(np.unique(values)) == len(values)
    )
