"""Where a gzip file can be entered: a list of spans, each with its first bit, its place in the data
and its window.
"""

from __future__ import annotations

import bisect
import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ..._util.types import Array, Ids
from ...storage.source import Source

Column: TypeAlias = "Sequence[int] | Array"

# How far back deflate can refer, in bytes.
WINDOW = 32768
# Windows kept in memory at most; past this every other point is dropped and the spans grow.
MOST_WINDOWS = 192


class Span(NamedTuple):
    """Bits of the file, and where in the unpacked data the bytes belong that they decode to."""

    bit: int
    stop: int  # the bit behind the last one; 0 where the member ends by itself, before `limit`
    limit: int  # the byte of the file before which all of it lies
    start: int
    end: int
    number: int  # in its table, which has the window
    needs_window: bool
    is_member: bool  # the whole of one
    crc: int | None = None  # of the unpacked bytes, where an index states it


class Checkpoints(NamedTuple):
    """Places inside all spans up to which their bytes can be checked: after `step` bytes, twice as
    many, and so on.
    """

    step: int
    crcs: np.ndarray[Any, np.dtype[np.uint32]]  # of all bytes of the span before each
    first: Ids  # of each span, in crcs
    windows: Callable[[Ids], tuple[bytes | bytearray, Ids]]
    """What came before some ascending spans, as deflate streams, and the edges between these."""


def _column(values: Any, dtype: Any = np.int64) -> memoryview:
    """Values as an array whose items are Python's own, which are faster one by one than numpy's."""
    return memoryview(np.ascontiguousarray(values, dtype))


class SpanIndex:
    """The spans of one gzip file from its start on: all of them, or those that are known so far."""

    def __init__(self) -> None:
        # Lists while they grow, of_columns memory.
        self._bits: Any = []
        self._stops: Any = []
        self._starts: Any = []
        self._windows: Sequence[bytes] = []
        self._inside: Any = []  # whether there is a window
        self._crcs: memoryview | None = None
        self.checkpoints: Checkpoints | None = None
        """If an index has any."""
        self.index: Source | None = None
        """The open file that the windows are read from, if there is one."""
        self._kept = 0  # windows that are not empty
        self._every = 1  # how many walked spans make one here
        self._since = 0
        self.end = 0
        """The unpacked bytes that the spans cover."""
        self.limit = 0
        """The bytes of the file that they cover."""
        self.complete = False

    @classmethod
    def of_columns(
        cls,
        bits: Column,
        stops: Column,
        starts: Column,
        end: int,
        limit: int,
        windows: tuple[Sequence[bytes], Column] | None = None,
        crcs: Column | None = None,
        checkpoints: Checkpoints | None = None,
    ) -> SpanIndex:
        """A complete table from its columns; windows are those of each span, and whether it needs
        one.
        """
        span_index = cls()
        span_index._bits, span_index._stops, span_index._starts = (
            _column(bits),
            _column(stops),
            _column(starts),
        )
        span_index._crcs, span_index.checkpoints = (
            (None if crcs is None else _column(crcs, np.uint32)),
            checkpoints,
        )
        span_index._windows, inside = windows or ([], np.zeros(len(bits)))
        span_index._inside = _column(inside, np.bool_)
        span_index.end, span_index.limit, span_index.complete = end, limit, True
        return span_index

    def __len__(self) -> int:
        return len(self._bits)

    def add(self, bit: int, stop: int, length: int, window: bytes, limit: int) -> None:
        """Append the span that follows on the last one; limit is the byte of the file where the
        next one may start.
        """
        assert isinstance(self._windows, list)
        if length == 0 and stop == 0 and not window:
            self.limit = limit  # an empty member
            return
        inside = bool(self._bits) and bool(window) and self._stops[-1] == bit
        if inside and self._since < self._every:
            self._stops[-1] = stop
        else:
            self._bits.append(bit)
            self._stops.append(stop)
            self._starts.append(self.end)
            self._windows.append(window)
            self._inside.append(bool(window))
            self._kept += bool(window)
            self._since = 0
        self._since += 1
        self.end += length
        self.limit = limit
        if self._kept > MOST_WINDOWS:
            self._thin()

    def snapshot(self) -> SpanIndex:
        """A copy of the index as it is now, for a reader while another thread adds spans."""
        span_index = copy.copy(self)
        span_index._bits, span_index._stops, span_index._starts = (
            self._bits[:],
            self._stops[:],
            self._starts[:],
        )
        span_index._windows, span_index._inside = self._windows[:], self._inside[:]
        return span_index

    def span(self, i: int) -> Span:
        """The span with the number i."""
        return self._joined(i, i)

    def _joined(self, first: int, last: int) -> Span:
        """Spans that one decoder can go through in one go, as one."""
        stop = self._stops[last]
        is_last = last + 1 == len(self._bits)
        return Span(
            self._bits[first],
            stop,
            self.limit if is_last else (self._bits[last + 1] + 7) // 8,
            self._starts[first],
            self.end if is_last else self._starts[last + 1],
            first,
            self._inside[first],
            stop == 0 and (last == 0 or self._stops[last - 1] == 0),
            None if self._crcs is None or first < last else self._crcs[first],
        )

    def window(self, i: int) -> bytes:
        """What came before the span with the number i, as far as it is needed."""
        return self._windows[i] if self._inside[i] else b""

    def columns(self, numbers: Ids) -> tuple[Ids, Ids, Ids, Ids]:
        """Of spans with these numbers: bit, limit, start and end."""
        bits, starts = np.asarray(self._bits, np.int64), np.asarray(self._starts, np.int64)
        limits, ends = np.append((bits[1:] + 7) >> 3, self.limit), np.append(starts[1:], self.end)
        return bits[numbers], limits[numbers], starts[numbers], ends[numbers]

    def crcs(self, numbers: Ids) -> np.ndarray[Any, np.dtype[np.uint32]]:
        """The CRC-32 of each of these spans, for a table that states them."""
        assert self._crcs is not None
        return np.asarray(self._crcs)[numbers]

    def find_all(self, offsets: Ids) -> Ids:
        """find() for many offsets."""
        return np.searchsorted(np.asarray(self._starts, np.int64), offsets, "right") - 1

    def find(self, offset: int) -> int:
        """The number of the span with the unpacked byte at offset, which lies before `end`."""
        return bisect.bisect_right(self._starts, offset) - 1

    def __iter__(self) -> Iterator[Span]:
        return (self.span(i) for i in range(len(self)))

    @property
    def is_plain(self) -> bool:
        """Whether any spans can be joined: none has a window or a CRC-32 of its own."""
        return self._crcs is None and not self._windows

    def merged(self, size: int, numbers: range | None = None) -> list[Span]:
        """Spans, joined to such of about size compressed bytes where one decoder can go through in
        one go.
        """
        first, end = (0, len(self._bits)) if numbers is None else (numbers.start, numbers.stop)
        if first >= end:
            return []
        bits, stops = np.asarray(self._bits, np.int64), np.asarray(self._stops, np.int64)
        limits = _column(np.append((bits[1:] + 7) >> 3, self.limit)[:end])
        # of what can be joined
        ends = _column(np.append(np.flatnonzero(stops[: end - 1] != bits[1:end]), end - 1))
        result: list[Span] = []
        while first < end:
            full = bisect.bisect_left(limits, (self._bits[first] >> 3) + size)
            last = min(full, ends[bisect.bisect_left(ends, first)])
            result.append(self._joined(first, last))
            first = last + 1
        return result

    def _thin(self) -> None:
        """Join pairs of spans that one decoder can go through in one go."""
        kept: list[int] = []
        for i in range(len(self._bits)):
            previous = kept[-1] if kept else -1
            if (
                previous >= 0
                and i - previous == 1
                and self._inside[i]
                and self._stops[previous] == self._bits[i]
            ):
                self._stops[previous] = self._stops[i]
            else:
                kept.append(i)
        self._bits = [self._bits[i] for i in kept]
        self._stops = [self._stops[i] for i in kept]
        self._starts = [self._starts[i] for i in kept]
        self._windows = [self._windows[i] for i in kept]
        self._inside = [self._inside[i] for i in kept]
        self._kept = sum(self._inside)
        self._every *= 2
