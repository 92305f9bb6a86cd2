"""The keys of random orders and draws: the numbers that `permutation.key` mixes into one.

| what is random | its key |
|---|---|
| order of an epoch | seed, epoch |
| order of a class, where classes are balanced | seed, epoch, class |
| the same within a shuffle window | seed, epoch, class, number of the window |
| record or chunk with which the first block starts | seed, epoch, FIRST_BLOCK |
| order of the blocks of records | seed, epoch, BLOCKS |
| order of the records of a group | seed, epoch, RECORDS, number of the window, of the group |
| draws of a transform | seed, epoch, TRANSFORMS, number of the transform |
| draws of a transform of batches | seed, epoch, MIXING, its number, position of the batch, draw |
| draw of a sample by weights | seed, epoch, WEIGHTS, position |
| order in which `Dataset.split` takes samples | seed, SPLIT |
| the same of `Dataset.folds` | seed, FOLDS |

Another number gives another order for the same seed: `version` of the sampler must change with it.
"""

from __future__ import annotations

_MAX = (1 << 64) - 1

FIRST_BLOCK = 0
BLOCKS = 1
RECORDS = 2
TRANSFORMS = _MAX
"""No class, and nothing of a window shuffle."""
WEIGHTS = _MAX - 1
"""Neither."""
MIXING = _MAX - 2
"""Nor this."""
SPLIT = _MAX
"""In the place of the epoch: the last one of all."""
FOLDS = _MAX - 1
"""In the place of the epoch too."""
