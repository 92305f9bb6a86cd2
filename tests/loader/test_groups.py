"""Ranks that keep to their part of a shuffle window: what they get, unpack and need in memory."""

import gzip
import io
import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import idxio
from idxio.compression.gzip.random_access import SpanReader
from idxio.datasets.dataset import Dataset
from idxio.loader import groups, window_shuffle
from idxio.loader.window_layout import Cuts, WindowLayout
from idxio.loader.window_shuffle import WindowSampler

# The epoch, the first position, and the rows from there on.
GOLDEN = {
    (0, 0): [132, 10777, 5380, 16079, 2716, 13405],
    (5, 42_780): [26110, 36791, 31437, 42363, 43251, 51763],
}
COUNTS = st.integers(0, 8).map(lambda k: 1 << k)


@given(COUNTS, st.integers(1, 300), st.integers(1, 70), st.integers(0, 1 << 40))
def test_a_rank_gets_its_groups(count, world, size, begin):
    """As many samples as each other rank, from the groups that `of_rank` tells."""
    stride = world * size
    seen = []
    for rank in range(world):
        mine = groups.share(begin, 3, stride, rank, world, count)
        assert len(mine) == 3 * size
        assert (np.diff(mine) > 0).all()
        found = groups.at(mine, count)
        told = groups.of_rank(rank, world, size, count)
        if world > 1 and count > 1:
            assert found.min() >= told.start
            assert found.max() < told.stop
        if count % world == 0:
            assert len(told) == (count // world if world > 1 else count)
        seen.append(mine)
    assert np.array_equal(np.sort(np.concatenate(seen)), np.arange(begin, begin + 3 * stride))


@pytest.mark.parametrize("world", [3, 5, 6, 7, 12, 24, 48, 80, 96])
@pytest.mark.parametrize("size", [32, 100, 256])
def test_other_numbers_of_ranks_get_some_more(world, size):
    for rank in range(world):
        assert len(groups.of_rank(rank, world, size, 128)) / 128 <= 2.5 / world


@given(st.integers(0, 200), st.integers(1, 40), COUNTS, st.data())
def test_the_last_step(length, world, count, choice):
    begin = choice.draw(st.integers(0, 1000))
    parts = [groups.share(begin, 1, length, rank, world, count) for rank in range(world)]
    assert sorted(np.concatenate(parts).tolist()) == list(range(begin, begin + length))
    assert [len(part) for part in parts] == [
        len(range(rank, length, world)) for rank in range(world)
    ]


def sampler_of(n, record_nbytes, buffer, seed=7):
    return WindowSampler(n, record_nbytes, buffer, seed, None)


def test_golden_vectors():
    """A change of these is a change of everybody's runs: it needs another version."""
    sampler = sampler_of(60_000, 784, 32 << 20)
    assert (sampler.version, sampler.window, sampler.groups) == (3, 21392, 64)
    for (epoch, start), expected in GOLDEN.items():
        assert sampler.rows(epoch, start, start + 6).tolist() == expected


@pytest.mark.parametrize("n", [1, 2, 63, 1000, 5349])
def test_any_position_alone(n):
    sampler = sampler_of(n, 1000, 1 << 20)
    rows = sampler.rows(3, 0, n)
    assert sorted(rows.tolist()) == list(range(n))
    some = np.unique(np.random.default_rng(0).integers(0, n, 40))
    assert np.array_equal(sampler.rows_at(3, some), rows[some])
    assert np.array_equal(sampler.rows(3, n // 3, n // 2), rows[n // 3 : n // 2])


def test_each_stretch_comes_from_all_over_the_window():
    """Of 64 equal parts of a window, any 256 positions have three to five samples; within a part,
    any sample may come anywhere.
    """
    sampler = sampler_of(100_000, 784, 32 << 20)
    rows = sampler.rows(0, 0, sampler.window)
    parts = rows * 64 // sampler.window
    for start in range(0, sampler.window - 256, 97):
        counts = np.bincount(parts[start : start + 256], minlength=64)
        assert counts.min() >= 3
        assert counts.max() <= 5
    # Over many epochs, where a row stands is even over the window.
    places = []
    for epoch in range(200):
        rows = sampler.rows(epoch, 0, sampler.window)
        places += [np.flatnonzero(rows == row)[0] for row in (0, 1, 10_000, sampler.window - 1)]
    counts = np.bincount(np.array(places) * 16 // sampler.window, minlength=16)
    assert ((counts - 50) ** 2 / 50).sum() < 45  # chi-square of 15 degrees: one in 10,000


def test_neighbours_in_the_file_are_mixed_as_before():
    """How often two records with so many between them come in one batch of 256: no more often than
    in a window that is mixed freely.
    """
    sampler = sampler_of(21_392, 784, 32 << 20)
    for distance in (1, 2, 50, 400):
        together = 0
        for epoch in range(8):
            rows = sampler.rows(epoch, 0, sampler.n)
            batch = np.empty(sampler.n, np.int64)
            batch[sampler.ids(epoch, rows)] = np.arange(sampler.n) // 256
            together += (batch == np.roll(batch, distance)).sum()
        assert together / (8 * sampler.n) < 1.1 * 256 / sampler.n


def packed(n, chunks=True):
    """A file of n records of 784 bytes that tell their numbers, and labels."""
    images = np.random.default_rng(0).integers(0, 4, (n, 784), np.uint8)
    images[:, :4] = np.arange(n, dtype="<u4")[:, None].view(np.uint8)
    file = io.BytesIO()
    idxio.write(file, images, compression="gzip" if chunks else None, level=1)
    return file.getvalue()


def numbers(images):
    return np.ascontiguousarray(images[:, :4]).view("<u4")[:, 0]


@pytest.fixture(scope="module")
def twenty_mebibytes():
    return packed(26_000)


def decoded_by(monkeypatch, make):
    """The unpacked bytes of the spans that are decoded while make() runs."""
    total = []
    one, lanes = SpanReader.decode, SpanReader.decode_in_lanes

    def count_one(self, span, *arguments):
        total.append(span.end - span.start)
        return one(self, span, *arguments)

    def count_lanes(self, index, spans, *arguments):
        total.extend(span.end - span.start for span in spans)
        return lanes(self, index, spans, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(SpanReader, "decode", count_one)
        patch.setattr(SpanReader, "decode_in_lanes", count_lanes)
        make()
    return sum(total)


@pytest.mark.parametrize(("world", "most"), [(1, 1.05), (2, 1.15), (8, 1.15), (3, 2.5), (6, 2.5)])
def test_each_rank_unpacks_its_share(twenty_mebibytes, monkeypatch, world, most):
    images = idxio.open(twenty_mebibytes)
    seen = []
    for rank in range(world):
        batches = Dataset(images, np.arange(len(images)) % 7).batches(
            64, shuffle=True, seed=3, buffer=8 << 20, rank=rank, world_size=world, prefetch=0
        )

        def make(batches=batches):
            seen.extend(numbers(found) for found, _ in batches)

        decoded = decoded_by(monkeypatch, make)
        assert decoded <= most / world * images.nbytes
    assert np.array_equal(np.sort(np.concatenate(seen)), np.arange(len(images)))


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=20
)
@given(
    n=st.integers(1, 3000),
    worlds=st.lists(st.integers(1, 9), min_size=2, max_size=3),
    sizes=st.lists(st.integers(1, 90), min_size=2, max_size=3),
    buffer=st.integers(1, 60_000),
    block=st.sampled_from([8, 64, 1000, 1 << 20]),
    choice=st.data(),
)
def test_each_sample_once_whatever_the_ranks(n, worlds, sizes, buffer, block, choice, monkeypatch):
    """Stop anywhere, go on with other ranks and batch sizes: each sample comes once."""
    monkeypatch.setattr(window_shuffle, "RECORD_BLOCK", block)
    file = io.BytesIO()
    idxio.write(file, np.arange(n, dtype="<i4")[:, None], compression="gzip")
    ds = Dataset(idxio.open(file.getvalue()), np.zeros(n, np.uint8))
    order = flat_order(ds, buffer)
    assert np.array_equal(np.sort(order), np.arange(n))
    seen, state = [], None
    legs = list(zip(worlds, sizes, strict=False))
    for leg, (world, size) in enumerate(legs):
        ranks = []
        for rank in range(world):
            batches = ds.batches(
                size,
                shuffle=True,
                seed=5,
                buffer=buffer,
                rank=rank,
                world_size=world,
                prefetch=0,
                remainder="keep",
            )
            if state is not None:
                batches.load_state_dict(state)
            ranks.append(batches)
        is_last = leg + 1 == len(legs)
        begin = 0 if state is None else state["position"]
        left = (n - begin) // (world * size)
        steps = None if is_last else choice.draw(st.integers(0, left))
        for batches in ranks:
            loop = iter(batches)
            for images, _ in itertools.islice(loop, steps):
                seen.extend(images[:, 0].tolist())
            if not is_last:
                state = batches.state_dict()
            loop.close()
        if not is_last:
            assert state["position"] == begin + steps * world * size
            assert sorted(seen) == sorted(order[: state["position"]].tolist())
    assert sorted(seen) == list(range(n))


def flat_order(ds, buffer):
    batches = ds.batches(len(ds), shuffle=True, seed=5, buffer=buffer, prefetch=0, remainder="keep")
    return np.concatenate([images[:, 0] for images, _ in batches])


def test_blocks_begin_with_long_chunks(monkeypatch):
    """In whatever order, each record once, and hardly a chunk unpacked twice."""
    n, size = 3000, 5000
    images = np.random.default_rng(0).integers(0, 4, (n, size), np.uint8)
    file = io.BytesIO()
    with monkeypatch.context() as patch:
        patch.setattr("idxio.compression.gzip.chunk_encoder.CHUNK", 58_314)
        idxio.write(file, images, compression="gzip", level=1)
    f = idxio.open(file.getvalue())
    ds = Dataset(f, np.arange(n))
    for epoch in range(2):
        batches = ds.batches(64, shuffle=True, seed=2, buffer=16 << 20, prefetch=0)
        batches.set_epoch(epoch)
        seen = []

        def make(batches=batches, seen=seen):
            for found, ids in batches:
                assert np.array_equal(found, images[ids])
                seen.extend(ids.tolist())

        assert decoded_by(monkeypatch, make) <= 1.03 * n * size
        assert sorted(seen) == list(range(n))
    state = batches.state_dict()
    assert state["chunk"] == 58_314
    batches.load_state_dict(state)
    with pytest.raises(ValueError, match="packed otherwise, the order is another"):
        batches.load_state_dict({**state, "chunk": 0})
    whole = ds.batches(64, shuffle=True, buffer=None, seed=2)
    assert whole.state_dict()["chunk"] == 0
    old = {key: value for key, value in whole.state_dict().items() if key != "chunk"}
    whole.load_state_dict(old)  # of before there was the key


@given(
    st.integers(1, 400),
    st.integers(1, 70),
    st.integers(70, 3000),
    st.integers(4, 40),
    st.integers(1, 9),
    st.integers(1, 500),
    st.integers(0, 5),
)
def test_any_cuts(n, record, chunk, before, each, window, epoch):
    """Each record once; a block is consecutive records from the first one of a chunk on."""
    layout = WindowLayout(Cuts(n, chunk, before, record), each, window, 1)
    ids = layout.ids(epoch, np.arange(n))
    assert np.array_equal(np.sort(ids), np.arange(n))
    starts = -(-(np.arange(-(-(before + n * record) // chunk)) * chunk - before) // record)
    starts = set(np.clip(starts, 0, n).tolist())
    pieces = layout.pieces(epoch, range(n))
    assert [row for piece in pieces for row in piece] == list(range(n))
    for piece in pieces:
        assert ids[piece.start] in starts
        steps = np.diff(ids[piece.start : piece.stop]) % n
        assert (steps == 1 % n).all()


_PROGRAM = """
import sys
import numpy as np
import idxio
import idxio.loader.batches
from idxio.datasets.dataset import Dataset

def resident(key):
    return next(
        int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(key)
    )

images = idxio.open(sys.argv[1])
batches = Dataset(images, np.zeros(len(images), np.uint8)).batches(
    256, shuffle=True, buffer=32 << 20, threads=2
)
before = resident("VmRSS")
for _ in range(2):
    for _ in batches:
        pass
print(resident("VmHWM") - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell")
@pytest.mark.parametrize("table", [True, False])
def test_memory_of_windows_is_constant(tmp_path, table):
    """A process grows by the two windows, 32 MiB, and little more."""
    data = packed(60_000, table)
    (tmp_path / "x.gz").write_bytes(data if table else gzip.compress(data, 1))
    grown = subprocess.run(
        [sys.executable, "-c", _PROGRAM, tmp_path / "x.gz"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={key: os.environ[key] for key in os.environ if key != "PYTHONDEVMODE"},
    )
    assert 1024 * int(grown.stdout) <= 1.2 * (32 << 20) + 24e6
