"""Labels that are texts become numbers, and the texts the names of their classes."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from ..._util.types import Array
from ...datasets.classes import tidy
from ...errors import FormatError
from ..images.discovery import ordered
from ..name_notes import name_notes
from .common import tell

_NUMBER = re.compile(r"[-+]?[0-9]+")
# Digits that int64 holds in any case.
_DIGITS = 18


def text_labels(texts: list[str], where: Callable[[int], str], path: str) -> Array:
    """Return texts as objects in the form that names of classes are compared in.

    Raises
    ------
    FormatError
        A text is empty; where says in which record of the file.
    """
    form_of = {text: tidy(text) for text in {*texts}}
    if "" in form_of.values():
        row = next(i for i, text in enumerate(texts) if not form_of[text])
        raise FormatError(f"{where(row)} has no label", file=path)
    return np.array([form_of[text] for text in texts], object)


def numbered(
    labels: dict[str, Array], names: dict[int, str] | None, source: str
) -> tuple[dict[str, Array], dict[int, str] | None]:
    """Number the classes of all splits alike, and return labels that are integers with the names.

    Where there are names, a text is the label of the class that is called so. Without names, texts
    that are all whole numbers are these, and others are numbered in the order of `build`. A warning
    tells names that may be mistakes.

    Raises
    ------
    FormatError
        Some labels are numbers and others texts, two texts are one number, or a text is the name of
        no class or of several.
    """
    texts: set[str] = set()
    others: list[str] = []
    for array in labels.values():
        if array.dtype != object:
            others += ["numbers in another split"] if len(array) else []
            continue
        # Shards of one split may have texts and numbers.
        found = set(array.tolist())
        texts |= {label for label in found if isinstance(label, str)}
        others += [str(label) for label in found if not isinstance(label, str)]
    if not texts:
        return labels, names
    numbers = [] if names else sorted(text for text in texts if _NUMBER.fullmatch(text))
    words = sorted(texts - {*numbers})
    if words and (numbers or others):
        raise FormatError(
            f"has labels that are numbers ({min([*numbers, *others])}) and others that are texts"
            f" ({words[0]!r}); write all of them in one way",
            file=source,
        )
    if names:
        number_of = _by_name(words, names, source)
    elif words:
        names = dict(enumerate(ordered(words, source)))
        number_of = {text: number for number, text in names.items()}
    else:
        number_of = _by_value(numbers, source)
    for note in name_notes(words):
        tell(f"{source}: {note}")
    return {
        split: (
            np.array([number_of.get(label, label) for label in array.tolist()], np.int64)
            if array.dtype == object
            else array
        )
        for split, array in labels.items()
    }, names


def _by_name(texts: list[str], names: dict[int, str], source: str) -> dict[str, int]:
    """Return the label of the class that each text is the name of."""
    labels_of: dict[str, list[int]] = {}
    for label, name in names.items():
        labels_of.setdefault(tidy(name), []).append(label)
    for text in texts:
        labels = labels_of.get(text, [])
        if not labels:
            numbers = (
                ", or write labels that are the numbers of classes as integers"
                if _NUMBER.fullmatch(text)
                else ""
            )
            raise FormatError(
                f"has the label {text!r}, and the class names of the source, of dataset.json or the"
                f" features name no such class; mend the label, or remove the names{numbers}",
                file=source,
            )
        if len(labels) > 1:
            raise FormatError(
                f"has the label {text!r}, which is the name of the classes {labels[0]} and"
                f" {labels[1]}; give each class a name of its own",
                file=source,
            )
    return {text: labels_of[text][0] for text in texts}


def _by_value(numbers: list[str], source: str) -> dict[str, int]:
    """Return the whole number that each text is."""
    for text in numbers:
        if len(text.lstrip("+-0")) > _DIGITS:
            raise FormatError(
                f"has the label {text:.40}, expected 0 to {np.iinfo(np.int32).max:,}", file=source
            )
    return {text: int(text) for text in ordered(numbers, source)}
