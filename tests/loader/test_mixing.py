"""MixUp and CutMix: what they make, the same in every way of making it, how often, wrong use."""

import math
import pickle
import zlib

import numpy as np
import pytest

import idxio
from idxio._native import permutation
from idxio.loader import keys
from idxio.transforms import CutMix, MixUp, RandomCrop, RandomHorizontalFlip

N, CLASSES = 103, 5
IMAGES = np.random.default_rng(2).integers(0, 256, (N, 8, 6), np.uint8)
LABELS = np.arange(N) * 7 % CLASSES
FLOATS = {"dtype": "float32", "scale": 1 / 255, "one_hot": True}
# CRC-32 of the images and labels of the second epoch.
GOLDEN = {
    MixUp(): 3167174569,
    MixUp(0.2): 2969245310,
    MixUp(4): 108352506,
    CutMix(): 396469185,
    CutMix(0.3): 2455087118,
}


def dataset(images=IMAGES):
    return idxio.Dataset(images, LABELS)


def epoch(ds, augment, *, begin=None, **options):
    """The batches of the second epoch."""
    loop = ds.batches(16, shuffle=True, seed=5, augment=augment, **{**FLOATS, **options})
    loop.set_epoch(1)
    if begin is not None:
        loop.load_state_dict({**loop.state_dict(), "position": begin})
    return [(images.copy(), labels.copy()) for images, labels in loop]


def same(found, expected):
    assert len(found) == len(expected)
    for pair, other in zip(found, expected, strict=True):
        for array, like in zip(pair, other, strict=True):
            assert array.dtype == like.dtype
            assert np.array_equal(array, like)


def drawn(number, position, k, seed=5):
    words = (seed, 1, keys.MIXING, number, position, k % 2**64)
    return (permutation.key(*words) >> 11) / 2**53


def reference(plain, transform, position, number=0):
    """A batch that is mixed, by as few words as will do; alpha is above 1/2."""
    images, labels = (array.copy() for array in plain)
    u, v = (drawn(number, position, k) for k in (0, 1))
    share = (
        1 + math.sqrt(1 - u ** (2 / (2 * transform.alpha - 1))) * math.cos(2 * math.pi * v)
    ) / 2
    share = round(share * 2**20) / 2**20
    if isinstance(transform, MixUp):
        a, b = np.float32(share), np.float32(1 - share)
        images = images * a + np.roll(images, 1, 0) * b
    else:
        half = math.sqrt(1 - share) / 2
        y, x = (int(drawn(number, position, k) * n) for k, n in ((-1, 8), (-2, 6)))
        rows = slice(max(0, y - int(half * 8)), min(8, y + int(half * 8)))
        columns = slice(max(0, x - int(half * 6)), min(6, x + int(half * 6)))
        images[:, rows, columns] = np.roll(images, 1, 0)[:, rows, columns]
        share = 1 - len(range(8)[rows]) * len(range(6)[columns]) / 48
    return images, labels * np.float32(share) + np.roll(labels, 1, 0) * np.float32(1 - share)


@pytest.mark.parametrize("transform", [MixUp(), MixUp(3), CutMix(), CutMix(2)])
def test_as_the_reference(transform):
    plain = epoch(dataset(), [])
    expected = [reference(pair, transform, 16 * k) for k, pair in enumerate(plain)]
    same(epoch(dataset(), [transform]), expected)


def test_one_behind_the_other_and_behind_those_of_images():
    plain = epoch(dataset(), [RandomCrop(padding=1), RandomHorizontalFlip()])
    expected = [
        reference(reference(pair, MixUp(), 16 * k), CutMix(), 16 * k, 1)
        for k, pair in enumerate(plain)
    ]
    order = [MixUp(), RandomCrop(padding=1), CutMix(), RandomHorizontalFlip()]
    same(epoch(dataset(), order), expected)


@pytest.mark.parametrize("transform", GOLDEN)
def test_golden_vectors(transform):
    found = epoch(dataset(), [transform])
    crc = 0
    for array in (array for pair in found for array in pair):
        crc = zlib.crc32(array.tobytes(), crc)
    assert crc == GOLDEN[transform]


@pytest.mark.parametrize("transform", [MixUp(0.4), CutMix()])
def test_the_same_bits_in_every_way(tmp_path, transform):
    expected = epoch(dataset(), [transform])
    for threads in (1, 2):
        for prefetch in (0, 3):
            same(epoch(dataset(), [transform], threads=threads, prefetch=prefetch), expected)
    same(epoch(dataset(), [transform], begin=32), expected[2:])
    idxio.write(tmp_path / "raw", IMAGES)
    idxio.write(tmp_path / "packed.gz", IMAGES)
    for name in ("raw", "packed.gz"):
        same(epoch(dataset(idxio.open(tmp_path / name)), [transform]), expected)
    out = np.empty((16, 8, 6), np.float32), np.empty((16, CLASSES), np.float32)
    same(epoch(dataset(), [transform], out=out), expected)
    first = [(images[:, 0], labels) for images, labels in
             epoch(dataset(), [transform], channels="first")]  # fmt: skip
    same(first, expected)
    parts = dataset().batches(16, shuffle=True, seed=5, augment=[transform], **FLOATS)
    parts.set_epoch(1)
    taken = list(parts.part(1, 3))
    same([(a.copy(), b.copy()) for a, b in taken], expected[1::3])


@pytest.mark.parametrize("transform", [MixUp(), CutMix()])
def test_ranks_draw_apart_and_windows_mix_what_they_hold(tmp_path, transform):
    idxio.write(tmp_path / "packed.gz", IMAGES)
    for source in (IMAGES, idxio.open(tmp_path / "packed.gz")):
        ranks = [
            epoch(dataset(source), [transform], buffer=2000, rank=rank, world_size=2)
            for rank in (0, 1)
        ]
        plain = [
            epoch(dataset(source), [], buffer=2000, rank=rank, world_size=2) for rank in (0, 1)
        ]
        for rank, (mixed, unmixed) in enumerate(zip(ranks, plain, strict=True)):
            expected = [reference(pair, transform, 32 * k + rank) for k, pair in enumerate(unmixed)]
            same(mixed, expected)
        assert not np.allclose(ranks[0][0][1].max(1), ranks[1][0][1].max(1))


def test_cutmix_takes_any_type_and_colour():
    images = np.arange(4 * 8 * 6 * 3, dtype=np.int16).reshape(4, 8, 6, 3)
    for array in (images, images.transpose(0, 3, 1, 2)):
        ds = idxio.Dataset(np.ascontiguousarray(array), np.arange(4))
        ((mixed, labels),) = ds.batches(4, one_hot=True, augment=[CutMix()], seed=3)
        assert mixed.dtype == np.int16
        last = mixed if mixed.shape[3] == 3 else mixed.transpose(0, 2, 3, 1)
        own = (last == images).all((0, 3))
        assert 0 < own.mean() < 1
        assert (last == np.where(own[..., None], images, np.roll(images, 1, 0))).all()
        assert labels.diagonal() == pytest.approx(own.mean())


@pytest.mark.parametrize("alpha", [0.1, 0.5, 0.7, 1, 2.5])
def test_shares_are_beta_distributed(alpha):
    ds = idxio.Dataset(np.zeros((8000, 1, 1), np.uint8), np.arange(8000) % 2)
    loop = ds.batches(2, dtype="float32", one_hot=True, augment=[MixUp(alpha)], seed=11)
    shares = np.array([labels[0, 0] for _, labels in loop], np.float64)
    assert len(shares) == 4000
    assert abs(shares.mean() - 0.5) < 0.025
    # https://en.wikipedia.org/wiki/Beta_distribution#Variance
    assert shares.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.06)
    if alpha == 1:
        counts = np.histogram(shares, 20, (0, 1))[0]
        assert ((counts - 200) ** 2 / 200).sum() < 43.8  # 0.001 of 19 degrees of freedom


def test_small_batches():
    ds = idxio.Dataset(IMAGES[:3], [0, 1, 2])
    for images, labels in ds.batches(1, **FLOATS, augment=[MixUp(), CutMix()]):
        assert labels.sum() == 1
        assert images.shape == (1, 8, 6)
    empty = idxio.Dataset(np.zeros((2, 0, 3), np.uint8), [0, 1])
    ((images, labels),) = empty.batches(2, one_hot=True, augment=[CutMix()])
    assert images.shape == (2, 0, 3)
    assert labels.tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"augment": [MixUp()], "dtype": "float32"}, "MixUp mixes labels.*one_hot=True"),
        ({"augment": [CutMix()]}, "CutMix mixes labels.*one_hot=True"),
        ({"augment": [MixUp()], "one_hot": True}, "batches are uint8: give dtype='float32'"),
    ],
)
def test_wrong_use(options, message):
    with pytest.raises(ValueError, match=message):
        dataset().batches(4, **options)


def test_batches_that_are_cast_elsewhere():
    loop = dataset().batches(4, one_hot=True, augment=[CutMix()])
    with pytest.raises(ValueError, match="tensors without device"):
        loop.unconverted(iter, np.int64)


def test_tensors():
    pytest.importorskip("torch")
    from idxio.adapters.torch import TensorBatches

    loop = dataset().batches(16, shuffle=True, seed=5, augment=[MixUp()], **FLOATS)
    loop.set_epoch(1)
    found = [(images.numpy().copy(), labels.numpy().copy()) for images, labels in
             TensorBatches(loop)]  # fmt: skip
    same([(images.reshape(-1, 8, 6), labels) for images, labels in found],
         epoch(dataset(), [MixUp()]))  # fmt: skip


def test_records_that_are_no_images():
    ds = idxio.Dataset(np.zeros((4, 7), np.float32), [0, 1, 0, 1])
    next(iter(ds.batches(4, one_hot=True, augment=[MixUp()])))
    with pytest.raises(ValueError, match="augment needs images"):
        ds.batches(4, one_hot=True, augment=[CutMix()])


@pytest.mark.parametrize("alpha", [0, -1, float("nan"), float("inf"), "1", None])
@pytest.mark.parametrize("transform", [MixUp, CutMix])
def test_wrong_alpha(transform, alpha):
    with pytest.raises(ValueError, match=f"alpha of {transform.__name__} is a number above 0"):
        transform(alpha)


def test_they_are_values():
    assert MixUp() == MixUp(1) != MixUp(2)
    assert MixUp() != CutMix()
    assert pickle.loads(pickle.dumps(CutMix(0.5))) == CutMix(0.5)
    assert repr(CutMix(0.5)) == "CutMix(alpha=0.5)"
