"""What wraps the payload of an IDX file, told by content: raw, gzip, xz or bz2."""

from __future__ import annotations

from ..source import Source
from .base import Container, Stream
from .gzip import Gzip
from .raw import Raw
from .stdlib import Bz2, Xz

__all__ = ["Container", "Stream", "open_container"]

_MAGICS: tuple[tuple[bytes, type[Container]], ...] = (
    (b"\x1f\x8b", Gzip),
    (b"\xfd7zXZ\0", Xz),
    (b"BZh", Bz2),
)


def open_container(source: Source) -> Container:
    """The container of a source: its first bytes decide, its name never does."""
    head = bytearray(6)
    n = source.read_at(0, memoryview(head))
    for magic, kind in _MAGICS:
        if head[:n].startswith(magic):
            return kind(source)
    return Raw(source)
