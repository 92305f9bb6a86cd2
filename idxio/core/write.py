"""write() and Writer: arrays to IDX files."""

from __future__ import annotations

import operator
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .._util.masks import unmasked
from .._util.public import public
from .._util.types import Array
from ..errors import FormatError
from ..storage.source import StorageOptions
from ..storage.targets import Target
from .header import CODES, TYPE_NAMES, format_header
from .output_file import Output, big_endian

if TYPE_CHECKING:
    import numpy.typing as npt


@public
def write(
    file: Target,
    array: npt.ArrayLike,
    *,
    level: int = 6,
    compression: str | None = None,
    threads: int | None = None,
    storage_options: StorageOptions = None,
) -> None:
    """Write an array as an IDX file.

    A path is replaced only when the new file is whole and on disk, at one moment: whatever is
    raised, and whenever the process is killed, the old file or the new one is there. What a killed
    process left beside it, under a hidden name, the next one that writes to the path removes. The
    bytes of the file depend on the array, the level and the compression alone.

    Parameters
    ----------
    file : path, URL or binary file object
        A URL of a store that is written to: s3://, gs://, az://, or another one of fsspec. The file
        is made on this machine, in the folder for temporary files, and then uploaded; the object
        is replaced when all of it has arrived. Needs `idxio[remote]`.
    array : array_like
        uint8, int8, int16, int32, float32 or float64, in any memory order and byte order, of any
        shape.
    level : int
        How hard gzip tries: 0 stores, 1 is fastest, 6 the usual, 9 small, 10 to 12 smaller still
        and slow. zstd takes 1 to 19.
    compression : {"gzip", "zstd", "raw"}, optional
        If not given, gzip for a path that ends in .gz, zstd for .zst, and raw for everything else
        but suffixes of other formats (.xz, .zip, .npy, .csv, .png, …). zstd needs `idxio[zstd]`
        before Python 3.14, works on one thread, and what a `Writer` is given waits in a temporary
        file until it is closed.
    threads : int, optional
        How many threads may work. The bytes are the same.
    storage_options : dict, optional
        For a URL: what the store needs, in the words of fsspec or obstore, such as `key` and
        `secret`, or `endpoint_url`. Without it, what the environment says.

    Raises
    ------
    FormatError
        IDX has no such type, or no 32 bits for the shape.
    ValueError
        A level, a compression or a suffix that is none of these; elements of a masked array that
        are masked.
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
    if isinstance(array, (str, os.PathLike)):
        raise TypeError(f"{array!r} is no array; the file comes first: idxio.write(file, array)")
    if hasattr(array, "images") and hasattr(array, "labels"):
        raise TypeError(
            "a Dataset is two arrays: write its images and its labels, or both sorted with"
            " idxio.write_sorted"
        )
    array = unmasked(array)
    check_dtype(array.dtype, array)
    header = format_header(array.dtype, array.shape)
    length = len(header) + array.nbytes
    with Output(
        file, header, length, level, compression, threads, storage_options=storage_options
    ) as output:
        for piece in big_endian(array):
            output.write(piece)


@public
class Writer:
    """Writes an IDX file batch by batch; the number of records is put in when it is closed.

    Use it in a ``with`` block: an exception inside leaves the old file as it was. One thread at a
    time.

    Parameters
    ----------
    file : path, URL or binary file object
        A pipe or socket gets everything at the end.
    dtype : dtype
        uint8, int8, int16, int32, float32 or float64.
    record_shape : tuple of int
        The shape of one record: (28, 28) for MNIST images, () for labels.
    level, compression, threads, storage_options
        As in `write`.

    Raises
    ------
    FormatError
        IDX has no such type, or no 32 bits for the records.
    ValueError
        Records of another shape or type, from `append`; also as `write`, and from `close` where an
        append failed.
    OSError
        As `write`.

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
        dtype: npt.DTypeLike,
        record_shape: tuple[int, ...] | list[int],
        *,
        level: int = 6,
        compression: str | None = None,
        threads: int | None = None,
        storage_options: StorageOptions = None,
    ) -> None:
        if not isinstance(record_shape, (tuple, list)):
            raise TypeError(
                "record_shape is a tuple of integers, behind the dtype: (28, 28) for images, () for"
                f" labels, not {record_shape!r:.40}"
            )
        self.dtype = np.dtype(dtype)
        self.record_shape = tuple(map(operator.index, record_shape))
        self.count = 0
        """The number of records so far."""
        check_dtype(self.dtype, None)
        self._failed = False
        header = self._header()
        self._output = Output(
            file, header, None, level, compression, threads, storage_options=storage_options
        )

    def append(self, records: npt.ArrayLike) -> None:
        """Write records, an array of shape ``(n, *record_shape)`` and the writer's dtype in any
        byte order.
        """
        if self._output.closed:
            raise ValueError("the writer is closed")
        array = unmasked(records)
        if array.shape[1:] != self.record_shape or not array.ndim:
            expected = ", ".join(("n", *map(str, self.record_shape)))
            raise ValueError(f"records have the shape {array.shape}; this file takes ({expected})")
        if array.dtype.newbyteorder("=") != self.dtype.newbyteorder("="):
            raise ValueError(f"records are {array.dtype}; this file takes {self.dtype}")
        # raises if they are too many
        format_header(self.dtype, (self.count + len(array), *self.record_shape))
        try:
            for piece in big_endian(array):
                self._output.write(piece)
        except BaseException:
            self.discard()  # some of these records may be written, so no append can follow
            self._failed = True
            raise
        self.count += len(array)

    def close(self) -> None:
        """Put in the number of records, flush, and replace the old file.

        Raises ValueError where an append failed: nothing was written, and the old file stays.
        """
        if self._failed:
            raise ValueError(
                f"{self._output.target.name}: nothing was written, because an append failed"
            )
        if not self._output.closed:
            self._output.finish(self._header())
            self._output.commit()

    def discard(self) -> None:
        """Give up: the old file stays."""
        self._output.discard()

    def _header(self) -> bytes:
        return format_header(self.dtype, (self.count, *self.record_shape))

    def __repr__(self) -> str:
        shape = " x ".join(map(str, (self.count, *self.record_shape)))
        closed = ", closed" if self._output.closed else ""
        return f"<idxio.Writer {self._output.target.name!r} {shape} {self.dtype}{closed}>"

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: object, *exception: object) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()


def check_dtype(
    dtype: np.dtype[Any], array: Array | None, what: str = "", *, whole: bool = False
) -> None:
    """Raise unless IDX has this type; the error names a lossless cast if the values allow one.

    whole: they are whole numbers, as labels are, and no floats.
    """
    if dtype.newbyteorder(">") in CODES:
        return
    hint = ""
    if array is not None:
        for target in (d.newbyteorder("=") for d in CODES if not (whole and d.kind == "f")):
            if _is_lossless(array, target):
                hint = f". The values fit into {target.name}: write array.astype({target.name!r})"
                break
        else:
            hint = ". The values fit into none of them without loss"
            if whole:
                hint = (
                    ". The values fit into no integers of these; number the classes from 0, as"
                    " np.unique(labels, return_inverse=True)[1].astype('int32') does"
                )
    raise FormatError(f"IDX has no type for {what}{dtype}; it has {TYPE_NAMES}{hint}")


def _is_lossless(array: Array, target: np.dtype[Any]) -> bool:
    if array.dtype.kind not in "biuf":
        return False
    # numpy also calls the cast of 64-bit integers to float64 safe, which rounds them.
    is_rounded = array.dtype.kind in "iu" and target.kind == "f"
    if array.size == 0 or (np.can_cast(array.dtype, target) and not is_rounded):
        return True
    # Python numbers, which compare exactly.
    least = array.min().item()
    most = array.max().item()
    if target.kind in "iu":
        limits = np.iinfo(target)
        # NaN fails every comparison.
        if not (limits.min <= least and most <= limits.max):
            return False
    with np.errstate(all="ignore"):
        cast = array.astype(target)
        # A number out of range may be cast back to any number, even to the right one.
        if is_rounded and cast.max().item() != most:
            return False
        return bool(
            np.array_equal(cast.astype(array.dtype), array, equal_nan=array.dtype.kind == "f")
        )
