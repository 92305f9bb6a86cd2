"""Batches: what a loop over samples is to be, the epoch that it is in, and states to go on from."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .._native import inflate
from .._util.threads import check_threads
from .._util.types import Array
from ..core.selection import ArrayLike, Selection
from . import samplers
from .epoch import Batch, BatchSpec, Cursor, EpochIterator, Out
from .gather import RowGatherer
from .materialize import Materialized
from .sharding import REMAINDERS, RankShard
from .window_shuffle import BUFFER, WindowSampler

# Labels that tell one dataset from another.
_LABELS_TOLD = 1 << 12


class Batches:
    """What ``ds.batches(...)`` returns: iterate it once for each epoch. See `Dataset.batches`."""

    def __init__(
        self,
        images: Materialized | ArrayLike,
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
        """images are held, or an array or a selection of one; anything else is unpacked in windows."""
        batch_size, world_size = (
            samplers.whole("batch_size", batch_size, 1),
            samplers.whole("world_size", world_size, 1),
        )
        rank = samplers.whole("rank", rank, 0)
        if rank >= world_size:
            raise ValueError(f"rank {rank} of world_size {world_size}: ranks go from 0 to world_size - 1")
        if remainder not in REMAINDERS:
            raise ValueError(f"remainder is one of {', '.join(REMAINDERS)}, not {remainder!r}")
        samplers.word("seed", seed)
        n = len(labels)
        if isinstance(images, np.ndarray) or (isinstance(images, Selection) and isinstance(images.base, np.ndarray)):
            images = Materialized(images)
        if isinstance(images, Materialized):
            images.get()  # what is wrong with a file is said here
        given = images.images if isinstance(images, Materialized) else images
        if not given.shape or given.shape[0] != n:
            raise ValueError(f"there are {n} labels for images of shape {given.shape}")
        if buffer is not None:
            samplers.whole("buffer", buffer, 1)
        chosen = int(seed) if shuffle else None
        in_order: samplers.Sampler
        window = 0
        if given is images:
            nbytes = given.dtype.itemsize * int(np.prod(given.shape[1:], dtype=np.int64))
            in_order = WindowSampler(n, nbytes, buffer or BUFFER, chosen, labels if balanced else None)
            window = in_order.window
        elif balanced:
            in_order = samplers.BalancedSampler(labels, chosen)
        else:
            in_order = samplers.Sampler(n) if chosen is None else samplers.ShuffledSampler(n, chosen)
        image_rows = RowGatherer(given.dtype, given.shape[1:], dtype, scale, mean, std)
        label_rows = RowGatherer(labels.dtype, labels.shape[1:])
        self._shard = RankShard(in_order, batch_size, drop_last, rank, world_size, remainder)
        self._spec = BatchSpec(
            self._shard,
            images,
            image_rows,
            labels,
            label_rows,
            _check_outs(out, batch_size, image_rows, label_rows),
            check_threads(threads),
            samplers.whole("prefetch", prefetch, 0),
        )
        # What makes the order; a state of another order is refused.
        self._identity = {
            "version": samplers.VERSION,
            "samples": n,
            "seed": int(seed),
            "shuffle": int(shuffle),
            "balanced": int(balanced),
            "window": window,
        }
        self.epoch = 0
        """The epoch that the next loop goes through. A loop that comes to its end adds one."""
        self._start = 0  # of the next loop, in the order of all ranks
        self._latest: Cursor | None = None  # of the loop that was begun last, unless it ended

    def __len__(self) -> int:
        """The batches of a whole epoch on this rank."""
        return self._shard.count(0)

    @property
    def has_out(self) -> bool:
        """Whether batches are put into arrays of the caller's."""
        return bool(self._spec.outs)

    def __iter__(self) -> Iterator[Batch]:
        return self.part(0, 1)

    def part(self, part: int, parts: int, labels: Any = None) -> Iterator[Batch]:
        """Every parts-th batch of the next epoch, from the given one on, for parts processes that share this rank.

        labels: the type of the labels, unless there is `out`; by default the one that they are stored in.
        """
        kind = labels or self._spec.labels.dtype.newbyteorder("=")
        cursor = Cursor(*self.begin)
        self._latest, self._start = cursor, 0
        return self._run(EpochIterator(self._spec, cursor, kind), cursor, part, parts)

    def _run(self, loop: EpochIterator, cursor: Cursor, part: int, parts: int) -> Iterator[Batch]:
        yield from loop.run(part, parts)
        if self._latest is cursor:  # nobody began another loop, or said where to go on
            self.go_to((cursor.epoch + 1) % (1 << 64), 0)

    def set_epoch(self, epoch: int) -> None:
        """Go through this epoch next, from its start."""
        self.go_to(samplers.word("epoch", epoch), 0)

    @property
    def begin(self) -> tuple[int, int]:
        """The epoch, and the position of all ranks in it, where the next loop begins."""
        return self.epoch, self._start

    def go_to(self, epoch: int, position: int) -> None:
        """Begin the next loop at a position of all ranks in an epoch."""
        self.epoch, self._start, self._latest = epoch, position, None

    def state_dict(self) -> dict[str, int]:
        """Where the loop that was begun last is, as a few integers: after the batch that it got last.

        The same on every rank that got as many batches.
        """
        cursor = self._latest or Cursor(*self.begin)
        told = _told(self._spec.labels)
        return {**self._identity, "labels": told, "epoch": cursor.epoch, "position": cursor.position}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Let the next loop go on where another one was, also with another batch size or number of ranks.

        Raises
        ------
        ValueError
            The state is one of another dataset, another order or another version of the order.
        """
        found = {**self._identity, "labels": _told(self._spec.labels)}
        if missing := [key for key in (*found, "epoch", "position") if key not in state]:
            raise ValueError(f"this is not a state of batches: it has no {', '.join(missing)}")
        for key, value in found.items():
            if state[key] != value:
                raise ValueError(f"the state has {key} {state[key]}; these batches have {value}: {_MEANING[key]}")
        epoch, position = samplers.word("epoch", state["epoch"]), samplers.whole("position", state["position"], 0)
        if position > self._shard.order.n:
            raise ValueError(f"the state has position {position} of {self._shard.order.n} samples")
        self.go_to(epoch, position)


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


def _told(labels: Array) -> int:
    """A number that tells these labels from others."""
    some = labels[:: max(1, len(labels) // _LABELS_TOLD)]
    return inflate.crc32(np.ascontiguousarray(some, np.int64).view(np.uint8).reshape(-1))


def _check_outs(
    out: Out | Sequence[Out] | None, batch_size: int, image_rows: RowGatherer, label_rows: RowGatherer
) -> list[Out]:
    """One pair of arrays, or several that take turns, as a list."""
    if out is None:
        return []
    outs: Any = [out] if len(out) == 2 and isinstance(out[0], np.ndarray) else list(out)
    for pair in outs:
        if len(pair) != 2:
            raise ValueError("out is a pair of arrays, for images and labels, or a list of such pairs")
        image_rows.check_out(pair[0], batch_size)
        label_rows.check_out(pair[1], batch_size)
    arrays = [array for pair in outs for array in pair]
    if any(np.may_share_memory(one, other) for one, other in itertools.combinations(arrays, 2)):
        raise ValueError("two of the arrays in out have the same memory")
    return list(outs)
