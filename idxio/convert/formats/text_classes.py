"""Labels that are texts become numbers, and the texts the names of their classes."""

from __future__ import annotations

import re

import numpy as np

from ..._util.types import Array
from ...errors import FormatError

_NUMBER = re.compile(r"[-+]?\d+")


def numbered(
    labels: dict[str, Array], names: dict[int, str] | None, source: str
) -> tuple[dict[str, Array], dict[int, str] | None]:
    """Number the classes of all splits alike, and return labels that are integers with the names.

    Texts are numbered in the order of the alphabet, or as names has them. Texts that are all whole
    numbers are these.

    Raises
    ------
    FormatError
        Some labels are numbers and others texts, or names lack one.
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
    numbers = sorted(text for text in texts if _NUMBER.fullmatch(text))
    words = sorted(texts - {*numbers})
    if words and (numbers or others):
        raise FormatError(
            f"has labels that are numbers ({min([*numbers, *others])}) and others that are texts"
            f" ({words[0]!r}); write all of them in one way",
            file=source,
        )
    if not words:
        number_of = {text: int(text) for text in numbers}
    elif names is None:
        number_of = {text: number for number, text in enumerate(words)}
        names = dict(enumerate(words))
    else:
        number_of = {text: number for number, text in names.items()}
        if unknown := [text for text in words if text not in number_of]:
            raise FormatError(
                f"has the label {unknown[0]!r}, and dataset.json or the features name no such"
                " class; mend the label, or remove the names",
                file=source,
            )
    return {
        split: (
            np.array([number_of.get(label, label) for label in array.tolist()], np.int64)
            if array.dtype == object
            else array
        )
        for split, array in labels.items()
    }, names
