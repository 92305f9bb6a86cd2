"""Batches: shuffled, sharded over ranks, resumable, assembled ahead of the loop."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from . import order
from .assembly import Assembler
from .parallel import check_threads

Array = np.ndarray[Any, np.dtype[Any]]
Batch = tuple[Array, ...]

_REMAINDERS = ("keep", "drop", "pad")


class Batches:
    """What ``ds.batches(...)`` returns: iterate it once for each epoch. See `Dataset.batches`."""

    def __init__(
        self,
        images: Array,
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
        out: tuple[Array, Array] | None = None,
        threads: int | None = None,
        prefetch: int = 2,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size is 1 or more, not {batch_size}")
        if not 0 <= rank < world_size:
            raise ValueError(f"rank is 0 to world_size - 1, not {rank} with world_size {world_size}")
        if remainder not in _REMAINDERS:
            raise ValueError(f"remainder is one of {', '.join(_REMAINDERS)}, not {remainder!r}")
        if not 0 <= seed < 1 << 64:
            raise ValueError(f"seed is 0 to 2^64 - 1, not {seed}")
        if out is not None and prefetch:
            prefetch = 0  # what the loop looks at must not change under it
        n = len(images)
        self._order: order.Order
        if balanced:
            self._order = order.Balanced(labels, seed if shuffle else None)
        else:
            self._order = order.Shuffled(n, seed) if shuffle else order.Order(n)
        self._images = Assembler(images, dtype, scale, mean, std)
        self._labels = Assembler(labels)
        self._threads = check_threads(threads)
        self._out = out
        self._prefetch = prefetch
        self._size, self._rank, self._world_size = batch_size, rank, world_size
        self._remainder, self._drop_last = remainder, drop_last
        # What makes the order; a state of another order is refused.
        self._identity = {"version": order.VERSION, "n": n, "seed": seed, "shuffle": shuffle, "balanced": balanced}
        self.epoch = 0
        """The epoch that the next loop goes through. A loop that comes to its end adds one."""
        self._start = 0  # of the next loop, in the order of all ranks
        self._latest: _Loop | None = None

    def __len__(self) -> int:
        """The batches of a whole epoch on this rank."""
        return self._count(0)

    def _count(self, start: int) -> int:
        """The batches of this rank from a position of all ranks on."""
        mine = len(range(start + self._rank, self._limit(start), self._world_size))
        return mine // self._size if self._drop_last else -(-mine // self._size)

    def _limit(self, start: int) -> int:
        """The position of all ranks where the epoch ends."""
        left = self._order.n - start
        if self._remainder == "keep":
            return self._order.n
        whole = left // self._world_size if self._remainder == "drop" else -(-left // self._world_size)
        return start + whole * self._world_size

    def set_epoch(self, epoch: int) -> None:
        """Go through this epoch next, from its start."""
        if epoch < 0:
            raise ValueError(f"epoch is 0 or more, not {epoch}")
        self.epoch, self._start, self._latest = epoch, 0, None

    def state_dict(self) -> dict[str, int]:
        """Where the loop that was begun last is, as a few integers: after the batch that it got last."""
        loop = self._latest
        epoch, position = (self.epoch, self._start) if loop is None else (loop.epoch, loop.position)
        return {**{key: int(value) for key, value in self._identity.items()}, "epoch": epoch, "position": position}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Let the next loop go on where another one was, also with another batch size or number of ranks.

        Raises ValueError for a state of another dataset, seed or version of the order.
        """
        for key, value in self._identity.items():
            if state.get(key) != int(value):
                raise ValueError(f"the state has {key} {state.get(key)}; these batches have {int(value)}")
        if not 0 <= state["position"] <= self._order.n or state["epoch"] < 0:
            raise ValueError(f"the state has epoch {state['epoch']} and position {state['position']}, which can't be")
        self.epoch, self._start, self._latest = state["epoch"], state["position"], None

    def __iter__(self) -> Iterator[Batch]:
        loop = _Loop(self, self.epoch, self._start)
        self._latest, self._start = loop, 0
        return loop.run()

    def batch(self, epoch: int, start: int, number: int) -> tuple[Batch, int]:
        """The batch with this number from a position on, and the position of all ranks behind it."""
        share = self._size * self._world_size
        limit = self._limit(start)
        begin = start + number * share
        end = min(begin + share, limit)
        n = self._order.n
        ids = self._order.ids(epoch, begin, min(end, n))
        valid = len(ids)
        ids = self._order.deal(ids)
        if end > n:  # padded with the first samples of the epoch
            places = np.arange(n, end) % n
            more = self._order.ids(epoch, 0, min(n, end - n))
            ids = np.concatenate([ids, more[places % len(more)]])
        mine = ids[self._rank :: self._world_size]
        images, labels = (None, None) if self._out is None else (part[: len(mine)] for part in self._out)
        result: Batch = (
            self._images.gather(mine, images, self._threads),
            self._labels.gather(mine, labels, 1),
        )
        if self._remainder == "pad":
            result = (*result, np.arange(len(ids))[self._rank :: self._world_size] < valid)
        return result, min(end, n)


class _Loop:
    """One pass through one epoch."""

    def __init__(self, batches: Batches, epoch: int, start: int) -> None:
        self.batches, self.epoch, self.start = batches, epoch, start
        self.position = start

    def run(self) -> Iterator[Batch]:
        """The batches in order, made ahead by a thread if that is wanted."""
        numbers = range(self.batches._count(self.start))
        made = self._ahead(numbers) if self.batches._prefetch else map(self._make, numbers)
        for batch, self.position in made:
            yield batch
        self.position = self.batches._order.n
        if self.batches.epoch == self.epoch:
            self.batches.epoch += 1
            if self.batches._latest is self:
                self.batches._latest = None

    def _make(self, number: int) -> tuple[Batch, int]:
        return self.batches.batch(self.epoch, self.start, number)

    def _ahead(self, numbers: range) -> Iterator[tuple[Batch, int]]:
        made: queue.Queue[Any] = queue.Queue(self.batches._prefetch)
        stopped = threading.Event()

        def work() -> None:
            try:
                for number in numbers:
                    if stopped.is_set():
                        return
                    made.put(self._make(number))
            except BaseException as error:
                made.put(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            for _ in numbers:
                item = made.get()
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            stopped.set()
            while thread.is_alive():
                while not made.empty():
                    made.get()
                thread.join(0.001)
