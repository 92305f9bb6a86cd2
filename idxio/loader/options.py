"""The arguments of `Dataset.batches` as one object, checked once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .._util.integers import unsigned_64, whole_number
from .._util.types import Array
from .channels import Channels
from .mixing import BatchTransform
from .sharding import REMAINDERS, Remainder
from .transforms import Transform, as_transforms

Out = tuple[Array, Array]


@dataclass(frozen=True, kw_only=True)
class BatchOptions:
    """What a caller asks of `Dataset.batches`, which documents each field and has the defaults.

    The integers are checked here, and become `int`, and the transforms, which become a tuple; the
    switches become `bool`. What depends on the images is checked by `RowGatherer` and `Batches`.
    """

    batch_size: int
    shuffle: bool
    seed: int
    drop_last: bool
    dtype: Any
    scale: Any
    mean: Any
    std: Any
    channels: Channels | None
    one_hot: int  # the columns of labels as rows; 0 for labels as they are
    augment: Sequence[Transform] | None
    balanced: bool
    weights: Any
    rank: int
    world_size: int
    remainder: Remainder
    out: Out | Sequence[Out] | None
    threads: int | None
    prefetch: int
    buffer: int | None

    def __post_init__(self) -> None:
        for name, least in (("batch_size", 1), ("world_size", 1), ("rank", 0), ("prefetch", 0)):
            self._set(name, whole_number(name, getattr(self, name), least))
        if self.rank >= self.world_size:
            rank = f"rank {self.rank} of world_size {self.world_size}"
            raise ValueError(f"{rank}: ranks go from 0 to world_size - 1")
        if self.remainder not in REMAINDERS:
            raise ValueError(f"remainder is one of {', '.join(REMAINDERS)}, not {self.remainder!r}")
        self._set("seed", unsigned_64("seed", self.seed))
        self._set("augment", as_transforms(self.augment))
        for name in ("buffer", "threads"):
            if getattr(self, name) is not None:
                self._set(name, whole_number(name, getattr(self, name), 1))
        for name in ("shuffle", "balanced", "drop_last"):
            self._set(name, bool(getattr(self, name)))

    def _set(self, name: str, value: object) -> None:
        """Set a field of this frozen object while it is made."""
        object.__setattr__(self, name, value)

    @property
    def image_transforms(self) -> list[Transform]:
        """The transforms of single images."""
        return [t for t in self.augment or () if not isinstance(t, BatchTransform)]

    @property
    def batch_transforms(self) -> list[BatchTransform]:
        """The transforms of whole batches, which come behind those."""
        return [t for t in self.augment or () if isinstance(t, BatchTransform)]

    @property
    def order_seed(self) -> int | None:
        """The seed of the order; None for the order in which samples are stored."""
        return self.seed if self.shuffle else None
