"""The one interface of every container: a stream of unpacked bytes, and ways to have them at once."""

from __future__ import annotations

from typing import ClassVar, Protocol

from ..source import Source

# Reads of the compressed file: large enough that a call costs nothing, small enough for the L2 cache.
BLOCK = 1 << 18


class Stream(Protocol):
    """Unpacked bytes, front to back. Checksums are checked where the container has them, at the latest at the end."""

    def readinto(self, out: memoryview) -> int:
        """Fill out; fewer bytes only at the end. The number of bytes."""
        ...


class Container:
    """The unpacked bytes of a source."""

    packing: ClassVar[str]

    def __init__(self, source: Source) -> None:
        self.source = source

    @property
    def name(self) -> str:
        """The name of the file, for messages."""
        return self.source.name

    def limit(self) -> int | None:
        """The most bytes that can be inside, told without decoding; None where nothing tells."""
        raise NotImplementedError

    def stream(self) -> Stream:
        """A new stream from the first unpacked byte."""
        raise NotImplementedError

    def head(self, size: int) -> bytes:
        """The first unpacked bytes: size of them, or all that there are."""
        out = bytearray(size)
        del out[self.stream().readinto(memoryview(out)) :]
        return bytes(out)

    def read_whole(self, out: memoryview, threads: int) -> int:
        """Fill out from the first unpacked byte on, checking all that can be checked to the end of the file.

        Returns the number of unpacked bytes, which may be less or more than out holds.
        """
        stream = self.stream()
        found = stream.readinto(out)
        if found < len(out):
            return found
        scratch = memoryview(bytearray(BLOCK))
        while n := stream.readinto(scratch):
            found += n
        return found
