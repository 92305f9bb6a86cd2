"""mean="dataset" and std="dataset": the numbers of `stats`."""

import numpy as np
import pytest

import idxio
from idxio.datasets import dataset as module

RANDOM = np.random.default_rng(0)


def whole(ds, **options):
    ((images, _),) = ds.batches(len(ds), **options)
    return images


@pytest.mark.parametrize(
    ("record", "channels"),
    [
        ((6, 5), None),
        ((6, 5), "first"),
        ((6, 5, 3), None),
        ((6, 5, 3), "first"),
        ((3, 6, 5), None),
        ((3, 6, 5), "last"),
        ((7,), None),
        ((6, 5, 9), None),
    ],
)
@pytest.mark.parametrize("dtype", ["u1", ">i2", "f4"])
@pytest.mark.parametrize("scale", [None, 1 / 255])
def test_as_stats_says(record, channels, dtype, scale):
    images = RANDOM.integers(0, 200, (30, *record)).astype(dtype)
    ds = idxio.Dataset(images, np.arange(30))
    mean, std = ds.stats(scale=scale)
    own = "dataset"
    for words, numbers in (
        ({"mean": own}, {"mean": mean}),
        ({"std": own}, {"std": std}),
        ({"mean": own, "std": own}, {"mean": mean, "std": std}),
        ({"mean": 3.0, "std": own}, {"mean": 3.0, "std": std}),
    ):
        options = {"scale": scale, "channels": channels}
        assert np.array_equal(whole(ds, **options, **words), whole(ds, **options, **numbers))


@pytest.mark.parametrize("record", [(6, 5, 3), (3, 6, 5)])
@pytest.mark.parametrize("channels", ["first", "last"])
def test_each_channel_has_its_own(record, channels):
    axis = 3 if record[2] == 3 else 1
    pixels = RANDOM.integers(0, 200, (30, *record))
    images = (pixels + 10 * np.arange(3).reshape([3 if k == axis else 1 for k in range(4)])).astype(
        "u1"
    )
    ds = idxio.Dataset(images, np.arange(30))
    found = whole(ds, channels=channels, scale=[1, 0.5, 0.1], mean="dataset", std="dataset")
    others = (0, 2, 3) if channels == "first" else (0, 1, 2)
    np.testing.assert_allclose(found.mean(others, dtype=float), 0, atol=1e-6)
    np.testing.assert_allclose(found.std(others, dtype=float), 1, rtol=1e-6)


@pytest.fixture
def passes(monkeypatch):
    """A list of the passes over images that are made for their moments."""
    made = []
    original = module.moments_of
    monkeypatch.setattr(module, "moments_of", lambda held: made.append(held) or original(held))
    return made


@pytest.mark.parametrize("key", [slice(None), [5, 3, 1]])
def test_files_are_looked_at_once(tmp_path, passes, key):
    idxio.write(tmp_path / "x.gz", RANDOM.integers(0, 200, (30, 6, 5)).astype("u1"))
    ds = idxio.Dataset(tmp_path / "x.gz", np.arange(30))[key]
    first, second = (whole(ds, mean="dataset", scale=scale) for scale in (1, 2))
    assert len(passes) == 1
    np.testing.assert_allclose(second, 2 * first, rtol=1e-5, atol=1e-5)


def test_an_array_may_change(passes):
    images = np.zeros((4, 2, 2), np.uint8)
    ds = idxio.Dataset(images, np.arange(4))
    for value in (1, 5):
        images[:] = value
        assert (whole(ds, mean="dataset") == 0).all()
    assert len(passes) == 2


def test_numbers_need_no_pass(passes):
    whole(idxio.Dataset(np.zeros((4, 2, 2), np.uint8), np.arange(4)), mean=1.5, std=2)
    assert not passes


def test_a_part_has_its_own():
    images = np.repeat(np.arange(4, dtype=np.uint8), 4).reshape(4, 2, 2)
    ds = idxio.Dataset(images, np.arange(4))
    assert whole(ds[:2], mean="dataset").mean() == 0
    assert ds[:2].moments.stats().mean == 0.5


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (np.ones((4, 2), "f4"), {"mean": "data"}, "mean is a number, an array or 'dataset', not 'data'"),
        (np.ones((4, 2), "f4"), {"std": "dataset"}, "std is 0 somewhere"),
        (np.full((4, 2), np.nan), {"mean": "dataset"}, r"the mean of the dataset is \[nan\]: it has no"),
        (np.full((4, 2), np.inf), {"std": "dataset"}, r"the std of the dataset is \[nan\]"),
        (np.ones((4, 0), "u1"), {"mean": "dataset"}, "no pixels, or some that are NaN"),
        (np.ones((4, 2), "u1"), {"mean": "dataset", "dtype": "u1"}, "float32 or float64, not uint8"),
    ],
)  # fmt: skip
def test_what_has_none(images, options, message):
    with pytest.raises(ValueError, match=message):
        idxio.Dataset(images, np.arange(4)).batches(2, **options)
