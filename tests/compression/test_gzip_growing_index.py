"""A span index that grows, and joins spans where there are many windows."""

import itertools

import pytest

from idxio.compression.gzip import growing_index
from idxio.compression.gzip.growing_index import GrowingIndex

LENGTH, BITS = 1000, 803  # of each span


@pytest.fixture(autouse=True)
def few_windows(monkeypatch):
    monkeypatch.setattr(growing_index, "MOST_WINDOWS", 4)


def add_spans(index, count, first=0, *, is_member_end=False):
    """Spans that follow on each other in one member, each behind a window that names it."""
    for k in range(first, first + count):
        stop = 0 if is_member_end else (k + 1) * BITS
        index.add(k * BITS, stop, LENGTH, b"%d" % k if k else b"", (k + 1) * BITS // 8)


@pytest.mark.parametrize("count", [1, 4, 5, 6, 7, 40, 333])
def test_spans_are_joined_where_windows_are_many(count):
    index = GrowingIndex()
    add_spans(index, count)
    spans = list(index)
    assert sum(span.needs_window for span in spans) <= 4
    assert (spans[0].start, spans[-1].end) == (0, count * LENGTH)
    for before, after in itertools.pairwise(spans):
        assert (before.end, before.stop) == (after.start, after.bit)
    for span in spans:
        assert span.bit == span.start // LENGTH * BITS
        assert index.window(span.number) == (b"%d" % (span.start // LENGTH) if span.start else b"")
    lengths = [span.end - span.start for span in spans[:-1]]
    assert max(lengths, default=0) <= 2 * min(lengths, default=0)


def test_members_are_not_joined():
    index = GrowingIndex()
    add_spans(index, 30, is_member_end=True)
    assert len(index) == 30


def test_a_snapshot_does_not_grow():
    index = GrowingIndex()
    add_spans(index, 3)
    snapshot, before = index.snapshot(), list(index)
    add_spans(index, 50, 3)
    assert list(snapshot) == before
    assert (snapshot.end, snapshot.complete) == (3 * LENGTH, False)


def test_empty_members_are_no_spans():
    index = GrowingIndex()
    index.add(80, 0, 0, b"", 20)
    assert (len(index), index.end, index.limit) == (0, 0, 20)
