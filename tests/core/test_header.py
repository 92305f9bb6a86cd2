"""The header: what is accepted, what is refused, and what the message says."""

import io
import re

import numpy as np
import pytest
from helpers import CODES, TYPES, PipeLike, encode, header
from hypothesis import given
from hypothesis import strategies as st

import idxio
from idxio.core.header import MAX_NDIM


@pytest.mark.parametrize("dtype", TYPES)
def test_each_type(dtype):
    data = np.array([1, 2, 3]).astype(dtype)
    result = idxio.read(encode(data))
    assert result.dtype == np.dtype(dtype)
    assert result.dtype.isnative
    assert result.tolist() == [1, 2, 3]


def test_known_bytes():
    assert idxio.read(bytes.fromhex("00000802 00000002 00000003 010203040506")).tolist() == [
        [1, 2, 3],
        [4, 5, 6],
    ]
    assert idxio.read(bytes.fromhex("00000901 00000002 7f80")).tolist() == [127, -128]
    assert idxio.read(bytes.fromhex("00000b01 00000002 0102fffe")).tolist() == [258, -2]
    assert idxio.read(bytes.fromhex("00000c01 00000002 01020304fffffffe")).tolist() == [
        16909060,
        -2,
    ]
    assert idxio.read(bytes.fromhex("00000d01 00000001 c0490fdb")).tolist() == [np.float32(-np.pi)]
    assert idxio.read(bytes.fromhex("00000e01 00000001 400921fb54442d18")).tolist() == [np.pi]
    assert idxio.read(bytes.fromhex("00000c00 fffffffe")).tolist() == -2


@pytest.mark.parametrize("size", range(16))
def test_short_file(size):
    whole = encode(np.zeros((1, 2, 2), np.uint8))
    for data in (whole[:size], bytes(size)):
        with pytest.raises(idxio.IdxError):
            idxio.read(data)
    with pytest.raises(idxio.TruncatedError, match="empty" if not size else "inside the header"):
        idxio.read(whole[:size])


@pytest.mark.parametrize("code", sorted(set(range(256)) - set(CODES.values())))
def test_unknown_type(code):
    with pytest.raises(idxio.FormatError, match=f"unknown type {code:02x}") as info:
        idxio.read(header(code, 1) + b"\0")
    assert info.value.offset == 2


@pytest.mark.parametrize("magic", [b"\1\0\x08\1", b"\0\1\x08\1", b"abcd", b"\xff\xff\xff\xff"])
def test_bad_magic(magic):
    with pytest.raises(idxio.FormatError, match=f"starts with {re.escape(magic.hex(' '))}") as info:
        idxio.read(magic + bytes(100))
    assert info.value.offset == 0


def test_little_endian_header_is_named():
    data = np.array([0x00000803, 1, 2, 2], "<u4").tobytes() + bytes(4)
    with pytest.raises(idxio.FormatError, match="little-endian"):
        idxio.read(data)


@pytest.mark.parametrize("ndim", [MAX_NDIM + 1, 100, 255])
def test_more_dimensions_than_numpy_has(ndim):
    for data in (header(8, *[1] * ndim) + b"\0", bytes([0, 0, 8, ndim])):
        with pytest.raises(
            idxio.FormatError, match=f"has {ndim} dimensions; this numpy holds at most"
        ) as info:
            idxio.read(data)
        assert info.value.offset == 3


def test_as_many_dimensions_as_numpy_has():
    array = np.arange(2, dtype=np.uint8).reshape([1] * (MAX_NDIM - 1) + [2])
    result = idxio.read(encode(array))
    assert result.shape == array.shape
    assert idxio.open(encode(array))[(0,) * MAX_NDIM] == 0


@pytest.mark.parametrize(
    "shape",
    [
        (0xFFFFFFFF,) * 2,
        (0xFFFFFFFF,) * 3,
        (0x10000,) * 4,  # 2^64: zero in 64 bits
        (0x80000000, 0x80000000, 4),
        (0x80000000, 0x80000000, 2),  # 2^63
        (0xFFFFFFFF,) * 30,
    ],
)
@pytest.mark.parametrize("code", [0x08, 0x0E])
def test_product_overflows(shape, code):
    for call in (idxio.read, idxio.open, idxio.info, idxio.verify):
        with pytest.raises(idxio.IdxError):
            call(header(code, *shape) + bytes(64))


@pytest.mark.parametrize(
    "shape",
    [
        (0, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF),
        (0xFFFFFFFF, 0xFFFFFFFF, 0),
        (1 << 31, 1 << 31, 2, 0),
    ],
)
def test_nothing_inside_a_shape_that_numpy_can_not_hold(shape):
    for call in (idxio.read, idxio.open, idxio.info, idxio.verify):
        with pytest.raises(idxio.FormatError, match="more than memory can address") as info:
            call(header(0x08, *shape))
        assert info.value.offset == 4


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    "shape", [(0,), (0, 28, 28), (5, 0), (5, 0, 3), (0xFFFFFFFF, 0), (0, 0xFFFFFFFF), (0, 0)]
)
def test_zero_size(dtype, shape):
    data = header(CODES[dtype], *shape)
    result = idxio.read(data)
    assert (result.shape, result.dtype, result.size) == (shape, np.dtype(dtype), 0)
    with idxio.open(data) as f:
        assert (f.shape, f.size, f.nbytes, len(f)) == (shape, 0, 0, shape[0])
        assert f[:].shape == shape
        assert f[1:2].shape == (len(range(shape[0])[1:2]), *shape[1:])
    with pytest.raises(idxio.FormatError, match="1 bytes behind"):
        idxio.read(data + b"x")


@pytest.mark.parametrize("dtype", TYPES)
def test_no_dimensions(dtype):
    data = encode(np.array(77, dtype))
    result = idxio.read(data)
    assert (result.shape, result.dtype, result.item()) == ((), np.dtype(dtype), 77)
    with idxio.open(data) as f:
        assert (f.shape, f.ndim, f.size) == ((), 0, 1)
        assert f[()] == 77
        assert f[...].shape == ()
        with pytest.raises(TypeError):
            len(f)
        with pytest.raises(TypeError):
            iter(f).__next__()
        with pytest.raises(IndexError):
            f[0]


@given(st.binary(max_size=80))
def test_any_bytes_are_an_array_or_an_error(data):
    try:
        result = idxio.read(data)
    except idxio.IdxError:
        return
    assert encode(result) == data


@given(
    st.sampled_from(sorted(CODES.values())),
    st.lists(st.integers(0, 4), max_size=4),
    st.integers(0, 60),
)
def test_only_the_exact_size_is_read(code, shape, size):
    data = header(code, *shape) + bytes(size)
    itemsize = {8: 1, 9: 1, 11: 2, 12: 4, 13: 4, 14: 8}[code]
    expected = int(np.prod(shape)) * itemsize
    if size == expected:
        assert idxio.read(data).shape == tuple(shape)
    elif size < expected:
        with pytest.raises(idxio.TruncatedError) as info:
            idxio.read(data)
        assert info.value.found == len(data)
    else:
        with pytest.raises(idxio.FormatError, match=f"{size - expected} bytes behind"):
            idxio.read(data)


@pytest.mark.parametrize("ndim", [0, 1, 6, 7, 8, 9, 32])
def test_headers_about_as_long_as_what_is_read_at_once(ndim, tmp_path):
    data = encode(np.full((1,) * ndim, 7, np.uint8))
    path = tmp_path / "file"
    path.write_bytes(data)
    for file in (path, data, io.BytesIO(data), PipeLike(data, 1)):
        with idxio.open(file) as f:
            assert f.ndim == ndim
            assert f.read().tobytes() == data[4 + 4 * ndim :]
    with pytest.raises(idxio.TruncatedError):
        idxio.open(data[: 3 + 4 * ndim])
