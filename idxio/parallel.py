"""How many threads work, and a function over items on them."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")


def check_threads(threads: int | None) -> int:
    """The number of threads that a caller asks for; by default the processors that this process may use."""
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if threads < 1:
        raise ValueError(f"threads is 1 or more, not {threads}")
    return threads


def on_threads(function: Callable[[Item], object], items: Iterable[Item], threads: int) -> None:
    """Call function with each item, here and on up to threads - 1 other threads; the first error is raised."""
    waiting = list(items)[::-1]
    if threads == 1 or len(waiting) < 2:
        for item in waiting[::-1]:
            function(item)
        return
    errors: list[BaseException] = []

    def work() -> None:
        while not errors:
            try:
                item = waiting.pop()
            except IndexError:
                return
            try:
                function(item)
            except BaseException as error:
                errors.append(error)

    helpers: list[threading.Thread] = []
    # Where the system gives no more threads, fewer do it.
    with contextlib.suppress(RuntimeError):
        for _ in range(min(threads, len(waiting)) - 1):
            helper = threading.Thread(target=work, daemon=True)
            helper.start()
            helpers.append(helper)
    work()
    for helper in helpers:
        helper.join()
    if errors:
        raise errors[0]
