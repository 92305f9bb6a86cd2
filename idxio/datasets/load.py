"""load(): the dataset of a directory."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from .._util.public import public
from .._util.types import Array
from ..core.array import IdxArray, open_array
from ..core.coerce import read_classes
from ..core.selection import ArrayLike
from ..core.selection import upright as turned
from ..errors import IdxError
from ..storage.source import StorageOptions, folder_url
from .classes import Names, class_names
from .dataset import Dataset
from .discovery import find_pair, split_names
from .split_names import part_of
from .together import opened_together


@public
def load(
    directory: str | os.PathLike[str],
    split: str = "train",
    *,
    upright: bool = False,
    storage_options: StorageOptions = None,
) -> Dataset:
    """The dataset of the images and labels in a directory, whatever they are named and packed with.

    Where a process was killed while `write_sorted` put its files in place, this is completed first.

    Parameters
    ----------
    directory : path, URL or UPath
        Where the files lie. A bucket is listed; of a web server MNIST's names are asked for, with
        other words for the split and each suffix of a compression.
    split : str
        "train", "test" (the same as "t10k"), "val" (the same as "validation", "valid" and "dev"),
        or whatever stands before "-images" in the names: "xnist". Where there are several datasets,
        with the name of one: "emnist-letters-train".
    upright : bool
        Exchange the rows and columns of the images. EMNIST's are stored lying on their side.
    storage_options : mapping, optional
        What opens a URL, as for `open`.

    Returns
    -------
    Dataset
        The images are opened, not read. Labels with two axes are a single column, one-hot rows, or
        QMNIST's eight columns, of which the first is the class; others are refused. The class names
        are those of the `dataset.json` beside the files (`class_names`), of EMNIST's mapping, or of
        the published dataset that the labels, or else those of another split beside them, are known
        to be of.

    Raises
    ------
    FileNotFoundError
        No such directory, or no images and labels of this split in it. The message says what was
        looked for.
    IdxError
        There is more than one such pair, their counts differ, or a file is damaged. Or another
        process replaced files meanwhile: a ChangedError.

    Examples
    --------
    >>> import idxio
    >>> ds = idxio.load(".", split="test")
    >>> len(ds), ds.counts[0]
    (100, 10)
    """
    at_url = folder_url(directory, storage_options)
    if at_url is not None:
        return _load_url(*at_url, split, upright)
    images_file, labels_file = find_pair(directory, split)
    with opened_together(images_file, labels_file):
        images: ArrayLike = open_array(images_file)
        if upright:
            images = turned(images)
        labels = read_classes(labels_file)
        names = class_names(labels_file) or _names_beside(os.fspath(directory), split, labels)
    return Dataset(images, labels, class_names=names)


def _load_url(url: str, options: Mapping[str, Any], split: str, upright: bool) -> Dataset:
    """Do what load() does, for files at a URL: the labels are copied, the images opened.

    The images come first: who replaces both does so with the labels last, so that images of before
    are noticed when more of them is read.
    """
    from ..storage.remote.folder import RemoteFolder
    from . import remote

    folder = RemoteFolder(url, options)
    images_name, labels_name = remote.find_remote_pair(folder, split)
    with contextlib.ExitStack() as stack:
        source = folder.open(images_name)
        stack.callback(source.close)
        images: ArrayLike = IdxArray(source)
        with remote.copied_labels(folder, labels_name) as labels_file:
            labels = read_classes(labels_file)
            names = class_names(labels_file)
        stack.pop_all()
    if upright:
        images = turned(images)
    return Dataset(images, labels, class_names=names)


def _names_beside(directory: str, split: str, labels: Array) -> Names | None:
    """The names of the classes of another split of the same dataset, if they name all of these
    labels.
    """
    for other in split_names(directory, None):
        with contextlib.suppress(IdxError, OSError):  # a damaged split, or an ambiguous one
            dataset = part_of(split.lower())[0]
            _, labels_file = find_pair(directory, dataset + other)
            names = class_names(labels_file)
            if names and np.isin(labels, [*names]).all():
                return names
    return None
