"""Threads that stay, and give results in the order of the items."""

import gc
import threading
import time

import pytest
from interrupts import assert_ends, interrupt_everywhere, interrupted

from idxio._util.workers import InOrder


def helpers():
    return [t for t in threading.enumerate() if t is not threading.main_thread() and t.daemon]


def results_of(work, items):
    found = []
    for item in items:
        found += work.submit(item)
    return found + list(work.rest())


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_in_the_order_of_the_items(threads):
    def double(item):
        time.sleep(0.0005 * (item % 3))
        return 2 * item

    work = InOrder(double, threads)
    assert results_of(work, range(50)) == [2 * item for item in range(50)]
    work.close()
    work.close()


def test_an_error_comes_in_its_place():
    def fail(item):
        if item == 3:
            raise KeyError(item)
        return item

    work = InOrder(fail, 2)
    found = []

    def submit_all():
        for item in range(20):
            found.extend(work.submit(item))

    with pytest.raises(KeyError):
        submit_all()
    assert found == [0, 1, 2]
    work.close()


def test_without_another_thread(monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    work = InOrder(lambda item: -item, 2)
    assert results_of(work, range(9)) == [-item for item in range(9)]
    work.close()


def test_what_was_not_begun_is_dropped():
    begun = []
    go_on = threading.Event()

    def wait(item):
        begun.append(item)
        go_on.wait(60)

    work = InOrder(wait, 1)
    work.submit(0)
    work.submit(1)
    while not begun:
        time.sleep(0.001)
    threading.Timer(0.05, go_on.set).start()
    work.close()
    assert begun == [0]


def test_the_threads_end_with_the_object():
    before = len(helpers())
    work = InOrder(lambda item: item, 3)
    results_of(work, range(10))
    assert len(helpers()) > before
    del work
    gc.collect()
    deadline = time.monotonic() + 60
    while len(helpers()) > before and time.monotonic() < deadline:
        time.sleep(0.001)
    assert len(helpers()) == before


def test_no_interrupt_leaves_a_call_in_order_locked():
    """At any instruction of this thread and of what it calls."""

    def steps(at):
        work = InOrder(lambda item: item, 2)
        count = interrupted(lambda: results_of(work, range(6)), at)
        assert_ends(work.close)
        return count

    interrupt_everywhere(steps, 300, 3)


def test_an_interrupted_close_can_be_done_again():
    """At any instruction of the first one, also while it waits for a thread."""

    def steps(at):
        go_on = threading.Event()
        work = InOrder(lambda item: go_on.wait(60), 2)
        for item in range(3):
            work.submit(item)

        def close():
            threading.Timer(0.001, go_on.set).start()
            work.close()

        count = interrupted(close, at)
        go_on.set()
        assert_ends(work.close)
        return count

    interrupt_everywhere(steps, 100, 2)
