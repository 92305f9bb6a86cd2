"""The output file of write() and Writer: a target, its compression, and big-endian elements."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from .._util.threads import check_threads
from .._util.types import Array
from ..compression.base import Compression, Sink, WriteOptions
from ..compression.registry import WRITABLE, named, of_suffix
from ..errors import naming
from ..storage.as_read import AsRead
from ..storage.atomic_file import AtomicFile
from ..storage.source import StorageOptions
from ..storage.targets import OpenFile, Target, commit_all, open_target

if TYPE_CHECKING:
    from ..storage.remote.upload import Upload

# Elements that are converted at once: their bytes stay in the L2 cache until they are written.
_BUFFER = 1 << 16
# Suffixes that promise another format: who reads the file by its name would not understand it.
_FOREIGN = (".zip", ".npy", ".npz", ".csv", ".parquet", ".png", ".jpg", ".jpeg")


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
        storage_options: StorageOptions = None,
    ) -> None:
        """length is that of the unpacked file; None if length and header are known at the end only.

        whole: the file is always read as a whole, so a short one needs no chunks.
        """
        kind = _kind(target, compression)
        level = operator.index(level)
        if level not in kind.levels:
            raise ValueError(f"level is {kind.levels[0]} to {kind.levels[-1]}, not {level}")
        threads = check_threads(threads)
        self.closed = False
        self._header = header
        self.target: AtomicFile | OpenFile | Upload = open_target(target, storage_options)
        self.as_read: AsRead = {}
        """What the files that it is made of were, for `commit_all`."""
        self.sink: Sink | None = None
        options = WriteOptions(length, level, threads, self.target.folder, whole)
        try:
            with naming(self.target.name):
                self.sink = kind.writer(self.target.file, header, options)
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
        except BaseException:
            self.discard()
            raise
        self.closed = True

    def commit(self) -> None:
        """Commit the target."""
        if not self.as_read:
            self.target.commit()
            return
        try:
            commit_all([self.target], self.as_read)
        finally:
            self.target.discard()

    def discard(self) -> None:
        """Discard the target, unless it is committed: the old file stays."""
        try:
            if not self.closed:
                self.closed = True
                if self.sink is not None:
                    with naming(self.target.name):
                        self.sink.discard()
        finally:
            self.target.discard()

    def __enter__(self) -> Output:
        return self

    def __exit__(self, kind: object, *exception: object) -> None:
        if kind is None:
            self.finish()
            self.commit()
        else:
            self.discard()


def _kind(file: Target, compression: str | None) -> type[Compression]:
    """The compression of a new file: the named one, else what the suffix promises."""
    if compression is not None:
        if compression not in WRITABLE:
            *words, last = map(repr, WRITABLE)
            raise ValueError(f"compression is {', '.join(words)} or {last}, not {compression!r}")
        return named(compression)
    name = os.fsdecode(os.fspath(file)) if isinstance(file, (str, os.PathLike)) else ""
    kind = of_suffix(name)
    if kind.can_write and not name.lower().endswith(_FOREIGN):
        return kind
    raise ValueError(
        f"{name}: idxio writes {_written()} files, not {os.path.splitext(name)[1]}; or name a"
        " compression="
    )


def _written() -> str:
    """The kinds of files that are written, as "raw and .gz"."""
    kinds = [(*named(packing).suffixes, packing)[0] for packing in WRITABLE]
    return f"{', '.join(kinds[:-1])} and {kinds[-1]}"


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
