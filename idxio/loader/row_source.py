"""Where the rows of a sampler are read during one pass."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._native.gather import Gather
from .._util.types import Array, Ids
from ..core.selection import Selection
from .gather import RowGatherer
from .materialize import locate


class RowSource:
    """The records of one pass, by row. A subclass says how it gathers them."""

    is_serial = False
    """Whether only one thread at a time may call `gather`, batch after batch."""

    def job_for(self, gatherer: RowGatherer) -> Callable[[Ids, Array], Gather] | None:
        """A function from rows and an array to the native job that copies the records there.

        None if native code can't gather them: `gather` does.
        """
        return None

    def gather(self, gatherer: RowGatherer, rows: Ids, out: Array) -> None:
        """Copy the records at these rows into out."""
        raise NotImplementedError

    def prepare(self, position: int) -> None:
        """Make ready what the loop needs next; it has made all batches before this position."""

    def leave(self) -> None:
        """Cut short a `gather` or `prepare` that another thread is in."""


class HeldRows(RowSource):
    """Records in memory; the row of a sample is its number."""

    def __init__(self, held: Array | Selection) -> None:
        self._held = held

    def job_for(self, gatherer: RowGatherer) -> Callable[[Ids, Array], Gather] | None:
        held = self._held
        array, _ = locate(held, np.empty(0, np.int64))
        if not gatherer.is_native(array):
            return None
        job = gatherer.job_for(array)
        return lambda rows, out: job(locate(held, rows)[1], out)

    def gather(self, gatherer: RowGatherer, rows: Ids, out: Array) -> None:
        gatherer.gather(*locate(self._held, rows), out)
