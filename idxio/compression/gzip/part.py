"""A part of a file that several threads decode at first sight: how far it is, and what came out."""

from __future__ import annotations

import threading
from enum import IntEnum
from typing import NamedTuple

from ..._native import inflate
from ..._util.threads import Bell
from ..._util.types import Bytes
from .members import Segment
from .span_index import WINDOW


class FailedError(Exception):
    """What was guessed or scanned does not work out: decode the file in order instead."""


class Stage(IntEnum):
    """How far a part is; see PartState."""

    SEARCHING = 0
    DECODING = 1
    DECODED = 2
    HEALED = 3
    DROPPED = 4


class PartState:
    """How far one part is. Its own thread raises the stage, the others read it and wait for it.

    | stage | what is known | what ends it |
    |---|---|---|
    | SEARCHING | nothing | a first span was decoded |
    | DECODING | `start`, and spans | the next part's start, or the end of the round or file |
    | DECODED | all spans, their lengths | the front of the next part is right |
    | HEALED | which bytes are right | |
    | DROPPED | an earlier part decodes what this one was to | |

    DROPPED may follow on any stage: where the part's own thread fails or there is none for it,
    where an earlier part decodes past its start, and after an interrupt. Stages only rise, so who
    waits for one goes on when the part is dropped, and nothing brings a dropped part back.
    """

    def __init__(self, lock: threading.Lock) -> None:
        """All parts of a round have the same lock."""
        self._lock = lock
        self._risen = Bell()
        self.stage = Stage.SEARCHING
        self.start: int | None = None
        """The bit of the file where its first span starts."""
        self.error: BaseException | None = None
        """Why it was dropped, unless the file is decoded in order for that."""

    @property
    def is_dropped(self) -> bool:
        return self.stage is Stage.DROPPED

    def rise(self, stage: Stage) -> None:
        """Go to a later stage; a dropped part stays dropped."""
        with self._lock:
            self._rise(stage)

    def begin(self, start: int) -> None:
        """Tell where the part starts."""
        self.start = start
        self.rise(Stage.DECODING)

    def drop(self, error: BaseException | None = None) -> None:
        """Give the part up; its thread goes no further than the span at hand."""
        if error is not None:
            self.error = error
        self.rise(Stage.DROPPED)

    def drop_passed(self, passed: PartState) -> None:
        """Drop another part, which this one decoded past, unless this one is dropped itself.

        What a dropped part does counts no more, so no part is dropped for it.
        """
        with self._lock:
            if not self.is_dropped:
                passed._rise(Stage.DROPPED)

    def wait_for(self, stage: Stage) -> None:
        """Wait until the part is at a stage, or past it."""
        self._risen.wait_until(lambda: self.stage >= stage)

    def _rise(self, stage: Stage) -> None:
        if stage > self.stage:
            self.stage = stage
            self._risen.ring()


class PartSpan(NamedTuple):
    """A decoded span of a part: its bits in the file, and what came out."""

    bit: int
    stop: int  # 0: the member ended by itself
    segment: Segment
    crc: int


class PartOutput:
    """The spans of one part, and the memory with their bytes.

        | window | front | the rest of this part | front of the part that follows |
                 ^ base                          ^ base + length                   ^ base + reach

    The window is guessed, so the front is wrong here; the part before has it right, behind its own
    bytes. In the same way this part has that of the next one.
    """

    def __init__(self, memory: Bytes, base: int) -> None:
        """Before base lies the window of the first span."""
        self.memory = memory
        self.base = base
        self.spans: list[PartSpan] = []
        self.length = 0
        self.reach = 0
        """`length`, and the bytes behind it of the part that follows."""
        self.front = 0
        """How many of its first bytes the part before has in its own memory, and right."""
        self._healed: list[int] = []  # the CRC-32 of each span in front

    def add(self, bit: int, stop: int, segment: Segment) -> None:
        """Take the next span, whose bytes are in the memory already."""
        start = self.base + self.length
        crc = inflate.crc32(self.memory[start : start + segment.length])
        self.spans.append(PartSpan(bit, stop, segment, crc))
        self.length += segment.length

    def heal_none(self) -> None:
        """Let the part before begin to heal the first spans, or begin anew."""
        self.front = 0
        self._healed = []

    def heal(self, crc: int) -> None:
        """Take the CRC-32 that the next span has behind its true window."""
        self.front += self.spans[len(self._healed)].segment.length
        self._healed.append(crc)

    @property
    def healed(self) -> int:
        """How many of the first spans are in front."""
        return len(self._healed)

    def true_spans(self) -> list[PartSpan]:
        """The spans with the CRC-32s of true bytes: those of the front were healed."""
        front = [
            span._replace(crc=crc) for span, crc in zip(self.spans, self._healed, strict=False)
        ]
        return front + self.spans[len(front) :]

    def tail(self, length: int) -> Bytes:
        """The window that the first `length` bytes leave behind."""
        end = self.base + length
        return self.memory[max(0, end - WINDOW) : end]


class Part(NamedTuple):
    """One of the parts that are decoded at the same time."""

    number: int
    begin: int
    """The byte of the file from which its start is looked for."""
    state: PartState
    output: PartOutput
