"""repack(): any IDX file to indexed gzip."""

from __future__ import annotations

import os
from collections.abc import Callable

from .._util.public import public
from .._util.sizes import record_nbytes, records_in
from ..storage.as_read import AsRead, states
from ..storage.source import File, StorageOptions, is_url
from ..storage.targets import Target, is_remote_target
from .array import open_in_order
from .write import Writer, write

PACKING = "gzip"
"""What is written."""

# Records that are read and written at once, in bytes.
_BLOCK = 1 << 20


@public
def repack(
    file: File,
    target: Target,
    *,
    level: int = 6,
    threads: int | None = None,
    storage_options: StorageOptions = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write an IDX file again as gzip with a table of its chunks, in constant memory.

    Parameters
    ----------
    file : path, bytes or binary file object
        Raw, gzip of any kind, zstd, xz or bz2.
    target : path, URL or binary file object
        Gzip, whatever its suffix. May be the same path: it is replaced at the end, if all went
        well.
    level, threads, storage_options
        As in `idxio.write`.
    progress : callable, optional
        Called with the unpacked bytes so far and their number.

    Raises
    ------
    ChangedError
        `target` is the same path, and another process changed it meanwhile; it is as that left it.
    OSError, IdxError
        As `idxio.verify`: the whole file is read and checked.
    ValueError
        A level that is none.

    Examples
    --------
    >>> import idxio, numpy as np
    >>> idxio.write("raw", np.array([[10, 20, 30], [40, 50, 60]], np.uint8))
    >>> idxio.repack("raw", "packed.gz")
    >>> idxio.info("packed.gz").packing, idxio.read("packed.gz").tolist()
    ('gzip', [[10, 20, 30], [40, 50, 60]])
    """
    if storage_options and not (is_url(file) or is_remote_target(target)):
        raise ValueError("storage_options are for URLs; neither file nor target is one")
    as_read = _as_read(file, target)
    options = storage_options if is_remote_target(target) else None
    with open_in_order(file, storage_options if is_url(file) else None) as f:
        if not f.shape:
            write(
                target,
                f[()],
                level=level,
                compression=PACKING,
                threads=threads,
                storage_options=options,
            )
            return
        with Writer(
            target,
            f.dtype,
            f.shape[1:],
            level=level,
            compression=PACKING,
            threads=threads,
            storage_options=options,
        ) as w:
            w._output.as_read = as_read
            record_size = record_nbytes(f.shape, f.dtype)
            for block in f.iter_records(records_in(_BLOCK, record_size)):
                w.append(block)
                if progress is not None:
                    progress(w.count * record_size, f.nbytes)


def _as_read(file: File, target: Target) -> AsRead:
    """What a file that is to be replaced is before it is read; empty where another is written."""
    if not isinstance(file, (str, os.PathLike)) or not isinstance(target, (str, os.PathLike)):
        return {}
    if is_remote_target(target):  # a store replaces whatever is there
        return {}
    path = os.fsdecode(file)
    return states([path]) if os.path.realpath(path) == os.path.realpath(os.fsdecode(target)) else {}
