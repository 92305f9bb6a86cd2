"""Threads that gather rows ahead of a loop and together with it."""

import gc
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idxio._native import gather as kernels
from idxio._native.thread_pool import ThreadPool
from idxio.loader.prefetch import gathered

ROW = 5000  # of which threads take 6 at a time
SOURCE = np.random.default_rng(0).integers(0, 256, (40, ROW), np.uint8)
FLAT = SOURCE.reshape(-1)


def begin(ids):
    """Where rows go, and their gather."""
    out = np.zeros((len(ids), ROW), np.uint8)
    return out, kernels.gather(FLAT, ROW, np.array(ids, np.int64), out.reshape(-1))


@given(
    st.lists(st.lists(st.integers(0, 39), max_size=60), max_size=30),
    st.integers(1, 4),
    st.integers(1, 5),
)
def test_all_rows_in_order(lists, depth, threads):
    loop = gathered(lambda k: begin(lists[k]), len(lists), depth, threads)
    for ids, out in zip(lists, loop, strict=True):
        assert np.array_equal(out, SOURCE[ids])


def test_threads_do_it_when_they_are_woken():
    pool = ThreadPool(2)
    outs = []
    for ids in ([1] * 50, [2] * 50):
        out, gather = begin(ids)
        outs.append(out)
        pool.submit(gather)
        del gather
    pool.notify()
    end = time.monotonic() + 30
    while not (outs[0][0].any() and outs[1][0].any()):  # front rows are the last
        assert time.monotonic() < end
        time.sleep(0.001)
    for k in (1, 2):
        pool.wait()
        assert np.array_equal(outs[k - 1], SOURCE[[k] * 50])
    pool.shutdown()


def test_what_a_thread_still_works_on_is_waited_for():
    """Two rows so long that the thread, which begins with the last one later, ends later."""
    source = np.ones(2 << 24, np.uint8)
    pool = ThreadPool(1)
    for _ in range(20):
        out = np.zeros(2 << 24, np.uint8)
        pool.submit(kernels.gather(source, 1 << 24, np.arange(2), out))
        pool.notify()
        pool.wait()
        assert out[-1] == 1
    pool.shutdown()


@pytest.mark.parametrize("way", ["leave", "forget", "cycle"])
def test_leaving_with_work_left(way):
    for _ in range(50):
        pool = ThreadPool(3)
        for _ in range(5):
            pool.submit(begin(np.arange(40))[1])
        pool.notify()
        if way == "leave":
            pool.shutdown()
            pool.shutdown()
            with pytest.raises(RuntimeError):
                pool.wait()
        elif way == "cycle":
            cycle = [pool]
            cycle.append(cycle)
            del cycle
        del pool
        gc.collect()


def test_what_begin_raises_reaches_the_loop():
    def wrong(k):
        if k == 4:
            raise KeyError(k)
        return begin([k])

    seen = []
    with pytest.raises(KeyError):
        seen.extend(out[0, 0] for out in gathered(wrong, 9, 2, 2))
    assert seen == [SOURCE[k, 0] for k in range(len(seen))]


def test_several_loops_at_once():
    wrong = []

    def loop(seed):
        lists = np.random.default_rng(seed).integers(0, 40, (60, 30))
        outs = gathered(lambda k: begin(lists[k]), 60, 2, 3)
        wrong.extend(k for k, out in enumerate(outs) if not np.array_equal(out, SOURCE[lists[k]]))

    threads = [threading.Thread(target=loop, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_forked_process_can_leave():
    out, gather = begin(range(40))
    pool = ThreadPool(2)
    pool.submit(gather)
    # a thread that starts holds a lock of the sanitizers' malloc, which they forget in a fork
    time.sleep(0.2)
    child = os.fork()
    if child == 0:
        try:
            pool.wait()
        except RuntimeError:
            pool.shutdown()
            del pool
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    pool.wait()
    pool.shutdown()
    assert np.array_equal(out, SOURCE)


def test_an_interpreter_ends_while_a_loop_goes_on():
    code = (
        "import numpy as np, idxio\n"
        "ds = idxio.Dataset(np.zeros((9000, 3000), np.uint8), np.zeros(9000, int))\n"
        "loop = iter(ds.batches(500, threads=3, prefetch=4))\n"
        "next(loop)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_wrong_use():
    with pytest.raises(ValueError, match="size is 1 or more"):
        ThreadPool(0)
    pool = ThreadPool(1)
    with pytest.raises(IndexError):
        pool.wait()
    with pytest.raises(TypeError):
        pool.submit(None)
    pool.shutdown()
