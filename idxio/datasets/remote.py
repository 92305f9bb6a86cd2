"""The files of a dataset at a URL, found by the names that are in use."""

from __future__ import annotations

import contextlib
import errno
import itertools
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..compression.registry import COMPRESSIONS, of_suffix, speed_rank
from ..storage.remote.folder import RemoteFolder
from . import names
from .discovery import HalfPairError, NoSplitError
from .metadata import DESCRIPTION
from .sources import SOURCES
from .split_names import KNOWN, synonyms

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
    chosen = _fastest(folder.present(_candidates(words)))
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


def find_remote_pairs(
    folder: RemoteFolder, dataset: str | None = None
) -> dict[str, tuple[str, str]]:
    """The names of images and labels of each known split at a URL that has both.

    dataset: what stands before the split in the names, if anything does: "emnist-letters".

    Raises
    ------
    FileNotFoundError
        No split has both.
    """
    before = "" if dataset is None else f"{dataset}-"
    found = folder.present(_candidates(before + word for word in _known_words()))
    pairs: dict[str, tuple[str, str]] = {}
    for split in KNOWN:
        words = synonyms(before + split)
        mine = [name for name in found if (parsed := names.parse(name)) and parsed.stem in words]
        chosen = _fastest(mine)
        if len(chosen) == len(_ROLES):
            pairs[split] = chosen["image"], chosen["label"]
    if not pairs:
        pairs["train"] = find_remote_pair(folder, f"{before}train")  # says what is missing
    return pairs


def _fastest(found: list[str]) -> dict[str, str]:
    """Of the names of one split, by role, those of the files that are read fastest."""
    chosen: dict[str, str] = {}
    for role in _ROLES:
        mine = [name for name in found if (parsed := names.parse(name)) and parsed.role == role]
        if mine:
            chosen[role] = min(mine, key=lambda name: speed_rank(of_suffix(name).packing))
    return chosen


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


def copy_labels(folder: RemoteFolder, labels: str, directory: str) -> str:
    """Copy the labels and the description of a dataset to a directory; the path of the labels."""
    with contextlib.suppress(PermissionError):  # what a bucket says where there is none
        if DESCRIPTION in folder.present([labels, DESCRIPTION]):
            folder.copy(DESCRIPTION, directory)
    return folder.copy(labels, directory)


def copy_dataset(
    url: str, options: Mapping[str, Any]
) -> tuple[tempfile.TemporaryDirectory[str], str]:
    """Copy all known splits of a dataset, with what describes it, to a temporary directory.

    Returns the directory and the folder's name without secrets.
    """
    folder = RemoteFolder(url, options)
    found = folder.present([*_candidates(_known_words()), DESCRIPTION, SOURCES])
    if not any(names.parse(name) for name in found):
        text = f"has no train-images-idx3-ubyte[.gz] nor another split's{_what_to_name(folder)}"
        raise NoSplitError(errno.ENOENT, text, folder.name)
    directory = tempfile.TemporaryDirectory(prefix="idxio-")
    try:
        for name in found:
            folder.copy(name, directory.name)
    except BaseException:
        directory.cleanup()
        raise
    return directory, folder.name
