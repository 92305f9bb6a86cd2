"""The names of classes: of published datasets, of dataset.json, and of EMNIST's mappings."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from ..core.info import info, verify
from ..errors import FormatError
from ..storage.regular import FoundPath, read_regular
from .metadata import DESCRIPTION, read_description
from .split_names import known_split

Names = dict[int, str]

_DIGITS = dict(enumerate("0123456789"))
_NAMES: dict[str, Names] = {
    "MNIST": _DIGITS,
    "QMNIST": _DIGITS,
    # https://github.com/zalandoresearch/fashion-mnist, "Labels"
    "Fashion-MNIST": dict(
        enumerate(
            (
                "T-shirt/top",
                "Trouser",
                "Pullover",
                "Dress",
                "Coat",
                "Sandal",
                "Shirt",
                "Sneaker",
                "Bag",
                "Ankle boot",
            )
        )
    ),
    # https://github.com/rois-codh/kmnist, kmnist_classmap.csv, as torchvision writes it in Latin
    # letters
    "KMNIST": dict(enumerate(("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"))),
    # Both cases are one class, and the first is 1: https://arxiv.org/abs/1702.05373
    "EMNIST letters": {1 + i: f"{chr(65 + i)}/{chr(97 + i)}" for i in range(26)},
}
# MD5 of the published .gz files of the labels, as torchvision has them; their CRC-32 is not known.
_KMNIST = ("e144d726b3acfaa3e44228e80efcd344", "7320c461ea6c1c855c0b718fb2a4b134")
# A number in digits of any script, or as np.savetxt writes it, with a sign in its exponent: 3e5 may
# be a code.
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]\d{1,3})?", re.IGNORECASE)
_MINUS = "\N{MINUS SIGN}"
# No published label file is larger, in bytes: EMNIST byclass, the largest, has 814,255 labels.
_MAX_BYTES = 4 << 20


def class_names(labels: str) -> Names | None:
    """The name of each class, by its label, of the dataset that a label file belongs to; None if it
    is not known.

    Parameters
    ----------
    labels : str
        The path of the label file. A `dataset.json` beside it, or beside the folder that is called
        as a split, with `class_names` (a list, or an object with the labels as its keys) comes
        first; then EMNIST's `emnist-<variant>-mapping.txt`, if the name of the file starts with
        that; then, of a link, what lies beside the file that it leads to; then the published label
        files, known by the checksum of what is inside.

    Raises
    ------
    FormatError
        The `dataset.json` or the mapping beside it can't be understood.
    """
    folder = naming_folder(labels)
    names = None if folder is None else described(folder)
    return names or mapped_names(labels) or _published(labels)


def naming_folder(labels: str) -> str | None:
    """The folder whose dataset.json names the classes of a label file: its own, or the one above it
    if its own is called as a split; of a link, else such a folder of the file that it leads to.

    None if none does, or an EMNIST mapping beside the link comes before it.
    """
    for path in naming_places(labels):
        folder = os.path.dirname(path)
        above = os.path.dirname(folder) if known_split(os.path.basename(folder)) else folder
        for one in (folder, above):
            if described(one):
                return one
        if _mapping_beside(path) is not None:
            return None
    return None


def mapped_names(labels: str) -> Names | None:
    """The names that EMNIST's mapping beside a label file tells, or of a link, beside the file that
    it leads to; None if there is none.
    """
    mappings = (_mapping_beside(path) for path in naming_places(labels))
    mapping = next((path for path in mappings if path is not None), None)
    return None if mapping is None else _from_mapping(mapping)


def naming_places(labels: str) -> list[str]:
    """The paths beside which names of classes may lie: that of a label file, and behind it that to
    which a link leads.
    """
    return [labels, os.path.realpath(labels)] if os.path.islink(labels) else [labels]


def _mapping_beside(labels: str) -> str | None:
    folder, name = os.path.split(labels)
    mapping = mapping_name(name)
    path = None if mapping is None else os.path.join(folder, mapping)
    return path if path is not None and os.path.lexists(path) else None


def mapping_name(labels: str) -> str | None:
    """What EMNIST's mapping for a label file is called; None for files of other datasets."""
    match = re.match(r"emnist-[a-z]+", labels, re.IGNORECASE)
    return f"{match[0]}-mapping.txt" if match else None


def as_names(class_names: Any) -> Names:
    """Names by label, from a mapping (or what has items as one, as a Series of pandas, with the
    labels as its index), or from a sequence that starts with the name of class 0.
    """
    if isinstance(class_names, (str, bytes, bytearray)):
        raise TypeError(
            "class names are a sequence of names or a dict from labels to names, not one"
            f" {type(class_names).__name__}"
        )
    if isinstance(class_names, (set, frozenset)):
        raise TypeError("class names are in the order of their labels; a set has no order")
    is_mapping = hasattr(class_names, "items")
    items = [*class_names.items()] if is_mapping else [*enumerate(class_names)]
    odd = [name for _, name in items if _is_no_text(name)]
    if odd:
        raise TypeError(f"the name of a class is a text, not {odd[0]!r:.40}")
    numbers = [name for _, name in items if is_mapping and isinstance(name, (int, np.integer))]
    if numbers:
        raise TypeError(
            f"class names are texts by label, {{0: 'cat'}}, and {numbers[0]!r} is a number: they"
            " may be the wrong way round, as torchvision's class_to_idx is"
        )
    part = [label for label, _ in items if isinstance(label, float) and label != int(label)]
    if part:
        raise ValueError(f"the label of a class is an integer, not {part[0]}")
    names = {int(label): str(name) for label, name in items}
    if len(names) < len(items):
        raise ValueError("a label is there twice, written in two ways")
    far = [label for label in names if not -(1 << 63) <= label < 1 << 63]
    if far:
        raise ValueError(f"no class has the label {far[0]}")
    return names


def label_of(name: str, names: Names | None) -> int:
    """The label of the class with this name; ValueError if it is no name, or that of several."""
    if not names:
        raise ValueError(f"there is no class {name!r}: the names of the classes are not known")
    labels = [label for label, other in names.items() if other == name]
    labels = labels or [label for label, other in names.items() if other.lower() == name.lower()]
    if len(labels) > 1:
        raise ValueError(f"{name!r} is the name of the classes {', '.join(map(str, labels))}")
    if not labels:
        some = ", ".join([*names.values()][:20])
        more = ", ..." if len(names) > 20 else ""
        raise ValueError(f"there is no class {name!r}; there are {some}{more}")
    return labels[0]


def _is_no_text(name: Any) -> bool:
    """Whether a name is missing, as NaN in a table is, or made of other things."""
    return name is None or isinstance(name, (bytes, list, tuple, Mapping)) or name != name


def _published(labels: str) -> Names | None:
    """The names of the published dataset that a label file belongs to, by its checksum."""
    if not os.path.isfile(labels):
        return None  # a pipe can't be read once more
    labels = FoundPath(labels)
    about = info(labels)
    if about.size > _MAX_BYTES:
        return None
    # Only gzip stores a checksum; other files are read, and are small.
    known = about.known or verify(labels).known
    if known is not None:
        match = re.fullmatch(r"(.+) (?:train|t10k|test) labels.*", known)
        return _NAMES.get(match[1]) if match else None
    # The published files state a CRC-32; of others it need not be asked.
    is_kmnist = about.crc32 is not None and _md5(labels) in _KMNIST
    return _NAMES["KMNIST"] if is_kmnist else None


def _md5(path: str) -> str:
    import hashlib

    return hashlib.md5(read_regular(path), usedforsecurity=False).hexdigest()


def described(folder: str) -> Names | None:
    """The class names in the dataset.json of a folder; None if it has none."""
    names = read_description(folder).get("class_names")
    try:
        return None if names is None else as_names(names)
    except (ValueError, TypeError) as error:
        raise FormatError(
            f'has "class_names" that are no list and no object with labels as its keys ({error})',
            file=os.path.join(folder, DESCRIPTION),
        ) from error


def _from_mapping(path: str) -> Names:
    """The names in EMNIST's mapping: each line is a label and the codes of its characters."""
    names = {}
    text = read_regular(path, _MAX_BYTES)
    try:
        for line in text.decode("ascii").splitlines():
            if line.strip():
                label, *codes = map(int, line.split())
                if label in names:
                    raise ValueError(f"the label {label} is there twice")
                # what is left of a number whose last digit is cut off is a control character
                if not codes or not all(chr(code).isprintable() for code in codes):
                    raise ValueError(f"the label {label} has no character, or one cut short")
                names[label] = "/".join(dict.fromkeys(map(chr, codes)))
    except (ValueError, OverflowError) as error:
        raise FormatError(
            f"is no list of labels and character codes ({error})", file=path
        ) from error
    return names


def tidy(name: str) -> str:
    """A name in the form that is compared: without blanks around it, in Unicode's NFC."""
    return unicodedata.normalize("NFC", name.strip())


def in_order(names: Iterable[str]) -> list[str]:
    """Names that are numbers by their value (-1, 0.0, 10), the others behind them."""
    return sorted(names, key=_sort_key)


def same_numbers(names: Iterable[str]) -> tuple[str, str] | None:
    """Two names that are one number written in two ways, as 1 and 01; None if there are none."""
    name_of: dict[Decimal, str] = {}
    for name in names:
        value = _value(name)
        if value is not None and name_of.setdefault(value, name) != name:
            return name_of[value], name
    return None


def _sort_key(name: str) -> tuple[bool, Decimal, str]:
    value = _value(name)
    return value is None, value or Decimal(0), name


def _value(name: str) -> Decimal | None:
    """The number that a name is; None for any other name."""
    number = name.replace(_MINUS, "-")
    return Decimal(number) if _NUMBER.fullmatch(number) else None
