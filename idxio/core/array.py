"""IdxArray: an opened IDX file as an array, whose records are read when they are indexed."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, NamedTuple, SupportsIndex, overload

import numpy as np

from .._util.public import public
from .._util.threads import check_threads
from .._util.types import A, Array, ArrayKey, Rows
from ..compression.registry import Compression, open_compressed
from ..storage.as_read import State
from ..storage.source import File, Source, StorageOptions, open_source
from . import decode, indexing
from .header import Header
from .unread import Unread


@public
class IdxArray(Unread):
    """An IDX file, opened. Indexing reads the records that it needs and returns new arrays.

    Everything that indexing, iteration and ``numpy.asarray`` return is a writable copy in the byte
    order of this machine. `array` is the exception: a read-only view of a raw file.

    One object may be shared by threads and used after a fork. Pickled, it is the path and identity
    of the file, and raises `ChangedError` if another file is there when it is unpickled; or the
    bytes that were given. With a path go, in at most 1 MiB, the places that were found while a gzip
    file without a table was read, so that the next process need not read it from its start. A file
    object can't be pickled: TypeError.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._compressed: Compression = open_compressed(source)
        self._header: Header = decode.read_header(self._compressed)
        self._decoded: Array | None = None
        self._lock = threading.Lock()
        _opened.add(self)

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis; axis 0 counts the records."""
        return self._header.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the elements that indexing returns, in the byte order of this machine."""
        return self._header.native

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return self._header.nbytes // self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """The number of bytes of all elements, unpacked."""
        return self._header.nbytes

    @property
    def packing(self) -> str:
        """How the file is packed: "raw", "gzip", "zstd", "xz" or "bz2"."""
        return self._compressed.packing

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """The shape of what is unpacked at once, as h5py and zarr have it; None if there is none.

        Axis 0 is the whole records that a usual chunk of the gzip file holds, of those in its table
        or index; the chunks themselves need not begin where a record does. None for all other
        files: a part of a raw one is read as it stands, and the others have no table.
        """
        span, record = self._compressed.span_length(), self._header.record_nbytes
        if not span or not record or not self.shape:
            return None
        return min(max(1, span // record), self.shape[0]), *self.shape[1:]

    @property
    def name(self) -> str:
        """The file as it was named when it was opened."""
        return self._source.name

    @property
    def has_view(self) -> bool:
        """Whether there is `array`: the file is raw, and a path or bytes."""
        return self._compressed.supports_view

    @property
    def array(self) -> Array:
        """A read-only view of a raw file, without a copy.

        Big-endian where an element has more than one byte.

        The view of a path is a memory map: a process that looks at a part which another process has
        cut off the file meanwhile is killed by the system. The view outlives `close`.

        Raises
        ------
        IdxError
            For a compressed file or a file object, which can't be viewed without a copy.
        """
        header = self._header
        data = np.frombuffer(self._compressed.view(), np.uint8)
        view = data[header.size :].view(header.dtype).reshape(header.shape)
        view.flags.writeable = False
        return view

    @overload
    def read(
        self,
        rows: Rows | SupportsIndex | None = None,
        *,
        out: None = None,
        threads: int | None = None,
    ) -> Array: ...
    @overload
    def read(
        self, rows: Rows | SupportsIndex | None = None, *, out: A, threads: int | None = None
    ) -> A: ...
    def read(
        self, rows: Any = None, *, out: Array | None = None, threads: int | None = None
    ) -> Array:
        """All records, or those that `rows` picks from axis 0, as a new array or in `out`.

        See `idxio.read`.
        """
        threads = check_threads(threads)
        if rows is not None:
            picked = indexing.take(
                (rows,), self.shape, self.dtype, partial(self._rows, threads=threads)
            )
        elif self._decoded is not None:
            picked = self._decoded if out is not None else self._decoded.copy()
        else:
            return decode.read_whole(self._compressed, self._header, out, threads)
        if out is None:
            return np.asarray(picked)
        decode.check_out(out, np.shape(picked), self.dtype)
        out[...] = picked
        return out

    # As numpy has it: what an int gives, an element or an array, depends on the shape.
    @overload
    def __getitem__(self, key: ArrayKey) -> Array: ...
    @overload
    def __getitem__(self, key: SupportsIndex | tuple[Any, ...]) -> Any: ...
    def __getitem__(self, key: Any) -> Any:
        return indexing.take(key, self.shape, self.dtype, self._rows)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a file with no dimensions")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("iteration over a file with no dimensions")
        for block in self.iter_records(decode.records_per_block(self._header)):
            yield from block

    def iter_records(self, n: int) -> Iterator[Array]:
        """Blocks of n records in order, as new arrays; the last may be shorter.

        The file is read and unpacked once, in constant memory, by a helper thread that is ahead of
        the loop. Every checksum is checked: what is wrong with the file is raised by the block
        where it shows, or after the last one.
        """
        if n < 1:
            raise ValueError(f"a block has at least 1 record, not {n}")
        if not self.shape:
            raise TypeError("iteration over a file with no dimensions")
        decoded = self._decoded
        if decoded is not None:
            return (decoded[k : k + n].copy() for k in range(0, len(decoded), n))
        return decode.iterate(self._compressed, self._header, n)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if copy is False:
            raise ValueError(
                f"{self.name}: an array in native byte order needs a copy; .array is a view"
            )
        whole = self.read()
        return whole if dtype is None else whole.astype(dtype, copy=False)

    def _rows(self, rows: indexing.Rows, threads: int | None = None) -> Array:
        """The records of an ascending range or index array, as a new array."""
        compressed = self._compressed
        # A pipe can't be read by position.
        if compressed.supports_ranges and self._source.size is not None:
            if not self.shape or (isinstance(rows, range) and rows == range(len(self))):
                return self.read(threads=threads)
            return decode.read_rows(compressed, self._header, rows, threads)
        with self._lock:
            if self._decoded is None:
                self._decoded = decode.read_whole(compressed, self._header, None, threads)
        decoded = self._decoded
        if not self.shape:
            return decoded.copy()
        if isinstance(rows, range):
            return decoded[rows.start : rows.stop : rows.step].copy()
        return decoded[rows]

    def close(self) -> None:
        """Close the file. A file object stays open, for whoever opened it."""
        self._compressed.close()
        self._source.close()

    def __enter__(self) -> IdxArray:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return (
            f"<idxio.IdxArray {self.name!r} shape={self.shape} dtype={self.dtype}"
            f" packing={self.packing}>"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (self._source, self._compressed.state())


def expecting(array: IdxArray, parts: Sequence[range]) -> AbstractContextManager[None]:
    """Tell in a ``with`` block which records will be read in it, part by part in this order.

    Of a file at a URL they are fetched ahead, in constant memory.
    """
    header = array._header
    size = header.record_nbytes
    return array._compressed.expect(
        [(header.size + part.start * size, header.size + part.stop * size) for part in parts]
    )


class Chunks(NamedTuple):
    """Parts of a compressed file that are unpacked alone, all of one length but the last."""

    length: int
    """Unpacked bytes of each."""
    before: int
    """Unpacked bytes of the file before the first record."""


def chunks_of(array: IdxArray) -> Chunks | None:
    """The chunks that the table in a file states, whether it is true or not; None without one."""
    length = array._compressed.chunk_length()
    return None if length is None else Chunks(length, array._header.size)


def explore(array: IdxArray, stop: int) -> None:
    """Find out where the file can be entered, up to a record or, behind the last one, its end."""
    header = array._header
    if array._compressed.supports_ranges and array._source.size is not None:
        is_end = stop >= len(array)
        array._compressed.explore(None if is_end else header.size + stop * header.record_nbytes)


def read_into(array: IdxArray, begin: int, out: Array) -> None:
    """Fill out, C-contiguous and of the type of the records, with those from begin on: one of the
    blocks of a loop over all of the file.
    """
    if array._compressed.supports_ranges and array._source.size is not None:
        memory = out.reshape(-1).view(np.uint8)
        decode.read_block(array._compressed, array._header, begin, memory)
    else:
        out[...] = array[begin : begin + len(out)]


def state_of(array: IdxArray) -> tuple[str, State] | None:
    """The path of an open file, and what the file was when it was opened; None for other bytes."""
    source = array._source
    if source.path is None or len(source.identity) < 3:
        return None
    size, written, inode = source.identity[:3]
    return source.path, (size, written, inode)


def _unpickled(source: Source, state: Any) -> IdxArray:
    array = IdxArray(source)
    array._compressed.restore(state)
    return array


@public
def open_array(
    file: File, *, cache: bool = False, storage_options: StorageOptions = None
) -> IdxArray:
    """Open an IDX file without reading its records.

    Parameters
    ----------
    file : path, URL, bytes or binary file object
        A file object is taken from where it stands and stays open. A pipe can be read once. URLs
        (``https:``, ``s3:``, ``gs:``, ``az:`` and what fsspec knows), UPath and fsspec's files are
        read by ranges; that needs ``idxio[remote]``.
    cache : bool
        Unpack a compressed file once, into the user's cache folder, and open that raw copy from
        then on (`idxio cache` on the command line lists and clears them).
    storage_options : mapping, optional
        What opens a URL: credentials, an endpoint. The words are fsspec's or obstore's.

    Returns
    -------
    IdxArray
        With shape, dtype and numpy's indexing.

    Raises
    ------
    OSError
        No such file, no permission, a directory.
    IdxError
        The file is not an IDX file, or is cut short.

    Examples
    --------
    >>> import idxio
    >>> with idxio.open(b"\\0\\0\\x08\\x01\\0\\0\\0\\x03abc") as f:
    ...     f.shape, f[1:]
    ((3,), array([98, 99], dtype=uint8))
    """
    if cache:
        from .disk_cache import open_copy

        source = open_copy(file, storage_options)
    else:
        source = open_source(file, storage_options=storage_options)
    try:
        return IdxArray(source)
    except BaseException:
        source.close()
        raise


def open_in_order(file: File, storage_options: StorageOptions = None) -> IdxArray:
    """Do what open_array() does, for records that are read once, front to back."""
    source = open_source(file, in_order=True, storage_options=storage_options)
    try:
        return IdxArray(source)
    except BaseException:
        source.close()
        raise


# The public name, for help() and tracebacks.
open_array.__name__ = open_array.__qualname__ = "open"


_opened: weakref.WeakSet[IdxArray] = weakref.WeakSet()


def _new_locks() -> None:
    """Renew all locks in a forked child: one that another thread held would never be released."""
    for array in _opened:
        array._lock = threading.Lock()
        array._compressed.renew_locks()


os.register_at_fork(after_in_child=_new_locks)
