"""The files of a dataset at a URL, found by the names that are in use."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import posixpath
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..compression.registry import COMPRESSIONS, of_suffix, speed_rank
from ..storage.remote.folder import RemoteFolder
from . import names
from .discovery import HalfPairError, NoSplitError
from .metadata import DESCRIPTION
from .sources import SOURCES
from .split_names import KNOWN, known_split, synonyms

_ROLES = {"image": ("-images-idx3-ubyte", "-images.idx3-ubyte"), "label": ("-labels-idx1-ubyte",)}


def find_remote_pair(folder: RemoteFolder, split: str) -> tuple[str, str]:
    """The names of the images and the labels of a split at a URL.

    A store is listed; a web server is asked for MNIST's names, with other words for the split and
    each suffix of a compression. Of several copies the one is taken that is read fastest.

    Raises
    ------
    FileNotFoundError
        There is no such pair. The message says which names were tried.
    """
    words = synonyms(split)
    found = folder.present(_candidates(words))
    chosen: dict[str, str] = {}
    for role in _ROLES:
        mine = [name for name in found if (parsed := names.parse(name)) and parsed.role == role]
        if mine:
            chosen[role] = min(mine, key=lambda name: speed_rank(of_suffix(name).packing))
    if not chosen:
        text = f"has no {_tried(words, 'image')}{_what_is_there(folder)}"
        raise NoSplitError(errno.ENOENT, text, folder.name)
    if "label" not in chosen:
        text = (
            f"has {chosen['image']} and no {_tried(words, 'label')}; idxio.open(file) takes images"
            " alone"
        )
        raise HalfPairError(errno.ENOENT, text, folder.name)
    if "image" not in chosen:
        text = f"has {chosen['label']} and no {_tried(words, 'image')}"
        raise HalfPairError(errno.ENOENT, text, folder.name)
    return chosen["image"], chosen["label"]


def _tried(words: list[str], role: str) -> str:
    """The names of images or labels that were looked for, for errors."""
    return f"{' or '.join(f'{word}-{role}s-…-ubyte' for word in words)}, raw or compressed"


def _what_is_there(folder: RemoteFolder) -> str:
    """The end of an error that a split is not there: the known ones that are."""
    words = _known_words()
    found: list[str] = []
    with contextlib.suppress(OSError):  # what can't be looked at is no hint
        found = folder.present(_candidates(words))
    stems = {parsed.stem for name in found if (parsed := names.parse(name))}
    there = ", ".join(repr(word) for word in words if word in stems)
    return f"; it has the splits {there}" if there else _what_to_name(folder)


def _what_to_name(folder: RemoteFolder) -> str:
    """The end of an error that no split is at a URL: which URL is meant."""
    if names.parse(folder.name.rpartition("/")[2]):
        return "; it is the URL of a file: name that of its folder"
    return "; name the folder that holds these files"


def _known_words() -> list[str]:
    return [word for split in KNOWN for word in synonyms(split)]


def _candidates(words: Iterable[str]) -> list[str]:
    """The names of images and labels under which a split is looked for."""
    suffixes = dict.fromkeys(["", *(suffix for kind in COMPRESSIONS for suffix in kind.suffixes)])
    forms = itertools.chain.from_iterable(_ROLES.values())
    return [f"{w}{form}{end}" for w, form, end in itertools.product(words, list(forms), suffixes)]


@contextlib.contextmanager
def naming_remote(folders: Mapping[str, str]) -> Iterator[None]:
    """Name the URL in errors that name the folder on this machine with copies of what is there."""

    def told(text: Any) -> Any:
        if isinstance(text, str):
            for place, folder in folders.items():
                text = text.replace(folder, place)
        return text

    try:
        yield
    except (OSError, ValueError) as error:
        error.args = tuple(map(told, error.args))
        for name in ("file", "message", "filename"):
            if getattr(error, name, None) is not None:
                setattr(error, name, told(getattr(error, name)))
        raise


def place_for(folder: RemoteFolder, root: str) -> dict[str, str]:
    """Make a folder in `root` of the same name, which may tell the split, for copies of its files.

    As beside one on this machine, the description above a folder that is called as a split lies
    above the copies. Returns which folder stands for which URL, that of the copies first.
    """
    name = posixpath.basename(folder.name)
    directory = os.path.join(root, name or "_")
    os.makedirs(directory)
    places = {folder.name: directory}
    above = folder.above() if known_split(name) else None
    if above is not None:
        above.copy_if_there(DESCRIPTION, root)
        places[above.name] = root
    return places


def copy_labels(folder: RemoteFolder, labels: str, directory: str) -> str:
    """Copy the labels and the description of a dataset to a directory; the path of the labels."""
    folder.copy_if_there(DESCRIPTION, directory)
    return folder.copy(labels, directory)


@contextlib.contextmanager
def copied_labels(folder: RemoteFolder, labels: str) -> Iterator[str]:
    """Copy the labels of a dataset to this machine, with what describes them; yield their path."""
    with tempfile.TemporaryDirectory(prefix="idxio-") as root:
        places = place_for(folder, root)
        with naming_remote(places):
            yield copy_labels(folder, labels, places[folder.name])


@contextlib.contextmanager
def copied_dataset(url: str, options: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Copy all known splits of a dataset to this machine, with what describes it.

    Yields which folder stands for which URL, that of the dataset first.
    """
    folder = RemoteFolder(url, options)
    found = folder.present([*_candidates(_known_words()), DESCRIPTION, SOURCES])
    if not any(names.parse(name) for name in found):
        text = f"has no train-images-idx3-ubyte[.gz] nor another split's{_what_to_name(folder)}"
        raise NoSplitError(errno.ENOENT, text, folder.name)
    with tempfile.TemporaryDirectory(prefix="idxio-") as root:
        places = place_for(folder, root)
        for name in found:
            folder.copy(name, places[folder.name])
        with naming_remote(places):
            yield places
