"""What wraps the payload of an IDX file, told by content: raw, gzip, xz or bz2."""

from __future__ import annotations

from ..storage.source import Source
from .base import Compression
from .gzip.reader import Gzip
from .raw import Raw
from .xz_bz2 import Bz2, Xz

__all__ = ["Compression", "open_compressed"]

_PACKED: tuple[type[Compression], ...] = (Gzip, Xz, Bz2)


def open_compressed(source: Source) -> Compression:
    """The container of a source: its first bytes decide, its name never does."""
    head = bytearray(6)
    n = source.read_at(0, memoryview(head))
    for kind in _PACKED:
        if head[:n].startswith(kind.magic):
            return kind(source)
    return Raw(source)
