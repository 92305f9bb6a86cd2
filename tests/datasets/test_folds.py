"""Folds: each sample is held out once, every class in its proportion, and the same for ever."""

import io
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import idxio


def numbered(labels):
    """A dataset whose images tell which sample they are."""
    return idxio.Dataset(np.arange(len(labels), dtype=np.int32)[:, None], labels)


# A change of these is a change of everybody's results.
GOLDEN = {
    (10, 2, 0, True): [[0, 6, 7, 8, 9], [1, 2, 3, 4, 5]],
    (10, 3, 1, True): [[2, 3, 7, 8], [0, 5, 6], [1, 4, 9]],
    (10, 3, 1, False): [[4, 6, 7, 9], [3, 5, 8], [0, 1, 2]],
}


def test_golden_folds():
    for (n, k, seed, stratified), expected in GOLDEN.items():
        folds = numbered(np.arange(n) % 2).folds(k, seed=seed, stratified=stratified)
        assert [held.images[:].ravel().tolist() for _, held in folds] == expected, (n, k, seed)


@given(
    st.lists(st.integers(0, 4), min_size=2, max_size=80),
    st.integers(2, 12),
    st.integers(0, 2**64 - 1),
    st.booleans(),
)
def test_each_sample_is_held_out_once(labels, k, seed, stratified):
    k = min(k, len(labels))
    ds = numbered(labels)
    folds = ds.folds(k, seed=seed, stratified=stratified)
    assert len(folds) == k
    held = [fold.images[:].ravel() for _, fold in folds]
    assert sorted(np.concatenate(held)) == list(range(len(labels)))
    for (train, fold), ids in zip(folds, held, strict=True):
        rest = np.setdiff1d(np.arange(len(labels)), ids)
        assert train.images[:].ravel().tolist() == rest.tolist()
        assert fold.labels.tolist() == ds.labels[ids].tolist()
        assert train.labels.tolist() == ds.labels[rest].tolist()
    sizes = [len(ids) for ids in held]
    assert max(sizes) - min(sizes) <= 1
    for label in set(labels) if stratified else ():
        counts = [fold.counts.get(label, 0) for _, fold in folds]
        assert max(counts) - min(counts) <= 1


def test_seeds_differ_and_are_random():
    ds = numbered(np.zeros(60, int))
    first = [ds.folds(3, seed=seed)[0][1].images[:].ravel() for seed in range(400)]
    assert len({ids.tobytes() for ids in first}) == 400
    # Each sample is held out in a third of them: 133 of 400, give or take five deviations.
    times = np.bincount(np.concatenate(first))
    assert np.abs(times - 400 / 3).max() < 5 * np.sqrt(400 * (1 / 3) * (2 / 3))


def test_names_stay():
    ds = idxio.Dataset(np.zeros((4, 2)), [0, 1, 0, 1], class_names=["a", "b"])
    for pair in ds.folds(2, seed=0):
        assert [part.class_names for part in pair] == [{0: "a", 1: "b"}] * 2


@pytest.mark.parametrize("kind", ["array", "raw", "gzip", "part", "upright"])
def test_batches_of_folds_read_the_images_once(tmp_path, monkeypatch, kind):
    images = np.arange(60 * 6, dtype=np.int32).reshape(60, 2, 3)
    idxio.write(tmp_path / ("x" if kind == "raw" else "x.gz"), images)
    idxio.write(tmp_path / "train-labels-idx1-ubyte", (np.arange(60) % 3).astype(np.uint8))
    (tmp_path / ("x" if kind == "raw" else "x.gz")).rename(tmp_path / "train-images-idx3-int")
    ds = idxio.load(tmp_path, upright=kind == "upright")
    if kind == "array":
        ds = idxio.Dataset(images, ds.labels)
    if kind == "part":
        ds = ds[[*range(50, 9, -1)]]
    expected = ds.images[:]
    folds = ds.folds(4, seed=3)
    held_by_all = ds.in_memory  # what is read is read here
    monkeypatch.setattr(idxio.IdxArray, "__getitem__", None)
    monkeypatch.setattr(idxio.IdxArray, "read", None)
    for pair in folds:
        seen = []
        for part in pair:
            found = np.concatenate([found for found, _ in part.batches(7)])
            assert found.shape == (len(part), *expected.shape[1:])
            seen.append(found)
            base = getattr(part.in_memory, "base", None)
            whole = held_by_all if isinstance(held_by_all, np.ndarray) else held_by_all.base
            assert np.shares_memory(base, whole)
        ids = np.concatenate(seen)[:, 0, 0]
        order = np.argsort(ids)
        assert np.array_equal(np.concatenate(seen)[order], expected[np.argsort(expected[:, 0, 0])])


def test_folds_are_pickled_by_the_name_of_their_file(tmp_path):
    idxio.write(tmp_path / "x.gz", np.arange(40_000, dtype=np.int32).reshape(1000, 40))
    train, held = idxio.Dataset(tmp_path / "x.gz", np.arange(1000) % 2).folds(4, seed=0)[1]
    list(held.batches(100))
    pickled = pickle.dumps(train)
    assert len(pickled) < 40_000  # the images take 160,000
    copied = pickle.loads(pickled)
    for (found, _), (expected, _) in zip(copied.batches(99), train.batches(99), strict=True):
        assert np.array_equal(found, expected)


def test_folds_of_windows():
    file = io.BytesIO()
    idxio.write(file, np.arange(2000, dtype=np.int32)[:, None], compression="gzip")
    ds = idxio.Dataset(file.getvalue(), np.arange(2000) % 2)
    train, held = ds.folds(4, seed=0)[0]
    seen = [
        np.concatenate([images[:, 0] for images, _ in part.batches(64, shuffle=True, buffer=4096)])
        for part in (train, held)
    ]
    assert sorted(np.concatenate(seen)) == list(range(2000))


@pytest.mark.parametrize(
    ("k", "options", "error", "message"),
    [
        (1, {"seed": 0}, ValueError, "the number of folds is 2 or more, not 1"),
        (11, {"seed": 0}, ValueError, "11 folds of 10 samples"),
        (2.5, {"seed": 0}, TypeError, "the number of folds is an integer, not 2.5"),
        (2, {"seed": -1}, ValueError, "seed is 0 or more"),
        (2, {}, TypeError, "seed"),
    ],
)
def test_wrong_use(k, options, error, message):
    with pytest.raises(error, match=message):
        numbered(np.arange(10)).folds(k, **options)
