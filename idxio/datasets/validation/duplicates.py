"""Equal pictures in several files: by hash first, then by digest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..._util.types import Array
from ...core.array import open_array

_PIECE = 4 << 20  # bytes of pictures to hold at once
# Nobody can find or make two pictures with one BLAKE2 digest (RFC 7693) of this many bytes. They
# are sorted as three words.
_DIGEST = 24
_STEP = 1 << 20  # records that are sorted into groups of equal keys at a time


class Duplicates(NamedTuple):
    """Pictures that occur more than once. Their numbers count through all files."""

    records: Array
    """int64 of shape (m,): the numbers of these pictures, ascending."""
    groups: Array
    """int64 of shape (m,): the group of each picture. Equal pictures are one group; groups are
    numbered from 0 by their first picture."""

    def __repr__(self) -> str:
        return f"<{len(self.records):,} pictures that occur more than once>"

    def copies(self, start: int, stop: int) -> Array:
        """The pictures in start:stop that equal an earlier one in start:stop."""
        inside = self._inside(start, stop)
        groups = self.groups[inside]
        copies: Array = self.records[inside][self._firsts(groups)[groups] != np.arange(len(groups))]
        return copies

    def firsts_of(self, records: Array, start: int, stop: int) -> Array:
        """For each of some records of groups, the first picture in start:stop that it equals.

        Each has one there.
        """
        inside = self._inside(start, stop)
        firsts = self._firsts(self.groups[inside])
        equal: Array = self.records[inside][firsts[self._groups_of(records)]]
        return equal

    def others_of(self, records: Array, labels: Array) -> Array:
        """For each of some records that disagree, the first picture that it equals whose label is
        another one; labels are as for `disagree`.
        """
        firsts = self._firsts(self.groups)
        different = np.flatnonzero(labels != labels[firsts[self.groups]])
        others = np.zeros(self._count, np.int64)
        others[self.groups[different][::-1]] = different[::-1]
        at = np.searchsorted(self.records, records)
        groups = self.groups[at]
        is_as_first = labels[at] == labels[firsts[groups]]
        found: Array = self.records[np.where(is_as_first, others[groups], firsts[groups])]
        return found

    def shared(self, first: tuple[int, int], second: tuple[int, int]) -> Array:
        """The pictures in the range second, (start, stop), that equal one in the range first."""
        inside = self._inside(*second)
        there = np.zeros(self._count, np.bool_)
        there[self.groups[self._inside(*first)]] = True
        return self.records[inside][there[self.groups[inside]]]

    def disagree(self, labels: Array) -> Array:
        """bool of shape (m,): whether the labels, of shape (m,), differ within the group."""
        different = labels != labels[self._firsts(self.groups)[self.groups]]
        mixed = np.zeros(self._count, np.bool_)
        mixed[self.groups[different]] = True
        result: Array = mixed[self.groups]
        return result

    def _groups_of(self, records: Array) -> Array:
        groups: Array = self.groups[np.searchsorted(self.records, records)]
        return groups

    @property
    def _count(self) -> int:
        """The number of groups."""
        return int(self.groups.max(initial=-1)) + 1

    def _firsts(self, groups: Array) -> Array:
        """The index of the first element of each group among groups; 0 for a group not there."""
        firsts = np.zeros(self._count, np.int64)
        # Of several values for one index numpy keeps the last.
        firsts[groups[::-1]] = np.arange(len(groups))[::-1]
        return firsts

    def _inside(self, start: int, stop: int) -> Array:
        inside: Array = (self.records >= start) & (self.records < stop)
        return inside


def find_duplicates(files: list[str], hashes: list[Array]) -> Duplicates:
    """Find the pictures that occur more than once in files of pictures of one shape and type.

    Parameters
    ----------
    files : list of path
    hashes : list of ndarray
        For each file a uint64 for each picture. Only pictures of equal hashes are read again, in
        order, and compared by a digest that no two different pictures share.
    """
    every = np.concatenate([np.empty(0, np.uint64), *hashes])
    is_candidate = np.zeros(len(every), np.bool_)
    for some in _by_key((every >> np.uint64(56)).astype(np.uint8)):
        order = some[np.argsort(every[some], kind="stable")]
        same = np.flatnonzero(np.diff(every[order]) == 0)
        is_candidate[order[same]] = True
        is_candidate[order[same + 1]] = True
    candidates = np.flatnonzero(is_candidate)
    if not len(candidates):
        return Duplicates(candidates, candidates)
    digests = np.concatenate(
        [
            _digests(
                file, candidates[(candidates >= start) & (candidates < start + len(some))] - start
            )
            for file, some, start in zip(
                files, hashes, np.cumsum([0, *map(len, hashes)]).tolist(), strict=False
            )
        ]
    )
    first = np.arange(len(digests))  # the first candidate that each equals
    words = digests.view(np.uint64).reshape(len(digests), -1)
    for order in _by_key((words[:, 0] >> np.uint64(56)).astype(np.uint8)):
        for column in words.T:
            order = order[np.argsort(column[order], kind="stable")]
        is_new = np.append(True, (words[order[1:]] != words[order[:-1]]).any(axis=1))
        first[order] = order[is_new][np.cumsum(is_new) - 1]
    is_kept = np.bincount(first, minlength=len(first))[first] > 1
    # Numbered by their first member: the order of digests means nothing.
    numbers = np.cumsum(is_kept & (first == np.arange(len(first)))) - 1
    return Duplicates(candidates[is_kept], numbers[first[is_kept]])


def _by_key(keys: Array) -> Iterator[Array]:
    """The indices of each of the 256 keys, ascending, so that the caller sorts each group alone.

    An interrupt waits for a call of numpy, and one sort of some millions took seconds.
    """
    parts = []
    for start in range(0, len(keys), _STEP):
        some = keys[start : start + _STEP]
        order = np.argsort(some, kind="stable")
        parts.append((start + order, np.searchsorted(some[order], np.arange(257))))
    if not parts:
        return
    for key in range(256):
        indices = np.concatenate([order[edges[key] : edges[key + 1]] for order, edges in parts])
        if len(indices):
            yield indices


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
            pictures = f[records[part]]
            digests[part] = [blake2b(p.data, digest_size=_DIGEST).digest() for p in pictures]
    return digests
