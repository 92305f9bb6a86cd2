"""augment=: the same images to the bit whatever makes the batches."""

import io
import pickle
import zlib

import numpy as np
import pytest
from helpers import TYPES, sample
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference_transforms import M64, augmented_epoch, mixed

import idxio
from idxio.loader import materialize, samplers, window_shuffle
from idxio.loader import transforms as module
from idxio.transforms import (
    RandomAffine,
    RandomCrop,
    RandomErasing,
    RandomHorizontalFlip,
    RandomVerticalFlip,
)

AXES = {RandomHorizontalFlip: -1, RandomVerticalFlip: -2}
# Where a change of these is, there is another samplers.VERSION.
GOLDEN = {
    (0, 0, 0): "0001111010111111",
    (0, 0, 1): "1111011111001110",
    (0, 1, 0): "1100100011110011",
    (M64, M64, 3): "1111011101100110",
}


def test_golden_vectors():
    assert samplers.VERSION == 1
    images = np.tile(np.array([[0, 1]], np.uint8), (16, 1, 1))
    for (seed, epoch, number), expected in GOLDEN.items():
        transforms = [RandomVerticalFlip()] * number + [RandomHorizontalFlip()]
        batches = idxio.Dataset(images, np.arange(16)).batches(16, seed=seed, augment=transforms)
        batches.set_epoch(epoch)
        ((flipped, _),) = batches
        assert "".join(map(str, flipped[:, 0, 0].tolist())) == expected, (seed, epoch, number)


# Of batches of 16, on images of 12 x 10 without equal pixels.
GOLDEN_BATCHES = {
    RandomCrop(padding=4): 1124339700,
    RandomCrop((5, 14), padding=(3, 0), fill=9): 3238585866,
    RandomErasing(0.9, value=200): 3781585886,
    RandomAffine(40, (0.1, 0.3), (0.7, 1.4)): 1737012990,
    RandomAffine(180, interpolation="bilinear"): 779270885,
}


@pytest.mark.parametrize("transform", GOLDEN_BATCHES, ids=str)
def test_golden_batches(transform):
    images = np.tile(np.arange(1, 121, dtype=np.uint8).reshape(1, 12, 10), (16, 1, 1))
    augment = [RandomHorizontalFlip(), transform]
    batches = idxio.Dataset(images, np.arange(16)).batches(16, seed=5, augment=augment)
    batches.set_epoch(7)
    ((found, _),) = batches
    assert zlib.crc32(found.tobytes()) == GOLDEN_BATCHES[transform]


FLIPS = st.builds(
    lambda kind, p: kind(p),
    st.sampled_from([RandomHorizontalFlip, RandomVerticalFlip]),
    st.sampled_from([0.0, 0.3, 0.5, 1.0]),
)
# Each can follow any other.
OTHERS = [
    RandomCrop(padding=2),
    RandomCrop((2, 3), padding=(1, 3, 2, 0), fill=7),
    RandomCrop((7, 12), padding=(5, 6)),
    RandomErasing(0.7, value=9),
    RandomAffine(40, (0.1, 0.3), (0.7, 1.4)),
    RandomAffine((-90, 300), interpolation="bilinear"),
]
TRANSFORMS = st.lists(st.one_of(FLIPS, st.sampled_from(OTHERS)), min_size=1, max_size=4)


@pytest.fixture(params=["array", "transposed", "raw", "gzip", "windows"])
def stored(request, tmp_path_factory, monkeypatch):
    """From an array to what a Dataset takes for it."""
    monkeypatch.setattr("idxio.loader.epoch._BUNDLE", 300)
    monkeypatch.setattr("idxio.loader.epoch._PLANNED", 16)
    if request.param == "transposed":
        monkeypatch.setattr(materialize, "IN_MEMORY", 0)  # numpy gathers, not copied before
        return lambda images: np.ascontiguousarray(images.swapaxes(1, 2)).swapaxes(1, 2)
    if request.param == "array":
        return lambda images: images
    if request.param == "windows":
        monkeypatch.setattr(window_shuffle, "RECORD_BLOCK", 200)
        monkeypatch.setattr(materialize, "IN_MEMORY", 0)
        monkeypatch.setattr("idxio.loader.batches.BUFFER", 2 * 600)
    packing = "raw" if request.param == "raw" else "gzip"

    def pack(images):
        file = io.BytesIO()
        idxio.write(file, images, compression=packing)
        return file.getvalue()

    return pack


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.integers(1, 60),
    st.integers(1, 20),
    st.integers(1, 3),
    st.sampled_from(["keep", "drop", "pad"]),
    st.booleans(),
    st.booleans(),
    st.integers(0, M64),
    st.integers(0, 5),
    TRANSFORMS,
    st.sampled_from([0, 2]),
    st.integers(1, 3),
)
def test_the_same_bits_for_all_ways_to_make_batches(
    stored, n, size, world, remainder, shuffle, balanced, seed, epoch, augment, prefetch, threads
):
    images = np.random.default_rng(n).integers(0, 256, (n, 5, 9), np.uint8)
    ds = idxio.Dataset(stored(images), np.arange(n))
    order_of = {"shuffle": shuffle, "balanced": balanced, "seed": seed}
    whole = ds.batches(n, **order_of)
    whole.set_epoch(epoch)
    ((plain, order),) = whole
    assert np.array_equal(plain, images[order])
    expected = augmented_epoch(images, order, augment, seed, epoch)
    found = {}
    for rank in range(world):
        batches = ds.batches(
            size,
            **order_of,
            augment=augment,
            rank=rank,
            world_size=world,
            remainder=remainder,
            prefetch=prefetch,
            threads=threads,
        )
        batches.set_epoch(epoch)
        for augmented_images, labels, *valid in batches:
            counted = valid[0] if valid else np.ones(len(labels), bool)
            found.update(zip(labels[counted], augmented_images[counted], strict=True))
    assert len(found) == (n - n % world if remainder == "drop" else n)
    for k, label in enumerate(order.tolist()):
        assert label not in found or np.array_equal(found[label], expected[k])
    # After a resume in the midst of it, with another batch size.
    state = {**whole.state_dict(), "epoch": epoch, "position": n // 2}
    rest = ds.batches(3, **order_of, augment=augment)
    rest.load_state_dict(state)
    parts = [part for part, _ in rest]
    assert np.array_equal(np.concatenate(parts), expected[n // 2 :])


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (8, 30), (3, 5, 7), (5, 7, 3), (6, 5, 1)])
@pytest.mark.parametrize("flip", [RandomHorizontalFlip, RandomVerticalFlip])
def test_types_and_shapes(name, order, shape, flip):
    images = sample(name, (40, *shape))
    images = images.astype(images.dtype.newbyteorder(order))
    last = len(shape) == 3 and shape[2] <= 3
    axis = AXES[flip] - last
    for options in ({}, {"dtype": "f4"}, {"dtype": "f8", "mean": 3, "std": 7}):
        ds = idxio.Dataset(images, np.arange(40))
        ((plain, _),) = ds.batches(40, **options)
        ((found, _),) = ds.batches(40, augment=[flip(0.5)], seed=3, **options)
        is_flipped = [mixed(3, 0, M64, 0, k, 0) < 1 << 63 for k in range(40)]
        expected = [
            np.flip(image, axis) if is_so else image
            for image, is_so in zip(plain, is_flipped, strict=True)
        ]
        assert 0 < sum(is_flipped) < 40
        assert found.tobytes() == np.stack(expected).tobytes()


def test_means_by_pixel_stay_where_they_are():
    images = sample("uint8", (6, 4, 5))
    mean = np.random.default_rng(0).normal(0, 1, (4, 5))
    ((found, _),) = idxio.Dataset(images, np.arange(6)).batches(
        6, mean=mean, augment=[RandomHorizontalFlip(1)]
    )
    ((expected, _),) = idxio.Dataset(images[:, :, ::-1], np.arange(6)).batches(6, mean=mean)
    assert found.tobytes() == expected.tobytes()


def test_types_that_numpy_converts():
    images = sample("uint8", (30, 4, 6))
    flips = [RandomHorizontalFlip(), RandomVerticalFlip()]
    for dtype in ("int64", "complex64", "uint16"):
        ((found, _),) = idxio.Dataset(images, np.arange(30)).batches(
            30, dtype=dtype, augment=flips, seed=1
        )
        assert found.dtype == dtype
        assert np.array_equal(found, augmented_epoch(images, range(30), flips, 1, 0))


def test_as_often_as_p_says_and_independently():
    n = 100_000
    images = np.tile(np.array([[0, 1], [2, 3]], np.uint8), (n, 1, 1))
    ds = idxio.Dataset(images, np.zeros(n, int))
    batches = ds.batches(
        n, augment=[RandomHorizontalFlip(), RandomVerticalFlip(), RandomHorizontalFlip(0.1)]
    )
    epochs = [flipped[:, 0, 0].astype(int) for flipped, _ in (*batches, *batches)]
    for corners in (epochs[0], epochs[1]):
        counts = np.bincount(corners, minlength=4)
        assert ((counts - n / 4) ** 2 / (n / 4)).sum() < 30  # 3 degrees of freedom: p = 1e-6
    pairs = np.bincount(epochs[0] * 4 + epochs[1], minlength=16)  # one epoch and the next
    assert ((pairs - n / 16) ** 2 / (n / 16)).sum() < 60
    neighbours = np.bincount(epochs[0][:-1] * 4 + epochs[0][1:], minlength=16)
    assert ((neighbours - n / 16) ** 2 / (n / 16)).sum() < 60
    ((flipped, _),) = ds.batches(n, augment=[RandomHorizontalFlip(0.1)])
    assert abs(flipped[:, 0, 0].mean() - 0.1) < 5 * np.sqrt(0.09 / n)
    for p, expected in ((0, 0), (1, n)):
        ((flipped, _),) = ds.batches(n, augment=[RandomHorizontalFlip(p)])
        assert flipped[:, 0, 0].sum() == expected


def test_processes_that_share_an_epoch():
    ds = idxio.Dataset(sample("uint8", (50, 4, 6)), np.arange(50))
    batches = ds.batches(4, shuffle=True, augment=[RandomHorizontalFlip()])
    whole = [images for images, _ in batches]
    for part in range(3):
        batches.set_epoch(0)
        parts = [images for images, _ in batches.part(part, 3)]
        assert len(parts) == len(whole[part::3])
        for one, other in zip(parts, whole[part::3], strict=True):
            assert np.array_equal(one, other)


def test_augmentation_is_no_part_of_the_state():
    ds = idxio.Dataset(sample("uint8", (9, 4, 6)), np.arange(9))
    plain = ds.batches(2, shuffle=True).state_dict()
    assert ds.batches(2, shuffle=True, augment=[RandomHorizontalFlip()]).state_dict() == plain


def test_batches_that_augment_can_be_pickled():
    ds = idxio.Dataset(sample("uint8", (9, 4, 6)), np.arange(9))
    batches = ds.batches(4, shuffle=True, augment=[RandomHorizontalFlip(), RandomVerticalFlip(0.2)])
    copied = pickle.loads(pickle.dumps(batches))
    for (one, _), (other, _) in zip(batches, copied, strict=True):
        assert np.array_equal(one, other)


def test_transforms_are_values():
    assert RandomHorizontalFlip() == RandomHorizontalFlip(0.5) != RandomVerticalFlip()
    assert repr(RandomHorizontalFlip(p=0.25)) == "RandomHorizontalFlip(p=0.25)"
    assert pickle.loads(pickle.dumps(RandomVerticalFlip(0.1))) == RandomVerticalFlip(0.1)
    assert RandomHorizontalFlip.__module__ == "idxio.transforms"


@pytest.mark.parametrize("p", [-0.1, 1.01, float("nan"), "0.5", None, 1j])
def test_what_is_no_probability(p):
    with pytest.raises(ValueError, match="p of RandomHorizontalFlip is a number from 0 to 1, not"):
        RandomHorizontalFlip(p)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((), r"needs images, .*; these have shape \(\)"),
        ((784,), r"needs images, .*; these have shape \(784,\)"),
        ((2, 3, 4, 5), r"needs images, .*; these have shape \(2, 3, 4, 5\)"),
        ((3, 5, 3), "either end could be the channels"),
        ((7, 8, 9), "neither end can be channels"),
    ],
)
def test_records_that_are_no_images(shape, message):
    ds = idxio.Dataset(np.zeros((4, *shape), np.uint8), np.arange(4))
    for nothing in (None, [], ()):
        assert len(list(ds.batches(4, augment=nothing))) == 1
    with pytest.raises(ValueError, match=message):
        ds.batches(4, augment=[RandomHorizontalFlip()])


@pytest.mark.parametrize(
    ("dtype", "transform", "message"),
    [
        (
            object,
            RandomHorizontalFlip(),
            "augment moves the bytes of elements, which object has none",
        ),
        ("S3", RandomCrop(padding=1), "fill of RandomCrop is a number that images of .S3 can hold"),
        ("M8[s]", RandomErasing(), "value of RandomErasing is a number that images of datetime64"),
        ("S3", RandomAffine(5, interpolation="bilinear"), "takes images of the types of IDX files"),
        ("f2", RandomAffine(5, interpolation="bilinear"), "not float16: 'nearest' takes all types"),
    ],
)
def test_types_that_it_can_not_take(dtype, transform, message):
    ds = idxio.Dataset(np.zeros((4, 5, 5), dtype), np.arange(4))
    with pytest.raises(ValueError, match=message):
        ds.batches(2, augment=[transform])


@pytest.mark.parametrize(
    "augment",
    [RandomHorizontalFlip(), RandomHorizontalFlip, "flip", 1, [RandomHorizontalFlip], [1]],
)
def test_what_is_no_list_of_transforms(augment):
    ds = idxio.Dataset(np.zeros((4, 2, 2), np.uint8), np.arange(4))
    with pytest.raises(TypeError, match=r"augment (is a list|holds) .*transforms"):
        ds.batches(4, augment=augment)


def test_images_without_pixels():
    ds = idxio.Dataset(np.zeros((4, 0, 2), np.uint8), np.arange(4))
    ((found, _),) = ds.batches(4, augment=[RandomHorizontalFlip(), RandomVerticalFlip()])
    assert found.shape == (4, 0, 2)


class Moved(module.Transform):
    """All that a new transform has to say: here, a flip of both axes."""

    def native(self, shape, key, then):
        pixels = shape.height * shape.width
        return module.kernels.flip(key, 1 << 53, shape.planes, pixels, shape.pixel, then)


def test_a_new_transform_needs_one_method_only():
    images = sample("uint8", (9, 4, 6))
    ((found, _),) = idxio.Dataset(images, np.arange(9)).batches(9, augment=[Moved()])
    assert np.array_equal(found, images[:, ::-1, ::-1])
