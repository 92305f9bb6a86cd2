"""A whole gzip file at first sight, on several threads.

The compressed file is cut into one part a thread, at block headers found by scanning. The first part is decoded into
place. A later one starts behind a guessed window of zeros, into memory of its own; once the part before it is done,
its spans are decoded again behind the true window until one leaves the same 32 KiB as the guess did: from there on
the guess was right. Lengths never depend on the window, so every part knows its place as soon as all before it are
decoded; all threads then move the parts there. Exact arrival at each part's start, the sizes and the checksums of the
whole decide; where anything fails, nothing of this is believed.
"""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import numpy as np

from .._native import inflate, scan
from ..errors import IdxError
from ..parallel import on_threads
from ..source import Source
from .members import MemberCheck, Stretch
from .piece import Piece
from .walker import TARGET, WINDOW, Walker

Bytes = np.ndarray[Any, np.dtype[np.uint8]]

# Healing a part decodes about this many compressed bytes again: a smaller part gains nothing.
SMALLEST_PART = 2 << 20
# A part needs memory of its own for what it unpacks to; more than this is done in rounds.
LARGEST_PART = 32 << 20
# The first part searches nothing and heals nothing, so it takes more: measured on 2 threads.
FIRST_SHARE = 1.05
# Healing decodes whole spans again, most often this many unpacked bytes of pictures: the first ones are shorter.
_HEALED = 2 << 20
SHORT, LONG = 1 << 18, TARGET  # compressed bytes
_MOVED = 1 << 20  # bytes that a thread moves at a time
_STARTS = 8  # how many starts a part tries before it gives up


class Span(NamedTuple):
    """Decoded bits of the file, and what came out."""

    bit: int
    stop: int  # 0: the member ended by itself
    stretch: Stretch


class Guess(NamedTuple):
    """What a read by parts found: its spans in order, and how many bytes it decoded twice."""

    spans: list[Span]
    again: int


class _FailedError(Exception):
    """Decode the file in order instead."""


def read_by_guess(source: Source, out: Bytes, threads: int) -> Guess | None:
    """Fill out with everything in a gzip file; None unless all is well and out exactly full."""
    spans: list[Span] = []
    again = done = 0
    walker = Walker(source)
    while done < len(out) or not walker.between:
        parts = _begin_round(source, out, done, threads, walker)
        if len(parts) < 2 and not spans:
            parts[0].round.parts.clear()
            return None
        for part in parts[1:]:
            part.start()
        parts[0].run()
        for part in parts[1:]:
            part.join()
        parts[0].round.parts.clear()  # they know each other, and would keep their memory
        for part in parts:
            if part.error is not None:
                raise part.error
        alive = [part for part in parts if not part.dead]
        if not alive or alive[0].number:
            return None
        on_threads(_move, [(part, k) for part in alive[1:] for k in range(0, part.length, _MOVED)], threads)
        found = [span for part in alive for span in part.spans]
        if not found:
            break
        spans += found
        again += sum(part.again for part in parts)
        done += sum(part.length for part in alive)
        walker = alive[-1].walker
    check = MemberCheck(source.name)
    try:
        for span in spans:
            check.add(span.stretch)
        is_whole = not walker.open_member()
    except IdxError:
        return None
    return Guess(spans, again) if is_whole and done == len(out) else None


def _begin_round(source: Source, out: Bytes, done: int, threads: int, walker: Walker) -> list[_Part]:
    """The parts of one round: the compressed bytes from where the walker is, which has filled out[:done]."""
    first = walker.bit >> 3
    size = min((source.size or 0) - first, threads * LARGEST_PART)
    count = max(1, min(threads, size // SMALLEST_PART))
    share = size / (FIRST_SHARE + count - 1)
    begins = [first] + [first + int(share * (FIRST_SHARE + k)) for k in range(count - 1)]
    this = _Round(source, out, done, first + size, [])
    this.parts.extend(_Part(this, number, begin, walker) for number, begin in enumerate(begins))
    return list(this.parts)


def _move(item: tuple[_Part, int]) -> None:
    """Move some bytes of a part, from the k-th on, into place."""
    part, k = item
    n = min(_MOVED, part.length - k)
    part.round.out[part.place + k : part.place + k + n] = part.memory[part.base + k : part.base + k + n]


class _Round(NamedTuple):
    """What the parts that are decoded at the same time share."""

    source: Source
    out: Bytes
    done: int  # of out, by the rounds before
    end: int  # the byte of the file where the round may end
    parts: list[_Part]


class _Part(threading.Thread):
    """One part of the file, decoded by one thread."""

    def __init__(self, this: _Round, number: int, begin: int, walker: Walker) -> None:
        """begin is the byte from which it looks for its start, but for the first, which has a walker there already."""
        super().__init__(daemon=True)
        self.round, self.number, self.begin = this, number, begin
        self.walker = walker
        self.bit: int | None = None if number else 0  # its start
        self.spans: list[Span] = []
        self.dead = False
        self.error: BaseException | None = None
        self.again = 0
        self.found = threading.Event()  # bit is known, or the part is dead
        self.decoded = threading.Event()  # length and tail are known; the tail may be wrong
        self.settled = threading.Event()  # tail is right
        # Pages that are not touched cost nothing, so there is room for the most that can come.
        self.base = WINDOW if number else this.done
        self.memory = this.out if number == 0 else np.empty(WINDOW + len(this.out) - this.done, np.uint8)
        self.length = 0
        self.place = this.done  # in out
        self.tail: Bytes = self.memory[:0]

    def run(self) -> None:
        try:
            if self.number:
                self.walker = self._begin()
            self.found.set()
            self._decode(self.walker)
            self.tail = self._last()
            self.decoded.set()
            self._settle()
        except (_FailedError, IdxError):
            self.dead = True
        except BaseException as error:
            self.dead, self.error = True, error
        finally:
            self.found.set()
            self.decoded.set()
            self.settled.set()

    def _begin(self) -> Walker:
        """A walker that has the first span of the part behind it."""
        self.memory[:WINDOW] = 0
        piece = Piece(self.round.source, TARGET)
        piece.load(self.begin, TARGET)
        offset = piece.offset
        bit = 8 * self.begin
        for _ in range(_STARTS):
            bit = scan.find_block(piece.data, bit + offset, 8 * piece.stop + offset) - offset
            if bit + offset < 0:
                break
            walker = Walker(self.round.source, bit=bit, history=WINDOW, target=SHORT)
            stretch = walker.span(self.memory, self.base)
            if stretch is not None:
                self.bit = bit
                self._keep(walker, bit, stretch)
                return walker
            bit += 1
        raise _FailedError

    def _decode(self, walker: Walker) -> None:
        """Go on to the start of the next part, or to the end of the round or the file."""
        later = iter(self.round.parts[self.number + 1 :])
        following = next(later, None)
        while not self.dead:
            stop = None
            if following is not None:
                if walker.bit + 16 * TARGET > 8 * following.begin:
                    following.found.wait()
                stop = following.bit
                if following.dead or (stop is not None and walker.bit > stop):
                    following.dead = True
                    following = next(later, None)
                    continue
                if walker.bit == stop:
                    return
            elif walker.bit >= 8 * self.round.end:
                return
            if not walker.open_member():
                return
            if self.length > _HEALED:
                walker.target = LONG
            bit = walker.bit  # of the data, behind a header
            stretch = walker.step(self.memory, self.base + self.length, stop)
            if stretch is None:
                return
            self._keep(walker, bit, stretch)

    def _keep(self, walker: Walker, bit: int, stretch: Stretch) -> None:
        if not walker.at_edge:
            raise _FailedError  # the memory is full: there is more in the file than there should be
        self.spans.append(Span(bit, 0 if stretch.trailer else walker.bit, stretch))
        self.length += stretch.length

    def _last(self) -> Bytes:
        end = self.base + self.length
        return self.memory[max(0, end - WINDOW) : end].copy()

    def _settle(self) -> None:
        """Find the place of the part, and heal what the guessed window spoilt."""
        if self.number == 0:
            return
        earlier = self.round.parts[: self.number]
        for part in earlier:
            part.decoded.wait()
        # Whoever decoded past this part's start has said so by now.
        if self.dead:
            raise _FailedError
        alive = [part for part in earlier if not part.dead]
        if not alive:
            raise _FailedError
        self.place += sum(part.length for part in alive)
        if self.place + self.length > len(self.round.out):
            raise _FailedError
        tried = alive[-1].tail
        self._heal(tried)
        alive[-1].settled.wait()
        if not np.array_equal(tried, alive[-1].tail):
            self._heal(alive[-1].tail)
        self.tail = self._last()

    def _heal(self, window: Bytes) -> None:
        """Decode spans again behind the true window until they leave what they left before."""
        self.memory[self.base - len(window) : self.base] = window
        piece = Piece(self.round.source, SHORT + TARGET // 8)
        decoder = inflate.Decoder()
        end = self.base
        for k, span in enumerate(self.spans):
            start, end = end, end + span.stretch.length
            before = self.memory[end - WINDOW : end].copy()
            decode_span(piece, decoder, span, self.memory[:end], start, WINDOW)
            crc = inflate.crc32(self.memory[start:end])
            self.spans[k] = span._replace(stretch=span.stretch._replace(crc=crc))
            self.again += end - start
            healed = end - start >= WINDOW and np.array_equal(before, self.memory[end - WINDOW : end])
            if healed or span.stretch.trailer:
                return


def decode_span(piece: Piece, decoder: inflate.Decoder, span: Span, out: Bytes, start: int, window: int) -> None:
    """Decode a span again into out[start:], which it fills. Raises _FailedError where it does not."""
    first = span.bit >> 3
    # A member that ends by itself says where; the file tells how far to load only by being loaded.
    last = (span.stop >> 3) + 1 if span.stop else first + 2 * TARGET
    while True:
        piece.load(first, last - first)
        status, end, produced = piece.inflate_span(decoder, span.bit, span.stop, out, start, window)
        arrived = status == inflate.END and (end == 0) == (span.stop != 0)
        if arrived and start + produced == len(out):
            return
        if span.stop or piece.ended or status == inflate.END:
            raise _FailedError
        last = first + 2 * (last - first)
