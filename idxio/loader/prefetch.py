"""Things made ahead of the loop that uses them, in order, by helper threads: of Python, or native ones."""

from __future__ import annotations

import atexit
import contextlib
import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import TypeVar

from .._native.gather import Gather
from .._native.thread_pool import ThreadPool

Item = TypeVar("Item")


def ahead(
    make: Callable[[int], Item], count: int, depth: int, threads: int, leave: Callable[[], object] | None = None
) -> Iterator[Item]:
    """make(0), make(1), ... with at most `depth` made or being made while the loop holds one.

    The error of one is raised when its turn comes. Leaving the loop ends the threads, after what they make at the
    moment; leave() tells something that takes long to end.
    """
    threads = min(threads, depth)
    # Thread k makes every threads-th item; what it has to make waits in todo, so that it never makes too many.
    todo: list[queue.SimpleQueue[int | None]] = [queue.SimpleQueue() for _ in range(threads)]
    done: list[queue.SimpleQueue[Item | _Failed]] = [queue.SimpleQueue() for _ in range(threads)]
    left = threading.Event()
    process = os.getpid()

    def work(k: int) -> None:
        while (number := todo[k].get()) is not None and not left.is_set():
            try:
                done[k].put(make(number))
            except BaseException as error:
                done[k].put(_Failed(error))

    helpers = [threading.Thread(target=work, args=(k,), daemon=True, name="idxio-prefetch") for k in range(threads)]

    def stop() -> None:
        if os.getpid() != process:
            return
        left.set()
        if leave is not None:
            leave()
        for line in todo:
            line.put(None)
        for helper in helpers:
            if helper.ident is not None:  # it was started
                helper.join()

    # A loop that nobody left is left when Python ends: later, its threads would be stopped wherever they are.
    atexit.register(stop)
    try:
        started = 0
        with contextlib.suppress(RuntimeError):  # where the system gives no more threads, fewer do it
            for helper in helpers:
                helper.start()
                started += 1
        for number in range(min(depth, count) if started else 0):
            todo[number % started].put(number)
        for number in range(count):
            if os.getpid() != process:
                raise RuntimeError(
                    "the threads that make batches stayed behind in the process that forked: start again"
                )
            item = done[number % started].get() if started else make(number)
            if isinstance(item, _Failed):
                raise item.error
            if started and number + depth < count:
                todo[(number + depth) % started].put(number + depth)
            yield item
            del item  # what the loop let go is free
    finally:
        atexit.unregister(stop)
        stop()


def gathered(begin: Callable[[int], tuple[Item, Gather]], count: int, depth: int, threads: int) -> Iterator[Item]:
    """What begin(0), begin(1), ... return, in order, each when its rows are gathered, with `depth` more begun.

    The loop helps with the batch that it waits for: handing one over to a thread that wakes up takes as long as to
    make it. Leaving the loop ends the threads.
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
                # Waking a thread takes the loop 15 us: every other time is often enough to be one ahead.
                if number % every == 0 or number == count - 1:
                    pool.notify()
            if number >= depth:
                pool.wait()
                yield begun.popleft()
    finally:
        pool.shutdown()


class _Failed:
    """What went wrong in a helper thread."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
