"""A file at a URL as a source: read by position, by ranges."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from ..._util.threads import aside
from ...errors import ChangedError
from ..base import Source
from ..buffer import BufferSource
from .client import Answer, BrokenOffError, Client, NoRangesError, NoSuchRangeError, changed
from .plan import PART, Fetcher, Plan, Range

# The first request brings magic, header, table, size and ETag.
HEAD = 68 << 10
# Requests whose answer broke off are sent again after so many seconds.
_PAUSES = (0.1, 0.5)
# How an ETag begins that a proxy may have made a weak one, and how a time of the last change does.
_WEAK = re.compile(r'^W/"')
_DATE = re.compile(r"\d{4}-\d\d-\d\dT")


class Handle(NamedTuple):
    """How a client is made, here and in a process that forks, and what a pickle has of it."""

    name: str
    connect: Callable[[], Client]
    pickled: Callable[[str | None], tuple[Any, ...]]
    """What __reduce__ returns, given the ETag; raises TypeError if that would have a secret."""
    beside: Callable[[str], Handle]
    """That of the file whose name is this one's with a suffix."""
    choice: str = ""
    """What tells it from other files of this name."""


class UrlSource(Source):
    """An object in a store. Shared by threads; a forked process connects anew.

    A server that gives no ranges is asked for everything at once, which then stays in memory. A
    pickle holds the URL and the ETag; unpickling raises ChangedError for another object there.
    """

    is_remote = True

    def __init__(self, handle: Handle, tag: str | None = None) -> None:
        self.name = handle.name
        self._handle = handle
        client = handle.connect()
        try:
            first = aside(lambda: _patiently(lambda: client.get(0, HEAD, tag)))
            _check_range(first, 0, min(HEAD, first.size), self.name)
        except NoRangesError:
            first = aside(lambda: _patiently(client.get_all))
        _check_same(tag, first.tag, self.name)
        self.size: int | None = first.size
        self._tag = first.tag
        self._head = first.data
        self._is_closed = False
        self._begin(client)

    def _begin(self, client: Client) -> None:
        """Begin in this process: connections and threads stay behind in one that forks."""
        self._object = _Object(client, self.name, self.size or 0, self._tag)
        self._fetcher = Fetcher(self._object.fetch)
        # Changed and copied without a lock: a garbage collection may close another `expect` of this
        # source at any moment, on a thread that is in one itself.
        self._plans: list[Plan] = []
        self._process = os.getpid()  # last: other threads go on once they see it

    def _after_fork(self) -> None:
        if self._process != os.getpid():
            self._begin(self._handle.connect())

    @property
    def key(self) -> tuple[object, ...] | None:
        if self._tag is None:
            return None
        return (self.name, self._tag, self.size, *filter(None, [self._handle.choice]))

    def read_at(self, offset: int, out: memoryview) -> int:
        out = out[: max(0, (self.size or 0) - offset)]
        done = 0
        while done < len(out):
            if self._is_closed:
                raise ValueError(f"{self.name}: the file is closed")
            rest = out[done:]
            n = self._from_head(offset + done, rest)
            if n == 0:
                self._after_fork()
                n = self._from_plans(offset + done, rest)
            if n == 0 and not self._is_closed:
                n = self._fetch(offset + done, rest)
            done += n
        return done

    def _from_head(self, offset: int, out: memoryview) -> int:
        piece = self._head[offset : offset + len(out)]
        out[: len(piece)] = piece
        return len(piece)

    def _from_plans(self, offset: int, out: memoryview) -> int:
        plans = [plan for plan in self._plans[::-1] if plan.covers(offset, offset + 1)]
        for plan in sorted(plans, key=lambda plan: not plan.has(offset)):
            if done := plan.read(offset, out):
                for other in plans:
                    other.note_read(offset, offset + done)
                return done
        return 0

    def _fetch(self, offset: int, out: memoryview) -> int:
        """Fetch bytes that nobody expected."""
        if len(out) > PART:
            with self.expect([(offset, offset + len(out))]):
                return self.read_at(offset, out)
        out[:] = aside(lambda: self._object.fetch(offset, offset + len(out)))
        return len(out)

    def read_swapped(self, offset: int, out: memoryview, itemsize: int) -> int:
        with self.expect([(offset, offset + len(out))]):
            return super().read_swapped(offset, out, itemsize)

    def read_ranges(self, ranges: Sequence[Range], outs: Sequence[memoryview]) -> list[int]:
        with self.expect(sorted(ranges)):
            return super().read_ranges(ranges, outs)

    @contextlib.contextmanager
    def expect(self, *runs: Sequence[Range]) -> Iterator[None]:
        self._after_fork()
        plan = Plan(self._fetcher, [list(self._missing(run)) for run in runs])
        plans = self._plans
        plans.append(plan)
        try:
            yield
        finally:
            plan.close()
            plans.remove(plan)

    def _missing(self, run: Sequence[Range]) -> Iterator[Range]:
        """What of some ranges is neither here nor expected already."""
        head, end, plans = len(self._head), self.size or 0, self._plans.copy()
        for start, stop in run:
            start, stop = max(start, head), min(stop, end)
            if start < stop and not any(plan.covers(start, stop) for plan in plans):
                yield start, stop

    def view(self) -> memoryview | None:
        return self._head.toreadonly() if len(self._head) == self.size else None

    def beside(self, suffix: str) -> Source | None:
        try:
            source = UrlSource(self._handle.beside(suffix))
        except (FileNotFoundError, PermissionError):
            return None  # a bucket may refuse what is not there
        # All of it at once: what lies beside a file is small, and read in many places.
        data = bytearray(source.size or 0)
        source.read_at(0, memoryview(data))
        source.close()
        return BufferSource(data, source.name)

    def close(self) -> None:
        self._is_closed = True
        self._fetcher.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return self._handle.pickled(self._tag)


class _Object(NamedTuple):
    """What was opened, to be fetched in ranges by several threads."""

    client: Client
    name: str
    size: int
    tag: str | None

    def fetch(self, start: int, stop: int) -> memoryview:
        """The bytes [start, stop), all of them; ChangedError if the object is another one now."""
        try:
            answer = _patiently(lambda: self.client.get(start, stop, self.tag))
        except NoSuchRangeError:
            raise changed(self.name) from None
        except NoRangesError:
            what = "the server gave ranges and gives none any more; open it again"
            raise OSError(5, what, self.name) from None
        if answer.size != self.size:
            raise changed(self.name)
        _check_same(self.tag, answer.tag, self.name)
        _check_range(answer, start, stop, self.name)
        return answer.data


def _check_range(answer: Answer, start: int, stop: int, name: str) -> None:
    """Raise if an answer has other bytes than [start, stop)."""
    if answer.start != start or len(answer.data) != stop - start:
        raise OSError(
            5,
            f"asked for the bytes {start:,} to {stop:,}, the server gave {len(answer.data):,}"
            f" from {answer.start:,} on",
            name,
        )


def _check_same(tag: str | None, other: str | None, name: str) -> None:
    """Raise if two marks tell two objects, or if the second is missing, as nothing then tells."""
    if tag is not None and other is None:
        what = (
            "is given without the ETag, or the time of its last change, that it had, so that it may"
            " be another file now; open it again"
        )
        raise ChangedError(what, file=name)
    if _differ(tag, other):
        raise changed(name)


def _differ(tag: str | None, other: str | None) -> bool:
    """Whether two marks tell two objects.

    fsspec has words of its own for what obstore has ETags for, so that such a word and an ETag
    can't be compared; a date and an ETag can, as both come from one server.
    """
    if tag is None or other is None:
        return False
    tags = [_WEAK.sub('"', tag), _WEAK.sub('"', other)]
    if sum(tag.startswith('"') for tag in tags) == 1 and not any(map(_DATE.match, tags)):
        return False
    return tags[0] != tags[1]


def _patiently(get: Callable[[], Answer]) -> Answer:
    """Send a request; again if the answer broke off."""
    for pause in _PAUSES:
        try:
            return get()
        except BrokenOffError:
            time.sleep(pause)
    return get()
