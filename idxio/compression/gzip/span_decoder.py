"""Decodes a span whose end is not known: about so many compressed bytes, at full speed.

A span is cut where a block header seems to stand. The cut is believed once decoding arrives there
exactly; a span that fails is widened to a later cut, at doubling distances.
"""

from __future__ import annotations

from typing import NamedTuple

from ..._native import block_finder, inflate
from ..._util.types import Bytes
from .input_buffer import InputBuffer

SEARCHED = 1 << 17  # bytes searched for a header at a time; zlib's blocks have about 35,000
_REACH = 2 << 20  # a span never grows past this
_ATTEMPTS = 10


class Arrival(NamedTuple):
    """Where a span turned out to end, and how many bytes it unpacked to."""

    produced: int
    bit: int
    """The bit behind the last one; 0 for one whose member ended before the end of the file."""
    end: int
    """The byte of the file behind its member's data; 0 if the member goes on."""


class SpanDecoder:
    """Finds the end of a span, and decodes it."""

    def __init__(self, buffer: InputBuffer, target: int) -> None:
        self.target = target
        """Compressed bytes in a span."""
        self._input = buffer
        self._decoder = inflate.Decoder()
        self._ratio = 0.0  # unpacked bytes for a byte of the last span
        # from, to, and the header between them: nothing is searched twice
        self._searched = (0, 0, 0)

    def decode(
        self, bit: int, window: int, out: Bytes, start: int, stop: int | None
    ) -> Arrival | None:
        """Decode from a bit of the file on, behind the window bytes before out[start:].

        Tries to arrive at `stop` if that is near. None if no end is found.
        """
        distance = self._distance(bit, len(out) - start)
        widening = 8 * SEARCHED
        for _ in range(_ATTEMPTS):
            cut = self.find_cut(bit, bit + distance, stop)
            if cut is None:
                return None
            status, end, produced = self._input.inflate_span(
                self._decoder, bit, cut, out, start, window, prove=True
            )
            if status == inflate.END:
                self._ratio = 8 * produced / max(8, (cut or 8 * end) - bit)
                return Arrival(produced, cut, end)
            if status == inflate.NO_SPACE:
                if distance == 1:
                    return None
                distance = max(1, distance // 8)
            else:
                if cut == 0:
                    return None
                if cut == stop:
                    stop = None
                distance = cut - bit + widening
                widening *= 2
            if distance > 8 * _REACH:
                return None
        return None

    def _distance(self, bit: int, room: int) -> int:
        """How many bits behind a bit the first cut is looked for."""
        distance = 8 * self.target
        if self._ratio * self.target > room:  # it would not fit
            distance = max(1, int(6 * room / self._ratio))
        # A member that ended before its cut left it ahead: short members don't make the whole file
        # be searched.
        ahead = self._searched[2] - bit
        if distance // 2 < ahead < distance:
            distance = ahead
        return distance

    def find_cut(self, here: int, bit: int, stop: int | None = None) -> int | None:
        """A bit, from the given one on, where a block may start; 0 for the end of the file; None if
        none is near `here`, the bit where decoding stands.
        """
        first = here >> 3
        if stop is not None and stop <= here:
            stop = None
        while True:
            if stop is not None and bit >= stop:
                self._input.load(first, (stop >> 3) - first + 1)
                return stop if stop <= 8 * self._input.stop else None
            self._input.load(first, (bit >> 3) - first + SEARCHED)
            end = 8 * self._input.stop
            header = self._search(bit, end)
            if header:
                return stop if stop is not None and header > stop else header
            if self._input.ended:
                return 0
            bit = max(bit, end - 8 * block_finder.MARGIN)
            if bit - here > 8 * _REACH:
                return None

    def _search(self, bit: int, end: int) -> int:
        """The first header in [bit, end); 0 if there is none."""
        begin, to, header = self._searched
        if begin <= bit <= to:
            if header >= bit:
                return header
            bit = to
        else:
            begin = bit
        offset = self._input.offset
        at = block_finder.find_block(self._input.data, bit + offset, end + offset)
        header = at - offset if at >= 0 else 0
        self._searched = begin, header or max(bit, end - 8 * block_finder.MARGIN), header
        return header
