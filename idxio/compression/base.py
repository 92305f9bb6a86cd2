"""The interface of every compression: a stream of unpacked bytes, their first ones, or all of them
at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias

import numpy as np

from ..storage.source import Source

# Reads of the compressed file: large enough that a call costs nothing, small enough for the L2
# cache.
BLOCK = 1 << 18


Check: TypeAlias = Callable[[], object]


def unchecked() -> None:
    """The check of a block whose bytes were checked while it was unpacked."""


class Stream:
    """Unpacked bytes, front to back.

    Every checksum that the file has is checked, at the latest at the end.
    """

    block: memoryview
    """What the last step unpacked. It stays as it is for two more steps."""
    _taken = 0  # of block, by readinto

    def unpack(self) -> Check | None:
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


class Compression:
    """The unpacked bytes of a source."""

    packing: ClassVar[str]
    magic: ClassVar[bytes] = b""
    """The first bytes of every file of this compression."""
    walks = False
    """Whether the file is decoded from its start on because the span index that it states is false.
    """

    def __init__(self, source: Source) -> None:
        self.source = source

    @property
    def name(self) -> str:
        """The name of the file, for messages."""
        return self.source.name

    def close(self) -> None:
        """Close the files that were opened beside the source."""

    def state(self) -> Any:
        """What a pickle of the file carries beside its source."""
        return self.walks

    def restore(self, state: Any) -> None:
        """Take over what `state` gave for the same bytes."""
        self.walks = state

    def renew_locks(self) -> None:
        """Make new locks, and drop state that another thread may have been changing when the
        process forked.
        """

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

    def stream(self) -> Stream:
        """A new stream from the first unpacked byte."""
        raise NotImplementedError

    def head(self, size: int, more: Callable[[bytes], int]) -> bytes:
        """The first `size` unpacked bytes, and as many more as `more` returns for them; fewer where
        the file ends.

        Unpacks no more than these, so that a pipe can be read on behind them.
        """
        stream = self._short_stream()
        out = bytearray(size)
        del out[stream.readinto(memoryview(out)) :]
        if len(out) == size:
            rest = bytearray(more(bytes(out)))
            out += rest[: stream.readinto(memoryview(rest))]
        return bytes(out)

    def _short_stream(self) -> Stream:
        """A stream for the first few bytes, which reads no more of the source than it must."""
        return self.stream()

    def read_whole(self, out: memoryview, threads: int) -> int:
        """Fill out from the first unpacked byte on, and check every checksum to the end of the
        file.

        Returns the unpacked length of the file, which may be smaller or larger than out.
        """
        stream = self.stream()
        total = stream.readinto(out)
        if total < len(out):
            return total
        scratch = memoryview(bytearray(BLOCK))
        while n := stream.readinto(scratch):
            total += n
        return total
