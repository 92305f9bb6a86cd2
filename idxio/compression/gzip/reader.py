"""gzip: any number of members, any header fields, zero padding behind the last member; any part of
it by spans.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from typing import IO

import numpy as np

from ..._native import gather, inflate
from ..._util.memory import allocate, populating
from ..._util.threads import on_threads
from ..._util.types import Bytes, Ids
from ...errors import ChangedError, IdxError, TruncatedError
from ...storage.source import Source
from ..base import BLOCK, Compression, Sink, Stream, WriteOptions
from . import pickled_index, sidecar_builder, sidecar_index
from .coalesce import Fronts, Parts, plan
from .embedded_index import embedded_index
from .members import (
    MAGIC,
    TRAILER,
    IncompleteError,
    Trailer,
    parse_member_header,
    parse_trailer,
    skip_zeros,
)
from .pickled_index import PackedIndex
from .random_access import (
    SPAN,
    SpanCache,
    SpanReader,
    decode_apart,
    read_by_index,
    use_lanes,
    wrong_span,
)
from .sequential import WINDOW, SequentialDecoder
from .span_index import CACHE, Span, SpanIndex
from .speculative import read_speculatively
from .stream import MAX_RATIO, GzipStream, inflate_in_place
from .writer import new_writer

# Populate no more pages ahead than data of this ratio need: what a header claims is not yet
# believed.
TRUSTED_RATIO = 16
# Unpacked bytes that a stream holds: some spans of ordinary data. With their window, two huge
# pages.
_BUFFER = (4 << 20) - WINDOW
# The same where only the first ones are wanted.
_FIRST = 1 << 10
# Spans of so long a part are decoded several at once into place, and not kept: nobody reads that in
# a loop.
_LONG = 1 << 20
# Unpacked bytes that one call of a decoder may make: some 0.2 s, after which an interrupt is
# noticed.
_MOST_AT_ONCE = 64 << 20
# Below this many unpacked bytes threads cost more than they save.
_WORTH_THREADS = 4 << 20
# Spans that a thread takes at a time.
_RUN = 16


class Gzip(Compression):
    packing = "gzip"
    magic = (MAGIC,)
    suffixes = (".gz",)
    program = "gzip"
    module = "gzip"
    can_write = True
    supports_ranges = True

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self._reader = SpanReader(source)
        self._known: SpanIndex | None = None
        self._claimed: SpanIndex | None = (
            # the known index, where the file or its sidecar states it and no failure refuted it
            None
        )
        self._damage: IdxError | None = None  # what a walk through the file found
        # A known index, its end, and what a pickle has of it.
        self._packed: tuple[SpanIndex, int, PackedIndex | None] | None = None
        self.renew_locks()

    def close(self) -> None:
        """Close the index, if it was looked at."""
        if self._known is not None and self._known.index is not None:
            self._known.index.close()

    def state(self) -> tuple[bool, PackedIndex | None]:
        return self.walks, self._packed_index()

    def _packed_index(self) -> PackedIndex | None:
        """The spans that were seen while a file of a path was read, for a pickle."""
        with self._lock:
            known = self._known
            if (
                known is None
                or known is self._claimed
                or sidecar_index.path_of(self.source) is None
            ):
                return None
            if self._packed is not None and self._packed[:2] == (known, known.end):
                return self._packed[2]
            frozen = known if known.complete else known.snapshot()
        try:
            packed = pickled_index.pack(self.source, frozen)
        except (IdxError, OSError, ValueError):
            return None  # the file is closed or damaged; only the next read may say so
        self._packed = known, frozen.end, packed
        return packed

    def restore(self, state: tuple[bool, PackedIndex | None]) -> None:
        self.walks, packed = state
        if packed is not None:
            self._known = pickled_index.unpack(packed)
            self._packed = self._known, packed.end, packed

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
    def span_index(self) -> SpanIndex:
        """The spans of the file, as far as they are known: stated by it or its sidecar, or seen
        while it was read.
        """
        with self._lock:
            if self._known is None:
                if not self.walks:
                    self._claimed = embedded_index(self.source) or sidecar_index.load(
                        self.source, self.stated()
                    )
                self._known = self._claimed or SpanIndex()
            return self._known

    def span_length(self) -> int | None:
        with self._lock:
            if self.source.size is None or self.span_index is not self._claimed:
                return None
            return self.span_index.usual_length()

    def stream(self) -> Stream:
        with self._lock:
            note = None if self.span_index.complete else self._note  # windows are kept for it
        return GzipStream(SequentialDecoder(self.source), self.name, _BUFFER, note)

    def _short_stream(self) -> Stream:
        return GzipStream(SequentialDecoder(self.source, by_span=False), self.name, _FIRST)

    def read_whole(self, out: memoryview, threads: int) -> int:
        failed: SpanIndex | None = None
        if self.source.size is not None:
            if len(out) >= _WORTH_THREADS and (threads > 1 or use_lanes()):
                span_index, memory = self.span_index, np.frombuffer(out, np.uint8)
                if span_index.complete:
                    if self._read_by_table(span_index, memory, threads):
                        return len(out)
                    failed = span_index
                elif threads > 1 and self._read_by_guess(memory, threads):
                    return len(out)
            with populating(out, TRUSTED_RATIO * self.source.size if threads > 1 else 0):
                if self._read_in_order(out):
                    self._drop(failed, SpanIndex())
                    return len(out)
        # The stream is slower and exact: what the fast ways refuse, it decodes or says why not.
        length = super().read_whole(out, threads)
        if length == len(out):
            self._drop(failed, SpanIndex())
        return length

    def _read_by_table(self, span_index: SpanIndex, out: Bytes, threads: int) -> bool:
        """Fill out on several threads by a table; False where the table does not hold, or the file
        is damaged.
        """
        try:
            read_by_index(self._reader, span_index, out, threads)
        except IdxError:
            return False
        return True

    def _read_by_guess(self, out: Bytes, threads: int) -> bool:
        """Fill out on several threads without a table; False where that does not work out."""
        guess = read_speculatively(self.source, out, threads)
        if guess is None:
            return False
        span_index, history = SpanIndex(), 0
        for span in guess.spans:
            window = bytes(out[span_index.end - min(history, WINDOW) : span_index.end])
            span_index.add(span.bit, span.stop, span.segment.length, window, self.source.size or 0)
            history = history + span.segment.length if span.segment.trailer is None else 0
        self._note(span_index)
        return True

    def _read_in_order(self, out: memoryview) -> bool:
        """Fill out on one thread; False unless all is well and out exactly full."""
        # A call of the decoder holds out an interrupt until it ends.
        if len(out) > _MOST_AT_ONCE:
            return inflate_in_place(self.source, np.frombuffer(out, np.uint8))
        return _inflate_members(self._compressed(), out)

    def _note(self, span_index: SpanIndex) -> None:
        """Keep a table that goes to the end of the file, if there was none."""
        span_index.complete = True
        with self._lock:
            if not self.span_index.complete:
                self._known, self._scout = span_index, None

    def read_at(self, offset: int, out: memoryview, threads: int) -> None:
        """Fill out with the unpacked bytes from offset on, which the caller knows to be there.

        Spans before them are decoded only where no table is known yet.
        """
        if len(out):
            self._by_table(lambda: self._read_at(offset, out, threads))

    def _by_table(self, read: Callable[[], None]) -> None:
        """Read by the span index; where the file or its sidecar stated a false one, decode the file
        and read again.
        """
        walks = self.walks
        try:
            read()
        except IdxError:
            if walks or not self._walk():
                raise
            read()

    def _walk(self) -> bool:
        """Decode the whole file after a stated span index failed, and use the index of that pass
        from then on.

        Returns False where no index was stated. Raises the error of a damaged file, and keeps the
        stated index then.
        """
        with self._lock:
            claimed = self._claimed
            if claimed is None:
                return self.walks  # another thread was here before
            if self._damage is not None:
                raise copy.copy(self._damage)
            # All of it: only at the end of a member its checksum tells that nothing before was
            # damaged.
            stream = GzipStream(SequentialDecoder(self.source), self.name, _BUFFER, _complete)
            try:
                while stream.step():
                    pass
            except ChangedError:
                raise
            except IdxError as error:
                self._damage = copy.copy(error)
                raise
            self._drop(claimed, stream.span_index)
            return True

    def _drop(self, claimed: SpanIndex | None, known: SpanIndex) -> None:
        """Replace a stated span index that proved false for a sound file; every later read goes
        without it.
        """
        with self._lock:
            if claimed is not None and claimed is self._claimed:
                self.walks = True
                self._claimed, self._known = None, known
                self._cache = SpanCache(self.source)

    def _read_at(self, offset: int, out: memoryview, threads: int) -> None:
        span_index, first, last = self._spans(offset, offset + len(out))
        if first == last:  # the usual case, without what the others need
            span = span_index.span(first)
            self._copy(span_index, span, offset - span.start, out)
        else:
            self._read_spans(span_index, first, last, offset, out, threads)

    def _read_spans(
        self,
        span_index: SpanIndex,
        first: int,
        last: int,
        offset: int,
        out: memoryview,
        threads: int,
    ) -> None:
        """Fill out with the unpacked bytes from offset on, which lie in the spans first to last."""
        memory = np.frombuffer(out, np.uint8)
        inner = range(first + 1, last)  # all of each is wanted
        in_place = len(out) >= _LONG and span_index.is_plain
        spans = span_index.merged(SPAN, inner) if in_place else [span_index.span(i) for i in inner]

        def copy(span: Span) -> None:
            a, b = span.start - offset, span.end - offset
            if in_place and first < span.number < last:
                self._reader.decode(span, memory[:b], a, 0)
            else:
                self._copy(span_index, span, max(0, -a), out[max(0, a) : b])

        if len(out) < _WORTH_THREADS:
            threads = 1
        on_threads(copy, [span_index.span(first), *spans, span_index.span(last)], threads)

    def _copy(self, span_index: SpanIndex, span: Span, skip: int, out: memoryview) -> None:
        """Fill out with the bytes of a span behind the first skip ones."""
        if span.end - span.start > CACHE:
            self._crawl(span_index, span, [(skip, out)])
        else:
            out[:] = self._block(span_index, span)[skip : skip + len(out)].data

    def _block(self, span_index: SpanIndex, span: Span, keep: bool = True) -> Bytes:
        """The unpacked bytes of a span, kept for the next time if that is wanted."""
        block = self._cache.get(span.start, span.end - span.start)
        if block is None:
            block = decode_apart(self._reader, span_index, span)[1]
            if keep:
                self._cache.put(span.start, block)
        return block

    def gather(self, base: int, size: int, ids: Ids, out: Bytes, threads: int) -> None:
        """Fill out with the records of ascending ids, each of size bytes, counted from base: each
        span once.
        """
        self._by_table(lambda: self._gather(base + ids * size, size, out, threads))

    def _gather(self, offsets: Ids, size: int, out: Bytes, threads: int) -> None:
        """Fill out with what lies at ascending offsets, each of size bytes."""
        span_index = self._spans(int(offsets[-1]), int(offsets[-1]) + size)[0]
        parts = plan(span_index, offsets, size)
        # What can't stay in the cache is not put there, and decoded no further than it must be.
        keep = int(parts.lengths.sum()) <= CACHE
        fronts = None
        if span_index.checkpoints and not keep:
            fronts = Fronts(self._reader, span_index, span_index.checkpoints, parts)

        def run(k: int) -> Iterator[None]:
            stop = min(k + _RUN, len(parts.numbers))
            while k < stop:
                done = fronts.read(k, stop, out) if fronts else 0
                if done == 0:
                    self._pick(span_index, parts, k, out, keep)
                    done = 1
                k += done
                yield

        on_threads(run, range(0, len(parts.numbers), _RUN), threads)

    def _pick(self, span_index: SpanIndex, parts: Parts, k: int, out: Bytes, keep: bool) -> None:
        """Fill in the parts of the k-th span."""
        span, some = (
            span_index.span(int(parts.numbers[k])),
            slice(parts.edges[k], parts.edges[k + 1]),
        )
        offsets, sizes, targets = parts.offsets[some], parts.sizes[some], parts.targets[some]
        if span.end - span.start > CACHE:
            each = zip(offsets.tolist(), sizes.tolist(), targets.tolist(), strict=True)
            self._crawl(
                span_index,
                span,
                [(offset, out[target : target + n].data) for offset, n, target in each],
            )
            return
        gather.copy_parts(self._block(span_index, span, keep), offsets, sizes, targets, out)

    def _spans(self, start: int, stop: int) -> tuple[SpanIndex, int, int]:
        """A span index that does not change, and the numbers of its first and last span of bytes
        start to stop.

        Decodes the file up to there where no index covers them.
        """
        with self._lock:
            span_index = self.span_index
            if span_index.end < stop and not span_index.complete:
                if self._scout is None:
                    # Not `self._note`: the stream would keep this object alive.
                    self._scout = GzipStream(
                        SequentialDecoder(self.source), self.name, _BUFFER, _complete
                    )
                    self._known = span_index = self._scout.span_index
                try:
                    while span_index.end < stop and self._scout.step():
                        if self._scout.is_span:
                            block = np.frombuffer(bytes(self._scout.block), np.uint8)
                            self._cache.put(span_index.end - len(block), block)
                except BaseException:
                    # the next call meets the same error
                    self._scout = self._known = self._shot = None
                    raise
                if span_index.complete:
                    self._scout = None
            if span_index.end < stop:
                raise TruncatedError("ends too early", file=self.name, found=span_index.end)
            if not span_index.complete:  # another thread may let it grow
                if self._shot is None or self._shot.end != span_index.end:
                    self._shot = span_index.snapshot()
                span_index = self._shot
            return span_index, span_index.find(start), span_index.find(stop - 1)

    def _crawl(
        self, span_index: SpanIndex, span: Span, parts: list[tuple[int, memoryview]]
    ) -> None:
        """Copy parts, at ascending offsets, out of a span too large for the cache, in constant
        memory.
        """
        window = span_index.window(span.number)
        sequential = SequentialDecoder(self.source, bit=span.bit, history=len(window))
        stream = GzipStream(sequential, self.name, _BUFFER, window=window)
        scratch = memoryview(bytearray(BLOCK))
        here = crc = 0

        def go(offset: int, out: memoryview) -> None:
            """Skip to an offset in the span, and read out from there."""
            nonlocal here, crc
            while here < offset or len(out):
                buffer, out = (
                    (scratch[: min(offset - here, BLOCK)], out) if here < offset else (out, out[:0])
                )
                if stream.readinto(buffer) < len(buffer):
                    raise wrong_span(self.name, span)
                here += len(buffer)
                crc = inflate.crc32(buffer, crc)

        for offset, out in parts:
            go(offset, out)
        if span.crc is not None:
            go(span.end - span.start, scratch[:0])
            if crc != span.crc:
                raise wrong_span(self.name, span)

    def _compressed(self) -> memoryview:
        """The file as it is stored, in memory."""
        view = self.source.view()
        if view is not None:
            return view
        data = allocate(0, self.source.size or 0).data
        return data[: self.source.read_at(0, data)]

    def stated(self) -> Trailer:
        """The last eight bytes: the trailer of the last member, if no padding follows."""
        data = bytearray(TRAILER)
        self.source.read_at(max(0, (self.source.size or 0) - TRAILER), memoryview(data))
        return parse_trailer(memoryview(data), 0)

    def stated_crc32(self, length: int) -> int | None:
        if self.source.size is None:
            return None
        stated = self.stated()
        return stated.crc if stated.length == length & 0xFFFFFFFF else None

    def index_path(self) -> str | None:
        return sidecar_index.path_of(self.source)

    def build_index(
        self, length: int, spacing: int, progress: Callable[[int], None] | None
    ) -> tuple[bytes, int]:
        if self.index_path() is None:
            return super().build_index(length, spacing, progress)
        if embedded_index(self.source) is not None:
            raise IdxError(
                "needs no index: it carries a table of its own, by which records are found",
                file=self.name,
            )
        ratio = (self.source.size or 0) / length
        return sidecar_builder.build(self.source, self.stated(), ratio, spacing, progress)

    @classmethod
    def writer(cls, file: IO[bytes], header: bytes, options: WriteOptions) -> Sink:
        return new_writer(file, header, options)


def _complete(span_index: SpanIndex) -> None:
    span_index.complete = True


def _inflate_members(data: memoryview, out: memoryview) -> bool:
    """Fill out with the members of data at full speed; False unless all is well and out exactly
    full.
    """
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
