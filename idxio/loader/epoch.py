"""One pass through an epoch: batches made ahead of the loop that uses them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from .._native.buffer_pool import BufferPool
from .._native.gather import Gather
from .._util.types import Array, Ids
from .gather import RowGatherer
from .materialize import Materialized
from .options import Out
from .prefetch import ahead, gathered
from .row_source import Request
from .sharding import RankShard
from .transforms import Augmentation

Batch = tuple[Array, ...]
Numbered = list[tuple[int, Batch]]
"""Consecutive batches, each with its number in the pass."""

# Small batches are made several at a time, in memory of this many bytes that they share.
_GROUP = 1 << 18
# The rows and labels of batches are worked out for this many samples at a time.
_PLANNED = 1 << 13


class BatchSpec(NamedTuple):
    """What all passes over the same batches have in common."""

    shard: RankShard
    images: Materialized
    image_rows: RowGatherer
    augmentation: Augmentation | None
    labels: Array
    label_rows: RowGatherer
    outs: list[Out]  # the caller's memory, if any
    threads: int
    prefetch: int


class _Plan(NamedTuple):
    """The contents of consecutive batches, without the images."""

    rows: Ids
    positions: Ids
    labels: list[Array]  # of each batch
    valid: list[Array]  # of each batch


class Cursor:
    """The position of a loop."""

    def __init__(self, epoch: int, position: int) -> None:
        self.epoch = epoch
        self.position = position
        """In the order of all ranks, behind the batch that the loop got last."""


class EpochIterator:
    """One pass through one epoch."""

    def __init__(self, spec: BatchSpec, cursor: Cursor, label_dtype: Any) -> None:
        """The pass begins at the cursor and moves it along.

        label_dtype: of the labels, where memory is not the caller's.
        """
        self._spec = spec
        self._cursor = cursor
        self._label_dtype = label_dtype
        self._start = cursor.position
        self._stride = spec.shard.stride
        sampler = spec.shard.sampler
        self._n = sampler.n
        self._plans: dict[int, _Plan] = {}
        # Each pass has its own, so that two passes don't drop each other's shuffle windows.
        self._source = sampler.row_source(spec.images, cursor.epoch, spec.threads)
        self._gatherer = spec.image_rows
        if spec.augmentation is not None:
            self._gatherer = self._gatherer.transformed(spec.augmentation.in_epoch(cursor.epoch))
        self._group = self._batches_at_once()
        """Batches that are made in one go."""
        self._per_plan = self._group * max(1, _PLANNED // (spec.shard.size * self._group))
        """Batches of one plan."""

    def _batches_at_once(self) -> int:
        if self._spec.outs:
            return 1
        row_nbytes = max(1, self._spec.image_rows.row_nbytes)
        samples = min(_GROUP // row_nbytes, _PLANNED)
        return max(1, samples // self._spec.shard.size)

    def run(self, part: int, parts: int) -> Iterator[Batch]:
        """Every parts-th batch, beginning with number part; made ahead as `prefetch` says."""
        spec = self._spec
        shard = spec.shard
        numbers = range(shard.count(self._start))
        if parts == 1:
            group = self._group
            groups = numbers[::group]
        else:
            group = 1
            groups = numbers[part::parts]
        outs = spec.outs
        # The loop looks at one of the caller's arrays while the others are filled.
        depth = min(spec.prefetch, len(outs) - 1) if outs else -(-spec.prefetch // group)
        depth = min(depth, len(groups))

        at_once = min(self._group * shard.size, shard.sampler.n)
        pool = BufferPool(at_once * spec.image_rows.row_nbytes)
        source = self._source
        gatherer = self._gatherer
        job = source.job_for(gatherer)

        def begin(k: int) -> tuple[Numbered, Request]:
            """The batches of a group without images, and the request for these."""
            first = groups[k]
            count = min(group, len(numbers) - first)
            out = outs[k % len(outs)] if outs else pool
            batches, request = self._begin(first, count, out)
            return list(enumerate(batches, first)), request

        def prepare(k: int) -> tuple[Numbered, Gather]:
            assert job is not None
            numbered, request = begin(k)
            return numbered, job(*request)

        def make(k: int) -> Numbered:
            numbered, request = begin(k)
            if job is not None:
                job(*request).run()
            else:
                source.gather(gatherer, request)
                source.prepare(self._behind(numbered[-1][0]))
            return numbered

        made: Iterator[Numbered]
        if not depth:
            made = map(make, range(len(groups)))
        elif job is not None:
            made = gathered(prepare, len(groups), depth, spec.threads)
        else:
            helpers = 1 if source.is_serial else spec.threads
            made = ahead(make, len(groups), depth, helpers, source.leave)
        for numbered in made:
            for number, batch in numbered:
                self._cursor.position = self._behind(number)
                yield batch
            del numbered, batch
        self._cursor.position = self._n

    def _behind(self, number: int) -> int:
        """The position of all ranks behind a batch."""
        return min(self._start + (number + 1) * self._stride, self._n)

    def _begin(
        self,
        first: int,
        count: int,
        out: Out | BufferPool,
    ) -> tuple[list[Batch], Request]:
        """count batches from number first on, in out or in memory of the pool, without images.

        Returns the batches, and the request for their images.
        """
        spec = self._spec
        size = spec.shard.size
        plan = self._plan(first // self._per_plan)
        number = first % self._per_plan
        stretch = slice(number * size, (number + count) * size)
        rows = plan.rows[stretch]
        labels = plan.labels[number : number + count]
        if isinstance(out, BufferPool):
            images = spec.image_rows.shape(out.take(), len(rows))
        else:
            images = out[0][: len(rows)]
            labels_out = out[1][: len(rows)]
            labels_out[:] = labels[0]
            labels = [labels_out]
        request = Request(rows, plan.positions[stretch], images)
        each = [images] if count == 1 else _cut(images, size)
        if spec.shard.remainder == "pad":
            valid = plan.valid[number : number + count]
            return list(zip(each, labels, valid, strict=True)), request
        return list(zip(each, labels, strict=True)), request

    def _plan(self, k: int) -> _Plan:
        """The k-th plan. Two helper threads may both make it, which does no harm."""
        plan = self._plans.get(k)
        if plan is None:
            plan = self._make_plan(k)
            # Another thread may still use the plan before this one.
            before = {j: other for j, other in self._plans.items() if j == k - 1}
            self._plans = {**before, k: plan}
        return plan

    def _make_plan(self, k: int) -> _Plan:
        spec = self._spec
        size = spec.shard.size
        first = k * self._per_plan
        samples = spec.shard.samples(self._cursor.epoch, self._start, first, self._per_plan)
        labels = spec.label_rows.gather(spec.labels, samples.ids)
        labels = labels.astype(self._label_dtype, copy=False)
        return _Plan(samples.rows, samples.positions, _cut(labels, size), _cut(samples.valid, size))


def _cut(array: Array, size: int) -> list[Array]:
    """An array batch by batch, as views."""
    return [array[start : start + size] for start in range(0, len(array), size)]
