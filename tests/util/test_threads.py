"""Functions over items on threads, and waiting for threads."""

import gc
import threading
import time
import weakref

import numpy as np
import pytest
from interrupts import assert_ends, interrupt_everywhere, interrupted

from idxio._util.threads import (
    Bell,
    abandoned_by,
    apart,
    aside,
    is_abandoned,
    join,
    on_threads,
)


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

    interrupt_everywhere(steps, 20)


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
