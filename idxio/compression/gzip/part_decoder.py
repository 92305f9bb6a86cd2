"""Decodes one part of a file behind a guessed window, and heals what the guess spoilt of the next.

1. Search: the part scans for a bit where a block could start, and decodes a span there behind a
   window of zeros, which is the guess. The first part knows its start and its window.
2. Decode: it goes on to just the bit where the next part starts. If it passes that bit, the next
   part's start was no edge of a block: that part is dropped, and this one goes on to the one after.
3. Heal: the guess spoilt what was copied from the window, and copies of that. So the part decodes
   the first spans of the next part again, behind its own last 32 KiB, until a span leaves the same
   32 KiB as the guess did: from there on the guess was right. The bytes before are the *front* of
   the next part, and stand in the memory of this one.
4. Heal anew: if this part was itself spoilt to its end, its last 32 KiB were wrong in step 3. It
   takes them from the part before, once that one is healed, and heals the next part once more.
5. Move: with every other thread, it moves the parts to where they belong (`part_mover`).

Each step ends in a stage of `part.PartState`, whose table says what the others may then rely on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..._native import inflate
from ..._util.types import Bytes
from ...errors import IdxError
from ...storage.source import Source
from .input_buffer import InputBuffer
from .part import FailedError, Part, PartSpan, Stage
from .part_mover import PartMover
from .sequential import TARGET, SequentialDecoder
from .span_index import WINDOW

# Healing decodes whole spans again, most often this many unpacked bytes of pictures: the first ones
# are shorter.
_HEALED = 2 << 20
SHORT, LONG = 1 << 18, TARGET  # compressed bytes
_STARTS = 8  # how many starts a part tries before it gives up
# So many compressed bytes before a part is looked for, a span might pass its start: it must be
# known.
_NEAR = 2 * TARGET


class Round(NamedTuple):
    """What the decoders of parts that are decoded at the same time have in common."""

    source: Source
    parts: list[Part]
    is_first: bool
    end: int
    """The byte of the file from which the last part goes no further."""
    mover: PartMover


class PartDecoder:
    """Decodes one part of a round. One thread calls `run`, once."""

    def __init__(
        self, this: Round, part: Part, sequential: SequentialDecoder | None = None
    ) -> None:
        """The first part has a decoder that stands at its start; a later one looks for a start."""
        if sequential is None:
            sequential = SequentialDecoder(
                this.source, bit=8 * part.begin, history=WINDOW, target=LONG
            )
            sequential.spans.target = SHORT
        self.part = part
        self.sequential = sequential
        self.again = 0
        """Bytes that were decoded a second time, behind their true window."""
        self.round = this

    def run(self) -> None:
        """Do all five steps; drop the part where one fails."""
        part = self.part
        try:
            if part.number:
                self._find_start()
            else:
                part.state.begin(self.sequential.bit)
            following = self._decode()
            part.output.reach = part.output.length
            part.state.rise(Stage.DECODED)
            for earlier in self._earlier():
                earlier.state.wait_for(Stage.DECODED)
            if part.state.is_dropped:  # whoever decoded past its start has said so by now
                return
            if following is not None:
                self._heal(following)
            part.state.rise(Stage.HEALED)
            self.round.mover.move()
        except (FailedError, IdxError):
            part.state.drop()
        except BaseException as error:
            part.state.drop(error)

    def _earlier(self) -> Sequence[Part]:
        return self.round.parts[: self.part.number]

    def _find_start(self) -> None:
        """Find a bit where a block starts, and decode the first span there."""
        sequential, output = self.sequential, self.part.output
        output.memory[:WINDOW] = 0
        limit = 8 * (self.part.begin + TARGET)
        for _ in range(_STARTS):
            bit = sequential.spans.find_cut(sequential.bit, sequential.bit, limit)
            if not bit or bit == limit:
                break
            sequential.bit = bit
            segment = sequential.span(output.memory, output.base)
            if segment is not None:
                output.add(bit, self._stop(segment.trailer is not None), segment)
                self.part.state.begin(bit)
                return
            sequential.bit += 1
        raise FailedError

    def _decode(self) -> Part | None:
        """Go on to the start of another part, which is returned, or to the end of the round or the
        file.
        """
        sequential, state = self.sequential, self.part.state
        later = iter(self.round.parts[self.part.number + 1 :])
        following = next(later, None)
        while not state.is_dropped:
            if self._is_alone():
                raise FailedError  # alone it is slower than a decoder of whole members
            if not sequential.open_member():
                return None
            if following is None:
                if sequential.bit >= 8 * self.round.end:
                    return None
                self._step(None)
                continue
            if sequential.bit + 8 * _NEAR > 8 * following.begin:
                following.state.wait_for(Stage.DECODING)
            stop = following.state.start
            is_passed = stop is not None and sequential.bit > stop
            if is_passed or following.state.is_dropped:
                state.drop_passed(following.state)
                following = next(later, None)
            elif sequential.bit == stop:
                return following
            else:
                self._step(stop)
        return None

    def _is_alone(self) -> bool:
        """Whether this is the first part of the file, and no other one found a start."""
        return (
            self.part.number == 0
            and self.round.is_first
            and all(
                part.state.start is None and part.state.is_dropped for part in self.round.parts[1:]
            )
        )

    def _step(self, stop: int | None) -> None:
        """Decode the next span of an open member."""
        sequential, output = self.sequential, self.part.output
        if output.length > _HEALED:
            sequential.spans.target = LONG
        bit = sequential.bit
        segment = sequential.step(output.memory, output.base + output.length, stop)
        output.add(bit, self._stop(segment.trailer is not None), segment)

    def _stop(self, is_member_end: bool) -> int:
        """The bit behind the span at hand, 0 where its member ends by itself."""
        if not self.sequential.at_edge:
            raise FailedError  # the memory is full: there is more in the file than there should be
        return 0 if is_member_end else self.sequential.bit

    def _heal(self, following: Part) -> None:
        """Decode the front of the part that follows; anew, if this part was spoilt to its end."""
        self._decode_front(following)
        if self.part.number == 0:
            return
        for part in self._earlier():
            part.state.wait_for(Stage.HEALED)
        output = self.part.output
        if output.front < output.length:
            return
        before = [part.output for part in self._earlier() if not part.state.is_dropped]
        if not before:
            raise FailedError
        true = before[-1].tail(before[-1].reach)
        guessed = output.tail(output.length)
        # A file has no window before its first bytes.
        guessed = guessed[len(guessed) - len(true) :]
        if not np.array_equal(true, guessed):
            guessed[:] = true
            self._decode_front(following)

    def _decode_front(self, following: Part) -> None:
        """Decode spans of the part that follows, behind this one, until its guess was right."""
        output, theirs = self.part.output, following.output
        decoder = inflate.Decoder()
        theirs.heal_none()
        while True:
            if self.part.state.is_dropped:
                raise FailedError
            # Asked for first: once it is complete, no span is added after the list was looked at.
            is_complete = following.state.stage >= Stage.DECODED
            if theirs.healed == len(theirs.spans):
                if following.state.is_dropped:
                    raise FailedError
                if is_complete:
                    return
                following.state.wait_for(Stage.DECODED)
                continue
            span = theirs.spans[theirs.healed]
            start = output.base + output.length + theirs.front
            end = start + span.segment.length
            if end > len(output.memory):
                raise FailedError
            # A member refers to no other.
            window = min(self.sequential.history + theirs.front, start, WINDOW)
            decode_span(self.sequential.input, decoder, span, output.memory[:end], start, window)
            theirs.heal(inflate.crc32(output.memory[start:end]))
            self.again += span.segment.length
            output.reach = output.length + theirs.front
            if span.segment.trailer or np.array_equal(
                output.tail(output.reach), theirs.tail(theirs.front)
            ):
                return


def decode_span(
    buffer: InputBuffer,
    decoder: inflate.Decoder,
    span: PartSpan,
    out: Bytes,
    start: int,
    window: int,
) -> None:
    """Decode a span again into out[start:], which it fills.

    Raises FailedError where it does not.
    """
    first = span.bit >> 3
    # A member that ends by itself says where; the file tells how far to load only by being loaded.
    last = (span.stop >> 3) + 1 if span.stop else first + 2 * TARGET
    while True:
        buffer.load(first, last - first)
        status, end, produced = buffer.inflate_span(
            decoder, span.bit, span.stop, out, start, window
        )
        arrived = status == inflate.END and (end == 0) == (span.stop != 0)
        if arrived and start + produced == len(out):
            return
        if span.stop or buffer.ended or status == inflate.END:
            raise FailedError
        last = first + 2 * (last - first)
