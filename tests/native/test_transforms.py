"""The native transforms against numpy, and what they refuse."""

import os
import resource
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idxio._native import gather, transforms
from idxio._native.thread_pool import ThreadPool

ALWAYS = 1 << 53


def raw(array):
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


@given(
    st.integers(1, 4),
    st.integers(1, 40),
    st.one_of(st.integers(1, 9), st.just(28)),
    st.lists(st.integers(0, 2), max_size=6),
    st.integers(0, 7),
)
def test_flip(groups, items, size, ids, offset):
    row = groups * items * size
    memory = np.random.default_rng(row).integers(0, 256, offset + 3 * row, np.uint8)
    source, ids = memory[offset:], np.array(ids, np.int64)  # at any address
    out = np.full(len(ids) * row + 2, 170, np.uint8)
    job = gather.gather(source, row, ids, out[1:-1])
    job.transform(transforms.flip(0, ALWAYS, groups, items, size), np.arange(len(ids)))
    job.run()
    wanted = source.reshape(3, groups, items, size)[ids, :, ::-1]
    assert np.array_equal(out[1:-1], wanted.reshape(-1))
    assert out[0] == out[-1] == 170


def test_transforms_follow_each_other():
    source = np.arange(12, dtype=np.uint8)
    by_bytes = transforms.flip(0, ALWAYS, 1, 12, 1)
    by_fours = transforms.flip(0, ALWAYS, 1, 3, 4, by_bytes)
    by_twos = transforms.flip(0, ALWAYS, 3, 2, 2, by_fours)
    wanted = source.reshape(3, 2, 2)[:, ::-1].reshape(3, 4)[::-1].reshape(-1)[::-1]
    out = np.zeros(12, np.uint8)
    job = gather.gather(source, 12, np.zeros(1, np.int64), out)
    job.transform(by_twos, np.zeros(1, np.int64))
    job.run()
    assert np.array_equal(out, wanted)
    with pytest.raises(ValueError, match="images of 8 bytes go to a transform of 12"):
        transforms.flip(0, ALWAYS, 1, 8, 1, by_bytes)


@pytest.mark.parametrize(
    ("row", "positions"), [(3, [0, 1, 2]), (8, [0, 1, 2]), (4, [0, 1]), (4, [0, 1, 2, 3]), (4, [])]
)
def test_transforms_of_another_size(row, positions):
    job = gather.gather(np.zeros(12, np.uint8), 4, np.arange(3), np.zeros(12, np.uint8))
    with pytest.raises(IndexError):
        job.transform(transforms.flip(0, ALWAYS, 1, row, 1), np.array(positions, np.int64))


def test_nothing_to_transform():
    empty = np.zeros(0, np.uint8)
    none = np.zeros(0, np.int64)
    for job in (gather.gather(empty, 0, none, empty), gather.gather(empty, 4, none, empty)):
        job.transform(transforms.flip(0, ALWAYS, 0, 0, 1), none)
        job.run()


@pytest.mark.parametrize("sizes", [(1 << 63, 2, 1), (1 << 32, 1 << 32, 1), (-1, 1, 1), (1, 1, -1)])
def test_sizes_that_no_image_has(sizes):
    with pytest.raises(OverflowError):
        transforms.flip(0, ALWAYS, *sizes)


def test_what_is_no_transform():
    job = gather.gather(np.zeros(4, np.uint8), 4, np.zeros(1, np.int64), np.zeros(4, np.uint8))
    with pytest.raises(TypeError):
        job.transform(None, np.zeros(1, np.int64))
    with pytest.raises(IndexError):
        job.transform(transforms.Kernel(), np.zeros(1, np.int64))


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs Linux")
def test_no_memory_for_a_transform():
    row = 64 << 20
    source, out = np.zeros(row, np.uint8), np.zeros(row, np.uint8)

    def job():
        job = gather.gather(source, row, np.zeros(1, np.int64), out)
        job.transform(transforms.flip(0, ALWAYS, 1, row, 1), np.zeros(1, np.int64))
        return job

    pool = ThreadPool(1)
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + row, before[1]))
    try:
        with pytest.raises(MemoryError, match=f"no memory to transform images of {row} bytes"):
            job().run()
        pool.submit(job())
        pool.notify()
        with pytest.raises(MemoryError, match="no memory to transform"):
            pool.wait()
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
        pool.shutdown()
    job().run()
