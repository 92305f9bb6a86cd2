"""Equal pictures in several files, by the hashes of a survey."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .array import open_array

Array = np.ndarray[Any, np.dtype[Any]]

_PIECE = 4 << 20  # bytes of pictures to hold at once
# Collisions of this many bytes can't be found, nor made: BLAKE2, RFC 7693.
_DIGEST = 20


class Duplicates(NamedTuple):
    """Pictures that occur more than once, over all files that were searched. Numbers count through the files."""

    records: Array
    """int64 of shape (m,): the numbers of these pictures, ascending."""
    groups: Array
    """int64 of shape (m,): equal pictures have the same number, 0 for those that come first, and so on."""

    def within(self, start: int, stop: int) -> int:
        """How many pictures of start:stop are copies of an earlier one of them."""
        inside = self.groups[self._inside(start, stop)]
        return len(inside) - len(np.unique(inside))

    def shared(self, first: tuple[int, int], second: tuple[int, int]) -> Array:
        """The numbers of the pictures of the second range (start, stop) that the first has too."""
        there = self._inside(*second) & np.isin(self.groups, self.groups[self._inside(*first)])
        return self.records[there]

    def members(self) -> list[Array]:
        """The numbers of the pictures of each group, ascending."""
        order = np.argsort(self.groups, kind="stable")
        return np.split(self.records[order], np.flatnonzero(np.diff(self.groups[order])) + 1) if len(order) else []

    def _inside(self, start: int, stop: int) -> Array:
        inside: Array = (self.records >= start) & (self.records < stop)
        return inside


def find_duplicates(files: list[str], hashes: list[Array]) -> Duplicates:
    """The pictures that occur more than once in files, which hold pictures of one shape and type.

    Parameters
    ----------
    files : list of path
    hashes : list of ndarray
        For each file a uint64 for each picture. Only pictures of equal hashes are read again, in order, and compared
        by a digest that no two different pictures share.
    """
    every = np.concatenate(hashes)
    order = np.argsort(every, kind="stable")
    same = np.diff(every[order]) == 0
    candidates = np.sort(order[np.concatenate((same, [False])) | np.concatenate(([False], same))])
    if not len(candidates):
        return Duplicates(candidates, candidates)
    digests = np.concatenate(
        [
            _digests(file, candidates[(candidates >= start) & (candidates < start + len(some))] - start)
            for file, some, start in zip(files, hashes, np.cumsum([0, *map(len, hashes)]).tolist(), strict=False)
        ]
    )
    _, first, groups, counts = np.unique(digests, return_index=True, return_inverse=True, return_counts=True)
    kept = counts[groups] > 1
    # Numbered by their first member: the order of digests means nothing.
    _, groups = np.unique(first[groups[kept]], return_inverse=True)
    return Duplicates(candidates[kept], groups.astype(np.int64))


def _digests(file: str, records: Array) -> Array:
    """A digest of each of the ascending records of a file."""
    import hashlib

    digests = np.empty(len(records), f"V{_DIGEST}")
    if not len(records):
        return digests
    with open_array(file) as f:
        many = max(1, _PIECE // max(1, f.nbytes // f.shape[0]))
        for start in range(0, len(records), many):
            part = slice(start, start + many)
            digests[part] = [hashlib.blake2b(picture.data, digest_size=_DIGEST).digest() for picture in f[records[part]]]
    return digests
