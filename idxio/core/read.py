"""read(): a file to an array in one call."""

from __future__ import annotations

from typing import Any, Literal, SupportsIndex, overload

import numpy as np

from .._util.public import public
from .._util.types import A, Array, Rows
from ..storage.source import File, StorageOptions
from .array import open_array, open_in_order


@overload
def read(
    file: File,
    rows: Rows | SupportsIndex | None = None,
    *,
    out: None = None,
    mmap: bool = False,
    threads: int | None = None,
    cache: bool = False,
    storage_options: StorageOptions = None,
) -> Array: ...
@overload
def read(
    file: File,
    rows: Rows | SupportsIndex | None = None,
    *,
    out: A,
    mmap: Literal[False] = False,
    threads: int | None = None,
    cache: bool = False,
    storage_options: StorageOptions = None,
) -> A: ...
@public
def read(
    file: File,
    rows: Any = None,
    *,
    out: Array | None = None,
    mmap: bool = False,
    threads: int | None = None,
    cache: bool = False,
    storage_options: StorageOptions = None,
) -> Array:
    """Read an IDX file into an array.

    Raw, gzip, zstd, xz and bz2 files are told apart by their content; the name does not matter.

    Parameters
    ----------
    file : path, URL, bytes or binary file object
        A file object is read from where it stands to its end. A pipe will do. A URL is read as
        `open` does.
    rows : slice, sequence of int or boolean mask, optional
        The records to read, as numpy would pick them from axis 0. All of them if not given.
    out : ndarray, optional
        A writable array of the shape and dtype of the result, to fill and return. Of a compressed
        file it gets a copy, which takes memory for both.
    mmap : bool
        Return a read-only view of a raw file instead, without a copy: big-endian where an element
        has more than one byte. Compressed files can't be viewed, but for `cache`.
    threads : int, optional
        How many threads may work; as many as the process has processors if not given. The result is
        the same.
    cache : bool
        Unpack a compressed file once, into the user's cache folder, and read that copy from then
        on; with `mmap`, as a view.
    storage_options : mapping, optional
        What opens a URL: credentials, an endpoint. The words are fsspec's or obstore's.

    Returns
    -------
    ndarray
        Writable, in the byte order of this machine, a copy (unless `mmap`). uint8, int8, int16,
        int32, float32 or float64; axis 0 counts the records.

    Raises
    ------
    OSError
        No such file, no permission, a directory.
    IndexError, ValueError, TypeError
        No such rows; an `out` of another shape or type, or one that is no array.
    FormatError, TruncatedError, ChecksumError
        Kinds of `IdxError`, which is a `ValueError`: the message says what is wrong with the file,
        and where.

    Examples
    --------
    >>> import idxio
    >>> idxio.read(bytes.fromhex("00000b02 00000002 00000002 0001 0002 0003 ffff"))
    array([[ 1,  2],
           [ 3, -1]], dtype=int16)
    """
    is_whole = rows is None and not mmap and not cache
    with (
        open_in_order(file, storage_options)
        if is_whole
        else open_array(file, cache=cache, storage_options=storage_options)
    ) as f:
        if not mmap:
            return f.read(rows, out=out, threads=threads)
        if out is not None:
            raise ValueError("mmap=True gives a view and out= a copy; choose one")
        view = f.array
        return view if rows is None else np.asarray(view[(rows,)])
