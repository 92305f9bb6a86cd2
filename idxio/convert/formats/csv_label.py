"""Which column of a CSV file holds the labels: by its name, its number or its values."""

from __future__ import annotations

from ...errors import FormatError
from .csv_values import is_index, recur, values_of
from .names import pick, remedy, some

# Where no name tells them, labels are below this.
_MOST_LABEL = 128
_SAY = remedy("labels")


def named_column(heading: list[str], labels: int | str | bool | None, path: str) -> int | None:
    """Return the column that the caller names, by number or by heading, or one with a usual name.

    Return None if there is none, or labels is False.
    """
    return None if labels is False else pick(heading, labels, "labels", path)


def numbered_column(fields: list[str], number: int | str | bool, path: str) -> int | None:
    """Return the column that the caller says of a table without a heading, where none has a name;
    fields are those of its first record.
    """
    if isinstance(number, str):
        raise FormatError(
            f"has no column {number!r}, as it has no heading; it starts with {some(fields)}."
            " Give the number of the column (labels=0, --labels 0), or write a heading"
            " (label,pixel0,…) above line 1",
            file=path,
        )
    return named_column(fields, number, path)


def guess_label(firsts: list[str], lasts: list[str], columns: int, path: str) -> int:
    """Return the column of the labels in a table without a heading: the first or the last one.

    firsts and lasts are the values of these two, columns their number.
    """
    ends = [values_of(firsts), values_of(lasts)]
    few = [recur(values) for values in ends]
    side = few.index(True) if any(few) else 0
    texts = [i for i, values in enumerate(ends) if values.dtype == object]
    if any(is_index(values) for values in ends if values.dtype != object):
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


def check_labels(fields: list[str], name: str, heading: list[str], path: str) -> None:
    """Raise if the only column beside pixels has other values than labels."""
    values = values_of(fields)
    if not recur(values) or (values.dtype != object and not 0 <= values.max() < _MOST_LABEL):
        raise FormatError(
            f"has no column label in its heading {some(heading)}, and {name!r} may be"
            f" it or not; {_SAY}",
            file=path,
        )


def no_label(heading: list[str], path: str) -> FormatError:
    """The error for a heading that does not tell which column holds the labels."""
    return FormatError(
        f"has no column label in its heading {some(heading)}, expected"
        f" label,pixel0,pixel1,…; {_SAY}",
        file=path,
    )
