"""One numbering of the classes of several files or datasets, by the names of the classes."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np

from .._util.types import Array
from ..errors import IdxError
from .classes import Names, in_order, same_numbers, tidy
from .metadata import DESCRIPTION


class Source(NamedTuple):
    """Labels to merge, and the names of their classes."""

    file: str | None
    """What an error names. None for an array, whose classes have no names."""
    labels: Array
    names: Names | None
    naming: str | None
    """The folder of the dataset.json that tells the names; None if none does."""
    noun: str = "file"
    """What it is, for an error."""

    @property
    def origin(self) -> str:
        """What an error names: the dataset.json that has the names, or else the file."""
        if self.naming is None:
            return self.file or "an array"
        return os.path.join(self.naming, DESCRIPTION)


def tidied(source: Source) -> Names:
    """The names of a source as they are compared; those that are blank are none."""
    names = {label: tidy(name) for label, name in (source.names or {}).items()}
    return {label: name for label, name in names.items() if name}


def check_named(source: Source) -> None:
    """Raise if a label has no name."""
    names = tidied(source)
    for label in np.unique(source.labels).tolist():
        if label not in names:
            raise IdxError(
                f"has the label {label}, which {source.origin} does not name; "
                f"to merge {source.noun}s by the names of their classes, give every label one",
                file=source.file,
            )


def in_one_numbering(sources: list[Source], dtype: np.dtype[Any]) -> tuple[Array, Names]:
    """The labels of all sources, with one number for each name of a class; and the names.

    The classes of the first source keep their numbers; those that it lacks follow. Labels are of
    this type, or as int32 if it does not hold them, and as int64, which writing refuses, if that
    does not either.

    Raises IdxError for a label without a name, and names that are one or could be.
    """
    numbers = _numbers(sources)
    first = sources[0]
    kept = {label: (first.names or {})[label] for label in tidied(first)}
    names = {number: name for name, number in numbers.items()} | kept
    return _renumbered(sources, numbers, dtype), names


def _numbers(sources: list[Source]) -> dict[str, int]:
    """The label of each name: as in the first file, and the next free ones for all other names."""
    numbers: dict[str, int] = {}
    for source in sources:
        names = tidied(source)
        label_of = {name: label for label, name in names.items()}
        if len(label_of) < len(names):
            twice = next(name for label, name in names.items() if label_of[name] != label)
            raise IdxError(
                f"has two labels with the name {twice!r}, so that {source.noun}s can't be merged by"
                " name",
                file=source.origin,
            )
        if not numbers:
            numbers = label_of
            continue
        for name in in_order(label_of):
            numbers.setdefault(name, max(numbers.values()) + 1)
        same = same_numbers(numbers)
        if same is not None:
            raise IdxError(
                f"has the class {same[1]!r}, another {source.noun} {same[0]!r}, which is the same"
                " number; write it in one way",
                file=source.origin,
            )
    return numbers


def _renumbered(sources: list[Source], numbers: dict[str, int], dtype: np.dtype[Any]) -> Array:
    parts = []
    for source in sources:
        check_named(source)
        names = tidied(source)
        old, inverse = np.unique(source.labels, return_inverse=True)
        new = np.array([numbers[names[label]] for label in old.tolist()], np.int64)
        parts.append(new[inverse.reshape(-1)])
    labels = np.concatenate(parts)
    for one in (dtype, np.dtype(np.int32)):
        limits = np.iinfo(one)
        if limits.min <= labels.min(initial=0) and labels.max(initial=0) <= limits.max:
            return labels.astype(one)
    return labels
