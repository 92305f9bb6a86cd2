"""What the page shows: the splits of a dataset in a folder or at a URL, and what describes them."""

from __future__ import annotations

import os
import posixpath
import tempfile
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ...datasets.classes import Names, class_names
from ...datasets.metadata import about_of, read_description
from ...storage.source import is_url


class Split(NamedTuple):
    """The names of two files, from the folder of the dataset on, with slashes."""

    name: str
    images: str
    labels: str


class Viewed(NamedTuple):
    """A dataset as the page shows it."""

    title: str
    about: Mapping[str, str]
    class_names: Names
    splits: list[Split]
    paths: dict[str, str]
    """The path or URL of each file, by its name in `splits`."""


def find(folder: str, dataset: str | None) -> Viewed:
    """Find all splits that have images and labels; raise as `load` does if none has."""
    return _at_url(folder, dataset) if is_url(folder) else _in_directory(folder, dataset)


def _in_directory(directory: str, dataset: str | None) -> Viewed:
    from ..show_folder import pairs

    found = pairs(directory, dataset)
    splits = []
    paths: dict[str, str] = {}
    for split, files in found.items():
        names = [os.path.relpath(file, directory).replace(os.sep, "/") for file in files]
        splits.append(Split(split, *names))
        paths.update(zip(names, files, strict=True))
    home = os.path.dirname(next(iter(found.values()))[0])
    description = read_description(directory) or read_description(home)
    title = dataset or os.path.basename(os.path.abspath(directory))
    names_of_classes = _first(class_names(labels) for _, labels in found.values())
    return Viewed(_name(description, title), about_of(description), names_of_classes, splits, paths)


def _at_url(url: str, dataset: str | None) -> Viewed:
    """Find the splits at a URL; the labels are fetched where they tell the names of the classes."""
    from ...datasets import remote
    from ...storage.remote.folder import RemoteFolder

    folder = RemoteFolder(url, {})
    found = remote.find_remote_pairs(folder, dataset)
    folders: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="idxio-") as root, remote.naming_remote(folders):
        for _, name in found.values():
            directory = remote.copy_described(folder, [name], root, folders)
        labels = [folder.copy(name, directory) for _, name in found.values()]
        description = read_description(directory) or read_description(root)
        names_of_classes = _first(class_names(file) for file in labels)
    title = dataset or posixpath.basename(folder.name)
    paths = {name: folder.url_of(name) for files in found.values() for name in files}
    splits = [Split(split, *files) for split, files in found.items()]
    return Viewed(_name(description, title), about_of(description), names_of_classes, splits, paths)


def _first(names: Iterable[Names | None]) -> Names:
    return next(filter(None, names), {})


def _name(description: Mapping[str, object], otherwise: str) -> str:
    name = description.get("name")
    return name if isinstance(name, str) and name else otherwise
