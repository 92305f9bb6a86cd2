"""Where a gzip file can be left and entered while it is decoded front to back."""

import itertools

import numpy as np
import pytest
from helpers import encode
from packers import deflate, wrap

from idxio.compression.gzip.sequential import SequentialDecoder
from idxio.compression.gzip.span_index import WINDOW
from idxio.storage.source import open_source

ARRAY = np.random.default_rng(0).integers(0, 40, (4000, 101), np.uint8)
DATA = encode(ARRAY)
# Of many short blocks, one long block, and blocks that are not searched for.
MEMBERS = {
    "Huffman": wrap(deflate(DATA, 6, memory=3), DATA),
    "fixed": wrap(deflate(DATA[:20_000], 6, strategy=4), DATA[:20_000]),
    "stored": wrap(deflate(DATA, 0), DATA),
}


def place(decoder):
    """The row of the table in the class."""
    if decoder.between:
        assert decoder.at_edge
        return "between"
    return "edge" if decoder.at_edge else "inside"


def go(packed, room, **options):
    """Decode with so much room a step: the bytes, and the places before and after each step."""
    decoder = SequentialDecoder(open_source(packed), **options)
    memory = np.zeros(WINDOW + room, np.uint8)
    places, out, edges = [], b"", []
    assert place(decoder) == "between"
    while decoder.open_member():
        before = place(decoder)
        if before == "edge":
            edges.append((decoder.bit, len(out)))
        segment = decoder.step(memory, WINDOW)
        places.append((before, place(decoder)))
        assert (segment.trailer is not None) == decoder.between
        out += memory[WINDOW : WINDOW + segment.length].tobytes()
        memory[:WINDOW] = memory[segment.length : WINDOW + segment.length].copy()
    assert place(decoder) == "between"
    return out, places, edges


@pytest.mark.parametrize("kind", MEMBERS)
@pytest.mark.parametrize("by_span", [True, False])
@pytest.mark.parametrize("room", [1 << 10, 1 << 16, 1 << 20])
def test_all_places_lead_to_the_end(kind, by_span, room):
    packed = 2 * MEMBERS[kind] + bytes(9)
    size = len(DATA) if kind != "fixed" else 20_000
    out, places, _ = go(packed, room, by_span=by_span, target=10_000)
    assert out == 2 * DATA[:size]
    # a step begins where the one before ended, but for a header
    for (_, end), (begin, _) in itertools.pairwise(places):
        assert begin == ("edge" if end == "between" else end)
    assert [end for _, end in places].count("between") == 2
    if room == 1 << 10 and not by_span:
        assert ("edge", "inside") in places
        assert ("inside", "inside") in places
        assert ("inside", "between") in places


def test_spans_end_at_edges():
    _, places, edges = go(MEMBERS["Huffman"], 1 << 20, target=5000)
    assert set(places) == {("edge", "edge"), ("edge", "between")}
    # each of them can be entered
    memory = np.zeros(WINDOW + (1 << 20), np.uint8)
    for bit, length in edges[1:]:
        window = DATA[max(0, length - WINDOW) : length]
        memory[WINDOW - len(window) : WINDOW] = np.frombuffer(window, np.uint8)
        decoder = SequentialDecoder(open_source(MEMBERS["Huffman"]), bit=bit, history=length)
        assert place(decoder) == "edge"
        segment = decoder.step(memory, WINDOW)
        assert memory[WINDOW : WINDOW + segment.length].tobytes() == DATA[length:][: segment.length]
