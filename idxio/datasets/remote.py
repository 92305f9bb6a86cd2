"""The files of a dataset at a URL, found by the names that are in use."""

from __future__ import annotations

import contextlib
import errno
import itertools
import tempfile
from collections.abc import Iterable, Mapping
from typing import Any

from ..compression.registry import COMPRESSIONS, of_suffix, speed_rank
from ..errors import IdxError
from ..storage.remote.folder import RemoteFolder
from . import names
from .discovery import NoSplitError
from .metadata import DESCRIPTION
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
    found = folder.present(_candidates(words))
    chosen = []
    for role in _ROLES:
        mine = [name for name in found if (parsed := names.parse(name)) and parsed.role == role]
        if not mine:
            tried = " or ".join(f"{word}-{role}s-…-ubyte" for word in words)
            raise NoSplitError(
                errno.ENOENT, f"has no {tried}, raw or compressed, of the split", folder.name
            )
        chosen.append(min(mine, key=lambda name: speed_rank(of_suffix(name).packing)))
    images, labels = chosen
    return images, labels


def _candidates(words: Iterable[str]) -> list[str]:
    """The names of images and labels under which a split is looked for."""
    suffixes = dict.fromkeys(["", *(suffix for kind in COMPRESSIONS for suffix in kind.suffixes)])
    forms = itertools.chain.from_iterable(_ROLES.values())
    return [f"{w}{form}{end}" for w, form, end in itertools.product(words, list(forms), suffixes)]


@contextlib.contextmanager
def naming_remote(directory: str, folder: RemoteFolder) -> Any:
    """Have errors of files copied into a directory name the files at their URLs."""
    try:
        yield
    except IdxError as error:
        if error.file is not None and error.file.startswith(directory):
            error.file = folder.name + error.file[len(directory) :]
        raise


def copy_labels(folder: RemoteFolder, labels: str, directory: str) -> str:
    """Copy the labels and the description of a dataset to a directory; the path of the labels."""
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
    words = [word for split in KNOWN for word in synonyms(split)]
    found = folder.present([*_candidates(words), DESCRIPTION, "sources.csv"])
    if not any(names.parse(name) for name in found):
        raise NoSplitError(
            errno.ENOENT, "has no train-images-idx3-ubyte[.gz] nor another split's", folder.name
        )
    directory = tempfile.TemporaryDirectory(prefix="idxio-")
    try:
        for name in found:
            folder.copy(name, directory.name)
    except BaseException:
        directory.cleanup()
        raise
    return directory, folder.name
