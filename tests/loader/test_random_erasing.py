"""RandomErasing: how often, how much, where, of which types, and wrong use."""

import pickle

import numpy as np
import pytest
from helpers import TYPES, sample
from reference_transforms import augmented_epoch

import idxio
from idxio.transforms import RandomErasing, RandomHorizontalFlip


def batch_of(images, augment, **options):
    (batch,) = idxio.Dataset(images, np.arange(len(images))).batches(
        len(images), augment=augment, **options
    )
    return batch[0]


def test_how_often_and_how_much():
    n = 20_000
    found = batch_of(np.ones((n, 40, 40), np.uint8), [RandomErasing(0.3)], seed=2) == 0
    is_erased = found.any((1, 2))
    assert abs(is_erased.mean() - 0.3) < 5 * np.sqrt(0.21 / n)
    shares = found[is_erased].mean((1, 2))
    assert 0.015 < shares.min() < 0.022
    assert 0.3 < shares.max() < 0.36  # sides are rounded
    heights = found[is_erased].any(2).sum(1)
    widths = found[is_erased].any(1).sum(1)
    assert np.array_equal(heights * widths, found[is_erased].sum((1, 2)))  # rectangles
    assert abs(np.log(heights / widths).mean()) < 0.03  # as often high as wide
    assert abs(heights.mean() / widths.mean() - 1) < 0.03


def test_places_are_uniform():
    n = 60_000
    images = np.ones((n, 8, 8), np.uint8)
    square = RandomErasing(1, scale=(4 / 64, 4 / 64), ratio=(1, 1))  # of 2 x 2
    found = batch_of(images, [square], seed=1) == 0
    assert (found.sum((1, 2)) == 4).all()
    counts = np.bincount(found.reshape(n, 64).argmax(1), minlength=64)
    counts = counts.reshape(8, 8)[:7, :7]
    assert ((counts - n / 49) ** 2 / (n / 49)).sum() < 110  # 48 degrees of freedom: p = 1e-6


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (28, 28), (3, 5, 7), (5, 7, 3), (6, 5, 1)])
def test_types_and_shapes(name, order, shape):
    images = sample(name, (12, *shape))
    images = images.astype(images.dtype.newbyteorder(order))
    for erasing in (
        RandomErasing(),
        RandomErasing(1, scale=(0, 1), ratio=(0.01, 100), value=3),
        RandomErasing(0.9, scale=(0.1, 0.1), ratio=(2, 2), value=255 if name == "uint8" else -1),
    ):
        augment = [erasing, RandomHorizontalFlip()]
        expected = augmented_epoch(images, range(12), augment, 6, 0)
        assert batch_of(images, augment, seed=6).tobytes() == expected.tobytes()
        found = batch_of(images, augment, seed=6, scale=0.5, mean=1)
        expected = expected.astype(np.float32) * np.float32(0.5) - np.float32(1)
        assert found.tobytes() == expected.tobytes()


def test_images_without_pixels():
    assert batch_of(np.zeros((4, 0, 2), np.uint8), [RandomErasing(1)]).shape == (4, 0, 2)


@pytest.mark.parametrize("value", [256, -1, 0.5, "random", (1, 2, 3), None])
def test_values_that_images_can_not_hold(value):
    ds = idxio.Dataset(np.zeros((4, 28, 28), np.uint8), np.arange(4))
    with pytest.raises(ValueError, match=r"value of RandomErasing is a number .*uint8 can"):
        ds.batches(4, augment=[RandomErasing(value=value)])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"p": 2}, "p of RandomErasing is a number from 0 to 1, not 2"),
        ({"scale": (0.5, 0.2)}, "scale of RandomErasing is a pair of numbers from 0 to 1, the"),
        ({"scale": (0, 1.1)}, "scale of RandomErasing is a pair"),
        ({"scale": 0.3}, "scale of RandomErasing is a pair"),
        ({"ratio": (0, 1)}, "ratio of RandomErasing is a pair of numbers from 0.0009765625 to"),
        ({"ratio": (1, float("nan"))}, "ratio of RandomErasing is a pair"),
        ({"ratio": (1, 2, 3)}, "ratio of RandomErasing is a pair"),
    ],
)
def test_arguments_that_make_no_sense(options, message):
    with pytest.raises(ValueError, match=message):
        RandomErasing(**options)


def test_erasings_are_values():
    assert RandomErasing() == RandomErasing(0.5, (0.02, 0.33), (0.3, 3.3), 0) != RandomErasing(1)
    assert pickle.loads(pickle.dumps(RandomErasing(value=3))) == RandomErasing(value=3)
    assert RandomErasing.__module__ == "idxio.transforms"
