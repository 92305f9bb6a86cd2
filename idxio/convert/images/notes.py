"""Notes for the person who builds a dataset: losses, and names that may be mistakes."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable

from .discovery import PictureList
from .records import Deep

# What programs write where a label is missing.
_MISSING = {"nan", "none", "null", "nil", "na", "n/a", "#n/a", "<na>", "?"}


def notes_of(pictures: PictureList, class_names: list[str], deep: Deep) -> list[str]:
    """Write the notes, a line each. class_names: of the classes that have a good picture."""
    notes = list(pictures.notes)
    if pictures.unlisted:
        notes.append(
            f"{_pictures(pictures.unlisted)} in the folder are not in the CSV file, and were"
            " left out"
        )
    if dropped := sorted(set(pictures.class_names) - set(class_names)):
        notes.append(f"no good picture, and so no number, has the class {_some(dropped)}")
    if alike := _alike(class_names, str.lower):
        notes.append(f"classes whose names differ in capitals only: {_some(alike)}")
    if alike := _alike(class_names, _visible):
        names = _some([repr(name) for name in alike])
        notes.append(f"classes whose names differ in what is not seen only: {names}")
    if missing := [name for name in class_names if name.lower() in _MISSING]:
        notes.append(f"a class whose name may say that a label is missing: {_some(missing)}")
    if deep.grey:
        notes.append(
            f"{_pictures(deep.grey)} of 16 bits became 8, rounded down: {_lost(deep.most)}"
        )
    if deep.colour:
        notes.append(
            f"{_pictures(deep.colour)} of 16 bits for each colour became 8, as Pillow reads them"
        )
    return notes


def _alike(names: Iterable[str], form: Callable[[str], str]) -> list[str]:
    """Select the names that are the same in some form."""
    names = list(names)
    forms = Counter(map(form, names))
    return [name for name in names if forms[form(name)] > 1]


def _visible(name: str) -> str:
    """A name without what has no width, and with one blank for every other one."""
    shown = "".join(c for c in name if unicodedata.category(c) != "Cf")
    return " ".join(shown.split())


def _lost(most: int) -> str:
    bits = most.bit_length()
    if bits == 16:
        return "8 bits hold the upper half of each pixel"
    return (
        f"no pixel above {most:,} of 65,535, so that {bits}-bit pictures lose 8 of {bits} bits;"
        " scale them first"
    )


def _pictures(count: int) -> str:
    return f"{count:,} picture{'s' * (count != 1)}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")
