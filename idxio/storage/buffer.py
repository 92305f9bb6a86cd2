"""Bytes in memory as a source."""

from __future__ import annotations

from typing import Any

from .base import Source
from .file_object import PIECE


class BufferSource(Source):
    """Bytes in memory, which share the buffer of the caller."""

    def __init__(self, data: Any, name: str = "<bytes>") -> None:
        """data is anything that memoryview() takes and that lies in one piece."""
        self.name = name
        self._view = memoryview(data).cast("B")
        self.size: int | None = len(self._view)

    def view(self) -> memoryview:
        return self._view

    def read_at(self, offset: int, out: memoryview) -> int:
        data = self._view[offset : offset + len(out)]
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE]
            out[start : start + len(piece)] = piece
        return len(data)

    def __reduce__(self) -> tuple[Any, ...]:
        return BufferSource, (bytes(self._view), self.name)
