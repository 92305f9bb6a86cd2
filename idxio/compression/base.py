"""The interface of every compression: what it says of itself, how it is read and written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import IO, Any, ClassVar, NamedTuple, Protocol, TypeAlias

import numpy as np

from .._util.types import Bytes, Ids
from ..errors import IdxError
from ..storage.source import Source

# Bytes read at a time: large enough that a call costs nothing, small enough for the L2 cache.
READ_SIZE = 1 << 18
# Unpacked bytes between two places of a seek index: the time of one cold record against the size of
# the index. Measured: docs/gzip.md.
SPACING = 1 << 16

# Checks the block that a stream has just unpacked.
BlockCheck: TypeAlias = Callable[[], object]


def unchecked() -> None:
    """The check of a block whose bytes were checked while it was unpacked."""


class Stream:
    """Unpacked bytes, front to back.

    Every checksum that the file has is checked, at the latest at the end.
    """

    block: memoryview
    """What the last step unpacked. It stays as it is for two more steps."""
    _taken = 0  # of block, by readinto

    def unpack(self) -> BlockCheck | None:
        """Unpack the next block, which may be empty; None at the end.

        Returns a function that checks the block. Any thread may call it, in the order of the
        blocks, before the block is overwritten.
        """
        raise NotImplementedError

    def step(self) -> bool:
        """Unpack and check the next block; False at the end."""
        check = self.unpack()
        if check is None:
            return False
        check()
        return True

    def readinto(self, out: memoryview) -> int:
        """Fill out; returns the number of bytes, which is smaller than out only at the end."""
        done = 0
        while done < len(out):
            left = len(self.block) - self._taken
            if not left:
                if not self.step():
                    break
                self._taken = 0
                continue
            n = min(len(out) - done, left)
            # numpy copies without the GIL, which a thread that unpacks ahead wants meanwhile.
            np.copyto(
                np.frombuffer(out, np.uint8, n, done),
                np.frombuffer(self.block, np.uint8, n, self._taken),
            )
            self._taken += n
            done += n
        return done


def read_to_end(stream: Stream, out: memoryview) -> int:
    """Fill out and go on to the end; returns the unpacked length, which may be any other."""
    total = stream.readinto(out)
    if total < len(out):
        return total
    scratch = memoryview(bytearray(READ_SIZE))
    while n := stream.readinto(scratch):
        total += n
    return total


class Sink(Protocol):
    """Takes the unpacked bytes of a new file behind its header, and writes them packed."""

    def write(self, buffer: memoryview) -> None: ...

    def finish(self, header: bytes) -> None:
        """Write all that waits, with the header as it is by now, which is as long as at first."""
        ...

    def discard(self) -> None:
        """End without writing what waits; may follow on an error anywhere."""
        ...


class WriteOptions(NamedTuple):
    """What a writer knows of the file to come."""

    length: int | None
    """Of the whole file, unpacked; None if length and header are known at the end only."""
    level: int
    threads: int
    folder: str | None
    """Where temporary files belong; None if the target is a file object of the caller."""
    whole: bool
    """Nobody will want a part of the file, so that it needs no chunks."""


class Compression:
    """The unpacked bytes of a source.

    The class says what its files are and can do; all of the package asks it, by `registry`.
    """

    packing: ClassVar[str]
    """The public name, as in `Info.packing` and the argument `compression`."""
    magic: ClassVar[tuple[bytes, ...]] = ()
    """Each file starts with one of these, of up to six bytes; the first is the usual one."""
    suffixes: ClassVar[tuple[str, ...]] = ()
    """The endings of file names that promise this compression; the first is the usual one."""
    program: ClassVar[str] = ""
    """The command that unpacks such files."""
    module: ClassVar[str]
    """The module of Python whose `open` reads such files."""
    can_write: ClassVar[bool] = False
    """Whether `writer` works."""
    levels: ClassVar[range] = range(13)
    """The values of `level` that `writer` takes."""
    is_plain: ClassVar[bool] = False
    """Whether the stored bytes are the unpacked ones: `limit` is exact, `read_swapped` works."""
    supports_ranges: ClassVar[bool] = False
    """Whether `read_at` and `gather` work, if the source has a size."""
    index_magic: ClassVar[bytes] = b""
    """With what an index at `index_path` starts."""
    in_browsers: ClassVar[bool] = False
    """Whether the page of `idxio view` reads such files."""
    checked: ClassVar[str] = ""
    """What `idxio verify` adds to an OK where a sound file proves little."""

    def __init__(self, source: Source) -> None:
        self.source = source

    @property
    def name(self) -> str:
        """The name of the file, for messages."""
        return self.source.name

    def close(self) -> None:
        """Close the files that were opened beside the source."""

    def state(self) -> Any:
        """What a pickle of the file carries beside its source: what was learnt while reading it."""
        return None

    def restore(self, state: Any) -> None:
        """Take over what `state` gave for the same bytes."""

    def renew_locks(self) -> None:
        """Make new locks, and drop state that another thread may have been changing when the
        process forked.
        """

    @property
    def supports_view(self) -> bool:
        """Whether `view` works."""
        return False

    def limit(self) -> int | None:
        """The largest possible unpacked length, known without decoding; None where only decoding
        tells.
        """
        return None

    def span_length(self) -> int | None:
        """How many unpacked bytes a usual span has, of those that the file or its index states.

        None where none are stated, so that a part is read from the file's start or as it stands.
        """
        return None

    def chunk_length(self) -> int | None:
        """The unpacked bytes of each chunk of a table in the file, which may be false; None where
        there is none, or chunks of several lengths.
        """
        return None

    def stream(self) -> Stream:
        """A new stream from the first unpacked byte."""
        raise NotImplementedError

    def head(self, size: int, more: Callable[[bytes], int]) -> bytes:
        """The first `size` unpacked bytes, and as many more as `more` returns for them; fewer where
        the file ends.

        A compression of pipes unpacks no more than these (`_short_stream`).
        """
        stream = self._short_stream()
        out = bytearray(size)
        del out[stream.readinto(memoryview(out)) :]
        if len(out) == size:
            rest = bytearray(more(bytes(out)))
            out += rest[: stream.readinto(memoryview(rest))]
        return bytes(out)

    def _short_stream(self) -> Stream:
        """A stream for the first few bytes; one that reads no more than these is to override it."""
        return self.stream()

    def read_whole(self, out: memoryview, threads: int) -> int:
        """Fill out from the first unpacked byte on, and check every checksum to the end of the
        file.

        Returns the unpacked length of the file, which may be smaller or larger than out.
        """
        with self.source.expect_all():
            return read_to_end(self.stream(), out)

    def explore(self, stop: int | None) -> None:
        """Find out where the file can be entered, up to an unpacked byte or its end, so that no
        `read_at` goes through more of it than it wants.
        """

    def read_at(self, offset: int, out: memoryview, threads: int) -> None:
        """Fill out with the unpacked bytes from offset on, which the caller knows to be there."""
        raise NotImplementedError

    def read_block(self, offset: int, out: memoryview, threads: int) -> None:
        """Do what read_at() does, for one of many blocks that have all of the file together: of a
        chunk in which the next block begins, the end need not be checked.
        """
        self.read_at(offset, out, threads)

    def read_swapped(self, offset: int, out: memoryview, itemsize: int) -> None:
        """Do what read_at() does, and reverse the bytes of each item."""
        raise NotImplementedError

    def expect(self, ranges: Sequence[tuple[int, int]]) -> AbstractContextManager[None]:
        """Tell in a ``with`` block which ranges (start, stop) of the unpacked bytes `read_block`
        will be asked for in it, in their order; only of a remote source does it matter.
        """
        return nullcontext()

    def gather(self, base: int, size: int, ids: Ids, out: Bytes, threads: int) -> None:
        """Fill out with the records of ascending ids, each of size bytes, counted from base."""
        raise NotImplementedError

    def view(self) -> memoryview:
        """The whole unpacked file without a copy, read-only."""
        raise IdxError(
            f"can't be viewed without a copy: it is packed with {self.packing}; read it with"
            " idxio.read, or unpack it to a raw file first",
            file=self.name,
        )

    def stated_crc32(self, length: int) -> int | None:
        """The CRC-32 that the file states of its unpacked bytes, if it states this length too."""
        return None

    def carries_index(self) -> bool:
        """Whether the file itself states its spans, so that it needs no index beside it."""
        return False

    def index_path(self) -> str | None:
        """Where the seek index of the file lies; None where it can have none."""
        return None

    def build_index(
        self, length: int, spacing: int, progress: Callable[[int], None] | None
    ) -> tuple[bytes, int]:
        """The seek index of a file of about this unpacked length, and its true one.

        All of the file is read and checked; progress is called with the unpacked bytes so far.
        """
        raise IdxError(
            "needs no index or can have none: it is not a gzip file with a path", file=self.name
        )

    @classmethod
    def library(cls) -> str | None:
        """What `show_config` says of the library that unpacks such files, if it may be missing."""
        return None

    @classmethod
    def writer(cls, file: IO[bytes], header: bytes, options: WriteOptions) -> Sink:
        """A writer of a new file that starts with the header."""
        raise NotImplementedError
