"""Ranges that are fetched ahead: which requests are sent, how many, and what stays in memory."""

import random
import threading

import numpy as np
import pytest

from idxio.storage.remote.plan import AHEAD, GAP, KEPT, PART, Fetcher, Plan

DATA = np.random.default_rng(0).integers(0, 256, 40 << 20, np.uint8).tobytes()


class Store:
    """Gives ranges of DATA, and notes them."""

    def __init__(self):
        self.asked = []

    def fetch(self, start, stop):
        self.asked.append((start, stop))
        return memoryview(DATA)[start:stop]


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def fetcher(store):
    fetcher = Fetcher(store.fetch)
    yield fetcher
    fetcher.close()


def read(plan, start, stop):
    out = bytearray(stop - start)
    done = 0
    while done < len(out):
        n = plan.read(start + done, memoryview(out)[done:])
        assert n, f"the byte {start + done} is not planned"
        done += n
    assert out == DATA[start:stop]


def held(plan):
    """The bytes of all parts that are in memory, or will be without being asked for."""
    return sum(part.stop - part.start for part in plan._parts if part.is_begun)


@pytest.mark.parametrize(
    ("ranges", "requests"),
    [
        ([(0, 10), (10, 20)], [(0, 20)]),
        ([(0, 10), (10 + GAP, 20 + GAP)], [(0, 20 + GAP)]),
        ([(0, 10), (11 + GAP, 20 + GAP)], [(0, 10), (11 + GAP, 20 + GAP)]),
        ([(100, 200), (0, 10)], [(100, 200), (0, 10)]),
        ([(0, 100), (50, 60)], [(0, 100)]),
        ([(0, 2 * PART)], [(0, PART), (PART, 2 * PART)]),
        ([], []),
    ],
)
def test_gaps_are_joined_and_long_ranges_cut(ranges, requests, store, fetcher):
    plan = Plan(fetcher, [ranges])
    for start, stop in ranges:
        read(plan, start, stop)
    assert sorted(store.asked) == sorted(requests)


def test_a_long_range_in_order(store, fetcher):
    """Each part once, a few ahead and a few behind."""
    plan = Plan(fetcher, [[(0, len(DATA))]])
    most = 0
    for start in range(0, len(DATA), 1 << 18):
        read(plan, start, start + (1 << 18))
        most = max(most, held(plan))
    assert len(store.asked) == len(set(store.asked)) == len(DATA) // PART
    assert most <= AHEAD * PART + KEPT


def test_one_thread_behind_the_other(store, fetcher):
    """It reads the front of a part once the other has read its end and many short ones."""
    ranges = [(0, 100), (1000, 200_000), *((k << 20, (k << 20) + 5000) for k in range(1, 30))]
    plan = Plan(fetcher, [ranges])
    for start, stop in ranges[1:]:
        read(plan, start, stop)
    read(plan, *ranges[0])
    assert len(store.asked) == len(set(store.asked))


def test_neighbours_share_a_byte(store, fetcher):
    """As spans do, which begin in the midst of one."""
    plan = Plan(fetcher, [[(0, len(DATA))]])
    for start in range(0, len(DATA) - 1, 300_000):
        read(plan, max(0, start - 1), min(start + 300_000, len(DATA)))
    assert len(store.asked) == len(set(store.asked))


def test_a_glance_at_the_end_costs_itself_alone(store, fetcher):
    plan = Plan(fetcher, [[(0, len(DATA))]])
    assert plan.read(len(DATA) - 8, memoryview(bytearray(8))) == 0  # a request of the caller's
    for start in range(0, len(DATA), 1 << 20):
        read(plan, start, start + (1 << 20))
    assert len(store.asked) == len(set(store.asked))


@pytest.mark.parametrize("seed", range(5))
def test_another_order_than_was_told(seed, store, fetcher):
    """The bytes are right, and nothing hangs, whatever is read and left out."""
    rng = random.Random(seed)
    ranges = [
        (k, k + rng.randrange(5000, 700_000)) for k in range(0, len(DATA) - (1 << 20), 1 << 20)
    ]
    plan = Plan(fetcher, [ranges])
    rng.shuffle(ranges)
    for start, stop in ranges[: len(ranges) * 3 // 4]:
        read(plan, start, stop)
        assert held(plan) <= AHEAD * PART + KEPT


def test_two_runs_at_the_same_time(store, fetcher):
    """Who reads the first to its end looks at the front of the second once more, which is kept."""
    middle = len(DATA) // 2
    plan = Plan(fetcher, [[(0, middle)], [(middle, len(DATA))]])
    assert not any(threads_of(plan, [(0, middle), (middle, len(DATA))]))
    read(plan, middle, middle + PART)
    assert len(store.asked) == len(set(store.asked))


def threads_of(plan, runs):
    """Read each run on a thread of its own; the errors."""
    errors = []

    def run(start, stop):
        try:
            for k in range(start, stop, 1 << 18):
                read(plan, k, min(k + (1 << 18), stop))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=run_) for run_ in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return errors


def test_an_error_comes_where_it_is_read(fetcher):
    class BrokenError(Exception):
        pass

    def fetch(start, stop):
        if start >= PART:
            raise BrokenError
        return memoryview(DATA)[start:stop]

    plan = Plan(Fetcher(fetch), [[(0, 2 * PART)]])
    read(plan, 0, PART)
    with pytest.raises(BrokenError):
        read(plan, PART, 2 * PART)


def test_what_failed_is_fetched_anew(store):
    """As after a moment's failure of the server, while a loop over the file is still open."""
    failures = [OSError("one"), OSError("two"), OSError("three")]

    def fetch(start, stop):
        if start >= PART and failures:
            raise failures.pop()
        return store.fetch(start, stop)

    plan = Plan(Fetcher(fetch), [[(0, 4 * PART)]])
    for number in range(1, 4):
        with pytest.raises(OSError, match=r"one|two|three"):
            read(plan, number * PART, (number + 1) * PART)
    read(plan, 0, 4 * PART)


def test_without_another_thread(monkeypatch, store):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    plan = Plan(Fetcher(store.fetch), [[(0, 3 * PART)]])
    read(plan, 0, 3 * PART)


def test_nothing_is_fetched_behind_the_end_of_a_block(store, fetcher):
    plan = Plan(fetcher, [[(0, len(DATA))]])
    read(plan, 0, 10)
    plan.close()
    assert len(store.asked) <= AHEAD
