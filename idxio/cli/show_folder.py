"""idxio show DIRECTORY: a line for each class of a dataset, and its first pictures."""

from __future__ import annotations

import numpy as np

from .._util.types import Array
from ..core.array import IdxArray, open_array
from ..core.coerce import read_classes
from ..datasets.classes import class_names
from ..datasets.discovery import HalfPairError, find_split, split_names
from . import drawing, exit_codes
from .text import dimensions, printable

# So many pictures of a class fit the width, if need be by making them smaller.
_ACROSS = 7
_MOST_CLASSES = 100


def images_of(directory: str, dataset: str | None) -> str:
    """Return the images of train, or of the first other split of the dataset in a directory."""
    return next(iter(pairs(directory, dataset).values()))[0]


def show(directory: str, dataset: str | None) -> int:
    """Print the classes of a dataset: how many pictures each split has, and the first ones."""
    found = pairs(directory, dataset)
    labels = {split: read_classes(file) for split, (_, file) in found.items()}
    names = next(filter(None, (class_names(file) for _, file in found.values())), {})
    first = next(iter(found))
    images = found[first][0]
    classes = np.unique(np.concatenate(list(labels.values()))).tolist()
    with exit_codes.naming(images), open_array(images) as f:
        print(_title(directory, f, labels, classes))
        for k in classes[:_MOST_CLASSES]:
            counts = ", ".join(
                f"{split} {np.count_nonzero(of_split == k):,}" for split, of_split in labels.items()
            )
            print(printable(f"\n{k} {names.get(k, '')}".strip() + f": {counts}"))
            _print_pictures(f, np.flatnonzero(labels[first] == k))
    if len(classes) > _MOST_CLASSES:
        print(f"and {len(classes) - _MOST_CLASSES:,} classes more")
    return exit_codes.FINE


def _title(directory: str, f: IdxArray, labels: dict[str, Array], classes: list[int]) -> str:
    counts = ", ".join(f"{split} {len(of_split):,}" for split, of_split in labels.items())
    shape = f"{dimensions(f.shape[1:])} {f.dtype.name}"
    noun = "class" if len(classes) == 1 else "classes"
    return f"{printable(directory)}: {len(classes):,} {noun}; {printable(counts)}; {shape}"


def _print_pictures(f: IdxArray, records: Array) -> None:
    """Print the first of these pictures and their numbers."""
    if f.ndim < 3 or 0 in f.shape:
        return
    records = records[: drawing.strip_count(f.shape, _ACROSS)]
    if not len(records):
        return
    for line in drawing.strip_lines(f[records], _ACROSS):
        print(line)


def pairs(directory: str, dataset: str | None) -> dict[str, tuple[str, str]]:
    """Return images and labels of each split that has both; raise as `find_split` if none has."""
    with exit_codes.naming(directory):
        found = {}
        missing: FileNotFoundError | None = None
        for split in split_names(directory, dataset) or ["train"]:
            try:
                found[split] = find_split(directory, split, dataset)
            except HalfPairError as error:  # pictures without labels; idxio check tells of them
                missing = missing or error
        if not found and missing is not None:
            raise missing
        return found
