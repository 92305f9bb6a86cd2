"""The arguments of `Dataset.batches` as one object, checked once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

from .._util.types import Array
from . import samplers
from .sharding import REMAINDERS

Out = tuple[Array, Array]


@dataclass(frozen=True)
class BatchOptions:
    """What a caller asks of `Dataset.batches`, which documents each field.

    The integers are checked here, and become `int`; what depends on the images is checked by
    `RowGatherer` and `Batches`.
    """

    batch_size: int
    _: KW_ONLY
    shuffle: bool = False
    seed: int = 0
    drop_last: bool = False
    dtype: Any = None
    scale: Any = None
    mean: Any = None
    std: Any = None
    balanced: bool = False
    rank: int = 0
    world_size: int = 1
    remainder: str = "keep"
    out: Out | Sequence[Out] | None = None
    threads: int | None = None
    prefetch: int = 2
    buffer: int | None = None

    def __post_init__(self) -> None:
        for name, least in (("batch_size", 1), ("world_size", 1), ("rank", 0), ("prefetch", 0)):
            self._set(name, samplers.whole(name, getattr(self, name), least))
        if self.rank >= self.world_size:
            rank = f"rank {self.rank} of world_size {self.world_size}"
            raise ValueError(f"{rank}: ranks go from 0 to world_size - 1")
        if self.remainder not in REMAINDERS:
            raise ValueError(f"remainder is one of {', '.join(REMAINDERS)}, not {self.remainder!r}")
        self._set("seed", samplers.word("seed", self.seed))
        if self.buffer is not None:
            self._set("buffer", samplers.whole("buffer", self.buffer, 1))

    def _set(self, name: str, value: int) -> None:
        """Set a field of this frozen object while it is made."""
        object.__setattr__(self, name, value)

    @property
    def order_seed(self) -> int | None:
        """The seed of the order; None for the order in which samples are stored."""
        return self.seed if self.shuffle else None
