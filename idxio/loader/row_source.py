"""Where the rows of a sampler are read during one pass."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._util.types import Array, Ids
from ..core.selection import Selection
from .gather import Job, RowGatherer
from .materialize import locate


class Request(NamedTuple):
    """The records to gather for some samples."""

    rows: Ids
    positions: Ids  # of the samples in the epoch
    out: Array


class RowSource:
    """The records of one pass, by row. A subclass says how it gathers them."""

    is_serial = False
    """Whether only one thread at a time may call `gather`, batch after batch."""

    def job_for(self, gatherer: RowGatherer) -> Job | None:
        """Makes the native jobs; None if native code can't gather these records: `gather` does."""
        return None

    def gather(self, gatherer: RowGatherer, request: Request) -> None:
        """Copy the records into their array."""
        raise NotImplementedError

    def prepare(self, position: int) -> None:
        """Make ready what the loop needs next; it has made all batches before this position."""

    def leave(self) -> None:
        """Cut short a `gather` or `prepare` that another thread is in."""


class HeldRows(RowSource):
    """Records in memory; the row of a sample is its number."""

    def __init__(self, held: Array | Selection) -> None:
        self._held = held

    def job_for(self, gatherer: RowGatherer) -> Job | None:
        held = self._held
        array, _ = locate(held, np.empty(0, np.int64))
        if not gatherer.is_native(array):
            return None
        job = gatherer.job_for(array)
        return lambda rows, positions, out: job(locate(held, rows)[1], positions, out)

    def gather(self, gatherer: RowGatherer, request: Request) -> None:
        array, rows = locate(self._held, request.rows)
        gatherer.gather(array, rows, request.out, request.positions)
