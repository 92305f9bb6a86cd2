"""The native gathers against numpy, and what they refuse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idxio._native import gather as kernels

ONE = np.ones(1, np.float32).view(np.uint8)
FAR = 1 << 62
ZERO = np.zeros(1, np.float32).view(np.uint8)


def raw(array):
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


@given(
    st.integers(1, 70),
    st.lists(st.integers(0, 8), max_size=30),
    st.sampled_from([0, 2, 4, 8]),
    st.integers(0, 7),
)
def test_gather(elements, ids, swapped, offset):
    row = elements * (swapped or 1)
    memory = np.random.default_rng(elements).integers(0, 256, offset + 9 * row, np.uint8)
    source, ids = memory[offset:], np.array(ids, np.int64)
    out = np.full(len(ids) * row + 2, 170, np.uint8)
    kernels.gather(source, row, ids, out[1:-1], swapped).run()
    wanted = source.reshape(9, row)[ids]
    if swapped:
        wanted = wanted.reshape(len(ids), elements, swapped)[:, :, ::-1]
    assert np.array_equal(out[1:-1], wanted.reshape(-1))
    assert out[0] == out[-1] == 170


@given(
    st.sampled_from(kernels.KINDS),
    st.booleans(),
    st.integers(1, 70),
    st.lists(st.integers(0, 8), max_size=20),
    st.sampled_from(["f4", "f8"]),
    st.booleans(),
    st.integers(0, 7),
)
def test_gather_affine(kind, swapped, elements, ids, to, by_element, offset):
    random = np.random.default_rng(elements)
    values = random.normal(0, 50, (9, elements)).astype(kind)
    memory = np.empty(offset + values.nbytes, np.uint8)
    memory[offset:] = raw(values.byteswap() if swapped else values)  # at any address
    a, b = random.normal(1, 1, (2, elements if by_element else 1)).astype(to)
    out = np.full((len(ids) + 1, elements), 17, to)
    ids = np.array(ids, np.int64)
    kernels.gather_affine(
        memory[offset:],
        kernels.KINDS.index(kind),
        swapped,
        ids,
        raw(out[:-1]),
        to == "f8",
        elements,
        raw(a),
        raw(b),
    ).run()
    assert out[:-1].tobytes() == (values[ids].astype(to) * a + b).tobytes()
    assert (out[-1] == 17).all()


IDS = np.arange(3)


@pytest.mark.parametrize("ids", [[0, 1, 3], [-1, 0, 1], [0, 1 << 62, 1], [0, 1, -(1 << 63)]])
def test_rows_outside(ids):
    ids = np.array(ids)
    with pytest.raises(IndexError):
        kernels.gather(np.zeros(12, np.uint8), 4, ids, np.zeros(12, np.uint8))
    with pytest.raises(IndexError):
        kernels.gather_affine(
            np.zeros(12, np.uint8), 0, False, ids, np.zeros(48, np.uint8), False, 4, ONE, ZERO
        )


@pytest.mark.parametrize(
    ("source", "row", "out", "swapped"),
    [
        (12, 4, 11, 0),
        (12, 4, 13, 0),
        (12, 4, 16, 0),
        (11, 4, 12, 0),
        (0, 4, 12, 0),
        (12, 1 << 62, 12, 0),
        (12, 4, 8, 4),
    ],
)
def test_gather_with_wrong_sizes(source, row, out, swapped):
    with pytest.raises(IndexError):
        kernels.gather(np.zeros(source, np.uint8), row, IDS, np.zeros(out, np.uint8), swapped)


@pytest.mark.parametrize("swapped", [1, 3, 16, -2, 8])
def test_items_that_cannot_be_reversed(swapped):
    with pytest.raises(ValueError, match="cannot reverse"):
        kernels.gather(np.zeros(12, np.uint8), 4, IDS, np.zeros(12, np.uint8), swapped)


@pytest.mark.parametrize(
    ("source", "kind", "out", "to_double", "elements", "factors", "shifts"),
    [
        (12, 0, 44, False, 4, 4, 4),
        (12, 0, 52, False, 4, 4, 4),
        (12, 0, 64, False, 4, 4, 4),
        (11, 0, 48, False, 4, 4, 4),
        (0, 0, 48, False, 4, 4, 4),
        (12, 1, 96, True, 4, 16, 16),  # two doubles for four elements
        (12, 2, 48, False, 4, 4, 4),  # half the source
        (12, 3, 48, False, 4, 4, 4),
        (12, 5, 48, False, 4, 4, 4),
        (12, 0, 48, False, 4, 8, 8),
        (12, 0, 48, False, 4, 16, 4),
        (12, 0, 48, False, 4, 4, 16),
        (12, 0, 48, False, 4, 0, 0),
        (12, 0, 48, False, 1 << 62, 4, 4),
        (12, 5, 48, True, 1 << 61, 8, 8),
        (12, 0, 48, False, 1 << 63, 4, 4),
    ],
)
def test_gather_affine_with_wrong_sizes(source, kind, out, to_double, elements, factors, shifts):
    memory = [np.zeros(n, np.uint8) for n in (source, out, factors, shifts)]
    with pytest.raises(IndexError):
        kernels.gather_affine(
            memory[0], kind, False, IDS, memory[1], to_double, elements, memory[2], memory[3]
        )


@pytest.mark.parametrize("kind", [-1, 6, 1000])
def test_types_that_are_none(kind):
    with pytest.raises(ValueError, match="no such type"):
        kernels.gather_affine(
            np.zeros(12, np.uint8), kind, False, IDS, np.zeros(48, np.uint8), False, 4, ONE, ZERO
        )


@pytest.mark.parametrize("part", ["out", "scale", "shift"])
def test_memory_that_is_not_aligned(part):
    memory = {
        "out": np.zeros(49, np.uint8),
        "scale": np.zeros(5, np.uint8),
        "shift": np.zeros(5, np.uint8),
    }
    views = {name: m[1:] if name == part else m[:-1] for name, m in memory.items()}
    with pytest.raises(ValueError, match="not aligned"):
        kernels.gather_affine(
            np.zeros(12, np.uint8),
            0,
            False,
            IDS,
            views["out"],
            False,
            4,
            views["scale"],
            views["shift"],
        )


def test_nothing_to_gather():
    empty = np.zeros(0, np.uint8)
    for gather in (
        kernels.gather(empty, 0, IDS, empty),
        kernels.gather(empty, 4, IDS[:0], empty),
        kernels.gather_affine(empty, 0, False, IDS, empty, False, 0, ONE, ZERO),
        kernels.gather_affine(empty, 0, False, IDS[:0], empty, False, 4, ONE, ZERO),
    ):
        gather.run()


def test_memory_that_must_not_be_written():
    read_only = np.frombuffer(bytes(48), np.uint8)
    with pytest.raises(ValueError, match="read-only"):
        kernels.gather(read_only, 4, IDS, read_only[:12])
    with pytest.raises(ValueError, match="read-only"):
        kernels.gather_affine(read_only, 0, False, IDS, read_only, False, 4, ONE, ZERO)


PARTS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 60)), max_size=20)


@given(PARTS)
def test_copy_parts(parts):
    data, out = np.arange(100, dtype=np.uint8), np.full(110, 255, np.uint8)
    expected = out.copy()
    for offset, size, target in parts:
        expected[target : target + size] = data[offset : offset + size]
    kernels.copy_parts(data, *np.array(parts, np.int64).reshape(-1, 3).T.copy(), out)
    assert out.tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    "part",
    [
        (-1, 1, 0),
        (11, 0, 0),
        (10, 1, 0),
        (0, 11, 0),
        (0, -1, 0),
        (0, 1, -1),
        (0, 1, 9),
        (0, 0, 10),
        (FAR, FAR, 0),
    ],
)
def test_copy_of_parts_that_are_not_there(part):
    with pytest.raises(IndexError):
        kernels.copy_parts(bytes(10), *np.array([part], np.int64).T.copy(), bytearray(9))


def test_copy_of_parts_that_lack_something():
    one, none = np.zeros(1, np.int64), np.zeros(0, np.int64)
    for columns in ((one, one, none), (one, none, one), (none, one, one)):
        with pytest.raises(ValueError, match="lacks"):
            kernels.copy_parts(b"abc", *columns, bytearray(3))
