"""IdxArray: numpy's indexing, over every packing; life cycle; threads, forks, pickles; files that
change.
"""

import copy
import io
import multiprocessing
import operator
import os
import pickle
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from helpers import PACKINGS, TYPES, PipeLike, assert_same, assert_view, encode, run_threads, sample
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import idxio

ALL = pytest.mark.parametrize("packing", PACKINGS)
KINDS = ("raw bytes", "raw path", "raw object", "gzip", "pipe")


class Yielding(io.BytesIO):
    """Lets another thread run between seek() and what follows, as a file object written in Python
    does.
    """

    def seek(self, *args):
        position = super().seek(*args)
        time.sleep(0)
        return position


def opened(kind, array, folder):
    data = encode(array)
    if kind == "raw path":
        path = folder / "x"
        path.write_bytes(data)
        return idxio.open(path)
    makers = {
        "raw bytes": lambda: data,
        "raw object": lambda: Yielding(data),
        "gzip": lambda: PACKINGS["gzip"](data),
        "pipe": lambda: PipeLike(data, 1000),
    }
    return idxio.open(makers[kind]())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("array")


def stored(folder, packing):
    """The path of a packed sample."""
    path = folder / "x"
    path.write_bytes(PACKINGS[packing](encode(sample())))
    return path


def assert_indexes_alike(f, array, key):
    """f[key] is what array[key] is, or the same kind of error."""
    try:
        expected = array[key]
    except Exception as error:
        with pytest.raises(type(error)):
            f[key]
        return
    assert_same(f[key], expected)


# Index expressions
# -------------------------------------------------------------------------------------------

bounds = st.none() | st.integers(-9, 9)
slices = st.builds(slice, bounds, bounds, st.none() | st.integers(-4, 4).filter(bool))


def integers(n):
    inside = st.integers(-n, n - 1) if n else st.nothing()
    return st.one_of(inside, inside, inside, st.integers(-9, 9))


def index_arrays(n):
    shapes = hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=4)
    kinds = st.sampled_from([np.int8, np.uint8, np.int32, np.int64, np.dtype(">i2")])
    low = st.just(-n) | st.just(0)
    inside = st.tuples(kinds, shapes, low).flatmap(
        lambda t: hnp.arrays(
            t[0], t[1], elements=st.integers(max(t[2], 0) if t[0] is np.uint8 else t[2], n - 1)
        )
    )
    outside = hnp.arrays(np.int64, shapes, elements=st.integers(-n - 1, n))
    return st.one_of(inside, inside, inside, outside) if n else hnp.arrays(np.int64, st.just((0,)))


def masks(shape):
    right = hnp.arrays(np.bool_, st.just(shape))
    wrong = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=5))
    return st.one_of(right, right, right, wrong)


@st.composite
def keys(draw, shape):
    """Anything that may stand in brackets behind an array of this shape; most of it legal."""
    parts = []
    axis = 0
    while axis < len(shape) and draw(st.integers(0, 4)):
        kind = draw(
            st.sampled_from(["int", "slice", "new", "ellipsis", "array", "list", "mask", "scalar"])
        )
        n = shape[axis]
        if kind == "int":
            parts.append(draw(integers(n)))
        elif kind == "slice":
            parts.append(draw(slices))
        elif kind == "new":
            parts.append(None)
            continue
        elif kind == "ellipsis":
            parts.append(Ellipsis)
            axis = draw(st.integers(axis, len(shape)))
            continue
        elif kind == "array":
            parts.append(draw(index_arrays(n)))
        elif kind == "list":
            parts.append(draw(st.lists(integers(n), max_size=4)))
        elif kind == "mask":
            taken = draw(st.integers(1, len(shape) - axis))
            mask = draw(masks(shape[axis : axis + taken]))
            parts.append(mask.tolist() if draw(st.booleans()) else mask)
            axis += taken
            continue
        else:
            parts.append(draw(integers(n).map(np.int64)))
        axis += 1
    if len(parts) == 1 and draw(st.booleans()):
        return parts[0]
    return tuple(parts)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "shape", [(), (5,), (0,), (6, 3), (4, 3, 2), (5, 0, 2), (2, 1, 3, 2)], ids=str
)
@given(st.data())
def test_any_index(kind, shape, folder, data):
    array = sample("int16", shape)
    with opened(kind, array, folder) as f:
        assert_indexes_alike(f, array, data.draw(keys(shape)))


@given(st.data())
def test_basic_indices(data):
    array = sample("float32", (5, 4, 3))
    key = data.draw(hnp.basic_indices(array.shape, allow_newaxis=True))
    assert_same(idxio.open(encode(array))[key], array[key])


@given(st.data())
def test_integer_array_indices(data):
    array = sample("int32", (5, 4, 3))
    key = data.draw(hnp.integer_array_indices(array.shape))
    assert_same(idxio.open(encode(array))[key], array[key])


@given(st.lists(st.integers(0, 4999), max_size=60), st.booleans())
@example([0, 4999], False)
@example([*range(100, 200), 4000], True)
def test_near_and_far_records(rows, packed):
    # Records of 200 bytes: rows that lie together, near each other and far apart are read in
    # different ways.
    f = NOISE_FILES[packed]
    assert_same(f[rows], NOISE[rows] if rows else NOISE[:0])
    mask = np.zeros(len(NOISE), bool)
    mask[rows] = True
    assert_same(f[mask], NOISE[mask])


@given(
    st.integers(-5100, 5100),
    st.integers(-5100, 5100),
    st.integers(-900, 900).filter(bool),
    st.booleans(),
)
def test_long_slices(start, stop, step, packed):
    assert_same(NOISE_FILES[packed][start:stop:step], NOISE[start:stop:step])


NOISE = np.random.default_rng(7).integers(-(2**31), 2**31, (5000, 50), np.int32)
NOISE_FILES = {False: idxio.open(encode(NOISE)), True: idxio.open(PACKINGS["gzip"](encode(NOISE)))}


@pytest.mark.parametrize("kind", KINDS)
def test_examples(kind, folder):
    array = sample("int16", (6, 4, 3))
    mask = array % 3 == 0
    with opened(kind, array, folder) as f:
        for key in (
            0, -1, np.int8(3), np.uint64(2), slice(None), slice(None, None, -1), slice(4, 1, -2), ..., None, (),
            (None, 2), (..., 1), (2, ..., 1), (slice(1, 3), None, [0, 2]), [0, 0, 5], [[0, 1], [2, 3]], (), [],
            ([1, 2], [3, 0]), ([1, 2], slice(None), [2, 0]), (slice(None), [1, 2], [0, 1]), (0, [1, 2]),
            np.array(3), np.array([], int), (np.array(3), np.array(1)), np.array([True, False] * 3), mask,
            mask[..., 0], (mask[..., 0], 1), (slice(None), mask[0]), (..., mask[0, 0]), mask[:, 0, 0].tolist(),
            range(2, 5), np.arange(6, dtype="u1"), [-1, -6],
            np.array([[5], [0]]), (np.array([[5], [0]]), [0, 1, 2]), np.arange(3, dtype=">i8"), (1, 2, 0),
            ((1, 2), 0), slice(np.int64(1), np.int64(5)),
        ):  # fmt: skip
            assert_same(f[key], array[key])


@pytest.mark.parametrize("kind", KINDS)
def test_error_messages_are_those_of_numpy(kind, folder):
    array = sample("int16", (6, 4, 3))
    with opened(kind, array, folder) as f:
        for key in (
            6, -7, 2**70, -(2**70), (0, 4), (0, 0, 3), (0, 0, 0, 0), (..., ...), 1.0, "a", b"a", [0.5], ["a"],
            [6], [-7], [[0], [6]], ([0, 1], [0, 1, 2]), (0, [4]), np.ones(5, bool), np.ones(7, bool),
            np.ones((6, 3), bool), np.ones((6, 4, 3, 1), bool), (0, np.ones(3, bool)), slice(1.5), slice("a"),
            slice(None, None, 0), np.array(6), np.array(0.5), (None,) * 100, {1}, {}, 1j, object(), np.float64(1),
        ):  # fmt: skip
            with pytest.raises(Exception) as expected:
                array[key]
            with pytest.raises(type(expected.value)) as result:
                f[key]
            assert str(result.value) == str(expected.value), key


def test_chunks_are_the_records_of_a_span(tmp_path):
    records = np.random.default_rng(1).integers(0, 256, (3000, 14, 7), np.uint8)
    path = tmp_path / "x.gz"
    idxio.write(path, records)
    with idxio.open(path) as f:
        assert f.chunks == (9719 // 98, 14, 7)
    idxio.write(path, records[:20])
    with idxio.open(path) as f:
        assert f.chunks is None  # one stream, which has no table
    idxio.write(path, np.random.default_rng(1).normal(size=(9, 50, 50)))
    with idxio.open(path) as f:
        assert f.chunks == (1, 50, 50)  # a record longer than a span
    path.write_bytes(PACKINGS["gzip"](encode(records)))
    with idxio.open(path) as f:
        assert f.chunks is None
        f[2000]
        assert f.chunks is None  # spans that were seen are not stated
    idxio.build_index(path, spacing=9800)
    with idxio.open(path) as f:
        assert f.chunks[0] > 50
        assert f.chunks[1:] == (14, 7)


@pytest.mark.parametrize("packing", ["raw", "xz", "bz2"])
def test_no_chunks(packing, folder):
    with idxio.open(stored(folder, packing)) as f:
        assert f.chunks is None


def test_no_chunks_without_records(tmp_path):
    path = tmp_path / "x.gz"
    for shape in ((), (0, 3), (50_000, 0)):
        idxio.write(path, np.zeros(shape, np.uint8))
        with idxio.open(path) as f:
            assert f.chunks is None
    assert idxio.open(PipeLike(PACKINGS["gzip"](encode(sample())), 100)).chunks is None


@pytest.mark.parametrize("shape", [(), (5,), (6, 4, 3)], ids=str)
@pytest.mark.parametrize(
    "key", [True, False, np.True_, np.array(False), (True, 2), (..., False), (False, [1])], ids=str
)
def test_a_single_bool_is_no_index(shape, key):
    f = idxio.open(encode(sample("int16", shape)))
    with pytest.raises(IndexError, match=r"mask has a bool for each.*f\[:\] == 9"):
        f[key]


@ALL
@pytest.mark.parametrize(
    "key", [0, slice(1, 4), slice(None), [2, 0], ..., (slice(None), 0), np.array([True] * 7)]
)
def test_results_are_writable_copies(packing, key):
    array = sample("int16")
    with idxio.open(PACKINGS[packing](encode(array))) as f:
        for _ in range(2):
            result = f[key]
            assert_same(result, array[key])
            assert result.flags.writeable
            assert result.dtype.isnative
            result[...] = -1
            np.asarray(f)[...] = -2
            f.read()[...] = -3


@ALL
def test_results_without_dimensions_are_copies(packing):
    with idxio.open(PACKINGS[packing](encode(np.array(5, np.int16)))) as f:
        for key in (..., (), (..., None), (None, None)):
            result = np.asarray(f[key])
            if isinstance(f[key], np.ndarray):
                result[...] = -1
            assert f[()] == 5


@ALL
@pytest.mark.parametrize("dtype", TYPES)
def test_attributes(packing, dtype, tmp_path):
    array = sample(dtype)
    path = tmp_path / "some-name"
    path.write_bytes(PACKINGS[packing](encode(array)))
    with idxio.open(path) as f:
        assert isinstance(f, idxio.IdxArray)
        for name in ("shape", "dtype", "ndim", "size", "nbytes"):
            assert getattr(f, name) == getattr(array, name)
        assert len(f) == len(array)
        assert f.packing == packing.split("-")[0]
        assert f.name == str(path)
        for word in (str(path), str(array.shape), dtype, f.packing):
            assert word in repr(f)


@ALL
def test_as_an_array(packing):
    array = sample("int16")
    with idxio.open(PACKINGS[packing](encode(array))) as f:
        assert_same(np.asarray(f), array)
        assert_same(np.array(f), array)
        assert_same(np.asarray(f, np.float64), array.astype(np.float64))
        assert_same(np.concatenate([f, f]), np.concatenate([array, array]))
        assert_same(np.stack([f[1], f[2]]), array[1:3])
        assert f in [f]
        assert np.array_equal(f, array)
    if np.lib.NumpyVersion(np.__version__) >= "2.0.0":
        with pytest.raises(ValueError, match="needs a copy"):
            np.asarray(f, copy=False)


@ALL
@pytest.mark.parametrize("shape", [(7, 3), (7,), (0, 3), (3, 0)])
def test_iteration(packing, shape):
    array = sample("int32", shape)
    with idxio.open(PACKINGS[packing](encode(array))) as f:
        for _ in range(2):
            records = list(f)
            assert len(records) == len(array)
            for record, expected in zip(records, array, strict=True):
                assert_same(record, expected)
        first, second = iter(f), iter(f)
        if len(array) > 1:
            next(first)
            assert_same(next(second), array[0])
            assert_same(next(first), array[1])


@ALL
@given(st.integers(1, 12))
def test_blocks(packing, n):
    array = sample("int16", (10, 2))
    with idxio.open(PACKINGS[packing](encode(array))) as f:
        blocks = list(f.iter_records(n))
    assert [len(block) for block in blocks] == [len(array[i : i + n]) for i in range(0, 10, n)]
    assert_same(np.concatenate(blocks), array)


@pytest.mark.parametrize("n", [0, -1])
def test_blocks_have_a_record(n):
    with pytest.raises(ValueError, match="at least 1"):
        list(idxio.open(encode(sample())).iter_records(n))


def test_iteration_over_more_than_one_block():
    array = np.arange(6_000_000, dtype=np.uint8).reshape(6, 1_000_000)
    with idxio.open(encode(array)) as f:
        assert_same(np.stack(list(f)), array)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(), (0, 2), (7, 3, 2)])
def test_view(dtype, shape, tmp_path):
    array = sample(dtype, shape)
    path = tmp_path / "x"
    path.write_bytes(encode(array))
    for file in (path, encode(array)):
        with idxio.open(file) as f:
            view = f.array
        assert_view(view, array)  # also after close
        assert not view.flags.owndata
        with pytest.raises(ValueError, match="read-only"):
            view[...] = 0


@pytest.mark.parametrize("kind", ["gzip", "raw object", "pipe"])
def test_no_view(kind, folder):
    with opened(kind, sample(), folder) as f, pytest.raises(idxio.IdxError, match="without a copy"):
        _ = f.array


# Life cycle
# --------------------------------------------------------------------------------------------------


def test_close(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(encode(sample()))
    f = idxio.open(path)
    with f as same:
        assert same is f
    f.close()
    with pytest.raises(ValueError, match="closed"):
        f[0]
    with pytest.raises(ValueError, match="closed"):
        f.read()
    assert f.shape == sample().shape
    assert "x" in repr(f)


def test_a_file_object_stays_open():
    file = io.BytesIO(encode(sample()))
    with idxio.open(file):
        pass
    assert not file.closed


@ALL
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(packing, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    array = np.random.default_rng(8).integers(0, 256, (100, 28, 28), np.uint8)
    (tmp_path / "x").write_bytes(PACKINGS[packing](encode(array)))
    with idxio.open("x") as f:
        f[:2]
        packed = pickle.dumps(f, protocol)
        assert len(packed) < 1000
        monkeypatch.chdir("/")  # the path was relative
        with pickle.loads(packed) as g, copy.copy(f) as h:
            assert_same(g[:], array)
            assert_same(h[5], array[5])
            assert (g.shape, g.dtype, g.packing) == (f.shape, f.dtype, f.packing)
            assert pickle.dumps(g, protocol) == pickle.dumps(pickle.loads(packed), protocol)


def test_pickle_of_bytes():
    with idxio.open(encode(sample())) as f:
        assert_same(pickle.loads(pickle.dumps(f))[:], sample())


@pytest.mark.parametrize("make", [io.BytesIO, PipeLike])
def test_file_objects_do_not_pickle(make):
    with (
        idxio.open(make(encode(sample()))) as f,
        pytest.raises(TypeError, match="can't be pickled"),
    ):
        pickle.dumps(f)


def replace(path, data):
    other = path.with_name("other")
    other.write_bytes(data)
    os.replace(other, path)


@ALL
def test_pickle_of_a_replaced_file(packing, tmp_path):
    path = stored(tmp_path, packing)
    with idxio.open(path) as f:
        packed = pickle.dumps(f)
    replace(path, PACKINGS[packing](encode(sample() + 1)))
    with pytest.raises(idxio.ChangedError, match="replaced") as info:
        pickle.loads(packed)
    assert info.value.file == str(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        pickle.loads(packed)


@ALL
def test_a_file_replaced_by_rename_is_read_to_the_end(packing, tmp_path):
    path = stored(tmp_path, packing)
    with idxio.open(path) as f:
        replace(path, PACKINGS[packing](encode(sample() + 1)))
        assert_same(f[:], sample())
        path.unlink()
        assert_same(f[1], sample()[1])


@ALL
@pytest.mark.parametrize("change", ["written", "truncated", "emptied", "longer"])
def test_a_file_changed_in_place(packing, change, tmp_path):
    path = tmp_path / "x"
    data = PACKINGS[packing](encode(sample()))
    path.write_bytes(data)
    os.utime(path, ns=(0, 10**18))  # so that no clock is too coarse to tell
    for call in (
        operator.methodcaller("read"),
        operator.itemgetter(0),
        operator.itemgetter([1, 5]),
        list,
    ):
        with idxio.open(path) as f:
            with open(path, "r+b") as file:
                if change == "written":
                    file.seek(len(data) - 1)
                    file.write(b"\xaa")
                elif change == "longer":
                    file.seek(0, 2)
                    file.write(b"more")
                else:
                    file.truncate(0 if change == "emptied" else len(data) - 5)
            with pytest.raises(idxio.ChangedError, match="open it again"):
                call(f)
        path.write_bytes(data)
        os.utime(path, ns=(0, 10**18))


def overwrite(path, data):
    """Other bytes in the same file, and its time put back: the clock of its changes is coarse."""
    before = os.stat(path)
    while os.stat(path).st_ctime_ns == before.st_ctime_ns:
        with open(path, "r+b") as file:
            file.write(data)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert os.stat(path).st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize(
    "call", [operator.methodcaller("read"), operator.itemgetter(0), list, np.asarray]
)
def test_a_file_overwritten_with_its_time_put_back(call, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(encode(sample()))
    with idxio.open(path) as f:
        overwrite(path, encode(sample() + 1))
        with pytest.raises(idxio.ChangedError, match="time put back"):
            call(f)


def test_a_file_overwritten_with_its_time_put_back_while_it_is_read(tmp_path):
    path = tmp_path / "x"
    data = np.zeros((64, 1 << 16), np.uint8)
    path.write_bytes(encode(data))
    with idxio.open(path) as f:
        blocks = f.iter_records(1)
        next(blocks)
        overwrite(path, encode(data + 1))
        with pytest.raises(idxio.ChangedError, match="written to"):
            list(blocks)


@ALL
def test_pickle_of_a_file_overwritten_with_its_time_put_back(packing, tmp_path):
    path = stored(tmp_path, packing)
    with idxio.open(path) as f:
        packed = pickle.dumps(f)
    with pickle.loads(packed) as f:
        assert_same(f[1], sample()[1])
    overwrite(path, path.read_bytes())
    with pytest.raises(idxio.ChangedError, match="time put back"):
        pickle.loads(packed)


@ALL
def test_a_file_that_is_linked_and_removed_is_what_it_was(packing, tmp_path):
    path = stored(tmp_path, packing)
    with idxio.open(path) as f:
        os.link(path, tmp_path / "snapshot")
        assert_same(f[1], sample()[1])
        with pickle.loads(pickle.dumps(f)) as other:
            assert_same(other[2], sample()[2])
        (tmp_path / "snapshot").unlink()
        path.unlink()
        assert_same(f[3], sample()[3])


# Threads and processes
# ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_shared_by_threads(kind, folder):
    array = NOISE[:2000]
    errors = []
    start = threading.Barrier(8)

    def work(seed):
        try:
            rng = np.random.default_rng(seed)
            start.wait()
            for _ in range(40):
                rows = rng.integers(0, len(array), 5)
                assert_same(f[rows], array[rows])
                a, b = sorted(rng.integers(0, len(array), 2))
                assert_same(f[a:b], array[a:b])
            if kind != "pipe":
                assert_same(f.read(threads=2), array)
        except BaseException as error:
            errors.append(error)

    with opened(kind, array, folder) as f:
        run_threads(work, range(8))
    assert not errors


@ALL
@pytest.mark.parametrize("touched", [False, True])
def test_spawn(packing, touched, tmp_path):
    path = stored(tmp_path, packing)
    with idxio.open(path) as f, multiprocessing.get_context("spawn").Pool(1) as pool:
        if touched:
            f[0]
        assert_same(pool.apply(operator.getitem, (f, [3, 1])), sample()[[3, 1]])
        assert_same(pool.apply(idxio.read, (path,)), sample())


FORK = """
import os, sys, threading
import idxio
f = idxio.open(sys.argv[1])
expected = idxio.read(sys.argv[1])
if sys.argv[2] == "touched":
    f[0]
# As if another thread were decoding at the moment of the fork: it does not exist in the child.
holding, done = threading.Event(), threading.Event()
def hold():
    with f._lock:
        holding.set()
        done.wait()
thread = threading.Thread(target=hold)
thread.start()
holding.wait()
children = []
for k in range(3):
    pid = os.fork()
    if pid == 0:
        ok = False
        try:
            for _ in range(20):
                ok = (f[k] == expected[k]).all() and (f[:] == expected).all() and (f.read() == expected).all()
        finally:
            os._exit(0 if ok else 1)
    children.append(pid)
statuses = [os.waitpid(pid, 0)[1] for pid in children]
done.set()
thread.join()
assert (f[:] == expected).all()
sys.exit(any(statuses))
"""


@ALL
@pytest.mark.parametrize("touched", ["touched", "fresh"])
def test_fork(packing, touched, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(PACKINGS[packing](encode(NOISE[:1000])))
    command = [sys.executable, "-W", "ignore", "-c", FORK, path, touched]
    subprocess.run(command, check=True, timeout=120)


@pytest.mark.parametrize(
    "change",
    [lambda file: file.write(b"more"), lambda file: file.truncate(20)],
    ids=["more", "less"],
)
def test_a_view_of_a_file_that_changed(change, tmp_path):
    (tmp_path / "x").write_bytes(encode(sample()))
    with idxio.open(tmp_path / "x") as f:
        with open(tmp_path / "x", "ab") as file:
            change(file)
        with pytest.raises(idxio.IdxError, match="since it was opened"):
            _ = f.array
    with pytest.raises(ValueError, match="closed"):
        _ = f.array


@pytest.mark.parametrize("i", [6, -7, 1 << 70])
def test_an_integer_outside_beside_an_array(i):
    array = np.zeros((6, 2, 2), np.uint8)
    f = idxio.open(encode(array))
    with pytest.raises(IndexError) as ours:
        f[i, [0, 1]]
    with pytest.raises(IndexError) as theirs:
        array[i, [0, 1]]
    assert str(ours.value) == str(theirs.value)
