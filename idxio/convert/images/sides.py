"""Which pictures train and which test: decided by their bytes, so that no picture changes sides.

The key of a picture is the first 64 bits of the SHA-256 of its file. Pictures that are equal once
they are converted form a group, which goes to one side as a whole; its key is the least of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..._util.types import Array
from ...datasets.split_names import KNOWN

# The keys of a seventh of all pictures are not above this.
_SEVENTH = (1 << 64) // 7
_TRAIN, _TEST, _VAL = range(len(KNOWN))
_FREE = -1


class Sides(NamedTuple):
    """The records of each split, and what came of the rule."""

    parts: dict[str, Array]
    """The records of each split, ascending; train comes first."""
    few: list[int]
    """Labels of which no picture has a key below a seventh, so that the least one tests."""
    short: list[int]
    """Labels that have less pictures to test or validate with than asked for, as equal ones stay
    together, and old ones where they are."""


def given(splits: Array) -> Sides:
    """Take the splits that the pictures have already."""
    names = set(splits.tolist())
    in_order = [split for split in KNOWN if split in names] + sorted(names - set(KNOWN))
    return Sides({split: np.flatnonzero(splits == split) for split in in_order}, [], [])


def check_counts(
    labels: Array, class_names: list[str], test_per_class: int | None, val_per_class: int | None
) -> None:
    """Raise ValueError if a class has too few pictures for what is asked for."""
    wanted = (test_per_class or 0) + (val_per_class or 0)
    counts = np.bincount(labels, minlength=len(class_names)).tolist()
    for name, count in zip(class_names, counts, strict=True):
        if 0 < count <= wanted:
            raise ValueError(_too_few(name, count, test_per_class or 0, val_per_class))


def decided(
    sha256: Array,
    groups: Array,
    labels: Array,
    class_names: list[str],
    test_per_class: int | None,
    val_per_class: int | None,
    old: Array | None = None,
) -> Sides:
    """Decide the side of each record by its key.

    Parameters
    ----------
    sha256 : ndarray of uint8, (n, 32)
        Of the file of each picture.
    groups : ndarray, (n,)
        Equal for equal records.
    labels : ndarray of integers, (n,)
    class_names : list of str
        For messages.
    test_per_class : int, optional
        So many pictures of each class, those of the least keys, test; if not given, those whose
        key is below a seventh, at least one, and never all.
    val_per_class : int, optional
        So many of those that are left, of the least keys, are to validate with.
    old : ndarray of integers, (n,), optional
        The places in KNOWN of the splits that records have and keep; -1 for others.

    Raises
    ------
    ValueError
        A class has too few pictures.
    """
    old = np.full(len(labels), _FREE) if old is None else old
    keys = np.ascontiguousarray(sha256[:, :8]).view(">u8").astype(np.uint64).reshape(-1)
    _, first, group_of = np.unique(groups, return_index=True, return_inverse=True)
    group_of = group_of.reshape(-1)
    count = len(first)
    key = np.full(count, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(key, group_of, keys)
    size = np.bincount(group_of, minlength=count)
    label = labels[first]
    # Of equal pictures with different labels, none tests: one of the labels is wrong.
    is_mixed = np.zeros(count, bool)
    is_mixed[group_of[labels != label[group_of]]] = True
    kept = np.full(count, _FREE)
    np.maximum.at(kept, group_of, old)
    side = np.where(is_mixed & (kept == _FREE), _TRAIN, kept)

    few = []
    short = []
    by_key = np.lexsort((key, label))
    ends = np.cumsum(np.bincount(label, minlength=len(class_names)))
    totals = np.bincount(labels, minlength=len(class_names)).tolist()
    has = [np.bincount(labels[old == s], minlength=len(class_names)) for s in range(len(KNOWN))]
    for i, members in enumerate(np.split(by_key, ends[:-1])):
        free = members[side[members] == _FREE]
        if test_per_class is None:
            chosen = free[key[free] <= _SEVENTH]
            is_alone = len(members) == 1
            if not len(chosen) and not has[_TEST][i] and len(free) and not is_alone:
                chosen = free[:1]
                few.append(i)
            if totals[i] == sum(has[s][i] for s in range(1, len(KNOWN))) + size[chosen].sum():
                chosen = chosen[:-1]
            side[chosen] = _TEST
        else:
            short += _fill(side, size, free, _TEST, test_per_class - int(has[_TEST][i]), i)
        if val_per_class is not None:
            free = free[side[free] == _FREE]
            tests = int(size[members][side[members] == _TEST].sum())
            if 0 < totals[i] <= tests + val_per_class:
                raise ValueError(_too_few(class_names[i], totals[i], tests, val_per_class))
            short += _fill(side, size, free, _VAL, val_per_class - int(has[_VAL][i]), i)
    side[side == _FREE] = _TRAIN
    of_record = np.where(old == _FREE, side[group_of], old)
    parts = {}
    for s, name in enumerate(KNOWN):
        part = np.flatnonzero(of_record == s)
        if s in (_TRAIN, _TEST) or len(part) or (s == _VAL and val_per_class is not None):
            parts[name] = part
    return Sides(parts, few, sorted(set(short)))


def unlike(groups: Array, values: Array) -> tuple[int, int, int] | None:
    """Count the records that are equal to one with another value, and return two such records."""
    _, first, group_of = np.unique(groups, return_index=True, return_inverse=True)
    first_equal = first[group_of.reshape(-1)]
    others = np.flatnonzero(values != values[first_equal])
    return (len(others), int(first_equal[others[0]]), int(others[0])) if len(others) else None


def _fill(side: Array, size: Array, free: Array, to: int, wanted: int, label: int) -> list[int]:
    """Put groups of the least keys on a side, up to so many records; tell the label if there are
    less.
    """
    for group in free.tolist():
        if size[group] <= wanted:
            side[group] = to
            wanted -= int(size[group])
    return [label] if wanted > 0 else []


def _too_few(name: str, count: int, tests: int, val_per_class: int | None) -> str:
    to_validate = "" if val_per_class is None else f" and {val_per_class:,} to validate with"
    return (
        f"class {name!r} has {count:,} pictures; {tests:,} to test with{to_validate} leave none to"
        " train with"
    )
