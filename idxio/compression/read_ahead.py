"""A stream that a helper thread unpacks one block ahead of its reader."""

from __future__ import annotations

import atexit
import contextlib
from queue import SimpleQueue

from .._util.fork import ForkGuard
from .._util.helper_thread import HelperThread
from .._util.threads import abandoned_by, join, take
from .base import BlockCheck, Stream


class ReadAhead(Stream):
    """The same bytes and errors as the stream inside. close() ends the thread."""

    def __init__(self, stream: Stream, *, can_wait: bool) -> None:
        """can_wait: the stream may wait for bytes without end, as that of a pipe does."""
        self.block = memoryview(b"")
        self._can_wait = can_wait
        self._stream = stream
        # One block waits here, one is being made and one is being read: a stream keeps that many.
        self._queue: SimpleQueue[tuple[memoryview, BlockCheck] | BaseException | None] = (
            SimpleQueue()
        )
        self._room: SimpleQueue[None] = SimpleQueue()
        self._room.put(None)
        self._closed: list[bool] = []
        self._fork_guard = ForkGuard()
        self._thread = HelperThread(self._run)
        # A stream that nobody closed is closed when Python ends: later, its thread would be stopped
        # wherever it is.
        atexit.register(self.close)
        try:
            # where the system gives none, the reader unpacks
            with contextlib.suppress(RuntimeError):
                self._thread.start()
        except BaseException:  # an interrupt: nobody will close this
            self._closed.append(True)
            self._room.put(None)
            raise

    def _run(self) -> None:
        abandoned_by(self._closed)
        last: BaseException | None = None
        try:
            while not self._closed and (check := self._stream.unpack()) is not None:
                self._put((self._stream.block, check))
        except BaseException as error:
            last = error
        self._put(last)

    def _put(self, item: tuple[memoryview, BlockCheck] | BaseException | None) -> None:
        """Hand an item over once there is room, unless nobody takes it any more."""
        if not self._closed:
            self._room.get()
            self._queue.put(item)

    def unpack(self) -> BlockCheck | None:
        if self._fork_guard.in_child():
            raise RuntimeError(
                "the thread that unpacks ahead stayed behind in the process that forked: start"
                " again"
            )
        if self._thread.ident is None:
            check = self._stream.unpack()
            self.block = self._stream.block
            return check
        item = take(self._queue)
        if isinstance(item, tuple):
            self._room.put(None)
            # Checked by whoever takes it, which is the thread with less to do.
            self.block, check = item
            return check
        self._queue.put(item)
        self.block, self._taken = memoryview(b""), 0
        if item is not None:
            raise item
        return None

    def close(self) -> None:
        """End the thread."""
        self._closed.append(True)
        atexit.unregister(self.close)
        self._room.put(None)
        if not self._can_wait:  # else the thread ends when the pipe gives something
            join(self._thread)
