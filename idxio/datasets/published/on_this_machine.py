"""Copies of published datasets that are on this machine, as Debian, Keras and torchvision keep
them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import zipfile
from typing import NamedTuple

from ...core import disk_cache
from ...errors import IdxError, naming
from ..metadata import read_description
from . import keras_npz
from .archive import DAMAGED, member_named, oddity
from .proof import Inside, WrongFileError, digest, prove
from .table import Published, PublishedFile

SYSTEM = "/usr/share/datasets"
"""Where Debian's packages put datasets."""
# Where torchvision's tutorials have its root.
_ROOTS = (".", "data")


class Found(NamedTuple):
    """A file of a dataset."""

    path: str
    inside: Inside
    source: str
    """Where it is from: the path of another file, or the URL of a mirror."""


def find_whole(dataset: Published, folder: str) -> str | None:
    """A folder with all files of a dataset: this one, or the one in it where torchvision puts them.

    None if a file is missing, or is another one.
    """
    folders = [folder]
    if dataset.archive_size is None:  # torchvision keeps all parts of EMNIST in one folder
        folders += [os.path.join(folder, inner) for inner in ("raw", f"{dataset.torchvision}/raw")]
    for path in folders:
        if all(find(dataset, file, path) for file in dataset.files):
            return path
    return None


def find(
    dataset: Published, file: PublishedFile, folder: str, *, known: str | None = None
) -> Found | None:
    """A file in a folder, as it was published or unpacked; None if it is not there.

    known: the SHA-256 of what is inside, where that was proved before.
    """
    for name in (file.name, os.path.splitext(file.name)[0]):
        path = os.path.join(folder, name)
        # what can't be read is not there
        with contextlib.suppress(WrongFileError, IdxError, OSError):
            if os.path.isfile(path):
                sha256 = known or _as_fetched(dataset, folder, name)
                return Found(path, prove(path, file, known=sha256), path)
    return None


def _as_fetched(dataset: Published, folder: str, name: str) -> str | None:
    """The SHA-256 of what was inside of a file when `fetch` put it here; None if it did not.

    Whatever replaces the file and tells of it in `dataset.json`, as sorting does, tells no SHA-256.
    """
    description = read_description(folder)
    if description.get("published") != dataset.name:
        return None
    try:
        sha256: str | None = description["files"][name]["sha256"]
    except (KeyError, TypeError):
        return None
    return sha256


def copy_to(dataset: Published, file: PublishedFile, folder: str, directory: str) -> Found | None:
    """Copy a file that some program keeps on this machine into a folder; None if none does."""
    for place in _places(dataset, directory):
        found = find(dataset, file, place)
        if found is not None:
            path = os.path.join(folder, os.path.basename(found.path))
            shutil.copyfile(found.path, path)
            # The copy is proved too: somebody may have replaced the file meanwhile.
            copied = find(dataset, file, folder, known=found.inside.sha256)
            return copied and copied._replace(source=found.path)
        found = _from_archive(dataset, file, place, folder)
        if found is not None:
            return found
    archive = os.path.join(_keras(), "mnist.npz")
    if dataset.name == "mnist" and keras_npz.is_it(archive):
        path = os.path.join(folder, file.name)
        keras_npz.write_member(archive, file, path)
        return Found(path, prove(path, file, is_vouched=True), archive)
    return None


def cache_folder(dataset: Published) -> str:
    """Where `fetch` puts a dataset that nobody named a folder for."""
    return os.path.join(disk_cache.folder(), "datasets", dataset.name)


def system_folder(dataset: Published) -> str:
    """Where a package of Debian puts a dataset."""
    return os.path.join(SYSTEM, dataset.name)


def _places(dataset: Published, directory: str) -> list[str]:
    """The folders in which programs keep the files of a dataset."""
    inner = os.path.join(dataset.torchvision, "raw")
    roots = [os.path.join(root, inner) for root in (directory, *_ROOTS)]
    keras = os.path.join(_keras(), dataset.name)
    return [cache_folder(dataset), system_folder(dataset), keras, *roots]


def _keras() -> str:
    home = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")
    return os.path.join(home, "datasets")


def _from_archive(dataset: Published, file: PublishedFile, place: str, folder: str) -> Found | None:
    """Unpack a file out of the archive of the dataset, which torchvision keeps."""
    if dataset.archive_size is None:
        return None
    archive = os.path.join(place, os.path.basename(dataset.mirrors[0]))
    if not os.path.isfile(archive):
        return None
    path = os.path.join(folder, file.name)
    try:
        with zipfile.ZipFile(archive) as opened:
            member = member_named(opened, file.name)
            if member is None or oddity(member, file.most) is not None:
                return None
            with opened.open(member) as packed, naming(path), open(path, "wb") as output:
                shutil.copyfileobj(packed, output)
        # of emnist-mnist only the checksum of the archive is known
        is_vouched = file.packed_md5 is None and (
            digest(archive, "sha256") == dataset.archive_sha256
        )
        return Found(path, prove(path, file, is_vouched=is_vouched), archive)
    except (*DAMAGED, WrongFileError):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        return None
