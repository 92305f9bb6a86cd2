"""gzip: any number of members, any header fields, zero padding behind the last member; any part of it by spans."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from .._native import inflate, kernels
from ..errors import IdxError, TruncatedError
from ..memory import allocate, populating
from ..parallel import on_threads
from ..source import BufferSource, Source
from . import seekindex
from .access import SPAN, Cache, SpanReader, decode_apart, read_by_table, use_lanes, wrong_span
from .base import BLOCK, Container, Stream
from .chunked import own_table
from .gathering import Fronts, Parts, plan
from .guess import read_by_guess
from .gzipstream import MAX_RATIO, GzipStream
from .members import MAGIC, TRAILER, IncompleteError, Trailer, parse_member_header, parse_trailer, skip_zeros
from .table import CACHE, Ids, Span, SpanTable
from .walker import WINDOW, Walker

Bytes = np.ndarray[Any, np.dtype[np.uint8]]

# Populate no more pages ahead than data of this ratio need: what a header claims is not yet believed.
TRUSTED_RATIO = 16
# Unpacked bytes that a stream holds: some spans of ordinary data. With their window, two huge pages.
_BUFFER = (4 << 20) - WINDOW
# The same where only the first ones are wanted.
_FIRST = 1 << 10
# Spans of so long a part are decoded several at once into place, and not kept: nobody reads that in a loop.
_LONG = 1 << 20
# Below this many unpacked bytes threads cost more than they save.
_WORTH_THREADS = 4 << 20
# Spans that a thread takes at a time.
_RUN = 16


class Gzip(Container):
    packing, magic = "gzip", MAGIC

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self._reader = SpanReader(source)
        self._known: SpanTable | None = None
        self.renew_locks()

    def close(self) -> None:
        """Close the index, if it was looked at."""
        if self._known is not None and self._known.index is not None:
            self._known.index.close()

    def renew_locks(self) -> None:
        self._lock = threading.RLock()
        self._cache = Cache(self.source)
        self._scout: GzipStream | None = None
        self._shot: SpanTable | None = None  # the table as it was when somebody last looked
        if self._known is not None and not self._known.complete:
            self._known = None  # another thread may have been adding to it

    def limit(self) -> int | None:
        return None if self.source.size is None else self.source.size * MAX_RATIO

    @property
    def table(self) -> SpanTable:
        """The spans of the file, as far as they are known: its own table, or what reading it has shown."""
        if self._known is None:
            self._known = own_table(self.source) or seekindex.load(self.source, self.stated()) or SpanTable()
        return self._known

    def stream(self) -> Stream:
        with self._lock:
            note = None if self.table.complete else self._note  # windows are kept for it
        return GzipStream(Walker(self.source), self.name, _BUFFER, note)

    def _short_stream(self) -> Stream:
        return GzipStream(Walker(self.source, by_span=False), self.name, _FIRST)

    def read_whole(self, out: memoryview, threads: int) -> int:
        if self.source.size is not None:
            in_spans = threads > 1 or (len(out) >= _WORTH_THREADS and use_lanes() and self.table.complete)
            if in_spans and self._read_by_spans(np.frombuffer(out, np.uint8), threads):
                return len(out)
            with populating(out, TRUSTED_RATIO * self.source.size if threads > 1 else 0):
                if _inflate_members(self._compressed(), out):
                    return len(out)
        # The stream is slower and exact: what the fast ways refuse, it decodes or says why not.
        return super().read_whole(out, threads)

    def _read_by_spans(self, out: Bytes, threads: int) -> bool:
        """Fill out on several threads; False where that does not work out."""
        if len(out) < _WORTH_THREADS:
            return False
        if (known := self.table).complete:
            try:
                read_by_table(self._reader, known, out, threads)
            except IdxError:
                return False
            return True
        guess = read_by_guess(self.source, out, threads)
        if guess is None:
            return False
        table, history = SpanTable(), 0
        for span in guess.spans:
            window = bytes(out[table.end - min(history, WINDOW) : table.end])
            table.add(span.bit, span.stop, span.stretch.length, window, self.source.size or 0)
            history = history + span.stretch.length if span.stretch.trailer is None else 0
        self._note(table)
        return True

    def _note(self, table: SpanTable) -> None:
        """Keep a table that goes to the end of the file, if there was none."""
        table.complete = True
        with self._lock:
            if not self.table.complete:
                self._known, self._scout = table, None

    def read_at(self, offset: int, out: memoryview, threads: int) -> None:
        """Fill out with the unpacked bytes from offset on, which the caller knows to be there.

        Spans before them are decoded only where no table is known yet.
        """
        if not len(out):
            return
        table, first, last = self._spans(offset, offset + len(out))
        if first == last:  # the usual case, without what the others need
            span = table.span(first)
            self._copy(table, span, offset - span.start, out)
        else:
            self._read_spans(table, first, last, offset, out, threads)

    def _read_spans(self, table: SpanTable, first: int, last: int, offset: int, out: memoryview, threads: int) -> None:
        """Fill out with the unpacked bytes from offset on, which lie in the spans first to last."""
        memory = np.frombuffer(out, np.uint8)
        inner = range(first + 1, last)  # all of each is wanted
        in_place = len(out) >= _LONG and table.is_plain
        spans = table.merged(SPAN, inner) if in_place else [table.span(i) for i in inner]

        def copy(span: Span) -> None:
            a, b = span.start - offset, span.end - offset
            if in_place and first < span.number < last:
                self._reader.decode(span, memory[:b], a, 0)
            else:
                self._copy(table, span, max(0, -a), out[max(0, a) : b])

        on_threads(copy, [table.span(first), *spans, table.span(last)], threads if len(out) >= _WORTH_THREADS else 1)

    def _copy(self, table: SpanTable, span: Span, skip: int, out: memoryview) -> None:
        """Fill out with the bytes of a span behind the first skip ones."""
        if span.end - span.start > CACHE:
            self._crawl(table, span, [(skip, out)])
        else:
            out[:] = self._block(table, span)[skip : skip + len(out)].data

    def _block(self, table: SpanTable, span: Span, keep: bool = True) -> Bytes:
        """The unpacked bytes of a span, kept for the next time if that is wanted."""
        block = self._cache.get(span.start, span.end - span.start)
        if block is None:
            block = decode_apart(self._reader, table, span)[1]
            if keep:
                self._cache.put(span.start, block)
        return block

    def gather(self, base: int, size: int, ids: Ids, out: Bytes, threads: int) -> None:
        """Fill out with the records of ascending ids, each of size bytes, counted from base: each span once."""
        offsets = base + ids * size
        table = self._spans(int(offsets[-1]), int(offsets[-1]) + size)[0]
        parts = plan(table, offsets, size)
        # What can't stay in the cache is not put there, and decoded no further than it must be.
        keep = int(parts.lengths.sum()) <= CACHE
        fronts = Fronts(self._reader, table, table.marks, parts) if table.marks and not keep else None

        def run(k: int) -> None:
            stop = min(k + _RUN, len(parts.numbers))
            while k < stop:
                done = fronts.read(k, stop, out) if fronts else 0
                if done == 0:
                    self._pick(table, parts, k, out, keep)
                    done = 1
                k += done

        on_threads(run, range(0, len(parts.numbers), _RUN), threads)

    def _pick(self, table: SpanTable, parts: Parts, k: int, out: Bytes, keep: bool) -> None:
        """Fill in the parts of the k-th span."""
        span, some = table.span(int(parts.numbers[k])), slice(parts.edges[k], parts.edges[k + 1])
        places, sizes, targets = parts.places[some], parts.sizes[some], parts.targets[some]
        if span.end - span.start > CACHE:
            each = zip(places.tolist(), sizes.tolist(), targets.tolist(), strict=True)
            self._crawl(table, span, [(place, out[target : target + n].data) for place, n, target in each])
            return
        kernels.copy_parts(self._block(table, span, keep), places, sizes, targets, out)

    def _spans(self, start: int, stop: int) -> tuple[SpanTable, int, int]:
        """A table that does not change, and its first and last span with the unpacked bytes start to stop.

        Decodes up to there where no table says where they are.
        """
        with self._lock:
            table = self.table
            if table.end < stop and not table.complete:
                if self._scout is None:
                    # Not told to this object, which it would keep alive.
                    self._scout = GzipStream(Walker(self.source), self.name, _BUFFER, _complete)
                    self._known = table = self._scout.table
                try:
                    while table.end < stop and self._scout.step():
                        if self._scout.is_span:
                            block = np.frombuffer(bytes(self._scout.block), np.uint8)
                            self._cache.put(table.end - len(block), block)
                except BaseException:
                    self._scout = self._known = self._shot = None  # whoever asks again is told again
                    raise
                if table.complete:
                    self._scout = None
            if table.end < stop:
                raise TruncatedError("ends too early", file=self.name, found=table.end)
            if not table.complete:  # another thread may let it grow
                if self._shot is None or self._shot.end != table.end:
                    self._shot = table.snapshot()
                table = self._shot
            return table, table.find(start), table.find(stop - 1)

    def _crawl(self, table: SpanTable, span: Span, parts: list[tuple[int, memoryview]]) -> None:
        """Take parts, at ascending places, from a span too large to be kept, in constant memory."""
        window = table.window(span.number)
        walker = Walker(self.source, bit=span.bit, history=len(window))
        stream = GzipStream(walker, self.name, _BUFFER, window=window)
        scratch = memoryview(bytearray(BLOCK))
        here = crc = 0

        def go(place: int, out: memoryview) -> None:
            """Read on to a place, and from there into out."""
            nonlocal here, crc
            while here < place or len(out):
                piece, out = (scratch[: min(place - here, BLOCK)], out) if here < place else (out, out[:0])
                if stream.readinto(piece) < len(piece):
                    raise wrong_span(self.name, span)
                here += len(piece)
                crc = inflate.crc32(piece, crc)

        for place, out in parts:
            go(place, out)
        if span.crc is not None:
            go(span.end - span.start, scratch[:0])
            if crc != span.crc:
                raise wrong_span(self.name, span)

    def _compressed(self) -> memoryview:
        """The file as it is stored, in memory."""
        if isinstance(self.source, BufferSource):
            return self.source.view
        data = allocate(0, self.source.size or 0).data
        return data[: self.source.read_at(0, data)]

    def stated(self) -> Trailer:
        """The last eight bytes: the trailer of the last member, if no padding follows."""
        data = bytearray(TRAILER)
        self.source.read_at(max(0, (self.source.size or 0) - TRAILER), memoryview(data))
        return parse_trailer(memoryview(data), 0)


def _complete(table: SpanTable) -> None:
    table.complete = True


def _inflate_members(data: memoryview, out: memoryview) -> bool:
    """Fill out with the members of data at full speed; False unless all is well and out exactly full."""
    decoder = inflate.Decoder()
    position = done = 0
    while position < len(data):
        try:
            position = parse_member_header(data, position).end
        except (ValueError, IncompleteError):
            return False
        status, consumed, produced = decoder.inflate(data, position, out, done)
        position += consumed
        if status != inflate.END or len(data) < position + TRAILER:
            return False
        crc = inflate.crc32(out[done : done + produced])
        if parse_trailer(data, position) != Trailer(crc, produced & 0xFFFFFFFF):
            return False
        position = skip_zeros(data, position + TRAILER)
        done += produced
    return done == len(out)
