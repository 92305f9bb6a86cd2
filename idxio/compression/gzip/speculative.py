"""A whole gzip file at first sight, on several threads.

The compressed file is cut into one part a thread, at block headers found by scanning. The first
part is decoded into place. A later one starts behind a guessed window of zeros, into memory of its
own; the part before it, when it arrives there, goes on into the later part's spans, behind the true
window, until one leaves the same 32 KiB as the guess did: from there on the guess was right.
Lengths never depend on the window, so every part knows its place as soon as all before it are
decoded; whoever is free then moves the parts there. Exact arrival at each part's start, the sizes
and the checksums of the whole decide; where anything fails, nothing of this is believed.
"""

from __future__ import annotations

import itertools
import threading
from typing import NamedTuple

import numpy as np

from ..._native import inflate
from ..._util.memory import allocate
from ..._util.threads import join, wait_for
from ..._util.types import Bytes
from ...errors import IdxError
from ...storage.source import Source
from .input_buffer import InputBuffer
from .members import MemberCheck, Segment
from .sequential import TARGET, WINDOW, SequentialDecoder

# Healing a part decodes about this many compressed bytes again: a smaller part gains nothing.
SMALLEST_PART = 2 << 20
# A part needs memory of its own for what it unpacks to; more than this is done in rounds.
LARGEST_PART = 32 << 20
# The first part heals one and moves it, so it takes less: measured on 2 threads.
FIRST_SHARE = 0.95
# Healing decodes whole spans again, most often this many unpacked bytes of pictures: the first ones
# are shorter.
_HEALED = 2 << 20
SHORT, LONG = 1 << 18, TARGET  # compressed bytes
_MOVED = 1 << 20  # bytes that a thread moves at a time
_STARTS = 8  # how many starts a part tries before it gives up


class Decoded(NamedTuple):
    """Decoded bits of the file, and what came out."""

    bit: int
    stop: int  # 0: the member ended by itself
    segment: Segment
    crc: int


class Guess(NamedTuple):
    """What a read by parts found: its spans in order, and how many bytes it decoded twice."""

    spans: list[Decoded]
    again: int


class _FailedError(Exception):
    """Decode the file in order instead."""


def read_speculatively(source: Source, out: Bytes, threads: int) -> Guess | None:
    """Fill out with everything in a gzip file; None unless all is well and out exactly full."""
    spans: list[Decoded] = []
    again = done = 0
    sequential = SequentialDecoder(source)
    while done < len(out) or not sequential.between:
        try:
            parts = _begin_round(source, out, done, threads, sequential)
        except MemoryError:
            return None
        if len(parts) < 2 and not spans:
            parts[0].round.parts.clear()
            return None
        helpers: list[_PartDecoder] = []
        try:
            helpers += (part for part in parts[1:] if part.start_or_give_up())
            parts[0].run()
            if parts[0].error is not None:
                raise parts[0].error
            for helper in helpers:
                join(helper)
        except BaseException:  # an interrupt: the others go no further than the span at hand
            for part in parts:
                part.give_up()
            for helper in helpers:
                join(helper)
            raise
        finally:
            parts[0].round.parts.clear()  # they know each other, and would keep their memory
        for part in parts:
            if part.error is not None:
                raise part.error
        alive = [part for part in parts if not part.dead]
        if not alive or alive[0].number:
            return None
        if any(before.sequential.bit != part.bit for before, part in itertools.pairwise(alive)):
            return None  # one between them failed
        decoded = [span for part in alive for span in part.spans]
        if not decoded:
            break
        spans += decoded
        again += sum(part.again for part in parts)
        done += sum(part.length for part in alive)
        sequential = alive[-1].sequential
        sequential.history = min(sequential.history, done)  # it began behind a window of zeros
    check = MemberCheck(source.name)
    try:
        for span in spans:
            check.add(span.segment, span.crc)
        is_whole = not sequential.open_member()
    except IdxError:
        return None
    return Guess(spans, again) if is_whole and done == len(out) else None


def _begin_round(
    source: Source, out: Bytes, done: int, threads: int, sequential: SequentialDecoder
) -> list[_PartDecoder]:
    """The parts of one round: the compressed bytes from where the walker is, which has filled
    out[:done].
    """
    first = sequential.bit >> 3
    size = min((source.size or 0) - first, threads * LARGEST_PART)
    count = max(1, min(threads, size // SMALLEST_PART))
    share = size / (FIRST_SHARE + count - 1)
    begins = [first] + [first + int(share * (FIRST_SHARE + k)) for k in range(count - 1)]
    this = _Round(source, out, done, first + size, [], threading.Lock())
    this.parts.extend(
        _PartDecoder(this, number, begin, sequential) for number, begin in enumerate(begins)
    )
    return list(this.parts)


class _Round(NamedTuple):
    """What the parts that are decoded at the same time share."""

    source: Source
    out: Bytes
    done: int  # of out, by the rounds before
    end: int  # the byte of the file where the round may end
    parts: list[_PartDecoder]
    lock: threading.Lock  # of what is taken of the parts


class _PartDecoder(threading.Thread):
    """One part of the file, decoded by one thread."""

    def __init__(
        self, this: _Round, number: int, begin: int, sequential: SequentialDecoder
    ) -> None:
        """begin is the byte from which it looks for its start, but for the first, which has a
        walker there already.
        """
        super().__init__(daemon=True)
        self.round, self.number, self.begin = this, number, begin
        self.sequential = sequential
        self.bit: int | None = None if number else 0  # its start
        self.spans: list[Decoded] = []
        self.dead = False  # an earlier part decodes what this one was to
        self.error: BaseException | None = None
        self.again = 0
        self.start_known = threading.Event()  # bit is known, or the part is dead
        self.decoded = threading.Event()  # length is known; what the guess spoilt is still wrong
        self.healed = threading.Event()  # so are reach, and the front of the part that follows
        # Pages that are not touched cost nothing, so there is room for the most that can come.
        self.base = WINDOW if number else this.done
        self.memory = this.out if number == 0 else allocate(WINDOW, len(this.out) - this.done)
        self.length = 0
        self.reach = 0  # with what it healed of the part that follows
        self.front = 0  # bytes of it that the part before has healed
        self.taken = 0  # bytes of it that are in place, or that a thread moves there

    def start_or_give_up(self) -> bool:
        """Start the thread; where the system gives none, an earlier part decodes this one too."""
        try:
            self.start()
        except RuntimeError:
            self.give_up()
            return False
        return True

    def give_up(self) -> None:
        """Do no more; whoever waits for this part goes on."""
        self.dead = True
        self._tell_all()

    def _tell_all(self) -> None:
        self.start_known.set()
        self.decoded.set()
        self.healed.set()

    def run(self) -> None:
        try:
            if self.number:
                self.sequential = self._begin()
            self.start_known.set()
            following = self._decode(self.sequential)
            self.reach = self.length
            self.decoded.set()
            for part in self.round.parts[: self.number]:
                wait_for(part.decoded)
            if self.dead:  # whoever decoded past its start has said so by now
                return
            if following is not None:
                self._heal(following)
            self.healed.set()
            self._move()
        except (_FailedError, IdxError):
            self.dead = True
        except BaseException as error:
            self.dead, self.error = True, error
        finally:
            self._tell_all()

    def _begin(self) -> SequentialDecoder:
        """A walker that has the first span of the part behind it."""
        self.memory[:WINDOW] = 0
        sequential = SequentialDecoder(
            self.round.source, bit=8 * self.begin, history=WINDOW, target=LONG
        )
        sequential.target = SHORT
        limit = 8 * (self.begin + TARGET)
        for _ in range(_STARTS):
            bit = sequential.find_cut(sequential.bit, limit)
            if not bit or bit == limit:
                break
            sequential.bit = bit
            segment = sequential.span(self.memory, self.base)
            if segment is not None:
                self.bit = bit
                self._keep(sequential, bit, segment)
                return sequential
            sequential.bit += 1
        raise _FailedError

    def _decode(self, sequential: SequentialDecoder) -> _PartDecoder | None:
        """Go on to the start of another part, which is returned, or to the end of the round or the
        file.
        """
        later = iter(self.round.parts[self.number + 1 :])
        following = next(later, None)
        while not self.dead:
            if self.number == self.round.done == 0 and all(
                part.bit is None and part.dead for part in self.round.parts[1:]
            ):
                raise _FailedError  # alone it is slower than a decoder of whole members
            if not sequential.open_member():
                return None
            stop = None
            if following is not None:
                if sequential.bit + 16 * TARGET > 8 * following.begin:
                    wait_for(following.start_known)
                stop = following.bit
                if following.dead or (stop is not None and sequential.bit > stop):
                    following.dead = True
                    following = next(later, None)
                    continue
                if sequential.bit == stop:
                    return following
            elif sequential.bit >= 8 * self.round.end:
                return None
            if self.length > _HEALED:
                sequential.target = LONG
            bit = sequential.bit  # of the data, behind a header
            segment = sequential.step(self.memory, self.base + self.length, stop)
            self._keep(sequential, bit, segment)
        return None

    def _keep(self, sequential: SequentialDecoder, bit: int, segment: Segment) -> None:
        if not sequential.at_edge:
            raise _FailedError  # the memory is full: there is more in the file than there should be
        start = self.base + self.length
        crc = inflate.crc32(self.memory[start : start + segment.length])
        self.spans.append(Decoded(bit, 0 if segment.trailer else sequential.bit, segment, crc))
        self.length += segment.length

    def _heal(self, following: _PartDecoder) -> None:
        """Decode the first spans of the part that follows too, as far as its guess spoilt them."""
        self._go_on(following)
        if self.number == 0:
            return
        earlier = self.round.parts[: self.number]
        for part in earlier:
            wait_for(part.healed)
        if self.front == self.length:
            # Nothing of this part was right, so only the one before knows how it ends.
            before = [part for part in earlier if not part.dead]
            if not before:
                raise _FailedError
            true, guessed = before[-1].tail(before[-1].reach), self.tail(self.length)
            # a file has no window before its first bytes
            guessed = guessed[len(guessed) - len(true) :]
            if not np.array_equal(true, guessed):
                guessed[:] = true
                self._go_on(following)

    def _go_on(self, following: _PartDecoder) -> None:
        """Decode spans of the part that follows until one leaves what it left there."""
        decoder = inflate.Decoder()
        following.front = k = 0
        while True:
            if self.dead:
                raise _FailedError
            complete = following.decoded.is_set()
            if k == len(following.spans):
                if following.dead:
                    raise _FailedError
                if complete:
                    break
                wait_for(following.decoded)
                continue
            span = following.spans[k]
            start = self.base + self.length + following.front
            end = start + span.segment.length
            if end > len(self.memory):
                raise _FailedError
            # a member refers to no other
            window = min(self.sequential.history + following.front, start, WINDOW)
            decode_span(self.sequential.input, decoder, span, self.memory[:end], start, window)
            following.spans[k] = span._replace(crc=inflate.crc32(self.memory[start:end]))
            following.front += span.segment.length
            self.again += span.segment.length
            k += 1
            self.reach = self.length + following.front
            if span.segment.trailer or np.array_equal(
                self.tail(self.reach), following.tail(following.front)
            ):
                break

    def tail(self, length: int) -> Bytes:
        """The window that the first length bytes of the part leave behind."""
        end = self.base + length
        return self.memory[max(0, end - WINDOW) : end]

    def _move(self) -> None:
        """Move what is right into place, together with the other threads."""
        position = self.round.done
        for part in self.round.parts:
            if part.number:
                self._move_part(part, position)
            wait_for(part.healed)
            if not part.dead:
                position += part.length

    def _move_part(self, part: _PartDecoder, position: int) -> None:
        """Move what nobody else moves of a part whose front is healed, and which may still grow."""
        out = self.round.out
        while not part.dead:
            whole = part.healed.is_set()
            with self.round.lock:
                start = max(part.front, part.taken)
                stop = part.taken = max(
                    start, min(start + _MOVED, part.reach if whole else part.length)
                )
            if position + stop > len(out):
                raise _FailedError
            if start < stop:
                out[position + start : position + stop] = part.memory[
                    part.base + start : part.base + stop
                ]
            elif whole:
                return
            else:
                wait_for(part.healed)


def decode_span(
    buffer: InputBuffer,
    decoder: inflate.Decoder,
    span: Decoded,
    out: Bytes,
    start: int,
    window: int,
) -> None:
    """Decode a span again into out[start:], which it fills.

    Raises _FailedError where it does not.
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
            raise _FailedError
        last = first + 2 * (last - first)
