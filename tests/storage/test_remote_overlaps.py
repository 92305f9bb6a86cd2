"""Ranges that share bytes: each is fetched once, in the order in which they are read."""

import gc
import itertools
import threading

import numpy as np
import pytest

from idxio.storage.source import open_source

pytest.importorskip("obstore")

DATA = np.random.default_rng(0).bytes(8 << 20)
STEP = 10_000
# A megabyte behind what the first request brings, and one that begins before its end.
FIRST = (1_000_000, 2_000_000)
SECOND = (FIRST[1] - 5 * STEP, 3_000_000)


@pytest.fixture
def source(server):
    source = open_source(server.add("/x", DATA))
    yield source
    source.close()


def read(source, start, stop):
    """Read a range step by step."""
    for offset in range(start, stop, STEP):
        out = bytearray(min(STEP, stop - offset))
        assert source.read_at(offset, memoryview(out)) == len(out)
        assert out == DATA[offset : offset + len(out)]


def ranges(counts):
    """What was asked for, but for the first request."""
    asked = [headers[2].removeprefix("bytes=").split("-") for headers in counts.log[1:]]
    return [(int(first), int(last) + 1) for first, last in asked]


def test_a_range_that_begins_in_another_plan_is_fetched_ahead_too(server, source):
    with source.expect([FIRST]), source.expect([SECOND]):
        read(source, *FIRST)
        read(source, *SECOND)
    assert sorted(ranges(server.counts)) == [FIRST, SECOND]


def test_bytes_of_two_ranges_are_read_from_the_one_that_was_fetched(server, source):
    others = [(3_500_000 + 300_000 * k, 3_500_000 + 300_000 * k + 20_000) for k in range(15)]
    with source.expect([FIRST, *others, SECOND]):
        read(source, *FIRST)
        assert SECOND not in ranges(server.counts)  # its turn is far off


def test_ranges_that_share_their_edges_leave_room_for_those_behind_them(server, source):
    edges = list(range(1_000_000, 8_000_000, 300_000))
    shared = [(a, b + 5 * STEP) for a, b in itertools.pairwise(edges)]
    order = np.random.default_rng(1).permutation(len(shared)).tolist()
    with source.expect([shared[k] for k in order]):
        for k in order:
            read(source, *shared[k])
    assert len(ranges(server.counts)) <= len(shared)


def test_a_garbage_collection_ends_an_expectation_while_another_one_ends(source):
    """As of a loop that an error left: the collection comes at any moment, also in here."""

    def expecting():
        with source.expect([FIRST]):
            yield

    def in_a_cycle():
        cycle = [expecting()]
        next(cycle[0])
        cycle.append(cycle)

    def end_some():
        gc.collect()
        for allocations in range(1, 60):
            in_a_cycle()
            other = expecting()
            next(other)
            gc.set_threshold(allocations)
            gc.enable()
            other.close()
            gc.disable()
            gc.collect()
        ended.append(True)

    ended = []
    threshold = gc.get_threshold()
    gc.disable()
    try:
        thread = threading.Thread(target=end_some, daemon=True)
        thread.start()
        thread.join(60)
    finally:
        gc.set_threshold(*threshold)
        gc.enable()
    assert ended
    assert source._plans == []
