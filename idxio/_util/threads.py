"""The number of threads, and calls of a function for many items on threads."""

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
    """Return the number of threads; None means the processors that this process may use."""
    if threads is None:
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1
    if threads < 1:
        raise ValueError(f"threads is 1 or more, not {threads}")
    return threads


# A signal that comes just before a wait begins does not end it, so a wait for long work is many
# short ones.
WAIT = 0.1


def join(thread: threading.Thread) -> None:
    """Wait until a thread has ended, if it was started; an interrupt ends the wait."""
    while thread.is_alive():
        thread.join(WAIT)


def wait_until(condition: threading.Condition, is_so: Callable[[], bool]) -> None:
    """Wait on a condition, which this thread holds; an interrupt ends the wait."""
    while not is_so():
        condition.wait(WAIT)


def on_threads(
    function: Callable[[Item], Iterable[object] | None], items: Iterable[Item], threads: int
) -> None:
    """Call function with each item on up to `threads` threads, of which this is one.

    The first error is raised. A function that takes long for one item is a generator that yields
    from time to time. After an error, which includes an interrupt, no item is started and no
    generator is resumed.
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

    try:
        if threads == 1 or len(waiting) < 2:
            work()
        else:
            _with_helpers(work, min(threads, len(waiting)) - 1, errors)
        if errors:
            # KeyboardInterrupt and SystemExit are raised before any Exception.
            raise next((error for error in errors if not isinstance(error, Exception)), errors[0])
    finally:
        # The traceback of an error has this frame: an error in its variables would keep the memory
        # of a failed read until a garbage collection. Some error stays, for a helper that begins
        # late.
        errors[:] = [Exception()] if errors else []


def _with_helpers(work: Callable[[], None], count: int, errors: list[BaseException]) -> None:
    """Call work on this thread and count others, which end once errors is not empty."""
    helpers: list[threading.Thread] = []
    try:
        # If the system refuses a thread, fewer threads do the work.
        with contextlib.suppress(RuntimeError):
            for _ in range(count):
                helpers.append(threading.Thread(target=work, daemon=True))
                helpers[-1].start()
        work()
        for helper in helpers:
            join(helper)
    except BaseException as error:  # an interrupt, while this thread starts or joins helpers
        errors.append(error)
        for helper in helpers:
            join(helper)
        raise


class InOrder(Generic[Item, Result]):
    """Calls a function for each item on threads; the results come in the order of the items."""

    def __init__(self, function: Callable[[Item], Result], threads: int) -> None:
        self._function = function
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._waiting: deque[Future[Result]] = deque()

    def submit(self, item: Item) -> list[Result]:
        """Add an item; return the oldest result once more than two per thread are pending."""
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor  # slow to import

            self._pool = ThreadPoolExecutor(self._threads)
        self._waiting.append(self._begin(item))
        if len(self._waiting) <= 2 * self._threads:
            return []
        return [self._waiting.popleft().result()]

    def _begin(self, item: Item) -> Future[Result]:
        assert self._pool is not None
        try:
            return self._pool.submit(self._function, item)
        except RuntimeError:  # the system refuses another thread
            from concurrent.futures import Future

            done: Future[Result] = Future()
            done.set_result(self._function(item))
            return done

    def rest(self) -> Iterator[Result]:
        """Yield the pending results in order."""
        while self._waiting:
            yield self._waiting.popleft().result()

    def close(self) -> None:
        """End the threads; items that were not started are dropped."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
