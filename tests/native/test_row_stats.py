"""The native loops over rows against numpy."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from idxio._native import row_stats

# Sizes around the words and lanes of the loops.
SHAPES = st.tuples(st.integers(0, 12), st.integers(0, 100))


@st.composite
def tables(draw):
    """Rows of bytes, many of them equal or constant."""
    count, size = draw(SHAPES)
    random = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    table = random.integers(0, draw(st.sampled_from((1, 2, 256))), (count, size)).astype(np.uint8)
    return table[random.integers(0, count, count)] if count else table


def hashes_of(table):
    hashes = np.zeros(len(table), np.uint64)
    row_stats.hash_rows(table, hashes)
    return hashes


@given(tables())
def test_hashes_are_equal_where_rows_are(table):
    hashes = hashes_of(table)
    for i in range(len(table)):
        for k in range(i):
            assert (hashes[i] == hashes[k]) == (table[i].tobytes() == table[k].tobytes())


@given(st.binary(min_size=1, max_size=100))
# Two flips, of upper bits in different words, gave one hash.
@example(
    bytes.fromhex("4412f1d9d495eb0761254bb40faa1630")
    + bytes(16)
    + bytes.fromhex("01aa71f5d9df8725c25c8b475b0826000000")
)
def test_each_bit_changes_the_hash(row):
    table = np.tile(np.frombuffer(row, np.uint8), (8 * len(row) + 1, 1))
    for bit in range(8 * len(row)):
        table[bit, bit // 8] ^= 1 << bit % 8
    assert len(set(hashes_of(table).tolist())) == len(table)


def test_zeros_of_any_length_differ_in_hash():
    assert len({int(hashes_of(np.zeros((1, size), np.uint8))[0]) for size in range(200)}) == 200


@given(tables(), st.integers(1, 8))
def test_constant_rows(table, itemsize):
    table = np.ascontiguousarray(table[:, : table.shape[1] // itemsize * itemsize])
    constant = np.full(len(table), 7, np.uint8)
    row_stats.constant_rows(table, itemsize, constant)
    for row, flag in zip(table, constant.tolist(), strict=True):
        assert flag == (
            len({row.tobytes()[i : i + itemsize] for i in range(0, row.size, itemsize)}) <= 1
        )


@given(tables(), st.data())
def test_sums_by_class(table, data):
    classes = np.array(
        data.draw(st.lists(st.integers(0, 3), min_size=len(table), max_size=len(table))), np.int64
    )
    sums = np.full((4, table.shape[1]), 5, np.uint64)
    expected = sums.copy()
    np.add.at(expected, classes, table)
    row_stats.sum_rows(table, classes, sums)
    np.testing.assert_array_equal(sums, expected)


@given(tables())
def test_counts_of_values(table):
    for channels in range(1, 6):
        pixels = table.reshape(-1)[: table.size // channels * channels].reshape(-1, channels)
        counts = np.full((channels, 256), 5, np.uint64)
        row_stats.count_values(pixels, counts)
        expected = [np.bincount(channel, minlength=256) + 5 for channel in pixels.T]
        np.testing.assert_array_equal(counts, expected)


def test_what_does_not_fit_is_refused():
    table, sums = np.zeros((3, 4), np.uint8), np.zeros((2, 4), np.uint64)
    for call in (
        lambda: row_stats.hash_rows(table, np.zeros(2, np.uint64)),
        lambda: row_stats.constant_rows(table, 1, np.zeros(4, np.uint8)),
        lambda: row_stats.constant_rows(table, 3, np.zeros(3, np.uint8)),
        lambda: row_stats.constant_rows(table, 0, np.zeros(3, np.uint8)),
        lambda: row_stats.sum_rows(table, np.zeros(2, np.int64), sums),
        lambda: row_stats.sum_rows(table, np.zeros(3, np.int64), sums[:, :3].copy()),
        lambda: row_stats.sum_rows(table, np.array([0, 2, 0]), sums),
        lambda: row_stats.sum_rows(table, np.array([0, -1, 0]), sums),
        lambda: row_stats.count_values(table, np.zeros((4, 255), np.uint64)),
        lambda: row_stats.count_values(table, np.zeros((3, 256), np.uint64)),
    ):
        with pytest.raises(ValueError):
            call()
