"""Copies of one array under several names: whether they are the same, as far as that is told
without long reading.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from ..compression.registry import named
from ..core.array import IdxArray, open_array
from ..core.info import Info, is_idx, verify
from ..errors import IdxError
from ..storage.regular import FoundPath
from . import names

# Copies that state no CRC-32 are read whole up to so many unpacked bytes: Fashion-MNIST's 47 MB
# take 6 ms raw, 54 ms as zstd, 1.2 s as xz and 1.7 s as bz2.
_MOST_RAW = 1 << 30
_MOST_PACKED = 1 << 26
# Of larger ones, records of about so many bytes are compared at each of a few places.
_PART = 1 << 20


def check_copies(files: Iterable[Info]) -> None:
    """Raise if files of the same split and role can't be copies of one array.

    The first is the one that is taken; others that are damaged are passed over.
    """
    first, *others = dict.fromkeys(files)
    for other in others:
        # QMNIST's labels come with and without who wrote them.
        if (len(first.shape) == 1) == (len(other.shape) == 1):
            _check_copy(first, other)


def copies_of(path: str) -> list[FoundPath]:
    """All files of the same split and role in the folder of a file, itself among them."""
    folder, name = os.path.split(path)
    mine = names.parse(name)
    others = sorted(os.listdir(folder or ".")) if mine else []
    return [
        FoundPath(os.path.join(folder, other)) for other in others if names.parse(other) == mine
    ]


def check_left(paths: Sequence[str]) -> None:
    """Raise if a copy of a file to write would stay as it is beside the new one.

    paths: all files to write.
    """
    written = {os.path.realpath(path) for path in paths}
    for path in paths:
        if not os.path.isdir(os.path.dirname(path) or "."):
            continue
        for copy in copies_of(path):
            if os.path.realpath(copy) not in written and is_idx(copy):
                raise IdxError(
                    f"would stay as it is beside the new {os.path.basename(path)}, of which its"
                    " name says that it is a copy; remove it, or name files in a folder of their"
                    " own",
                    file=copy,
                )


def _check_copy(first: Info, other: Info) -> None:
    if first.shape != other.shape or first.dtype != other.dtype or _differ(first, other):
        raise IdxError(f"is not the same as {other.file}; leave one of the two", file=first.file)


def _differ(first: Info, other: Info) -> bool:
    """Whether two files of one shape and type are known to hold other elements."""
    if not (_tells_crc32(first) and _tells_crc32(other)):
        with open_array(first.file) as one, open_array(other.file) as another:
            return parts_differ(one, another)
    mine = _crc32(first)
    try:
        return mine != _crc32(other)
    except (IdxError, OSError):
        return False


def _tells_crc32(about: Info) -> bool:
    """Whether the CRC-32 is stated, or computed soon."""
    most = _MOST_RAW if named(about.packing).is_plain else _MOST_PACKED
    return about.crc32 is not None or about.size <= most


def _crc32(about: Info) -> int | None:
    return verify(about.file).crc32 if about.crc32 is None else about.crc32


def parts_differ(mine: IdxArray, its: IdxArray) -> bool:
    """Whether records differ at the start, or in the midst or at the end where both files give
    these without all before them.
    """
    count = mine.shape[0]
    n = min(count, max(1, _PART * count // max(1, mine.nbytes)))
    is_quick = _reads_anywhere(mine) and _reads_anywhere(its)
    for start in (0, count // 2, count - n) if is_quick else (0,):
        here = mine[start : start + n]
        try:
            there = its[start : start + n]
        except (IdxError, OSError):
            return False
        if here.tobytes() != there.tobytes():  # NaN is no equal of itself
            return True
    return False


def _reads_anywhere(file: IdxArray) -> bool:
    return named(file.packing).is_plain or file.chunks is not None
