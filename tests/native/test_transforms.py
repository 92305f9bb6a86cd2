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
M64 = (1 << 64) - 1


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
    flip = transforms.flip(0, ALWAYS, groups, items, size)
    gather.gather(source, row, ids, out[1:-1], 0, flip, np.arange(len(ids))).run()
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
    once = np.zeros(1, np.int64)
    gather.gather(source, 12, once, out, 0, by_twos, once).run()
    assert np.array_equal(out, wanted)
    with pytest.raises(ValueError, match="images of 8 bytes go to a transform of 12"):
        transforms.flip(0, ALWAYS, 1, 8, 1, by_bytes)


@pytest.mark.parametrize(
    ("row", "positions"), [(3, [0, 1, 2]), (8, [0, 1, 2]), (4, [0, 1]), (4, [0, 1, 2, 3]), (4, [])]
)
def test_transforms_of_another_size(row, positions):
    flip = transforms.flip(0, ALWAYS, 1, row, 1)
    source, out = np.zeros(12, np.uint8), np.zeros(12, np.uint8)
    with pytest.raises(IndexError, match="another size, or there are not as many positions"):
        gather.gather(source, 4, np.arange(3), out, 0, flip, np.array(positions, np.int64))
    with pytest.raises(IndexError, match="another size, or there are not as many positions"):
        gather.gather(source, 4, np.arange(3), out, 0, flip)


def test_nothing_to_transform():
    empty = np.zeros(0, np.uint8)
    none = np.zeros(0, np.int64)
    flip = transforms.flip(0, ALWAYS, 0, 0, 1)
    for row in (0, 4):
        gather.gather(empty, row, none, empty, 0, flip, none).run()


@pytest.mark.parametrize("sizes", [(1 << 63, 2, 1), (1 << 32, 1 << 32, 1), (-1, 1, 1), (1, 1, -1)])
def test_sizes_that_no_image_has(sizes):
    with pytest.raises(OverflowError):
        transforms.flip(0, ALWAYS, *sizes)


def test_what_is_no_transform():
    memory, once = np.zeros(4, np.uint8), np.zeros(1, np.int64)
    with pytest.raises(TypeError):
        gather.gather(memory, 4, once, memory, 0, "flip", once)
    with pytest.raises(IndexError):
        gather.gather(memory, 4, once, memory, 0, transforms.Kernel(), once)


SIDE = st.integers(1, 20)


@given(
    st.tuples(st.integers(1, 3), SIDE, SIDE, st.integers(1, 9)),
    st.tuples(SIDE, SIDE),
    st.tuples(*[st.integers(0, 20)] * 4),
    st.integers(0, 7),
)
def test_crop(shape, size, margins, offset):
    planes, height, width, pixel = shape
    top, bottom, left, right = margins
    padded = (top + height + bottom, left + width + right)
    row, out_row = planes * height * width * pixel, planes * size[0] * size[1] * pixel
    fill = np.arange(200, 200 + pixel, dtype=np.uint8)
    if size[0] > padded[0] or size[1] > padded[1]:
        with pytest.raises(ValueError, match="the part is larger than the image"):
            transforms.crop(0, shape, size, margins, fill)
        return
    crop = transforms.crop(0, shape, size, margins, fill)
    images = np.random.default_rng(row).integers(0, 256, (3, *shape), np.uint8)
    memory = np.concatenate([np.zeros(offset, np.uint8), images.reshape(-1)])  # at any address
    out = np.full(9 * out_row + 2, 170, np.uint8)
    ids = np.arange(9) % 3
    gather.gather(memory[offset:], out_row, ids, out[1:-1], 0, crop, np.arange(9)).run()
    assert out[0] == out[-1] == 170
    framed = np.empty((3, planes, *padded, pixel), np.uint8)
    framed[...] = fill
    framed[:, :, top : top + height, left : left + width] = images
    for k, part in enumerate(out[1:-1].reshape(9, planes, *size, pixel)):
        i = below(padded[0] - size[0] + 1, 0, k, 0)
        j = below(padded[1] - size[1] + 1, 0, k, 1)
        assert np.array_equal(part, framed[k % 3, :, i : i + size[0], j : j + size[1]])


def below(n, key, position, k):
    return mixed_on(mixed_on(key, position), k) * n >> 64


def mixed_on(key, number):
    """splitmix64's finaliser over a key and a number."""
    value = (key + number + 0x9E3779B97F4A7C15) & M64
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & M64
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & M64
    return value ^ (value >> 31)


def test_parts_that_no_memory_holds():
    pixel = np.zeros(1, np.uint8)
    far = 1 << 40
    with pytest.raises(OverflowError):
        transforms.crop(0, (1, 1, 1, 1), (far, far), (far, 0, far, 0), pixel)
    with pytest.raises(OverflowError, match="places"):
        transforms.crop(0, (1, 1, 1, 1), (1, 1), (1 << 32, 0, 0, 0), pixel)
    with pytest.raises(ValueError, match="fill is no pixel"):
        transforms.crop(0, (1, 1, 1, 2), (1, 1), (0, 0, 0, 0), pixel)


def test_places_are_drawn_without_a_gap():
    """The last of the 2^32 that there can be, too."""
    pixel, source, out = np.zeros(1, np.uint8), np.ones(1, np.uint8), np.zeros(99, np.uint8)
    crop = transforms.crop(5, (1, 1, 1, 1), (1, 1), ((1 << 32) - 2, 1, 0, 0), pixel)
    ids = np.zeros(99, np.int64)
    gather.gather(source, 1, ids, out, 0, crop, np.arange(99)).run()
    assert not out.any()
    two = transforms.crop(5, (1, 1, 1, 1), (1, 1), (1, 0, 0, 0), pixel)
    gather.gather(source, 1, ids, out, 0, two, np.arange(99)).run()
    assert out.tolist() == [below(2, 5, k, 0) for k in range(99)]


def test_values_and_types_that_there_are_not():
    one = np.zeros(1, np.uint8)
    with pytest.raises(ValueError, match="value is no pixel"):
        transforms.erase(0, 0, (1, 2, 2, 2), (0, 1), (0, 0), one)
    with pytest.raises(OverflowError, match="places along a side"):
        transforms.erase(0, 0, (1, 1 << 33, 1, 1), (0, 1), (0, 0), one)
    for kind, itemsize in ((6, 1), (-2, 1), (2, 4)):
        with pytest.raises(ValueError, match="no such type"):
            transforms.warp(0, (1, 2, 2, 1, itemsize), (0, 0), (1, 0), (0, 0), kind, False)
    with pytest.raises(OverflowError, match="no 64 bits"):
        transforms.warp(0, (1, 1, (1 << 20) + 1, 1, 1), (0, 0), (1, 0), (0, 0), -1, False)


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs Linux")
def test_no_memory_for_a_transform():
    row = 64 << 20
    source, out = np.zeros(row, np.uint8), np.zeros(row, np.uint8)

    def job():
        once = np.zeros(1, np.int64)
        return gather.gather(source, row, once, out, 0, transforms.flip(0, ALWAYS, 1, row, 1), once)

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
