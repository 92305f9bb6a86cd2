"""Decodes gzip by its span index: single spans, or the whole file on threads and in lanes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..._native import inflate, lanes
from ..._native.buffer_pool import BufferPool
from ..._util.threads import on_threads
from ..._util.types import Bytes
from ...errors import FormatError
from ...storage.source import Source
from .input_buffer import InputBuffer
from .members import (
    TRAILER,
    IncompleteError,
    MemberCheck,
    Segment,
    Trailer,
    parse_member_header,
    parse_trailer,
    skip_zeros,
)
from .span_index import WINDOW, Span, SpanIndex

_POOLED = 4 << 20  # a decoder with more memory than this is not kept
_LONG_SPAN = 1 << 18

# Below this many unpacked bytes threads cost more than they save.
WORTH_THREADS = 4 << 20
# Compressed bytes of the spans that are decoded as one, as measured: with their output they fill an
# L2 cache of 1 MiB.
SPAN = 3 << 17
# Runs of spans for each thread where spans need windows.
RUNS = 3
# In lanes: compressed bytes of the spans that are decoded as one, and how many of these a call
# decodes. All four lanes get the same number, so that they end at about the same time.
LANE_SPAN = 1 << 17
LANE_SPANS = 8
# The same where spans need windows: each costs a copy of 32 KiB.
LANE_SPAN_WITH_WINDOW = 1 << 20
LANE_SPANS_WITH_WINDOW = 4


class CheckedSpan(NamedTuple):
    """What is known of a span whose bytes were decoded and checked."""

    segment: Segment
    crc: int
    stop: int
    """The byte of the file behind their bits, or behind the trailer of the member."""


class SpanReader:
    """Decodes spans of one file.

    Shared by threads: each call takes a decoder that is free, or a new one.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._free: list[tuple[InputBuffer, inflate.Decoder]] = []
        self._pools: dict[int, BufferPool] = {}  # by the size of their blocks

    def take(self) -> tuple[InputBuffer, inflate.Decoder]:
        """A free decoder, and memory for compressed bytes."""
        try:
            return self._free.pop()
        except IndexError:
            return InputBuffer(self.source, 0), inflate.Decoder()

    def give(self, buffer: InputBuffer, decoder: inflate.Decoder) -> None:
        """Give them back."""
        if len(buffer.data) <= _POOLED:
            self._free.append((buffer, decoder))

    def memory(self, nbytes: int) -> Bytes:
        """Memory for an unpacked span: if it is long, what another one had, which is warm.

        From malloc, each thread would get its own, and keep it.
        """
        if nbytes < _LONG_SPAN:
            return np.empty(nbytes, np.uint8)
        size = 1 << (nbytes - 1).bit_length()
        pool = self._pools.setdefault(size, BufferPool(size))
        return np.frombuffer(pool.take(), np.uint8)[:nbytes]

    def decode(self, span: Span, out: Bytes, start: int, window: int) -> CheckedSpan:
        """Decode a span, behind the window bytes before out[start:], to the end of out.

        Raises FormatError unless its bits decode to just that many bytes.
        """
        first = span.bit >> 3
        buffer, decoder = self.take()
        buffer.load(first, span.limit - first)
        if buffer.stop < span.limit:
            raise wrong_span(self.source.name, span)
        status, end, produced = buffer.inflate_span(
            decoder, span.bit, span.stop, out, start, window
        )
        if status != inflate.END or (end == 0) != (span.stop != 0) or start + produced != len(out):
            raise wrong_span(self.source.name, span)
        result = self._checked(span, buffer, decoder, out[start:], end)
        self.give(buffer, decoder)
        return result

    def decode_in_lanes(
        self, span_index: SpanIndex, spans: list[Span], out: Bytes, places: list[int]
    ) -> list[CheckedSpan]:
        """Decode ascending spans, several at a time, each to its place in out.

        What lies between them in the file is read too. Raises FormatError unless the bits of each
        decode to just the bytes that the index promises.
        """
        first = spans[0].bit >> 3
        buffer, decoder = self.take()
        buffer.load(first, spans[-1].limit - first)
        if buffer.stop < spans[-1].limit:
            raise wrong_span(self.source.name, spans[-1])
        windows = [span_index.window(span.number) for span in spans]
        rows = np.empty((len(spans), 6), np.int64)  # as `lanes.decode` takes them
        window_offset = 0
        for row, span, place, window in zip(rows, spans, places, windows, strict=True):
            stop = span.stop or 8 * span.limit
            row[:] = (
                span.bit + buffer.offset,
                stop + buffer.offset,
                place,
                span.end - span.start,
                window_offset,
                len(window),
            )
            window_offset += len(window)
        results = np.empty((len(spans), 3), np.int64)
        lanes.decode(buffer.data, rows, out, results, b"".join(windows))
        segments = []
        for span, place, (status, bit, produced) in zip(
            spans, places, results.tolist(), strict=True
        ):
            wanted = inflate.EDGE if span.stop else inflate.END
            if status != wanted or produced != span.end - span.start:
                raise wrong_span(self.source.name, span)
            end = (bit - buffer.offset) >> 3
            block = out[place : place + produced]
            segments.append(self._checked(span, buffer, decoder, block, end))
        self.give(buffer, decoder)
        return segments

    def _checked(
        self, span: Span, buffer: InputBuffer, decoder: inflate.Decoder, out: Bytes, end: int
    ) -> CheckedSpan:
        """Check the CRC-32 of a decoded span, and the trailer at the byte `end` if it has one."""
        crc = inflate.crc32(out)
        if span.crc is not None and span.crc != crc:
            raise wrong_span(self.source.name, span)
        trailer = None
        if span.stop == 0:
            if end + TRAILER > buffer.stop:
                raise wrong_span(self.source.name, span)
            data, at = buffer.data[: buffer.local(span.limit)], buffer.local(end)
            trailer = parse_trailer(buffer.data.data, at)
            is_good = not span.is_member or trailer == Trailer(crc, len(out) & 0xFFFFFFFF)
            if not is_good or not _leads_on(data, at + TRAILER, decoder):
                raise wrong_span(self.source.name, span)
        stop = (span.stop + 7) >> 3 if trailer is None else end + TRAILER
        return CheckedSpan(Segment(len(out), trailer), crc, stop)


def _leads_on(data: Bytes, position: int, decoder: inflate.Decoder) -> bool:
    """Whether only padding and empty members lie between position and the end of data, or the
    deflate data there.
    """
    view = data.data
    while (position := skip_zeros(view, position)) < len(view):
        try:
            position = parse_member_header(view, position).end
        except (ValueError, IncompleteError):
            return False
        if position == len(view):
            break
        status, consumed, _ = decoder.inflate(data, position, bytearray(), 0)
        position += consumed + TRAILER
        if (
            status != inflate.END
            or position > len(view)
            or any(view[position - TRAILER : position])
        ):
            return False
    return True


def wrong_span(name: str, span: Span) -> FormatError:
    """The error for a span whose bits do not decode to what the span index states."""
    return FormatError(
        f"does not decode to the {span.end - span.start:,} bytes from unpacked byte {span.start:,}"
        " on that its table of spans promises: the file or its index is damaged, or they do not"
        " belong together",
        file=name,
        offset=span.bit >> 3,
    )


def use_lanes() -> bool:
    """Whether each thread decodes several spans at once."""
    return lanes.mode() != "off" and lanes.supported()


def lane_runs(span_index: SpanIndex, numbers: range, threads: int) -> list[list[Span]]:
    """Spans, joined and put into runs, each for one call in lanes: as many for each thread."""
    first, last = span_index.span(numbers[0]), span_index.span(numbers[-1])
    size = last.limit - (first.bit >> 3)
    count = threads * max(1, round(size / (threads * LANE_SPANS * LANE_SPAN)))
    return _in_runs(span_index.merged(-(-size // (count * LANE_SPANS)), numbers), count)


def _in_runs(spans: list[Span], count: int) -> list[list[Span]]:
    """Cut consecutive spans into so many runs of about equal length, none of them empty."""
    count = min(count, len(spans))
    edges = [len(spans) * k // count for k in range(count + 1)]
    return [spans[a:b] for a, b in itertools.pairwise(edges)]


def read_by_index(reader: SpanReader, span_index: SpanIndex, out: Bytes, threads: int) -> None:
    """Fill out with the whole file, checking every member. Raises IdxError where that fails."""
    in_lanes = use_lanes()
    # Each thread gets the same number of runs: otherwise all would wait for one at the end.
    if in_lanes:
        plain = span_index.is_plain
        spans = span_index.merged(LANE_SPAN if plain else LANE_SPAN_WITH_WINDOW)
        each = LANE_SPANS if plain else LANE_SPANS_WITH_WINDOW
        count = threads * max(1, round(len(spans) / (threads * each)))
    else:
        each = max(1, round(span_index.limit / (threads * SPAN)))
        spans = span_index.merged(-(-span_index.limit // (threads * each)))
        # A run that needs a window decodes its first span into memory of its own, so runs are few,
        # but more than threads, as one run may be slower than another.
        windows = any(span.needs_window for span in spans)
        count = RUNS * threads if windows and threads > 1 else 1 if threads == 1 else len(spans)
    if not spans or span_index.end != len(out):
        raise FormatError("has a table of spans for another size", file=reader.source.name)
    runs = _in_runs(spans, count)
    decoded: list[list[CheckedSpan]] = [[] for _ in runs]

    def read(k: int) -> Iterator[None]:
        if in_lanes:
            places = [span.start for span in runs[k]]
            decoded[k] = reader.decode_in_lanes(span_index, runs[k], out, places)
            return
        for segment in _read_run(reader, span_index, runs[k], out):
            decoded[k].append(segment)
            yield

    on_threads(read, range(len(runs)), threads)
    check = MemberCheck(reader.source.name)
    for segment, crc, stop in itertools.chain.from_iterable(decoded):
        check.add(segment, crc, stop)
    if segment.trailer is None:
        raise wrong_span(reader.source.name, spans[-1])


def _read_run(
    reader: SpanReader, span_index: SpanIndex, spans: list[Span], out: Bytes
) -> Iterator[CheckedSpan]:
    """Decode consecutive spans into out, one after the other."""
    begin = spans[0].start
    for span in spans:
        if span.needs_window and span.start - begin < WINDOW:
            # In out, the window would lie where another run writes.
            own = decode_apart(reader, span_index, span)
            out[span.start : span.end] = own[1]
            yield own[0]
        else:
            window = min(WINDOW, span.start) if span.needs_window else 0
            yield reader.decode(span, out[: span.end], span.start, window)


def decode_apart(
    reader: SpanReader, span_index: SpanIndex, span: Span
) -> tuple[CheckedSpan, Bytes]:
    """Decode one span into memory of its own."""
    window = span_index.window(span.number)
    size = len(window)
    stop = size + span.end - span.start
    memory = reader.memory(stop)
    if size:
        memory[:size] = np.frombuffer(window, np.uint8)
    return reader.decode(span, memory, size, size), memory[size:]
