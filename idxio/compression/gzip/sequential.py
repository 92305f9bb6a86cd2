"""Decodes gzip from front to back in spans: about a mebibyte of compressed data at a time, at full
speed.

A span is cut where a block header seems to stand. The cut is believed once decoding arrives there
exactly; a span that fails is widened to a later cut, at doubling distances; where that does not
help, zlib goes on block by block, slower and exact, and says what is wrong if something is.
"""

from __future__ import annotations

from typing import Any

from ..._native import block_finder, inflate
from ..._util.types import Bytes
from ...errors import FormatError, TruncatedError
from ...storage.source import Source
from .input_buffer import InputBuffer
from .members import (
    MAGIC,
    TRAILER,
    IncompleteError,
    Segment,
    parse_member_header,
    parse_trailer,
    skip_zeros,
)

WINDOW = 32768  # how far back deflate can refer
# compressed bytes in a span: decoding dwarfs the search for its end, buffers stay in the L2 cache
TARGET = 1 << 20
_AHEAD = 1 << 17  # searched for a header at a time; zlib's blocks have about 35,000 bytes
_SIP = 1 << 14  # read at a time where no more of the file is read than must be
_REACH = 2 << 20  # a span never grows past this
_ATTEMPTS = 10
_REGION = 1 << 18  # unpacked bytes that zlib decodes, at the least, once it is called in
_FAR = 1 << 62


class SequentialDecoder:
    """Goes through a gzip file span by span, from its start or from any edge between two blocks."""

    def __init__(
        self,
        source: Source,
        *,
        bit: int | None = None,
        history: int = 0,
        target: int = TARGET,
        by_span: bool = True,
    ) -> None:
        """Start at a bit of the file, where history bytes of the member came before; by default at
        its first member.

        by_span=False decodes with zlib alone and reads no more of the file than it must.
        """
        self._name = source.name
        self.input = InputBuffer(source, target + 2 * _AHEAD if by_span else _SIP)
        self._decoder = inflate.Decoder()
        self.target = target
        """Compressed bytes in a span."""
        self.bit = 0 if bit is None else bit
        """Where the next span, or the header of the next member, starts."""
        self.between = bit is None
        """Whether a member header comes next."""
        self.history = history
        """The bytes of this member so far."""
        self.total = 0
        """The bytes of all members since the walk began."""
        self._members = 0 if bit is None else 1
        self._inflater: inflate.Inflater | None = None
        self._byte = 0  # of the file, the next one for the inflater
        self._region = _REGION if by_span else _FAR  # unpacked bytes before spans are tried again
        self._left = 0 if by_span else _FAR
        self._since = 0  # unpacked bytes of zlib's since an edge
        self._ratio = 0.0  # unpacked bytes for a byte of the last span
        # from, to, and the header between them: nothing is searched twice
        self._searched = (0, 0, 0)

    @property
    def at_edge(self) -> bool:
        """Whether a walk could start at `bit`."""
        return self._inflater is None

    def step(self, out: Bytes, start: int, stop: int | None = None) -> Segment:
        """Decode the next stretch of an open member into out[start:].

        Before start lie the last WINDOW bytes of the member, or all of them. A walk that is told a
        bit to stop at tries to arrive there.

        Raises
        ------
        FormatError, TruncatedError
            With the byte of the file.
        """
        if self._inflater is None and not self._left:
            if not self._is_dynamic():
                # Stored data, or short: a search costs more than decoding.
                self._left = _REGION
                return self._inflate(out, start)
            segment = self.span(out, start, stop)
            if segment is not None:
                self._region = _REGION
                return segment
            # The longer no span is found, the longer zlib goes on: hostile data cost a constant
            # factor.
            self._left = self._region
            self._region *= 2
        return self._inflate(out, start)

    def _is_dynamic(self) -> bool:
        """Whether the block at hand has Huffman codes of its own."""
        byte, used = divmod(self.bit, 8)
        self.input.load(byte, 2)
        two = bytes(self.input.data[self.input.local(byte) :][:2])
        return int.from_bytes(two, "little") >> used + 1 & 3 == 2

    def span(self, out: Bytes, start: int, stop: int | None = None) -> Segment | None:
        """Decode a span at full speed; None where that fails."""
        distance = 8 * self.target
        if self._ratio * self.target > len(out) - start:  # it would not fit
            distance = max(1, int(6 * (len(out) - start) / self._ratio))
        window = min(self.history, WINDOW)
        widening = 8 * _AHEAD
        # A member that ended before its cut left it ahead: short members don't make the whole file
        # be searched.
        ahead = self._searched[2] - self.bit
        if distance // 2 < ahead < distance:
            distance = ahead
        for _ in range(_ATTEMPTS):
            cut = self.find_cut(self.bit + distance, stop)
            if cut is None:
                return None
            status, end, produced = self.input.inflate_span(
                self._decoder, self.bit, cut, out, start, window, prove=True
            )
            if status == inflate.END:
                return self._arrive(produced, cut, end)
            if status == inflate.NO_SPACE:
                if distance == 1:
                    return None
                distance = max(1, distance // 8)
            else:
                if cut == 0:
                    return None
                if cut == stop:
                    stop = None
                distance = cut - self.bit + widening
                widening *= 2
            if distance > 8 * _REACH:
                return None
        return None

    def find_cut(self, bit: int, stop: int | None = None) -> int | None:
        """A bit, from the given one on, where a block may start; 0 for the end of the file; None if
        none is near.
        """
        first = self.bit >> 3
        if stop is not None and stop <= self.bit:
            stop = None
        while True:
            if stop is not None and bit >= stop:
                self.input.load(first, (stop >> 3) - first + 1)
                return stop if stop <= 8 * self.input.stop else None
            self.input.load(first, (bit >> 3) - first + _AHEAD)
            offset = self.input.offset
            end = 8 * self.input.stop
            header = self._search(bit, end, offset)
            if header:
                return stop if stop is not None and header > stop else header
            if self.input.ended:
                return 0
            bit = max(bit, end - 8 * block_finder.MARGIN)
            if bit - self.bit > 8 * _REACH:
                return None

    def _search(self, bit: int, end: int, offset: int) -> int:
        """The first header in [bit, end); 0 if there is none."""
        begin, to, header = self._searched
        if begin <= bit <= to:
            if header >= bit:
                return header
            bit = to
        else:
            begin = bit
        at = block_finder.find_block(self.input.data, bit + offset, end + offset)
        header = at - offset if at >= 0 else 0
        self._searched = begin, header or max(bit, end - 8 * block_finder.MARGIN), header
        return header

    def _arrive(self, produced: int, cut: int, end: int) -> Segment:
        self.history += produced
        self.total += produced
        self._ratio = 8 * produced / max(8, (cut or 8 * end) - self.bit)
        self.bit = cut
        return Segment(produced, self._close_member(end) if end else None)

    def _inflate(self, out: Bytes, start: int) -> Segment:
        """Decode with zlib until an edge, the end of the member, or the end of out."""
        if self._inflater is None:
            window = out[start - min(self.history, WINDOW) : start]
            self._byte, used = divmod(self.bit, 8)
            self.input.load(self._byte, 1)
            value = int(self.input.data[self.input.local(self._byte)]) >> used if used else 0
            self._inflater = inflate.Inflater(window, (8 - used) % 8, value)
            self._byte += used > 0
        done = 0
        # An edge is told of each region, however long zlib goes on: there a reader can start.
        edge = (
            min(self._left, max(0, _REGION - self._since), (len(out) - start) // 2)
            if self._left < _FAR
            else _FAR
        )
        while True:
            self.input.load(self._byte, 1)
            status, consumed, produced = self._inflater.inflate(
                self.input.data,
                self.input.local(self._byte),
                out,
                start + done,
                max(0, edge - done),
            )
            self._byte += consumed
            done += produced
            self.history += produced
            self.total += produced
            if status == inflate.BAD:
                reason = self._inflater.message
                raise FormatError(
                    f"holds invalid deflate data ({reason}), after {self.total:,} unpacked bytes",
                    file=self._name,
                    offset=self._byte,
                )
            if status in (inflate.END, inflate.EDGE) or start + done == len(out):
                break
            if self.input.ended and self._byte == self.input.stop:
                raise self._truncated(f"ends inside gzip member {self._members}")
        trailer = None
        self._since += done
        if self._left < _FAR:
            self._left = max(0, self._left - done)
        if status == inflate.EDGE:
            self.bit = 8 * self._byte - self._inflater.unused_bits
            self._inflater, self._since = None, 0
        elif status == inflate.END:
            self._inflater, self._since = None, 0
            trailer = self._close_member(self._byte)
        return Segment(done, trailer)

    def open_member(self) -> bool:
        """Go to the data of the next member if a header comes next; False if there is none."""
        if not self.between:
            return True
        byte, size = self.bit >> 3, 1 << 12
        while self._members:
            self.input.load(byte, 1)
            byte = (
                self.input.start
                + skip_zeros(self.input.data.data, self.input.local(byte))
                - inflate.ROOM
            )
            if byte < self.input.stop:
                break
            if self.input.ended:
                self.bit = 8 * byte  # a pipe can't be asked again for what lies before
                return False
        while True:
            self.input.load(byte, size)
            data, at = self.input.data.data, self.input.local(byte)
            if not MAGIC.startswith(data[at : at + 2].tobytes()):
                raise self._garbage(byte)
            try:
                header = parse_member_header(data, at)
                break
            except IncompleteError:
                if self.input.ended:
                    self.bit = 8 * self.input.stop
                    raise self._truncated(
                        f"ends inside the header of gzip member {self._members + 1}"
                    ) from None
                size *= 2
            except ValueError as error:
                raise FormatError(str(error), file=self._name, offset=byte) from None
        self._members += 1
        self.bit = 8 * (header.end - at + byte)
        self.between, self.history = False, 0
        return True

    def _close_member(self, byte: int) -> Any:
        """Read the trailer at a byte of the file and go behind it."""
        self.input.load(byte, TRAILER)
        self.bit = 8 * byte
        if self.input.stop < byte + TRAILER:
            self.bit = 8 * self.input.stop
            raise self._truncated(f"ends inside the checksum of gzip member {self._members}")
        self.bit += 8 * TRAILER
        self.between = True
        return parse_trailer(self.input.data.data, self.input.local(byte))

    def _garbage(self, byte: int) -> FormatError:
        while not self.input.ended:
            self.input.load(self.input.stop, 1)
        return FormatError(
            f"has {self.input.stop - byte:,} bytes behind its last gzip member that are not gzip",
            file=self._name,
            offset=byte,
        )

    def _truncated(self, message: str) -> TruncatedError:
        offset = self._byte if self._inflater is not None else self.bit >> 3
        return TruncatedError(message, file=self._name, offset=offset, found=self.total)
