"""How a dataset is split: the sizes of the parts, and the samples of each."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._util.types import Array, Ids


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
    if not (min(fractions) >= 0 and abs(sum(fractions) - 1) <= 1e-6):  # nor NaN
        raise ValueError(f"the fractions {fractions} are not parts of 1; counts are integers")
    return _shares(fractions, n)


def split(sizes: Sequence[int], shuffled: Ids) -> list[Ids]:
    """Parts of these sizes of the shuffled samples, each in ascending order."""
    return [np.sort(part) for part in np.split(shuffled, np.cumsum(sizes)[:-1])]


def split_stratified(sizes: Sequence[int], shuffled: Ids, labels: Array) -> list[Ids]:
    """The same, with every class in each part in its proportion.

    What is rounded is the share of a class in the first k parts together, so that no part has all the rounding.
    """
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    counts = np.unique(labels, return_counts=True)[1]
    members = np.split(by_class, np.cumsum(counts)[:-1])
    parts, n, reached = [], len(labels), 0
    given = [0] * len(members)
    for size in sizes:
        reached += size
        owed = [len(m) * reached - n * k for m, k in zip(members, given, strict=True)]  # n-ths of a sample
        taken = _rounded(owed, n, size)
        parts.append(np.sort(np.concatenate([m[k : k + t] for m, k, t in zip(members, given, taken, strict=True)])))
        given = [k + t for k, t in zip(given, taken, strict=True)]
    return parts


def _shares(weights: Sequence[float], total: int) -> list[int]:
    """total things shared out in proportion to the weights."""
    whole = sum(weights)
    return _rounded([weight * total for weight in weights], whole, total) if whole else [0] * len(weights)


def _rounded(owed: Sequence[float], unit: float, total: int) -> list[int]:
    """Counts near owed / unit that add up to total, by largest remainder; the first ones win ties."""
    quotas = [divmod(o, unit) if o > 0 else (0, o) for o in owed]  # exact where they are integers
    shares = [int(quota) for quota, _ in quotas]
    by_remainder = sorted(range(len(quotas)), key=lambda i: -quotas[i][1])
    left = total - sum(shares)
    for i in by_remainder[: max(0, left)]:
        shares[i] += 1
    for i in [i for i in reversed(by_remainder) if shares[i]][: max(0, -left)]:  # some got more than theirs before
        shares[i] -= 1
    return shares
