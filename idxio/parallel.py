"""How many threads work, and functions over items on them."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

Item = TypeVar("Item")
Result = TypeVar("Result")


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


class InOrder(Generic[Item, Result]):
    """Calls a function with one item after the other on threads, and gives the results back in that order."""

    def __init__(self, function: Callable[[Item], Result], threads: int) -> None:
        self._function, self._threads = function, threads
        self._pool: ThreadPoolExecutor | None = None
        self._waiting: deque[Future[Result]] = deque()

    def submit(self, item: Item) -> list[Result]:
        """Take an item; the oldest result, if enough of them wait."""
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor  # slow to import

            self._pool = ThreadPoolExecutor(self._threads)
        self._waiting.append(self._begin(item))
        return [self._waiting.popleft().result()] if len(self._waiting) > 2 * self._threads else []

    def _begin(self, item: Item) -> Future[Result]:
        assert self._pool is not None
        try:
            return self._pool.submit(self._function, item)
        except RuntimeError:  # the system gives no more threads
            from concurrent.futures import Future

            done: Future[Result] = Future()
            done.set_result(self._function(item))
            return done

    def rest(self) -> Iterator[Result]:
        """The results that wait, in order."""
        while self._waiting:
            yield self._waiting.popleft().result()

    def close(self) -> None:
        """End the threads; what has not begun is dropped."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
