"""A thread that helps, and whose start ends also where the system has no memory for it."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

_A_LOOK = 0.1
"""Seconds between two looks at whether a thread that has not begun is still there."""


class HelperThread(threading.Thread):
    """A daemon thread, with one difference from Python's.

    Where there is memory for the stack of a thread and none for its first Python call, the thread
    ends before it has begun, and `Thread.start` of CPython up to 3.13 waits for it for ever. This
    one raises RuntimeError, as it does where the system gives no thread, so that whoever started it
    does the work.
    """

    def __init__(
        self, target: Callable[..., object], args: tuple[Any, ...] = (), name: str | None = None
    ) -> None:
        super().__init__(target=target, args=args, daemon=True, name=name)
        self._started = _Started()

    @property
    def _bootstrap(self) -> Callable[[], None]:
        """What `Thread.start` has the new thread call. Nobody but that thread holds it, so it is
        there as long as the thread is.
        """
        call = partial(super()._bootstrap)  # type: ignore[misc]
        self._started.thread = weakref.ref(call)
        return call

    def start(self) -> None:
        """Start the thread; RuntimeError if there is none to be had, or no memory for it."""
        try:
            super().start()
        except RuntimeError:
            # Where Python notes threads that have not begun; nothing else takes it away.
            getattr(threading, "_limbo", {}).pop(self, None)
            raise


class _Started(threading.Event):
    """Tells that a thread has begun, which `Thread.start` waits for."""

    thread: weakref.ref[Any] | None = None

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it has begun; RuntimeError if it ended before."""
        if timeout is not None:
            return super().wait(timeout)
        while not super().wait(_A_LOOK):
            if self.thread is not None and self.thread() is None and not self.is_set():
                raise RuntimeError("can't start new thread: there is no memory for it")
        return True
