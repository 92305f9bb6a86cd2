"""Goes through a gzip file front to back, about a mebibyte of compressed data at a time.

Spans at full speed (`span_decoder`), where their ends are found; else block by block with zlib
(`block_decoder`), slower and exact, which says what is wrong if something is.
"""

from __future__ import annotations

from ..._native import inflate
from ..._util.types import Bytes
from ...errors import FormatError, TruncatedError
from ...storage.signatures import AS_CR_LF, has_cr_lf
from ...storage.source import Source
from .block_decoder import FAR, REGION, BlockDecoder
from .input_buffer import InputBuffer
from .members import (
    MAGIC,
    TRAILER,
    IncompleteError,
    Segment,
    Trailer,
    parse_member_header,
    parse_trailer,
    skip_zeros,
)
from .span_decoder import SEARCHED, Arrival, SpanDecoder
from .span_index import WINDOW

# compressed bytes in a span: decoding dwarfs the search for its end, buffers stay in the L2 cache
TARGET = 1 << 20
# What follows the header of an empty member: a last block without data, and the trailer.
_EMPTY = b"\3\0" + bytes(TRAILER)
_EMPTY_LENGTH = 10 + len(_EMPTY)
_SIP = 1 << 14  # read at a time where no more of the file is read than must be


class SequentialDecoder:
    """Goes through a gzip file from its start, or from any edge between two blocks.

    | where it stands | `between` | `at_edge` | `bit` | next |
    |---|---|---|---|---|
    | between members | True | True | of a header, zeros or the end | `open_member` |
    | at an edge between blocks | False | True | of the next block | `step`, by a span or by zlib |
    | inside a block | False | False | of an edge before | `step`, by zlib |

    `open_member` leads to the first edge of a member. A step ends in any of the three places: at an
    edge, between members where it reached the trailer, inside a block where out is full.
    """

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
        self.input = InputBuffer(source, target + 2 * SEARCHED if by_span else _SIP)
        self.spans = SpanDecoder(self.input, target)
        self.bit = 0 if bit is None else bit
        """Where the next span, or the header of the next member, starts."""
        self.between = bit is None
        """Whether a member header comes next."""
        self.history = history
        """The bytes of this member so far."""
        self._total = 0  # bytes of all members since the start
        self.members = 0 if bit is None else 1
        """The members that were begun."""
        self._blocks = BlockDecoder(self.input)
        self._turn = _Turn() if by_span else _ZlibOnly()

    @property
    def at_edge(self) -> bool:
        """Whether another decoder could start at `bit`."""
        return not self._blocks.is_inside

    def step(self, out: Bytes, start: int, stop: int | None = None) -> Segment:
        """Decode the next segment of an open member into out[start:].

        Before start lie the last WINDOW bytes of the member, or all of them. If there is a bit to
        stop at, it tries to arrive there.

        Raises
        ------
        FormatError, TruncatedError
            With the byte of the file.
        """
        if self.at_edge and not self._turn.zlib_bytes:
            if not self._is_dynamic():
                # Stored data, or short: a search costs more than decoding.
                self._turn.use_zlib()
            else:
                segment = self.span(out, start, stop)
                if segment is not None:
                    self._turn.span_found()
                    return segment
                self._turn.span_failed()
        return self._inflate(out, start)

    def span(self, out: Bytes, start: int, stop: int | None = None) -> Segment | None:
        """Decode a span at full speed; None where that fails."""
        arrival = self.spans.decode(self.bit, min(self.history, WINDOW), out, start, stop)
        return None if arrival is None else self._arrive(arrival)

    def _arrive(self, arrival: Arrival) -> Segment:
        self._count(arrival.produced)
        self.bit = arrival.bit
        trailer = self._close_member(arrival.end) if arrival.end else None
        return Segment(arrival.produced, trailer)

    def _is_dynamic(self) -> bool:
        """Whether the block at hand has Huffman codes of its own."""
        byte, used = divmod(self.bit, 8)
        self.input.load(byte, 2)
        two = bytes(self.input.data[self.input.local(byte) :][:2])
        return (int.from_bytes(two, "little") >> (used + 1)) & 3 == 2

    def _inflate(self, out: Bytes, start: int) -> Segment:
        """Decode with zlib until an edge, the end of the member, or the end of out."""
        blocks = self._blocks
        if not blocks.is_inside:
            blocks.begin(self.bit, out[start - min(self.history, WINDOW) : start])
        status, length = blocks.decode(out, start, self._turn.zlib_bytes)
        self._count(length)
        self._turn.zlib_did(length)
        if status == inflate.BAD:
            hint = f". The likely cause is {AS_CR_LF}" if has_cr_lf(self.input.source) else ""
            raise FormatError(
                f"holds invalid deflate data ({blocks.message}), after {self._total:,} unpacked"
                f" bytes{hint}",
                file=self.input.source.name,
                offset=blocks.byte,
            )
        if status is None:
            raise self._truncated(f"ends inside gzip member {self.members}", blocks.byte)
        trailer = None
        if status == inflate.EDGE:
            self.bit = blocks.bit
            blocks.end()
        elif status == inflate.END:
            blocks.end()
            trailer = self._close_member(blocks.byte)
        return Segment(length, trailer)

    def _count(self, length: int) -> None:
        self.history += length
        self._total += length

    def open_member(self, *, skips_empty: bool = False) -> bool:
        """Go to the data of the next member if a header comes next; False if there is none.

        skips_empty: go behind members that hold nothing, which `members` counts.
        """
        if not self.between:
            return True
        is_here = True
        while is_here:
            if self.members and not self._skip_padding():
                return False
            is_here = skips_empty and self._skip_empty()
        byte, size = self.bit >> 3, 1 << 12
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
                    what = f"ends inside the header of gzip member {self.members + 1}"
                    raise self._truncated(what, self.input.stop) from None
                size *= 2
            except ValueError as error:
                raise FormatError(str(error), file=self.input.source.name, offset=byte) from None
        self.members += 1
        self.bit = 8 * (header.end - at + byte)
        self.between, self.history = False, 0
        return True

    def _skip_empty(self) -> bool:
        """Go behind the empty members that are here; False if there was none.

        A file may have a million of them: as any others they take ten times as long.
        """
        byte = self.bit >> 3
        self.input.load(byte, _EMPTY_LENGTH)
        data = self.input.data.data
        first = at = self.input.local(byte)
        while True:
            try:
                end = parse_member_header(data, at).end
            except (ValueError, IncompleteError):
                break
            if data[end : end + len(_EMPTY)] != _EMPTY:
                break
            at = end + len(_EMPTY)
            self.members += 1
        self.bit += 8 * (at - first)
        return at > first

    def _skip_padding(self) -> bool:
        """Go behind zeros; False if nothing comes behind them."""
        byte = self.bit >> 3
        while True:
            self.input.load(byte, 1)
            at = skip_zeros(self.input.data.data, self.input.local(byte))
            byte = self.input.start + at - inflate.ROOM
            self.bit = 8 * byte  # a pipe can't be asked again for what lies before
            if byte < self.input.stop:
                return True
            if self.input.ended:
                return False

    def _close_member(self, byte: int) -> Trailer:
        """Read the trailer at a byte of the file and go behind it."""
        self.input.load(byte, TRAILER)
        self.bit = 8 * byte
        if self.input.stop < byte + TRAILER:
            self.bit = 8 * self.input.stop
            what = f"ends inside the checksum of gzip member {self.members}"
            raise self._truncated(what, self.input.stop)
        self.bit += 8 * TRAILER
        self.between = True
        return parse_trailer(self.input.data.data, self.input.local(byte))

    def _garbage(self, byte: int) -> FormatError:
        while not self.input.ended:
            self.input.load(self.input.stop, 1)
        return FormatError(
            f"has {self.input.stop - byte:,} bytes behind its last gzip member that are not gzip",
            file=self.input.source.name,
            offset=byte,
        )

    def _truncated(self, message: str, byte: int) -> TruncatedError:
        return TruncatedError(message, file=self.input.source.name, offset=byte, found=self._total)


class _Turn:
    """Whether spans are tried, or zlib goes on first.

    The longer no span is found, the longer zlib goes on: hostile data cost a constant factor.
    """

    def __init__(self) -> None:
        self.zlib_bytes = 0
        """Unpacked bytes that zlib still decodes before a span is tried."""
        self._region = REGION

    def use_zlib(self) -> None:
        """Let zlib decode some blocks."""
        self.zlib_bytes = REGION

    def span_failed(self) -> None:
        self.zlib_bytes = self._region
        self._region *= 2

    def span_found(self) -> None:
        self._region = REGION

    def zlib_did(self, length: int) -> None:
        self.zlib_bytes = max(0, self.zlib_bytes - length)


class _ZlibOnly(_Turn):
    """No span is ever tried."""

    def __init__(self) -> None:
        super().__init__()
        self.zlib_bytes = FAR

    def zlib_did(self, length: int) -> None:
        """It goes on."""
