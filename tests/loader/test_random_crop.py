"""RandomCrop: offsets, shapes, types and wrong use."""

import pickle

import numpy as np
import pytest
from helpers import TYPES, sample
from reference_transforms import augmented_epoch

import idxio
from idxio.transforms import RandomCrop, RandomHorizontalFlip


def batch_of(images, augment, **options):
    (batch,) = idxio.Dataset(images, np.arange(len(images))).batches(
        len(images), augment=augment, **options
    )
    return batch[0]


def test_offsets_are_uniform():
    n = 81 * 500
    images = np.zeros((n, 9, 9), np.uint8)
    images[:, 4, 4] = 1  # the offset of the part shows where it went
    found = batch_of(images, [RandomCrop(padding=4)], seed=3)
    assert (found.sum((1, 2)) == 1).all()
    places = found.reshape(n, 81).argmax(1)
    counts = np.bincount(places, minlength=81)
    assert ((counts - 500) ** 2 / 500).sum() < 160  # 80 degrees of freedom: p = 3e-7
    pairs = np.histogram2d(places[:-1] % 9, places[1:] % 9, bins=9)[0]  # neighbours
    assert ((pairs - n / 81) ** 2 / (n / 81)).sum() < 160


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize(
    "shape", [(1, 1), (3, 7), (28, 28), (20, 70), (3, 5, 7), (5, 7, 3), (6, 5, 1)]
)
def test_types_and_shapes(name, order, shape):
    images = sample(name, (12, *shape))
    images = images.astype(images.dtype.newbyteorder(order))
    for crop in (
        RandomCrop(padding=4),
        RandomCrop(padding=(0, 3), fill=-1 if name != "uint8" else 255),
        RandomCrop((1, 2), padding=1, fill=5),
        RandomCrop(40, padding=(30, 40, 9, 35), fill=1),
    ):
        augment = [crop, RandomHorizontalFlip()]
        expected = augmented_epoch(images, range(12), augment, 6, 0)
        found = batch_of(images, augment, seed=6)
        assert found.tobytes() == expected.tobytes()
        assert found.shape == expected.shape
        found = batch_of(images, augment, seed=6, scale=0.5, mean=1)
        expected = expected.astype(np.float32) * np.float32(0.5) - np.float32(1)
        assert found.tobytes() == expected.tobytes()


def test_batches_of_another_shape():
    images = sample("uint8", (20, 6, 8))
    ds = idxio.Dataset(images, np.arange(20))
    augment = [RandomCrop((9, 4), padding=(0, 2))]
    expected = augmented_epoch(images, range(20), augment, 0, 0)
    out = np.empty((7, 9, 4), np.uint8), np.empty(7, int)
    found = [batch.copy() for batch, _ in ds.batches(7, augment=augment, out=out)]
    assert np.array_equal(np.concatenate(found), expected)
    with pytest.raises(ValueError, match=r"out has shape \(7, 6, 8\)"):
        ds.batches(7, augment=augment, out=(np.empty((7, 6, 8), np.uint8), out[1]))
    mean = np.random.default_rng(0).normal(0, 1, (9, 4))  # of each pixel of what is cut
    ((found, _),) = ds.batches(20, augment=augment, mean=mean)
    assert np.array_equal(found, expected.astype("f4") + -mean.astype("f4"))


def test_every_line_of_a_large_image():
    images = sample("uint8", (3, 300, 517))
    augment = [RandomCrop((280, 530), padding=(9, 17), fill=3)]
    expected = augmented_epoch(images, range(3), augment, 1, 0)
    assert np.array_equal(batch_of(images, augment, seed=1), expected)


def test_types_that_numpy_converts():
    images = sample("uint8", (9, 4, 6))
    for dtype in ("int64", "complex64", "uint16"):
        found = batch_of(images, [RandomCrop(3, padding=1, fill=2)], dtype=dtype)
        expected = augmented_epoch(images, range(9), [RandomCrop(3, padding=1, fill=2)], 0, 0)
        assert found.dtype == dtype
        assert np.array_equal(found, expected)
    others = images.astype("datetime64[s]")
    with pytest.raises(ValueError, match=r"images of datetime64\[s\] can hold, not 0"):
        batch_of(others, [RandomCrop(padding=1)])


def test_one_part_is_the_image():
    images = sample("int16", (9, 4, 6))
    assert np.array_equal(batch_of(images, [RandomCrop()]), images)
    assert np.array_equal(batch_of(images, [RandomCrop((4, 6))]), images)


@pytest.mark.parametrize(
    ("crop", "message"),
    [
        (RandomCrop(30), "cuts 30 x 30 out of images that are 28 x 28 with their padding: give a"),
        (RandomCrop((28, 37), padding=4), "cuts 28 x 37 out of images that are 36 x 36"),
        (RandomCrop(padding=1, fill=256), "fill of RandomCrop is a number .*uint8 can hold, not"),
        (RandomCrop(padding=1, fill=-1), "fill of RandomCrop is a number .* can hold, not -1"),
        (RandomCrop(padding=1, fill=0.5), "fill of RandomCrop is a number .* can hold, not 0.5"),
        (RandomCrop(padding=1, fill="0"), "fill of RandomCrop is a number .* can hold, not '0'"),
        (RandomCrop(padding=1, fill=[1, 2]), "fill of RandomCrop is a number .* can hold, not"),
        (RandomCrop(padding=1, fill=float("nan")), "can hold, not nan"),
        (RandomCrop(padding=1, fill=float("inf")), "can hold, not inf"),
        (RandomCrop(padding=1, fill=None), "can hold, not None"),
    ],
)
def test_what_images_of_this_shape_and_type_do_not_have(crop, message):
    ds = idxio.Dataset(np.zeros((4, 28, 28), np.uint8), np.arange(4))
    with pytest.raises(ValueError, match=message):
        ds.batches(4, augment=[crop])


def test_fills_of_floats():
    images = np.zeros((4, 2, 2), np.float32)
    for fill in (0.1, float("inf"), -float("inf"), 1 << 70, np.float64(3)):
        found = batch_of(images, [RandomCrop(1, padding=9, fill=fill)])
        assert np.float32(fill) in found
        assert set(found.reshape(-1).tolist()) <= {0, float(np.float32(fill))}
    assert np.isnan(batch_of(images, [RandomCrop(1, padding=9, fill=float("nan"))])).any()
    for fill in (1e39, -1e39, 1 << 200, 1j):
        with pytest.raises(ValueError, match="images of float32 can hold, not"):
            batch_of(images, [RandomCrop(1, padding=9, fill=fill)])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"size": 0}, ValueError, "size of RandomCrop is 1 or more, not 0"),
        ({"size": (3, 4, 5)}, ValueError, "size of RandomCrop is 1 or 2 numbers"),
        ({"size": 2.5}, TypeError, "size of RandomCrop is an integer, not 2.5"),
        ({"padding": -1}, ValueError, "padding of RandomCrop is 0 or more, not -1"),
        ({"padding": (1, 2, 3)}, ValueError, "padding of RandomCrop is 1 or 2 or 4 numbers"),
        ({"padding": ()}, ValueError, "padding of RandomCrop is 1 or 2 or 4 numbers"),
        ({"padding": 1 << 40}, ValueError, "padding of RandomCrop is up to 1073741824, not"),
        ({"size": (1, 1 << 40)}, ValueError, "size of RandomCrop is up to 1073741824, not"),
        ({"padding": None}, TypeError, "padding of RandomCrop is an integer, not None"),
    ],
)
def test_arguments_that_make_no_sense(options, error, message):
    with pytest.raises(error, match=message):
        RandomCrop(**options)


def test_images_without_pixels():
    empty = np.zeros((4, 0, 2), np.uint8)
    assert batch_of(empty, [RandomCrop()]).shape == (4, 0, 2)
    assert batch_of(empty, [RandomCrop(padding=3)]).shape == (4, 0, 2)
    with pytest.raises(ValueError, match="nothing to cut out of images of 0 x 2"):
        batch_of(empty, [RandomCrop(4, padding=4)])


def test_parts_that_no_memory_holds():
    ds = idxio.Dataset(np.zeros((4, 2, 2), np.uint8), np.arange(4))
    with pytest.raises((OverflowError, ValueError, MemoryError)):
        list(ds.batches(4, augment=[RandomCrop(1 << 30, padding=1 << 30)]))


def test_crops_are_values():
    assert RandomCrop(padding=4) == RandomCrop(None, 4, 0) != RandomCrop(padding=3)
    assert repr(RandomCrop(24)) == "RandomCrop(size=24, padding=0, fill=0)"
    assert pickle.loads(pickle.dumps(RandomCrop((3, 4), 2))) == RandomCrop((3, 4), 2)
    assert RandomCrop.__module__ == "idxio.transforms"
