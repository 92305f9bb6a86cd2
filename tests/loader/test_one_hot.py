"""Labels as one-hot rows: what numpy's identity matrix has at them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import idxio


@given(
    st.lists(st.integers(0, 12), max_size=60),
    st.integers(1, 20),
    st.sampled_from([None, ["a"], [*"abcdefghijklmnop"], {2: "c", 20: "u"}, {-3: "x"}]),
    st.sampled_from(["keep", "pad"]),
    st.sampled_from([0, 2]),
)
def test_rows_of_the_identity(labels, size, names, remainder, prefetch):
    ds = idxio.Dataset(np.arange(len(labels))[:, None], np.array(labels, ">i2"), class_names=names)
    count = max([-1, *labels, *(ds.class_names or ())]) + 1
    options = {"shuffle": True, "remainder": remainder, "world_size": 2, "prefetch": prefetch}
    plain, rows = (ds.batches(size, one_hot=one_hot, **options) for one_hot in (False, True))
    for (images, tags, *valid), (same, one_hot, *again) in zip(plain, rows, strict=True):
        assert np.array_equal(images, same)
        assert np.array_equal(valid, again)
        assert one_hot.dtype == np.float32
        assert one_hot.flags.writeable
        assert np.array_equal(one_hot, np.eye(count, dtype=np.float32)[tags])


def test_batches_of_a_group_have_memory_of_their_own():
    ds = idxio.Dataset(np.zeros((50, 2), np.uint8), np.arange(50) % 3)
    kept = [labels for _, labels in ds.batches(3, one_hot=True)]
    for labels in kept:
        labels *= 7
    assert all(np.array_equal(np.unique(labels), [0, 7]) for labels in kept)


def test_parts_have_the_columns_of_all_names():
    ds = idxio.Dataset(np.zeros((4, 2)), [0, 1, 2, 3], class_names=[*"abcd"])
    ((_, labels),) = ds[:2].batches(2, one_hot=True)
    assert labels.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0]]


def test_out():
    ds = idxio.Dataset(np.arange(10, dtype=np.uint8)[:, None], np.arange(10) % 3)
    out = (np.empty((4, 1), np.uint8), np.empty((4, 3), np.float32))
    for images, labels in ds.batches(4, one_hot=True, out=out):
        assert labels.base is out[1]
        assert np.array_equal(labels.argmax(1), images[:, 0] % 3)
        assert (labels.sum(1) == 1).all()
    for wrong in (np.empty(4, np.int64), np.empty((4, 4), np.float32), np.empty((4, 3))):
        with pytest.raises(ValueError, match=r"batches have \(4, 3\) and float32"):
            ds.batches(4, one_hot=True, out=(out[0], wrong))


def test_it_says_nothing_of_the_order():
    ds = idxio.Dataset(np.zeros((4, 2)), [0, 1, 2, 3])
    state = ds.batches(2, shuffle=True).state_dict()
    ds.batches(2, shuffle=True, one_hot=True).load_state_dict(state)


@pytest.mark.parametrize(
    ("labels", "names", "odd"),
    [([0, -1], None, "-1"), ([0, 70_000], None, "70,000"), ([0, 1], {1 << 40: "x"}, "1,09")],
)
def test_labels_that_are_no_columns(labels, names, odd):
    ds = idxio.Dataset(np.zeros((2, 2)), labels, class_names=names)
    with pytest.raises(ValueError, match=f"there is the label {odd}.*numpy.unique"):
        ds.batches(2, one_hot=True)


@pytest.mark.parametrize("one_hot", [10, "yes", None, [True]])
def test_it_is_a_switch(one_hot):
    """A number would be taken for the number of columns, and is none."""
    with pytest.raises(TypeError, match=r"one_hot is True or False, not .*how many columns"):
        idxio.Dataset(np.zeros((4, 2)), [0, 1, 2, 3]).batches(2, one_hot=one_hot)
    idxio.Dataset(np.zeros((4, 2)), [0, 1, 2, 3]).batches(2, one_hot=np.True_)
