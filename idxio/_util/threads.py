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


def on_threads(function: Callable[[Item], Iterable[object] | None], items: Iterable[Item], threads: int) -> None:
    """Call function with each item, here and on up to threads - 1 other threads; the first error is raised.

    A function that takes long for an item is a generator, which yields now and then: behind an error, as an interrupt
    is one, no item is begun, and no generator goes on.
    """
    waiting = list(items)[::-1]
    errors: list[BaseException] = []

    def work() -> None:
        while waiting and not errors:
            try:
                item = waiting.pop()
            except IndexError:  # another thread took it
                return
            try:
                for _ in function(item) or ():
                    if errors:
                        return
            except BaseException as error:
                errors.append(error)

    if threads == 1 or len(waiting) < 2:
        work()
    else:
        _with_helpers(work, min(threads, len(waiting)) - 1, errors)
    if errors:
        # What is no Exception asks for the end, whatever else went wrong.
        raise next((error for error in errors if not isinstance(error, Exception)), errors[0])


def _with_helpers(work: Callable[[], None], count: int, errors: list[BaseException]) -> None:
    """Call work here and on other threads, which end when errors has one."""
    helpers: list[threading.Thread] = []
    try:
        # Where the system gives no more threads, fewer do it.
        with contextlib.suppress(RuntimeError):
            for _ in range(count):
                helpers.append(threading.Thread(target=work, daemon=True))
                helpers[-1].start()
        work()
        _join(helpers)
    except BaseException as error:  # an interrupt, while this thread waits, also for a helper to start
        errors.append(error)
        _join(helpers)
        raise


def _join(helpers: list[threading.Thread]) -> None:
    for helper in helpers:
        with contextlib.suppress(RuntimeError):  # it did not start, or has not begun and will see the error first
            helper.join()


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
