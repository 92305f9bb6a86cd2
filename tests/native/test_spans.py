"""The native parts of span decoding: any block edge, any bit, against zlib."""

import random
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idxio._native import block_finder, deflate, inflate

FAR = 1 << 62


def text(seed, size):
    """Bytes with matches near and far."""
    rng = random.Random(seed)
    words = [bytes(rng.randrange(256) for _ in range(rng.randrange(3, 30))) for _ in range(60)]
    data = bytearray()
    while len(data) < size:
        data += rng.choice(words) if rng.random() < 0.8 else bytes([rng.randrange(256)])
    return bytes(data[:size])


def packed(data, level=6, strategy=0, memory=1):
    """A raw deflate stream of many small blocks."""
    deflater = zlib.compressobj(level, zlib.DEFLATED, -15, memory, strategy)
    return deflater.compress(data) + deflater.flush()


def edges(stream, size):
    """The edges between blocks, as zlib tells them: (bit, unpacked bytes before it)."""
    inflater = inflate.Inflater(b"", 0, 0)
    out = bytearray(size + 1)
    found, byte, done = [(0, 0)], 0, 0
    while True:
        status, consumed, produced = inflater.inflate(stream, byte, out, done, 1)
        byte, done = byte + consumed, done + produced
        if status == inflate.END:
            return found
        assert status == inflate.EDGE
        found.append((8 * byte - inflater.unused_bits, done))


def roomy(stream):
    """The stream with what inflate_span wants around it, and where it starts there."""
    data = np.zeros(inflate.ROOM + len(stream) + inflate.SPARE, np.uint8)
    data[inflate.ROOM : inflate.ROOM + len(stream)] = np.frombuffer(stream, np.uint8)
    return data, 8 * inflate.ROOM


@pytest.mark.parametrize(
    "strategy", [zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE]
)
@pytest.mark.parametrize("level", [1, 6, 9])
def test_every_edge_at_every_bit(level, strategy):
    plain = text(level, 90_000)
    stream = packed(plain, level, strategy)
    places = edges(stream, len(plain))
    assert strategy or {bit % 8 for bit, _ in places} == set(range(8))
    decoder = inflate.Decoder()
    for (start, begin), (stop, end) in zip(places, [*places[1:], (0, len(plain))], strict=True):
        data, offset = roomy(stream)
        window = min(begin, 32768)
        out = np.zeros(window + end - begin, np.uint8)
        out[:window] = np.frombuffer(plain, np.uint8)[begin - window : begin]
        after = data[inflate.ROOM + (start >> 3) + 1 :].copy()
        view = data if stop else data[: -inflate.SPARE]
        status, last, produced = decoder.inflate_span(
            view, start + offset, stop + offset if stop else 0, out, window, window
        )
        assert (status, produced) == (inflate.END, end - begin)
        assert last == (0 if stop else inflate.ROOM + len(stream))
        assert bytes(out) == plain[begin - window : end]
        roomier = np.concatenate([out, np.zeros(inflate.PROOF, np.uint8)])
        found = decoder.inflate_span(
            view, start + offset, stop + offset if stop else 0, roomier, window, window, True
        )
        assert found == (status, last, produced)
        assert bytes(roomier[: len(out)]) == bytes(out)
        # What lies behind the start is put back.
        assert (data[inflate.ROOM + (start >> 3) + 1 :] == after).all()


def fronts(data, spans, out, room=40_000, windows=None):
    """inflate_fronts of (start, window, length, crc, [(place, size, target)]) for each span."""
    starts, before, lengths, crcs, parts = zip(*spans, strict=True)
    columns = np.array([part for some in parts for part in some], np.int64).reshape(-1, 3).T.copy()
    return inflate.Decoder().inflate_fronts(
        data,
        np.array(starts, np.int64),
        b"".join(before) if windows is None else windows,
        np.cumsum([0, *map(len, before)]),
        np.array(lengths, np.int64),
        np.array(crcs, np.uint32),
        np.zeros(32768 + room, np.uint8),
        np.array([len(some) for some in parts], np.int64),
        *columns,
        out,
    )


@settings(max_examples=60)
@given(st.data())
def test_parts_of_the_first_bytes_of_spans(choice):
    seed = choice.draw(st.integers(0, 99), "seed")
    plain = text(seed, 90_000)
    stream = packed(plain, choice.draw(st.sampled_from([1, 6, 9]), "level"))
    places = choice.draw(
        st.lists(st.sampled_from(edges(stream, len(plain))), min_size=1, unique=True), "edges"
    )
    spans, expected, target = [], [], 0
    for start, begin in sorted(places):
        length = choice.draw(st.integers(0, len(plain) - begin), "length")
        parts = []
        for a, b in choice.draw(
            st.lists(st.tuples(st.integers(0, length), st.integers(0, length)), max_size=3)
        ):
            parts.append((min(a, b), abs(a - b), target))
            target += abs(a - b)
            expected.append(plain[begin + min(a, b) : begin + max(a, b)])
        deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
        window = (
            deflater.compress(plain[max(0, begin - 32768) : begin]) + deflater.flush()
            if begin
            else b""
        )
        spans.append((start, window, length, zlib.crc32(plain[begin : begin + length]), parts))
    wrong = choice.draw(st.integers(0, len(spans)), "wrong")
    if wrong < len(spans):  # stops there, and the parts before are right
        spans[wrong] = (*spans[wrong][:3], spans[wrong][3] ^ 1, spans[wrong][4])
        expected = expected[: sum(len(span[4]) for span in spans[:wrong])]
    data, offset = roomy(stream)
    out = np.zeros(target, np.uint8)
    room = max(span[2] for span in spans) + inflate.SLACK
    assert fronts(data, [(start + offset, *rest) for start, *rest in spans], out, room) == wrong
    joined = b"".join(expected)
    assert bytes(out[: len(joined)]) == joined
    assert not out[len(joined) :].any()


def test_bounds_of_fronts():
    data, offset = roomy(packed(b"abc" * 1000))
    crc = zlib.crc32(b"abc" * 100)
    good = (offset, b"", 300, crc, [(0, 300, 0), (299, 1, 300)])
    out = np.zeros(301, np.uint8)
    assert fronts(data, [good], out, 300 + inflate.SLACK) == 1
    assert bytes(out) == b"abc" * 100 + b"c"
    assert fronts(data, [(offset, b"", 0, 0, [(0, 0, 301)])], out) == 1
    far = 1 << 62
    for spans, room in (
        ([(offset - 8, *good[1:])], 40_000),
        ([(-8, *good[1:])], 40_000),
        ([(8 * len(data), *good[1:])], 40_000),
        ([good, good], 40_000),
        ([(offset + 1, *good[1:]), good], 40_000),
        ([good], 299 + inflate.SLACK),
        ([(*good[:2], -1, crc, [])], 40_000),
        ([(*good[:2], far, crc, [])], 40_000),
        ([good], -1),
    ):
        with pytest.raises(IndexError):
            fronts(data, spans, out, room)
    for part in (
        (-1, 1, 0),
        (0, -1, 0),
        (0, 301, 0),
        (301, 0, 0),
        (0, 1, -1),
        (0, 1, 301),
        (0, 2, 300),
        (far, far, 0),
    ):
        with pytest.raises(IndexError):
            fronts(data, [(*good[:4], [part])], out)
    with pytest.raises(IndexError):
        fronts(data, [(offset, b"windows", *good[2:])], out, windows=b"window")
    n = np.arange(1)
    bytes_, crcs = np.zeros(40_000, np.uint8), n.astype(np.uint32)
    columns = [
        data,
        n + offset,
        b"",
        np.arange(2) * 0,
        n,
        crcs,
        bytes_,
        n,
        n[:0],
        n[:0],
        n[:0],
        out,
    ]
    assert inflate.Decoder().inflate_fronts(*columns) == 1
    for at, wrong, error in (
        (1, n[:0], ValueError),
        (3, n, ValueError),
        (3, np.array([1, 0]), IndexError),
        (3, np.array([-1, 0]), IndexError),
        (4, n[:0], ValueError),
        (5, crcs[:0], ValueError),
        (7, n[:0], ValueError),
        (7, n + 1, IndexError),
        (7, n - 1, IndexError),
        (9, n, ValueError),
        (10, n, ValueError),
    ):
        with pytest.raises(error):
            inflate.Decoder().inflate_fronts(*columns[:at], wrong, *columns[at + 1 :])
    # A window that is not deflate data, or too long, decodes nothing.
    for window in (b"\xff" * 20, packed(b"x" * 32769)):
        assert fronts(data, [(offset, window, *good[2:])], out) == 0


@settings(max_examples=60)
@given(st.data())
def test_a_wrong_stop_is_noticed(choice):
    plain = text(choice.draw(st.integers(0, 5)), 40_000)
    stream = packed(plain)
    places = edges(stream, len(plain))
    stop = choice.draw(
        st.integers(1, 8 * len(stream) - 1).filter(lambda bit: bit not in [p[0] for p in places])
    )
    data, offset = roomy(stream)
    out = np.zeros(50_000, np.uint8)
    status, last, _ = inflate.Decoder().inflate_span(
        data, offset, stop + offset, out, 0, 0, prove=True
    )
    # The last block ends by itself, before the stop.
    assert status != inflate.END or last == inflate.ROOM + len(stream)


def test_bounds():
    data, offset = roomy(packed(b"abc"))
    out = np.zeros(9, np.uint8)
    decoder = inflate.Decoder()
    for arguments in (
        (data, offset - 8, 0, out, 0, 0),  # no room for a window
        (data, offset, 0, out, 10, 0),  # starts behind the end of out
        (data, offset, 0, out, 3, 4),  # a window longer than what lies before
        (data, offset, 0, out, 9, 32769),
        (data, offset, 8 * len(data), out, 0, 0),  # stops behind the end
        (data, offset + 8, offset, out, 0, 0),  # stops before it starts
        (data, 8 * len(data), 0, out, 0, 0),
    ):
        with pytest.raises(IndexError):
            decoder.inflate_span(*arguments)
    assert decoder.inflate_span(data[: -inflate.SPARE], offset, 0, out, 0, 0)[2] == 3


def test_no_space():
    data, offset = roomy(packed(text(1, 5000)))
    assert (
        inflate.Decoder().inflate_span(data, offset, 0, np.zeros(4999, np.uint8), 0, 0)[0]
        == inflate.NO_SPACE
    )


@pytest.mark.parametrize("level", [1, 6, 9])
def test_every_header_is_found(level):
    plain = text(level, 200_000)
    stream = packed(plain, level)
    data = np.concatenate(
        [np.frombuffer(stream, np.uint8), np.zeros(block_finder.MARGIN + 8, np.uint8)]
    )

    def kind(bit):
        return int.from_bytes(stream[bit >> 3 : (bit >> 3) + 2], "little") >> (bit & 7) & 7

    # dynamic, not the last
    wanted = [bit for bit, _ in edges(stream, len(plain)) if kind(bit) == 4]
    assert len(wanted) > 10
    found, bit = set(), 0
    while (bit := block_finder.find_block(data, bit, 8 * len(stream))) >= 0:
        found.add(bit)
        bit += 1
    assert found >= set(wanted)
    # Few places in random data look like a header: about one in millions of bits.
    assert len(found) < len(wanted) + 5


@given(st.binary(max_size=3000), st.integers(0, 30_000), st.integers(0, 30_000))
def test_scan_stays_inside(data, start, stop):
    found = block_finder.find_block(data, start, stop)
    assert found == -1 or start <= found < stop


@settings(max_examples=100)
@given(st.data())
def test_chunks_decode_alone_and_together(choice):
    data = choice.draw(
        st.one_of(
            st.binary(max_size=2000), st.builds(text, st.integers(0, 99), st.integers(0, 9000))
        )
    )
    chunk = choice.draw(st.integers(1, 4000))
    encoder = deflate.Encoder(choice.draw(st.integers(0, 12)), chunk)
    out = np.zeros(encoder.bound(len(data)), np.uint8)
    sizes = np.zeros(-(-len(data) // chunk), np.uint32)
    size = encoder.encode(data, out, sizes)
    assert size == sizes.sum()
    stream = out[:size].tobytes()
    assert zlib.decompress(stream + b"\3\0", -15) == data
    at = 0
    for k, n in enumerate(sizes.tolist()):
        piece = stream[at : at + n]
        assert zlib.decompress(piece + b"\3\0", -15) == data[k * chunk : (k + 1) * chunk]
        assert piece.endswith(b"\0\0\xff\xff")
        at += n


def test_encoder_checks_its_arguments():
    for level, chunk in ((-1, 9), (13, 9), (6, 0), (6, (1 << 30) + 1)):
        with pytest.raises(ValueError, match="level"):
            deflate.Encoder(level, chunk)
    encoder = deflate.Encoder(6, 10)
    with pytest.raises(IndexError):
        encoder.encode(b"a" * 100, bytearray(50), np.zeros(10, np.uint32))
    with pytest.raises(IndexError):
        encoder.encode(b"a" * 100, bytearray(encoder.bound(100)), np.zeros(9, np.uint32))


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_crc32_join(pieces):
    crcs = np.array([zlib.crc32(piece) for piece in pieces], np.uint32)
    sizes = np.array([len(piece) for piece in pieces], np.uint64)
    assert inflate.crc32_join(crcs, sizes) == zlib.crc32(b"".join(pieces))
