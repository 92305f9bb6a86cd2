"""The name under which users know a function or class."""

from __future__ import annotations

from typing import TypeVar

Thing = TypeVar("Thing")


def public(thing: Thing) -> Thing:
    """Decorate a name in `idxio.__all__`: help(), repr and pickles call it `idxio.X`."""
    thing.__module__ = "idxio"
    return thing
