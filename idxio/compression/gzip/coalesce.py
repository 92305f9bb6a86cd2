"""Plans which span holds which part of scattered records, and decodes many spans in one call
without the GIL: in lanes, or each to the checkpoint behind what is wanted of it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..._native import gather, inflate
from ..._util.types import Bytes, Ids
from .random_access import SpanReader
from .span_cache import CACHE
from .span_index import WINDOW, Sidecar, SpanIndex

# Compressed bytes from the first to the last span of a call: neighbours share a read of the file.
_REGION = 1 << 20
# Fewer spans are decoded one by one.
_LEAST = 3
# Unpacked bytes of the spans of a call in lanes: they and what they come from stay in an L2 cache.
_ROOM = 1 << 20


class Parts(NamedTuple):
    """The parts of records that lie in each span, in bytes, span by span."""

    numbers: Ids  # of the spans, ascending
    lengths: Ids  # of the spans
    edges: Ids  # edges[k] is the first part of the k-th of them
    offsets: Ids  # of each part in its span
    sizes: Ids
    targets: Ids  # where it goes


def plan(span_index: SpanIndex, offsets: Ids, size: int) -> Parts:
    """The parts of records of size bytes at these ascending unpacked offsets, which follow on each
    other.
    """
    first, last = span_index.find_all(offsets), span_index.find_all(offsets + size - 1)
    counts = last - first + 1
    record = np.repeat(np.arange(len(offsets)), counts)
    number = first[record] + np.arange(len(record)) - np.repeat(np.cumsum(counts) - counts, counts)
    _, _, starts, ends = span_index.columns(number)
    begins = np.maximum(offsets[record], starts)
    stops = np.minimum(offsets[record] + size, ends)
    numbers, edges = np.unique(number, return_index=True)
    targets = size * record + begins - offsets[record]
    lengths = (ends - starts)[edges]
    return Parts(
        numbers, lengths, np.append(edges, len(record)), begins - starts, stops - begins, targets
    )


class Together:
    """Decodes spans that need no windows in lanes."""

    def __init__(self, reader: SpanReader, span_index: SpanIndex, parts: Parts) -> None:
        self._reader, self._index, self._parts = reader, span_index, parts
        self._bits, self._limits, _, _ = span_index.columns(parts.numbers)
        self._free: list[Bytes] = []  # memory to decode into

    def read(self, k: int, stop: int, out: Bytes) -> int:
        """Copy the parts of spans from the k-th on; returns how many spans before `stop` that
        were. None where too few lie together.
        """
        parts = self._parts
        region = (int(self._bits[k]) >> 3) + _REGION
        stop = k + int(np.searchsorted(self._limits[k:stop], region, "right"))
        ends = np.cumsum(parts.lengths[k:stop])
        stop = k + int(np.searchsorted(ends, _ROOM, "right"))
        if stop - k < _LEAST:
            return 0
        try:
            memory = self._free.pop()  # which another thread may do at the same time
        except IndexError:
            memory = np.empty(_ROOM, np.uint8)
        places = ends[: stop - k] - parts.lengths[k:stop]
        spans = [self._index.span(i) for i in parts.numbers[k:stop].tolist()]
        self._reader.decode_in_lanes(self._index, spans, memory, places.tolist())
        some = slice(parts.edges[k], parts.edges[stop])
        counts = np.diff(parts.edges[k : stop + 1])
        offsets = parts.offsets[some] + np.repeat(places, counts)
        gather.copy_parts(memory, offsets, parts.sizes[some], parts.targets[some], out)
        self._free.append(memory)
        return stop - k


class Fronts:
    """Decodes each span to the checkpoint behind its last wanted part; checks the CRC-32 there."""

    def __init__(
        self, reader: SpanReader, span_index: SpanIndex, sidecar: Sidecar, parts: Parts
    ) -> None:
        checkpoints = sidecar.checkpoints
        self._reader, self._parts, self._windows = reader, parts, checkpoints.windows
        self._bits, self._limits, _, _ = span_index.columns(parts.numbers)
        last = parts.edges[1:] - 1
        steps = -(-(parts.offsets[last] + parts.sizes[last]) // checkpoints.step)
        self._lengths = np.minimum(steps * checkpoints.step, parts.lengths)
        inside = np.flatnonzero(self._lengths < parts.lengths)
        self._crcs = np.asarray(sidecar.crcs)[parts.numbers]
        self._crcs[inside] = checkpoints.crcs[
            checkpoints.first[parts.numbers[inside]] + steps[inside] - 1
        ]
        self._is_large = parts.lengths > CACHE
        self._room = WINDOW + int(self._lengths[~self._is_large].max(initial=0)) + inflate.SLACK
        self._free: list[Bytes] = []  # memory to decode into

    def read(self, k: int, stop: int, out: Bytes) -> int:
        """Copy the parts of spans from the k-th on; returns how many spans before `stop` were
        decoded and checked.

        The span behind these is too large, or its CRC-32 is not the one that the index states.
        """
        first = int(self._bits[k]) >> 3
        stop = k + max(1, int(np.searchsorted(self._limits[k:stop], first + _REGION)))
        if self._is_large[k:stop].any():
            stop = k + int(np.argmax(self._is_large[k:stop]))
        if stop == k:
            return 0
        some, parts = slice(k, stop), slice(self._parts.edges[k], self._parts.edges[stop])
        limit = int(self._limits[stop - 1])
        windows, edges = self._windows(self._parts.numbers[some])
        try:
            memory = self._free.pop()  # which another thread may do at the same time
        except IndexError:
            memory = np.empty(self._room, np.uint8)
        buffer, decoder = self._reader.take()
        buffer.load(first, limit - first)
        done = decoder.inflate_fronts(
            buffer.data,
            self._bits[some] + buffer.offset,
            windows,
            edges,
            self._lengths[some],
            self._crcs[some],
            memory,
            np.diff(self._parts.edges[k : stop + 1]),
            self._parts.offsets[parts],
            self._parts.sizes[parts],
            self._parts.targets[parts],
            out,
        )
        buffer.clean = int(self._bits[stop - 1]) >> 3
        self._reader.give(buffer, decoder)
        self._free.append(memory)
        return done
