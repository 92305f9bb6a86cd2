"""Memory of batches that is used again: never while anything still looks at it."""

import gc
import pickle
import tracemalloc

import numpy as np
import pytest

from idxio._native.buffer_pool import Block, BufferPool
from idxio.datasets.dataset import Dataset

IMAGES = np.random.default_rng(0).integers(0, 256, (600, 50), np.uint8)


def address(images):
    return images.__array_interface__["data"][0]


def from_numpy(images):
    return pytest.importorskip("torch").from_numpy(images)


# What a loop may keep of a batch, and nothing else of it.
KEEPERS = {
    "array": lambda images: images,
    "slice": lambda images: images[3:],
    "slice of a slice": lambda images: images[1:][2:],
    "reshaped": lambda images: images.reshape(-1).reshape(images.shape)[3:],
    "other type": lambda images: images.view(np.uint8)[3:].view(np.int8).view(np.uint8),
    "one row": lambda images: images[3],
    "asarray": np.asarray,
    "memoryview": memoryview,
    "slice of a memoryview": lambda images: memoryview(images)[3:],
    "frombuffer": lambda images: np.frombuffer(memoryview(images), np.uint8),
    "interface": lambda images: np.asarray(Wrapped(images)),
    "ctypes": np.ctypeslib.as_ctypes,
    "dlpack": np.from_dlpack,
    "tensor": from_numpy,
    "slice of a tensor": lambda images: from_numpy(images)[1:][2:],
    "numpy of a tensor": lambda images: from_numpy(images).numpy(),
    "dlpack of a tensor": lambda images: np.from_dlpack(from_numpy(images)),
}


def bytes_of(kept):
    return np.array(kept.numpy() if hasattr(kept, "numpy") else kept).tobytes()


class Wrapped:
    def __init__(self, images):
        self._images = images
        self.__array_interface__ = images.__array_interface__


@pytest.mark.parametrize("prefetch", [0, 3])
@pytest.mark.parametrize("keep", KEEPERS.values(), ids=KEEPERS)
def test_what_is_kept_stays(keep, prefetch):
    batches = Dataset(IMAGES, np.arange(600)).batches(20, shuffle=True, prefetch=prefetch)
    kept = []
    for images, labels in batches:
        kept.append((keep(images), bytes_of(keep(images)), labels))
        del images
    for found, expected, labels in kept:
        assert bytes_of(found) == expected
        assert expected in IMAGES[labels].tobytes()
    assert sorted(np.concatenate([labels for _, _, labels in kept])) == list(range(600))


@pytest.mark.parametrize("prefetch", [0, 2])
def test_memory_that_nobody_looks_at_is_used_again(prefetch, monkeypatch):
    monkeypatch.setattr("idxio.loader.epoch._BUNDLE", 1)
    batches = Dataset(IMAGES, np.arange(600)).batches(20, prefetch=prefetch)
    assert len({address(images) for images, _ in batches}) <= prefetch + 3


def test_batches_outlive_their_loop():
    loop = iter(Dataset(IMAGES, np.arange(600)).batches(20, prefetch=0))
    kept = [images for images, _ in loop]
    del loop
    gc.collect()
    assert np.array_equal(np.concatenate(kept), IMAGES)


def test_an_epoch_may_be_smaller_than_a_batch():
    for prefetch in (0, 2):
        ((images, _),) = Dataset(IMAGES, np.arange(600)).batches(1 << 50, prefetch=prefetch)
        assert np.array_equal(images, IMAGES)


def test_batches_can_be_pickled_while_a_loop_goes_on():
    batches = Dataset(IMAGES, np.arange(600)).batches(20, prefetch=2)
    loop = iter(batches)
    next(loop)
    assert len(list(pickle.loads(pickle.dumps(batches)))) == 30


def test_blocks():
    pool = BufferPool(1000)
    one, two = (np.frombuffer(pool.take(), np.uint8) for _ in range(2))
    one[:], two[:] = 1, 2
    assert (len(one), address(one) % 64, address(two) % 64) == (1000, 0, 0)
    assert (one == 1).all()
    where = address(one)
    view = one[5:6]
    del one
    assert address(np.frombuffer(pool.take(), np.uint8)) != where
    del view
    assert address(np.frombuffer(pool.take(), np.uint8)) == where


def test_a_pool_keeps_few_blocks():
    tracemalloc.start()
    pool = BufferPool(1 << 20)
    held = [pool.take() for _ in range(20)]
    assert tracemalloc.get_traced_memory()[0] > 20 << 20
    held.clear()
    assert 8 << 20 < tracemalloc.get_traced_memory()[0] < 9 << 20
    last = pool.take()
    del pool
    assert tracemalloc.get_traced_memory()[0] > 1 << 20
    del last
    assert tracemalloc.get_traced_memory()[0] < 1 << 20
    tracemalloc.stop()


def test_blocks_that_lie_in_a_cycle_go_back():
    pool = BufferPool(1000)
    block = pool.take()
    assert not gc.is_tracked(block)  # or its pool might be cleared before it
    array = np.frombuffer(block, np.uint8)
    where = address(array)
    cycle = [array, block]
    cycle.append(cycle)
    del array, block, cycle
    gc.collect()
    assert address(np.frombuffer(pool.take(), np.uint8)) == where


def test_a_block_of_no_pool_is_no_buffer():
    with pytest.raises(BufferError, match="comes from"):
        memoryview(Block())


def test_too_much_memory():
    with pytest.raises(MemoryError, match="no memory for"):
        BufferPool((1 << 62) + 7).take()
