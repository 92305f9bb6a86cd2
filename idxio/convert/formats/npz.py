"""NumPy's .npy and .npz, record by record; pickles are never loaded."""

from __future__ import annotations

import errno
import math
import os
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, NamedTuple

import numpy as np

from ..._util.types import Array
from ...core.array import IdxArray
from ...core.coerce import class_column, simple_labels
from ...core.header import CODES, TYPE_NAMES
from ...errors import ChecksumError, FormatError, IdxError, TruncatedError, naming
from ...storage.file_object import write_all
from ...storage.regular import open_regular
from ...storage.targets import atomic_write
from .common import Blocks, Split, records_at_once
from .names import CLASS_LABELS, CLASS_NAMES
from .text_classes import text_labels
from .zip_contents import not_an_npz

# Deflate expands at most 1032:1 (zlib's technical details); a header that promises more lies.
_MOST_EXPANDED = 1032
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError)
# The end of an archive: a record of 22 bytes and a comment.
_MOST_END = 22 + 0xFFFF
# What zipfile raises besides where lengths and places in an archive are wrong.
_LOST = (ValueError, OverflowError, struct.error)


class _Header(NamedTuple):
    shape: tuple[int, ...]
    is_fortran: bool
    dtype: np.dtype[Any]

    @property
    def record_nbytes(self) -> int:
        return math.prod(self.shape[1:]) * self.dtype.itemsize


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
                    _write(member, file, step if letter == "x" else lambda n: None)
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
        _write(output, file, step)


def _write(output: IO[bytes], file: IdxArray, step: Callable[[int], None]) -> None:
    descr = np.lib.format.dtype_to_descr(file.dtype)
    np.lib.format.write_array_header_1_0(
        output, {"descr": descr, "fortran_order": False, "shape": file.shape}
    )
    if not file.shape:
        write_all(output, file.read().tobytes())
        return
    for block in file.iter_records(
        records_at_once(math.prod(file.shape[1:]) * file.dtype.itemsize)
    ):
        elements = block.data.cast("B") if block.size else b""
        write_all(output, elements)
        step(len(block))


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
    with _reading(path) as archive:
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
    with _reading(path) as archive:
        return [name for name in archive.namelist() if not name.endswith((".npy", "/"))]


@contextmanager
def _opened(stored: Stored) -> Iterator[tuple[_Header, Iterator[Array]]]:
    """The header of an array, and its blocks."""
    path, name = stored
    if name is None:
        with naming(path), open(path, "rb", opener=open_regular) as file:
            header = _read_header(file, path, None, None)
            yield header, _blocks(file, header, path, None)
        return
    with _reading(path) as archive, archive.open(f"{name}.npy") as member:
        header = _read_header(member, path, name, archive.getinfo(f"{name}.npy"))
        yield header, _blocks(member, header, path, name)


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
        _check_type(header.dtype, images.path, images.name)
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
        _check_type(header.dtype, path, None)
        yield header.shape, header.dtype, blocks


def _read_header(
    file: IO[bytes], path: str, name: str | None, entry: zipfile.ZipInfo | None
) -> _Header:
    """Read the header; raise unless the file has as many bytes as it promises."""
    what = f"{name}: " if name else ""
    try:
        version = np.lib.format.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"is of version {version}, which has fields")
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that Python 2 wrote it
            header = _Header(*read(file))
    except (OSError, *_DAMAGED):
        raise
    except Exception as error:  # ValueError, and what Python's tokenizer raises
        raise FormatError(f"{what}is no .npy array: {error}", file=path) from None
    if header.dtype.hasobject:
        raise FormatError(
            f"{what}holds Python objects, which are pickled; idxio never loads these, for they can"
            " run code. Save an array of numbers: np.save(file, array.astype('uint8'))",
            file=path,
        )
    if not header.dtype.itemsize:
        raise FormatError(f"{what}holds {header.dtype}, elements of no bytes", file=path)
    if any(n < 0 for n in header.shape) or (name and not header.shape):
        raise FormatError(f"{what}has the shape {header.shape}, expected records", file=path)
    promised = math.prod(header.shape) * header.dtype.itemsize
    if entry is None:
        available = os.fstat(file.fileno()).st_size - file.tell()
    else:
        available = entry.file_size - file.tell()
        if entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            available = min(available, _MOST_EXPANDED * entry.compress_size)
    if available != promised if entry is None else available < promised:
        kind = TruncatedError if available < promised else FormatError
        raise kind(
            f"{what}has {max(0, available):,} bytes of elements; its header {header.shape}"
            f" {header.dtype} promises {promised:,}",
            file=path,
        )
    return header


def _check_type(dtype: np.dtype[Any], path: str, name: str | None) -> None:
    if dtype.newbyteorder(">") not in CODES:
        what = f"{name}: " if name else ""
        fits = [
            target.name
            for target in CODES
            if np.can_cast(dtype, target) and (target.kind == "f") <= (dtype.kind == "f")
        ]
        remedy = f": np.save(file, array.astype({fits[0]!r}))" if fits else " that holds its values"
        raise FormatError(
            f"{what}holds {dtype}; IDX has {TYPE_NAMES}. Save it as one of these{remedy}",
            file=path,
        )


def _blocks(file: IO[bytes], header: _Header, path: str, name: str | None) -> Iterator[Array]:
    """Read the records in blocks, one at least; in Fortran order, or without axes, all in one."""
    what = f"{name}: " if name else ""
    shape = header.shape
    dtype = header.dtype
    count = shape[0] if shape else 1
    many = (
        max(1, count) if header.is_fortran or not shape else records_at_once(header.record_nbytes)
    )
    for start in range(0, max(1, count), many):
        records = min(many, count - start)
        memory = bytearray(records * header.record_nbytes)
        done = _read_full(file, memoryview(memory))
        if done < len(memory):
            raise TruncatedError(
                f"{what}ends inside record {start + done // header.record_nbytes:,} of {count:,}",
                file=path,
            )
        array = np.frombuffer(memory, dtype)
        if header.is_fortran:
            yield array.reshape(shape[::-1]).T
        else:
            yield array.reshape((records, *shape[1:]) if shape else ())
    if file.read(1):  # at the end, zipfile holds the checksum against the data
        raise FormatError(
            f"{what}has more bytes than its header {shape} {dtype} promises", file=path
        )


def _read_full(file: IO[bytes], out: memoryview) -> int:
    done = 0
    while done < len(out) and (n := file.readinto(out[done:])):  # type: ignore[attr-defined]
        done += n
    return done


@contextmanager
def _reading(path: str) -> Iterator[zipfile.ZipFile]:
    """Open an archive; turn the errors of zipfile into those of idxio."""
    try:
        with (
            naming(path),
            open(path, "rb", opener=open_regular) as file,
            zipfile.ZipFile(file) as archive,
        ):
            _check_count(file, archive)
            yield archive
    except IdxError:
        raise
    except (*_DAMAGED, *_LOST) as error:
        raise ChecksumError(f"is damaged: {error}", file=path) from error
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        # zipfile went to a place before the start of the file.
        raise ChecksumError("is damaged: it states places that it has not", file=path) from error
    except (NotImplementedError, RuntimeError) as error:  # a method that Python has not; a password
        raise FormatError(f"can't be unpacked: {error}", file=path) from error


def _check_count(file: IO[bytes], archive: zipfile.ZipFile) -> None:
    """Raise BadZipFile if an archive states another number of members than its table has: zipfile
    reads as much of a table as the end of the file says, and no more.

    https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.16
    """
    file.seek(0, os.SEEK_END)
    file.seek(-min(file.tell(), _MOST_END), os.SEEK_END)
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    (stated,) = struct.unpack_from("<H", tail, at + 10)
    found = len(archive.infolist())
    if stated not in (found, 0xFFFF):  # which says that another record has the number
        raise zipfile.BadZipFile(f"it states {stated:,} members, and its table has {found:,}")
