"""NumPy's files, .npz and .npy: the arrays in them, as images, labels and names of classes."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, NamedTuple

import numpy as np

from ..._util.types import Array
from ...core.array import IdxArray
from ...core.coerce import class_column, simple_labels
from ...errors import FormatError, naming
from ...storage.regular import open_regular
from ...storage.targets import atomic_write
from . import npy
from .common import Blocks, Split
from .names import CLASS_LABELS, CLASS_NAMES
from .text_classes import text_labels
from .zip_archive import not_an_npz, open_archive


class Stored(NamedTuple):
    """An array in a file of its own, or in an archive."""

    path: str
    name: str | None
    """The name in the archive; None for a .npy file."""

    @property
    def shown(self) -> str:
        """What messages call it."""
        return self.name or os.path.basename(self.path)


def write_npz(
    target: str, splits: list[Split], names: dict[int, str] | None, step: Callable[[int], None]
) -> None:
    """Write x_train, y_train, x_test and y_test, as Keras' mnist.npz has them, compressed.

    The same bytes each time.

    The names of classes, where there are some, become two more arrays.
    """
    with (
        atomic_write(target) as output,
        zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for split in splits:
            for letter, file in (("x", split.images), ("y", split.labels)):
                with _member(archive, f"{letter}_{split.name}") as member:
                    npy.write(member, file, step if letter == "x" else lambda n: None)
        if names:
            _write_names(archive, names)


def _write_names(archive: zipfile.ZipFile, names: dict[int, str]) -> None:
    texts = np.array([*names.values()])
    if texts.tolist() != [*names.values()]:
        raise FormatError("has names of classes that end in a NUL; npz has no such texts")
    for name, array in ((CLASS_LABELS, np.array([*names])), (CLASS_NAMES, texts)):
        with _member(archive, name) as member:
            np.lib.format.write_array(member, array, allow_pickle=False)


@contextmanager
def _member(archive: zipfile.ZipFile, name: str) -> Iterator[IO[bytes]]:
    entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    with archive.open(entry, "w", force_zip64=True) as member:
        yield member


def write_npy(target: str, file: IdxArray, step: Callable[[int], None]) -> None:
    """Write one IDX file as .npy."""
    with atomic_write(target) as output:
        npy.write(output, file, step)


def npz_class_names(path: str) -> dict[int, str] | None:
    """Read the names of classes that `write_npz` wrote; None if the archive has none."""
    names = array_names(path)
    if CLASS_NAMES not in names:
        if CLASS_LABELS in names:
            raise FormatError(
                f"has {CLASS_LABELS} and no {CLASS_NAMES}, so that the names of the classes are"
                f" lost; save them as {CLASS_NAMES} too, or leave {CLASS_LABELS} out",
                file=path,
            )
        return None
    texts = _whole(Stored(path, CLASS_NAMES))
    labels = _whole(Stored(path, CLASS_LABELS)) if CLASS_LABELS in names else np.arange(len(texts))
    if (
        texts.dtype.kind != "U"
        or labels.dtype.kind not in "iu"
        or texts.ndim != 1
        or labels.shape != texts.shape
    ):
        raise FormatError(
            f"{CLASS_NAMES} is {texts.dtype} of shape {texts.shape}, expected a text for each"
            f" class, and in {CLASS_LABELS}, if that is there, as many integers",
            file=path,
        )
    named = dict(zip(labels.tolist(), texts.tolist(), strict=True))
    if len(named) < len(labels):
        raise FormatError(
            f"{CLASS_LABELS} has a label twice, so that two names are of one class", file=path
        )
    return named


def has_listed_names(path: str) -> bool:
    """Whether an archive has names of classes without the labels that they belong to."""
    names = array_names(path)
    return CLASS_NAMES in names and CLASS_LABELS not in names


def array_names(path: str) -> list[str]:
    """The names of the arrays in an .npz; FormatError for a zip archive of anything else."""
    with open_archive(path) as archive:
        members = archive.namelist()
    names = [name[:-4] for name in members if name.endswith(".npy")]
    if not names:
        raise not_an_npz(members, path)
    if twice := [name for name in names if names.count(name) > 1]:
        raise FormatError(
            f"has the array {twice[0]} twice, and nothing tells which one counts; save it anew",
            file=path,
        )
    return names


def other_members(path: str) -> list[str]:
    """What an archive holds that is no array."""
    with open_archive(path) as archive:
        return [name for name in archive.namelist() if not name.endswith((".npy", "/"))]


@contextmanager
def _opened(stored: Stored) -> Iterator[tuple[npy.Header, Iterator[Array]]]:
    """The header of an array, and its blocks."""
    path, name = stored
    if name is None:
        with naming(path), open(path, "rb", opener=open_regular) as file:
            header = npy.read_header(file, path, None, None)
            yield header, npy.blocks(file, header, path, None)
        return
    with open_archive(path) as archive, archive.open(f"{name}.npy") as member:
        header = npy.read_header(member, path, name, archive.getinfo(f"{name}.npy"))
        yield header, npy.blocks(member, header, path, name)


def _whole(stored: Stored) -> Array:
    """Read an array into memory."""
    with _opened(stored) as (_, blocks):
        return np.concatenate([*blocks])


def one_hot_width(labels: Stored) -> int | None:
    """Count the columns of labels that are one-hot rows; None for others, and without any row."""
    with _opened(labels) as (header, _):
        shape, kind = header.shape, header.dtype.kind
    if len(shape) != 2 or not shape[0] or shape[1] < 2 or kind not in "iu":
        return None
    return shape[1] if _labels(labels).ndim == 1 else None


def pair_blocks(images: Stored, labels: Stored | None, listed: int | None) -> Blocks:
    """The records of images and their labels.

    listed is the number of classes where their names are a list, from class 0 on.
    """
    y = None if labels is None else _labels(labels)
    if labels is not None and y is not None and listed is not None and y.dtype != object:
        classes = class_column(y, labels.path)
        if len(bad := np.flatnonzero((classes < 0) | (classes >= listed))):
            raise FormatError(
                f"record {bad[0]:,} of {labels.shown} has the label {classes[bad[0]]}, and"
                f" {CLASS_NAMES} has the classes 0 to {listed - 1:,} only; name all of them, or"
                f" save the label of each name as {CLASS_LABELS}",
                file=labels.path,
            )
    with _opened(images) as (header, blocks):
        count = header.shape[0] if header.shape else 0
        if labels is not None and y is not None and count != len(y):
            raise FormatError(
                f"has {count:,} records in {images.shown}, {len(y):,} in {labels.shown}",
                file=images.path,
            )
        npy.check_type(header.dtype, images.path, images.name)
        start = 0
        for block in blocks:
            yield block, None if y is None else y[start : start + len(block)]
            start += len(block)


def _labels(stored: Stored) -> Array:
    y = _whole(stored)
    if y.dtype.kind == "U":
        if y.ndim == 2 and y.shape[1] == 1:
            y = y[:, 0]
        if y.ndim != 1:
            raise FormatError(
                f"has texts of the shape {y.shape} in {stored.shown}, expected one for each image:"
                " (n,). Save the column that holds the class alone: labels[:, k]",
                file=stored.path,
            )
        return text_labels(y.tolist(), lambda i: f"record {i:,} of {stored.shown}", stored.path)
    if y.dtype.kind not in "iu":
        raise FormatError(
            f"has {y.dtype} in {stored.shown}; labels are integers or texts", file=stored.path
        )
    return simple_labels(y, stored.path)


@contextmanager
def open_npy(path: str) -> Iterator[tuple[tuple[int, ...], np.dtype[Any], Iterator[Array]]]:
    """The shape, the type, which IDX has, and the blocks of a .npy file.

    One with no axes is one block.
    """
    with _opened(Stored(path, None)) as (header, blocks):
        npy.check_type(header.dtype, path, None)
        yield header.shape, header.dtype, blocks
