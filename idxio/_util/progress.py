"""Progress of a job, as the sum of its steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Total = TypeVar("Total", int, None)


def counter(progress: Callable[[int, Total], None] | None, total: Total) -> Callable[[int], None]:
    """Return a function that adds a step and calls progress with the sum and the total."""
    done = 0

    def step(size: int) -> None:
        nonlocal done
        done += size
        if progress is not None:
            progress(done, total)

    return step
