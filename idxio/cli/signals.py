"""SIGTERM and SIGHUP end a command as Ctrl-C does: what it has begun to write is removed first."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """A signal asked this process to end."""

    def __init__(self, number: int) -> None:
        self.number = number


@contextlib.contextmanager
def stopping() -> Iterator[None]:
    """Raise Stopped inside for each signal that the process neither ignores (nohup) nor handles."""
    if threading.current_thread() is not threading.main_thread():  # no other one hears of signals
        yield
        return
    ours = [number for number in _SIGNALS if signal.getsignal(number) is signal.SIG_DFL]

    def stop(number: int, frame: object) -> None:
        for one in ours:  # whoever sends it twice must not interrupt the cleaning up
            signal.signal(one, signal.SIG_IGN)
        raise Stopped(number)

    try:
        for number in ours:
            signal.signal(number, stop)
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)
