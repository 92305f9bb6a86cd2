"""No container: the payload is the file."""

from __future__ import annotations

import mmap

from ..errors import IdxError
from ..source import BufferSource, PathSource
from .base import Container, Stream


class Raw(Container):
    packing = "raw"

    def limit(self) -> int | None:
        return self.source.size

    def stream(self) -> Stream:
        return _RawStream(self)

    def read_at(self, offset: int, out: memoryview) -> None:
        """Fill out with the bytes from offset on, which the caller knows to be there."""
        if self.source.read_at(offset, out) < len(out):
            raise IdxError("was cut short since it was opened", file=self.name, offset=offset)

    def view(self) -> memoryview | mmap.mmap:
        """The whole file without a copy, read-only.

        Raises IdxError for a file object: only a path can be mapped and only bytes are in memory already.
        """
        if isinstance(self.source, BufferSource):
            return self.source.view.toreadonly()
        if isinstance(self.source, PathSource):
            return self.source.map()
        raise IdxError("can't be viewed without a copy: it is a file object; give its path", file=self.name)


class _RawStream:
    def __init__(self, container: Raw) -> None:
        self._source = container.source
        self._position = 0

    def readinto(self, out: memoryview) -> int:
        n = self._source.read_at(self._position, out)
        self._position += n
        return n
