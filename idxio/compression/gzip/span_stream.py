"""gzip from front to back by a stated span index, several spans at once in lanes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..._util.memory import allocate
from ..._util.types import Bytes
from ...errors import IdxError
from ..base import BlockCheck, Stream, unchecked
from .members import MemberCheck
from .random_access import LANE_SPANS, CheckedSpan, SpanReader, wrong_span
from .span_index import SpanIndex

# Unpacked bytes of a block: four spans of idxio's for each lane.
STREAM_BLOCK = 1 << 20


class SpanStream(Stream):
    """The unpacked bytes of spans that need no windows, each member checked at its end.

    What the index promises and the file does not hold is decoded in order, from the file's start
    on: that stream is exact, and says what is wrong if something is.
    """

    def __init__(
        self, reader: SpanReader, span_index: SpanIndex, in_order: Callable[[], Stream]
    ) -> None:
        """No span may be longer than STREAM_BLOCK. `in_order` makes the other stream."""
        self._reader, self._index, self._in_order = reader, span_index, in_order
        self._next = 0  # the number of a span
        self._check = MemberCheck(reader.source.name)
        # A block stays as it is while the next two are made.
        size = min(STREAM_BLOCK, span_index.end)
        self._memories: list[Bytes] = list(allocate(0, 3 * size).reshape(3, -1))
        self._done = 0  # bytes of all blocks
        self._rest: Stream | None = None
        self.block = memoryview(b"")

    def unpack(self) -> BlockCheck | None:
        if self._rest is None:
            if self._next == len(self._index):
                return None
            try:
                return self._by_index()
            except IdxError:
                return self._go_on()
        check = self._rest.unpack()
        self.block = self._rest.block
        return check

    def _by_index(self) -> BlockCheck:
        """Unpack the next spans that fit into a block."""
        first = self._next
        start = self._index.span(first).start
        last = self._index.find(min(start + STREAM_BLOCK, self._index.end) - 1)
        if self._index.span(last).end > start + STREAM_BLOCK:
            last -= 1
        numbers = range(first, last + 1)
        size = self._index.span(last).limit - (self._index.span(first).bit >> 3)
        spans = self._index.merged(-(-size // LANE_SPANS), numbers)
        memory = self._memories.pop(0)
        self._memories.append(memory)
        places = [span.start - start for span in spans]
        decoded = self._reader.decode_in_lanes(self._index, spans, memory, places)
        # The file goes on where the last span ends without a trailer.
        if last + 1 == len(self._index) and decoded[-1].segment.trailer is None:
            raise wrong_span(self._reader.source.name, spans[-1])
        self._next = last + 1
        self.block = memory[: spans[-1].end - start].data
        self._done += len(self.block)
        return partial(self._accept, decoded)

    def _accept(self, decoded: list[CheckedSpan]) -> None:
        for segment, crc, stop in decoded:
            self._check.add(segment, crc, stop)

    def _go_on(self) -> BlockCheck | None:
        """Go on in order, behind the blocks so far."""
        self._rest = rest = self._in_order()
        skip = self._done
        while rest.step():
            if len(rest.block) > skip:
                self.block = rest.block[skip:]
                return unchecked
            skip -= len(rest.block)
        return None
