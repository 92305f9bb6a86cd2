"""Splits that pictures already have: folders such as train/cat and test/cat."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from ...datasets.split_names import known_split, split_named
from ...errors import FormatError

# What may stand behind the word in the name of a folder: training-images, test_set.
_BEHIND = re.compile(r"[-_ ]*(images?|imgs?|pictures|pics|set|data)$")
# Words that mean one split here and another one there.
_UNCLEAR = {"eval", "evaluation"}
_CSV = "name a CSV file of paths, labels and splits: labels= (--labels FILE.csv)"


def split_word(name: str) -> str | None:
    """The split that the name of a folder means: train of training-images; None for a class."""
    return known_split(_BEHIND.sub("", name.strip().lower()))


def folder_splits(folder: str, inside: dict[str, tuple[int, list[str]]]) -> dict[str, str]:
    """The split of each subfolder; empty if the subfolders are classes.

    inside: by the name of a subfolder, how many files it holds and the names of its folders.

    Raises
    ------
    FormatError
        Some subfolders are splits, but not so that each picture has a split and a class.
    """
    word_of = {name: split_word(name) for name in inside}
    known = [name for name, word in word_of.items() if word]
    others = [name for name, word in word_of.items() if not word]
    holds_classes = [name for name in known if inside[name][1] and not inside[name][0]]
    if not known or (not holds_classes and (others or len(known) == 1)):
        return {}  # a class may be called train
    named = sorted(known)
    which = "which are splits and no classes" if len(known) > 1 else "which is a split and no class"
    like = next((f" (as {name}/{inside[name][1][0]})" for name in named if inside[name][1]), "")
    said = f"holds {' and '.join(named)}, {which}{like}"
    flat = [name for name in named if not inside[name][1]]
    if flat:
        raise FormatError(
            f"{said}, but {flat[0]} has no class folders: nothing tells the classes of its"
            f" pictures. Put them into class folders, move {flat[0]} away, or {_CSV}",
            file=folder,
        )
    splits = {name: word for name, word in word_of.items() if word}
    classes = {name for one in named for name in inside[one][1]}
    for name in others:
        own = None if name.lower() in _UNCLEAR else split_named(name)
        if own is None or len(splits) < 2 or inside[name][0] or not classes & {*inside[name][1]}:
            remedy = "call it val or test" if name.lower() in _UNCLEAR else "move it away"
            raise FormatError(
                f"{said}, and {name} beside, which is no split of the same classes: {remedy},"
                f" or {_CSV}",
                file=folder,
            )
        splits[name] = own
    for name, split in splits.items():
        twice = [other for other in sorted(splits) if splits[other] == split]
        if len(twice) > 1:
            raise FormatError(
                f"holds {' and '.join(twice)}, which are one split; put the pictures of {name}"
                f" into one folder, or {_CSV}",
                file=folder,
            )
    if "train" not in splits.values() or len(splits) == 1:
        lacking = "nothing to train with" if "train" not in splits.values() else "no other split"
        raise FormatError(
            f"{said}, and {lacking}; name {os.path.join(folder, named[0])}, and build draws the"
            f" pictures to test with, or {_CSV}",
            file=folder,
        )
    return splits


def path_splits(paths: Sequence[str]) -> list[str] | None:
    """The split of each path by its first folder, if these are train and others; None if not."""
    words = {path: os.path.normpath(path).split(os.sep)[0] for path in paths if os.sep in path}
    split_of = {word: split_word(word) for word in set(words.values())}
    splits = [split_of.get(words.get(path, "")) for path in paths]
    found = [split for split in splits if split is not None]
    is_split = len(found) == len(splits) and "train" in found and len(set(found)) > 1
    return found if is_split else None
