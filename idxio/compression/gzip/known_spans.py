"""Which spans of a gzip file are known: stated by the file, or seen while it was decoded."""

from __future__ import annotations

import copy
import sys
import threading
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from ..._util.memory import mapped
from ...errors import ChangedError, IdxError, TruncatedError
from ...storage.source import Source
from . import sidecar_index
from .embedded_index import embedded_index
from .growing_index import GrowingIndex
from .members import TRAILER, Trailer, parse_trailer
from .sequential import SequentialDecoder
from .span_cache import SpanCache
from .span_index import WINDOW, SpanIndex
from .stream import GzipStream

if TYPE_CHECKING:
    from .pickled_index import PackedIndex

# Unpacked bytes that a stream holds: some spans of ordinary data. With their window, two huge
# pages.
STREAM_BUFFER = (4 << 20) - WINDOW


class Knowledge(Enum):
    """Where the span index of a file comes from; see KnownSpans."""

    NONE = "nobody asked yet"
    STATED = "the file or the index beside it"
    GROWING = "what was decoded so far"
    COMPLETE = "a pass through the file"


class _Packed(NamedTuple):
    """What a pickle has of an index that ended at this unpacked byte, so as not to pack it anew."""

    spans: SpanIndex
    end: int
    packed: PackedIndex | None


class KnownSpans:
    """The span index of a file that is in use, for all threads that read the file.

    | knowledge | spans of the index | next |
    |---|---|---|
    | NONE | | STATED or GROWING: the first use looks for a stated index |
    | STATED | all; they may be false | COMPLETE: `refute` or `replace_stated`, after it failed |
    | GROWING | from the first one to where somebody read | COMPLETE: `note`, or at the file's end |
    | COMPLETE | all, as a pass through the file found them | |

    STATED becomes GROWING, without a span, if the index failed and a read of the whole file that
    leaves none did not (`replace_stated`). GROWING becomes NONE after an error, which the next call
    meets again, and in the child after a fork. `adopt` begins with the spans of a pickle, GROWING
    or COMPLETE; to explore further than those goes from the file's start. An index that was stated
    and false is never looked for again: `is_refuted`, which pickles carry.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._lock = threading.RLock()
        self.cache = SpanCache(source)
        """Decoded spans of the index."""
        self.knowledge = Knowledge.NONE
        self.is_refuted = False
        """Whether the spans that the file or its sidecar states were found false."""
        self._index: SpanIndex = GrowingIndex()
        self._scout: _Scout | None = None  # adds to the index
        self._damage: IdxError | None = None  # what a pass through the file found
        self._packed: _Packed | None = None

    def close(self) -> None:
        """Close the file beside it, if the index comes from one."""
        if self._index.sidecar is not None:
            self._index.sidecar.source.close()

    def renew_locks(self) -> None:
        """Make new locks, and drop what another thread may have been changing."""
        self._lock = threading.RLock()
        self.cache = SpanCache(self._source)
        if self.knowledge is Knowledge.GROWING:
            self._forget()

    @property
    def index(self) -> SpanIndex:
        """All spans that are known. It grows while it is not complete."""
        with self._lock:
            if self.knowledge is Knowledge.NONE:
                stated = None if self.is_refuted else self._stated_index()
                self._know(Knowledge.GROWING if stated is None else Knowledge.STATED, stated)
            return self._index

    def covering(self, start: int, stop: int) -> tuple[SpanIndex, int, int]:
        """An index that does not change, and the numbers of its first and last span of bytes start
        to stop.

        Decodes the file up to there where no index covers them.
        """
        with self._lock:
            index = self.index
            if index.end < stop and not index.complete:
                index = self._explore(stop)
            if index.end < stop:
                raise TruncatedError("ends too early", file=self._source.name, found=index.end)
            if self._scout is not None:  # another thread may let it grow
                index = self._scout.snapshot()
            return index, index.find(start), index.find(stop - 1)

    def explore(self, stop: int | None) -> None:
        """Know the spans up to an unpacked byte; None: all, so that nothing is kept to go on."""
        with self._lock:
            if not self.index.complete:
                self._explore(sys.maxsize if stop is None else stop)

    def _explore(self, stop: int) -> SpanIndex:
        """Let the index grow to an unpacked byte, or to the end of the file."""
        if self._scout is None:
            self._scout = _Scout(self._source)
            self._index = self._scout.index
        try:
            self._scout.go_to(stop, self.cache)
        except BaseException:
            self._forget()  # the next call meets the same error
            raise
        if self._index.complete:
            self._know(Knowledge.COMPLETE, self._index)
        return self._index

    def note(self, index: SpanIndex) -> None:
        """Keep the index of a pass to the end of the file, if none is complete."""
        with self._lock:
            if not self.index.complete:
                self._know(Knowledge.COMPLETE, index)

    def packed(self) -> PackedIndex | None:
        """What a pickle carries: the spans that were seen while a file of a path was read."""
        if sidecar_index.path_of(self._source) is None:
            return None
        with self._lock:
            index = self._index
            last = self._packed
            if last is not None and last.spans is index and last.end == index.end:
                return last.packed
            if self.knowledge is Knowledge.STATED or not isinstance(index, GrowingIndex):
                return None
            seen = index.copy()
        from . import pickled_index  # not needed for reading

        try:
            packed = pickled_index.pack(self._source, seen)
        except (IdxError, OSError, ValueError):
            return None  # the file is closed or damaged; only the next read may say so
        self._packed = _Packed(index, seen.end, packed)
        return packed

    def adopt(self, packed: PackedIndex) -> None:
        """Begin with the spans that a pickle carried."""
        from . import pickled_index

        index = pickled_index.unpack(packed)
        self._know(Knowledge.COMPLETE if index.complete else Knowledge.GROWING, index)
        self._packed = _Packed(index, index.end, packed)

    def refute(self) -> bool:
        """Decode the whole file after a stated index failed, and use the index of that pass.

        Returns False where no index was stated. Raises the error of a damaged file, and keeps the
        stated index then.
        """
        with self._lock:
            if self.knowledge is not Knowledge.STATED:
                return self.is_refuted  # another thread was here before
            if self._damage is not None:
                raise copy.copy(self._damage)
            try:
                seen = _index_of_pass(self._source)
            except ChangedError:
                raise
            except IdxError as error:
                self._damage = copy.copy(error)
                raise
            self.replace_stated(self._index, seen)
            return True

    def replace_stated(self, failed: SpanIndex | None, seen: SpanIndex | None = None) -> None:
        """Replace a stated index that failed, though the file is sound, by that of a pass, or by
        one without a span.

        Does nothing if the failed one is not in use, or was not stated.
        """
        with self._lock:
            if self.knowledge is Knowledge.STATED and failed is self._index:
                self.is_refuted = True
                self._know(Knowledge.GROWING if seen is None else Knowledge.COMPLETE, seen)
                self.cache = SpanCache(self._source)

    def stated_trailer(self) -> Trailer:
        """The last eight bytes: the trailer of the last member, if no padding follows."""
        data = bytearray(TRAILER)
        self._source.read_at(max(0, (self._source.size or 0) - TRAILER), memoryview(data))
        return parse_trailer(memoryview(data), 0)

    def _stated_index(self) -> SpanIndex | None:
        """The index in the file, or the one beside it; None if there is neither."""
        return embedded_index(self._source) or sidecar_index.load(
            self._source, self.stated_trailer()
        )

    def _know(self, knowledge: Knowledge, index: SpanIndex | None) -> None:
        """Use an index from now on; None: one without a span."""
        self._index = GrowingIndex() if index is None else index
        self._scout = None
        if knowledge is Knowledge.COMPLETE:
            self._index.complete = True
        self.knowledge = knowledge  # last: another thread may fork in between

    def _forget(self) -> None:
        """Know nothing, as at the beginning."""
        self._know(Knowledge.NONE, None)


class _Scout:
    """Decodes a file from its start, as far as somebody reads, and lists the spans on the way."""

    def __init__(self, source: Source) -> None:
        # Not `KnownSpans.note`: the stream would keep that object alive.
        self._stream = GzipStream(
            SequentialDecoder(source), source.name, STREAM_BUFFER, _set_complete
        )
        self._snapshot: SpanIndex = GrowingIndex()

    @property
    def index(self) -> GrowingIndex:
        """The spans so far."""
        return self._stream.span_index

    def go_to(self, stop: int, cache: SpanCache) -> None:
        """Decode to an unpacked byte or the end, and put what is a whole span into the cache."""
        index, stream = self.index, self._stream
        while index.end < stop and stream.step():
            if stream.is_span:
                block = mapped(len(stream.block))
                block[:] = stream.block
                cache.put(index.end - len(block), block)

    def snapshot(self) -> SpanIndex:
        """The spans so far, as a copy that does not grow."""
        if self._snapshot.end != self.index.end:
            self._snapshot = self.index.snapshot()
        return self._snapshot


def _index_of_pass(source: Source) -> SpanIndex:
    """The index of a pass through the whole file: only at the end of a member its checksum tells
    that nothing before was damaged.
    """
    stream = GzipStream(SequentialDecoder(source), source.name, STREAM_BUFFER, _set_complete)
    while stream.step():
        pass
    return stream.span_index


def _set_complete(index: SpanIndex) -> None:
    index.complete = True
