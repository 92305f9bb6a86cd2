"""The one interface of every container: a stream of unpacked bytes, and ways to have them at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeAlias

import numpy as np

from ..storage.source import Source

# Reads of the compressed file: large enough that a call costs nothing, small enough for the L2 cache.
BLOCK = 1 << 18


Check: TypeAlias = Callable[[], object]


def unchecked() -> None:
    """Nothing is left to check of a block."""


class Stream:
    """Unpacked bytes, front to back. Checksums are checked where there are some, at the latest at the end."""

    block: memoryview
    """What the last step unpacked. It stays as it is for two more steps."""
    _taken = 0  # of block, by readinto

    def unpack(self) -> Check | None:
        """Unpack the next block, which may be empty; None at the end.

        What is returned checks it: to be called block by block, while the block stays, by any thread.
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
        """Fill out; fewer bytes only at the end. The number of bytes."""
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
            np.copyto(np.frombuffer(out, np.uint8, n, done), np.frombuffer(self.block, np.uint8, n, self._taken))
            self._taken += n
            done += n
        return done


class Compression:
    """The unpacked bytes of a source."""

    packing: ClassVar[str]
    magic: ClassVar[bytes] = b""
    """The first bytes of a file that is packed so."""
    walks = False
    """Whether the file is decoded from its front on, because a table that it or its index carries does not hold."""

    def __init__(self, source: Source) -> None:
        self.source = source

    @property
    def name(self) -> str:
        """The name of the file, for messages."""
        return self.source.name

    def close(self) -> None:
        """Close what was opened beside the source."""

    def renew_locks(self) -> None:
        """Drop what a thread may have held when the process was forked."""

    def limit(self) -> int | None:
        """The most bytes that can be inside, told without decoding; None where nothing tells."""
        return None

    def stream(self) -> Stream:
        """A new stream from the first unpacked byte."""
        raise NotImplementedError

    def head(self, size: int, more: Callable[[bytes], int]) -> bytes:
        """The first unpacked bytes: size of them, and as many more as these say; or all that there are.

        No more is unpacked: a pipe has to be read on from where this leaves it.
        """
        stream = self._short_stream()
        out = bytearray(size)
        del out[stream.readinto(memoryview(out)) :]
        if len(out) == size:
            rest = bytearray(more(bytes(out)))
            out += rest[: stream.readinto(memoryview(rest))]
        return bytes(out)

    def _short_stream(self) -> Stream:
        """A stream for a few bytes."""
        return self.stream()

    def read_whole(self, out: memoryview, threads: int) -> int:
        """Fill out from the first unpacked byte on, checking all that can be checked to the end of the file.

        Returns the number of unpacked bytes, which may be less or more than out holds.
        """
        stream = self.stream()
        total = stream.readinto(out)
        if total < len(out):
            return total
        scratch = memoryview(bytearray(BLOCK))
        while n := stream.readinto(scratch):
            total += n
        return total
