"""Integers that a caller gave."""

import numpy as np
import pytest

from idxio._util.integers import unsigned_64, whole_number


@pytest.mark.parametrize("value", [3, np.uint8(3), np.int64(3)])
def test_every_kind_of_integer_becomes_an_int(value):
    assert type(whole_number("rank", value, 3)) is int
    assert whole_number("rank", value, 3) == 3


@pytest.mark.parametrize("value", [3.0, "3", None, np.float64(3), [3]])
def test_nothing_else_is_one(value):
    with pytest.raises(TypeError, match="rank is an integer, not"):
        whole_number("rank", value, 0)


def test_the_least():
    with pytest.raises(ValueError, match="rank is 3 or more, not 2"):
        whole_number("rank", 2, 3)


def test_64_bits_without_a_sign():
    assert unsigned_64("seed", (1 << 64) - 1) == (1 << 64) - 1
    with pytest.raises(ValueError, match=r"seed is less than 2\^64, not 18446744073709551616"):
        unsigned_64("seed", 1 << 64)
    with pytest.raises(ValueError, match="seed is 0 or more, not -1"):
        unsigned_64("seed", -1)
