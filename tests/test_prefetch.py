"""Things made ahead: in order, as many as asked for, and no more."""

import threading
import time

import pytest

from idxio.prefetch import ahead


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("depth", [1, 2, 5])
def test_as_many_as_asked_for_are_made_ahead(depth, threads):
    begun, lock = [], threading.Lock()

    def make(number):
        with lock:
            begun.append(number)
        return number

    found = []
    for number in ahead(make, 30, depth, threads):
        found.append(number)
        wanted = min(30, number + 1 + depth)
        end = time.monotonic() + 60
        while len(begun) < wanted and time.monotonic() < end:
            time.sleep(0.0001)
        assert sorted(begun) == list(range(wanted))
    assert found == sorted(begun) == list(range(30))


def test_the_loop_does_not_wait_for_what_it_does_not_need():
    """The second of two threads is held up; the first goes on."""
    gate = threading.Event()

    def make(number):
        if number == 1:
            assert gate.wait(60)
        return number

    loop = ahead(make, 6, 4, 2)
    assert next(loop) == 0
    gate.set()
    assert list(loop) == [1, 2, 3, 4, 5]


def test_an_error_waits_for_its_turn():
    def make(number):
        if number == 2:
            raise KeyError(number)
        return number

    loop = ahead(make, 5, 5, 2)
    assert [next(loop), next(loop)] == [0, 1]
    with pytest.raises(KeyError):
        next(loop)
    assert list(loop) == []
    assert list(ahead(make, 0, 3, 2)) == []
