"""gzip from front to back: the unpacked bytes, checked, and the index of the spans that they came
from.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from ..._native import inflate
from ..._util.memory import allocate
from ..._util.types import Bytes
from ...errors import IdxError
from ...storage.source import Source
from ..base import BlockCheck, Stream, unchecked
from .growing_index import GrowingIndex
from .members import (
    TRAILER,
    IncompleteError,
    MemberCheck,
    Trailer,
    parse_member_header,
    parse_trailer,
    skip_zeros,
)
from .sequential import SequentialDecoder
from .span_index import WINDOW, SpanIndex

# Deflate's best: 258 bytes for a match of two bits, 1032 bytes for a byte (zlib's technical notes).
MAX_RATIO = 1032
# Unpacked bytes that are made in one go at the most, whatever the ratio: an interrupt waits for no
# more.
_STEP = 64 << 20


class _Entry(NamedTuple):
    """Where a span starts, and what came before it."""

    bit: int
    window: bytes


class GzipStream(Stream):
    """The unpacked bytes of all members in order, each member checked at its end; and the index of
    their spans.
    """

    def __init__(
        self,
        sequential: SequentialDecoder,
        name: str,
        capacity: int,
        note: Callable[[SpanIndex], None] | None = None,
        window: bytes | None = None,
    ) -> None:
        """`note` takes the span index at the end of the file.

        With a window, decoding starts behind it, unchecked.
        """
        self._sequential = sequential
        self._note = note
        self._check = MemberCheck(name) if window is None else None
        # A block stays as it is while the next two are made.
        size = sequential.input.source.size
        capacity = capacity if size is None else min(capacity, MAX_RATIO * size)
        self._memories: list[Bytes] = list(allocate(0, 3 * (WINDOW + capacity)).reshape(3, -1))
        self._stop = WINDOW  # of the last block, in the first of them
        if window:
            self._memories[0][WINDOW - len(window) : WINDOW] = np.frombuffer(window, np.uint8)
        self.block = memoryview(b"")
        self.span_index = GrowingIndex()
        self._entry: _Entry | None = None  # to the span at hand
        self._length = 0  # of that span so far
        self.is_span = False
        """Whether the last step was one whole span."""

    def unpack(self) -> BlockCheck | None:
        sequential = self._sequential
        if not sequential.open_member(skips_empty=True):
            if self._note is None:
                return None
            # As the check of an empty block, so that it comes after all the others.
            note, self._note = self._note, None
            self.block, self.is_span = memoryview(b""), False
            return partial(note, self.span_index)
        before, memory = self._memories[0], self._memories[-1]
        memory[:WINDOW] = before[self._stop - WINDOW : self._stop]
        self._memories = [memory, *self._memories[:-1]]
        self._stop = WINDOW
        is_first = self._entry is None  # of the steps that go through the span
        if self._entry is None:
            window = memory[WINDOW - min(sequential.history, WINDOW) : WINDOW]
            self._entry = _Entry(sequential.bit, bytes(window))
            self._length = 0
        segment = sequential.step(memory, WINDOW)
        self._stop = WINDOW + segment.length
        self.block = memory[WINDOW : self._stop].data
        self._length += segment.length
        self.is_span = is_first and sequential.at_edge
        if self._check is None:
            return unchecked
        add_span = None
        if sequential.at_edge and self._note is not None:
            entry, self._entry = self._entry, None
            stop = 0 if segment.trailer else sequential.bit
            limit = (sequential.bit + 7) >> 3
            add_span = partial(
                self.span_index.add, entry.bit, stop, self._length, entry.window, limit
            )
        check = partial(self._check.add, segment, member=sequential.members)
        return partial(self._accept, check, self.block, sequential.bit >> 3, add_span)

    def _accept(
        self,
        check: Callable[[int, int], None],
        block: memoryview,
        offset: int,
        add_span: Callable[[], None] | None,
    ) -> None:
        """Check a block, and take the span that ends with it into the index only then."""
        check(inflate.crc32(block), offset)
        if add_span is not None:
            add_span()


def inflate_in_place(source: Source, out: Bytes) -> bool:
    """Fill out with everything in a gzip file, span by span; False unless all is well and out
    exactly full.
    """
    sequential, check = SequentialDecoder(source), MemberCheck(source.name)
    done = 0
    try:
        while sequential.open_member():
            if done == len(out) and not sequential.at_edge:
                return False  # there is more in the file than there should be
            segment = sequential.step(out[: done + _STEP], done)
            check.add(segment, inflate.crc32(out[done : done + segment.length]))
            done += segment.length
    except IdxError:
        return False
    return done == len(out)


def inflate_members(data: memoryview, out: memoryview) -> bool:
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
