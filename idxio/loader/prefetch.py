"""Items made ahead of the loop that uses them, in order, by Python threads or native ones."""

from __future__ import annotations

import atexit
import contextlib
import queue
from collections import deque
from collections.abc import Callable, Iterator
from typing import TypeVar

from .._native.gather import Gather
from .._native.thread_pool import ThreadPool
from .._util.fork import ForkGuard
from .._util.helper_thread import HelperThread
from .._util.threads import WAIT, abandoned_by, join

Item = TypeVar("Item")

_FORKED = "the threads that make batches stayed behind in the process that forked: start again"


def ahead(
    make: Callable[[int], Item],
    count: int,
    depth: int,
    threads: int,
    leave: Callable[[], object] = lambda: None,
) -> Iterator[Item]:
    """make(0), make(1), ... with at most `depth` made or being made while the loop holds one.

    An error in make(k) is raised when item k is due. When the loop is left, each thread ends after
    the item that it is making; leave() is called first, to cut short a make() that takes long.
    """
    threads = min(threads, depth)
    # Thread k makes every threads-th item. It waits for the number of each in todo, so that no more
    # than depth are made ahead.
    todo: list[queue.SimpleQueue[int | None]] = [queue.SimpleQueue() for _ in range(threads)]
    done: list[queue.SimpleQueue[Item | _Failed]] = [queue.SimpleQueue() for _ in range(threads)]
    left: list[bool] = []
    fork_guard = ForkGuard()

    def work(k: int) -> None:
        abandoned_by(left)
        while (number := todo[k].get()) is not None and not left:
            try:
                done[k].put(make(number))
            except BaseException as error:
                done[k].put(_Failed(error))

    helpers = [HelperThread(work, (k,), name="idxio-prefetch") for k in range(threads)]

    def stop() -> None:
        if fork_guard.in_child():
            return
        left.append(True)
        leave()
        for numbers in todo:
            numbers.put(None)
        for helper in helpers:
            join(helper)

    # A loop that is still open is left when Python exits: later, the interpreter would stop its
    # threads at any point.
    atexit.register(stop)
    try:
        started = 0
        with contextlib.suppress(RuntimeError):  # the system starts no more threads: use fewer
            for helper in helpers:
                helper.start()
                started += 1
        at_first = min(depth, count) if started else 0
        for number in range(at_first):
            todo[number % started].put(number)
        for number in range(count):
            if fork_guard.in_child():
                raise RuntimeError(_FORKED)
            item = _take(done[number % started]) if started else make(number)
            if isinstance(item, _Failed):
                raise item.error
            if started and number + depth < count:
                todo[(number + depth) % started].put(number + depth)
            yield item
            del item  # so that its memory is free once the loop drops it
    finally:
        atexit.unregister(stop)
        stop()


def gathered(
    begin: Callable[[int], tuple[Item, Gather]],
    count: int,
    depth: int,
    threads: int,
) -> Iterator[Item]:
    """The items of begin(0), begin(1), ... in order, each when its native job is done.

    `depth` more jobs are queued. The loop itself works on the batch that it waits for: to wake a
    thread for it takes as long as to make the batch. Leaving the loop ends the threads.
    """
    begun: deque[Item] = deque()
    every = depth // 2 + 1
    try:
        pool = ThreadPool(min(max(1, threads - 1), depth))
    except RuntimeError:  # the system gives no thread
        for number in range(count):
            item, gather = begin(number)
            gather.run()
            yield item
        return
    try:
        for number in range(count + depth):
            if number < count:
                item, gather = begin(number)
                pool.submit(gather)
                begun.append(item)
                del item, gather
                # Waking a thread takes the loop 15 us; once for every few batches keeps it ahead.
                if number % every == 0 or number == count - 1:
                    pool.notify()
            if number >= depth:
                pool.wait()
                yield begun.popleft()
    finally:
        pool.shutdown()


def _take(items: queue.SimpleQueue[Item]) -> Item:
    """Wait for the next item; an interrupt ends the wait."""
    while True:
        with contextlib.suppress(queue.Empty):
            return items.get(timeout=WAIT)


class _Failed:
    """The error of a helper thread, in the queue of its items."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
