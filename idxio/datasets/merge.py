"""Labels of several files in one numbering, by the names of their classes, and the dataset.json of the result."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import IdxError
from .classes import Names, class_names, described, in_order, mapped_names, same_numbers, tidy
from .discovery import named_role
from .metadata import DESCRIPTION, read_description

Array = np.ndarray[Any, np.dtype[Any]]

# What `build` tells of how all files came about; it is no longer so when one of them is another.
_RECIPE = ("pipeline", "size", "test_per_class", "seed", "sorted", "skipped")
# Labels above are no numbers of classes; nobody counts them.
_MOST = 1 << 20


class Merged(NamedTuple):
    """Labels in one numbering."""

    labels: Array
    """All, one file's after the other's."""
    names: Names | None
    """Of the classes, if they are known."""
    is_described: bool
    """Whether a dataset.json beside a file has told the names."""
    is_renumbered: bool
    """Whether labels are others than in the files."""

    @property
    def is_told(self) -> bool:
        """Whether a dataset.json has to go with the labels."""
        return self.is_described or self.is_renumbered


class _Source(NamedTuple):
    file: str | None
    """None for an array, which says nothing of its classes."""
    labels: Array
    names: Names | None
    is_described: bool
    """Whether a dataset.json beside it has the names."""

    @property
    def where(self) -> str:
        folder = os.path.dirname(self.file or "")
        return os.path.join(folder, DESCRIPTION) if self.is_described else self.file or "an array"


def merge_labels(files: Sequence[str | None], labels: Sequence[Array]) -> Merged:
    """The labels of some files, or arrays, with one number for each name of a class.

    The classes of the first file keep their numbers; those that it lacks come behind them. Where no dataset.json tells
    names, and not every file is known otherwise, numbers are taken as they are.

    Raises
    ------
    IdxError
        One file has names and another none, or a label has none; a name stands for two labels; two names are one
        number.
    """
    sources = [_source(file, tag) for file, tag in zip(files, labels, strict=True)]
    named = [source for source in sources if source.names is not None]
    together = np.concatenate(labels)
    is_described = any(source.is_described for source in sources)
    if not named or (len(named) < len(sources) and not is_described):
        return Merged(together, None, is_described=False, is_renumbered=False)
    first = named[0]
    for source in sources:
        if source.file is not None and source.names is None:
            raise IdxError(
                f"has no names of classes, and {first.where} has: label 0 is {_name(first, 0)} there and may be "
                f"anything here. Write them to {os.path.join(os.path.dirname(source.file), DESCRIPTION)}, as "
                '{"class_names": ["cat", "dog"]}',
                file=source.file,
            )
    if all(_tidied(source) == _tidied(first) for source in named):
        if len({os.path.dirname(source.where) for source in named}) > 1:
            for source in named:
                _check_named(source)
        return Merged(together, first.names, is_described, is_renumbered=False)
    for source in sources:
        if source.file is None:
            raise IdxError("labels: the files number their classes in different ways; give arrays as files too")
    numbers = _numbers(sources)
    spelled = {number: name for name, number in numbers.items()} | dict(first.names or {})
    return Merged(_renumbered(sources, numbers, together.dtype), spelled, is_described, is_renumbered=True)


def _source(file: str | None, labels: Array) -> _Source:
    if file is None:
        return _Source(None, labels, None, False)
    is_described = bool(described(os.path.dirname(file)))
    return _Source(file, labels, class_names(file), is_described)


def _name(source: _Source, label: int) -> str:
    return repr((source.names or {}).get(label, "nothing"))


def _tidied(source: _Source) -> Names:
    return {label: tidy(name) for label, name in (source.names or {}).items()}


def _check_named(source: _Source) -> None:
    """Raise if a label has no name."""
    for label in np.unique(source.labels).tolist():
        if label not in (source.names or {}):
            raise IdxError(
                f"has the label {label}, which {source.where} does not name; "
                "to merge files by the names of their classes, give every label one",
                file=source.file,
            )


def _numbers(sources: list[_Source]) -> dict[str, int]:
    """The label of each name: that of the first file, and the next ones for names that it lacks."""
    numbers: dict[str, int] = {}
    for source in sources:
        tidied = _tidied(source)
        label_of = {name: label for label, name in tidied.items()}
        if len(label_of) < len(tidied):
            twice = next(name for label, name in tidied.items() if label_of[name] != label)
            raise IdxError(
                f"has two labels with the name {twice!r}, so that files can't be merged by name", file=source.where
            )
        if not numbers:
            numbers = label_of
            continue
        for name in in_order(label_of):
            numbers.setdefault(name, max(numbers.values()) + 1)
        if same := same_numbers(numbers):
            raise IdxError(
                f"has the class {same[1]!r}, another file {same[0]!r}, which is the same number; write it in one way",
                file=source.where,
            )
    return numbers


def _renumbered(sources: list[_Source], numbers: dict[str, int], dtype: np.dtype[Any]) -> Array:
    parts = []
    for source in sources:
        _check_named(source)
        tidied = _tidied(source)
        old, inverse = np.unique(source.labels, return_inverse=True)
        new = np.array([numbers[tidied[label]] for label in old.tolist()], np.int64)
        parts.append(new[inverse.reshape(-1)])
    labels = np.concatenate(parts)
    fits = labels.max(initial=0) <= np.iinfo(dtype).max
    return labels.astype(dtype if fits else np.int32)


class Place:
    """Where merged files go, and what is told of them there."""

    def __init__(self, files: Sequence[Any], labels_file: Any, merged: Merged, *, from_files: bool) -> None:
        """files: all targets. Raises IdxError if no dataset.json there could be true of all that would lie beside it.

        from_files: the labels come from files, not from arrays alone, of which nothing is known.
        """
        self._merged = merged
        self.path: str | None = None
        """The dataset.json to write; None if there is none."""
        self._kept: dict[str, Any] = {}
        self._names: set[str] = set()
        self._is_written = False
        if not from_files:
            return
        if not isinstance(labels_file, (str, os.PathLike)) or _is_device(labels_file):
            if merged.is_renumbered:
                raise IdxError(
                    "labels_file: nothing lies beside a file object or a device, as the dataset.json that names the "
                    "classes has to; the files to merge number them in different ways; name a path"
                )
            return
        label_path = os.fsdecode(labels_file)
        folder, self._label_name = os.path.split(label_path)
        for path in (os.fsdecode(file) for file in files if isinstance(file, (str, os.PathLike))):
            if _same_folder(path, label_path):
                self._names.add(os.path.basename(path))
            else:
                _check_stranger(path)
        there = read_description(folder)
        is_named = bool(described(folder))
        self._is_written = merged.is_told or self._is_forgotten(label_path)
        self._kept = self._true_of(there, folder)
        if self._is_written or is_named or _table(there, "files").keys() & self._names:
            self.path = os.path.join(folder, DESCRIPTION)
            if DESCRIPTION in self._names:
                raise IdxError("is where the names of the classes go; name another file", file=self.path)
            for path in (os.path.join(folder, name) for name in sorted(self._names)):
                if not _same_folder(os.path.realpath(path), path):
                    raise IdxError(
                        f"is a link to {os.path.realpath(path)}, beside which another dataset.json tells of it, or "
                        "none; name that file itself, or remove the link",
                        file=path,
                    )

    def _is_forgotten(self, label_path: str) -> bool:
        """Whether the names are known by the checksum of a file or by what lies beside it, and would not be here.

        Digits are called what their labels are.
        """
        names = self._merged.names or {}
        is_plain = all(name == str(label) for label, name in names.items())
        return not is_plain and mapped_names(label_path) != names

    def _true_of(self, there: dict[str, Any], folder: str) -> dict[str, Any]:
        """What stays true of the dataset.json that lies there."""
        path = os.path.join(folder, DESCRIPTION)
        old, new = described(folder), self._merged.names
        others = [name for name in _label_files(folder) if name not in self._names]
        remedy = "name files in a folder of their own"
        if new is None:
            if old:
                raise IdxError(f"names classes, and the labels to write have no names; {remedy}", file=path)
            return there
        if old and not _agree(old, new):
            if others:
                raise IdxError(
                    f"numbers the classes of {others[0]} in another way than the labels to write; {remedy}", file=path
                )
            return {key: there[key] for key in there if key not in (*_RECIPE, "class_names", "counts", "files")}
        for name in others if self._is_written and not old else ():
            known = class_names(os.path.join(folder, name))
            if known is None or not _agree(known, new):
                raise IdxError(
                    f"would lie beside {name}, whose classes are not those of the labels to write; {remedy}", file=path
                )
        self._merged = self._merged._replace(names={**(old or {}), **new})
        return there

    def description(self, files: dict[str, dict[str, Any]], labels: Array) -> dict[str, Any]:
        """What the dataset.json tells: what there was, and the new files by their names, with their labels."""
        told = _table(self._kept, "files")
        kept = {key: value for key, value in self._kept.items() if not (told.keys() & files.keys() and key in _RECIPE)}
        counts = _table(self._kept, "counts")
        stem = _stem(self._label_name)
        counts.pop(stem, None)
        if len(labels) == 0 or 0 <= labels.min() <= labels.max() < _MOST:
            least = max(self._merged.names or {}, default=-1) + 1
            counts[stem] = np.bincount(labels, minlength=min(least, _MOST)).tolist()
        names = {} if self._merged.names is None else {"class_names": _listed(self._merged.names)}
        return {**kept, **names, "counts": counts, "files": {**told, **files}}

    def holds(self, target: str) -> bool:
        """Whether a target lies beside the dataset.json."""
        return os.path.basename(target) in self._names


def _is_device(path: str | os.PathLike[str]) -> bool:
    return os.path.exists(path) and not os.path.isfile(path)


def _check_stranger(path: str) -> None:
    """Raise if a dataset.json that is not written describes a file that is."""
    folder, name = os.path.split(path)
    if os.path.isdir(folder or ".") and name in _table(read_description(folder), "files"):
        raise IdxError(
            f"describes {name}, which would be another; write images and labels into one folder",
            file=os.path.join(folder, DESCRIPTION),
        )


def _same_folder(one: str, other: str) -> bool:
    return os.path.realpath(os.path.dirname(one)) == os.path.realpath(os.path.dirname(other))


def _label_files(folder: str) -> list[str]:
    try:
        names = sorted(os.listdir(folder or "."))
    except FileNotFoundError:  # told when the file is opened
        return []
    return [name for name in names if named_role(name) == "label"]


def _agree(old: Names, new: Names) -> bool:
    """Whether no label has two names, and no name two labels."""
    label_of = {tidy(name): label for label, name in new.items()}
    return old == new or all(
        tidy(new.get(label, name)) == tidy(name) and label_of.get(tidy(name), label) == label
        for label, name in old.items()
    )


def _table(description: dict[str, Any], key: str) -> dict[str, Any]:
    found = description.get(key)
    return dict(found) if isinstance(found, dict) else {}


def _stem(name: str) -> str:
    """The split that the name of a label file begins with."""
    match = re.match(r"(.+?)[-_.]labels?", name, re.IGNORECASE)
    return match[1] if match else name


def _listed(names: Names) -> list[str] | dict[str, str]:
    """Names as dataset.json has them: a list, if they are those of 0, 1, … without a gap."""
    if sorted(names) == list(range(len(names))):
        return [names[label] for label in range(len(names))]
    return {str(label): names[label] for label in sorted(names)}
