"""Notes on names of classes that may be mistakes; `build` and `import_dataset` tell them."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable

# What programs write where a label is missing.
_MISSING = {"nan", "none", "null", "nil", "na", "n/a", "#n/a", "<na>", "?"}


def name_notes(class_names: list[str]) -> list[str]:
    """Write the notes, a line each."""
    notes = []
    if alike := _alike(class_names, str.lower):
        notes.append(f"classes whose names differ in capitals only: {some_names(alike)}")
    if alike := _alike(class_names, _visible):
        names = some_names([repr(name) for name in alike])
        notes.append(f"classes whose names differ in what is not seen only: {names}")
    if missing := [name for name in class_names if name.lower() in _MISSING]:
        notes.append(f"a class whose name may say that a label is missing: {some_names(missing)}")
    return notes


def some_names(names: list[str]) -> str:
    """The first names, and how many more there are."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")


def _alike(names: list[str], form: Callable[[str], str]) -> list[str]:
    """Select the names that are the same in some form."""
    forms = Counter(map(form, names))
    return [name for name in names if forms[form(name)] > 1]


def _visible(name: str) -> str:
    """A name without what has no width, and with one blank for every other one."""
    shown = "".join(c for c in name if unicodedata.category(c) != "Cf")
    return " ".join(shown.split())
