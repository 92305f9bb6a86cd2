"""Files of a dataset that is sorted from or into a store, on this machine for the while of it."""

from __future__ import annotations

import contextlib
import os
import posixpath
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

from ..core.array import open_array
from ..errors import ChangedError, IdxError, naming
from ..storage.remote.folder import RemoteFolder
from ..storage.remote.upload import open_stored, put_together
from ..storage.remote.url import Url
from ..storage.source import StorageOptions, folder_url, is_upath, is_url
from ..storage.targets import Target, is_remote_target
from . import names
from .metadata import DESCRIPTION
from .remote import copy_described, naming_remote
from .sources import SOURCES

if TYPE_CHECKING:
    from ..storage.remote.upload import Stored


@contextlib.contextmanager
def staged(targets: Sequence[Target], storage_options: StorageOptions) -> Iterator[list[Target]]:
    """Yield a path for each target in a store; at the end of the block, upload what is there.

    The first of the targets goes first, and the second, which belongs to it, last. What lies beside
    it in the store and is read or brought up to date lies beside the path too.
    """
    if not all(map(is_remote_target, targets)):
        raise ValueError(
            "images, labels and order go to one place: give URLs for all of them, or for none"
        )
    stored = [open_stored(target, storage_options or {}) for target in targets]
    # Stores take several slashes for one, and several schemes are of one store.
    places = [re.sub("/+", "/", one.name.partition(":")[2]) for one in stored]
    for one, place in zip(stored, places, strict=True):
        if places.count(place) > 1:
            raise ValueError(f"{one.name}: images, labels and order go to different files")
    with tempfile.TemporaryDirectory(prefix="idxio-") as root:
        folders: dict[str, str] = {}
        for one in stored:
            _add(folders, root, posixpath.dirname(one.name))
        paths = [
            os.path.join(folders[posixpath.dirname(one.name)], posixpath.basename(one.name))
            for one in stored
        ]
        with naming_remote(folders):
            beside = _Beside(stored, folders)
            yield [*paths]
            lists = beside.changed()
        last = 1
        files = dict(zip(paths, stored, strict=True))
        order = [paths[0], *paths[2:], *lists, paths[last]]
        files |= lists
        with contextlib.ExitStack() as stack:
            put_together([(stack.enter_context(_opened(path)), files[path]) for path in order])


@contextlib.contextmanager
def fetched(
    inputs: Sequence[tuple[Any, Any]], storage_options: StorageOptions
) -> Iterator[list[tuple[Any, Any]]]:
    """Yield images and labels without URLs: images are opened, and labels copied to this machine
    with what describes them.
    """
    options = storage_options or {}
    with tempfile.TemporaryDirectory(prefix="idxio-") as root, contextlib.ExitStack() as stack:
        folders: dict[str, str] = {}
        found: list[tuple[Any, Any]] = []
        with naming_remote(folders):
            for images, labels in inputs:
                if is_url(images):
                    images = stack.enter_context(open_array(images, storage_options=options))
                elif is_upath(images):
                    images = stack.enter_context(open_array(images))
                if is_url(labels) or is_upath(labels):
                    url, name = _url_of(labels, options)
                    folder = RemoteFolder(url.text, url.options)
                    place = os.path.join(root, str(len(found)))
                    directory = copy_described(folder, [name, SOURCES], place, folders)
                    labels = folder.copy(name, directory)
                found.append((images, labels))
            yield found


def _url_of(file: Any, options: Mapping[str, Any]) -> tuple[Url, str]:
    """The URL of the folder of a URL or UPath, and the name in it."""
    at_url = folder_url(file, options)
    assert at_url is not None
    return Url(*at_url).split_name()


def _add(folders: dict[str, str], root: str, place: str) -> str:
    """The folder for what lies at a place, of the same name: it may tell the split."""
    if place not in folders:
        folders[place] = os.path.join(root, str(len(folders)), posixpath.basename(place) or "_")
        os.makedirs(folders[place])
    return folders[place]


class _Beside:
    """What lies beside the targets in their store."""

    def __init__(self, targets: Sequence[Stored], folders: Mapping[str, str]) -> None:
        self._lists: dict[str, tuple[Stored, str | None, bytes | None]] = {}
        written = {target.name for target in targets}
        for target in targets:
            there = target.beside()
            folder = folders[posixpath.dirname(target.name)]
            _check_left(target, there, written)
            for name in there:
                path = os.path.join(folder, name)
                other = target.sibling(name)
                is_new = other.name not in written and not os.path.exists(path)
                if is_new and names.named_role(name) == "label":
                    _fetch(other, path)
            for name in (DESCRIPTION, SOURCES):
                path = os.path.join(folder, name)
                if path not in self._lists:
                    other = target.sibling(name)
                    tag = other.tag()
                    self._lists[path] = other, tag, _fetch(other, path)

    def changed(self) -> dict[str, Stored]:
        """The lists that are to be written, by their paths.

        Raises ChangedError if another process has replaced one meanwhile.
        """
        found = {}
        for path, (stored, tag, old) in self._lists.items():
            new = _content(path)
            if new is None or new == old:
                continue
            if stored.tag() != tag:
                raise ChangedError(
                    "was changed by another process since it was read, so that its changes would"
                    " be lost; nothing was written: run it again",
                    file=stored.name,
                )
            found[path] = stored
        return found


def _check_left(target: Stored, there: Sequence[str], written: set[str]) -> None:
    """Raise if a copy of a file to write would stay as it is beside the new one."""
    name = posixpath.basename(target.name)
    mine = names.parse(name)
    for other in there:
        copy = target.sibling(other).name
        if mine is not None and names.parse(other) == mine and copy not in written:
            raise IdxError(
                f"would stay as it is beside the new {name}, of which its name says that it is a"
                " copy; remove it, or name files in a folder of their own",
                file=copy,
            )


def _opened(path: str) -> IO[bytes]:
    with naming(path):
        return open(path, "rb")


def _fetch(stored: Stored, path: str) -> bytes | None:
    """Write an object to a path, if there is one; return its bytes."""
    try:
        with naming(path), open(path, "xb") as file:
            stored.fetch(file)
    except (FileNotFoundError, PermissionError):
        os.unlink(path)
    return _content(path)


def _content(path: str) -> bytes | None:
    try:
        with naming(path), open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
