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
from .members import Segment
from .part import FailedError, Part, PartSpan, Stage
from .part_mover import PartMover
from .sequential import TARGET, SequentialDecoder
from .span_index import WINDOW

# Compressed bytes of a span. The first spans of a part are short, since healing decodes whole spans
# again: of pictures, most often no more unpacked bytes than _HEALED.
SHORT, LONG = 1 << 18, TARGET
_HEALED = 2 << 20
# How many starts a part tries before it gives up.
_STARTS = 8
# Compressed bytes before the place from which the start of a part is looked for. From there on a
# span might pass that start, which must be known then.
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
        """Unpacked bytes of the next part that were decoded here a second time."""
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
            # An earlier part that decodes past the start of this one drops it by then.
            for earlier in self._earlier():
                earlier.state.wait_for(Stage.DECODED)
            if part.state.is_dropped:
                return
            if following is not None:
                self._heal(following)
            part.state.rise(Stage.HEALED)
            self.round.mover.move()
        except (FailedError, IdxError):  # an earlier part decodes it, or the caller in order
            part.state.drop()
        except BaseException as error:
            part.state.drop(error)

    def _earlier(self) -> Sequence[Part]:
        """The parts of the round before this one."""
        return self.round.parts[: self.part.number]

    def _find_start(self) -> None:
        """Find a bit where a block starts, and decode the first span there.

        What looks like the header of a block may be none; then no span is decoded there.
        """
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
                output.add(bit, self._stop_of(segment), segment)
                self.part.state.begin(bit)
                return
            sequential.bit += 1
        raise FailedError

    def _decode(self) -> Part | None:
        """Go on to just the start of a later part, and return that part; None at the end of the
        round or of the file.

        The parts between them, whose starts it passes, are dropped.
        """
        sequential, state = self.sequential, self.part.state
        later = iter(self.round.parts[self.part.number + 1 :])
        following = next(later, None)
        while not state.is_dropped:
            if self._is_alone():
                raise FailedError  # alone it is slower than a decoder of whole members
            if not sequential.open_member():
                return None  # the file ends
            if following is None:
                if sequential.bit >= 8 * self.round.end:
                    return None
                self._step(None)
                continue
            if sequential.bit + 8 * _NEAR > 8 * following.begin:
                following.state.wait_for(Stage.DECODING)
            start = following.state.start  # None: it is far away still, or dropped
            is_passed = start is not None and sequential.bit > start
            if is_passed or following.state.is_dropped:
                state.drop_passed(following.state)
                following = next(later, None)
            elif sequential.bit == start:
                return following
            else:
                self._step(start)
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
        """Decode the next span of an open member, to the bit stop if it comes as far."""
        sequential, output = self.sequential, self.part.output
        if output.length > _HEALED:
            sequential.spans.target = LONG
        bit = sequential.bit
        segment = sequential.step(output.memory, output.base + output.length, stop)
        output.add(bit, self._stop_of(segment), segment)

    def _stop_of(self, segment: Segment) -> int:
        """The bit behind the span that was just decoded; 0 where its member ends by itself."""
        if not self.sequential.at_edge:
            raise FailedError  # the memory is full: there is more in the file than there should be
        return self.sequential.bit if segment.trailer is None else 0

    def _heal(self, following: Part) -> None:
        """Decode the front of the part that follows; anew, if this part was spoilt to its end."""
        self._decode_front(following)
        if self.part.number == 0:
            return  # it was decoded behind its true window
        for part in self._earlier():
            part.state.wait_for(Stage.HEALED)
        output = self.part.output
        if output.front < output.length:
            return  # the guess was right before this part ended, so its last 32 KiB were true
        # The part before has decoded all of this one behind its own bytes, and so has the true end.
        before = [part.output for part in self._earlier() if not part.state.is_dropped]
        if not before:
            raise FailedError
        true = before[-1].tail(before[-1].reach)
        own = output.tail(output.length)
        own = own[len(own) - len(true) :]  # near the start of a file, there are less than 32 KiB
        if not np.array_equal(true, own):
            own[:] = true
            self._decode_front(following)

    def _decode_front(self, following: Part) -> None:
        """Decode spans of the part that follows, behind this one, until its guess was right."""
        output, theirs = self.part.output, following.output
        decoder = inflate.Decoder()
        theirs.heal_none()
        while (span := self._next_to_heal(following)) is not None:
            start = output.base + output.length + theirs.front
            end = start + span.segment.length
            if end > len(output.memory):
                raise FailedError
            # A member refers to no other, so its window begins with it.
            window = min(self.sequential.history + theirs.front, start, WINDOW)
            decode_span(self.sequential.input, decoder, span, output.memory[:end], start, window)
            theirs.heal(inflate.crc32(output.memory[start:end]))
            self.again += span.segment.length
            output.reach = output.length + theirs.front
            # From here on, the part that follows had the true window, or none where a member ends.
            if span.segment.trailer or np.array_equal(
                output.tail(output.reach), theirs.tail(theirs.front)
            ):
                return

    def _next_to_heal(self, following: Part) -> PartSpan | None:
        """The first span of the part that follows that is not healed, once it is there; None if all
        of that part is.
        """
        theirs = following.output
        while not self.part.state.is_dropped:
            # In this order: a part that is complete by now gets no span behind the next line.
            is_complete = following.state.stage >= Stage.DECODED
            if theirs.healed < len(theirs.spans):
                return theirs.spans[theirs.healed]
            if following.state.is_dropped:
                raise FailedError
            if is_complete:
                return None
            following.state.wait_for(Stage.DECODED)
        raise FailedError


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
    # Where the member ends by itself, nothing tells how many compressed bytes the span has: twice
    # as many are loaded each time until they suffice.
    last = (span.stop >> 3) + 1 if span.stop else first + 2 * TARGET
    while True:
        buffer.load(first, last - first)
        status, end, produced = buffer.inflate_span(
            decoder, span.bit, span.stop, out, start, window
        )
        has_arrived = status == inflate.END and (end == 0) == (span.stop != 0)
        if has_arrived and start + produced == len(out):
            return
        if span.stop or buffer.ended or status == inflate.END:
            raise FailedError
        last = first + 2 * (last - first)
