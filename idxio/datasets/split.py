"""Splits a dataset: the sizes of the parts, and the samples of each."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._util.types import Array, Ids


def sizes_of(size: Any, n: int) -> list[int]:
    """The sizes of the parts of n samples.

    size: a fraction or count, of the first part, and the rest is the second; or one for each part.

    Raises ValueError for what does not add up to n.
    """
    is_one = isinstance(size, numbers.Real)
    wanted = [size] if is_one else list(size)
    if not wanted or any(isinstance(w, bool) or not isinstance(w, numbers.Real) for w in wanted):
        raise TypeError(f"a split takes one fraction or count, or a list of them, not {size!r}")
    if all(isinstance(w, numbers.Integral) for w in wanted):
        counts = [int(w) for w in wanted]
        if is_one and not 0 <= counts[0] <= n:
            raise ValueError(f"a first part of {counts[0]} and a rest can't add up to {n} samples")
        counts += [n - counts[0]] if is_one else []
        if min(counts) < 0 or sum(counts) != n:
            raise ValueError(f"the counts {counts} do not add up to the {n} samples that there are")
        return counts
    fractions = [float(w) for w in wanted]
    fractions += [1 - fractions[0]] if is_one else []
    if not (min(fractions) >= 0 and abs(sum(fractions) - 1) <= 1e-6):  # nor NaN
        raise ValueError(f"the fractions {fractions} are not parts of 1; counts are integers")
    return _shares(fractions, n)


def split(sizes: Sequence[int], shuffled: Ids, labels: Array | None = None) -> list[Ids]:
    """Parts of these sizes of the shuffled samples, each in ascending order.

    With labels, every part has every class in its proportion.
    """
    if labels is not None:
        return _split_stratified(sizes, shuffled, labels)
    return [np.sort(part) for part in np.split(shuffled, np.cumsum(sizes)[:-1])]


def _split_stratified(sizes: Sequence[int], shuffled: Ids, labels: Array) -> list[Ids]:
    """The parts with every class in its proportion.

    The count of a class is rounded for the first k parts together, for each k, so that the rounding
    is spread over the parts.
    """
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    counts = np.unique(labels, return_counts=True)[1]
    members = np.split(by_class, np.cumsum(counts)[:-1])
    n = len(labels)
    parts = []
    total = 0  # of the sizes so far
    used = [0] * len(members)  # samples of each class in the parts so far
    for size in sizes:
        total += size
        # The samples of each class that are due, in n-ths of a sample.
        owed = [len(m) * total - n * k for m, k in zip(members, used, strict=True)]
        taken = _rounded(owed, n, size)
        stops = [k + t for k, t in zip(used, taken, strict=True)]
        part = [m[start:stop] for m, start, stop in zip(members, used, stops, strict=True)]
        parts.append(np.sort(np.concatenate(part)))
        used = stops
    return parts


def _shares(weights: Sequence[float], total: int) -> list[int]:
    """Counts in proportion to the weights that add up to total."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    return _rounded([weight * total for weight in weights], whole, total)


def _rounded(owed: Sequence[float], unit: float, total: int) -> list[int]:
    """Counts near owed / unit that add up to total, by largest remainder; the first win ties."""
    quotas = [divmod(o, unit) if o > 0 else (0, o) for o in owed]  # exact where they are integers
    shares = [int(quota) for quota, _ in quotas]
    by_remainder = sorted(range(len(quotas)), key=lambda i: -quotas[i][1])
    left = total - sum(shares)
    for i in by_remainder[: max(0, left)]:
        shares[i] += 1
    # The sum is too large if earlier parts took more of a class than its proportion.
    excess = max(0, -left)
    for i in [i for i in reversed(by_remainder) if shares[i]][:excess]:
        shares[i] -= 1
    return shares
