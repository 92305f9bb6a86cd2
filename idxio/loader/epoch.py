"""One pass through an epoch: batches made ahead of the loop that uses them.

1. `_Plans` works out which samples stand in each batch, with their labels, for some thousand
   samples at a time: rows of a sampler, as arrays.
2. `_Bundles` makes the batches. Small ones are made several at a time, a bundle, in memory that
   they share. Of bundle k it can `begin` (plan it and take memory), give the native `job` that
   gathers its images, or `make` all of it on the thread that calls.
3. `EpochIterator` chooses who makes them: native threads (`prefetch.gathered`), where native code
   can gather the records; Python threads (`prefetch.ahead`), where it can't; or the loop itself.
   It hands the batches out one by one, and moves the cursor behind each.

What a batch holds depends on its number alone, never on who makes it or when.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from .._native.buffer_pool import BufferPool
from .._native.gather import Gather
from .._util.types import Array, Ids
from .channels import ChannelLayout
from .gather import RowGatherer
from .materialize import Materialized
from .mixing import Mixing
from .one_hot import one_hot
from .options import Out
from .prefetch import ahead, gathered
from .row_source import Request, RowSource
from .sharding import RankShard
from .transforms import Augmentation

Batch = tuple[Array, ...]
Numbered = list[tuple[int, Batch]]
"""Consecutive batches, each with its number in the pass."""

# Small batches are made several at a time, in memory of this many bytes that they share.
_BUNDLE = 1 << 18
# The rows and labels of batches are worked out for this many samples at a time.
_PLANNED = 1 << 13


class BatchSpec(NamedTuple):
    """What all passes over the same batches have in common."""

    shard: RankShard
    images: Materialized
    image_rows: RowGatherer
    layout: ChannelLayout
    augmentation: Augmentation | None
    mixing: Mixing | None
    labels: Array
    label_rows: RowGatherer
    one_hot: int  # the columns of labels as rows; 0 for labels as they are
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
        self._n = spec.shard.sampler.n
        # Each pass has its own, so that two passes don't drop each other's shuffle windows.
        self._source = spec.shard.sampler.row_source(
            spec.images, cursor.epoch, spec.threads, spec.shard.groups
        )
        self._gatherer = spec.image_rows
        if spec.augmentation is not None:
            self._gatherer = self._gatherer.transformed(spec.augmentation.in_epoch(cursor.epoch))
        self._bundle_size = _batches_at_once(spec)
        self._plans = _Plans(spec, cursor, label_dtype, self._bundle_size)

    def run(self, part: int, parts: int) -> Iterator[Batch]:
        """Every parts-th batch, beginning with number part; made ahead as `prefetch` says."""
        mixing = self._spec.mixing
        for numbered in self._made_bundles(part, parts):
            for number, batch in numbered:
                self._cursor.position = self._plans.behind(number)
                if mixing is not None:
                    images = self._spec.layout.stored(batch[0])
                    begin = self._plans.begin_of(number)
                    mixing.apply(images, batch[1], self._cursor.epoch, begin)
                yield batch
            del numbered, batch  # so that their memory is free once the loop drops them
        self._cursor.position = self._n

    def _made_bundles(self, part: int, parts: int) -> Iterator[Numbered]:
        """The bundles of batches, in order, each when it is made."""
        spec = self._spec
        source = self._source
        bundles = self._bundles_of(part, parts)
        if spec.outs:
            # The loop looks at one of the caller's arrays while the others are filled.
            depth = min(spec.prefetch, len(spec.outs) - 1)
        else:
            depth = -(-spec.prefetch // bundles.size)
        depth = min(depth, len(bundles))
        if not depth:
            return map(bundles.make, range(len(bundles)))
        if bundles.is_native:
            return gathered(bundles.job, len(bundles), depth, spec.threads)
        helpers = 1 if source.is_serial else spec.threads
        return ahead(bundles.make, len(bundles), depth, helpers, source.leave)

    def _bundles_of(self, part: int, parts: int) -> _Bundles:
        """The bundles of one of several parts, which take batches in turn."""
        spec = self._spec
        numbers = range(self._plans.batches)
        if parts == 1:
            size = self._bundle_size
            firsts = numbers[::size]
        else:
            size = 1
            firsts = numbers[part::parts]
        at_once = min(self._bundle_size * spec.shard.size, self._n)
        pool = BufferPool(at_once * spec.image_rows.row_nbytes)
        return _Bundles(self._plans, self._source, self._gatherer, pool, spec.outs, firsts, size)


class _Bundles:
    """Makes the batches of a pass, a bundle at a time. Any thread may make any bundle."""

    def __init__(
        self,
        plans: _Plans,
        source: RowSource,
        gatherer: RowGatherer,
        pool: BufferPool,
        outs: list[Out],
        firsts: range,
        size: int,
    ) -> None:
        """Fill the caller's outs in turn, or memory of the pool if there are none.

        firsts: the number of the first batch of each bundle; size: batches in one.
        """
        self.size = size
        self._plans = plans
        self._source = source
        self._gatherer = gatherer
        self._pool = pool
        self._outs = outs
        self._firsts = firsts
        self._native_job = source.job_for(gatherer)

    def __len__(self) -> int:
        return len(self._firsts)

    @property
    def is_native(self) -> bool:
        """Whether `job` works."""
        return self._native_job is not None

    def begin(self, k: int) -> tuple[Numbered, Request]:
        """The batches of bundle k without images, and the request for these."""
        first = self._firsts[k]
        out = self._outs[k % len(self._outs)] if self._outs else self._pool
        batches, request = self._plans.begin(first, self.size, out)
        return list(enumerate(batches, first)), request

    def job(self, k: int) -> tuple[Numbered, Gather]:
        """The batches of bundle k, and the native job that fills them with images."""
        assert self._native_job is not None
        numbered, request = self.begin(k)
        return numbered, self._native_job(*request)

    def make(self, k: int) -> Numbered:
        """The batches of bundle k, made here."""
        if self._native_job is not None:
            numbered, gather = self.job(k)
            gather.run()
            return numbered
        numbered, request = self.begin(k)
        self._source.gather(self._gatherer, request)
        self._source.prepare(self._plans.behind(numbered[-1][0]))
        return numbered


class _Plans:
    """What stands in the batches of a pass, but for the images; plan by plan."""

    def __init__(self, spec: BatchSpec, cursor: Cursor, label_dtype: Any, bundle_size: int) -> None:
        """A plan is for whole bundles."""
        self._spec = spec
        self._epoch = cursor.epoch
        self._start = cursor.position
        self._label_dtype = label_dtype
        self._per_plan = bundle_size * max(1, _PLANNED // (spec.shard.size * bundle_size))
        self.batches = spec.shard.count(self._start)
        """How many there are in the pass."""
        self._made: dict[int, _Plan] = {}

    def behind(self, number: int) -> int:
        """The position of all ranks behind a batch."""
        shard = self._spec.shard
        return min(self._start + (number + 1) * shard.stride, shard.sampler.n)

    def begin_of(self, number: int) -> int:
        """The position in the order of all ranks where a batch of this rank begins."""
        shard = self._spec.shard
        return self._start + number * shard.stride + shard.rank

    def begin(self, first: int, most: int, out: Out | BufferPool) -> tuple[list[Batch], Request]:
        """The batches from number first on, at most so many, in out or in memory of the pool.

        They have no images yet; returns the request for these too.
        """
        spec = self._spec
        size = spec.shard.size
        count = min(most, self.batches - first)
        plan = self._plan(first // self._per_plan)
        number = first % self._per_plan
        samples = slice(number * size, (number + count) * size)
        rows = plan.rows[samples]
        labels = plan.labels[number : number + count]
        if spec.one_hot:
            labels = [one_hot(one, spec.one_hot) for one in labels]
        if isinstance(out, BufferPool):
            images = spec.image_rows.shape(out.take(), len(rows))
        else:
            images = spec.layout.stored(out[0][: len(rows)])
            labels_out = out[1][: len(rows)]
            labels_out[:] = labels[0]
            labels = [labels_out]
        request = Request(rows, plan.positions[samples], images)
        each = [images] if count == 1 else _cut(images, size)
        if not spec.layout.is_as_stored:
            each = [spec.layout.shown(one) for one in each]
        if spec.shard.remainder == "pad":
            valid = plan.valid[number : number + count]
            return list(zip(each, labels, valid, strict=True)), request
        return list(zip(each, labels, strict=True)), request

    def _plan(self, k: int) -> _Plan:
        """The k-th plan. Two helper threads may both make it, which does no harm."""
        plan = self._made.get(k)
        if plan is None:
            plan = self._make(k)
            # Another thread may still use the plan before this one.
            before = {j: other for j, other in self._made.items() if j == k - 1}
            self._made = {**before, k: plan}
        return plan

    def _make(self, k: int) -> _Plan:
        spec = self._spec
        size = spec.shard.size
        first = k * self._per_plan
        samples = spec.shard.samples(self._epoch, self._start, first, self._per_plan)
        labels = spec.label_rows.gather(spec.labels, samples.ids)
        labels = labels.astype(self._label_dtype, copy=False)
        return _Plan(samples.rows, samples.positions, _cut(labels, size), _cut(samples.valid, size))


def _batches_at_once(spec: BatchSpec) -> int:
    """How many batches make a bundle, unless several parts take batches in turn."""
    if spec.outs:
        return 1
    samples = min(_BUNDLE // max(1, spec.image_rows.row_nbytes), _PLANNED)
    return max(1, samples // spec.shard.size)


def _cut(array: Array, size: int) -> list[Array]:
    """An array batch by batch, as views."""
    return [array[start : start + size] for start in range(0, len(array), size)]
