"""The bytes of a record, and records that fit into a number of bytes."""

import numpy as np
import pytest

from idxio._util.sizes import record_nbytes, records_in


@pytest.mark.parametrize("shape", [(5,), (5, 3), (5, 28, 28), (5, 0), (5, 3, 1, 2)], ids=str)
@pytest.mark.parametrize("dtype", ["u1", ">i2", "f8"])
def test_record_nbytes_is_that_of_a_numpy_record(shape, dtype):
    array = np.zeros(shape, dtype)
    assert record_nbytes(array.shape, array.dtype) == array[0].nbytes


def test_record_nbytes_needs_no_records():
    assert record_nbytes((0, 28, 28), np.dtype(np.int32)) == 4 * 784


@pytest.mark.parametrize(
    ("nbytes", "size", "expected"),
    [(100, 10, 10), (99, 10, 9), (9, 10, 1), (0, 10, 1), (100, 0, 100), (0, 0, 1)],
)
def test_records_in(nbytes, size, expected):
    assert records_in(nbytes, size) == expected
