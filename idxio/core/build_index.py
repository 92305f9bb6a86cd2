"""build_index(): write the seek index of a gzip file beside it."""

from __future__ import annotations

import os
from collections.abc import Callable

from .._util.public import public
from ..compression.base import SPACING
from ..errors import IdxError, TruncatedError, naming
from ..storage.regular import open_regular
from ..storage.source import File
from ..storage.targets import write_file
from . import decode


@public
def build_index(
    file: File,
    *,
    spacing: int = SPACING,
    progress: Callable[[int, int], None] | None = None,
) -> str:
    """Write the seek index of a gzip file beside it, so that any record is found at once.

    ``idxio.open`` uses it from then on, as long as the file stays what it is. Files that idxio,
    dictzip or bgzip wrote carry a table of their own: they need none, and can have none.

    Parameters
    ----------
    file : path
    spacing : int
        About how many unpacked bytes lie between two places where decoding can start.
    progress : callable, optional
        Called with the unpacked bytes so far and their number.

    Returns
    -------
    str
        The path of the index: that of the file and ".seek".

    Raises
    ------
    OSError, IdxError
        As `idxio.verify`: the whole file is read and checked. IdxError too for a file with a table
        of its own, and for anything but a gzip file with a path.

    Examples
    --------
    >>> import gzip, idxio, numpy as np, os
    >>> idxio.write("raw", np.array([[10, 20, 30], [40, 50, 60], [70, 80, 90]], np.uint8))
    >>> with open("raw", "rb") as raw, gzip.open("stock.gz", "wb") as packed:
    ...     size = packed.write(raw.read())
    >>> os.path.basename(idxio.build_index("stock.gz"))
    'stock.gz.seek'
    >>> with idxio.open("stock.gz") as f:
    ...     f[2].tolist()
    [70, 80, 90]
    """
    if spacing < 1 << 12:
        raise ValueError(f"spacing is {1 << 12} or more, not {spacing}")
    with decode.opened(file) as (compressed, header):
        path = compressed.index_path()
        if path is not None and os.path.lexists(path):
            # raises for a pipe, which write_file() would write into
            with naming(path), open(path, "rb", opener=open_regular) as old:
                start = old.read(len(compressed.index_magic))
            if not compressed.index_magic.startswith(start):
                raise IdxError(
                    "is there and is no index, and would be replaced by one; move it away",
                    file=path,
                )
        total = header.size + header.nbytes
        report = None if progress is None else lambda done: progress(done, total)
        try:
            data, found = compressed.build_index(total, spacing, report)
        except TruncatedError as error:
            raise decode.cut_short(compressed, header, error.found, error) from error
        decode.check_found(compressed, header, found)
        assert path is not None  # or build_index() has raised
        write_file(path, data)
        return path
