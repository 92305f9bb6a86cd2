"""Where a gzip file can be entered: a list of spans, each with its first bit, its place in the data
and its window.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias, overload

import numpy as np

from ..._util.types import Array, Ids
from ...storage.source import Source

Column: TypeAlias = "Sequence[int] | Array"

# How far back deflate can refer, in bytes.
WINDOW = 32768


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


class Sidecar(NamedTuple):
    """What only an index beside the file has."""

    crcs: memoryview
    """The CRC-32 of the unpacked bytes of each span."""
    checkpoints: Checkpoints
    source: Source
    """The open file of the index, from which windows are read."""


class LazyWindows(Sequence[bytes]):
    """Windows of spans, each made when it is looked at."""

    def window(self, i: int) -> bytes:
        """The window with the number i."""
        raise NotImplementedError

    @overload
    def __getitem__(self, i: int) -> bytes: ...
    @overload
    def __getitem__(self, i: slice) -> Sequence[bytes]: ...
    def __getitem__(self, i: int | slice) -> bytes | Sequence[bytes]:
        if isinstance(i, slice):
            return [self.window(k) for k in range(len(self))[i]]
        return self.window(i)


class SpanColumns(NamedTuple):
    """Spans, column by column: lists while the index grows, memory of Python's own items after."""

    bits: Any
    stops: Any
    starts: Any
    windows: Sequence[bytes]
    """One of each span, or none at all."""
    needs_window: Any


def _column(values: Any, dtype: Any = np.int64) -> memoryview:
    """Values as an array whose items are Python's own, which are faster one by one than numpy's."""
    return memoryview(np.ascontiguousarray(values, dtype))


class SpanIndex:
    """Spans of one gzip file, from its start on: all of them if it is complete."""

    def __init__(
        self,
        columns: SpanColumns,
        end: int,
        limit: int,
        *,
        complete: bool,
        sidecar: Sidecar | None = None,
    ) -> None:
        self._columns = columns
        self.end = end
        """The unpacked bytes that the spans cover."""
        self.limit = limit
        """The bytes of the file that they cover."""
        self.complete = complete
        self.sidecar = sidecar

    @classmethod
    def of_columns(
        cls,
        bits: Column,
        stops: Column,
        starts: Column,
        end: int,
        limit: int,
        windows: tuple[Sequence[bytes], Column] | None = None,
        sidecar: Sidecar | None = None,
    ) -> SpanIndex:
        """A complete index; windows are those of each span, and whether it needs one."""
        each, needs_window = windows or ([], np.zeros(len(bits)))
        columns = SpanColumns(
            _column(bits), _column(stops), _column(starts), each, _column(needs_window, np.bool_)
        )
        return SpanIndex(columns, end, limit, complete=True, sidecar=sidecar)

    def __len__(self) -> int:
        return len(self._columns.bits)

    def __iter__(self) -> Iterator[Span]:
        return (self.span(i) for i in range(len(self)))

    def span(self, i: int) -> Span:
        """The span with the number i."""
        return self._joined(i, i)

    def _joined(self, first: int, last: int) -> Span:
        """Spans that one decoder can go through in one go, as one."""
        bits, stops, starts, _, needs_window = self._columns
        stop = stops[last]
        is_last = last + 1 == len(bits)
        sidecar = self.sidecar
        return Span(
            bits[first],
            stop,
            self.limit if is_last else (bits[last + 1] + 7) // 8,
            starts[first],
            self.end if is_last else starts[last + 1],
            first,
            needs_window[first],
            stop == 0 and (last == 0 or stops[last - 1] == 0),
            None if sidecar is None or first < last else sidecar.crcs[first],
        )

    def window(self, i: int) -> bytes:
        """What came before the span with the number i, as far as it is needed."""
        columns = self._columns
        return columns.windows[i] if columns.needs_window[i] else b""

    def columns(self, numbers: Ids) -> tuple[Ids, Ids, Ids, Ids]:
        """Of spans with these numbers: bit, limit, start and end."""
        bits = np.asarray(self._columns.bits, np.int64)
        starts = np.asarray(self._columns.starts, np.int64)
        limits, ends = np.append((bits[1:] + 7) >> 3, self.limit), np.append(starts[1:], self.end)
        return bits[numbers], limits[numbers], starts[numbers], ends[numbers]

    def find_all(self, offsets: Ids) -> Ids:
        """find() for many offsets."""
        starts = np.asarray(self._columns.starts, np.int64)
        return np.searchsorted(starts, offsets, "right") - 1

    def find(self, offset: int) -> int:
        """The number of the span with the unpacked byte at offset, which lies before `end`."""
        return bisect.bisect_right(self._columns.starts, offset) - 1

    def usual_length(self) -> int:
        """The median of the unpacked bytes of a span."""
        starts = np.asarray(self._columns.starts, np.int64)
        return int(np.median(np.diff(starts, append=self.end)))

    def longest(self) -> int:
        """The unpacked bytes of the longest span."""
        starts = np.asarray(self._columns.starts, np.int64)
        return int(np.diff(starts, append=self.end).max())

    @property
    def is_plain(self) -> bool:
        """Whether any spans can be joined: none has a window or a CRC-32 of its own."""
        return self.sidecar is None and not self._columns.windows

    def merged(self, size: int, numbers: range | None = None) -> list[Span]:
        """Spans, joined to such of about size compressed bytes where one decoder can go through in
        one go.
        """
        first, end = (0, len(self)) if numbers is None else (numbers.start, numbers.stop)
        if first >= end:
            return []
        bits = np.asarray(self._columns.bits, np.int64)
        stops = np.asarray(self._columns.stops, np.int64)
        limits = _column(np.append((bits[1:] + 7) >> 3, self.limit)[:end])
        # The last span of each run of spans that can be joined.
        ends = _column(np.append(np.flatnonzero(stops[: end - 1] != bits[1:end]), end - 1))
        result: list[Span] = []
        while first < end:
            full = bisect.bisect_left(limits, (self._columns.bits[first] >> 3) + size)
            last = min(full, ends[bisect.bisect_left(ends, first)])
            result.append(self._joined(first, last))
            first = last + 1
        return result
