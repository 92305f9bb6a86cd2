"""One pass through an epoch: batches made ahead of the loop that uses them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from .._native.buffer_pool import BufferPool
from .._native.gather import Gather
from .._util.types import Array, Ids
from ..core.array import IdxArray
from ..core.selection import ArrayLike
from .gather import RowGatherer
from .materialize import Materialized, locate
from .prefetch import ahead, gathered
from .sharding import RankShard
from .window_shuffle import WindowBuffer, WindowSampler

Batch = tuple[Array, ...]
Out = tuple[Array, Array]

# Small batches are made several at a time, in memory of this many bytes that they share.
_GROUP = 1 << 18
# What batches hold is worked out for this many samples at a time.
_PLANNED = 1 << 13


class BatchSpec(NamedTuple):
    """What all loops over the same batches have in common."""

    shard: RankShard
    images: Materialized | ArrayLike  # where they are gathered from, or unpacked in windows
    image_rows: RowGatherer
    labels: Array
    label_rows: RowGatherer
    outs: list[Out]  # the caller's memory, if any
    threads: int
    prefetch: int


class _Plan(NamedTuple):
    """What batches that follow on each other hold."""

    places: Ids
    labels: list[Array]  # of each batch
    valid: list[Array]


class Cursor:
    """Where a loop is."""

    def __init__(self, epoch: int, position: int) -> None:
        self.epoch = epoch
        self.position = position
        """Of all ranks, behind the batch that the loop got last."""


class EpochIterator:
    """One pass through one epoch."""

    def __init__(self, spec: BatchSpec, cursor: Cursor, labels: Any) -> None:
        """It begins at place, and keeps that up to date; labels: their type, where memory is not the caller's."""
        self._spec, self._cursor, self._label_dtype = spec, cursor, labels
        self._start, self._stride, self._n = cursor.position, spec.shard.stride, spec.shard.order.n
        self._images = spec.images.get() if isinstance(spec.images, Materialized) else spec.images
        self._planned: dict[int, _Plan] = {}
        # Its own, so that two loops don't unpack for each other.
        self._reader: WindowBuffer | None = None
        if isinstance(spec.shard.order, WindowSampler):
            self._reader = WindowBuffer(self._images, spec.shard.order, cursor.epoch, spec.threads)
        row, size = max(1, spec.image_rows.row_nbytes), spec.shard.size
        self._group = 1 if spec.outs else max(1, min(_GROUP // row, _PLANNED) // size)
        """Batches that are made in one go."""
        self._plan_of = self._group * max(1, _PLANNED // (size * self._group))
        """Batches of one plan."""

    def run(self, part: int, parts: int) -> Iterator[Batch]:
        """Every parts-th batch from the given one on; made ahead of the loop if that is wanted."""
        spec, shard = self._spec, self._spec.shard
        group = self._group if parts == 1 else 1
        numbers = range(shard.count(self._start))
        groups = numbers[::group] if parts == 1 else numbers[part::parts]
        outs = spec.outs
        # With arrays of the caller's, the loop looks at one of them while the others are filled.
        depth = -(-spec.prefetch // group) if not outs else min(spec.prefetch, len(outs) - 1)
        depth = min(depth, len(groups))

        pool = BufferPool(min(self._group * shard.size, shard.order.n) * spec.image_rows.row_nbytes)
        gather = self._native()

        def begin(k: int) -> tuple[list[tuple[int, Batch]], Ids, Array]:
            """Some batches, each with its number; the places of their images, and the array that these go to."""
            first = groups[k]
            count = min(group, len(numbers) - first)
            some, places, images = self._begin(first, count, outs[k % len(outs)] if outs else pool)
            return list(enumerate(some, first)), places, images

        def prepare(k: int) -> tuple[list[tuple[int, Batch]], Gather]:
            assert gather is not None
            some, places, images = begin(k)
            return some, gather(places, images)

        def make(k: int) -> list[tuple[int, Batch]]:
            some, places, images = begin(k)
            if gather is not None:
                gather(places, images).run()
            else:
                self._fill(places, images, some[-1][0])
            return some

        made: Iterator[list[tuple[int, Batch]]]
        if not depth:
            made = map(make, range(len(groups)))
        elif gather is not None:
            made = gathered(prepare, len(groups), depth, spec.threads)
        elif self._reader is not None:
            # Windows are unpacked in order by one helper, which has threads of its own.
            made = ahead(make, len(groups), depth, 1, self._reader.leave)
        else:
            made = ahead(make, len(groups), depth, spec.threads)
        for some in made:
            for number, batch in some:
                self._cursor.position = self._behind(number)
                yield batch
            del some, batch
        self._cursor.position = self._n

    def _behind(self, number: int) -> int:
        """The position of all ranks behind a batch."""
        return min(self._start + (number + 1) * self._stride, self._n)

    def _native(self) -> Callable[[Ids, Array], Gather] | None:
        """From places and an array to the native gather of the images there, if there is one."""
        held, rows = self._images, self._spec.image_rows
        if self._reader is not None:
            return None
        assert not isinstance(held, IdxArray)
        source, _ = locate(held, np.empty(0, np.int64))
        if not rows.is_native(source):
            return None
        begun = rows.begun(source)
        return lambda places, images: begun(locate(held, places)[1], images)

    def _begin(self, first: int, count: int, out: Out | BufferPool) -> tuple[list[Batch], Ids, Array]:
        """Batches that follow on each other, from the number of the first, in out or memory of the pool.

        All is there but the images: their places, and the array that they go to.
        """
        spec, size = self._spec, self._spec.shard.size
        plan, number = self._plan(first // self._plan_of), first % self._plan_of
        places = plan.places[number * size : (number + count) * size]
        labels = plan.labels[number : number + count]
        if isinstance(out, BufferPool):
            images = spec.image_rows.shape(out.take(), len(places))
        else:
            images, (plain,) = out[0][: len(places)], labels
            labels = [out[1][: len(places)]]
            labels[0][:] = plain
        each = [images] if count == 1 else [images[k * size : (k + 1) * size] for k in range(count)]
        if spec.shard.remainder == "pad":
            return list(zip(each, labels, plan.valid[number : number + count], strict=True)), places, images
        return list(zip(each, labels, strict=True)), places, images

    def _fill(self, places: Ids, images: Array, last: int) -> None:
        """Fill images otherwise; last: the number of the last batch among them."""
        spec = self._spec
        if self._reader is None:
            assert not isinstance(self._images, IdxArray)
            spec.image_rows.gather(*locate(self._images, places), images)
        else:
            self._reader.gather(spec.image_rows, places, images)
            self._reader.prepare(self._behind(last))

    def _plan(self, k: int) -> _Plan:
        """The k-th plan. Two helper threads may both make it, which does no harm."""
        plan = self._planned.get(k)
        if plan is None:
            spec, size = self._spec, self._spec.shard.size
            places, ids, valid = spec.shard.samples(self._cursor.epoch, self._start, k * self._plan_of, self._plan_of)
            labels = spec.label_rows.gather(spec.labels, ids).astype(self._label_dtype, copy=False)
            plan = _Plan(places, _cut(labels, size), _cut(valid, size))
            # The one before may still be in use by another thread.
            self._planned = {**{j: p for j, p in self._planned.items() if j == k - 1}, k: plan}
        return plan


def _cut(array: Array, size: int) -> list[Array]:
    """An array batch by batch."""
    return [array[start : start + size] for start in range(0, len(array), size)]
