"""SIGTERM and SIGHUP end a command as Ctrl-C does: what it has begun to write is removed first."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

_ONCE = (signal.SIGTERM, signal.SIGHUP)


class Stopped(KeyboardInterrupt):
    """A signal asked this process to end.

    Python swallows what a handler raises while a callback of a weak reference or a __del__ runs, as
    they do within each import. The lost exception is deleted then, and asks to be raised again.
    """

    def __init__(self, number: int, when_lost: Callable[[int], None]) -> None:
        self.number = number
        self.when_lost: Callable[[int], None] | None = when_lost

    def __del__(self) -> None:
        if self.when_lost is not None:
            self.when_lost(self.number)


@contextlib.contextmanager
def stopping() -> Iterator[None]:
    """Raise Stopped inside for each signal that the process neither ignores (nohup) nor handles."""
    if threading.current_thread() is not threading.main_thread():  # no other one hears of signals
        yield
        return
    once = [number for number in _ONCE if signal.getsignal(number) is signal.SIG_DFL]
    ours: dict[int, Any] = dict.fromkeys(once, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        ours[signal.SIGINT] = signal.default_int_handler
    has_alarm = signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
    if has_alarm:
        ours[signal.SIGALRM] = signal.SIG_DFL
    lost: list[int] = []
    is_over = False

    def stop(number: int, frame: object) -> None:
        if number == signal.SIGALRM:
            if not lost:
                return
            number = lost.pop()
        for one in once:  # whoever sends it twice must not interrupt the cleaning up
            signal.signal(one, signal.SIG_IGN)
        raise Stopped(number, raise_again)

    def raise_again(number: int) -> None:
        if is_over:  # a second Ctrl-C took the place of this one, or all is cleaned up already
            return
        lost.append(number)
        if has_alarm:  # not at once: the code that swallowed the first one still runs
            signal.setitimer(signal.ITIMER_REAL, 0.01)

    def show(found: sys.UnraisableHookArgs) -> None:
        if found.exc_type is not Stopped:
            hook(found)

    hook = sys.unraisablehook
    sys.unraisablehook = show
    try:
        for number in ours:
            signal.signal(number, stop)
        yield
        if lost:
            raise Stopped(lost.pop(), raise_again)
    except Stopped as stopped:
        stopped.when_lost = None
        raise
    finally:
        is_over = True
        lost.clear()
        if has_alarm:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in ours.items():
            signal.signal(number, handler)
        sys.unraisablehook = hook
