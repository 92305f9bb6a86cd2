"""A whole gzip file at first sight, on several threads.

1. The compressed file is cut into one part a thread; a long file into rounds of such parts, one
   round after the other.
2. The first part of a round goes on where the round before ended, and is decoded into its place.
3. Each later part scans for a block header, and is decoded from there behind a guessed window of
   zeros, into memory of its own. The part before it heals what the guess spoilt (`part_decoder`).
4. Lengths never depend on the window, so every part knows its place as soon as all before it are
   decoded. Whoever is free then moves the parts there (`part_mover`).
5. What the threads know of each other is in `part`, with a table of its states.
6. Nothing is believed before the end: each part must arrive at just the bit where the next one
   starts, and the sizes and checksums of all members must hold. Where anything fails, the caller
   decodes the file in order.
"""

from __future__ import annotations

import itertools
import threading
from typing import NamedTuple

from ..._util.helper_thread import HelperThread
from ..._util.memory import allocate
from ..._util.threads import join
from ..._util.types import Bytes
from ...errors import IdxError
from ...storage.source import Source
from .members import MemberCheck
from .part import Part, PartOutput, PartSpan, PartState
from .part_decoder import PartDecoder, Round
from .part_mover import PartMover
from .sequential import SequentialDecoder
from .span_index import WINDOW

# Healing a part decodes about this many compressed bytes again: a smaller part gains nothing.
SMALLEST_PART = 2 << 20
# A part needs memory of its own for what it unpacks to; more than this is done in rounds.
LARGEST_PART = 32 << 20
# The first part heals one and moves it, so it takes less: measured on 2 threads.
FIRST_SHARE = 0.95


class SpeculativeRead(NamedTuple):
    """What a read by parts found: its spans in order, and how many bytes it decoded twice."""

    spans: list[PartSpan]
    again: int


def read_speculatively(source: Source, out: Bytes, threads: int) -> SpeculativeRead | None:
    """Fill out with everything in a gzip file; None unless all is well and out exactly full."""
    spans: list[PartSpan] = []
    again = 0
    done = 0  # bytes of out
    sequential = SequentialDecoder(source)  # stands where the next round begins
    while done < len(out) or not sequential.between:
        try:
            decoders = _begin_round(source, out, done, threads, sequential)
        except MemoryError:
            return None
        if len(decoders) < 2 and not spans:
            return None  # one part is the whole file: nothing is gained
        with source.expect(*_shares(decoders)):
            _run(decoders)
        alive = _unbroken(decoders)
        if alive is None:
            return None
        decoded = [span for decoder in alive for span in decoder.part.output.true_spans()]
        if not decoded:
            break
        spans += decoded
        again += sum(decoder.again for decoder in decoders)
        done += sum(decoder.part.output.length for decoder in alive)
        sequential = alive[-1].sequential
        sequential.history = min(sequential.history, done)  # it began behind a window of zeros
    is_right = done == len(out) and _is_right(source.name, spans, sequential)
    return SpeculativeRead(spans, again) if is_right else None


def _begin_round(
    source: Source, out: Bytes, done: int, threads: int, sequential: SequentialDecoder
) -> list[PartDecoder]:
    """The decoders of one round, which begins where the sequential decoder stands; out[:done] is
    filled.
    """
    first = sequential.bit >> 3
    size = min((source.size or 0) - first, threads * LARGEST_PART)
    count = max(1, min(threads, size // SMALLEST_PART))
    share = size / (FIRST_SHARE + count - 1)
    lock = threading.Lock()
    parts = [Part(0, first, PartState(lock), PartOutput(out, done))]
    for number in range(1, count):
        begin = first + int(share * (FIRST_SHARE + number - 1))
        # Pages that are not touched cost nothing, so there is room for the most that can come.
        output = PartOutput(allocate(WINDOW, len(out) - done), WINDOW)
        parts.append(Part(number, begin, PartState(lock), output))
    this = Round(source, parts, done == 0, first + size, PartMover(out, done, parts))
    return [
        PartDecoder(this, parts[0], sequential),
        *(PartDecoder(this, part) for part in parts[1:]),
    ]


def _shares(decoders: list[PartDecoder]) -> list[list[tuple[int, int]]]:
    """The bytes of the file that each decoder reads."""
    begins = [decoder.part.begin for decoder in decoders]
    return [[share] for share in itertools.pairwise([*begins, decoders[0].round.end])]


def _run(decoders: list[PartDecoder]) -> None:
    """Run each decoder on a thread, the first on this one."""
    helpers: list[HelperThread] = []
    try:
        for decoder in decoders[1:]:
            helpers.append(HelperThread(decoder.run))
            try:
                helpers[-1].start()
            except RuntimeError:  # the system gives none: an earlier part decodes this one too
                decoder.part.state.drop()
        decoders[0].run()
        _raise_error(decoders[:1])
        for helper in helpers:
            join(helper)
    except BaseException:  # an interrupt: the others go no further than the span at hand
        for decoder in decoders:
            decoder.part.state.drop()
        for helper in helpers:
            join(helper)
        raise
    finally:
        # An error knows the decoder that it comes from, and would keep the memory of all parts.
        decoders[0].round.parts.clear()
    _raise_error(decoders)


def _raise_error(decoders: list[PartDecoder]) -> None:
    for decoder in decoders:
        if decoder.part.state.error is not None:
            raise decoder.part.state.error


def _unbroken(decoders: list[PartDecoder]) -> list[PartDecoder] | None:
    """The decoders whose parts count; None unless they follow on each other."""
    alive = [decoder for decoder in decoders if not decoder.part.state.is_dropped]
    if not alive or alive[0].part.number:
        return None
    for before, after in itertools.pairwise(alive):
        if before.sequential.bit != after.part.state.start:
            return None  # one between them failed
    return alive


def _is_right(name: str, spans: list[PartSpan], sequential: SequentialDecoder) -> bool:
    """Whether the members have the checksums that they state, and nothing comes behind them."""
    check = MemberCheck(name)
    try:
        for span in spans:
            check.add(span.segment, span.crc)
        return not sequential.open_member()
    except IdxError:
        return False
