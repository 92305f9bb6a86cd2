"""Groups: parts of a shuffle window that stand evenly in every stretch of the order, so that each
rank can keep to its own.

1. The position p of an epoch falls to the group whose number is p modulo their count, its bits
   reversed. So the positions of any stretch fall to the groups about evenly, also to those below
   any number; and just evenly to a half, a quarter, ... of the groups.
2. What all ranks get in one step is sorted by group and cut into one piece for each rank. A rank
   gets what falls into its own part of the groups, to within a few samples; where the number of
   ranks divides that of the groups, just that.

The number of groups is a power of two.
"""

from __future__ import annotations

import numpy as np

from .._util.types import Array, Ids

MOST = 256
"""Groups at the most: a number is a byte."""
_USUAL = 64
# Below so many records the order within a group has little chance in it, unless these are whole
# blocks, whose order is chance already.
_RECORDS = 16


def count_of(window: int, blocks: int) -> int:
    """How many groups a shuffle window of so many records and blocks has."""
    wanted = min(max(blocks, min(_USUAL, window // _RECORDS), 1), MOST)
    return 1 << (wanted.bit_length() - 1)


def of_turns(count: int) -> Array:
    """The group of each position modulo their count; and the other way round."""
    groups = np.zeros(1, np.uint8)
    while len(groups) < count:
        groups = np.concatenate([2 * groups, 2 * groups + 1])
    return groups


def at(positions: Ids, count: int) -> Array:
    """The groups to which positions fall."""
    return of_turns(count)[positions % count]


def of_rank(rank: int, world_size: int, size: int, count: int) -> range:
    """The groups from which a rank gets samples in steps of `size` samples for each rank."""
    if count == 1 or world_size == 1:
        return range(count)
    # Of one step's samples, how many at the least and at the most fall to the groups below each:
    # those are some halves, quarters, ... of all groups.
    widths = 1 << np.arange(count.bit_length())
    has = np.arange(count + 1)[:, None] & widths > 0
    stride = size * world_size
    least = np.maximum.accumulate((has * (stride * widths // count)).sum(axis=1))
    most = (has * -(-stride * widths // count)).sum(axis=1)
    most = np.minimum.accumulate(most[::-1])[::-1]
    mine = (least[:-1] < (rank + 1) * size) & (most[1:] > rank * size)
    found = np.flatnonzero(mine)
    return range(int(found[0]), int(found[-1]) + 1)


def share(begin: int, steps: int, length: int, rank: int, world_size: int, count: int) -> Ids:
    """The positions that a rank gets in steps of some length, which follow on each other, in their
    order.
    """
    positions = begin + np.arange(steps * length).reshape(steps, length)
    by_group = np.argsort(at(positions, count), axis=1, kind="stable")
    each, more = divmod(length, world_size)
    first = rank * each + min(rank, more)
    mine = np.sort(by_group[:, first : first + each + (rank < more)], axis=1)
    return np.take_along_axis(positions, mine, 1).reshape(-1)
