"""The names of image and label files that are in use: what each says of split and role."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from typing import NamedTuple

from ..compression.registry import SUFFIX_PATTERN
from .split_names import known_split, part_of

_END = rf"(?:\.(?:{SUFFIX_PATTERN}))?"
_IDX = r"[-_.]idx\d?(?:[-_.]\w+)?"
# What stands before "-images" or "-labels" is the split, with the name of the dataset before it
# where there is one: train, emnist-letters-test, xnist. The end is -idx3-ubyte, .idx3-ubyte as in
# MNIST's own gzip headers, -idx2-int as of QMNIST's labels, .idx, or nothing.
_USUAL = re.compile(rf"(?P<stem>.+?)[-_.](?P<role>image|label)s?(?:{_IDX})?{_END}", re.IGNORECASE)
# X_kannada_MNIST_train-idx3-ubyte.gz, the form of Kannada-MNIST
_LETTER = re.compile(rf"(?P<role>[xy])[-_.](?P<stem>.+?){_IDX}{_END}", re.IGNORECASE)
# In a folder that is called as a split: train/images-idx3-ubyte.
_BARE = re.compile(rf"(?P<stem>)(?P<role>image|label)s?{_IDX}{_END}", re.IGNORECASE)
_ROLES = {"image": "image", "label": "label", "x": "image", "y": "label"}
# A name with "idx" in it. Only such files make a split whose name is not a known one.
_IS_IDX = re.compile(r"[-_.]idx\d?(?:[-_.]|$)", re.IGNORECASE)
# What browsers and desktops add to the name of a second copy, before the suffix or behind it.
_SECOND = re.compile(rf"( ?\(\d+\)| - copy| copy)+(?=\.({SUFFIX_PATTERN})$|$)", re.IGNORECASE)
# A name that someone gave to images or labels.
_IS_LIKE_IDX = re.compile(r"(image|label).*[-_. ]idx\d?(?:[-_. ]|$)", re.IGNORECASE)
# What else is added to a name, as to a download that has not ended.
_ADDED = re.compile(
    r"( ?\(\d+\)| - copy| copy|"
    r"\.(zip|part|partial|crdownload|download|incomplete|tmp|bak|old|\d+))+"
    rf"(?=\.({SUFFIX_PATTERN})$|$)",
    re.IGNORECASE,
)
_PACKED = re.compile(rf"\.({SUFFIX_PATTERN})$", re.IGNORECASE)


class Name(NamedTuple):
    """What a name says: the split, after the name of a dataset if there is one, and the role."""

    stem: str
    """In small letters: "train", "emnist-letters-test"; "" where the name has none."""
    role: str
    """ "image" or "label"."""


def parse(name: str) -> Name | None:
    """What the name of a file says; None if it is that of no images and no labels.

    "(1)" and "- Copy" change nothing. The stem of images-idx3-ubyte is "".
    """
    if name.startswith("."):
        return None
    plain = _SECOND.sub("", name)
    for form in (_USUAL, _LETTER, _BARE):
        if match := form.fullmatch(plain):
            return Name(match["stem"].lower(), _ROLES[match["role"].lower()])
    return None


def named_role(path: str) -> str:
    """ "image" or "label", as the name of a file says; "" for any other name."""
    parsed = parse(os.path.basename(path))
    return parsed.role if parsed else ""


def split_key(name: str) -> str:
    """What dataset.json and sources.csv call the split of a label file that was written.

    That is what stands before "-labels", with its capitals, or else the whole name; `parse` takes
    other forms of names too.
    """
    match = re.match(r"(.+?)[-_.]labels?", name, re.IGNORECASE)
    return match[1] if match else name


def stem_of(name: str, folder: str) -> str | None:
    """The stem that the name of a file has, or that the name of its folder gives it.

    None if neither tells of a split.
    """
    parsed = parse(name)
    if parsed is None:
        return None
    return parsed.stem or (folder.lower() if known_split(folder) else None)


def inner_stem(name: str, folder: str) -> str | None:
    """The stem of a file of a split that has a folder of its own: train/images-idx3-ubyte.

    None if the file is no part of this split.
    """
    stem = stem_of(name, folder)
    if stem is None:
        return None
    split = part_of(stem)[1]
    if split is None:
        return f"{stem}-{folder.lower()}"
    return stem if split == known_split(folder) else None


def known_split_of(path: str) -> str | None:
    """ "train", "t10k" or "val" where the name of a file, or that of its folder, says it."""
    folder, name = os.path.split(os.path.abspath(path))
    return part_of(stem_of(name, os.path.basename(folder)) or "")[1]


def own_stem(name: str, folder: str, datasets: Collection[str]) -> str | None:
    """The stem of a file of a split that is called as no known one: holdout/images-idx3-ubyte.

    None if neither its name nor that of one of the datasets beside it says that it is of the split.
    """
    parsed = parse(name)
    if parsed is None:
        return None
    split = folder.lower()
    if not parsed.stem:
        return split
    if parsed.stem in datasets:
        return f"{parsed.stem}-{split}"
    is_named = re.search(rf"(?:^|[-_.]){re.escape(split)}$", parsed.stem)
    return parsed.stem if is_named else None


def has_idx(name: str) -> bool:
    """Whether a name has "idx" in it, which other files with "images" in their names lack."""
    return _IS_IDX.search(name) is not None


def seems_meant(name: str) -> bool:
    """Whether someone seems to have given this name to images or labels."""
    return not name.startswith(".") and _IS_LIKE_IDX.search(name) is not None


def without_added(name: str) -> str:
    """A name without what a download that has not ended, or a backup, adds to it."""
    return _ADDED.sub("", name)


def unpacked(name: str) -> str:
    """A name without the suffix of a compression."""
    return _PACKED.sub("", name)
