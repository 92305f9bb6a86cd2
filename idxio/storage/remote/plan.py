"""Ranges that will be read soon, fetched ahead: few requests, several under way at a time.

A reader tells what it will read, then reads it by position as ever. Ranges with small gaps between
them are joined, long ones cut into parts of PART bytes. The first parts are fetched at once; each
part that was read makes room for one more. So memory is constant, however long the plan is.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain, zip_longest
from typing import TypeAlias

from ..._util.threads import Bell, is_abandoned
from ..._util.workers import Workers
from .client import CONNECTIONS

Range: TypeAlias = tuple[int, int]
Fetch: TypeAlias = Callable[[int, int], memoryview]

# Bytes that one request brings at the most: long enough that its latency does not count.
PART = 2 << 20
# A smaller gap is fetched too: at 40 MB/s it takes less time than the latency of one more request.
# Not latency x bandwidth / connections as measured. With 30 ms that is 100 KB: for 100 random
# records 70 requests, 1.9 MB and 366 ms in the place of 40, 7.2 MB and 336 ms. Nor does the first
# answer tell the bandwidth: over a real line its 68 KiB come at the pace at which TCP begins.
GAP = 256 << 10
# A look at so few bytes out of turn, as at the end of a file, is a request of its own.
GLANCE = 1 << 12
# Parts that are fetched or wait to be read.
AHEAD = CONNECTIONS
# Bytes of parts that were read and may be wanted once more: neighbours share the byte where one
# ends and the other begins, and one thread may be a little behind the other.
KEPT = 4 * PART


class Fetcher:
    """Fetches parts on threads of its own, which end with it."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._workers = Workers(CONNECTIONS)

    @property
    def is_closed(self) -> bool:
        return not self._workers.end.alive

    def begin(self, part: Part) -> None:
        """Fetch a part as soon as a thread is free."""
        self._workers.call(partial(part.fetch, self._fetch))

    def close(self) -> None:
        """End the threads."""
        self._workers.end()


class Part:
    """The bytes [start, stop), once they were fetched."""

    def __init__(self, start: int, stop: int) -> None:
        self.start = start
        self.stop = stop
        self.is_begun = False
        self.is_front = False
        self._outcome: memoryview | BaseException | None = None
        self._fetched = Bell()

    @property
    def is_failed(self) -> bool:
        """Whether the request for it met an error."""
        return isinstance(self._outcome, BaseException)

    def fetch(self, fetch: Fetch) -> None:
        """Fetch it, on whatever thread."""
        try:
            self._outcome = fetch(self.start, self.stop)
        except BaseException as error:
            self._outcome = error
        self._fetched.ring()

    def wait(self, fetcher: Fetcher) -> memoryview | None:
        """Its bytes, as soon as they are there; raises what the request raised.

        None if another thread dropped it, or closed the fetcher.
        """
        outcome = None

        def is_over() -> bool:
            nonlocal outcome
            outcome = self._outcome
            is_wanted = self.is_begun and not fetcher.is_closed and not is_abandoned()
            return outcome is not None or not is_wanted

        self._fetched.wait_until(is_over)
        if outcome is None and is_abandoned():
            raise InterruptedError
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def drop(self) -> None:
        """Forget the bytes; who wants them again has them fetched again."""
        self.is_begun = False
        self._outcome = None
        self._fetched.ring()


class Plan:
    """Ranges that will be read in about this order. Shared by threads."""

    def __init__(self, fetcher: Fetcher, runs: Sequence[Sequence[Range]]) -> None:
        """Several runs are read at the same time, each in its order."""
        parts_of_runs = [list(_parts(run)) for run in runs]
        in_turns = chain.from_iterable(zip_longest(*parts_of_runs))
        parts = [part for part in in_turns if part is not None]
        if len(runs) > 1:  # who reads a run to its end looks at the front of the next one
            for of_run in filter(None, parts_of_runs):
                of_run[0].is_front = True
        self._fetcher = fetcher
        self._waiting: Iterator[Part] = iter(parts)
        self._ahead: list[Part] = []
        self._behind: list[Part] = []
        self._parts = sorted(parts, key=lambda part: part.start)
        self._starts = [part.start for part in self._parts]
        self._lock = threading.Lock()
        with self._lock:
            self._go_on()

    def covers(self, start: int, stop: int) -> bool:
        """Whether all the bytes [start, stop) are planned."""
        while start < stop and (part := self._part_at(start)) is not None:
            start = part.stop
        return start >= stop

    def read(self, offset: int, out: memoryview) -> int:
        """Fill the front of out with the bytes from offset on; return how many were planned."""
        part = self._part_at(offset)
        if part is None:
            return 0
        found = None
        while found is None:
            with self._lock:
                if not part.is_begun:  # it is wanted out of turn, or once more
                    if len(out) <= GLANCE:
                        return 0
                    self._begin(part)
            try:
                found = part.wait(self._fetcher)
            except BaseException:
                self._forget_failure(part)
                raise
            if self._fetcher.is_closed:
                return 0
        data = found[offset - part.start :][: len(out)]
        out[: len(data)] = data
        self.note_read(offset, offset + len(data))
        return len(data)

    def _forget_failure(self, part: Part) -> None:
        """Have a part whose request failed fetched anew for who reads it next."""
        with self._lock:
            if part.is_failed:
                self._ahead = [other for other in self._ahead if other is not part]
                self._behind = [other for other in self._behind if other is not part]
                part.drop()

    def note_read(self, start: int, stop: int) -> None:
        """Make room: the bytes [start, stop) were read, here or in another plan that has them."""
        with self._lock:
            for part in [part for part in self._ahead if start < part.stop <= stop]:
                self._retire(part)
            self._go_on()

    def has(self, offset: int) -> bool:
        """Whether the byte at an offset was fetched, or is under way."""
        part = self._part_at(offset)
        return part is not None and part.is_begun

    def close(self) -> None:
        """Fetch nothing more.

        Without the lock, as a garbage collection may call this on a thread that holds it.
        """
        self._waiting = iter(())

    def _part_at(self, offset: int) -> Part | None:
        """The part with the byte at an offset; of two that share it, one that was fetched."""
        k = bisect_right(self._starts, offset)
        parts = [part for part in self._parts[max(0, k - 2) : k] if offset < part.stop]
        return max(parts, key=lambda part: part.is_begun, default=None)

    def _go_on(self) -> None:
        """Begin to fetch as many parts as there is room for."""
        while len(self._ahead) < AHEAD and (part := next(self._waiting, None)) is not None:
            if not part.is_begun:
                self._begin(part)

    def _begin(self, part: Part) -> None:
        if len(self._ahead) >= AHEAD:  # they are read in another order, or not at all
            self._retire(self._ahead[0])
        part.is_begun = True
        if part in self._behind:
            self._behind.remove(part)
        self._ahead.append(part)
        self._fetcher.begin(part)

    def _retire(self, part: Part) -> None:
        """Keep a part for a while that was read to its end, or is not wanted yet."""
        self._ahead.remove(part)
        if not part.is_front:
            self._behind.append(part)
        while sum(part.stop - part.start for part in self._behind) > KEPT:
            self._behind.pop(0).drop()


def _parts(run: Sequence[Range]) -> Iterator[Part]:
    """The parts of ranges, in their order; neighbours that ascend are joined."""
    joined: list[list[int]] = []
    for start, stop in run:
        if joined and joined[-1][0] <= start <= joined[-1][1] + GAP:
            joined[-1][1] = max(stop, joined[-1][1])
        else:
            joined.append([start, stop])
    for start, stop in joined:
        count = max(1, -(-(stop - start) // PART))
        edges = [start + (stop - start) * k // count for k in range(count + 1)]
        yield from map(Part, edges[:-1], edges[1:])
