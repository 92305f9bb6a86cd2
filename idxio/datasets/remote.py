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
from ..core.array import open_array
from ..errors import IdxError
from ..storage.remote.folder import RemoteFolder
from . import names
from .classes import mapping_name
from .copies import parts_differ
from .discovery import HalfPairError, NoSplitError
from .metadata import DESCRIPTION, read_description
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
    IdxError
        There are several pairs, under different words for the split, or copies that differ.
    """
    words = synonyms(split)
    words, chosen = _choose(folder, folder.present(_candidates(words)), words)
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
    IdxError
        As `find_remote_pair`.
    """
    before = "" if dataset is None else f"{dataset}-"
    present = folder.present(_candidates(before + word for word in _known_words()))
    pairs: dict[str, tuple[str, str]] = {}
    for split in KNOWN:
        _, chosen = _choose(folder, present, synonyms(before + split))
        if len(chosen) == len(_ROLES):
            pairs[split] = chosen["image"], chosen["label"]
    if not pairs:
        pairs["train"] = find_remote_pair(folder, f"{before}train")  # says what is missing
    return pairs


def _choose(
    folder: RemoteFolder, present: list[str], words: list[str]
) -> tuple[list[str], dict[str, str]]:
    """The word for a split that its files have, or all if none has any; their names, by role."""
    found: dict[str, dict[str, list[str]]] = {}
    for name in present:
        if (parsed := names.parse(name)) and parsed.stem in words:
            found.setdefault(parsed.stem, {}).setdefault(parsed.role, []).append(name)
    pairs = [stem for stem, roles in found.items() if len(roles) == len(_ROLES)]
    if len(pairs) > 1:
        # raises where all that is there is a page, which says that there is nothing
        one = found[pairs[0]]["image"][0]
        open_array(folder.url_of(one), storage_options=folder.options).close()
        listed = ", ".join(map(repr, pairs))
        raise IdxError(
            f"has {listed}, which are names of one split: rename or remove one", file=folder.name
        )
    words = (pairs or [*found])[:1] or words
    copies = found.get(words[0], {})
    return words, {role: _fastest(folder, some) for role, some in copies.items()}


def _fastest(folder: RemoteFolder, copies: list[str]) -> str:
    """The one of copies that is read fastest; IdxError if one of the others is not the same."""
    first, *others = sorted(copies, key=lambda name: speed_rank(of_suffix(name).packing))
    for other in others:
        with contextlib.ExitStack() as stack:
            mine, its = (
                stack.enter_context(open_array(folder.url_of(name), storage_options=folder.options))
                for name in (first, other)
            )
            is_like = mine.shape and (mine.shape, mine.dtype) == (its.shape, its.dtype)
            if not is_like or parts_differ(mine, its):
                what = f"is not the same as {its.name}; leave one of the two"
                raise IdxError(what, file=mine.name)
    return first


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

    try:
        yield
    except (OSError, ValueError) as error:
        error.args = tuple(
            with_urls(word, folders) if isinstance(word, str) else word for word in error.args
        )
        for name in ("file", "message", "filename"):
            if isinstance(word := getattr(error, name, None), str):
                setattr(error, name, with_urls(word, folders))
        raise


def with_urls(text: str, folders: Mapping[str, str]) -> str:
    """A text that names URLs where it named the folders on this machine that stand for them."""
    for place, folder in folders.items():
        text = text.replace(folder, place)
    return text


@contextlib.contextmanager
def copied_labels(folder: RemoteFolder, labels: str) -> Iterator[str]:
    """Copy the labels of a dataset, with what names its classes, to this machine for a while; yield
    the path of the labels.
    """
    folders: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="idxio-") as root, naming_remote(folders):
        directory = copy_described(folder, [labels], root, folders)
        yield folder.copy(labels, directory)


def copy_described(
    folder: RemoteFolder, wanted: list[str], root: str, folders: dict[str, str]
) -> str:
    """Copy what describes the labels in a folder to the one that stands for it (see `place_for`),
    and return that; wanted are the names of the labels, and of what else may be copied.
    """
    directory = place_for(folder, root, folders)
    mapping = mapping_name(wanted[0])
    lists = [DESCRIPTION, *wanted[1:], *([mapping] if mapping else [])]
    for one in lists:
        if not os.path.exists(os.path.join(directory, one)):
            folder.copy_if_there(one, directory)
    return directory


def place_for(folder: RemoteFolder, root: str, folders: dict[str, str]) -> str:
    """The folder on this machine that `folders` has for one at a URL, or a new one of its name,
    which may tell the split, in `root`; it is entered there.

    As beside one on this machine, the description above a folder that is called as a split lies
    above the copies.
    """
    if folder.place not in folders:
        name = posixpath.basename(folder.name) or "_"
        folders[folder.place] = os.path.join(root, name)
        os.makedirs(folders[folder.place])
        above = folder.above() if known_split(name) else None
        if above is not None:
            above.copy_if_there(DESCRIPTION, root)
            folders.setdefault(above.place, root)
    return folders[folder.place]


@contextlib.contextmanager
def copied_dataset(url: str, options: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Copy all known splits of a dataset to this machine, with what describes it and others of
    which that tells.

    Yields which folder stands for which URL, that of the dataset first.
    """
    folder = RemoteFolder(url, options)
    found = folder.present([*_candidates(_known_words()), DESCRIPTION, SOURCES])
    if not any(names.parse(name) for name in found):
        text = f"has no train-images-idx3-ubyte[.gz] nor another split's{_what_to_name(folder)}"
        raise NoSplitError(errno.ENOENT, text, folder.name)
    places: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="idxio-") as root:
        directory = place_for(folder, root, places)
        for name in found:
            folder.copy(name, directory)
        stated = _stated_files(directory, found) if DESCRIPTION in found else []
        for name in folder.present([*found[:1], *stated]) if stated else []:
            if name in stated:
                folder.copy(name, directory)
        with naming_remote(places):
            yield places


def _stated_files(directory: str, found: list[str]) -> list[str]:
    """Further images and labels of which the description in a directory tells."""
    try:
        stated = read_description(directory).get("files")
    except IdxError:  # which the check tells
        return []
    return [
        name
        for name in (stated if isinstance(stated, dict) else [])
        if name not in found and names.parse(name) and name == posixpath.basename(name)
    ]
