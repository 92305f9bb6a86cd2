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
    """Pictures that occur more than once in the files that were searched. Their numbers count through all files."""

    records: Array
    """int64 of shape (m,): the numbers of these pictures, ascending."""
    groups: Array
    """int64 of shape (m,): equal pictures have the same number, counted from 0 in the order of the first of them."""

    def copies(self, start: int, stop: int) -> Array:
        """Those of start:stop that equal an earlier one of them."""
        inside = self._inside(start, stop)
        again = np.ones(np.count_nonzero(inside), np.bool_)
        again[np.unique(self.groups[inside], return_index=True)[1]] = False
        return self.records[inside][again]

    def shared(self, first: tuple[int, int], second: tuple[int, int]) -> Array:
        """Those of the range second, (start, stop), that equal one of the range first."""
        inside = self._inside(*second)
        there = np.isin(self.groups[inside], self.groups[self._inside(*first)])
        return self.records[inside][there]

    def disagree(self, labels: Array) -> Array:
        """bool of shape (m,): where the labels of shape (m,) are not the same in the whole group."""
        different = np.unique(np.stack((self.groups, labels)), axis=1)[0]
        return np.bincount(different)[self.groups] > 1

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
    every = np.concatenate([np.empty(0, np.uint64), *hashes])
    order = np.argsort(every, kind="stable")
    same = np.flatnonzero(np.diff(every[order]) == 0)
    candidates = np.union1d(order[same], order[same + 1])
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
    from hashlib import blake2b

    digests = np.empty(len(records), f"V{_DIGEST}")
    if not len(records):
        return digests
    with open_array(file) as f:
        many = max(1, _PIECE // max(1, f.nbytes // f.shape[0]))
        for start in range(0, len(records), many):
            part = slice(start, start + many)
            digests[part] = [blake2b(picture.data, digest_size=_DIGEST).digest() for picture in f[records[part]]]
    return digests
