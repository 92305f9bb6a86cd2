"""The name under which users know a function or class."""

from __future__ import annotations

from typing import TypeVar

Thing = TypeVar("Thing")


def public(thing: Thing) -> Thing:
    """A decorator for the names in `idxio.__all__`: help(), repr and pickles say `idxio.X`, wherever X is written."""
    thing.__module__ = "idxio"
    return thing
