"""RandomAffine: the same bits as its reference, what it does to angles, sizes and places, wrong use."""

import math
import pickle

import numpy as np
import pytest
from helpers import TYPES, sample
from reference_transforms import augmented_epoch, exact_sine

import idxio
from idxio.transforms import RandomAffine, RandomHorizontalFlip

BOTH = ("nearest", "bilinear")


def batch_of(images, augment, **options):
    (batch,) = idxio.Dataset(images, np.arange(len(images))).batches(
        len(images), augment=augment, **options
    )
    return batch[0]


@pytest.mark.parametrize("interpolation", BOTH)
@pytest.mark.parametrize("turns", range(-4, 5))
def test_quarter_turns(turns, interpolation):
    for shape in ((1, 1), (4, 4), (7, 7), (3, 6, 6), (6, 6, 3)):
        images = sample("uint8", (5, *shape))
        found = batch_of(images, [RandomAffine((90 * turns,) * 2, None, None, interpolation)])
        axes = (2, 3) if shape[0] == 3 else (1, 2)
        assert np.array_equal(found, np.rot90(images, -turns, axes))  # clockwise


@pytest.mark.parametrize("interpolation", BOTH)
def test_shifts_are_uniform(interpolation):
    n = 20_000
    images = np.zeros((n, 9, 15), np.uint8)
    images[:, 4, 7] = 1
    found = batch_of(images, [RandomAffine(0, (0.3, 0.25), interpolation=interpolation)], seed=1)
    assert (found.sum((1, 2)) == 1).all()
    y, x = np.divmod(found.reshape(n, -1).argmax(1), 15)
    # Up to 4.5 and 2.25 pixels, rounded.
    counts = np.bincount(x, minlength=15)
    assert counts[3:12].sum() == n
    assert ((counts[3:12] - n / 9) ** 2 / (n / 9)).sum() < 45  # 8 degrees of freedom: p = 4e-7
    counts = np.bincount(y, minlength=9)
    shares = n * np.array([0.75, 1, 1, 1, 0.75]) / 4.5
    assert counts[2:7].sum() == n
    assert ((counts[2:7] - shares) ** 2 / shares).sum() < 35


def test_scales():
    images = np.zeros((50, 40, 40), np.uint8)
    images[:, 10:30, 10:30] = 1
    for scale in (0.5, 1.5, 2.0):
        found = batch_of(images, [RandomAffine(0, scale=(scale, scale))])
        assert (found.sum((1, 2)) == (20 * scale) ** 2).all()
    found = batch_of(images, [RandomAffine(0, scale=(0.5, 2))]).sum((1, 2))
    assert found.min() < 200 < 1000 < found.max()


def test_angles_turn_about_the_middle():
    images = np.zeros((2000, 41, 41), np.uint8)
    images[:, 20, 38] = 1  # to the right of the middle
    images[:, 20, 20] = 2
    found = batch_of(images, [RandomAffine(30)], seed=4)
    assert (found[:, 20, 20] == 2).all()
    which, y, x = np.nonzero(found == 1)
    degrees = np.degrees(np.arctan2(y - 20, x - 20))
    assert -32 < degrees.min() < -27
    assert 27 < degrees.max() < 32
    assert abs(degrees.mean()) < 2
    assert len(set(which.tolist())) > 1800


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize(
    "shape", [(1, 1), (3, 7), (28, 28), (3, 5, 7), (5, 7, 3), (6, 5, 1), (1, 5, 6)]
)
@pytest.mark.parametrize("interpolation", BOTH)
def test_types_and_shapes(name, order, shape, interpolation):
    images = np.random.default_rng(1).normal(0, 60, (8, *shape)).astype(name)
    images = images.astype(images.dtype.newbyteorder(order))
    for affine in (
        RandomAffine(30, interpolation=interpolation),
        RandomAffine((-360, 360), (1, 0.5), (0.25, 3), interpolation),
    ):
        augment = [affine, RandomHorizontalFlip()]
        expected = augmented_epoch(images, range(8), augment, 6, 0)
        assert batch_of(images, augment, seed=6).tobytes() == expected.tobytes()
        found = batch_of(images, augment, seed=6, dtype="f4", scale=0.5, mean=1)
        expected = expected.astype(np.float32) * np.float32(0.5) - np.float32(1)
        assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("name", ["uint8", "int8", "int16", "int32"])
def test_interpolated_extremes(name):
    limits = np.iinfo(name)
    images = np.random.default_rng(0).choice(np.array([limits.min, limits.max], name), (6, 9, 9))
    augment = [RandomAffine(180, (0.3, 0.3), (0.5, 2), "bilinear")]
    expected = augmented_epoch(images, range(6), augment, 3, 0)
    assert np.array_equal(batch_of(images, augment, seed=3), expected)


def test_other_types():
    for dtype in ("bool", "uint16", "complex64", "datetime64[s]"):
        images = np.arange(18).reshape(2, 3, 3).astype(dtype)
        found = batch_of(images, [RandomAffine((90, 90))])
        assert np.array_equal(found, np.rot90(images, -1, (1, 2)))
        with pytest.raises(ValueError, match="interpolation='bilinear' takes images of the types"):
            batch_of(images, [RandomAffine(10, interpolation="bilinear")])


def test_sines_are_right():
    for degrees in np.random.default_rng(0).uniform(-360, 360, 2000).tolist():
        sine, cosine = exact_sine(degrees)
        assert abs(sine - math.sin(math.radians(degrees))) < 4e-15
        assert abs(cosine - math.cos(math.radians(degrees))) < 4e-15


def test_images_without_pixels():
    assert batch_of(np.zeros((4, 0, 2), np.uint8), [RandomAffine(9)]).shape == (4, 0, 2)


def test_images_that_are_too_long():
    images = np.broadcast_to(np.zeros((1, 1, 1), np.uint8), (2, 1, (1 << 20) + 1))
    with pytest.raises(ValueError, match="up to 1048576 pixels a side, not 1 x 1048577"):
        batch_of(images, [RandomAffine(9)])
    wide = np.arange(1 << 20, dtype=np.int32).reshape(1, 1, -1)
    found = batch_of(wide, [RandomAffine((180, 180), scale=(1, 1))])
    assert np.array_equal(found, wide[:, :, ::-1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"degrees": -1}, "degrees of RandomAffine is a pair of numbers from -360 to 360"),
        ({"degrees": 361}, "degrees of RandomAffine is a pair"),
        ({"degrees": (10, -10)}, "degrees of RandomAffine is a pair .*, not \\(10, -10\\)"),
        ({"degrees": float("nan")}, "degrees of RandomAffine is a pair"),
        ({"degrees": "9"}, "degrees of RandomAffine is a number"),
        ({"degrees": None}, "degrees of RandomAffine is a number"),
        ({"translate": (0.1, 1.1)}, "translate of RandomAffine is a pair of shares from 0 to 1"),
        ({"translate": 0.1}, "translate of RandomAffine is a pair of shares"),
        ({"translate": (0.1, 0.1, 0.1)}, "translate of RandomAffine is a pair of shares"),
        ({"scale": (0, 1)}, "scale of RandomAffine is a pair of numbers from 0.0009765625"),
        ({"scale": 2}, "scale of RandomAffine is a pair"),
        ({"interpolation": "cubic"}, "interpolation of RandomAffine is 'nearest' or 'bilinear'"),
    ],
)
def test_arguments_that_make_no_sense(options, message):
    with pytest.raises(ValueError, match=message):
        RandomAffine(**{"degrees": 10, **options})


def test_affines_are_values():
    assert RandomAffine(9) == RandomAffine(9, None, None, "nearest") != RandomAffine(8)
    assert pickle.loads(pickle.dumps(RandomAffine(9, (0, 1)))) == RandomAffine(9, (0, 1))
    assert RandomAffine.__module__ == "idxio.transforms"
