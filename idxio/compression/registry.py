"""The compressions, one line each, and which of them a file has, is to get, or seems to have.

A compression is a class; `base` says what it declares of itself. The rest of the package asks that,
here; which few files still name gzip is listed in tests/project/test_extension.py.
"""

from __future__ import annotations

from ..storage import signatures
from ..storage.source import Source
from .base import Compression
from .gzip.reader import Gzip
from .raw import Raw
from .xz_bz2 import Bz2, Xz
from .zstd import Zstd

__all__ = ["Compression", "likely_cause", "named", "of_suffix", "open_compressed", "speed_rank"]

# Those whose files are read fastest come first.
COMPRESSIONS: tuple[type[Compression], ...] = (
    Raw,
    Gzip,
    Zstd,
    Bz2,
    Xz,
)

_NAMED = {kind.packing: kind for kind in COMPRESSIONS}
_RANKS = {kind.packing: k for k, kind in enumerate(COMPRESSIONS)}
WRITABLE = tuple(kind.packing for kind in COMPRESSIONS if kind.can_write)
"""The values of the argument `compression`: a `str` for checkers, and no `Literal` of these, which
each new compression would have to be added to elsewhere too."""
MOST_LEVEL = max(kind.levels[-1] for kind in COMPRESSIONS if kind.can_write)
"""The largest `level` that any of them takes."""
SUFFIX_PATTERN = "|".join(suffix.lstrip(".") for kind in COMPRESSIONS for suffix in kind.suffixes)
"""The suffixes of all compressions, without dots, for a regular expression."""


def open_compressed(source: Source) -> Compression:
    """The compression of a source: its first bytes decide, its name never does.

    A source that starts with the magic of no compression is raw.
    """
    head = bytearray(6)
    n = source.read_at(0, memoryview(head))
    del head[n:]
    for kind in COMPRESSIONS:
        if head.startswith(kind.magic):
            return kind(source)
    return Raw(source)


def named(packing: str) -> type[Compression]:
    """The compression of this public name."""
    return _NAMED[packing]


def speed_rank(packing: str) -> int:
    """The place of a compression in the order of reading speed, the fastest first."""
    return _RANKS[packing]


def of_suffix(name: str) -> type[Compression]:
    """The compression that the suffix of a file name promises: raw for any other name."""
    for kind in COMPRESSIONS:
        if name.endswith(kind.suffixes):
            return kind
    return Raw


def likely_cause(head: bytes) -> str | None:
    """Name the format of unpacked bytes and the remedy; None for IDX or if unknown."""
    if head[:2] == b"\0\0":  # IDX: most files, so nothing else is looked at
        return None
    for kind in COMPRESSIONS:
        if head.startswith(kind.magic):
            return f"{kind.program} inside another compression: unpack it once more"
        if head.startswith(_as_text(kind.magic)):
            return f"{kind.program} data {signatures.AS_TEXT}"
    return signatures.likely_cause(head)


def _as_text(magic: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """What becomes of the starts of files that a program reads and writes as text in UTF-8.

    Some take the bytes for Latin-1; others put U+FFFD for those that are no UTF-8.
    """
    texts = [m.decode("latin1") for m in magic] + [m.decode("utf-8", "replace") for m in magic]
    return tuple(text.encode() for text in texts if not text.isascii())
