"""channels=: batches with the channels of images first or last, as views of what they were without."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import idxio
from idxio.loader.channels import ChannelLayout
from idxio.transforms import RandomHorizontalFlip

RECORDS = [(5, 7), (1, 1), (5, 7, 3), (3, 5, 7), (5, 7, 1), (1, 5, 7), (4, 5, 5), (6, 5, 2)]
N = 13


def stored_axis(record):
    """The axis of a batch that holds the channels; None without one."""
    if len(record) == 2:
        return None
    return 1 if record[0] <= 4 else 3


def reference(images, channels):
    """What numpy makes of images as they are stored."""
    axis = stored_axis(images.shape[1:])
    target = 1 if channels == "first" else 3
    return np.expand_dims(images, target) if axis is None else np.moveaxis(images, axis, target)


def dataset(record, dtype="u1"):
    images = np.random.default_rng(5).integers(0, 100, (N, *record)).astype(dtype)
    return images, idxio.Dataset(images, np.arange(N))


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("channels", ["first", "last"])
@pytest.mark.parametrize("size", [1, 4, N])
@pytest.mark.parametrize("options", [{}, {"dtype": "f4"}, {"augment": [RandomHorizontalFlip()]}])
def test_batches_are_views_in_the_order_of_the_file(record, channels, size, options):
    _, ds = dataset(record, ">i2")
    plain = list(ds.batches(size, shuffle=True, **options))
    found = list(ds.batches(size, shuffle=True, channels=channels, **options))
    assert len(plain) == len(found)
    for (images, _), (seen, labels) in zip(plain, found, strict=True):
        assert np.array_equal(seen, reference(images, channels))
        assert seen.flags.writeable
        assert len(seen) == len(labels)
        axis = stored_axis(record)
        is_moved = axis is not None and axis != (1 if channels == "first" else 3)
        order = (0, 2, 3, 1) if channels == "first" else (0, 3, 1, 2)
        assert (seen.transpose(order) if is_moved else seen).flags.c_contiguous


def factor(random, count, channels, height, width):
    """A factor for records of a batch in each of the shapes that it may have, with what numpy takes
    for it.
    """
    whole = (count, height, width) if channels == "first" else (height, width, count)
    per_channel = random.uniform(0.5, 2, count)
    as_numpy = per_channel[:, None, None] if channels == "first" else per_channel
    full = random.uniform(0.5, 2, whole)
    row = full[..., :1, :] if channels == "first" else full[:1]
    return [
        (None, None),
        (1.5, np.float64(1.5)),
        (per_channel, as_numpy),
        (per_channel[:, None, None], as_numpy),
        (full, full),
        (row, row),
    ]


@settings(deadline=None)
@given(
    st.sampled_from([(5, 7), (5, 7, 3), (3, 5, 7), (5, 7, 1), (4, 5, 5), (7, 6, 4)]),
    st.sampled_from(["first", "last"]),
    st.integers(0, 1 << 20),
    st.lists(st.integers(0, 5), min_size=3, max_size=3),
)
def test_factors_are_for_records_of_a_batch(record, channels, seed, kinds):
    images, ds = dataset(record)
    shown = reference(images, channels).astype("f4")
    axis = 1 if channels == "first" else 3
    height, width = (size for k, size in enumerate(shown.shape) if k not in (0, axis))
    random = np.random.default_rng(seed)
    options = factor(random, shown.shape[axis], channels, height, width)
    scale, mean, std = (options[kind] for kind in kinds)
    ((found, _),) = ds.batches(
        N, channels=channels, dtype="f4", scale=scale[0], mean=mean[0], std=std[0]
    )
    by = 1 if std[1] is None else std[1]
    a = np.float32((1 if scale[1] is None else scale[1]) / by)
    b = np.float32(-(0 if mean[1] is None else mean[1]) / by)
    assert np.array_equal(found, shown * a + b)


@pytest.mark.parametrize("record", [(5, 7), (5, 7, 3), (3, 5, 7)])
@pytest.mark.parametrize("channels", ["first", "last"])
def test_out(record, channels):
    images, ds = dataset(record)
    expected = reference(images, channels)
    layout = ChannelLayout(record, channels)
    out = (layout.shown(np.empty((4, *record), np.uint8)), np.empty(4, np.int64))
    for k, (found, _) in enumerate(ds.batches(4, channels=channels, out=out)):
        assert np.shares_memory(found, out[0])
        assert np.array_equal(found, expected[4 * k : 4 * k + 4])
    with pytest.raises(ValueError, match=r"out has shape \(4, .*; batches have \(4, "):
        ds.batches(4, channels=channels, out=(np.empty((4, 9, 9), np.uint8), out[1]))


def test_out_in_another_order_is_refused():
    _, ds = dataset((5, 7, 3))
    out = (np.empty((4, 3, 5, 7), np.uint8), np.empty(4, np.int64))
    with pytest.raises(
        ValueError, match=r"np\.empty\(\(4, 5, 7, 3\), dtype\)\.transpose\(0, 3, 1, 2\)"
    ):
        ds.batches(4, channels="first", out=out)
    with pytest.raises(TypeError, match="numpy arrays"):
        ds.batches(4, channels="first", out=[([], out[1])])


def test_it_says_nothing_of_the_order():
    _, ds = dataset((5, 7, 3))
    state = ds.batches(2, shuffle=True).state_dict()
    ds.batches(2, shuffle=True, channels="first").load_state_dict(state)


@pytest.mark.parametrize(
    ("record", "channels", "message"),
    [
        ((5, 7), "middle", "channels is one of first, last, or None, not 'middle'"),
        ((5, 7), 1, "channels is one of first, last, or None, not 1"),
        ((5, 7, 9), "first", r"have shape \(5, 7, 9\), where neither end can be channels"),
        ((3, 9, 3), "last", r"have shape \(3, 9, 3\), where either end could be the channels"),
        ((784,), "first", r"have shape \(784,\), where neither"),
        ((2, 5, 7, 3), "first", r"have shape \(2, 5, 7, 3\), where neither"),
        ((), "first", r"have shape \(\), where neither"),
    ],
)
def test_images_without_channels(record, channels, message):
    with pytest.raises(ValueError, match=message):
        idxio.Dataset(np.zeros((4, *record), np.uint8), np.arange(4)).batches(2, channels=channels)


def test_factors_that_do_not_fit():
    _, ds = dataset((5, 7, 3))
    for wrong in (np.ones(4), np.ones((5, 7, 3)), np.ones((2, 1, 1))):
        with pytest.raises(
            ValueError, match=r"mean has shape .* one for each|mean has shape .* numpy"
        ):
            ds.batches(4, channels="first", mean=wrong)
    with pytest.raises(ValueError, match="std has shape"):
        ds.batches(4, channels="first", std=np.ones((1, 1, 5, 7)))


def test_repr_has_the_shape_of_a_batch():
    ds = idxio.Dataset(np.zeros((4, 5, 6), np.uint8), np.arange(4))
    assert "2 of 2 x 1 x 5 x 6 uint8" in repr(ds.batches(2, channels="first"))
    ds = idxio.Dataset(np.zeros((4, 5, 6, 3), np.uint8), np.arange(4))
    assert "2 of 2 x 3 x 5 x 6 uint8" in repr(ds.batches(2, channels="first"))


@pytest.mark.parametrize("channels", [None, "first"])
def test_a_scale_that_is_no_number(channels):
    ds = idxio.Dataset(np.zeros((4, 5, 6, 3), np.uint8), np.arange(4))
    with pytest.raises(ValueError, match="scale is a number or an array of numbers, not '1/255'"):
        ds.batches(2, channels=channels, scale="1/255")
