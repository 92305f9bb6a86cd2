"""Batches: shuffled, sharded over ranks, resumable, assembled ahead of the loop."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from . import order
from ._native import inflate
from ._native.batch import Gather
from ._native.pool import Pool
from .array import IdxArray
from .assembly import Assembler
from .holding import locate
from .parallel import check_threads
from .prefetch import ahead, gathered
from .selection import ArrayLike, Selection
from .windows import BUFFER, WindowReader, Windows

Array = np.ndarray[Any, np.dtype[Any]]
Batch = tuple[Array, ...]
Ids = order.Ids
Out = tuple[Array, Array]

REMAINDERS = ("keep", "drop", "pad")
# Small batches are made several at a time, in memory of this many bytes that they share.
_GROUP = 1 << 18
# What batches hold is worked out for this many samples at a time.
_PLANNED = 1 << 13
# Labels that tell one dataset from another.
_LABELS_TOLD = 1 << 12


class Batches:
    """What ``ds.batches(...)`` returns: iterate it once for each epoch. See `Dataset.batches`."""

    def __init__(
        self,
        images: ArrayLike,
        labels: Array,
        batch_size: int,
        *,
        shuffle: bool = False,
        seed: int = 0,
        drop_last: bool = False,
        dtype: Any = None,
        scale: Any = None,
        mean: Any = None,
        std: Any = None,
        balanced: bool = False,
        rank: int = 0,
        world_size: int = 1,
        remainder: str = "keep",
        out: Out | Sequence[Out] | None = None,
        threads: int | None = None,
        prefetch: int = 2,
        buffer: int | None = None,
    ) -> None:
        """images are an array or a selection of one, as `hold` gives them; anything else is unpacked in windows."""
        self._size = _whole("batch_size", batch_size, 1)
        self._world_size = _whole("world_size", world_size, 1)
        self._rank = _whole("rank", rank, 0)
        if self._rank >= self._world_size:
            raise ValueError(f"rank {rank} of world_size {world_size}: ranks go from 0 to world_size - 1")
        if remainder not in REMAINDERS:
            raise ValueError(f"remainder is one of {', '.join(REMAINDERS)}, not {remainder!r}")
        _word("seed", seed)
        n = len(labels)
        if not images.shape or images.shape[0] != n:
            raise ValueError(f"there are {n} labels for images of shape {images.shape}")
        self._remainder, self._drop_last = remainder, drop_last
        self._threads, self._prefetch = check_threads(threads), _whole("prefetch", prefetch, 0)
        self._labels = labels
        self._images = images
        is_held = isinstance(images, np.ndarray) or (
            isinstance(images, Selection) and isinstance(images.base, np.ndarray) and not images.is_upright
        )
        self._image_rows = Assembler(images.dtype, images.shape[1:], dtype, scale, mean, std)
        self._label_rows = Assembler(labels.dtype, labels.shape[1:])
        chosen = int(seed) if shuffle else None
        self._order: order.Order
        window = 0
        if buffer is not None:
            _whole("buffer", buffer, 1)
        if not is_held:
            nbytes = images.dtype.itemsize * int(np.prod(images.shape[1:], dtype=np.int64))
            self._order = Windows(n, nbytes, buffer or BUFFER, chosen, labels if balanced else None)
            window = self._order.window
        elif balanced:
            self._order = order.Balanced(labels, chosen)
        else:
            self._order = order.Order(n) if chosen is None else order.Shuffled(n, chosen)
        self._outs = self._check_outs(out)
        # What makes the order; a state of another order is refused.
        self._identity = {
            "version": order.VERSION,
            "samples": n,
            "seed": int(seed),
            "shuffle": int(shuffle),
            "balanced": int(balanced),
            "window": window,
        }
        self.epoch = 0
        """The epoch that the next loop goes through. A loop that comes to its end adds one."""
        self._start = 0  # of the next loop, in the order of all ranks
        self._latest: _Loop | None = None

    def __len__(self) -> int:
        """The batches of a whole epoch on this rank."""
        return self.count(0)

    def __iter__(self) -> Iterator[Batch]:
        return self.part(0, 1)

    def part(self, part: int, parts: int, labels: Any = None) -> Iterator[Batch]:
        """Every parts-th batch of the next epoch, from the given one on, for parts processes that share this rank.

        labels: the type of the labels, unless there is `out`; by default the one that they are stored in.
        """
        self._latest = _Loop(self, self.epoch, self._start, labels or self._labels.dtype.newbyteorder("="))
        self._start = 0
        return self._latest.run(part, parts)

    def set_epoch(self, epoch: int) -> None:
        """Go through this epoch next, from its start."""
        self.epoch, self._start, self._latest = _word("epoch", epoch), 0, None

    def state_dict(self) -> dict[str, int]:
        """Where the loop that was begun last is, as a few integers: after the batch that it got last.

        The same on every rank that got as many batches.
        """
        loop = self._latest
        epoch, position = (self.epoch, self._start) if loop is None else (loop.epoch, loop.position)
        return {**self._identity, "labels": self._labels_told(), "epoch": epoch, "position": position}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Let the next loop go on where another one was, also with another batch size or number of ranks.

        Raises
        ------
        ValueError
            The state is one of another dataset, another order or another version of the order.
        """
        found = {**self._identity, "labels": self._labels_told()}
        if missing := [key for key in (*found, "epoch", "position") if key not in state]:
            raise ValueError(f"this is not a state of batches: it has no {', '.join(missing)}")
        for key, value in found.items():
            if state[key] != value:
                raise ValueError(f"the state has {key} {state[key]}; these batches have {value}: {_MEANING[key]}")
        epoch, position = _word("epoch", state["epoch"]), _whole("position", state["position"], 0)
        if position > self._order.n:
            raise ValueError(f"the state has position {position} of {self._order.n} samples")
        self.epoch, self._start, self._latest = epoch, position, None

    def _labels_told(self) -> int:
        """A number that tells these labels from others."""
        some = self._labels[:: max(1, len(self._labels) // _LABELS_TOLD)]
        return inflate.crc32(np.ascontiguousarray(some, np.int64).view(np.uint8).reshape(-1))

    def _check_outs(self, out: Out | Sequence[Out] | None) -> list[Out]:
        if out is None:
            return []
        # One pair, or several that take turns.
        outs: Any = [out] if len(out) == 2 and isinstance(out[0], np.ndarray) else list(out)
        for pair in outs:
            if len(pair) != 2:
                raise ValueError("out is a pair of arrays, for images and labels, or a list of such pairs")
            self._image_rows.check_out(pair[0], self._size)
            self._label_rows.check_out(pair[1], self._size)
        return list(outs)

    @property
    def _share(self) -> int:
        """The samples of one batch on all ranks."""
        return self._size * self._world_size

    def count(self, start: int) -> int:
        """The batches of this rank from a position of all ranks on."""
        mine = len(range(start + self._rank, self._limit(start), self._world_size))
        return mine // self._size if self._drop_last else -(-mine // self._size)

    def _limit(self, start: int) -> int:
        """The position of all ranks where the epoch ends."""
        n = self._order.n
        if self._remainder == "keep":
            return n
        left = (n - start) % self._world_size
        if left == 0:
            return n
        return n - left if self._remainder == "drop" else n - left + self._world_size


# What another value means, by its key in a state.
_MEANING = {
    "version": "it was saved by an idxio whose orders are others; begin the epoch anew with set_epoch",
    "samples": "it is one of another dataset",
    "labels": "it is one of another dataset",
    "seed": "give batches() the same seed",
    "shuffle": "give batches() the same shuffle",
    "balanced": "give batches() the same balanced",
    "window": "give batches() the same buffer, and images that are held in the same way",
}


class _Plan(NamedTuple):
    """What batches that follow on each other hold, on this rank."""

    places: Ids
    labels: list[Array]  # of each batch
    valid: list[Array]  # of each batch: whether a sample is one of the epoch, or repeated to fill the batch


class _Loop:
    """One pass through one epoch."""

    def __init__(self, batches: Batches, epoch: int, start: int, labels: Any) -> None:
        self.epoch, self.position = epoch, start
        self._label_dtype = labels
        self._batches, self._start = batches, start
        self._planned: dict[int, _Plan] = {}
        # Its own, so that two loops don't unpack for each other.
        self._reader: WindowReader | None = None
        if isinstance(batches._order, Windows):
            self._reader = WindowReader(batches._images, batches._order, epoch, batches._threads)
        row = max(1, batches._image_rows.row_nbytes)
        self._group = 1 if batches._outs else max(1, min(_GROUP // row, _PLANNED) // batches._size)
        """Batches that are made in one go."""
        self._plan_of = self._group * max(1, _PLANNED // (batches._size * self._group))
        """Batches of one plan."""

    def run(self, part: int, parts: int) -> Iterator[Batch]:
        """Every parts-th batch from the given one on; made ahead of the loop if that is wanted."""
        batches = self._batches
        group = self._group if parts == 1 else 1
        numbers = range(batches.count(self._start))
        groups = numbers[::group] if parts == 1 else numbers[part::parts]
        outs = batches._outs
        # With arrays of the caller's, the loop looks at one of them while the others are filled.
        depth = -(-batches._prefetch // group) if not outs else min(batches._prefetch, len(outs) - 1)

        most = min(self._group * batches._size, batches._order.n)
        pool = Pool(most * batches._image_rows.row_nbytes)
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
                self._fill(places, images, some[-1][0] + 1)
            return some

        made: Iterator[list[tuple[int, Batch]]]
        if not depth:
            made = map(make, range(len(groups)))
        elif gather is not None:
            made = gathered(prepare, len(groups), depth, batches._threads)
        else:
            # Windows are unpacked in order by one helper, which has threads of its own.
            made = ahead(make, len(groups), depth, 1 if self._reader else batches._threads)
        share, n = batches._share, batches._order.n
        for some in made:
            for number, batch in some:
                self.position = min(self._start + (number + 1) * share, n)
                yield batch
            del some, batch
        self._end()

    def _end(self) -> None:
        batches = self._batches
        self.position = batches._order.n
        if batches.epoch == self.epoch and batches._latest in (self, None):
            batches.epoch += 1
            batches._latest = None

    def _native(self) -> Callable[[Ids, Array], Gather] | None:
        """From places and an array to the native gather of the images there, if there is one."""
        held, rows = self._batches._images, self._batches._image_rows
        if self._reader is not None:
            return None
        assert not isinstance(held, IdxArray)
        source, _ = locate(held, np.empty(0, np.int64))
        if not rows.is_native(source):
            return None
        begun = rows.begun(source)
        return lambda places, images: begun(locate(held, places)[1], images)

    def _begin(self, first: int, count: int, out: Out | Pool) -> tuple[list[Batch], Ids, Array]:
        """Batches that follow on each other, from the number of the first, in out or memory of the pool.

        All is there but the images: their places, and the array that they go to.
        """
        batches, size = self._batches, self._batches._size
        plan, number = self._plan(first // self._plan_of), first % self._plan_of
        places = plan.places[number * size : (number + count) * size]
        labels = plan.labels[number : number + count]
        if isinstance(out, Pool):
            images = batches._image_rows.shape(out.take(), len(places))
        else:
            images, (plain,) = out[0][: len(places)], labels
            labels = [out[1][: len(places)]]
            labels[0][:] = plain
        each = [images] if count == 1 else [images[k * size : (k + 1) * size] for k in range(count)]
        if batches._remainder == "pad":
            return list(zip(each, labels, plan.valid[number : number + count], strict=True)), places, images
        return list(zip(each, labels, strict=True)), places, images

    def _fill(self, places: Ids, images: Array, behind: int) -> None:
        """Fill images otherwise; behind: the number of the batch that comes after them."""
        batches = self._batches
        if self._reader is None:
            assert not isinstance(batches._images, IdxArray)
            batches._image_rows.gather(*locate(batches._images, places), images)
        else:
            self._reader.gather(batches._image_rows, places, images)
            self._reader.prepare(min(self._start + behind * batches._share, batches._order.n))

    def _plan(self, k: int) -> _Plan:
        """The k-th plan. Two helper threads may both make it, which does no harm."""
        plan = self._planned.get(k)
        if plan is None:
            plan = self._new_plan(k)
            # The one before may still be in use by another thread.
            self._planned = {**{j: p for j, p in self._planned.items() if j == k - 1}, k: plan}
        return plan

    def _new_plan(self, k: int) -> _Plan:
        batches, order = self._batches, self._batches._order
        share = batches._share
        begin = self._start + k * self._plan_of * share
        end = min(begin + self._plan_of * share, batches._limit(self._start))
        places = order.places(self.epoch, begin, min(end, order.n))
        samples = len(places)
        if end > order.n:  # the samples of the last batch of all ranks again
            places = np.concatenate([places, np.resize(places[(samples - 1) // share * share :], end - order.n)])
        ids = order.ids(self.epoch, places)
        turns = order.turns(ids, batches._rank, batches._world_size, share)
        labels = batches._label_rows.gather(batches._labels, ids[turns]).astype(self._label_dtype, copy=False)
        valid = (np.arange(len(ids)) < samples)[turns]
        return _Plan(np.ascontiguousarray(places[turns]), _cut(labels, batches._size), _cut(valid, batches._size))


def _cut(array: Array, size: int) -> list[Array]:
    """An array batch by batch."""
    return [array[start : start + size] for start in range(0, len(array), size)]


def _word(name: str, value: Any) -> int:
    """An integer that the key of an order has room for."""
    number = _whole(name, value, 0)
    if number >> 64:
        raise ValueError(f"{name} is less than 2^64, not {number}")
    return number


def _whole(name: str, value: Any, least: int) -> int:
    """An integer that is not too small."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is an integer, not {value!r}") from None
    if number < least:
        raise ValueError(f"{name} is {least} or more, not {number}")
    return number
