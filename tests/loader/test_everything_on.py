"""All options at once: the same bits for any threads, ranks, batch size, and after a resume."""

import io
import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import idxio
from idxio.loader import materialize, window_shuffle
from idxio.transforms import RandomHorizontalFlip, RandomVerticalFlip


@pytest.fixture(params=["array", "gzip", "windows"])
def stored(request, monkeypatch):
    """From an array to what a Dataset takes for it."""
    monkeypatch.setattr("idxio.loader.epoch._BUNDLE", 300)
    monkeypatch.setattr("idxio.loader.epoch._PLANNED", 16)
    if request.param == "array":
        return lambda images: images
    if request.param == "windows":
        monkeypatch.setattr(window_shuffle, "RECORD_BLOCK", 200)
        monkeypatch.setattr(materialize, "IN_MEMORY", 0)
        monkeypatch.setattr("idxio.loader.batches.BUFFER", 2 * 600)

    def pack(images):
        file = io.BytesIO()
        idxio.write(file, images, compression="gzip")
        return file.getvalue()

    return pack


ORDERS = st.sampled_from([{}, {"shuffle": True}, {"shuffle": True, "balanced": True}, "weights"])
FORMS = st.fixed_dictionaries(
    {
        "channels": st.sampled_from([None, "first", "last"]),
        "one_hot": st.booleans(),
        "mean": st.sampled_from([None, "dataset", [1, 2, 3]]),
        "std": st.sampled_from([None, "dataset"]),
        "augment": st.sampled_from(
            [None, [RandomHorizontalFlip()], [RandomVerticalFlip(0.3), RandomHorizontalFlip()]]
        ),
        "seed": st.integers(0, 2**64 - 1),
    }
)
WAYS = st.lists(
    st.tuples(st.integers(1, 20), st.integers(1, 3), st.sampled_from([0, 2])),
    min_size=2,
    max_size=2,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 60), ORDERS, FORMS, st.integers(0, 5), WAYS, st.integers(1, 3), st.data())
def test_the_same_bits(stored, n, order, form, epoch, ways, world, choice):
    images = np.random.default_rng(n).integers(0, 256, (n, 5, 4, 3), np.uint8)
    ds = idxio.Dataset(stored(images), np.arange(n) % 3, class_names=["a", "b", "c", "d"])
    if order == "weights":
        if materialize.needs_windows(ds.images, None):
            order = {"shuffle": True}
        else:
            order = {"weights": ds.class_weights}
    whole = ds.batches(n, **order, **form)
    whole.set_epoch(epoch)
    ((expected, labels),) = whole
    # Some batches of all ranks, and the rest of the epoch with other sizes, on as many ranks.
    steps = choice.draw(st.integers(0, n // (ways[0][0] * world)))
    ranks = []
    for rank in range(world):
        state = {}
        found = []
        for (size, threads, prefetch), stop in zip(ways, (steps, n), strict=True):
            options = {"threads": threads, "prefetch": prefetch, "rank": rank}
            batches = ds.batches(size, world_size=world, **options, **order, **form)
            batches.set_epoch(epoch)
            if state:
                batches.load_state_dict(state)
            loop = iter(batches)
            found += itertools.islice(loop, stop)
            state = batches.state_dict()
            loop.close()
        ranks.append([sample for batch in found for sample in zip(*batch, strict=True)])
    whole = list(zip(expected, labels, strict=True))
    if order.get("balanced") or materialize.needs_windows(ds.images, None):
        # Which rank has which sample of a step is not said here.
        assert sorted(map(bits, itertools.chain(*ranks))) == sorted(map(bits, whole))
        return
    for rank, samples in enumerate(ranks):
        assert [*map(bits, samples)] == [*map(bits, whole[rank::world])]


def bits(sample):
    return b"".join(np.asarray(part).tobytes() for part in sample)
