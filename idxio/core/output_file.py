"""The output file of write() and Writer: a target, its compression, and big-endian elements."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterator
from typing import IO

import numpy as np

from .._util.threads import check_threads
from .._util.types import Array
from ..compression.gzip.writer import MOST_WHOLE, GzipWriter, WholeWriter
from ..compression.raw import RawWriter
from ..compression.spool import can_be_patched, copy_spool, drop_spool, new_spool
from ..errors import naming
from ..storage.atomic_file import AtomicFile
from ..storage.targets import OpenFile, Target, open_target

# Elements that are converted at once: their bytes stay in the L2 cache until they are written.
_BUFFER = 1 << 16


class Output:
    """A target and the sink that compresses into it."""

    def __init__(
        self,
        target: Target,
        header: bytes,
        length: int | None,
        level: int,
        compression: str | None,
        threads: int | None,
        *,
        whole: bool = False,
    ) -> None:
        """length is that of the unpacked file; None if length and header are known at the end only.

        whole: the file is always read as a whole, so a short gzip file is one deflate stream
        without chunks.
        """
        packing = _packing(target, compression)
        level = operator.index(level)
        if not 0 <= level <= 12:
            raise ValueError(f"level is 0 to 12, not {level}")
        threads = check_threads(threads)
        self.closed = False
        self._header = header
        self.target: AtomicFile | OpenFile = open_target(target)
        # Holds a raw file whose header is known at the end only, if the target can't be patched.
        self._spool: IO[bytes] | None = None
        self.sink: RawWriter | GzipWriter | WholeWriter | None = None
        file = self.target.file
        try:
            with naming(self.target.name):
                if packing == "gzip" and whole and length is not None and length <= MOST_WHOLE:
                    self.sink = WholeWriter(file, header, level)
                elif packing == "gzip":
                    self.sink = GzipWriter(file, header, level, threads, length, self.target.folder)
                else:
                    if length is None and not can_be_patched(file):
                        self._spool = new_spool(self.target.folder)
                    to_disk = self._spool is None and self.target.folder is not None
                    self.sink = RawWriter(self._spool or file, header, to_disk=to_disk)
        except BaseException:
            self.discard()
            raise

    def write(self, piece: memoryview) -> None:
        assert self.sink is not None
        with naming(self.target.name):
            self.sink.write(piece)

    def finish(self, header: bytes | None = None) -> None:
        """Write pending data, and the header if it has changed; no write may follow."""
        assert self.sink is not None
        try:
            with naming(self.target.name):
                self.sink.finish(self._header if header is None else header)
                if self._spool is not None:
                    copy_spool(self._spool, self.target.file)
        except BaseException:
            self.discard()
            raise
        self._close()

    def commit(self) -> None:
        """Commit the target."""
        self.target.commit()

    def discard(self) -> None:
        """Discard the target, unless it is committed: the old file stays."""
        try:
            if not self.closed:
                self._close()
                if self.sink is not None:
                    with naming(self.target.name):
                        self.sink.discard()
        finally:
            self.target.discard()

    def _close(self) -> None:
        self.closed = True
        if self._spool is not None:
            drop_spool(self._spool)

    def __enter__(self) -> Output:
        return self

    def __exit__(self, kind: object, *exception: object) -> None:
        if kind is None:
            self.finish()
            self.commit()
        else:
            self.discard()


def _packing(file: Target, compression: str | None) -> str:
    if compression is None:
        if not isinstance(file, (str, os.PathLike)):
            return "raw"
        name = os.fsdecode(os.fspath(file))
        for suffix in (".xz", ".bz2", ".zip", ".zst"):
            if name.endswith(suffix):
                raise ValueError(
                    f"{name}: idxio writes raw and .gz files, not {suffix}; or name a compression="
                )
        return "gzip" if name.endswith(".gz") else "raw"
    if compression not in ("gzip", "raw"):
        raise ValueError(f"compression is 'gzip' or 'raw', not {compression!r}")
    return compression


def big_endian(array: Array) -> Iterator[memoryview]:
    """Yield the elements in C order as big-endian bytes, in blocks."""
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
