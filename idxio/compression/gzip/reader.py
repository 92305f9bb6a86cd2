"""gzip: any number of members, any header fields, zero padding behind the last member; any part of
it by spans.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import IO, TYPE_CHECKING, NamedTuple

import numpy as np

from ..._util.memory import allocate, populating
from ..._util.types import Bytes, Ids
from ...errors import IdxError
from ...storage.source import Source
from ..base import Compression, Sink, Stream, WriteOptions, read_to_end
from . import sidecar_index
from .embedded_index import chunk_length, embedded_index
from .growing_index import GrowingIndex
from .known_spans import STREAM_BUFFER, Knowledge, KnownSpans
from .members import MAGIC, Trailer
from .random_access import WORTH_THREADS, SpanReader, read_by_index, use_lanes
from .sequential import SequentialDecoder
from .span_index import WINDOW, SpanIndex
from .span_stream import STREAM_BLOCK, SpanStream
from .stream import MAX_RATIO, GzipStream, inflate_in_place, inflate_members

if TYPE_CHECKING:
    from .pickled_index import PackedIndex
    from .span_copier import SpanCopier
    from .speculative import SpeculativeRead

# Populate no more pages ahead than data of this ratio need: what a header claims is not yet
# believed.
TRUSTED_RATIO = 16
# Unpacked bytes of a stream where only the first ones are wanted.
_FIRST = 1 << 10
# Unpacked bytes that one call of a decoder may make: some 0.2 s, after which an interrupt is
# noticed.
_MOST_AT_ONCE = 64 << 20


class _Imported(NamedTuple):
    """What only reads need, imported when the first gzip file is opened."""

    copier: type[SpanCopier]
    read_speculatively: Callable[[Source, Bytes, int], SpeculativeRead | None]


@functools.cache
def _import_for_reads() -> _Imported:
    """Import what only reads need: `import idxio` takes less time without it.

    It is not left to the first read, which may be on one of several threads: a process that is
    forked while a thread imports a module can't import it any more.
    """
    from .span_copier import SpanCopier
    from .speculative import read_speculatively

    return _Imported(SpanCopier, read_speculatively)


class Gzip(Compression):
    packing = "gzip"
    magic = (MAGIC,)
    index_magic = sidecar_index.MAGIC
    suffixes = (".gz",)
    program = "gzip"
    module = "gzip"
    can_write = True
    supports_ranges = True
    in_browsers = True

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self._reader = SpanReader(source)
        self._known = KnownSpans(source)
        self._copier = _import_for_reads().copier(self._reader, self._known)

    def close(self) -> None:
        """Close the index, if it was looked at."""
        self._known.close()

    def state(self) -> tuple[bool, PackedIndex | None]:
        return self._known.is_refuted, self._known.packed()

    def restore(self, state: tuple[bool, PackedIndex | None]) -> None:
        self._known.is_refuted, packed = state
        if packed is not None:
            self._known.adopt(packed)

    def renew_locks(self) -> None:
        self._known.renew_locks()

    def limit(self) -> int | None:
        return None if self.source.size is None else self.source.size * MAX_RATIO

    @property
    def span_index(self) -> SpanIndex:
        """The spans of the file, as far as they are known."""
        return self._known.index

    def stated(self) -> Trailer:
        """The last eight bytes: the trailer of the last member, if no padding follows."""
        return self._known.stated_trailer()

    def span_length(self) -> int | None:
        if self.source.size is None:
            return None
        index = self._known.index
        return index.usual_length() if self._known.knowledge is Knowledge.STATED else None

    def chunk_length(self) -> int | None:
        return chunk_length(self.source)

    def stream(self) -> Stream:
        index = self._known.index
        if index.complete and index.is_plain and use_lanes() and index.longest() <= STREAM_BLOCK:
            return SpanStream(self._reader, index, lambda: self._stream_in_order(index))
        return self._stream_in_order()

    def _stream_in_order(self, failed: SpanIndex | None = None) -> Stream:
        """An exact stream. At its end its index takes the place of one that failed, or is kept
        where none is complete.
        """
        note: Callable[[SpanIndex], None] | None = None
        if failed is not None:
            note = functools.partial(self._known.replace_stated, failed)
        elif not self._known.index.complete:  # else nobody needs the windows that it would keep
            note = self._known.note
        return GzipStream(SequentialDecoder(self.source), self.name, STREAM_BUFFER, note)

    def _short_stream(self) -> Stream:
        return GzipStream(SequentialDecoder(self.source, by_span=False), self.name, _FIRST)

    def read_whole(self, out: memoryview, threads: int) -> int:
        """Fill out by the first of four ways that can and does.

        | way | for | fails where |
        |---|---|---|
        | by the index | a complete index | it is false, or the file damaged |
        | speculatively | several threads, no complete index | the guesses do not pay, or damage |
        | in order, at full speed | any | damage, or another length than promised |
        | by a stream | any, pipes too | never: it decodes all that is there, or raises |

        An index that failed for a file that another way reads is dropped.
        """
        failed: SpanIndex | None = None
        if self.source.size is not None:
            if len(out) >= WORTH_THREADS and (threads > 1 or use_lanes()):
                index, memory = self._known.index, np.frombuffer(out, np.uint8)
                if index.complete:
                    if self._read_by_index(index, memory, threads):
                        return len(out)
                    failed = index
                elif threads > 1 and self._read_speculatively(memory, threads):
                    return len(out)
            with populating(out, TRUSTED_RATIO * self.source.size if threads > 1 else 0):
                if self._read_in_order(out):
                    self._known.replace_stated(failed)
                    return len(out)
        with self.source.expect_all():
            length = read_to_end(self._stream_in_order(), out)
        if length == len(out):
            self._known.replace_stated(failed)
        return length

    def _read_by_index(self, index: SpanIndex, out: Bytes, threads: int) -> bool:
        """Fill out on several threads by an index; False where the index does not hold, or the file
        is damaged.
        """
        try:
            with self.source.expect_all():
                read_by_index(self._reader, index, out, threads)
        except IdxError:
            return False
        return True

    def _read_speculatively(self, out: Bytes, threads: int) -> bool:
        """Fill out on several threads without an index; False where that does not work out."""
        result = _import_for_reads().read_speculatively(self.source, out, threads)
        if result is None:
            return False
        index, history = GrowingIndex(), 0
        for span in result.spans:
            window = bytes(out[index.end - min(history, WINDOW) : index.end])
            index.add(span.bit, span.stop, span.segment.length, window, self.source.size or 0)
            history = history + span.segment.length if span.segment.trailer is None else 0
        self._known.note(index)
        return True

    def _read_in_order(self, out: memoryview) -> bool:
        """Fill out on one thread; False unless all is well and out exactly full."""
        # A call of the decoder holds out an interrupt until it ends.
        if len(out) > _MOST_AT_ONCE:
            with self.source.expect_all():
                return inflate_in_place(self.source, np.frombuffer(out, np.uint8))
        return inflate_members(self._compressed(), out)

    def read_at(self, offset: int, out: memoryview, threads: int) -> None:
        """Fill out with the unpacked bytes from offset on, which the caller knows to be there.

        Spans before them are decoded only where no index is known yet.
        """
        if len(out):
            self._by_index(lambda: self._copier.read(offset, out, threads))

    def read_block(self, offset: int, out: memoryview, threads: int) -> None:
        if len(out):
            self._by_index(lambda: self._copier.read(offset, out, threads, with_fronts=True))

    def explore(self, stop: int | None) -> None:
        self._known.explore(stop)

    def expect(self, ranges: Sequence[tuple[int, int]]) -> AbstractContextManager[None]:
        return self._copier.expect(ranges)

    def gather(self, base: int, size: int, ids: Ids, out: Bytes, threads: int) -> None:
        """Fill out with the records of ascending ids, each of size bytes, counted from base: each
        span once.
        """
        self._by_index(lambda: self._copier.gather(base + ids * size, size, out, threads))

    def _by_index(self, read: Callable[[], None]) -> None:
        """Read by the span index; where the file or its sidecar stated a false one, decode the file
        and read again.
        """
        was_refuted = self._known.is_refuted
        try:
            read()
        except IdxError:
            if was_refuted or not self._known.refute():
                raise
            read()

    def _compressed(self) -> memoryview:
        """The file as it is stored, in memory."""
        view = self.source.view()
        if view is not None:
            return view
        data = allocate(0, self.source.size or 0).data
        return data[: self.source.read_at(0, data)]

    def stated_crc32(self, length: int) -> int | None:
        if self.source.size is None:
            return None
        stated = self.stated()
        return stated.crc if stated.length == length & 0xFFFFFFFF else None

    def carries_index(self) -> bool:
        return embedded_index(self.source) is not None

    def index_path(self) -> str | None:
        return sidecar_index.path_of(self.source)

    def build_index(
        self, length: int, spacing: int, progress: Callable[[int], None] | None
    ) -> tuple[bytes, int]:
        if self.index_path() is None:
            return super().build_index(length, spacing, progress)
        if self.carries_index():
            raise IdxError(
                "needs no index: it carries a table of its own, by which records are found",
                file=self.name,
            )
        ratio = (self.source.size or 0) / length
        from . import sidecar_builder  # not needed for reading

        return sidecar_builder.build(self.source, self.stated(), ratio, spacing, progress)

    @classmethod
    def writer(cls, file: IO[bytes], header: bytes, options: WriteOptions) -> Sink:
        from .writer import new_writer  # not needed for reading

        return new_writer(file, header, options)
