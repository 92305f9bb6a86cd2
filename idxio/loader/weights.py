"""The order of samples that are drawn by weights, with replacement: `WeightedSampler`.

The sample at a position is a pure function of seed, epoch and position. All of it is arithmetic of
integers, but for one division and one multiplication of each weight, which IEEE 754 rounds the same
everywhere:

1. A weight becomes ``rint(weight / largest * 2^k)``, an integer; k is 62 less the bits of n.
2. ``r = permutation.key(seed, epoch, keys.WEIGHTS, position)`` is a random number of 64 bits.
3. The sample is the first one with ``w[0] + ... + w[i] > r * (w[0] + ... + w[n - 1]) >> 64``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .._native import inflate, permutation
from .._util.masks import unmasked
from .._util.types import Array, Ids
from . import keys
from .samplers import Sampler

_LOW = np.uint64((1 << 32) - 1)
_HALF = np.uint64(32)


class WeightedSampler(Sampler):
    """Draws as many samples as there are, each with a probability in proportion to its weight.

    The draws are independent: a sample may come several times in an epoch, or not at all. Takes up
    to 24 bytes of memory for each sample.
    """

    version = 1

    def __init__(self, weights: Any, labels: Array, seed: int) -> None:
        """weights: a number for each sample, or for each label, as a mapping."""
        super().__init__(len(labels))
        self.seed = seed
        self._ends = np.cumsum(_as_integers(_checked(weights, labels)), dtype=np.uint64)
        # Numbers below the sum fall into cells, about as many as there are samples; the first
        # sample of each cell is found once. To search for each number took five times as long.
        total = int(self._ends[-1]) if self.n else 1
        self._shift = np.uint64(total.bit_length() - min(total.bit_length(), self.n.bit_length()))
        cells = np.arange((total - 1 >> int(self._shift)) + 1, dtype=np.uint64)
        self._first = np.searchsorted(self._ends, cells << self._shift, "right")

    @property
    def checksum(self) -> int:
        """CRC-32 of the weights as they count; identifies them in a saved state."""
        return inflate.crc32(self._ends.astype("<u8").view(np.uint8))

    def rows(self, epoch: int, start: int, stop: int) -> Ids:
        positions = np.arange(start, stop, dtype=np.uint64)
        if not len(positions):
            return np.empty(0, np.int64)
        key = permutation.key(self.seed, epoch, keys.WEIGHTS)
        numbers = np.empty_like(positions)
        permutation.key_each(key, positions, numbers)
        drawn = _scaled(numbers, int(self._ends[-1]))
        samples: Ids = self._first[drawn >> self._shift]
        for _ in range(2):
            samples += self._ends[samples] <= drawn
        missed = np.flatnonzero(self._ends[samples] <= drawn)
        samples[missed] = np.searchsorted(self._ends, drawn[missed], "right")
        return samples.astype(np.int64, copy=False)


def _checked(weights: Any, labels: Array) -> Array:
    """A weight for each sample, as float64; TypeError or ValueError for what is none."""
    if isinstance(weights, Mapping):
        return _of_classes(weights, labels)
    array = unmasked(weights)
    n = len(labels)
    if array.shape != (n,):
        raise ValueError(
            f"weights have the shape {array.shape}, and there are {n:,} samples: expected one for"
            " each, or a dict with one for each class, as ds.class_weights"
        )
    return _finite(array, "sample", range(n))


def _of_classes(weights: Mapping[Any, Any], labels: Array) -> Array:
    """The weight of its class for each sample."""
    classes, inverse = np.unique(labels, return_inverse=True)
    names = classes.tolist()
    missing = [label for label in names if label not in weights]
    if missing:
        given = ", ".join(map(repr, [*weights][:20])) or "nothing"
        raise ValueError(
            f"weights have none for the label {missing[0]}, only for {given}; a weight of 0 leaves"
            " a class out"
        )
    values = _finite(unmasked([weights[label] for label in names]), "class", names)
    of_each: Array = values[inverse.reshape(-1)]
    return of_each


def _finite(weights: Array, owner: str, names: Sequence[int]) -> Array:
    """Weights as float64, if they are finite numbers of 0 or more, and not all of them 0."""
    if weights.size and weights.dtype.kind not in "biuf":
        raise TypeError(f"weights are numbers, not {weights.dtype}")
    if weights.ndim != 1:
        raise ValueError(f"the weight of a {owner} is one number, not {weights.shape[1:]} of them")
    numbers = weights.astype(np.float64)
    bad = np.flatnonzero(~((numbers >= 0) & (numbers < np.inf)))  # NaN too
    if len(bad):
        raise ValueError(
            f"the weight of {owner} {names[bad[0]]} is {numbers[bad[0]]}: weights are finite, and 0"
            " or more"
        )
    if len(numbers) and not numbers.any():
        raise ValueError("all weights are 0, so that there is no sample to draw")
    return numbers


def _as_integers(weights: Array) -> Array:
    """The weights in proportion to each other, as integers whose sum is below 2^63."""
    if not len(weights):
        return weights.astype(np.uint64)
    bits = 62 - len(weights).bit_length()
    integers: Array = np.rint(weights / weights.max() * 2.0**bits).astype(np.uint64)
    return integers


def _scaled(numbers: Array, total: int) -> Array:
    """numbers * total >> 64, for a total below 2^63: numpy has the lower half of a product."""
    high, low = numbers >> _HALF, numbers & _LOW
    total_high, total_low = np.uint64(total >> 32), np.uint64(total & 0xFFFFFFFF)
    middle = high * total_low + (low * total_low >> _HALF)
    other = low * total_high + (middle & _LOW)
    result: Array = high * total_high + (middle >> _HALF) + (other >> _HALF)
    return result
