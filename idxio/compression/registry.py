"""The compressions that can be read, and which of them a source has: its first bytes decide, its
name never does.

A compression is a class with `packing`, its public name, and `magic`, the first bytes of its files.
Raw has no magic: a source that starts with none of those listed here is raw.
"""

from __future__ import annotations

from ..storage.source import Source
from .base import Compression
from .gzip.reader import Gzip
from .raw import Raw
from .xz_bz2 import Bz2, Xz

__all__ = ["Compression", "open_compressed"]

COMPRESSIONS: tuple[type[Compression], ...] = (Gzip, Xz, Bz2)


def open_compressed(source: Source) -> Compression:
    """The compression of a source, by its first bytes."""
    head = bytearray(6)
    n = source.read_at(0, memoryview(head))
    for kind in COMPRESSIONS:
        if head[:n].startswith(kind.magic):
            return kind(source)
    return Raw(source)
