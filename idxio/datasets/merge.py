"""Merges labels of several files by the names of their classes; the dataset.json of the result."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .._util.types import Array
from ..errors import FormatError, IdxError
from .classes import (
    Names,
    class_names,
    described,
    mapped_names,
    naming_folder,
    tidy,
)
from .metadata import ABOUT, DESCRIPTION, LICENSE, about_of, merged_about, read_description
from .names import named_role, split_key
from .renumber import Source, check_named, in_one_numbering, tidied
from .split_names import known_split

# Keys in which `build` describes how it made all files; no longer true once one file is replaced.
_BUILD_KEYS = (
    "pipeline", "size", "range", "split_by", "test_per_class", "val_per_class", "seed", "sorted",
    "skipped",
)  # fmt: skip
# Labels from here on are not counted: they can't be numbers of classes.
_MAX_LABEL = 1 << 20


class Merged(NamedTuple):
    """Labels of several files, in one numbering of the classes."""

    labels: Array
    """The labels of all files, in the order of the files."""
    names: Names | None
    """The names of the classes; None if they are not known."""
    is_described: bool
    """Whether names come from a dataset.json beside a file."""
    is_renumbered: bool
    """Whether labels differ from those in the files."""

    @property
    def needs_description(self) -> bool:
        """Whether a dataset.json must lie beside the labels."""
        return self.is_described or self.is_renumbered


def merge_labels(files: Sequence[str | None], labels: Sequence[Array]) -> Merged:
    """The labels of files or arrays, with one number for each name of a class.

    The classes of the first file keep their numbers; those that it lacks follow. Labels keep their
    numbers if no dataset.json has names and not every file is a published one.

    Raises
    ------
    IdxError
        One file has names and another none, or a label has none; a name stands for two labels; two
        names are one number.
    """
    sources = [_source(file, tag) for file, tag in zip(files, labels, strict=True)]
    named = [source for source in sources if source.names is not None]
    together = np.concatenate(labels)
    if together.dtype.kind not in "iu":
        types = " and ".join(dict.fromkeys(tag.dtype.name for tag in labels))
        raise FormatError(f"IDX has no type for labels of {types} together: give them one type")
    is_described = any(source.naming is not None for source in sources)
    if not named or (len(named) < len(sources) and not is_described):
        return Merged(together, None, is_described=False, is_renumbered=False)
    first = named[0]
    for source in sources:
        if source.file is not None and source.names is None:
            if _is_device(source.file):
                raise IdxError(
                    "is a pipe or device, beside which nothing names the classes, and"
                    f" {first.origin} does: label 0 is {_name(first, 0)} there and may be anything"
                    " here. Name the file that it is read from",
                    file=source.file,
                )
            remedy = os.path.join(os.path.dirname(source.file), DESCRIPTION)
            raise IdxError(
                f"has no names of classes, and {first.origin} has: label 0 is {_name(first, 0)} "
                f"there and may be anything here. Write them to {remedy}, as "
                '{"class_names": ["cat", "dog"]}',
                file=source.file,
            )
    if all(tidied(source) == tidied(first) for source in named):
        if len({os.path.dirname(source.origin) for source in named}) > 1:
            for source in named:
                check_named(source)
        return Merged(together, first.names, is_described, is_renumbered=False)
    for source in sources:
        if source.file is None:
            raise IdxError(
                "labels: the files number their classes in different ways; give arrays as files too"
            )
    renumbered, names = in_one_numbering(sources, together.dtype)
    return Merged(renumbered, names, is_described, is_renumbered=True)


def _source(file: str | None, labels: Array) -> Source:
    if file is None:
        return Source(None, labels, None, None)
    if _is_device(file):
        return Source(file, labels, None, None)
    return Source(file, labels, class_names(file), naming_folder(file))


def _name(source: Source, label: int) -> str:
    """The name of a label for an error."""
    return repr((source.names or {}).get(label, "nothing"))


class MergedDescription:
    """The dataset.json of merged files: its path, if one is to be written, and its content."""

    def __init__(
        self,
        files: Sequence[Any],
        labels_file: Any,
        merged: Merged,
        label_files: Sequence[str | None],
    ) -> None:
        """Raises IdxError if a dataset.json could not be true of all files beside it.

        files: all targets. label_files: those that are merged; None for arrays, which alone need no
        dataset.json.
        """
        self._merged = merged
        self.path: str | None = None
        """The dataset.json to write; None if there is none."""
        self._kept: dict[str, Any] = {}
        self._names: set[str] = set()
        self._is_written = False
        self._about: dict[str, str] = {}
        if not any(label_files):
            return
        if not isinstance(labels_file, (str, os.PathLike)) or _is_device(labels_file):
            if merged.is_renumbered:
                raise IdxError(
                    "labels_file: nothing lies beside a file object or a device, as the "
                    "dataset.json that names the classes has to; the files to merge number them in "
                    "different ways; name a path"
                )
            return
        label_path = os.fsdecode(labels_file)
        folder, self._label_name = os.path.split(label_path)
        for path in (os.fsdecode(file) for file in files if isinstance(file, (str, os.PathLike))):
            if _same_folder(path, label_path):
                self._names.add(os.path.basename(path))
            else:
                _check_stranger(path)
        existing = read_description(folder)
        is_named = bool(described(folder))
        self._is_written = merged.needs_description or self._is_forgotten(label_path)
        self._kept = self._still_true(existing, folder)
        self._about = self._told(existing, label_files)
        lists_target = bool(_table(existing, "files").keys() & self._names)
        if self._is_written or is_named or lists_target or self._about:
            self.path = os.path.join(folder, DESCRIPTION)
            if DESCRIPTION in self._names:
                raise IdxError(
                    "is where the names of the classes go; name another file", file=self.path
                )
            for path in (os.path.join(folder, name) for name in sorted(self._names)):
                if not _same_folder(os.path.realpath(path), path):
                    raise IdxError(
                        f"is a link to {os.path.realpath(path)}, beside which another dataset.json "
                        "tells of it, or none; name that file itself, or remove the link",
                        file=path,
                    )

    def _told(self, existing: dict[str, Any], label_files: Sequence[str | None]) -> dict[str, str]:
        """What is told of the files to merge, and of others that the existing content lists."""
        folders = dict.fromkeys(os.path.dirname(file) if file else None for file in label_files)
        parts = [{} if folder is None else _about_in(folder) for folder in folders]
        if _table(existing, "files").keys() - self._names:
            parts.insert(0, about_of(existing))
        return merged_about(parts)

    def _is_forgotten(self, label_path: str) -> bool:
        """Whether the names would be lost: known by a checksum or by what lies beside the sources.

        Digits need no names.
        """
        names = self._merged.names or {}
        is_plain = all(name == str(label) for label, name in names.items())
        return not is_plain and mapped_names(label_path) != names

    def _still_true(self, existing: dict[str, Any], folder: str) -> dict[str, Any]:
        """The part of an existing dataset.json that the new files leave true."""
        path = os.path.join(folder, DESCRIPTION)
        old = described(folder)
        new = self._merged.names
        others = [name for name in _label_files(folder) if name not in self._names]
        remedy = "name files in a folder of their own"
        if new is None:
            naming = naming_folder(os.path.join(folder, self._label_name))
            if naming is not None:
                raise IdxError(
                    f"names classes, and the labels to write have no names; {remedy}",
                    file=os.path.join(naming, DESCRIPTION),
                )
            return existing
        if old and not _agree(old, new):
            if others:
                raise IdxError(
                    f"numbers the classes of {others[0]} in another way than the labels to write;"
                    f" {remedy}",
                    file=path,
                )
            outdated = (*_BUILD_KEYS, "class_names", "counts", "files")
            return {key: existing[key] for key in existing if key not in outdated}
        for name in others if self._is_written and not old else ():
            known = class_names(os.path.join(folder, name))
            if known is None or not _agree(known, new):
                raise IdxError(
                    f"would lie beside {name}, whose classes are not those of the labels to write;"
                    f" {remedy}",
                    file=path,
                )
        self._merged = self._merged._replace(names={**(old or {}), **new})
        return existing

    def content(self, files: dict[str, dict[str, Any]], labels: Array) -> dict[str, Any]:
        """The existing content, with entries for the new files by their names, and for labels."""
        listed = _table(self._kept, "files")
        outdated = _BUILD_KEYS if listed.keys() & files.keys() else ()
        kept = {key: value for key, value in self._kept.items() if key not in outdated}
        counts = _table(self._kept, "counts")
        split = split_key(self._label_name)
        counts.pop(split, None)
        if len(labels) == 0 or 0 <= labels.min() <= labels.max() < _MAX_LABEL:
            least = max(self._merged.names or {}, default=-1) + 1
            counts[split] = np.bincount(labels, minlength=min(least, _MAX_LABEL)).tolist()
        names = {} if self._merged.names is None else {"class_names": _listed(self._merged.names)}
        stale = {*ABOUT, LICENSE} - self._about.keys()
        kept = {key: self._about.get(key, kept[key]) for key in kept if key not in stale}
        kept = {**self._about, **kept} if kept.keys().isdisjoint(ABOUT) else {**kept, **self._about}
        return {**kept, **names, "counts": counts, "files": {**listed, **files}}

    def holds(self, target: str) -> bool:
        """Whether a target lies beside the dataset.json."""
        return os.path.basename(target) in self._names


def _about_in(folder: str) -> dict[str, str]:
    """What is told of files in a folder; where that is called as a split, beside it too."""
    about = about_of(read_description(folder))
    if not about and known_split(os.path.basename(folder)):
        about = about_of(read_description(os.path.dirname(folder)))
    return about


def _is_device(path: str | os.PathLike[str]) -> bool:
    return os.path.exists(path) and not os.path.isfile(path)


def _check_stranger(path: str) -> None:
    """Raise if a file to write is listed in a dataset.json that is not written."""
    folder, name = os.path.split(path)
    if os.path.isdir(folder or ".") and name in _table(read_description(folder), "files"):
        raise IdxError(
            f"describes {name}, which would be another; write images and labels into one folder",
            file=os.path.join(folder, DESCRIPTION),
        )


def _same_folder(one: str, other: str) -> bool:
    return os.path.realpath(os.path.dirname(one)) == os.path.realpath(os.path.dirname(other))


def _label_files(folder: str) -> list[str]:
    """The label files whose classes a dataset.json in a folder names: those there, and those of
    splits in folders of their own that have none.
    """
    try:
        names = sorted(os.listdir(folder or "."))
    except FileNotFoundError:  # opening the file raises the error
        return []
    inner = []
    for name in names:
        path = os.path.join(folder, name)
        if known_split(name) and os.path.isdir(path) and not described(path):
            inner += [os.path.join(name, one) for one in sorted(os.listdir(path))]
    return [name for name in names + inner if named_role(name) == "label"]


def _agree(old: Names, new: Names) -> bool:
    """Whether together no label has two names, and no name two labels."""
    label_of = {tidy(name): label for label, name in new.items()}
    return old == new or all(
        tidy(new.get(label, name)) == tidy(name) and label_of.get(tidy(name), label) == label
        for label, name in old.items()
    )


def _table(description: dict[str, Any], key: str) -> dict[str, Any]:
    """A copy of the object under a key; empty if there is none."""
    value = description.get(key)
    return dict(value) if isinstance(value, dict) else {}


def _listed(names: Names) -> list[str] | dict[str, str]:
    """Names in the form of dataset.json: a list if the labels are 0, 1, … without a gap."""
    if sorted(names) == list(range(len(names))):
        return [names[label] for label in range(len(names))]
    return {str(label): names[label] for label in sorted(names)}
