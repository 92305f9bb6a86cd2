"""Threads that stay, for calls that come one by one."""

from __future__ import annotations

import contextlib
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .helper_thread import HelperThread
from .threads import Outcome, join, taken

if TYPE_CHECKING:
    from queue import SimpleQueue

Item = TypeVar("Item")
Result = TypeVar("Result")


class Workers:
    """Threads that call what they are given: with each call one more, up to `most`.

    They end when `end` is called, or when nobody holds the object any more.
    """

    def __init__(self, most: int) -> None:
        from queue import SimpleQueue  # slow to import

        self._most = most
        self._threads: list[HelperThread] = []
        self._calls: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self.end = weakref.finalize(self, _end, self._calls)
        """Have the threads end once they have done what they were given."""

    def call(self, function: Callable[[], object]) -> None:
        """Call a function as soon as a thread is free."""
        if len(self._threads) < self._most:
            thread = HelperThread(_work, (self._calls,))
            with contextlib.suppress(RuntimeError):  # the system gives no more
                thread.start()
                self._threads.append(thread)
        if self._threads:
            self._calls.put(function)
        else:
            function()

    def close(self) -> None:
        """End the threads, and wait for that; calls that were not begun are dropped. May be called
        again, as after an interrupt.
        """
        while taken(self._calls, 0):
            pass
        _end(self._calls)  # each time: the loop above may have taken what was put
        for thread in self._threads:
            join(thread)


def _work(calls: SimpleQueue[Callable[[], object] | None]) -> None:
    while (call := calls.get()) is not None:
        call()
        del call  # and with it what it is for, before the wait for the next
    _end(calls)


def _end(calls: SimpleQueue[Any]) -> None:
    """End one thread, which ends the next: an interrupt may have kept one from being noted."""
    calls.put(None)


class InOrder(Generic[Item, Result]):
    """Calls a function for each item on threads; the results come in the order of the items.

    The threads end with close(), or when nobody holds the object any more.
    """

    def __init__(self, function: Callable[[Item], Result], threads: int) -> None:
        self._function = function
        self._threads = threads
        self._workers = Workers(threads)
        self._outcomes: deque[Outcome[Result]] = deque()

    def submit(self, item: Item) -> list[Result]:
        """Add an item; return the oldest result once more than two per thread are pending."""
        outcome: Outcome[Result] = Outcome()
        self._outcomes.append(outcome)
        self._workers.call(partial(outcome.make, partial(self._function, item)))
        if len(self._outcomes) <= 2 * self._threads:
            return []
        return [self._outcomes.popleft().result()]

    def rest(self) -> Iterator[Result]:
        """Yield the pending results in order."""
        while self._outcomes:
            yield self._outcomes.popleft().result()

    def close(self) -> None:
        """End the threads; items that were not started are dropped. May be called again, as after
        an interrupt.
        """
        self._workers.close()
