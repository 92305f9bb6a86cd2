"""Copies parts of the unpacked data out of the spans that hold them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import numpy as np

from ..._native import gather, inflate
from ..._util.threads import on_threads
from ..._util.types import Bytes, Ids
from ...storage.source import Source
from ..base import READ_SIZE
from .coalesce import Fronts, Parts, Together, plan
from .known_spans import STREAM_BUFFER, KnownSpans
from .random_access import (
    SPAN,
    WORTH_THREADS,
    SpanReader,
    decode_apart,
    lane_runs,
    use_lanes,
    wrong_span,
)
from .sequential import SequentialDecoder
from .span_cache import CACHE, SpanCache
from .span_index import Span, SpanIndex
from .stream import GzipStream

# Spans of so long a part are decoded several at once into place, and not kept: nobody reads that in
# a loop.
_LONG = 3 << 18
# Spans of so many bytes in all are kept. Others would not stay in the cache, and are decoded in
# lanes or no further than they must be.
_KEPT = CACHE
# Of a longer span at the end of a range, up to so small a part at its front is decoded without the
# rest. That takes no more bytes of the file than a factor times its own, and some for the codes of
# a deflate block.
_LONG_SPAN = 1 << 14
_FRONT = 1 / 8
_FRONT_FACTOR, _CODES = 2, 1 << 10
# Spans that a thread takes at a time.
_RUN = 16


class SpanCopier:
    """Copies ranges and scattered records of one file. Shared by threads."""

    def __init__(self, reader: SpanReader, known: KnownSpans) -> None:
        self._reader = reader
        self._known = known

    def read(
        self, offset: int, out: memoryview, threads: int, *, with_fronts: bool = False
    ) -> None:
        """Fill out with the unpacked bytes from offset on.

        with_fronts: of the last span, a short front is decoded without the rest.
        """
        cache = self._known.cache  # before the index: a false one that is dropped takes it along
        index, first, last = self._known.covering(offset, offset + len(out))
        if first == last:  # the usual case, without what the others need
            span = index.span(first)
            self._copy(index, cache, span, offset - span.start, out)
        else:
            last_span = index.span(last)
            is_front = with_fronts and _is_front(last_span, offset + len(out), index)
            inner_end = last_span.start - offset if is_front else len(out)
            stop = _stop(last_span, offset + len(out), index) if is_front else last_span.limit
            with self._reader.source.expect([(index.span(first).bit >> 3, stop)]):
                if is_front:
                    self._copy_front(index, cache, last_span, out[inner_end:])
                    last -= 1
                numbers = range(first, last + 1)
                self._read_spans(index, cache, numbers, offset, out[:inner_end], threads)

    def expect(self, ranges: Sequence[tuple[int, int]]) -> AbstractContextManager[None]:
        """As `Compression.expect`; where no index is known yet, nothing is expected."""
        source = self._reader.source
        index = self._known.index
        if not (source.is_remote and index.complete and ranges):
            return nullcontext()
        edges = np.array(ranges, np.int64)
        first, last = index.find_all(edges[:, 0]), index.find_all(edges[:, 1] - 1)
        begins = index.columns(first)[0] >> 3
        stops = [
            _stop(index.span(number), end, index) if number > before else index.span(number).limit
            for before, number, end in zip(
                first.tolist(), last.tolist(), edges[:, 1].tolist(), strict=True
            )
        ]
        return source.expect(list(zip(begins.tolist(), stops, strict=True)))

    def _read_spans(
        self,
        index: SpanIndex,
        cache: SpanCache,
        numbers: range,
        offset: int,
        out: memoryview,
        threads: int,
    ) -> None:
        """Fill out with the unpacked bytes from offset on, which lie in the spans of these
        numbers.
        """
        if len(out) < WORTH_THREADS:
            threads = 1
        # Those of which not all is wanted, at the ends, have no place in out.
        begin, end = index.span(numbers[0]).start, index.span(numbers[-1]).end
        inner = numbers[begin < offset : len(numbers) - (end > offset + len(out))]
        in_place = len(out) >= _LONG and index.is_plain and len(inner) > 0
        apart = [k for k in (numbers[0], numbers[-1]) if k not in inner] if in_place else numbers
        jobs: list[Callable[[], None]] = []
        for span in map(index.span, apart):
            a, b = span.start - offset, span.end - offset
            part = out[max(0, a) : b]
            jobs.append(partial(self._copy, index, cache, span, max(0, -a), part))
        if in_place:
            memory = np.frombuffer(out, np.uint8)
            if use_lanes():
                runs = lane_runs(index, inner, threads)
            else:
                runs = [[span] for span in index.merged(SPAN, inner)]
            jobs += [partial(self._decode_in_place, index, run, offset, memory) for run in runs]
        on_threads(lambda job: job(), jobs, threads)

    def _decode_in_place(
        self, index: SpanIndex, run: list[Span], offset: int, memory: Bytes
    ) -> None:
        """Decode spans that need no windows to where they belong in the memory, which has the bytes
        from offset on.
        """
        places = [span.start - offset for span in run]
        if len(run) > 1:
            self._reader.decode_in_lanes(index, run, memory, places)
        else:
            self._reader.decode(run[0], memory[: run[0].end - offset], places[0], 0)

    def _copy(
        self, index: SpanIndex, cache: SpanCache, span: Span, skip: int, out: memoryview
    ) -> None:
        """Fill out with the bytes of a span behind the first skip ones."""
        if span.end - span.start > CACHE:
            copy_in_order(self._reader.source, index, span, [(skip, out)])
        else:
            out[:] = self._block(index, cache, span)[skip : skip + len(out)].data

    def _copy_front(self, index: SpanIndex, cache: SpanCache, span: Span, out: memoryview) -> None:
        """Fill out with the front of a span, decoding no more of it if that will do."""
        first, stop = span.bit >> 3, _stop_of_front(span, len(out))
        buffer, decoder = self._reader.take()
        buffer.load(first, stop - first)
        data = buffer.data[: buffer.local(min(stop, buffer.stop))]
        inflater = inflate.Inflater(b"", 0, 0)
        front = np.frombuffer(out, np.uint8)
        _, _, produced = inflater.inflate(data, buffer.local(first), front, 0, len(out))
        self._reader.give(buffer, decoder)
        if produced < len(out):
            self._copy(index, cache, span, 0, out)

    def _block(self, index: SpanIndex, cache: SpanCache, span: Span, keep: bool = True) -> Bytes:
        """The unpacked bytes of a span, kept for the next time if that is wanted."""
        block = cache.get(span.start, span.end - span.start)
        if block is None:
            block = decode_apart(self._reader, index, span)[1]
            if keep:
                cache.put(span.start, block)
        return block

    def gather(self, offsets: Ids, size: int, out: Bytes, threads: int) -> None:
        """Fill out with what lies at ascending offsets, each of size bytes."""
        cache = self._known.cache
        index = self._known.covering(int(offsets[-1]), int(offsets[-1]) + size)[0]
        parts = plan(index, offsets, size)
        keep = int(parts.lengths.sum()) <= _KEPT
        together: Fronts | Together | None = None
        if index.sidecar is not None and not keep:
            together = Fronts(self._reader, index, index.sidecar, parts)
        elif index.is_plain and not keep and use_lanes():
            together = Together(self._reader, index, parts)

        def run(k: int) -> Iterator[None]:
            stop = min(k + _RUN, len(parts.numbers))
            while k < stop:
                done = together.read(k, stop, out) if together else 0
                if done == 0:
                    self._pick(index, cache, parts, k, out, keep)
                    done = 1
                k += done
                yield

        with self._expecting(index, parts.numbers):
            on_threads(run, range(0, len(parts.numbers), _RUN), threads)

    def _expecting(self, index: SpanIndex, numbers: Ids) -> AbstractContextManager[None]:
        """Expect the spans of these numbers."""
        source = self._reader.source
        if not source.is_remote:  # it takes time where there are many
            return nullcontext()
        bits, limits, _, _ = index.columns(numbers)
        return source.expect(list(zip((bits >> 3).tolist(), limits.tolist(), strict=True)))

    def _pick(
        self, index: SpanIndex, cache: SpanCache, parts: Parts, k: int, out: Bytes, keep: bool
    ) -> None:
        """Fill in the parts of the k-th span."""
        span = index.span(int(parts.numbers[k]))
        some = slice(parts.edges[k], parts.edges[k + 1])
        offsets, sizes, targets = parts.offsets[some], parts.sizes[some], parts.targets[some]
        if span.end - span.start > CACHE:
            each = zip(offsets.tolist(), sizes.tolist(), targets.tolist(), strict=True)
            wanted = [(offset, out[target : target + n].data) for offset, n, target in each]
            copy_in_order(self._reader.source, index, span, wanted)
        else:
            gather.copy_parts(self._block(index, cache, span, keep), offsets, sizes, targets, out)


def _is_front(span: Span, end: int, index: SpanIndex) -> bool:
    """Whether the bytes of a span up to `end` are decoded without the rest.

    Where it begins was checked by the span before, which arrived there; its own end is not.
    """
    length = span.end - span.start
    is_short = length >= _LONG_SPAN and end - span.start <= _FRONT * length
    return is_short and index.is_plain and span.stop > 0 and span.bit % 8 == 0


def _stop_of_front(span: Span, length: int) -> int:
    """The byte of the file behind what the first bytes of a span are decoded from."""
    return min(span.limit, (span.bit >> 3) + _FRONT_FACTOR * length + _CODES)


def _stop(span: Span, end: int, index: SpanIndex) -> int:
    """The byte of the file behind what is read of a span, of which bytes up to `end` are wanted."""
    if _is_front(span, end, index):
        return _stop_of_front(span, end - span.start)
    return span.limit


def copy_in_order(
    source: Source, index: SpanIndex, span: Span, parts: list[tuple[int, memoryview]]
) -> None:
    """Copy parts, at ascending offsets, out of a span too large for the cache, in constant
    memory.
    """
    window = index.window(span.number)
    sequential = SequentialDecoder(source, bit=span.bit, history=len(window))
    stream = GzipStream(sequential, source.name, STREAM_BUFFER, window=window)
    scratch = memoryview(bytearray(READ_SIZE))
    here = crc = 0

    def go(offset: int, out: memoryview) -> None:
        """Skip to an offset in the span, and read out from there."""
        nonlocal here, crc
        while here < offset or len(out):
            if here < offset:
                buffer = scratch[: min(offset - here, READ_SIZE)]
            else:
                buffer, out = out, out[:0]
            if stream.readinto(buffer) < len(buffer):
                raise wrong_span(source.name, span)
            here += len(buffer)
            crc = inflate.crc32(buffer, crc)

    for offset, out in parts:
        go(offset, out)
    if span.crc is not None:
        go(span.end - span.start, scratch[:0])
        if crc != span.crc:
            raise wrong_span(source.name, span)
