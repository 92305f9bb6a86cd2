"""gzip: any number of members, any header fields, zero padding behind the last member; any part of it by spans."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..._native import gather, inflate
from ..._util.memory import allocate, populating
from ..._util.threads import on_threads
from ...errors import ChangedError, IdxError, TruncatedError
from ...storage.source import BufferSource, Source
from ..base import BLOCK, Compression, Stream
from . import sidecar_index
from .coalesce import Fronts, Parts, plan
from .embedded_index import embedded_index
from .members import MAGIC, TRAILER, IncompleteError, Trailer, parse_member_header, parse_trailer, skip_zeros
from .random_access import SPAN, SpanCache, SpanReader, decode_apart, read_by_index, use_lanes, wrong_span
from .sequential import WINDOW, SequentialDecoder
from .span_index import CACHE, Ids, Span, SpanIndex
from .speculative import read_speculatively
from .stream import MAX_RATIO, GzipStream, inflate_in_place

Bytes = np.ndarray[Any, np.dtype[np.uint8]]

# Populate no more pages ahead than data of this ratio need: what a header claims is not yet believed.
TRUSTED_RATIO = 16
# Unpacked bytes that a stream holds: some spans of ordinary data. With their window, two huge pages.
_BUFFER = (4 << 20) - WINDOW
# The same where only the first ones are wanted.
_FIRST = 1 << 10
# Spans of so long a part are decoded several at once into place, and not kept: nobody reads that in a loop.
_LONG = 1 << 20
# Unpacked bytes that one call of a decoder may make: some 0.2 s, after which an interrupt is noticed.
_MOST_AT_ONCE = 64 << 20
# Below this many unpacked bytes threads cost more than they save.
_WORTH_THREADS = 4 << 20
# Spans that a thread takes at a time.
_RUN = 16


class Gzip(Compression):
    packing, magic = "gzip", MAGIC

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self._reader = SpanReader(source)
        self._known: SpanIndex | None = None
        self._told: SpanIndex | None = None  # the known table, if the file or its index told it and it is believed
        self._damage: IdxError | None = None  # what a walk through the file found
        self.renew_locks()

    def close(self) -> None:
        """Close the index, if it was looked at."""
        if self._known is not None and self._known.index is not None:
            self._known.index.close()

    def renew_locks(self) -> None:
        self._lock = threading.RLock()
        self._cache = SpanCache(self.source)
        self._scout: GzipStream | None = None
        self._shot: SpanIndex | None = None  # the table as it was when somebody last looked
        if self._known is not None and not self._known.complete:
            self._known = None  # another thread may have been adding to it

    def limit(self) -> int | None:
        return None if self.source.size is None else self.source.size * MAX_RATIO

    @property
    def table(self) -> SpanIndex:
        """The spans of the file, as far as they are known: its own table, or what reading it has shown."""
        with self._lock:
            if self._known is None:
                if not self.walks:
                    self._told = embedded_index(self.source) or sidecar_index.load(self.source, self.stated())
                self._known = self._told or SpanIndex()
            return self._known

    def stream(self) -> Stream:
        with self._lock:
            note = None if self.table.complete else self._note  # windows are kept for it
        return GzipStream(SequentialDecoder(self.source), self.name, _BUFFER, note)

    def _short_stream(self) -> Stream:
        return GzipStream(SequentialDecoder(self.source, by_span=False), self.name, _FIRST)

    def read_whole(self, out: memoryview, threads: int) -> int:
        failed: SpanIndex | None = None
        if self.source.size is not None:
            if len(out) >= _WORTH_THREADS and (threads > 1 or use_lanes()):
                table, memory = self.table, np.frombuffer(out, np.uint8)
                if table.complete:
                    if self._read_by_table(table, memory, threads):
                        return len(out)
                    failed = table
                elif threads > 1 and self._read_by_guess(memory, threads):
                    return len(out)
            with populating(out, TRUSTED_RATIO * self.source.size if threads > 1 else 0):
                if self._read_in_order(out):
                    self._drop(failed, SpanIndex())
                    return len(out)
        # The stream is slower and exact: what the fast ways refuse, it decodes or says why not.
        found = super().read_whole(out, threads)
        if found == len(out):
            self._drop(failed, SpanIndex())
        return found

    def _read_by_table(self, table: SpanIndex, out: Bytes, threads: int) -> bool:
        """Fill out on several threads by a table; False where the table does not hold, or the file is damaged."""
        try:
            read_by_index(self._reader, table, out, threads)
        except IdxError:
            return False
        return True

    def _read_by_guess(self, out: Bytes, threads: int) -> bool:
        """Fill out on several threads without a table; False where that does not work out."""
        guess = read_speculatively(self.source, out, threads)
        if guess is None:
            return False
        table, history = SpanIndex(), 0
        for span in guess.spans:
            window = bytes(out[table.end - min(history, WINDOW) : table.end])
            table.add(span.bit, span.stop, span.segment.length, window, self.source.size or 0)
            history = history + span.segment.length if span.segment.trailer is None else 0
        self._note(table)
        return True

    def _read_in_order(self, out: memoryview) -> bool:
        """Fill out on one thread; False unless all is well and out exactly full."""
        # A call of the decoder holds out an interrupt until it ends.
        if len(out) > _MOST_AT_ONCE:
            return inflate_in_place(self.source, np.frombuffer(out, np.uint8))
        return _inflate_members(self._compressed(), out)

    def _note(self, table: SpanIndex) -> None:
        """Keep a table that goes to the end of the file, if there was none."""
        table.complete = True
        with self._lock:
            if not self.table.complete:
                self._known, self._scout = table, None

    def read_at(self, offset: int, out: memoryview, threads: int) -> None:
        """Fill out with the unpacked bytes from offset on, which the caller knows to be there.

        Spans before them are decoded only where no table is known yet.
        """
        if len(out):
            self._by_table(lambda: self._read_at(offset, out, threads))

    def _by_table(self, read: Callable[[], None]) -> None:
        """Read by the table at hand; and once more by a walk, where that table was told and does not hold."""
        walks = self.walks
        try:
            read()
        except IdxError:
            if walks or not self._walk():
                raise
            read()

    def _walk(self) -> bool:
        """Go through the file, where a table that was told failed: the table of that walk is known from then on.

        False if there was no such table. Raises what is wrong with the file, and believes the table then.
        """
        with self._lock:
            told = self._told
            if told is None:
                return self.walks  # another thread was here before
            if self._damage is not None:
                raise copy.copy(self._damage)
            # All of it: only at the end of a member its checksum tells that nothing before was damaged.
            stream = GzipStream(SequentialDecoder(self.source), self.name, _BUFFER, _complete)
            try:
                while stream.step():
                    pass
            except ChangedError:
                raise
            except IdxError as error:
                self._damage = copy.copy(error)
                raise
            self._drop(told, stream.table)
            return True

    def _drop(self, told: SpanIndex | None, known: SpanIndex) -> None:
        """Forget a table that was told for a file that is sound without it; every other road, too, goes without."""
        with self._lock:
            if told is not None and told is self._told:
                self.walks = True
                self._told, self._known = None, known
                self._cache = SpanCache(self.source)

    def _read_at(self, offset: int, out: memoryview, threads: int) -> None:
        table, first, last = self._spans(offset, offset + len(out))
        if first == last:  # the usual case, without what the others need
            span = table.span(first)
            self._copy(table, span, offset - span.start, out)
        else:
            self._read_spans(table, first, last, offset, out, threads)

    def _read_spans(self, table: SpanIndex, first: int, last: int, offset: int, out: memoryview, threads: int) -> None:
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

    def _copy(self, table: SpanIndex, span: Span, skip: int, out: memoryview) -> None:
        """Fill out with the bytes of a span behind the first skip ones."""
        if span.end - span.start > CACHE:
            self._crawl(table, span, [(skip, out)])
        else:
            out[:] = self._block(table, span)[skip : skip + len(out)].data

    def _block(self, table: SpanIndex, span: Span, keep: bool = True) -> Bytes:
        """The unpacked bytes of a span, kept for the next time if that is wanted."""
        block = self._cache.get(span.start, span.end - span.start)
        if block is None:
            block = decode_apart(self._reader, table, span)[1]
            if keep:
                self._cache.put(span.start, block)
        return block

    def gather(self, base: int, size: int, ids: Ids, out: Bytes, threads: int) -> None:
        """Fill out with the records of ascending ids, each of size bytes, counted from base: each span once."""
        self._by_table(lambda: self._gather(base + ids * size, size, out, threads))

    def _gather(self, offsets: Ids, size: int, out: Bytes, threads: int) -> None:
        """Fill out with what lies at ascending offsets, each of size bytes."""
        table = self._spans(int(offsets[-1]), int(offsets[-1]) + size)[0]
        parts = plan(table, offsets, size)
        # What can't stay in the cache is not put there, and decoded no further than it must be.
        keep = int(parts.lengths.sum()) <= CACHE
        fronts = Fronts(self._reader, table, table.checkpoints, parts) if table.checkpoints and not keep else None

        def run(k: int) -> Iterator[None]:
            stop = min(k + _RUN, len(parts.numbers))
            while k < stop:
                done = fronts.read(k, stop, out) if fronts else 0
                if done == 0:
                    self._pick(table, parts, k, out, keep)
                    done = 1
                k += done
                yield

        on_threads(run, range(0, len(parts.numbers), _RUN), threads)

    def _pick(self, table: SpanIndex, parts: Parts, k: int, out: Bytes, keep: bool) -> None:
        """Fill in the parts of the k-th span."""
        span, some = table.span(int(parts.numbers[k])), slice(parts.edges[k], parts.edges[k + 1])
        places, sizes, targets = parts.places[some], parts.sizes[some], parts.targets[some]
        if span.end - span.start > CACHE:
            each = zip(places.tolist(), sizes.tolist(), targets.tolist(), strict=True)
            self._crawl(table, span, [(place, out[target : target + n].data) for place, n, target in each])
            return
        gather.copy_parts(self._block(table, span, keep), places, sizes, targets, out)

    def _spans(self, start: int, stop: int) -> tuple[SpanIndex, int, int]:
        """A table that does not change, and its first and last span with the unpacked bytes start to stop.

        Decodes up to there where no table says where they are.
        """
        with self._lock:
            table = self.table
            if table.end < stop and not table.complete:
                if self._scout is None:
                    # Not told to this object, which it would keep alive.
                    self._scout = GzipStream(SequentialDecoder(self.source), self.name, _BUFFER, _complete)
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

    def _crawl(self, table: SpanIndex, span: Span, parts: list[tuple[int, memoryview]]) -> None:
        """Take parts, at ascending places, from a span too large to be kept, in constant memory."""
        window = table.window(span.number)
        sequential = SequentialDecoder(self.source, bit=span.bit, history=len(window))
        stream = GzipStream(sequential, self.name, _BUFFER, window=window)
        scratch = memoryview(bytearray(BLOCK))
        here = crc = 0

        def go(place: int, out: memoryview) -> None:
            """Read on to a place, and from there into out."""
            nonlocal here, crc
            while here < place or len(out):
                buffer, out = (scratch[: min(place - here, BLOCK)], out) if here < place else (out, out[:0])
                if stream.readinto(buffer) < len(buffer):
                    raise wrong_span(self.name, span)
                here += len(buffer)
                crc = inflate.crc32(buffer, crc)

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


def _complete(table: SpanIndex) -> None:
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
