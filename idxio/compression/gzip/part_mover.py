"""Moves what parts of a file unpacked to into one array, on all threads that are free."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from ..._util.types import Bytes
from .part import FailedError, Part, Stage

_MOVED = 1 << 20  # bytes that a thread moves at a time


class PartMover:
    """Moves each part behind the one before it. All threads of a round share it."""

    def __init__(self, out: Bytes, done: int, parts: Sequence[Part]) -> None:
        """The first part is decoded in its place, at out[done:]."""
        self._out = out
        self._done = done
        self._parts = parts
        self._lock = threading.Lock()
        self._taken = [0] * len(parts)  # bytes of each that are in place, or on their way

    def move(self) -> None:
        """Move what no other thread moves, until all that is right is in its place."""
        position = self._done
        for part in self._parts:
            if part.number:
                self._move_part(part, position)
            part.state.wait_for(Stage.HEALED)
            if not part.state.is_dropped:
                position += part.output.length

    def _move_part(self, part: Part, position: int) -> None:
        """Move a part whose front is healed, and which may still grow."""
        output = part.output
        while not part.state.is_dropped:
            is_whole = part.state.stage >= Stage.HEALED
            start, stop = self._take(part, is_whole)
            if position + stop > len(self._out):
                raise FailedError
            if start < stop:
                self._out[position + start : position + stop] = output.memory[
                    output.base + start : output.base + stop
                ]
            elif is_whole:
                return
            else:
                part.state.wait_for(Stage.HEALED)

    def _take(self, part: Part, is_whole: bool) -> tuple[int, int]:
        """The next bytes of a part that this thread is to move."""
        output = part.output
        end = output.reach if is_whole else output.length
        with self._lock:
            start = max(output.front, self._taken[part.number])
            stop = max(start, min(start + _MOVED, end))
            self._taken[part.number] = stop
        return start, stop
