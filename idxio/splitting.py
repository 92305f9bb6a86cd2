"""How a dataset is split: the sizes of the parts, and the samples of each."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

Ids = np.ndarray[Any, np.dtype[np.intp]]


def sizes_of(size: Any, n: int) -> list[int]:
    """The sizes of the parts of n samples, for one fraction or count (the rest is another part), or one for each part.

    Raises ValueError for what does not add up to n.
    """
    is_one = isinstance(size, numbers.Real)
    wanted = [size] if is_one else list(size)
    if not wanted or any(isinstance(w, bool) or not isinstance(w, numbers.Real) for w in wanted):
        raise TypeError(f"a split takes one fraction or count, or a list of them, not {size!r}")
    if all(isinstance(w, numbers.Integral) for w in wanted):
        counts = [int(w) for w in wanted]
        counts += [n - counts[0]] if is_one else []
        if min(counts) < 0 or sum(counts) != n:
            raise ValueError(f"the counts {counts} do not add up to the {n} samples that there are")
        return counts
    fractions = [float(w) for w in wanted]
    fractions += [1 - fractions[0]] if is_one else []
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6:
        raise ValueError(f"the fractions {fractions} are not parts of 1; counts are integers")
    return _shares(fractions, n)


def split(sizes: Sequence[int], shuffled: Ids) -> list[Ids]:
    """Parts of these sizes of the shuffled samples, each in ascending order."""
    return [np.sort(part) for part in np.split(shuffled, np.cumsum(sizes)[:-1])]


def split_stratified(sizes: Sequence[int], shuffled: Ids, labels: np.ndarray[Any, np.dtype[Any]]) -> list[Ids]:
    """The same, with every class in each part in its proportion."""
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    counts = np.unique(labels, return_counts=True)[1]
    members = np.split(by_class, np.cumsum(counts)[:-1])
    parts = []
    for size in sizes:
        taken = _shares([len(m) for m in members], size)
        parts.append(np.sort(np.concatenate([m[:k] for m, k in zip(members, taken, strict=True)])))
        members = [m[k:] for m, k in zip(members, taken, strict=True)]
    return parts


def _shares(weights: Sequence[float], total: int) -> list[int]:
    """total things shared out in proportion to the weights, by largest remainder; the first ones win ties."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    quotas = [divmod(weight * total, whole) for weight in weights]  # exact where they are integers
    shares = [int(quota) for quota, _ in quotas]
    by_remainder = sorted(range(len(quotas)), key=lambda i: -quotas[i][1])
    for i in by_remainder[: total - sum(shares)]:
        shares[i] += 1
    return shares
