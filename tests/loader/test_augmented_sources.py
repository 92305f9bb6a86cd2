"""Augmented batches have the same bits wherever images come from: memory, a map, windows, a URL.

So have those of two ranks, and those behind a loop that stopped and went on elsewhere.
"""

import gzip
import itertools

import numpy as np
import pytest
from helpers import encode
from range_server import RangeServer

import idxio
from idxio.loader import window_shuffle
from idxio.transforms import (
    MixUp,
    RandomAffine,
    RandomCrop,
    RandomErasing,
    RandomHorizontalFlip,
)

N, BATCH, SEED, EPOCH = 500, 32, 5, 3
BLOCK = 10 * 9 * 8
"""Bytes of 10 records."""
WINDOWS = {"buffer": 2 * 12 * BLOCK}
IMAGES = np.random.default_rng(1).integers(0, 256, (N, 9, 8), np.uint8)
LABELS = np.arange(N)  # so that labels tell which images were mixed
EACH = [
    RandomCrop(padding=2),
    RandomHorizontalFlip(),
    RandomErasing(),
    RandomAffine(15, (0.1, 0.1), (0.8, 1.2), "bilinear"),
]
OPTIONS = {"seed": SEED, "one_hot": True, "scale": 1 / 255, "mean": 0.5, "std": 0.25}
MIXED = {**OPTIONS, "augment": [*EACH, MixUp(0.4)]}


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr(window_shuffle, "RECORD_BLOCK", BLOCK)


@pytest.fixture
def files(tmp_path):
    """A function from place and name to the images: raw, as idxio packs them, and as gzip does."""
    (tmp_path / "raw").write_bytes(encode(IMAGES))
    (tmp_path / "stock.gz").write_bytes(gzip.compress(encode(IMAGES), 1))
    idxio.write(tmp_path / "own.gz", IMAGES)
    with RangeServer({f"/{file.name}": file.read_bytes() for file in tmp_path.iterdir()}) as server:

        def find(where, name):
            if where == "url":
                pytest.importorskip("obstore")
                return f"{server.url}/{name}"
            return tmp_path / name if where == "path" else (tmp_path / name).read_bytes()

        yield find


@pytest.fixture(params=[True, False], ids=["shuffled", "in order"])
def shuffle(request):
    return request.param


KINDS = pytest.mark.parametrize(
    ("where", "name", "windows"),
    [
        ("path", "raw", {}),
        ("path", "own.gz", {}),
        ("url", "raw", {}),
        ("url", "own.gz", {}),
        ("url", "stock.gz", {}),
        ("path", "own.gz", WINDOWS),
        ("path", "stock.gz", WINDOWS),
        ("url", "own.gz", WINDOWS),
        ("url", "stock.gz", WINDOWS),
    ],
)


def epoch(images, labels=LABELS, stops=(N,), **options):
    """The batches of one epoch. Those behind each stop are of a loop over images opened anew."""
    found, state = [], None
    for stop in stops:
        opened = images if isinstance(images, np.ndarray) else idxio.open(images)
        batches = idxio.Dataset(opened, labels).batches(BATCH, **options)
        batches.set_epoch(EPOCH)
        if state is not None:
            batches.load_state_dict(state)
        loop = iter(batches)
        found += itertools.islice(loop, stop)
        state = batches.state_dict()
        loop.close()
    return found


def order_of(images, **options):
    """The samples in the order of that epoch."""
    return np.concatenate([labels for _, labels in epoch(images, seed=SEED, **options)])


def bits(batches):
    return [[array.tobytes() for array in batch] for batch in batches]


@KINDS
def test_an_epoch(files, where, name, windows, shuffle):
    """What stands at a position is changed as in memory, whatever the order is."""
    order = order_of(files("bytes", "own.gz") if windows else IMAGES, shuffle=shuffle, **windows)
    assert (np.sort(order) == LABELS).all()
    assert shuffle != (order == LABELS).all()
    if shuffle and windows:
        assert (order != order_of(IMAGES, shuffle=True)).any()
    expected = epoch(IMAGES[order], order, **MIXED)
    for stops in [(N,), (3, 5, N)]:
        found = epoch(files(where, name), stops=stops, shuffle=shuffle, **windows, **MIXED)
        assert bits(found) == bits(expected)


@KINDS
def test_two_ranks(files, where, name, windows):
    options = {"shuffle": True, "world_size": 2, "remainder": "drop"}
    held = files("bytes", "own.gz") if windows else IMAGES
    order = order_of(held, shuffle=True, **windows)
    whole = epoch(IMAGES[order], order, augment=EACH, **OPTIONS)
    image_of = {
        k: x.tobytes() for k, x in zip(order, np.concatenate([x for x, _ in whole]), strict=True)
    }
    seen = []
    for rank in range(2):
        options["rank"] = rank
        found = epoch(
            files(where, name), stops=(4, N), augment=EACH, **windows, **OPTIONS, **options
        )
        for images, labels in found:
            numbers = labels.argmax(1)
            assert [x.tobytes() for x in images] == [image_of[k] for k in numbers]
            seen += numbers.tolist()
        mixed = epoch(files(where, name), stops=(4, N), **windows, **MIXED, **options)
        assert bits(mixed) == bits(epoch(held, **windows, **MIXED, **options))
    assert sorted(seen) == list(range(N))
