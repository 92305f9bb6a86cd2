"""The interface of every source: stored bytes that are read by position, and what it can do."""

from __future__ import annotations

import mmap
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from .._native import byteorder

# What a URL begins with. "C:/x" is a path of Windows: a scheme has two letters or more.
URL_SCHEME = r"([A-Za-z][A-Za-z0-9+.-]+)://"
# Bytes that are read and swapped at once: they stay in the L2 cache.
_BLOCK = 1 << 18


class UrlError(ValueError):
    """A URL that is none, or that nothing reads, or options that mean nothing for it."""


class NotInstalledError(ModuleNotFoundError):
    """What reads or writes a URL is not installed."""


class Source:
    """Bytes that are read by position; position 0 is where a file object stood at first.

    A new source has `name`, `size` and `read_at`; the rest it overrides where it can do better.
    """

    name: str
    """For messages."""
    size: int | None
    """In bytes; None for a pipe, whose size only reading to its end tells."""
    start = 0
    """Where the file object stood at first, which is position 0 here."""
    path: str | None = None
    """The absolute path of the file; None where nothing can be opened, kept or mapped by a path."""
    is_remote = False
    """Each read is a request to a server, unless it was expected."""
    identity: tuple[int, ...] = ()
    """What tells a file at a path from another one there."""

    @property
    def key(self) -> tuple[object, ...] | None:
        """What tells these bytes from all others, for a cache; None if nothing does."""
        return None if self.path is None else (self.path, self.identity)

    def read_at(self, offset: int, out: memoryview) -> int:
        """Fill out with the bytes from offset on; return their number, smaller only at the end."""
        raise NotImplementedError

    def read_swapped(self, offset: int, out: memoryview, itemsize: int) -> int:
        """Do what read_at() does, and reverse the bytes of each whole item."""
        block = max(1, _BLOCK // itemsize) * itemsize
        done = 0
        for start in range(0, len(out), block):
            part = out[start : start + block]
            n = self.read_at(offset + start, part)
            done += n
            byteorder.swap_bytes(part[: n - n % itemsize], itemsize)
            if n < len(part):
                break
        return done

    def read_ranges(
        self, ranges: Sequence[tuple[int, int]], outs: Sequence[memoryview]
    ) -> list[int]:
        """Fill each of outs with the bytes of its range (start, stop), in any order.

        Returns how many bytes each got: fewer than it holds only where the source ends.
        """
        return [self.read_at(start, out) for (start, _), out in zip(ranges, outs, strict=True)]

    def expect(self, *runs: Sequence[tuple[int, int]]) -> AbstractContextManager[None]:
        """Tell in a ``with`` block which ranges (start, stop) will be read in it, in their order.

        Several runs are read at the same time, each in its order. Where a read takes long, as from
        a server, the source begins to fetch them.
        """
        return nullcontext()

    def expect_all(self) -> AbstractContextManager[None]:
        """Tell in a ``with`` block that everything will be read in it, in order."""
        return self.expect([(0, self.size or 0)])

    def view(self) -> memoryview | None:
        """All bytes without a copy; None if they are not in memory."""
        return None

    def map(self) -> mmap.mmap | None:
        """All bytes mapped into memory, read-only; None if there is no file to map."""
        return None

    def status(self) -> os.stat_result | None:
        """What fstat() says of the open file; None where there is none with a path."""
        return None

    def check(self) -> None:
        """Raise ChangedError if the file is known to have changed since it was opened."""

    def beside(self, suffix: str) -> Source | None:
        """The file whose name is this one's with a suffix; None if there is none to be seen."""
        return None

    def close(self) -> None:
        """Close what was opened here; may be called again."""
