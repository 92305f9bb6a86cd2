"""write() and Writer: arrays to IDX files."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import IO, Any

import numpy as np

from .containers.sinks import GzipSink, RawSink, can_be_patched, copy_spool, new_spool
from .errors import FormatError
from .header import CODES, TYPE_NAMES, format_header
from .parallel import check_threads
from .target import Given, Replacement, Target, open_target

Array = np.ndarray[Any, np.dtype[Any]]

# Elements converted at a time: their bytes stay in the L2 cache until they are written.
_BUFFER = 1 << 16


def write(
    file: Target,
    array: Any,
    *,
    level: int = 6,
    compression: str | None = None,
    threads: int | None = None,
) -> None:
    """Write an array as an IDX file.

    A path is replaced only when the new file is whole and on disk. The bytes of the file depend on the array, the
    level and the compression alone.

    Parameters
    ----------
    file : path or binary file object
    array : array_like
        uint8, int8, int16, int32, float32 or float64, in any memory order and byte order, of any shape.
    level : int
        How hard gzip tries: 0 stores, 1 is fastest, 6 the usual, 9 small, 10 to 12 smaller still and slow.
    compression : {"gzip", "raw"}, optional
        gzip for a path that ends in .gz and raw for everything else, if not given.
    threads : int, optional
        How many threads may work. The bytes are the same.

    Raises
    ------
    FormatError
        IDX has no such type, or no 32 bits for the shape.
    OSError
        The file can't be written. An old file is still there.

    Examples
    --------
    >>> import io, idxio, numpy as np
    >>> file = io.BytesIO()
    >>> idxio.write(file, np.array([7, 8], np.uint8))
    >>> file.getvalue()
    b'\\x00\\x00\\x08\\x01\\x00\\x00\\x00\\x02\\x07\\x08'
    """
    array = np.asarray(array)
    _check_dtype(array.dtype, array)
    header = format_header(array.dtype, array.shape)
    with _Output(file, header, len(header) + array.nbytes, level, compression, threads) as output:
        for piece in _big_endian(array):
            output.write(piece)


class Writer:
    """Writes an IDX file batch by batch; the number of records is put in when it is closed.

    Use it in a ``with`` block: an exception inside leaves the old file as it was. One thread at a time.

    Parameters
    ----------
    file : path or binary file object
        A pipe or socket gets everything at the end.
    dtype : dtype
        uint8, int8, int16, int32, float32 or float64.
    record_shape : tuple of int
        The shape of one record: (28, 28) for MNIST images, () for labels.
    level, compression, threads
        As in `write`.

    Examples
    --------
    >>> import io, idxio, numpy as np
    >>> file = io.BytesIO()
    >>> with idxio.Writer(file, "uint8", (2,)) as w:
    ...     w.append(np.array([[1, 2], [3, 4]], np.uint8))
    ...     w.append(np.array([[5, 6]], np.uint8))
    >>> idxio.read(file.getvalue()).tolist()
    [[1, 2], [3, 4], [5, 6]]
    """

    def __init__(
        self,
        file: Target,
        dtype: Any,
        record_shape: tuple[int, ...] | list[int],
        *,
        level: int = 6,
        compression: str | None = None,
        threads: int | None = None,
    ) -> None:
        self.dtype = np.dtype(dtype)
        self.record_shape = tuple(map(operator.index, record_shape))
        self.count = 0
        """The number of records so far."""
        _check_dtype(self.dtype, None)
        self._output = _Output(file, self._header(), None, level, compression, threads)

    def append(self, records: Any) -> None:
        """Write records, an array of shape (n, *record_shape) and the writer's dtype in any byte order."""
        if self._output.closed:
            raise ValueError("the writer is closed")
        array = np.asarray(records)
        if array.shape[1:] != self.record_shape or not array.ndim:
            expected = ", ".join(("n", *map(str, self.record_shape)))
            raise ValueError(f"records have the shape {array.shape}; this file takes ({expected})")
        if array.dtype.newbyteorder("=") != self.dtype.newbyteorder("="):
            raise ValueError(f"records are {array.dtype}; this file takes {self.dtype}")
        format_header(self.dtype, (self.count + len(array), *self.record_shape))  # raises if they are too many
        try:
            for piece in _big_endian(array):
                self._output.write(piece)
        except BaseException:
            self.discard()  # a part of these records may be written: there is no going on
            raise
        self.count += len(array)

    def close(self) -> None:
        """Put in the number of records, flush, and replace the old file."""
        if not self._output.closed:
            self._output.commit(self._header())

    def discard(self) -> None:
        """Give up: the old file stays."""
        self._output.discard()

    def _header(self) -> bytes:
        return format_header(self.dtype, (self.count, *self.record_shape))

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: object, *exception: object) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()


class _Output:
    """A target and the sink that packs into it."""

    def __init__(
        self,
        target: Target,
        header: bytes,
        length: int | None,
        level: int,
        compression: str | None,
        threads: int | None,
    ) -> None:
        """length is that of the unpacked file; None if the header is not the last word either."""
        packing = _packing(target, compression)
        if not 0 <= level <= 12:
            raise ValueError(f"level is 0 to 12, not {level}")
        threads = check_threads(threads)
        self.closed = False
        self._header = header
        self._target: Replacement | Given = open_target(target)
        # A raw header that is known at the end only is patched in.
        self._spool: IO[bytes] | None = None
        self.sink: RawSink | GzipSink | None = None
        file = self._target.file
        try:
            if packing == "gzip":
                self.sink = GzipSink(file, header, level, threads, length, self._target.folder)
            else:
                if length is None and not can_be_patched(file):
                    self._spool = new_spool(self._target.folder)
                to_disk = self._spool is None and self._target.folder is not None
                self.sink = RawSink(self._spool or file, header, to_disk=to_disk)
        except BaseException:
            self.discard()
            raise

    def write(self, piece: memoryview) -> None:
        assert self.sink is not None
        self.sink.write(piece)

    def commit(self, header: bytes) -> None:
        assert self.sink is not None
        try:
            self.sink.finish(header)
            if self._spool is not None:
                copy_spool(self._spool, self._target.file)
        except BaseException:
            self.discard()
            raise
        self._close()
        self._target.commit()

    def discard(self) -> None:
        if not self.closed:
            self._close()
            if self.sink is not None:
                self.sink.discard()
            self._target.discard()

    def _close(self) -> None:
        self.closed = True
        if self._spool is not None:
            self._spool.close()

    def __enter__(self) -> _Output:
        return self

    def __exit__(self, kind: object, *exception: object) -> None:
        if kind is None:
            self.commit(self._header)
        else:
            self.discard()


def _packing(file: Target, compression: str | None) -> str:
    if compression is None:
        name = str(getattr(file, "name", "")) if hasattr(file, "write") else str(file)
        for suffix in (".xz", ".bz2", ".zip", ".zst"):
            if name.endswith(suffix) and not hasattr(file, "write"):
                raise ValueError(f"{name}: idxio writes raw and .gz files, not {suffix}; or name a compression=")
        return "gzip" if name.endswith(".gz") and not hasattr(file, "write") else "raw"
    if compression not in ("gzip", "raw"):
        raise ValueError(f"compression is 'gzip' or 'raw', not {compression!r}")
    return compression


def _big_endian(array: Array) -> Iterator[memoryview]:
    """The elements in C order as big-endian bytes, in pieces."""
    stored = array.dtype.newbyteorder(">")
    if array.size == 0:
        return
    if array.flags.c_contiguous and array.dtype == stored:
        yield memoryview(array.reshape(-1).view(np.uint8))
        return
    pieces = np.nditer(
        [array],
        flags=["external_loop", "buffered", "zerosize_ok"],
        op_flags=[["readonly"]],
        op_dtypes=[stored],
        order="C",
        casting="equiv",
        buffersize=_BUFFER,
    )
    for piece in pieces:
        yield memoryview(np.ascontiguousarray(piece).view(np.uint8))


def _check_dtype(dtype: np.dtype[Any], array: Array | None) -> None:
    """Raise unless IDX has this type; name the cast that loses nothing, if the values allow one."""
    if dtype.newbyteorder(">") in CODES:
        return
    hint = ""
    if array is not None:
        for target in (d.newbyteorder("=") for d in CODES):
            if _is_lossless(array, target):
                hint = f". The values fit into {target.name}: write array.astype({target.name!r})"
                break
        else:
            hint = ". The values fit into none of them without loss"
    raise FormatError(f"IDX has no type for {dtype}; it has {TYPE_NAMES}{hint}")


def _is_lossless(array: Array, target: np.dtype[Any]) -> bool:
    if array.dtype.kind not in "biuf":
        return False
    # numpy calls 64-bit integers to float64 safe as well, which it is not.
    is_rounded = array.dtype.kind in "iu" and target.kind == "f"
    if array.size == 0 or (np.can_cast(array.dtype, target) and not is_rounded):
        return True
    # Python numbers, which compare exactly.
    least, most = array.min().item(), array.max().item()
    if target.kind in "iu":
        limits = np.iinfo(target)
        # NaN fails every comparison.
        if not (limits.min <= least and most <= limits.max):
            return False
    with np.errstate(all="ignore"):
        cast = array.astype(target)
        # Cast back, a number too large may come out as any other, even as the right one.
        if is_rounded and cast.max().item() != most:
            return False
        return bool(np.array_equal(cast.astype(array.dtype), array, equal_nan=array.dtype.kind == "f"))
