"""An array as NumPy's .npy has it, in a file or in an .npz; pickles are never loaded."""

from __future__ import annotations

import math
import os
import warnings
import zipfile
from collections.abc import Callable, Iterator
from typing import IO, Any, NamedTuple

import numpy as np

from ..._util.types import Array
from ...core.array import IdxArray
from ...core.header import CODES, TYPE_NAMES
from ...errors import FormatError, TruncatedError
from ...storage.file_object import write_all
from .common import records_at_once
from .zip_archive import DAMAGED

# Deflate expands at most 1032:1 (zlib's technical details); a header that promises more lies.
_MOST_EXPANDED = 1032


class Header(NamedTuple):
    """What stands before the elements of an array."""

    shape: tuple[int, ...]
    is_fortran: bool
    dtype: np.dtype[Any]

    @property
    def record_nbytes(self) -> int:
        return math.prod(self.shape[1:]) * self.dtype.itemsize


def write(output: IO[bytes], file: IdxArray, step: Callable[[int], None]) -> None:
    """Write an IDX file as an array, block by block."""
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


def read_header(
    file: IO[bytes], path: str, name: str | None, entry: zipfile.ZipInfo | None
) -> Header:
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
            header = Header(*read(file))
    except (OSError, *DAMAGED):
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


def check_type(dtype: np.dtype[Any], path: str, name: str | None) -> None:
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


def blocks(file: IO[bytes], header: Header, path: str, name: str | None) -> Iterator[Array]:
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
