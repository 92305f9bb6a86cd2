"""Batches: each sample once, resumable anywhere, the same for any number of threads and ranks."""

import gc
import io
import json
import os
import pickle
import subprocess
import sys
import threading
import time
import tracemalloc

import numpy as np
import pytest
from helpers import TYPES, sample
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import idxio
from idxio.core import selection
from idxio.datasets.dataset import Dataset
from idxio.loader import batches as module
from idxio.loader import materialize, samplers, window_shuffle
from idxio.loader.sharding import REMAINDERS
from idxio.loader.window_buffer import WindowBuffer


def numbered(n, classes=3):
    """A dataset whose images tell which sample they are."""
    images = np.stack([np.arange(n), np.arange(n) + 7], axis=1).astype(np.int32)
    return Dataset(images, np.arange(n) % classes)


def ids_of(batches):
    """The samples of an epoch, batch by batch, without those that a mask says are repeated."""
    result = []
    for images, labels, *valid in batches:
        assert len(images) == len(labels)
        assert np.array_equal(images[:, 0] + 7, images[:, 1])
        assert np.array_equal(images[:, 0] % 3, labels)
        result.append(images[valid[0] if valid else slice(None), 0].tolist())
    return result


def flat(lists):
    return [i for one in lists for i in one]


SIZES = st.integers(1, 40)
WORLDS = st.integers(1, 5)
KINDS = st.fixed_dictionaries(
    {
        "shuffle": st.booleans(),
        "balanced": st.booleans(),
        "seed": st.integers(0, 99),
        "prefetch": st.sampled_from([0, 0, 1, 3, 20]),
        "threads": st.integers(1, 3),
    }
)


@pytest.fixture(params=["memory", "windows"])
def source(request, monkeypatch):
    """From a number of samples to a dataset in memory, or to one that is unpacked in windows of a
    few samples.
    """
    monkeypatch.setattr("idxio.loader.epoch._BUNDLE", 64)
    monkeypatch.setattr("idxio.loader.epoch._PLANNED", 16)
    if request.param == "memory":
        return numbered
    monkeypatch.setattr(window_shuffle, "RECORD_BLOCK", 8 * 5)  # five records
    monkeypatch.setattr(materialize, "IN_MEMORY", 0)
    monkeypatch.setattr(module, "BUFFER", 2 * 8 * 17)  # three blocks
    made = {}

    def packed(n):
        if n not in made:
            ds = numbered(n)
            made[n] = Dataset(_packed(ds.images), ds.labels)
        return made[n]

    return packed


def _packed(array):
    file = io.BytesIO()
    idxio.write(file, array, compression="gzip")
    return file.getvalue()


FUNCTION_SCOPED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUNCTION_SCOPED
@given(
    st.integers(0, 200),
    SIZES,
    WORLDS,
    st.booleans(),
    st.sampled_from(REMAINDERS),
    KINDS,
    st.integers(0, 3),
)
def test_each_sample_once(source, n, size, world, drop_last, remainder, kind, epoch):
    ds = source(n)
    ranks = []
    for rank in range(world):
        batches = ds.batches(
            size, rank=rank, world_size=world, drop_last=drop_last, remainder=remainder, **kind
        )
        batches.set_epoch(epoch)
        found = ids_of(batches)
        assert len(found) == len(batches)
        ranks.append((found, batches))
    seen = flat(flat(found) for found, _ in ranks)
    assert len(seen) == len(set(seen))
    if drop_last:
        assert all(len(ids) == size for found, _ in ranks for ids in found if remainder != "pad")
        assert len(seen) >= n - world * size
    elif remainder == "drop":
        assert len(seen) == n - n % world
    else:
        assert sorted(seen) == list(range(n))
    if remainder != "keep":
        assert len({len(batches) for _, batches in ranks}) == 1
    lengths = [len(flat(found)) for found, _ in ranks]
    # Repeats that are not counted here may fall to one rank where the classes decide who gets what.
    uneven = drop_last or (remainder == "pad" and kind["balanced"])
    assert max(lengths) - min(lengths) <= (size if uneven else 1)


@FUNCTION_SCOPED
@given(st.integers(1, 200), SIZES, WORLDS, KINDS, st.integers(0, 3))
def test_ranks_share_one_order(source, n, size, world, kind, epoch):
    ds = source(n)
    is_in_windows = isinstance(ds.images, idxio.IdxArray)
    alone = ds.batches(size * world, **kind)
    alone.set_epoch(epoch)
    shared = []
    for rank in range(world):
        batches = ds.batches(
            size, rank=rank, world_size=world, **{**kind, "threads": 3 - kind["threads"] // 2}
        )
        batches.set_epoch(epoch)
        shared.append(ids_of(batches))
    for number, expected in enumerate(ids_of(alone)):
        parts = [found[number] for found in shared if number < len(found)]
        if not kind["balanced"] and not (is_in_windows and kind["shuffle"]):
            assert [parts[i % world][i // world] for i in range(len(expected))] == expected
        assert sorted(flat(parts)) == sorted(expected)
        lengths = [len(part) for part in parts]
        assert lengths == sorted(lengths, reverse=True)
        assert lengths[0] - lengths[-1] <= 1
        place = {i: k for k, i in enumerate(expected)}
        assert all(sorted(part, key=place.get) == part for part in parts)


@FUNCTION_SCOPED
@given(
    st.integers(1, 200),
    SIZES,
    WORLDS,
    SIZES,
    WORLDS,
    st.sampled_from(REMAINDERS),
    KINDS,
    st.booleans(),
    st.data(),
)
def test_resume_anywhere(source, n, size, world, size2, world2, remainder, kind, pickled, choice):
    ds = source(n)
    first = ds.batches(size, world_size=world, remainder=remainder, **kind)
    first.set_epoch(2)
    whole = ids_of(ds_at(ds, 2, size, world_size=world, remainder=remainder, **kind))
    stop = choice.draw(st.integers(0, len(whole)))
    loop = iter(first)
    taken = [next(loop) for _ in range(stop)]
    state = first.state_dict()
    if pickled:
        state = json.loads(json.dumps(state))
    loop.close()
    # The same again.
    second = ds.batches(size, world_size=world, remainder=remainder, **kind)
    second.load_state_dict(state)
    assert second.state_dict() == state
    assert ids_of(taken) + ids_of(second) == whole
    assert second.epoch == 3
    # Others go on: all ranks together see what is left, once.
    seen = flat(ids_of(taken)) if world == 1 else []
    position = min(n, stop * size * world)
    everything = flat(ids_of(ds_at(ds, 2, n, **kind)))
    for rank in range(world2):
        other = ds.batches(size2, rank=rank, world_size=world2, **kind)
        other.load_state_dict(state)
        seen += flat(ids_of(other))
    assert sorted(seen) == sorted(everything if world == 1 else everything[position:])


def ds_at(ds, epoch, *args, **kwargs):
    batches = ds.batches(*args, **kwargs)
    batches.set_epoch(epoch)
    return batches


def test_epochs_follow_on_each_other(source):
    ds = source(60)
    batches = ds.batches(7, shuffle=True, seed=5)
    first, second = flat(ids_of(batches)), flat(ids_of(batches))
    assert batches.epoch == 2
    assert first != second
    assert first == flat(ids_of(ds_at(ds, 0, 60, shuffle=True, seed=5)))
    assert second == flat(ids_of(ds_at(ds, 1, 60, shuffle=True, seed=5)))
    assert second != flat(ids_of(ds_at(ds, 0, 60, shuffle=True, seed=1)))
    next(iter(batches))  # left early: the same epoch again
    assert batches.epoch == 2
    assert len(flat(ids_of(batches))) == 60


@pytest.mark.parametrize("prefetch", [0, 3])
def test_two_loops_of_one_object(source, prefetch):
    batches = source(100).batches(9, shuffle=True, prefetch=prefetch)
    alone = ids_of(batches)
    batches.set_epoch(0)
    one, two, found = iter(batches), None, ([], [])
    for number in range(len(alone)):
        found[0].append(next(one))
        if number == 3:
            two = iter(batches)
        if two is not None:
            found[1].append(next(two))
    assert list(one) == []
    found[1].extend(two)
    assert ids_of(found[0]) == ids_of(found[1]) == alone
    assert batches.epoch == 1


def test_batches_are_fresh_writable_and_native(source):
    ds = source(64)
    kept = list(ds.batches(10, prefetch=2))
    expected = [images.copy() for images, _ in kept]
    for number, (images, labels) in enumerate(kept):
        images[...] = -1
        labels[...] = -1
        for (other, _), value in list(zip(kept, expected, strict=True))[number + 1 :]:
            assert np.array_equal(other, value)
        assert images.flags.writeable
        assert images.flags.c_contiguous
        assert images.dtype.isnative
    assert len(flat(ids_of(ds.batches(10)))) == 64


class Backwards(samplers.Sampler):
    """All that a new sampler has to say."""

    def rows(self, epoch, start, stop):
        return self.n - 1 - np.arange(start, stop)


@pytest.mark.parametrize("world", [1, 3])
def test_a_new_sampler_has_one_method(monkeypatch, world):
    monkeypatch.setattr(module, "_sampler", lambda images, labels, _: Backwards(len(labels)))
    ranks = [numbered(50).batches(4, rank=rank, world_size=world) for rank in range(world)]
    seen = [flat(ids_of(batches)) for batches in ranks]
    assert seen == [list(range(49 - rank, -1, -world)) for rank in range(world)]
    state = {**ranks[0].state_dict(), "position": 40}
    ranks[0].load_state_dict(state)
    assert flat(ids_of(ranks[0])) == list(range(9, -1, -world))


# What a batch holds
# ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("name", TYPES)
def test_types_and_byte_orders(name, order):
    images = sample(name, (9, 3, 5))
    stored = images.astype(images.dtype.newbyteorder(order))
    for dtype in (None, "float32", "float64"):
        wanted = images.astype(dtype or images.dtype)
        for found, labels in Dataset(stored, np.arange(9)).batches(9, dtype=dtype):
            assert found.dtype == wanted.dtype
            assert found.dtype.isnative
            assert found.tobytes() == wanted.tobytes()
            assert labels.tolist() == list(range(9))


@settings(max_examples=30)
@given(
    st.sampled_from(TYPES),
    st.sampled_from("<>"),
    st.sampled_from(["float32", "float64"]),
    st.sampled_from([(), (1,), (5,), (3, 1, 1), (3, 4, 5)]),
    st.floats(1e-3, 1e3),
    st.integers(0, 2**32 - 1),
)
def test_the_formula_to_the_last_bit(name, order, dtype, shape, scale, seed):
    random = np.random.default_rng(seed)
    images = (random.normal(0, 60, (7, 3, 4, 5))).astype(name)
    mean, std = random.normal(0, 1, shape), random.uniform(0.1, 2, shape)
    stored = images.astype(images.dtype.newbyteorder(order))
    ((found, _),) = Dataset(stored, np.arange(7)).batches(
        7, dtype=dtype, scale=scale, mean=mean, std=std
    )
    a, b = (scale / std).astype(dtype), (-mean / std).astype(dtype)
    assert found.dtype == dtype
    assert found.tobytes() == (images.astype(dtype) * a + b).tobytes()
    np.testing.assert_allclose(found, (images * scale - mean) / std, rtol=1e-4, atol=1e-3)


def test_negative_zero_and_nan_stay():
    images = np.array([[-0.0, 0.0, np.nan, np.inf]])
    ((found, _),) = Dataset(images, [0]).batches(1, dtype="float32", scale=1)
    assert found.tobytes() == images.astype("f4").tobytes()


def test_other_integer_types():
    images = sample("uint8", (5, 4))
    ((found, _),) = Dataset(images, np.arange(5)).batches(5, dtype="int64")
    assert found.dtype == np.int64
    assert np.array_equal(found, images)


def test_records_without_elements_and_numbers():
    assert [
        images.shape
        for images, _ in Dataset(np.empty((5, 0, 3), np.uint8), np.arange(5)).batches(2)
    ] == [
        (2, 0, 3),
        (2, 0, 3),
        (1, 0, 3),
    ]
    assert [images.tolist() for images, _ in Dataset(np.arange(3), np.arange(3)).batches(2)] == [
        [0, 1],
        [2],
    ]


@pytest.mark.parametrize("prefetch", [0, 4])
@pytest.mark.parametrize("pairs", [1, 2, 3])
def test_out(source, pairs, prefetch):
    ds = source(50)
    outs = [(np.empty((8, 2), np.int32), np.empty(8, np.int64)) for _ in range(pairs)]
    expected = ids_of(ds.batches(8, shuffle=True))
    batches = ds.batches(8, shuffle=True, out=outs if pairs > 1 else outs[0], prefetch=prefetch)
    for k, (images, labels) in enumerate(batches):
        assert images.base is outs[k % pairs][0]
        assert labels.base is outs[k % pairs][1]
        time.sleep(0.001)  # the others are filled meanwhile
        assert ids_of([(images, labels)]) == [expected[k]]
    assert k == len(expected) - 1


# From files
# --------------------------------------------------------------------------------------------------


def test_raw_files_are_mapped_and_compressed_ones_read(tmp_path):
    array = sample("int16", (40, 3))
    for suffix in ("", ".gz"):
        idxio.write(tmp_path / f"x{suffix}", array)
        found = list(Dataset(tmp_path / f"x{suffix}", np.arange(40)).batches(16))
        assert np.array_equal(np.concatenate([images for images, _ in found]), array)
        assert all(images.flags.writeable and images.dtype == np.int16 for images, _ in found)


def readers_of(monkeypatch):
    """The window readers that loops make from now on."""
    made = []

    class Recorded(WindowBuffer):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            made.append(self)

    monkeypatch.setattr(window_shuffle, "WindowBuffer", Recorded)
    return made


def test_windows_hold_what_they_may(tmp_path, monkeypatch):
    """Memory for two windows, and no window read twice."""
    # 40 MB, a block is 1024 records
    images = np.arange(40_000, dtype=np.int32).repeat(256).reshape(-1, 256)
    idxio.write(tmp_path / "x.gz", images, level=1)
    ds = Dataset(tmp_path / "x.gz", np.arange(40_000) % 10)
    batches = ds.batches(100, shuffle=True, buffer=8 << 20, prefetch=0)
    readers = readers_of(monkeypatch)
    largest, reads = 0, 0
    loop = iter(batches)
    seen = []
    original = idxio.IdxArray.__getitem__

    def counting(self, key):
        nonlocal reads
        reads += 1
        return original(self, key)

    idxio.IdxArray.__getitem__ = counting
    try:
        for found, labels in loop:
            assert (found == found[:, :1]).all()
            assert np.array_equal(found[:, 0] % 10, labels)
            seen += found[:, 0].tolist()
            windows = readers[0]._windows.values()
            largest = max(largest, sum(window.records.nbytes for window in windows))
    finally:
        idxio.IdxArray.__getitem__ = original
    assert sorted(seen) == list(range(40_000))
    assert largest <= 8 << 20
    assert reads <= 40 + 1
    # Mixed as far as the page says: a window holds records from all over the file.
    first = np.array(seen[: 4 * 1024])
    assert len(np.unique(first // 1024)) >= 4
    assert np.abs(np.diff(first)).mean() > 3000


def test_the_next_window_is_unpacked_little_by_little(tmp_path, monkeypatch):
    idxio.write(tmp_path / "x.gz", np.zeros((40_000, 256), np.int32), level=1)
    batches = Dataset(tmp_path / "x.gz", np.zeros(40_000, int)).batches(
        256, buffer=8 << 20, prefetch=0
    )
    readers = readers_of(monkeypatch)
    blocks = [sum(window.done for window in readers[0]._windows.values()) for _ in batches]
    assert np.abs(np.diff(blocks[4:-20])).max() <= 4


def test_sizes_decide_between_memory_and_windows(tmp_path, monkeypatch):
    idxio.write(tmp_path / "x.gz", sample("uint8", (1000, 4)))
    idxio.write(tmp_path / "x", sample("uint8", (1000, 4)))
    packed, raw = (idxio.open(tmp_path / name) for name in ("x.gz", "x"))
    some = Dataset(packed, np.arange(1000))[10:20].images
    assert not materialize.needs_windows(packed, None)
    assert materialize.needs_windows(packed, 1)
    assert materialize.needs_windows(some, 1)
    assert not materialize.needs_windows(raw, 1)
    assert not materialize.needs_windows(np.zeros(4), 1)
    monkeypatch.setattr(materialize, "IN_MEMORY", 3999)
    assert materialize.needs_windows(packed, None)
    assert not materialize.needs_windows(some, None)


@pytest.mark.parametrize("where", ["array", "raw", "gzip", "windows"])
@pytest.mark.parametrize("turned", [False, True])
def test_parts_of_a_dataset(tmp_path, where, turned):
    """Selections: of some samples, in any order, of images that are stored lying on their side."""
    array = sample("int16", (60, 3, 4))
    images = array
    if where != "array":
        images = tmp_path / ("x" if where == "raw" else "x.gz")
        idxio.write(images, array)
    ds = Dataset(images, np.arange(60))
    if turned:
        ds = Dataset(selection.upright(ds.images), ds.labels)
        array = array.swapaxes(1, 2)
    options = {"buffer": 200} if where == "windows" else {}
    rows = np.random.default_rng(0).permutation(60)[:40]
    for part in (ds, ds[10:30], ds[::-3], ds[rows], ds[rows][5:9], ds.split([20, 40], seed=1)[1]):
        seen = []
        for found, labels in part.batches(7, shuffle=True, **options):
            assert found.dtype == np.int16
            assert np.array_equal(found, array[labels])
            seen += labels.tolist()
        assert sorted(seen) == sorted(part.labels.tolist())


# Threads
# -----------------------------------------------------------------------------------------------------


def threads_now():
    """The threads of this process, native ones too where the system tells."""
    return set(
        os.listdir("/proc/self/task")
        if os.path.exists("/proc/self/task")
        else threading.enumerate()
    )


def wait_until_gone(threads):
    """A thread that was joined is still seen for a moment."""
    end = time.monotonic() + 10
    while threads & threads_now() and time.monotonic() < end:
        time.sleep(0.001)
    assert not threads & threads_now()


@pytest.mark.parametrize("leave", ["break", "close", "forget", "raise"])
def test_leaving_early_leaves_nothing(source, leave):
    before = threads_now()
    loop = iter(source(200).batches(3, shuffle=True, prefetch=5, threads=2))
    next(loop)
    started = threads_now() - before
    assert started or not os.path.exists("/proc/self/task")
    if leave == "close":
        loop.close()
    elif leave == "raise":
        with pytest.raises(KeyError):
            loop.throw(KeyError())
    else:
        for _ in loop:
            break
    del loop
    gc.collect()
    wait_until_gone(started)


@pytest.mark.parametrize("prefetch", [0, 3])
def test_what_goes_wrong_reaches_the_loop(tmp_path, prefetch):
    array = np.random.default_rng(0).integers(0, 16, (8000, 1000), np.uint8)
    idxio.write(tmp_path / "x.gz", array, level=1)
    data = bytearray((tmp_path / "x.gz").read_bytes())
    data[len(data) * 2 // 3 : len(data) * 2 // 3 + 5000] = bytes(5000)
    (tmp_path / "x.gz").write_bytes(data)
    ds = Dataset(tmp_path / "x.gz", np.arange(8000))
    before = threads_now()
    loop = iter(ds.batches(100, buffer=2 << 20, prefetch=prefetch))
    for _ in range(10):
        images, labels = next(loop)
        assert np.array_equal(images, array[labels])
    with pytest.raises(idxio.IdxError, match=r"x\.gz"):
        list(loop)
    wait_until_gone(threads_now() - before)


def test_a_loop_does_not_go_on_in_a_forked_process(monkeypatch):
    monkeypatch.setattr("idxio.loader.epoch._BUNDLE", 1)
    loop = iter(numbered(500).batches(3, prefetch=2))
    next(loop)
    # a thread that starts holds a lock of the sanitizers' malloc, which they forget in a fork
    time.sleep(0.2)
    child = os.fork()
    if child == 0:
        try:
            next(loop)
        except RuntimeError as error:
            os._exit(7 if "forked" in str(error) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    loop.close()


def test_batches_can_be_pickled(source):
    batches = source(50).batches(8, shuffle=True)
    copied = pickle.loads(pickle.dumps(batches))
    assert ids_of(copied) == ids_of(batches)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("buffer", [None, 1 << 20])
def test_files_are_pickled_by_their_names(tmp_path, suffix, buffer):
    """In the midst of a loop too: what was read or unpacked stays behind."""
    images = np.arange(2000, dtype=np.int32).repeat(256).reshape(-1, 256)
    idxio.write(tmp_path / f"x{suffix}", images)
    batches = Dataset(tmp_path / f"x{suffix}", np.arange(2000) % 7).batches(
        100, shuffle=True, buffer=buffer
    )
    loop = iter(batches)
    first = next(loop)[0][:, 0].tolist()
    pickled = pickle.dumps(batches)
    assert len(pickled) < 40_000  # the labels take 16,000
    copied = pickle.loads(pickled)
    assert copied.state_dict() == batches.state_dict()
    copied.load_state_dict(copied.state_dict())
    rest = [i for images, _ in copied for i in images[:, 0].tolist()]
    assert sorted(first + rest) == list(range(2000))


def test_a_place_that_is_set_in_a_loop_stays():
    batches = numbered(100).batches(10, shuffle=True)
    loop = iter(batches)
    next(loop)
    state = batches.state_dict()
    next(loop)
    batches.load_state_dict(state)
    list(loop)
    assert batches.state_dict() == state
    assert len(list(batches)) == 9
    loop = iter(batches)
    next(loop)
    batches.set_epoch(1)
    list(loop)
    assert batches.epoch == 1


@pytest.mark.parametrize("packing", ["raw", "gzip"])
def test_images_in_a_file_object(packing, tmp_path):
    images = sample("int16", (60, 3))
    idxio.write(tmp_path / "x", images, compression=packing)
    for pick in (slice(None), slice(10, 50), [3, 1, 2]):
        with open(tmp_path / "x", "rb") as file:
            ds = Dataset(file, np.arange(60))[pick]
            assert np.array_equal(
                np.concatenate([found for found, _ in ds.batches(7)]), images[pick]
            )


# Wrong use ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size is 1 or more, not 0"),
        ({"batch_size": -3}, "batch_size is 1 or more"),
        ({"rank": 2, "world_size": 2}, "rank 2 of world_size 2"),
        ({"rank": -1}, "rank is 0 or more"),
        ({"world_size": 0}, "world_size is 1 or more"),
        ({"remainder": "wrap"}, "remainder is one of keep, drop, pad, not 'wrap'"),
        ({"seed": -1}, "seed is 0 or more"),
        ({"seed": 1 << 64}, "seed is less than"),
        ({"threads": 0}, "threads is 1 or more"),
        ({"prefetch": -1}, "prefetch is 0 or more"),
        ({"buffer": 0}, "buffer is 1 or more"),
        (
            {"scale": 1 / 255, "dtype": "uint8"},
            "scale, mean and std give float32 or float64, not uint8",
        ),
        ({"mean": 1, "dtype": "float16"}, "not float16"),
        ({"dtype": "int8"}, "what holds every int32"),
        ({"std": 0}, "std is 0 somewhere"),
        ({"dtype": object}, "batches hold numbers, not object"),
        ({"mean": [1, 2, 3]}, r"mean has shape \(3,\)"),
        ({"mean": [1, float("nan")]}, "mean is NaN or infinite somewhere"),
        ({"std": float("inf")}, "std is NaN or infinite somewhere"),
        ({"scale": float("nan")}, "scale is NaN or infinite somewhere"),
        ({"scale": "1/255"}, "scale is a number or an array of numbers, not '1/255'"),
        ({"mean": [[1], [2, 3]]}, r"mean is a number or an array of numbers, not \[\[1\]"),
        ({"std": 1j}, "std is a number or an array of numbers, not 1j"),
        ({"out": (np.empty((4, 2), np.int32), np.empty(5, np.int64))}, r"out has shape \(5,\)"),
        (
            {"out": (np.empty((4, 2), np.int64), np.empty(4, np.int64))},
            "out has shape .* int64; batches",
        ),
        ({"out": [(np.empty((4, 2), np.int32),)]}, "pair"),
        ({"out": (np.empty((2, 4), np.int32).T, np.empty(4, np.int64))}, "C-contiguous"),
    ],
)
def test_wrong_use(options, message):
    options = {"batch_size": 4, **options}
    with pytest.raises(ValueError, match=message):
        numbered(10).batches(**options)


def test_wrong_types():
    for options in ({"batch_size": 2.5}, {"batch_size": "4"}, {"rank": 0.0}, {"seed": None}):
        with pytest.raises(TypeError, match="is an integer"):
            numbered(10).batches(**{"batch_size": 4, **options})
    with pytest.raises(TypeError, match="numpy arrays"):
        numbered(10).batches(4, out=[([], [])])
    pair = (np.empty((4, 2), np.int32), np.empty(4, np.int64))
    with pytest.raises(ValueError, match="the same memory"):
        numbered(10).batches(4, out=[pair, pair])


def test_arrays_that_do_not_belong_together():
    with pytest.raises(ValueError, match="10 images and 9 labels"):
        Dataset(np.zeros((10, 2)), np.arange(9)).batches(4)
    with pytest.raises(ValueError, match=r"\(10, 2\)"):
        Dataset(np.zeros((10, 2)), np.zeros((10, 2), int)).batches(4)
    ds = numbered(10)
    ds.labels = np.arange(9)
    with pytest.raises(ValueError, match="9 labels"):
        ds.batches(4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "orders are others"),
        ({"samples": 11}, "another dataset"),
        ({"labels": 1}, "another dataset"),
        ({"seed": 8}, "the same seed"),
        ({"shuffle": 0}, "the same shuffle"),
        ({"balanced": 1}, "the same balanced"),
        ({"window": 5}, "the same buffer"),
        ({"position": 11}, "position 11 of 10"),
        ({"position": -1}, "position is 0 or more"),
        ({"epoch": -1}, "epoch is 0 or more"),
    ],
)
def test_a_state_of_something_else(change, message):
    batches = numbered(10).batches(4, shuffle=True, seed=7)
    state = batches.state_dict()
    assert all(type(value) is int for value in state.values())
    batches.load_state_dict(state)
    with pytest.raises(ValueError, match=message):
        batches.load_state_dict({**state, **change})
    with pytest.raises(ValueError, match="it has no epoch"):
        batches.load_state_dict({key: value for key, value in state.items() if key != "epoch"})
    assert batches.state_dict() == state
    with pytest.raises(ValueError, match="epoch is 0 or more"):
        batches.set_epoch(-1)


def test_a_state_of_the_first_order_of_balanced_windows_is_refused(tmp_path):
    idxio.write(tmp_path / "x.gz", np.zeros((2000, 256), np.int32))
    ds = Dataset(tmp_path / "x.gz", np.arange(2000) % 7)
    batches = ds.batches(100, shuffle=True, balanced=True, buffer=1 << 20)
    state = batches.state_dict()
    assert state["version"] == 2
    batches.load_state_dict(state)
    with pytest.raises(ValueError, match="orders are others; begin the epoch anew"):
        batches.load_state_dict({**state, "version": 1})
    other = ds.batches(100, shuffle=True, buffer=1 << 20).state_dict()
    with pytest.raises(ValueError, match="give batches\\(\\) the same balanced"):
        batches.load_state_dict(other)


def test_another_dataset_of_the_same_size_is_told():
    state = numbered(10).batches(4).state_dict()
    with pytest.raises(ValueError, match="labels"):
        numbered(10, classes=4).batches(4).load_state_dict(state)
    # The type that the labels are stored in says nothing.
    ds = numbered(10)
    Dataset(ds.images, ds.labels.astype(np.uint8)).batches(4).load_state_dict(state)


# A kill and a restart ----------------------------------------------------------------------------------------

_PROGRAM = """
import json, os, signal, sys
import numpy as np
from idxio.datasets.dataset import Dataset
rank, world_size, size, stop = map(int, sys.argv[1:])
ds = Dataset(np.arange(1000, dtype=np.int32)[:, None], np.arange(1000) % 7)
batches = ds.batches(size, shuffle=True, seed=3, rank=rank, world_size=world_size, remainder="keep")
if os.path.exists("state.json"):
    batches.load_state_dict(json.load(open("state.json")))
with open(f"seen-{rank}", "a") as seen:
    for number, (images, labels) in enumerate(batches, 1):
        seen.write("".join(f"{i}\\n" for i in images[:, 0]))
        seen.flush()
        if number == stop:
            if rank == 0:
                json.dump(batches.state_dict(), open("state.json", "w"))
            os.kill(os.getpid(), signal.SIGKILL)
"""


def test_killed_and_started_again_with_another_world_size(tmp_path):
    def start(rank, world_size, size, stop):
        arguments = map(str, (rank, world_size, size, stop))
        return subprocess.run(
            [sys.executable, "-c", _PROGRAM, *arguments], cwd=tmp_path, timeout=60
        ).returncode

    assert [start(rank, 3, 16, 5) for rank in (2, 1, 0)] == [-9] * 3
    assert [start(rank, 2, 25, 0) for rank in range(2)] == [0] * 2
    seen = [
        int(line)
        for rank in range(3)
        for line in (tmp_path / f"seen-{rank}").read_text().splitlines()
    ]
    assert len(seen) == 1000
    assert sorted(seen) == list(range(1000))


def test_any_point_of_a_huge_epoch_takes_no_memory():
    """10^10 records that are not there: one row, seen as many."""
    n = 10**10
    images = np.broadcast_to(np.arange(4, dtype=np.uint8), (n, 4))
    labels = np.broadcast_to(np.uint8(3), (n,))
    batches = Dataset(images, labels).batches(256, shuffle=True, prefetch=0)
    assert len(batches) == -(-n // 256)
    batches.load_state_dict({**batches.state_dict(), "position": 7_777_777_777})
    loop = iter(batches)
    found, labels = next(loop)
    assert (found == np.arange(4)).all()
    assert (labels == 3).all()
    assert batches.state_dict()["position"] == 7_777_777_777 + 256
    tracemalloc.start()
    for position in range(0, n, n // 7):
        batches.load_state_dict({**batches.state_dict(), "position": position})
        next(iter(batches))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 << 20


def test_values_of_several_parts_keep_them():
    values = np.array([0 + 1j, 1 + 1j, 2 + 1j, 3 + 1j]).astype(">c8")
    batches = Dataset(values, np.zeros(4, np.uint8)).batches(4)
    assert [x.tolist() for x, _ in batches] == [values.tolist()]


def test_an_epoch_has_64_bits():
    batches = Dataset(np.zeros((4, 2), np.uint8), np.zeros(4, np.uint8)).batches(2, shuffle=True)
    batches.set_epoch((1 << 64) - 1)
    assert len(list(batches)) == 2
    assert batches.epoch == 0
    with pytest.raises(ValueError, match="epoch is less than 2"):
        batches.set_epoch(1 << 64)
