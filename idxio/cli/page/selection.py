"""The records that a page shows of each class: random ones, and those unlike their class."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..._util.progress import counter
from ..._util.types import Array
from ...core.array import open_array
from ...datasets.validation.check import Check
from ...datasets.validation.statistics import Statistics
from .pictures import can_draw, thumbnails

MOST_CLASSES = 200  # that pictures are shown of
SIDE = 64  # pixels of the longest edge of a picture; larger ones are made smaller
RANDOM = 10  # records of a class in the first split
RANDOM_OTHER = 5  # in another one
UNUSUAL = 5  # over all splits
_PIECE = 1 << 20  # bytes of a block: it stays in the cache
_READ = 64 << 20  # bytes of records that are read at once


class Chosen(NamedTuple):
    """Records of one class."""

    random: dict[str, list[int]]
    """Numbers of records by split, ascending."""
    unusual: list[tuple[str, int]]
    """Split and number, the most unusual first."""


class Selection(NamedTuple):
    """The records of all classes, and the pictures of these."""

    classes: dict[int, Chosen]
    pictures: dict[tuple[str, int], Array]


def select(result: Check, progress: Callable[[int, int], None] | None = None) -> Selection:
    """Choose records, and read them. The same dataset gives the same ones."""
    drawn = {
        split: statistics
        for split, statistics in result.splits.items()
        if can_draw(statistics.shape)
    }
    labels = sorted(set().union(*(s.classes.tolist() for s in drawn.values())))
    total = sum(math.prod(s.shape) * s.dtype.itemsize for s in drawn.values())
    advance = counter(progress, total)
    distances = {split: _distances(statistics, advance) for split, statistics in drawn.items()}
    # A class may lie anywhere, so all labels are looked through once for each.
    classes = {k: _choose(k, drawn, distances) for k in labels[:MOST_CLASSES]}
    pictures: dict[tuple[str, int], Array] = {}
    for split, statistics in drawn.items():
        wanted = {n for chosen in classes.values() for n in chosen.random.get(split, ())}
        wanted |= {n for chosen in classes.values() for s, n in chosen.unusual if s == split}
        for number, picture in _read(statistics.images_file, sorted(wanted)):
            pictures[split, number] = picture
    return Selection(classes, pictures)


def _choose(k: int, drawn: dict[str, Statistics], distances: dict[str, Array | None]) -> Chosen:
    random: dict[str, list[int]] = {}
    far: list[tuple[float, str, int]] = []
    for split, statistics in drawn.items():
        records = np.flatnonzero(statistics.labels == k)
        most = RANDOM_OTHER if random else RANDOM
        picked = np.random.default_rng(k & 0xFFFF).permutation(records)[:most]
        random[split] = sorted(picked.tolist())
        distance = distances[split]
        if distance is not None:
            order = np.argsort(-distance[records], kind="stable")[:UNUSUAL]
            far += [(float(distance[n]), split, int(n)) for n in records[order]]
    far.sort(key=lambda one: -one[0])
    return Chosen(random, [(split, number) for _, split, number in far[:UNUSUAL]])


def _distances(statistics: Statistics, advance: Callable[[int], None]) -> Array | None:
    """Return how far each picture is from the mean of its class: the root of the mean square, or
    None where there are no means.
    """
    means = statistics.class_means
    if means is None:
        return None
    means = means.reshape(len(means), -1).astype(np.float32)
    index = np.searchsorted(statistics.classes, statistics.labels)
    distances = np.empty(len(index), np.float32)
    start = 0
    with open_array(statistics.images_file) as f:
        for block in f.iter_records(max(1, _PIECE // means.shape[1])):
            part = slice(start, start + len(block))
            difference = block.reshape(len(block), -1) - means[index[part]]
            distances[part] = np.einsum("ij,ij->i", difference, difference)
            start += len(block)
            advance(block.nbytes)
    result: Array = np.sqrt(distances / means.shape[1])
    return result


def _read(file: str, records: list[int]) -> list[tuple[int, Array]]:
    """Read the pictures of ascending records. Large ones become small before the next are read."""
    pictures: list[tuple[int, Array]] = []
    with open_array(file) as f:
        step = max(1, _READ // max(1, f.nbytes // f.shape[0]))
        for start in range(0, len(records), step):
            some = records[start : start + step]
            pictures += zip(some, thumbnails(f[some], SIDE), strict=True)
    return pictures
