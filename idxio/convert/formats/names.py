"""What images and labels are called in the files of other programs, and which one is picked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from ...datasets.split_names import known_split
from ...errors import FormatError

LABEL = "label"
# The names in use, in small letters. One of the first group counts before those of the second.
_IMAGES = (
    ("image", "images"),
    ("img", "imgs", "x", "data", "pixels", "picture", "pictures"),
)
_LABELS = (
    (LABEL,),
    ("labels", "class", "classes", "target", "targets", "y", "fine_label", "fine_labels",
     "emotion", "digit"),
)  # fmt: skip
_KNOWN = {"images": _IMAGES, "labels": _LABELS}
# Where the names of classes stand in an .npz, and their labels in the same order.
CLASS_NAMES = "class_names"
CLASS_LABELS = "class_labels"
_WORD = re.compile(r"[A-Z0-9]+(?![a-z])|[A-Z]?[a-z0-9]+")


class Wanted(NamedTuple):
    """Where the caller says that images and labels are: a name or a number; None finds them."""

    images: int | str | None = None
    labels: int | str | bool | None = None
    """False: there are none."""


class Role(NamedTuple):
    """What the name of an array says about it."""

    kind: str
    """ "images" or "labels"; "" for neither."""
    split: str | None
    """None where the name says none."""
    rest: str
    """What else is in the name: that of a dataset or configuration."""


def pick(
    names: Sequence[str], wanted: int | str | None, kind: str, path: str, thing: str = "column"
) -> int | None:
    """Return which of the names is that of the images or labels (kind); None if none is known.

    Raises
    ------
    FormatError
        The wanted one is not there, or several have known names.
    """
    if wanted is not None:
        return _wanted(names, wanted, path, thing)
    lower = [name.lower() for name in names]
    for group in _KNOWN[kind]:
        matches = [i for i, name in enumerate(lower) if name in group]
        if len(matches) > 1:
            has = ", ".join(names[i] for i in matches)
            raise FormatError(
                f"has more than one {thing} of {kind}: {has} in its heading {some(names)};"
                f" {remedy(kind, names[matches[0]])}",
                file=path,
            )
        if matches:
            return matches[0]
    return None


def _wanted(names: Sequence[str], wanted: int | str, path: str, thing: str) -> int:
    if isinstance(wanted, str):
        matches = [i for i, name in enumerate(names) if name.lower() == wanted.lower()]
        if len(matches) != 1:
            how = f"more than one {thing}" if matches else f"no {thing}"
            raise FormatError(f"has {how} {wanted!r}; it starts with {some(names)}", file=path)
        return matches[0]
    if not -len(names) <= wanted < len(names):
        raise FormatError(
            f"has {len(names):,} {thing}s, so none with the number {wanted}", file=path
        )
    return wanted % len(names)


def is_label(name: str) -> bool:
    """Whether a name is one of labels."""
    return any(name.lower() in group for group in _LABELS)


def role_of(name: str, wanted: Wanted) -> Role:
    """Tell what an array is by the words of its name, in any order: x_train, val_images, X."""
    words = _WORD.findall(name)
    splits = {split for word in words if (split := known_split(word))}
    if len(splits) > 1:
        return Role("", None, name)
    split = next(iter(splits), None)
    others = [word for word in words if not known_split(word)]
    found = []
    for kind, one in (("images", wanted.images), ("labels", wanted.labels)):
        if isinstance(one, str):
            if one.lower() == name.lower() or _lower(_WORD.findall(one)) == _lower(others):
                return Role(kind, split, "")
        elif one is None:
            known = {word for group in _KNOWN[kind] for word in group}
            found += [(i, kind) for i, word in enumerate(_lower(others)) if word in known]
    if len(found) != 1:
        return Role("", split, name)
    ((place, kind),) = found
    return Role(kind, split, "_".join(others[:place] + others[place + 1 :]))


def _lower(words: list[str]) -> list[str]:
    return [word.lower() for word in words]


def remedy(kind: str, name: str | None = None) -> str:
    """Name the option that says which column or array it is."""
    if kind == "labels":
        return (
            "labels=0, labels=-1 or labels='name' says where they are, labels=False that there are"
            " none (--labels)"
        )
    return f"images={name or 'name'!r} says where they are (--images)"


def some(names: Sequence[str]) -> str:
    """The first names, for a message."""
    return ",".join(names[:4])[:60] + (",…" if len(names) > 4 else "")
