"""Steps added up for a caller who is told how far a job is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Total = TypeVar("Total", int, None)


def counter(progress: Callable[[int, Total], None] | None, total: Total) -> Callable[[int], None]:
    """A function that is told each step, and calls progress with the sum so far and the total."""
    done = 0

    def step(size: int) -> None:
        nonlocal done
        done += size
        if progress is not None:
            progress(done, total)

    return step
