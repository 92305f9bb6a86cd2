"""Functions over items on threads, and waiting for threads."""

import _weakrefset
import gc
import sys
import threading
import time
import weakref

import numpy as np
import pytest

from idxio._util.threads import (
    Bell,
    abandoned_by,
    apart,
    aside,
    is_abandoned,
    join,
    on_threads,
)
from idxio._util.workers import InOrder


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_keeps_no_memory(threads):
    """What a failed call allocated goes with its error, not only when the garbage collector comes."""

    def fail(item):
        if item == 5:
            raise ValueError(item)

    def call():
        memory = np.empty(1000)
        alive.append(weakref.ref(memory))
        on_threads(fail, range(9), threads)

    alive = []
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            with pytest.raises(ValueError, match="5"):
                call()
        kept = [ref for ref in alive if ref() is not None]
    finally:
        gc.enable()
    assert len(kept) <= 1  # the last error may still be looked at


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


def is_spared(frame):
    """Whether a frame belongs to Thread.start, which leaves a thread that never runs, or to a
    callback of a weak reference: Python only prints what is raised there.
    """
    while frame is not None:
        if frame.f_code is threading.Thread.start.__code__:
            return True
        if frame.f_code.co_filename in (weakref.__file__, _weakrefset.__file__):
            return True
        frame = frame.f_back
    return False


def interrupted(function, at):
    """Call a function and raise KeyboardInterrupt before the instruction of that number; return
    how many were executed.
    """
    count = 0

    def trace(frame, event, argument):
        nonlocal count
        if event == "call" and is_spared(frame):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            count += 1
            if count == at:
                raise KeyboardInterrupt
        return trace

    gc.disable()  # what is raised in a collection, as in hypothesis' callback of it, is only printed
    sys.settrace(trace)
    try:
        function()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(None)
        gc.enable()
    return count


def assert_ends(function):
    """Call a function on another thread, so that a test of it fails and does not hang."""
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()


def test_no_interrupt_leaves_a_call_in_order_locked():
    """At any instruction of this thread and of what it calls."""

    def steps(at):
        work = InOrder(lambda item: item, 2)
        count = interrupted(lambda: results_of(work, range(6)), at)
        assert_ends(work.close)
        return count

    everything = steps(0)
    assert everything > 300
    for at in range(1, everything, 3):
        steps(at)


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

    everything = steps(0)
    assert everything > 100
    for at in range(1, everything, 2):
        steps(at)


def test_no_interrupt_leaves_a_wait_locked():
    def steps(at):
        bell = Bell()
        so = []
        ringer = threading.Thread(target=lambda: (so.append(1), bell.ring()), daemon=True)

        def wait():
            ringer.start()
            bell.wait_until(lambda: so)

        count = interrupted(wait, at)
        assert_ends(bell.ring)
        return count

    everything = steps(0)
    assert everything > 20
    for at in range(1, everything):
        steps(at)


def test_a_wait_ends_when_it_is_so():
    bell = Bell()
    so = []
    heard = []
    listeners = [
        threading.Thread(target=lambda: heard.append(bell.wait_until(lambda: so)), daemon=True)
        for _ in range(3)
    ]
    for listener in listeners:
        listener.start()
    bell.ring()  # it is not so yet
    time.sleep(0.05)
    assert not heard
    so.append(1)
    bell.ring()
    for listener in listeners:
        listener.join(60)
    assert len(heard) == 3


def test_an_interrupt_at_the_start_of_a_thread_waits_for_its_end(monkeypatch):
    start = threading.Thread.start
    begun = threading.Event()
    stopped = threading.Event()
    ran = []

    def function():
        begun.set()
        stopped.wait(20)
        ran.append(True)

    def interrupted(thread):
        start(thread)
        begun.wait(20)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        apart(function, stopped.set)
    assert ran == [True]


def test_an_interrupt_before_a_thread_has_begun_keeps_it_from_its_work(monkeypatch):
    start = threading.Thread.start
    threads = []

    def interrupted(thread):
        threads.append(thread)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    ran = []
    with pytest.raises(KeyboardInterrupt):
        apart(lambda: ran.append(True), lambda: None)
    start(threads[0])
    threads[0].join(20)
    assert ran == []


def test_who_waits_long_learns_that_another_met_an_error():
    began = threading.Event()

    def work(item):
        if item == "fails":
            began.wait(60)
            raise KeyError(item)
        began.set()
        while not is_abandoned():
            time.sleep(0.001)

    with pytest.raises(KeyError):
        on_threads(work, ["fails", "waits"], 2)
    assert not is_abandoned()


def test_helpers_of_an_abandoned_thread_are_abandoned():
    left = []
    began = threading.Barrier(3)
    seen = []

    def wait(item):
        began.wait(60)
        while not is_abandoned():
            time.sleep(0.001)
        seen.append(item)

    def work():
        abandoned_by(left)
        on_threads(wait, [1, 2], 2)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    began.wait(60)
    left.append(True)
    thread.join(60)
    assert sorted(seen) == [1, 2]
    assert not is_abandoned()


def test_a_thread_does_not_wait_for_itself():
    join(threading.current_thread())


def test_aside_gives_what_the_function_gives():
    assert aside(threading.current_thread) is not threading.current_thread()
    with pytest.raises(KeyError):
        aside({}.popitem)
