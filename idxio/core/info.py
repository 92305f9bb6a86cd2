"""info() and verify(): the properties that a file states, and a check of the whole file."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .._util.public import public
from ..compression.registry import Compression
from ..errors import IdxError
from ..storage.regular import FoundPath
from ..storage.source import File, StorageOptions
from . import decode
from .checksums import known_file
from .header import Header


@public
class Info(NamedTuple):
    """What is known of an IDX file."""

    file: str
    """The file as it was named."""
    shape: tuple[int, ...]
    """The length of each axis; axis 0 counts the records."""
    dtype: np.dtype[Any]
    """The type of the elements, in the byte order of this machine."""
    packing: str
    """"raw", "gzip", "zstd", "xz" or "bz2"."""
    packed_size: int | None
    """The bytes of the file as it is stored; None for a pipe."""
    size: int
    """The bytes of the file when it is unpacked: header and elements."""
    crc32: int | None
    """The CRC-32 of the unpacked file; None where nothing states it and nothing was read."""
    known: str | None
    """The published file that has this CRC-32."""


@public
def info(file: File, *, storage_options: StorageOptions = None) -> Info:
    """What an IDX file says of itself: shape, dtype, packing, sizes, CRC-32.

    Only its header is unpacked.

    The CRC-32 is the one that a gzip file of one member states in its last bytes; it is not checked
    here (`verify` does), and None for other files.

    Parameters
    ----------
    file : path, URL, bytes or binary file object
        A file object is taken from where it stands and stays open. A URL is read as `open` does.

    Returns
    -------
    Info
        A named tuple.

    Raises
    ------
    OSError, IdxError
        As `idxio.open`.

    Examples
    --------
    >>> import idxio
    >>> about = idxio.info(b"\\0\\0\\x08\\x01\\0\\0\\0\\x03abc")
    >>> about.shape, about.packing, about.size
    ((3,), 'raw', 11)
    """
    with decode.opened(file, storage_options) as (compressed, header):
        return _info(compressed, header, compressed.stated_crc32(header.size + header.nbytes))


@public
def verify(
    file: File,
    *,
    progress: Callable[[int, int], None] | None = None,
    storage_options: StorageOptions = None,
) -> Info:
    """Read a whole IDX file, check its size and every checksum, and return what `info` does, with
    its CRC-32.

    Parameters
    ----------
    file : path, bytes or binary file object
    progress : callable, optional
        Called with the unpacked bytes so far and their number.

    Returns
    -------
    Info
        `crc32` is computed from the data.

    Raises
    ------
    OSError, IdxError
        IdxError says what is wrong with the file, and where.

    Examples
    --------
    >>> import idxio
    >>> f"{idxio.verify(bytes.fromhex('00000801 00000003 616263')).crc32:08x}"
    'c4252454'
    """
    with decode.opened(file, storage_options) as (compressed, header):
        return _info(compressed, header, decode.check_whole(compressed, header, progress))


def is_idx(path: str) -> bool:
    """Whether a path is that of an IDX file, packed or not."""
    try:
        return os.path.isfile(path) and bool(info(FoundPath(path)))
    except (IdxError, OSError):
        return False


def _info(compressed: Compression, header: Header, crc: int | None) -> Info:
    size = header.size + header.nbytes
    return Info(
        compressed.name,
        header.shape,
        header.native,
        compressed.packing,
        compressed.source.size,
        size,
        crc,
        known_file(crc, size),
    )
