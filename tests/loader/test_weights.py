"""Samples drawn by weights: in proportion, independent, resumable anywhere, and the same for ever."""

import io
import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import idxio
from idxio._native import permutation
from idxio.loader import keys
from idxio.loader.weights import WeightedSampler
from idxio.transforms import RandomHorizontalFlip

M64 = 2**64 - 1


def numbered(n):
    """A dataset whose images tell which sample they are."""
    return idxio.Dataset(np.arange(n, dtype=np.int32)[:, None], np.arange(n) % 3)


def reference(weights, seed, epoch, positions):
    """The definition, in Python's integers and fractions."""
    n, largest = len(weights), Fraction(float(max(weights)))
    scale = 2 ** (62 - n.bit_length())
    # float() of a fraction rounds as a division of floats does
    shares = [float(Fraction(float(weight)) / largest) for weight in weights]
    integers = [round(Fraction(share) * scale) for share in shares]
    samples = []
    for position in positions:
        drawn = permutation.key(seed, epoch, keys.WEIGHTS, position) * sum(integers) >> 64
        sample = 0
        while drawn >= integers[sample]:
            drawn -= integers[sample]
            sample += 1
        samples.append(sample)
    return samples


# A change of these is a change of everybody's runs: it needs another version.
GOLDEN = {
    ((1, 1, 1, 1), 0, 0): [3, 3, 2, 3, 3, 2, 0, 0, 2, 0],
    ((0.1, 0, 0.7, 0.2), 7, 3): [2, 2, 2, 2, 3, 3, 3, 2, 0, 3],
    (tuple(range(1000)), M64, M64): [337, 203, 906, 905, 482, 302, 896, 708, 893, 709],
}


def test_golden_vectors():
    assert WeightedSampler.version == 1
    for (weights, seed, epoch), expected in GOLDEN.items():
        sampler = WeightedSampler(weights, np.zeros(len(weights)), seed)
        assert sampler.rows(epoch, 0, 10).tolist() == expected, (weights[:4], seed, epoch)


WEIGHTS = st.lists(
    st.one_of(st.just(0.0), st.floats(0, 1e300), st.integers(0, 9)), min_size=1, max_size=40
).filter(any)


@given(WEIGHTS, st.integers(0, M64), st.integers(0, M64), st.integers(0, 1 << 40))
def test_the_definition(weights, seed, epoch, start):
    sampler = WeightedSampler(weights, np.zeros(len(weights)), seed)
    positions = range(start, start + 20)
    found = sampler.rows(epoch, start, start + 20).tolist()
    assert found == reference(weights, seed, epoch, positions)
    assert all(weights[sample] for sample in found)
    assert found == [sampler.rows(epoch, k, k + 1)[0] for k in positions]
    assert sampler.rows(epoch, start, start).tolist() == []


@pytest.mark.parametrize("n", [1, 2, 3, 1000, 65_535, 65_536, 65_537])
@pytest.mark.parametrize("kind", ["equal", "uneven", "very uneven", "few", "one heavy"])
def test_many_samples(n, kind):
    random = np.random.default_rng(n)
    weights = {
        "equal": np.ones(n),
        "uneven": random.exponential(size=n),
        "very uneven": random.exponential(size=n) ** 8,
        "few": (np.arange(n) % 97 == 0) * 1.0,
        "one heavy": np.concatenate([[1e12], np.ones(n - 1)]),
    }[kind]
    ends = np.cumsum(np.rint(weights / weights.max() * 2.0 ** (62 - n.bit_length())).astype("u8"))
    total = int(ends[-1])
    drawn = [permutation.key(5, 2, keys.WEIGHTS, k) * total >> 64 for k in range(3000)]
    found = WeightedSampler(weights, np.zeros(n), 5).rows(2, 0, 3000)
    assert np.array_equal(found, np.searchsorted(ends, np.array(drawn, np.uint64), "right"))


def chi_square(counts, expected):
    """How many standard deviations a sum of squares lies above what chance gives on average."""
    freedom = counts.size - 1
    return (((counts - expected) ** 2 / expected).sum() - freedom) / np.sqrt(2 * freedom)


@pytest.mark.parametrize("seed", range(3))
def test_draws_are_in_proportion_and_independent(seed):
    weights = np.array([5, 0, 1, 2, 2.5, 0.5, 9, 0])
    many = np.concatenate([weights] * 1000)  # 8000 samples, 1000 of each weight
    sampler = WeightedSampler(many, np.zeros(len(many)), seed)
    epochs = np.array([sampler.rows(epoch, 0, len(many)) for epoch in range(6)])
    drawn = epochs.ravel() % 8
    share = weights / weights.sum()
    kept = share > 0
    counts = np.bincount(drawn, minlength=8)
    assert not counts[~kept].any()
    assert abs(chi_square(counts[kept], share[kept] * len(drawn))) < 5
    # What comes next, and what stands there in the next epoch, has nothing to do with it.
    pairs = np.outer(share, share)[kept][:, kept]
    following = zip((drawn[:-1], drawn[:-8000]), (drawn[1:], drawn[8000:]), strict=True)
    for one, other in following:
        table = np.zeros((8, 8))
        np.add.at(table, (one, other), 1)
        assert abs(chi_square(table[kept][:, kept], pairs * len(one))) < 5
    # As many different samples as independent draws give.
    expected = (1 - (1 - share / 1000) ** 8000).sum() * 1000
    different = np.mean([len(np.unique(epoch)) for epoch in epochs])
    assert abs(different - expected) < 5 * np.sqrt(8000 / 6)


KINDS = st.fixed_dictionaries(
    {
        "seed": st.integers(0, M64),
        "prefetch": st.sampled_from([0, 1, 3]),
        "threads": st.integers(1, 3),
        "remainder": st.sampled_from(["keep", "drop", "pad"]),
    }
)


@given(st.integers(1, 120), st.integers(1, 30), st.integers(1, 4), KINDS, st.data())
def test_ranks_share_one_order_and_resume_anywhere(n, size, world, kind, choice):
    weights = np.random.default_rng(n).exponential(size=n)
    ds = numbered(n)
    expected = WeightedSampler(weights, ds.labels, kind["seed"]).rows(5, 0, n)
    limit = {"keep": n, "drop": n - n % world, "pad": n}[kind["remainder"]]
    expected = expected[:limit].tolist()
    stop = choice.draw(st.integers(0, n // (size * world)))
    shared, states = [], []
    for rank in range(world):
        batches = ds.batches(size, weights=weights, rank=rank, world_size=world, **kind)
        batches.set_epoch(5)
        loop = iter(batches)
        taken = [batch for _, batch in zip(range(stop), loop, strict=False)]
        states.append(json.loads(json.dumps(batches.state_dict())))
        loop.close()
        again = ds.batches(size, weights=weights, rank=rank, world_size=world, **kind)
        again.load_state_dict(states[-1])
        ids = []
        for images, labels, *valid in [*taken, *again]:
            assert (images[:, 0] % 3 == labels).all()
            ids += images[valid[0] if valid else slice(None), 0].tolist()
        shared.append(ids)
    assert states == [states[0]] * world
    assert [shared[k % world][k // world] for k in range(len(expected))] == expected
    assert sum(map(len, shared)) == len(expected)


def test_a_sample_drawn_twice_is_augmented_twice():
    images = np.arange(300 * 4, dtype=np.uint16).reshape(300, 2, 2)
    ds = idxio.Dataset(images, np.zeros(300, int))
    weights = np.zeros(300)
    weights[[7, 8]] = 1
    options = {"weights": weights, "seed": 3, "augment": [RandomHorizontalFlip()]}
    found = np.concatenate([batch for batch, _ in ds.batches(64, **options)])
    for sample in (7, 8):
        plain, turned = images[sample], images[sample, :, ::-1]
        is_plain = (found == plain).all((1, 2))
        is_turned = (found == turned).all((1, 2))
        assert is_plain.sum() > 40
        assert is_turned.sum() > 40
    # What position k of a shuffled epoch gets, position k gets here.
    below = [permutation.key(3, 0, M64, 0, position, 0) >> 11 < 1 << 52 for position in range(300)]
    order = WeightedSampler(weights, ds.labels, 3).rows(0, 0, 300)
    expected = [
        images[i, :, ::-1] if turn else images[i] for i, turn in zip(order, below, strict=True)
    ]
    assert np.array_equal(found, expected)


def test_weights_of_classes():
    labels = np.repeat([0, 5, 9], [900, 90, 10])
    ds = idxio.Dataset(np.zeros((1000, 2)), labels)
    assert ds.class_weights == {0: 1000 / 2700, 5: 1000 / 270, 9: 1000 / 30}
    assert abs(sum(ds.class_weights[label] for label in labels.tolist()) - 1000) < 1e-9
    for_each = np.array([ds.class_weights[label] for label in labels.tolist()])
    found = [np.concatenate([tags for _, tags in ds.batches(50, weights=weights, seed=1)])
             for weights in (ds.class_weights, for_each, {**ds.class_weights, 77: 3.0})]  # fmt: skip
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])
    counts = np.unique(found[0], return_counts=True)[1]
    assert chi_square(counts, np.full(3, 1000 / 3)) < 5
    only = ds.batches(50, weights={0: 0, 5: 0, 9: 1})
    assert {int(tag) for _, tags in only for tag in tags} == {9}
    assert idxio.Dataset(np.zeros((0, 2)), []).class_weights == {}


def test_weights_in_other_types():
    ds = numbered(12)
    expected = [images.tolist() for images, _ in ds.batches(5, weights=np.arange(12.0))]
    for weights in (
        range(12),
        list(range(12)),
        np.arange(12, dtype=">i2"),
        np.arange(12, dtype=np.float16),
        np.arange(12) * 1e-320,
    ):
        assert [images.tolist() for images, _ in ds.batches(5, weights=weights)] == expected
    mask = [images[:, 0] for images, _ in ds.batches(5, weights=np.arange(12) > 9)]
    assert set(np.concatenate(mask).tolist()) == {10, 11}


def test_shuffle_changes_nothing():
    ds = numbered(50)
    one, other = (ds.batches(8, weights=np.ones(50), shuffle=shuffle) for shuffle in (False, True))
    other.load_state_dict(one.state_dict())
    for (images, _), (again, _) in zip(one, other, strict=True):
        assert np.array_equal(images, again)


def test_no_samples():
    assert list(idxio.Dataset(np.zeros((0, 2)), []).batches(4, weights=[])) == []
    assert list(idxio.Dataset(np.zeros((0, 2)), []).batches(4, weights={})) == []


def test_a_state_of_other_weights_is_refused():
    ds = numbered(10)
    state = ds.batches(4, weights=range(10)).state_dict()
    ds.batches(3, weights=np.arange(10) / 9).load_state_dict(state)  # the same order
    others = ({}, {"weights": range(1, 11)}, {"balanced": True})
    for other in others:
        with pytest.raises(ValueError, match=r"give batches\(\) the same"):
            ds.batches(4, shuffle=True, **other).load_state_dict(state)


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        (np.zeros(10), ValueError, "all weights are 0"),
        ({0: 0, 1: 0, 2: 0}, ValueError, "all weights are 0"),
        ([1] * 9 + [-1], ValueError, r"the weight of sample 9 is -1\.0: weights are finite, and"),
        ([1, np.nan] + [1] * 8, ValueError, "the weight of sample 1 is nan"),
        ([1] * 9 + [np.inf], ValueError, "the weight of sample 9 is inf"),
        ({0: 1, 1: -2, 2: 1}, ValueError, r"the weight of class 1 is -2\.0"),
        ([1] * 9, ValueError, r"the shape \(9,\), and there are 10 samples: expected one for each"),
        ([1, 2, 3], ValueError, r"or a dict with one for each class, as ds\.class_weights"),
        (np.ones((10, 1)), ValueError, r"the shape \(10, 1\)"),
        (1.0, ValueError, r"the shape \(\)"),
        ({0: 1, 2: 1}, ValueError, "weights have none for the label 1, only for 0, 2"),
        ({"a": 1}, ValueError, "none for the label 0, only for 'a'"),
        ({0: [1, 2], 1: [1, 2], 2: [1, 2]}, ValueError, r"class is one number, not \(2,\)"),
        (["1"] * 10, TypeError, "weights are numbers, not <U1"),
        ([None] * 10, TypeError, "weights are numbers, not object"),
        ({0: "1", 1: "2", 2: "3"}, TypeError, "weights are numbers, not <U1"),
        (np.ma.masked_array(np.ones(10), np.arange(10) == 3), ValueError, "are masked"),
    ],
)
def test_wrong_weights(weights, error, message):
    with pytest.raises(error, match=message):
        numbered(10).batches(4, weights=weights)


def test_weights_and_balanced():
    with pytest.raises(ValueError, match="leave out one"):
        numbered(10).batches(4, weights=np.ones(10), balanced=True)


def test_windows_have_no_weights():
    file = io.BytesIO()
    idxio.write(file, np.zeros((100, 2), np.uint8), compression="gzip")
    ds = idxio.Dataset(file.getvalue(), np.zeros(100, int))
    assert len(ds.batches(4, weights=np.ones(100))) == 25
    with pytest.raises(ValueError, match=r"unpacked in shuffle windows.*idxio repack"):
        ds.batches(4, weights=np.ones(100), buffer=1 << 20)
