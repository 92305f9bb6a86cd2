"""Things made ahead: in order, as many as asked for, and no more."""

import io
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import idxio
from idxio._util.threads import is_abandoned
from idxio.loader import prefetch
from idxio.loader.prefetch import ahead


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


@pytest.mark.parametrize(
    "loop",
    [
        "iter(idxio.Dataset('x.gz', y).batches(100, shuffle=True, buffer=1 << 20, prefetch=20))",
        "iter(idxio.Dataset(x, y).batches(100, dtype='f2', threads=4, prefetch=20))",
        "iter(idxio.Dataset(x, y).batches(100, prefetch=20))",
        "idxio.open('x.gz').iter_records(10)",
    ],
)
@pytest.mark.parametrize("keeper", ["kept", "builtins.kept"])
def test_python_ends_in_the_midst_of_a_loop(loop, keeper, tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (5000, 784), np.uint8)
    idxio.write(tmp_path / "x.gz", x, level=1)
    code = f"""
import builtins, idxio, numpy as np
y = np.arange(5000) % 10
x = idxio.read('x.gz')
{keeper} = {loop}
next({keeper})
"""
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def none_to_be_had(*_):
    raise RuntimeError("can't start new thread")


def test_where_the_system_gives_no_threads(monkeypatch):
    monkeypatch.setattr(threading.Thread, "start", none_to_be_had)
    monkeypatch.setattr(prefetch, "ThreadPool", none_to_be_had)
    assert list(ahead(lambda k: k * k, 20, 5, 3)) == [k * k for k in range(20)]
    x = np.arange(1000, dtype=np.uint8).reshape(100, 10)
    ds = idxio.Dataset(x, np.arange(100) % 3)
    for dtype in ("f2", "f4"):
        assert (np.concatenate([images for images, _ in ds.batches(7, dtype=dtype)]) == x).all()
    packed = io.BytesIO()
    idxio.write(packed, x, compression="gzip")
    with idxio.open(packed.getvalue()) as f:
        assert (np.concatenate(list(f.iter_records(7))) == x).all()


def test_fewer_threads_than_wanted(monkeypatch):
    start = threading.Thread.start
    started = []

    def start_two(thread):
        if len(started) == 2:
            none_to_be_had()
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_two)
    assert list(ahead(lambda k: k * k, 20, 10, 5)) == [k * k for k in range(20)]
    assert len(started) == 2
    assert not any(thread.is_alive() for thread in started)


def test_what_waits_long_is_given_up_when_the_loop_is_left():
    """As for a server that does not answer."""
    given_up = []
    waits = threading.Event()

    def make(number):
        while number and not is_abandoned():
            waits.set()
            time.sleep(0.001)
        given_up.extend([number] * bool(number))

    loop = ahead(make, 9, 2, 2)
    next(loop)
    assert waits.wait(60)
    loop.close()
    assert given_up
