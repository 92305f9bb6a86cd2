"""read() over every packing: the array, out=, rows=, mmap=, threads=."""

import numpy as np
import pytest
from helpers import PACKINGS, TYPES, assert_same, assert_view, encode, sample
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import idxio

ALL = pytest.mark.parametrize("packing", PACKINGS)
# Several pieces of the reader for each of two threads.
LARGE = 2_500_000


@ALL
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (7, 3), (5, 0, 2), (2, 3, 4, 5)])
def test_whole(packing, dtype, shape):
    array = sample(dtype, shape)
    result = idxio.read(PACKINGS[packing](encode(array)))
    assert_same(result, array)
    assert result.flags.writeable
    assert result.flags.c_contiguous
    assert result.flags.aligned
    assert result.dtype.isnative


@ALL
@given(st.data())
def test_any_bits(packing, data):
    dtype = np.dtype(data.draw(st.sampled_from(TYPES)))
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=6))
    size = int(np.prod(shape)) * dtype.itemsize
    # Bits, not values: every NaN and every negative zero must come through.
    array = np.frombuffer(data.draw(st.binary(min_size=size, max_size=size)), dtype).reshape(shape)
    assert_same(idxio.read(PACKINGS[packing](encode(array))), array)


@ALL
@pytest.mark.parametrize("dtype", ["uint8", "int32", "float64"])
def test_threads_change_nothing(packing, dtype, tmp_path):
    records = LARGE // np.dtype(dtype).itemsize // 784
    array = np.random.default_rng(0).integers(0, 100, (records, 28, 28)).astype(dtype)
    path = tmp_path / "x"
    path.write_bytes(PACKINGS[packing](encode(array)))
    for threads in (1, 2, 5, None):
        assert_same(idxio.read(path, threads=threads), array)


@pytest.mark.parametrize("threads", [0, -1])
def test_threads_is_positive(threads):
    with pytest.raises(ValueError, match="threads"):
        idxio.read(encode(sample()), threads=threads)


def test_the_result_is_a_copy():
    data = bytearray(encode(sample("uint8")))
    result = idxio.read(data)
    result[...] = 1
    assert idxio.read(data).tolist() == sample("uint8").tolist()


@ALL
@pytest.mark.parametrize("dtype", TYPES)
def test_out_is_filled_and_returned(packing, dtype):
    array = sample(dtype)
    out = np.empty_like(array)
    assert idxio.read(PACKINGS[packing](encode(array)), out=out) is out
    assert_same(out, array)


@ALL
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float64"])
def test_out_of_any_layout(packing, dtype, tmp_path):
    array = sample(dtype, (7, 3, 2))
    path = tmp_path / "x"
    path.write_bytes(PACKINGS[packing](encode(array)))
    buffer = np.zeros(array.nbytes + 1, np.uint8)
    for out in (
        np.zeros((7, 3, 2), dtype, order="F"),
        np.zeros((14, 3, 2), dtype)[::2],
        np.zeros((7, 3, 2), dtype)[::-1],
        np.zeros((2, 3, 7), dtype).T,
        buffer[1:].view(dtype).reshape(7, 3, 2),  # not aligned
    ):
        assert idxio.read(path, out=out) is out
        assert out.tolist() == array.tolist()


@ALL
def test_out_of_no_dimensions_and_of_no_size(packing):
    for array in (np.array(-5, np.int32), np.zeros((0, 3), np.float32)):
        out = np.ones_like(array)
        assert idxio.read(PACKINGS[packing](encode(array)), out=out) is out
        assert_same(out, array)


@ALL
def test_wrong_out_is_refused_untouched(packing):
    data = PACKINGS[packing](encode(sample("int16", (4, 2))))
    for out in (
        np.full((4, 3), 9, np.int16),
        np.full((8,), 9, np.int16),
        np.full((4, 2), 9, np.int32),
        np.full((4, 2), 9, np.uint16),
        np.full((4, 2), 9, np.dtype(np.int16).newbyteorder()),
    ):
        with pytest.raises(ValueError, match="out has shape") as info:
            idxio.read(data, out=out)
        assert not isinstance(info.value, idxio.IdxError)  # nothing is wrong with the file
        assert (out == 9).all()
    frozen = np.full((4, 2), 9, np.int16)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        idxio.read(data, out=frozen)
    with pytest.raises(TypeError, match="numpy array"):
        idxio.read(data, out=bytearray(16))


@ALL
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_rows(packing, dtype):
    array = sample(dtype, (10, 3, 2))
    data = PACKINGS[packing](encode(array))
    mask = np.arange(10) % 3 == 0
    for rows in (
        slice(2, 5), slice(None, None, -2), slice(8, 99), slice(5, 2), [3, 1, 3, -1], np.array([[0, 1], [9, 9]]),
        range(2, 9, 3), (4, 2), [], mask, mask.tolist(), 4, -1, np.int64(2),
    ):  # fmt: skip
        index = list(rows) if isinstance(rows, (tuple, range)) else rows
        expected = array[index]
        result = idxio.read(data, rows)
        assert isinstance(result, np.ndarray)
        assert_same(result, expected)
        assert result.flags.writeable
        out = np.empty_like(expected)
        assert idxio.read(data, rows, out=out) is out
        assert_same(out, expected)


@ALL
@pytest.mark.parametrize(
    "rows",
    [
        [10],
        -11,
        10,
        np.ones(9, bool),
        np.ones(11, bool),
        [0.5],
        "a",
        [[True] * 3] * 9,
        np.ones((10, 3, 2, 1), bool),
    ],
)
def test_wrong_rows(packing, rows):
    array = sample("uint8", (10, 3, 2))
    with pytest.raises(IndexError) as expected:
        array[rows]
    with pytest.raises(IndexError) as result:
        idxio.read(PACKINGS[packing](encode(array)), rows)
    assert str(result.value) == str(expected.value)


def test_rows_of_a_file_without_dimensions():
    with pytest.raises(IndexError):
        idxio.read(encode(np.array(3, np.uint8)), [0])


def test_out_for_rows_is_checked():
    data = encode(sample("uint8", (10, 3)))
    with pytest.raises(ValueError, match="out has shape"):
        idxio.read(data, [1, 2], out=np.empty((10, 3), np.uint8))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(), (0, 4), (7, 3, 2)])
def test_mmap(dtype, shape, tmp_path):
    path = tmp_path / "x"
    array = sample(dtype, shape)
    data = encode(array)
    path.write_bytes(data)
    for file in (path, data, bytearray(data)):
        view = idxio.read(file, mmap=True)
        assert_view(view, array)
        with pytest.raises(ValueError):
            view.flags.writeable = True


def test_mmap_is_a_view(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(encode(np.zeros(5000, np.uint8)))
    view = idxio.read(path, mmap=True)
    with open(path, "r+b") as file:
        file.seek(8 + 4500)
        file.write(b"\x2a")
    assert view[4500] == 42
    data = bytearray(encode(np.zeros(3, np.uint8)))
    view = idxio.read(data, mmap=True)
    data[-1] = 7
    assert view.tolist() == [0, 0, 7]


def test_mmap_of_rows(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(encode(sample("int16")))
    view = idxio.read(path, slice(2, 4), mmap=True)
    assert view.tolist() == sample("int16")[2:4].tolist()
    assert not view.flags.writeable


@pytest.mark.parametrize("packing", [p for p in PACKINGS if p != "raw"])
def test_mmap_of_a_packed_file_says_why_not(packing, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(PACKINGS[packing](encode(sample())))
    with pytest.raises(idxio.IdxError) as info:
        idxio.read(path, mmap=True)
    assert f"packed with {packing.split('-')[0]}" in info.value.message
    assert str(path) in str(info.value)


def test_mmap_with_out():
    with pytest.raises(ValueError, match="choose one"):
        idxio.read(encode(sample()), mmap=True, out=sample())


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz", ".bz2", ".idx3-ubyte", ".npy"])
@ALL
def test_content_decides_and_not_the_name(packing, suffix, tmp_path):
    path = tmp_path / f"train-images-idx3-ubyte{suffix}"
    path.write_bytes(PACKINGS[packing](encode(sample())))
    assert_same(idxio.read(path), sample())
    with idxio.open(path) as f:
        assert f.packing == packing.split("-")[0]
