"""Notes for the person who builds a dataset: losses, and names that may be mistakes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..._util.types import Array
from ...datasets.split_names import common_name
from ..name_notes import name_notes, some_names
from .discovery import PictureList
from .records import Deep
from .sides import Sides, unlike
from .value_range import Range


def notes_of(
    pictures: PictureList,
    class_names: list[str],
    counts: dict[str, list[int]],
    deep: Deep,
    values: Range | None,
) -> list[str]:
    """Write the notes, a line each.

    class_names: of the classes that have a good picture. counts: of each class, by split. values:
    the range of 16-bit pictures that was spread.
    """
    notes = list(pictures.notes)
    if pictures.splits is not None:
        notes += _split_notes(class_names, counts)
    if pictures.unlisted:
        notes.append(
            f"{_pictures(pictures.unlisted)} in the folder are not in the CSV file, and were"
            " left out"
        )
    if dropped := sorted(set(pictures.class_names) - set(class_names)):
        notes.append(f"no good picture, and so no number, has the class {some_names(dropped)}")
    notes += name_notes(class_names)
    if values is not None:
        notes.append(_spread(deep, values))
    elif deep.grey:
        notes.append(
            f"{_pictures(deep.grey)} of 16 bits became 8, rounded down: {_lost(deep.most)}"
        )
    if deep.colour:
        notes.append(
            f"{_pictures(deep.colour)} of 16 bits for each colour became 8, as Pillow reads them"
        )
    return notes


def side_notes(
    sides: Sides, files: Sequence[str], labels: Array, digests: Array, class_names: list[str]
) -> list[str]:
    """Tell what the split could not hold to, and equal pictures that are not alike in all."""
    notes = []
    if sides.few:
        names = some_names([class_names[label] for label in sides.few])
        notes.append(
            f"no SHA-256 of the class {names} is below a seventh, so that its smallest tests;"
            " with more pictures another may, unless they are added by add=True (--add)"
        )
    if sides.short:
        names = some_names([class_names[label] for label in sides.short])
        notes.append(
            f"less pictures than asked for to test or validate with has the class {names}: equal"
            " ones go to one side, and those of an old dataset stay where they are"
        )
    side_of = np.empty(len(labels), np.intp)
    for side, part in enumerate(sides.parts.values()):
        side_of[part] = side
    for values, what in ((labels, "class"), (side_of, "split")):
        if found := unlike(digests, values):
            count, one, other = found
            are = "picture is" if count == 1 else "pictures are"
            notes.append(
                f"{count:,} {are} equal to one of another {what}, as {files[one]} and"
                f" {files[other]}"
            )
    return notes


def changed_notes(old: Sequence[str], added: Sequence[str]) -> list[str]:
    """Tell of added pictures that have the path of an old one, which may be the same, changed."""
    known = set(old)
    again = [file for file in added if file in known]
    if not again:
        return []
    have = "picture has" if len(again) == 1 else "pictures have"
    return [
        f"{len(again):,} added {have} the path of one that the dataset has, as {again[0]}; where it"
        " was changed since, the dataset has both now, perhaps one to test with: to have the new"
        " one alone, build a new dataset"
    ]


def _split_notes(class_names: list[str], counts: dict[str, list[int]]) -> list[str]:
    """Tell which splits were taken as they are, and what they lack."""
    parts = [f"{_pictures(sum(counts[split]))} of {common_name(split)}" for split in counts]
    notes = [f"the pictures are split already, and stay so: {', '.join(parts)}"]
    if "t10k" not in counts:
        notes.append("no picture to test with; others than `load` may look for the files of t10k")
    for split in counts:
        pairs = zip(class_names, counts[split], strict=True)
        if lacking := [name for name, count in pairs if not count]:
            notes.append(f"no picture of {common_name(split)} has the class {some_names(lacking)}")
    return notes


def _spread(deep: Deep, values: Range) -> str:
    if not deep.grey:
        return "no picture has 16 bits of grey, so that there is no range to scale"
    low, high = values
    cut = f"; {_pictures(deep.cut)} had others, which were cut to these" if deep.cut else ""
    return f"{_pictures(deep.grey)} of 16 bits became 8, scaled from {low:,} to {high:,}{cut}"


def _lost(most: int) -> str:
    bits = most.bit_length()
    if bits == 16:
        return "8 bits hold the upper half of each pixel"
    return (
        f"no pixel above {most:,} of 65,535, so that {bits}-bit pictures lose 8 of {bits} bits;"
        " range='auto' (--range auto) scales them"
    )


def _pictures(count: int) -> str:
    return f"{count:,} picture{'s' * (count != 1)}"
