"""Batches: checks the data of a training loop, holds its epoch, and saves and loads its state."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from .._native import inflate
from .._util.integers import unsigned_64, whole_number
from .._util.threads import check_threads
from .._util.types import Array
from ..core.array import IdxArray, chunks_of
from ..core.selection import ArrayLike
from . import one_hot, samplers
from .channels import ChannelLayout
from .epoch import Batch, BatchSpec, Cursor, EpochIterator
from .gather import RowGatherer
from .materialize import Materialized, needs_windows
from .mixing import Mixing
from .options import BatchOptions, Out
from .sharding import RankShard
from .state import BatchState
from .transforms import Augmentation
from .weights import WeightedSampler
from .window_shuffle import BUFFER, WindowSampler

# A checksum over this many labels, evenly spaced, identifies a dataset.
_LABELS_SAMPLED = 1 << 12


Through = Callable[[Iterator[Batch]], Iterator[Any]]
"""A generator of one thing for each batch, in order."""


class Conversion(NamedTuple):
    """How images as they are stored become those of batches, but for the layout."""

    dtype: np.dtype[Any]
    factors: tuple[Array, Array] | None
    """An element x is ``dtype(x) * a + b``, each rounded; a and b are a number, or a record as
    batches show it. None: ``dtype(x)``."""


class Batches:
    """What ``ds.batches(...)`` returns: iterate it once for each epoch. See `Dataset.batches`."""

    def __init__(
        self,
        images: Materialized,
        labels: Array,
        options: BatchOptions,
    ) -> None:
        stored = images.images
        n = len(labels)
        if not stored.shape or stored.shape[0] != n:
            raise ValueError(f"there are {n} labels for images of shape {stored.shape}")
        layout = ChannelLayout(stored.shape[1:], options.channels)
        sampler = _sampler(stored, labels, options)
        sampler.row_source(images, 0, 1)  # what is read whole raises here if damaged
        record_shape = stored.shape[1:]
        augmentation = None
        if options.image_transforms:
            augmentation = Augmentation(
                options.image_transforms, stored.dtype, record_shape, options.seed
            )
            record_shape = augmentation.record_shape
        image_rows = RowGatherer(
            stored.dtype, record_shape, options.dtype, options.scale, options.mean, options.std
        )
        mixing = None
        if options.batch_transforms:
            mixing = Mixing(
                options.batch_transforms,
                image_rows.dtype,
                record_shape,
                options.seed,
                options.one_hot,
            )
        label_rows = RowGatherer(labels.dtype, labels.shape[1:])
        self._shard = RankShard(
            sampler,
            options.batch_size,
            options.drop_last,
            options.rank,
            options.world_size,
            options.remainder,
            labels if options.balanced else None,
        )
        given_labels = label_rows
        if options.one_hot:
            given_labels = RowGatherer(one_hot.DTYPE, (options.one_hot,))
        self._spec = BatchSpec(
            self._shard,
            images,
            image_rows,
            layout,
            augmentation,
            mixing,
            labels,
            label_rows,
            options.one_hot,
            _check_outs(options.out, options.batch_size, image_rows, layout, given_labels),
            check_threads(options.threads),
            options.prefetch,
        )
        # What the order depends on; load_state_dict refuses a state that differs in one of these.
        self._identity = {
            "samples": n,
            "seed": options.seed,
            "shuffle": int(options.shuffle or options.weights is not None),
            "balanced": int(options.balanced),
            "weights": sampler.checksum,
            "window": sampler.window,
            "chunk": sampler.chunk,
            # Last: orders of other arguments may have other versions.
            "version": sampler.version,
        }
        self.epoch = 0
        """The epoch that the next loop goes through. A loop that comes to its end adds one."""
        # Where the next loop begins: a position in the order of all ranks.
        self._start = 0
        # The cursor of the loop that began last; None when it has ended.
        self._latest: Cursor | None = None

    def __len__(self) -> int:
        """The number of batches of a whole epoch on this rank."""
        return self._shard.count(0)

    @property
    def has_out(self) -> bool:
        """Whether batches fill arrays of the caller's, those of `out`."""
        return bool(self._spec.outs)

    def __iter__(self) -> Iterator[Batch]:
        return self.part(0, 1)

    def part(self, part: int, parts: int, labels: Any = None) -> Iterator[Batch]:
        """Iterate over every parts-th batch of the next epoch, beginning with batch number part.

        So `parts` processes can share the epoch of one rank.

        labels: the dtype of the labels, unless there is `out` or they are one-hot; by default the
        one that is stored.
        """
        label_dtype = labels or self._spec.labels.dtype.newbyteorder("=")
        cursor = self._begin_loop()
        return self._run(EpochIterator(self._spec, cursor, label_dtype), cursor, part, parts)

    def unconverted(self, through: Through, labels: Any) -> Iterator[Any]:
        """Iterate over what a generator makes of the batches of the next epoch.

        It gets images in the type in which they are stored, for `conversion` elsewhere, and makes
        one thing of each batch, in order; it may take batches ahead.

        labels: the dtype of the labels, unless they are one-hot.
        """
        if self._spec.mixing is not None:
            raise ValueError(
                "MixUp and CutMix mix batches that are cast already: make tensors without device,"
                " or mix them there"
            )
        cursor = self._begin_loop()
        taken = Cursor(cursor.epoch, cursor.position)
        spec = self._spec._replace(image_rows=self._spec.image_rows.unconverted())
        return self._run_through(through, EpochIterator(spec, taken, labels), cursor, taken)

    @property
    def conversion(self) -> Conversion:
        """What becomes of images as they are stored."""
        rows, layout = self._spec.image_rows, self._spec.layout
        if rows.factors is None:
            return Conversion(rows.dtype, None)
        a, b = (
            factors if not factors.ndim else layout.shown(factors[None])[0]
            for factors in rows.factors
        )
        return Conversion(rows.dtype, (a, b))

    def _begin_loop(self) -> Cursor:
        cursor = Cursor(*self.begin)
        self._latest = cursor
        self._start = 0
        return cursor

    def _run(self, loop: EpochIterator, cursor: Cursor, part: int, parts: int) -> Iterator[Batch]:
        yield from loop.run(part, parts)
        self._end_loop(cursor)

    def _run_through(
        self, through: Through, loop: EpochIterator, cursor: Cursor, taken: Cursor
    ) -> Iterator[Any]:
        """The cursor follows what the loop gets; the other one, what the generator takes."""
        positions: deque[int] = deque()

        def batches() -> Iterator[Batch]:
            for batch in loop.run(0, 1):
                positions.append(taken.position)
                yield batch

        for made in through(batches()):
            cursor.position = positions.popleft()
            yield made
        cursor.position = taken.position
        self._end_loop(cursor)

    def _end_loop(self, cursor: Cursor) -> None:
        # Unless another loop began meanwhile, or the caller set an epoch or loaded a state.
        if self._latest is cursor:
            self.go_to((cursor.epoch + 1) % (1 << 64), 0)

    def set_epoch(self, epoch: int) -> None:
        """Go through this epoch next, from its start."""
        self.go_to(unsigned_64("epoch", epoch), 0)

    @property
    def begin(self) -> tuple[int, int]:
        """The epoch, and the position of all ranks in it, where the next loop begins."""
        return self.epoch, self._start

    def go_to(self, epoch: int, position: int) -> None:
        """Begin the next loop at a position of all ranks in an epoch."""
        self.epoch = epoch
        self._start = position
        self._latest = None

    def state_dict(self) -> BatchState:
        """The position of the loop that began last, behind the batch that it got last, as integers.

        The same on every rank that got as many batches.
        """
        cursor = self._latest or Cursor(*self.begin)
        state = {
            **self._identity,
            "labels": _checksum(self._spec.labels),
            "epoch": cursor.epoch,
            "position": cursor.position,
        }
        return cast("BatchState", state)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next loop go on where another one was.

        The batch size and the number of ranks may differ from those of the other loop.

        Raises
        ------
        ValueError
            The state is one of another dataset, another order or another version of the order.
        """
        identity = {**self._identity, "labels": _checksum(self._spec.labels)}
        # The key is younger than the others.
        state = {"chunk": 0, **state}
        missing = [key for key in (*identity, "epoch", "position") if key not in state]
        if missing:
            raise ValueError(f"this is not a state of batches: it has no {', '.join(missing)}")
        for key, value in identity.items():
            if state[key] != value:
                differ = f"the state has {key} {state[key]}; these batches have {value}"
                raise ValueError(f"{differ}: {_MEANING[key]}")
        epoch = unsigned_64("epoch", state["epoch"])
        position = whole_number("position", state["position"], 0)
        n = self._shard.sampler.n
        if position > n:
            raise ValueError(f"the state has position {position} of {n} samples")
        self.go_to(epoch, position)

    def __repr__(self) -> str:
        rows = self._spec.image_rows
        sizes = self._spec.layout.shown_shape((self._shard.size, *rows.row_shape))
        shape = " x ".join(map(str, sizes))
        following = f"next epoch {self.epoch}" + f", from {self._start:,} on" * bool(self._start)
        return f"<idxio.Batches {len(self):,} of {shape} {rows.dtype}; {following}>"


# The cause of a different value, or its remedy, by the key in a state.
_MEANING = {
    "version": (
        "it was saved by an idxio whose orders are others; begin the epoch anew with set_epoch"
    ),
    "samples": "it is one of another dataset",
    "labels": "it is one of another dataset",
    "seed": "give batches() the same seed",
    "shuffle": "give batches() the same shuffle",
    "balanced": "give batches() the same balanced",
    "weights": "give batches() the same weights",
    "window": "give batches() the same buffer, and images that are held in the same way",
    "chunk": "give it the same file: in one that was packed otherwise, the order is another",
}


_NO_WEIGHTS = (
    "weights draw samples from all over a file, and this one is unpacked in shuffle windows: it is"
    " packed, and larger than 1 GiB or buffer= is given. Leave buffer away for a smaller file, and"
    " make a raw one of a larger, which is mapped, with idxio repack"
)


def _sampler(images: ArrayLike, labels: Array, options: BatchOptions) -> samplers.Sampler:
    """The order of an epoch: a new sampler has its line here."""
    seed = options.order_seed
    is_windowed = needs_windows(images, options.buffer)
    if options.weights is not None:
        if is_windowed:
            raise ValueError(_NO_WEIGHTS)
        if options.balanced:
            raise ValueError(
                "balanced gives each sample once, and weights draw with replacement: leave out one"
            )
        return WeightedSampler(options.weights, labels, options.seed)
    if is_windowed:
        record_nbytes = images.dtype.itemsize * int(np.prod(images.shape[1:], dtype=np.int64))
        return WindowSampler(
            len(labels),
            record_nbytes,
            options.buffer or BUFFER,
            seed,
            labels if options.balanced else None,
            chunks_of(images) if isinstance(images, IdxArray) else None,
        )
    if options.balanced:
        return samplers.BalancedSampler(labels, seed)
    if seed is not None:
        return samplers.ShuffledSampler(len(labels), seed)
    return samplers.Sampler(len(labels))


def _checksum(labels: Array) -> int:
    """CRC-32 of a sample of the labels; identifies the dataset in a saved state."""
    sample = labels[:: max(1, len(labels) // _LABELS_SAMPLED)]
    return inflate.crc32(np.ascontiguousarray(sample, np.int64).view(np.uint8).reshape(-1))


def _check_outs(
    out: Out | Sequence[Out] | None,
    batch_size: int,
    image_rows: RowGatherer,
    layout: ChannelLayout,
    label_rows: RowGatherer,
) -> list[Out]:
    """The pairs of arrays that batches fill in turn; raises if batches don't fit one of them."""
    if out is None:
        return []
    outs: Any = list(out)
    if len(out) == 2 and isinstance(out[0], np.ndarray):
        outs = [out]
    kinds = "a pair of arrays, for images and labels, or a list of such pairs"
    if not outs:
        raise ValueError(f"out is {kinds}, and there is none in it")
    for pair in outs:
        if len(pair) != 2:
            raise ValueError(f"out is {kinds}")
        shape = (batch_size, *image_rows.row_shape)
        image_rows.check_out(layout.stored_out(pair[0], shape), batch_size)
        label_rows.check_out(pair[1], batch_size)
    arrays = [array for pair in outs for array in pair]
    if any(np.may_share_memory(one, other) for one, other in itertools.combinations(arrays, 2)):
        raise ValueError("two of the arrays in out have the same memory")
    return outs  # type: ignore[no-any-return]
