"""Integers that a caller gave, checked and as `int`."""

from __future__ import annotations

import operator
from typing import Any


def whole_number(name: str, value: Any, least: int) -> int:
    """value as an int of at least `least`; raises TypeError or ValueError for anything else."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is an integer, not {value!r}") from None
    if number < least:
        raise ValueError(f"{name} is {least} or more, not {number}")
    return number


def unsigned_64(name: str, value: Any) -> int:
    """value as an int from 0 to 2^64 - 1, as keys of random numbers need it; raises as above."""
    number = whole_number(name, value, 0)
    if number >> 64:
        raise ValueError(f"{name} is less than 2^64, not {number}")
    return number
