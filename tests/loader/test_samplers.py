"""The order of an epoch: every sample once, random enough, and the same for ever."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idxio._native import permutation as native
from idxio.loader import samplers
from idxio.loader.window_shuffle import WindowSampler


def chi_square(counts, expected):
    """How many standard deviations a sum of squares lies above what chance gives on average."""
    freedom = counts.size - 1
    return (((counts - expected) ** 2 / expected).sum() - freedom) / np.sqrt(2 * freedom)


def epoch_of(n, seed, epoch=0):
    return samplers.ShuffledSampler(n, seed).rows(epoch, 0, n)


# A change of these is a change of everybody's runs: it needs another VERSION.
GOLDEN = {
    (2, 0, 0): [0, 1],
    (10, 0, 0): [5, 7, 2, 1, 6, 9],
    (10, 1, 0): [8, 9, 3, 4, 7, 6],
    (10, 0, 1): [5, 0, 8, 6, 2, 3],
    (60_000, 0, 0): [32786, 8146, 27488, 4398, 41500, 15049],
    (60_000, 2**64 - 1, 10**6): [34582, 47129, 17451, 9592, 43789, 20163],
    (10**10, 7, 3): [3816226524, 8250743872, 7458387329, 1552232353, 5402989541, 4888571359],
}


def test_golden_vectors():
    assert samplers.VERSION == 1
    for (n, seed, epoch), expected in GOLDEN.items():
        assert samplers.ShuffledSampler(n, seed).rows(epoch, 0, min(n, 6)).tolist() == expected, (
            n,
            seed,
            epoch,
        )
    assert native.key() == 0
    assert native.key(1, 0) != native.key(0, 1)


@given(st.integers(1, 3000), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_each_thing_once(n, seed, epoch):
    assert np.array_equal(np.sort(epoch_of(n, seed, epoch)), np.arange(n))


@given(st.integers(1, samplers.MAX), st.integers(0, 2**64 - 1), st.data())
def test_any_position_alone(n, seed, choice):
    start = choice.draw(st.integers(0, n - 1))
    stop = choice.draw(st.integers(start + 1, min(n, start + 50)))
    shuffled = samplers.ShuffledSampler(n, seed)
    together = shuffled.rows(0, start, stop)
    assert len(set(together.tolist())) == stop - start
    assert together.min() >= 0
    assert together.max() < n
    assert [shuffled.rows(0, k, k + 1)[0] for k in range(start, stop)] == together.tolist()


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_all_orders_of_a_few_things_are_equally_likely(n):
    found = np.array([epoch_of(n, seed) for seed in range(12_000)]) @ (10 ** np.arange(n))
    _, counts = np.unique(found, return_counts=True)
    assert len(counts) == np.prod(np.arange(1, n + 1))
    assert chi_square(counts, len(found) / len(counts)) < 5


@pytest.mark.parametrize("n", [2, 7, 16, 100, 256, 257, 1000, 10_000])
def test_positions_and_neighbours(n):
    """What stands where, and what stands next, over many seeds and over many epochs of one seed."""
    cells = min(n, 20)
    runs = max(20, 20_000 // n)
    for orders in ([epoch_of(n, s) for s in range(runs)], [epoch_of(n, 5, e) for e in range(runs)]):
        table = np.zeros((cells, cells))
        steps = np.zeros(cells)
        for o in orders:
            np.add.at(table, (np.arange(n) * cells // n, o * cells // n), 1)
            np.add.at(
                steps, (np.diff(o, append=o[0]) % n - 1) * cells // (n - 1) if n > 1 else 0, 1
            )
        rows = np.bincount(np.arange(n) * cells // n)
        assert chi_square(table, np.outer(rows, rows) * runs / n) < 5
        if n > 2:
            widths = np.bincount(np.arange(n - 1) * cells // (n - 1), minlength=cells)
            kept = widths > 0
            assert chi_square(steps[kept], widths[kept] * n * runs / (n - 1)) < 5


@pytest.mark.parametrize("n", [52, 1000])
def test_seeds_and_epochs_have_nothing_in_common(n):
    orders = {(s, e): epoch_of(n, s, e) for s in range(30) for e in range(30)}
    assert len({o.tobytes() for o in orders.values()}) == 900
    assert not np.array_equal(orders[1, 0], orders[0, 1])
    # As many fixed points between two orders as chance gives: one.
    pairs = [(orders[s, e] == orders[s, e + 1]).sum() for s in range(30) for e in range(29)]
    pairs += [(orders[s, e] == orders[s + 1, e]).sum() for s in range(29) for e in range(30)]
    pairs += [(orders[s, e] == orders[e, s]).sum() for s in range(30) for e in range(s)]
    assert abs(np.mean(pairs) - 1) < 5 / np.sqrt(len(pairs))


def test_native_bounds():
    out = np.empty(3, np.int64)
    native.permute(1, 0, out[:0], out[:0])
    for n, positions in ((3, [0, 1, 3]), (3, [-1, 0, 1]), (0, [0, 0, 0])):
        with pytest.raises(IndexError):
            native.permute(1, n, np.array(positions), out)
    with pytest.raises(ValueError, match="another size"):
        native.permute(1, 3, np.arange(3), out[:2])
    with pytest.raises(ValueError, match="too large"):
        native.permute(1, samplers.MAX + 1, np.arange(3), out)
    with pytest.raises(ValueError, match="at most"):
        samplers.Sampler(samplers.MAX + 1)
    for key in (-1, 1 << 64):
        with pytest.raises(OverflowError):
            native.permute(key, 3, np.arange(3), out)


def test_keys_of_several_numbers_at_once():
    numbers = np.array([0, 1, 5, (1 << 64) - 1], np.uint64)
    out = np.empty(4, np.uint64)
    native.key_each(native.key(7, 2), numbers, out)
    assert out.tolist() == [native.key(7, 2, number) for number in numbers.tolist()]
    native.key_each(1, numbers[:0], out[:0])
    with pytest.raises(ValueError, match="another size"):
        native.key_each(1, numbers, out[:2])


def test_several_orders_at_once():
    """The same as one after the other, where the same power of two holds them; whole orders too
    where not; and no position outside its own.
    """
    random = np.random.default_rng(0)
    counts = np.array([300, 512, 257, 400, 301])
    which = random.integers(0, 5, 1000).astype(np.uint8)
    positions = random.integers(0, counts[which])
    out = np.empty(1000, np.int64)
    native.permute_each(native.key(7, 2), counts, which, positions, out)
    for k, count in enumerate(counts.tolist()):
        mine = which == k
        assert np.array_equal(out[mine], samplers.permuted(count, positions[mine], 7, 2, k))

    counts = np.array([1, 300, 2, 40])
    which = np.repeat(np.arange(4, dtype=np.uint8), counts)
    positions = np.concatenate([np.arange(count) for count in counts])
    out = np.empty(len(which), np.int64)
    native.permute_each(5, counts, which, positions, out)
    for k, count in enumerate(counts.tolist()):
        assert np.array_equal(np.sort(out[which == k]), np.arange(count))

    def each(counts, which, positions, size=2):
        native.permute_each(
            1,
            np.array(counts, np.int64),
            np.array(which, np.uint8),
            np.array(positions),
            out[:size],
        )

    for counts, which, positions in (([3], [0, 1], [0, 0]), ([3, 0], [0, 1], [2, 0])):
        with pytest.raises(IndexError):
            each(counts, which, positions)
    for positions in ([0, 3], [-1, 0]):
        with pytest.raises(IndexError):
            each([3], [0, 0], positions)
    with pytest.raises(ValueError, match="different sizes"):
        each([3], [0, 0], [0, 0], 1)
    with pytest.raises(ValueError, match="1 to 256 orders"):
        each([], [0, 0], [0, 0])
    with pytest.raises(ValueError, match="negative or too large"):
        each([-1], [0, 0], [0, 0])


LABELS = st.lists(st.integers(-3, 8), max_size=300).map(lambda values: np.array(values, np.int32))


@given(LABELS, st.one_of(st.none(), st.integers(0, 99)), st.integers(0, 5), st.data())
def test_balanced(labels, seed, epoch, choice):
    n = len(labels)
    balanced = samplers.BalancedSampler(labels, seed)
    everything = balanced.rows(epoch, 0, n)
    assert np.array_equal(np.sort(everything), np.arange(n))
    start = choice.draw(st.integers(0, n))
    stop = choice.draw(st.integers(start, n))
    part = balanced.rows(epoch, start, stop)
    assert np.array_equal(part, everything[start:stop])
    classes, counts = np.unique(labels, return_counts=True)
    for k, m in zip(classes, counts, strict=True):
        # Each of K classes is off by less than one, so the length of the stretch by less than K.
        assert abs((labels[part] == k).sum() - len(part) * m / n) < 1 + len(classes) * m / n


def test_balanced_classes_of_one_size_are_even_to_one_sample():
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 50))
    everything = labels[samplers.BalancedSampler(labels, 3).rows(1, 0, 500)]
    for size in (7, 10, 32):
        for start in range(500 - size):
            counts = np.bincount(everything[start : start + size], minlength=10)
            assert counts.max() - counts.min() <= 1


def test_balanced_rare_classes_are_apart():
    labels = np.concatenate([np.zeros(900, int), np.repeat(np.arange(1, 10), 10)])
    rare = np.flatnonzero(labels[samplers.BalancedSampler(labels, 0).rows(0, 0, len(labels))])
    assert np.diff(rare).min() >= 8
    assert np.diff(rare).max() <= 20


def test_balanced_shuffles_within_classes():
    labels = np.arange(200) % 2
    one, two = (samplers.BalancedSampler(labels, 0).rows(epoch, 0, 200) for epoch in (0, 1))
    assert (one == two).mean() < 0.1
    assert np.array_equal(samplers.BalancedSampler(labels, None).rows(0, 0, 200), np.arange(200))


# Classes balanced within shuffle windows
# ------------------------------------------------------------------------------------

WINDOW, BYTES = 400, 1 << 20


def windows_of(labels, seed, epoch=0):
    """The rows of each shuffle window of WINDOW records, counted from its own first one."""
    sampler = WindowSampler(len(labels), BYTES, 2 * WINDOW * BYTES, seed, labels)
    assert sampler.window == WINDOW
    rows = sampler.rows(epoch, 0, sampler.n).reshape(-1, WINDOW)
    return rows - WINDOW * np.arange(len(rows))[:, None]


def test_balanced_windows_have_orders_of_their_own():
    """In one window and the next, as many records of a class stand in other orders."""
    windows = windows_of(np.zeros(10 * WINDOW, np.uint8), 3)
    assert (np.sort(windows) == np.arange(WINDOW)).all()
    same = [(one == other).mean() for one, other in itertools.combinations(windows, 2)]
    assert max(same) < 0.03
    assert (windows_of(np.zeros(10 * WINDOW, np.uint8), None) == np.arange(WINDOW)).all()


def test_golden_vectors_of_balanced_windows():
    labels = np.arange(4 * WINDOW, dtype=np.uint8) % 2
    assert WindowSampler(len(labels), BYTES, 2 * WINDOW * BYTES, 7, labels).version == 2
    assert windows_of(labels, 7, 1)[:2, :6].tolist() == [
        [261, 14, 124, 326, 172, 110],
        [397, 201, 299, 118, 370, 293],
    ]
