"""The number of threads, waits for them, and calls on threads that end with the call."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .helper_thread import HelperThread

if TYPE_CHECKING:
    from queue import SimpleQueue

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
    """Wait until a thread has ended, if it was started; an interrupt ends the wait.

    Not for this thread itself, on which a garbage collection may close what it works for.
    """
    while thread.is_alive() and thread is not threading.current_thread():
        thread.join(WAIT)


class Bell:
    """What threads wait for, and other threads tell.

    Not a threading.Condition, nor what is made of one (Event, Queue, Future): an interrupt just
    behind its lock leaves that taken for ever. A SimpleQueue is written in C.
    """

    def __init__(self) -> None:
        self._listeners: list[SimpleQueue[None]] = []

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so; whoever makes it so rings. An interrupt ends the wait."""
        from queue import SimpleQueue  # slow to import

        rung: SimpleQueue[None] = SimpleQueue()
        self._listeners.append(rung)
        while not is_so():
            taken(rung, WAIT)

    def ring(self) -> None:
        """Have those who wait look again."""
        for rung in self._listeners:
            rung.put(None)


def taken(queue: SimpleQueue[Item], seconds: float) -> list[Item]:
    """The next item of a queue as a list, which is empty if none came within some seconds."""
    from queue import Empty

    try:
        return [queue.get(timeout=seconds)]
    except Empty:
        return []


def take(queue: SimpleQueue[Item]) -> Item:
    """Wait for the next item of a queue; an interrupt ends the wait."""
    while not (items := taken(queue, WAIT)):
        pass
    return items[0]


_here = threading.local()


def is_abandoned() -> bool:
    """Whether nobody wants any more what this thread does: a sign of `abandoned_by` is there, or
    another thread of the `on_threads` that this one works for met an error.

    Who waits for something long, such as a server, then gives it up: somebody waits for this.
    """
    return any(_signs())


def abandoned_by(sign: list[Any]) -> None:
    """Have `is_abandoned` hold on this thread as soon as a list has an item."""
    _here.signs = (*_signs(), sign)


def _signs() -> tuple[list[Any], ...]:
    """Lists of which one with an item says that this thread is abandoned."""
    signs: tuple[list[Any], ...] = getattr(_here, "signs", ())
    return signs


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
    signs = (*_signs(), errors)

    def work() -> None:
        before = _signs()
        _here.signs = signs
        try:
            work_off()
        finally:
            _here.signs = before

    def work_off() -> None:
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
    helpers: list[HelperThread] = []
    try:
        # If the system refuses a thread, fewer threads do the work.
        with contextlib.suppress(RuntimeError):
            for _ in range(count):
                helpers.append(HelperThread(work))
                helpers[-1].start()
        work()
        for helper in helpers:
            join(helper)
    except BaseException as error:  # an interrupt, while this thread starts or joins helpers
        errors.append(error)
        for helper in helpers:
            join(helper)
        raise


class Outcome(Generic[Result]):
    """What a call on another thread returned or raised."""

    def __init__(self) -> None:
        from queue import SimpleQueue

        self._queue: SimpleQueue[tuple[list[Result], BaseException | None]] = SimpleQueue()

    def make(self, function: Callable[[], Result]) -> None:
        """Call the function."""
        try:
            self._queue.put(([function()], None))
        except BaseException as error:
            self._queue.put(([], error))

    def result(self, is_given_up: Callable[[], bool] = lambda: False) -> Result:
        """Wait for what the function returned, or raise what it raised; InterruptedError once
        is_given_up() holds.
        """
        while not (found := taken(self._queue, WAIT)):
            if is_given_up():
                raise InterruptedError
        results, error = found.pop()
        try:
            if error is not None:
                raise error
            return results[0]
        finally:
            del error  # which has this frame in its traceback


def aside(function: Callable[[], Result]) -> Result:
    """Do what function() does on a thread of its own, so that an interrupt ends the wait for it."""
    outcome: Outcome[Result] = Outcome()
    try:
        HelperThread(outcome.make, (function,)).start()
    except RuntimeError:  # the system gives no more
        return function()
    return outcome.result(is_abandoned)


def apart(function: Callable[[], Result], when_interrupted: Callable[[], None]) -> Result:
    """Call a function that no signal interrupts on a thread of its own, and wait for its result.

    An interrupt calls when_interrupted, waits until the function has ended, and is raised. A second
    one ends that wait.
    """
    outcome: Outcome[Result] = Outcome()
    begun: list[bool] = []
    ended: list[bool] = []
    given_up: list[bool] = []

    def call() -> Result:
        try:
            begun.append(True)
            if given_up:  # an interrupt came while the thread was started
                raise KeyboardInterrupt
            return function()
        finally:
            ended.append(True)

    thread = HelperThread(outcome.make, (call,))
    try:
        thread.start()
        return outcome.result()
    except BaseException:
        given_up.append(True)
        when_interrupted()
        # Not is_alive(), which is not true yet of a thread that an interrupt caught at its start.
        while begun and not ended:
            time.sleep(WAIT / 10)
        raise
