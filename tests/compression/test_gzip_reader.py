"""gzip as others write it: whole on any number of threads, at random, and streamed."""

import gzip
import io
import os
import struct
import threading
import zlib

import numpy as np
import pytest
from helpers import PipeLike, assert_same, encode, member
from hypothesis import given, settings
from hypothesis import strategies as st
from packers import (
    KINDS,
    PROGRAMS,
    by_file,
    deflate,
    giant_block,
    never_heals,
    run,
    spans_of,
    subfield,
    wrap,
)

import idxio
from idxio._native import inflate
from idxio.compression.gzip import speculative
from idxio.compression.gzip.part import Stage
from idxio.compression.gzip.part_decoder import PartDecoder
from idxio.compression.gzip.speculative import read_speculatively
from idxio.storage.source import open_source

THREADS = (1, 2, 3, 8)
IN_CI = os.environ.get("CI") or os.environ.get("HYPOTHESIS_PROFILE", "default") != "default"


def images(count, seed=0):
    """Records that compress about as real images do, with bytes below 254 only."""
    rng = np.random.default_rng(seed)
    array = rng.integers(0, 254, (count, 28, 28), np.uint8)
    array[rng.random(array.shape) < 0.5] = 0
    return array


SMALL = images(500)


@pytest.fixture(scope="module")
def t10k(fashion_mnist):
    return np.minimum(idxio.read(fashion_mnist / "t10k-images-idx3-ubyte.gz"), 253)


@pytest.fixture(scope="module")
def train(fashion_mnist):
    return idxio.read(fashion_mnist / "train-images-idx3-ubyte.gz", threads=1)


def check(path, array, threads=THREADS, block=97):
    """Whole, at random before and after anything is known of the file, streamed, and from a pipe."""
    for n in threads:
        assert_same(idxio.read(path, threads=n), array)
    last = len(array) - 1
    ids = [last, 0, last // 2, 3, last]
    with idxio.open(path) as f:
        for i in (last, 0, last // 2, -2):
            assert_same(f[i], array[i])
        assert_same(f[7 : last : 1 + last // 9], array[7 : last : 1 + last // 9])
        assert_same(f[ids], array[ids])
    with idxio.open(path) as f:
        assert_same(f[ids], array[ids])
        assert_same(np.concatenate(list(f.iter_records(block))), array)
        assert_same(f[last // 3 : last // 2], array[last // 3 : last // 2])
        assert_same(f[:], array)
    assert idxio.verify(path).crc32 == zlib.crc32(encode(array))
    with open(path, "rb") as file, idxio.open(PipeLike(file.read(), 100_000)) as f:
        assert_same(np.concatenate(list(f.iter_records(block))), array)


@pytest.mark.parametrize("kind", KINDS)
def test_small(kind, tmp_path):
    path = tmp_path / "x"
    packed = KINDS[kind](encode(SMALL))
    assert gzip.decompress(packed) == encode(SMALL)
    path.write_bytes(packed)
    check(path, SMALL)
    for target in (30_000, 1500):
        with spans_of(target):
            check(path, SMALL)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=10 if IN_CI else 3)
@given(st.data())
def test_drawn(kind, choice):
    shape = choice.draw(st.tuples(st.integers(0, 900), st.integers(0, 90), st.integers(1, 4)))
    array = np.random.default_rng(0).integers(
        0, choice.draw(st.sampled_from([1, 2, 250])), shape, np.uint8
    )
    packed = KINDS[kind](encode(array))
    n = choice.draw(st.integers(1, 1000))
    with spans_of(choice.draw(st.integers(1, 60_000)), choice.draw(st.integers(1 << 10, 1 << 16))):
        assert_same(idxio.read(packed, threads=choice.draw(st.integers(1, 16))), array)
        with idxio.open(packed) as f:
            assert_same(np.concatenate([array[:0], *f.iter_records(n)]), array)
            assert_same(f[::-3], array[::-3])


@pytest.mark.parametrize("kind", PROGRAMS)
def test_large(kind, t10k, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(PROGRAMS[kind](encode(t10k)))
    check(path, t10k, block=1000)


@pytest.mark.parametrize(
    "kind", ["giant block", "stored", "Huffman", "fixed", "odd members", "sync flush"]
)
def test_large_by_hand(kind, t10k, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(KINDS[kind](encode(t10k)))
    check(path, t10k, (1, 3), block=1000)


def test_the_stock_file(fashion_mnist, train):
    check(fashion_mnist / "train-images-idx3-ubyte.gz", train, (2, 3, 8), block=256)


def test_zopfli(tmp_path):
    path = tmp_path / "x"
    (tmp_path / "raw").write_bytes(encode(SMALL[:100]))
    path.write_bytes(run("zopfli", "--i1", "-c", str(tmp_path / "raw")))
    with spans_of(5000):
        check(path, SMALL[:100])


def test_gzip_in_gzip(fashion_mnist, tmp_path):
    # Every header that a search finds in there is one of the file inside.
    inner = np.frombuffer((fashion_mnist / "t10k-images-idx3-ubyte.gz").read_bytes(), np.uint8)
    array = np.concatenate([inner, inner]).reshape(-1, 2)
    path = tmp_path / "x"
    for stream in (deflate(encode(array), 0), deflate(encode(array), 1)):
        path.write_bytes(wrap(stream, encode(array)))
        check(path, array, block=90_000)


def test_a_giant_block_full_of_headers(fashion_mnist, tmp_path):
    # The same, where a false header can stand at any bit: literals of eight bits are the bytes of a
    # gzip file.
    inner = np.frombuffer((fashion_mnist / "t10k-images-idx3-ubyte.gz").read_bytes(), np.uint8)
    reverse = np.array([int(f"{i:08b}"[::-1], 2) for i in range(256)], np.uint8)
    array = np.minimum(reverse[inner], 253)
    path = tmp_path / "x"
    path.write_bytes(wrap(giant_block(encode(array)), encode(array)))
    check(path, array, block=90_000)


def test_a_run_of_zeros(tmp_path):
    zeros = np.zeros((200_000, 1000), np.uint8)
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(encode(zeros), 1))
    for threads in (1, 2):
        assert not idxio.read(path, threads=threads).any()
    with idxio.open(path) as f:
        assert not f[150_000].any()
        assert sum(len(block) for block in f.iter_records(5000) if not block.any()) == len(zeros)
        assert not f[[199_999, 3]].any()


def test_zeros_and_noise_in_turn(tmp_path):
    # A span of a mebibyte may hold nothing or a gigabyte.
    array = np.zeros((60, 1 << 20), np.uint8)
    array[::7] = np.random.default_rng(0).integers(0, 256, array[::7].shape, np.uint8)
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(encode(array), 1))
    check(path, array, (1, 2, 8), block=3)


# A window that is guessed
# ------------------------------------------------------------------------------------


def guess_of(packed, array, threads):
    """What read_speculatively says, and that the array is right."""
    data = encode(array)
    out = np.full(len(data), 7, np.uint8)
    result = read_speculatively(open_source(packed), out, threads)
    if result is not None:
        assert out.tobytes() == data
        assert sum(span.segment.length for span in result.spans) == len(data)
    return result


@pytest.mark.parametrize("threads", [2, 3, 4, 8, 16])
def test_real_data_heal(fashion_mnist, train, threads):
    packed = (fashion_mnist / "train-images-idx3-ubyte.gz").read_bytes()
    with spans_of(1 << 20, 1 << 20):
        result = guess_of(packed, train, threads)
    # Work grows with the number of parts, not with the file: each heals within two mebibytes, tried
    # twice at most.
    assert result.again <= 2 * (threads - 1) * (5 << 20) / 2
    assert len(result.spans) >= threads


@pytest.mark.parametrize("threads", [2, 3, 16])
def test_data_that_never_heal(threads):
    array = np.frombuffer(never_heals(12_000_000), np.uint8).reshape(-1, 1000)
    packed = wrap(deflate(encode(array)), encode(array))
    with spans_of(1 << 17, 1 << 18):
        result = guess_of(packed, array, threads)
    # A part is decoded behind the guess, behind what the part before first left, and behind the
    # truth.
    assert array.size / 4 < result.again <= 2 * array.size
    if threads == 2:
        # What lies behind the first part once more, and by itself: no more than 1.6 times the work
        # in a row.
        first = array.size - result.again
        assert max(first, result.again) + result.again <= 1.6 * array.size


def test_a_guess_that_is_no_gzip_member():
    data = encode(images(2000))
    packed = wrap(deflate(data), data)
    for broken in (
        packed[:-1],
        packed + b"x",
        packed[:-5] + b"\0" + packed[-4:],
        packed[: len(packed) // 2],
    ):
        with spans_of(30_000):
            assert guess_of(broken, images(2000), 4) is None
            with pytest.raises(idxio.IdxError):
                idxio.read(broken, threads=4)


@pytest.mark.parametrize("kind", ["full flush", "partial flush", "Huffman", "odd members"])
@pytest.mark.parametrize("size", [50, 400])
@pytest.mark.parametrize("threads", [3, 16])
def test_parts_smaller_than_a_window(kind, size, threads, monkeypatch):
    array = np.random.default_rng(size).integers(0, 250, (size, 100), np.uint8)
    packed = KINDS[kind](encode(array))
    for target in (1, 200, 3000):
        for part in (1 << 6, 1 << 10, 1 << 12):
            for largest in (part, speculative.LARGEST_PART):
                with spans_of(target, part), monkeypatch.context() as patch:
                    patch.setattr(speculative, "LARGEST_PART", largest)
                    guess_of(packed, array, threads)


def test_a_part_that_fails_between_two_that_do_not(monkeypatch):
    """The trailer is made to fit what is left without it."""
    rng = np.random.default_rng(1)
    streams = []
    for size in (80_000, 280_000, 300_000):
        packer = zlib.compressobj(6, zlib.DEFLATED, -15, 8, zlib.Z_HUFFMAN_ONLY)
        streams.append(
            packer.compress(rng.integers(0, 16, size, np.uint8).tobytes())
            + packer.flush(zlib.Z_FULL_FLUSH)
        )
    invalid = b"\x07"
    stream = streams[0] + streams[1] + invalid + streams[2] + b"\3\0"
    parts = []
    run = PartDecoder.run

    def listed(decoder):
        parts.append(decoder.part)
        run(decoder)

    monkeypatch.setattr(PartDecoder, "run", listed)
    monkeypatch.setattr(speculative, "FIRST_SHARE", 0.3)
    decode = PartDecoder._decode

    def fail_late(decoder):
        try:
            return decode(decoder)
        finally:
            if decoder.part.number == 1:  # else the first part would see it fail, and go on
                decoder.round.parts[0].state.wait_for(Stage.DECODED)

    monkeypatch.setattr(PartDecoder, "_decode", fail_late)

    def read(crc, length):
        packed = b"\x1f\x8b\x08" + bytes(7) + stream + struct.pack("<II", crc, length)
        with spans_of(1 << 12, 1 << 14):
            return read_speculatively(open_source(packed), np.zeros(length, np.uint8), 3)

    assert read(0, 700_000) is None
    alive = sorted(part for part in parts if not part.state.is_dropped)
    assert [part.number for part in alive] == [0, 2]
    crc = 0
    for span in (span for part in alive for span in part.output.spans):
        crc = inflate.crc32_combine(crc, span.crc, span.segment.length)
    assert read(crc, sum(part.output.length for part in alive)) is None
    assert len(parts) == 6


@pytest.mark.parametrize("size", [1 << 14, 1 << 16, 1 << 18])
def test_members_are_shared_by_threads(size, t10k):
    data = encode(t10k)
    packed = b"".join(member(data[k : k + size]) for k in range(0, len(data), size))
    with spans_of(1 << 18, 1 << 20):
        result = guess_of(packed, t10k, 2)
    # A member that is one block shows no start: one thread does it all at once, and no slower than
    # without others.
    assert (result is None) == (size == 1 << 14)


def test_a_member_that_refers_to_the_one_before_it():
    rng = np.random.default_rng(0)
    one = rng.integers(0, 256, 300_000, np.uint8).tobytes()
    two = (
        one[-30_000:-29_000]
        + np.minimum(rng.geometric(0.08, 500_000), 255).astype(np.uint8).tobytes()
    )
    data = encode(np.frombuffer(one + two, np.uint8))
    one, two = data[:-501_000], data[-501_000:]
    stored = zlib.compressobj(0, zlib.DEFLATED, -15)
    packer = zlib.compressobj(6, zlib.DEFLATED, -15, zdict=one[-32768:])
    packed = wrap(stored.compress(one) + stored.flush(), one) + wrap(
        packer.compress(two) + packer.flush(), two
    )
    with spans_of(1 << 16, 1 << 16):
        for threads in (1, 2, 3, 4, 7):
            with pytest.raises(idxio.FormatError, match="too far back"):
                idxio.read(packed, threads=threads)


@pytest.mark.parametrize("rest", [100_000, 300_000])
def test_a_last_round_that_is_short(rest, monkeypatch):
    array = np.random.default_rng(0).integers(0, 40, (2000, 1000), np.uint8)
    packed = gzip.compress(encode(array), 1)
    # Two threads take all but the rest in one round; a part takes 200,000 bytes at the least.
    monkeypatch.setattr(speculative, "LARGEST_PART", (len(packed) - rest) // 2)
    with spans_of(1 << 16, 200_000):
        assert guess_of(packed, array, 2) is not None


@pytest.mark.parametrize("most", [0, 1, 2, 5])
def test_a_system_that_gives_no_more_threads(most, train, fashion_mnist, tmp_path, monkeypatch):
    start, started = threading.Thread.start, []

    def start_some(self):
        if len(started) == most:
            raise RuntimeError("can't start new thread")
        started.append(self)
        start(self)

    idxio.write(tmp_path / "own", train[:9000], compression="gzip")
    idxio.write(tmp_path / "raw", train.astype(np.int16))
    monkeypatch.setattr(threading.Thread, "start", start_some)
    with spans_of(1 << 20, 1 << 20):
        assert_same(idxio.read(fashion_mnist / "train-images-idx3-ubyte.gz", threads=4), train)
    assert len(started) == min(most, 3)
    started.clear()
    assert_same(idxio.read(tmp_path / "own", threads=4), train[:9000])
    started.clear()
    assert_same(idxio.read(tmp_path / "raw", threads=4), train.astype(np.int16))


def test_members_in_parts():
    array = images(3000)
    data = encode(array)
    packed = b"".join(member(data[k : k + 70_001]) for k in range(0, len(data), 70_001)) + bytes(99)
    with spans_of(10_000):
        for threads in (2, 5, 16):
            assert guess_of(packed, array, threads) is not None
            assert_same(idxio.read(packed, threads=threads), array)


# Tables that do not fit
# --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tables():
    """Fields that name chunks: the right ones of a file that dictzip wrote among them."""
    data = encode(SMALL)
    stream = deflate(data)
    count = -(-len(data) // 58315)
    even = [len(stream) // count] * count
    even[-1] += len(stream) - sum(even)
    rest = struct.pack(f"<{count}H", *even)
    return data, stream, {
        "RA": subfield(b"RA", struct.pack("<HHH", 1, 58315, count) + rest),
        "RA of one": subfield(b"RA", struct.pack("<HHHH", 1, 0xFFFF, 1, 0xFFFF)),
        "RA version": subfield(b"RA", struct.pack("<HHH", 2, 58315, count) + rest),
        "RA no chunk": subfield(b"RA", struct.pack("<HHH", 1, 0, count) + rest),
        "RA count": subfield(b"RA", struct.pack("<HHH", 1, 58315, count + 1) + rest),
        "RA empty": subfield(b"RA", b""),
        "RA twice": 2 * subfield(b"RA", struct.pack("<HHH", 1, 58315, count) + rest),
        "IX": subfield(b"IX", struct.pack(f"<HII{count}I", 1, 58315, count, *even)),
        "IX overflow": subfield(b"IX", struct.pack("<HII", 1, 1 << 31, 2) + struct.pack("<II", 2**32 - 1, len(stream))),
        "IX short": subfield(b"IX", struct.pack("<HI", 1, 58315)),
        "BC": subfield(b"BC", struct.pack("<H", 0xFFFF)),
        "BC zero": subfield(b"BC", b"\0\0"),
        "BC long": subfield(b"BC", bytes(4)),
        "BC true size": subfield(b"BC", b"??"),
        "broken": b"RA\xff\xff" + bytes(5),
    }  # fmt: skip


def test_tables_that_are_not_true(tables, tmp_path):
    data, stream, fields = tables
    path = tmp_path / "x"
    for name, field in fields.items():
        path.write_bytes(wrap(stream, data, field))
        with spans_of(20_000):
            for threads in THREADS:
                assert_same(idxio.read(path, threads=threads), SMALL)
            with idxio.open(path) as f:
                assert_same(np.concatenate(list(f.iter_records(9))), SMALL)
                for expr in (0, 333, slice(20, 400, 7), [499, 5]):
                    try:
                        result = f[expr]
                    except idxio.IdxError:
                        continue  # the table was believed, and seen to be wrong
                    assert_same(result, SMALL[expr])
                assert name


def every_flip(data, start, stop):
    """data with each byte of a range changed in turn, in three ways."""
    for at in range(start, stop):
        for value in (data[at] ^ 1, data[at] ^ 0x80, 255 - data[at]):
            yield data[:at] + bytes([value]) + data[at + 1 :]


def test_every_byte_of_a_table_flipped(tmp_path):
    array = SMALL[:200]
    data = encode(array)
    own = io.BytesIO()
    idxio.write(own, array, compression="gzip")
    for packed in (by_file("dictzip", "-k", suffix=".dz")(data), own.getvalue()):
        for flipped in every_flip(packed, 3, 40):
            with spans_of(20_000):
                for call in (
                    lambda file: idxio.read(file, threads=3),
                    lambda file: idxio.open(file)[:],
                    lambda file: np.stack(list(idxio.open(file))),
                    lambda file: np.stack([f[i] for f in [idxio.open(file)] for i in range(200)]),
                    lambda file: idxio.open(file)[np.arange(200)],
                ):
                    try:
                        result = call(flipped)
                    except idxio.IdxError:
                        continue
                    assert_same(result, array)


def test_bytes_behind_a_table_are_seen():
    own = io.BytesIO()
    idxio.write(own, SMALL, compression="gzip")
    packed = own.getvalue()
    for tail in (packed[-8:], b"x", bytes(7) + b"x", packed[-10:], packed[-12:-8]):
        with spans_of(20_000):
            for threads in THREADS:
                with pytest.raises(idxio.IdxError):
                    idxio.read(packed + tail, threads=threads)
    for tail in (b"\0", bytes(8), bytes(9), member(b"")):
        with spans_of(20_000):
            for threads in THREADS:
                assert_same(idxio.read(packed + tail, threads=threads), SMALL)


def bgzf(data, cover=b""):
    """One block, which claims to hold what covers it too."""
    stream = deflate(data)
    size = 18 + len(stream) + 8 + len(cover)
    return wrap(stream, data, subfield(b"BC", struct.pack("<H", size - 1))) + cover


def test_a_member_hidden_behind_a_block():
    data = encode(SMALL)
    blocks = [bgzf(data[k : k + 20_000]) for k in range(0, len(data), 20_000)]
    last = data[(len(blocks) - 1) * 20_000 :]
    hidden = wrap(deflate(bytes(len(last))), bytes(len(last)))
    end = bgzf(b"")
    with spans_of(20_000):
        for threads in THREADS:
            assert_same(idxio.read(b"".join(blocks) + end, threads=threads), SMALL)
            assert_same(idxio.read(b"".join(blocks) + end + end + bytes(3), threads=threads), SMALL)
            for cover in (hidden, b"x" + hidden, member(b"")[:-1] + b"x" + hidden):
                with pytest.raises(idxio.IdxError):
                    idxio.read(b"".join(blocks[:-1]) + bgzf(last, cover), threads=threads)
        # In the middle, the block behind stands where the table says.
        covered = bgzf(data[:20_000], wrap(deflate(bytes(20_000)), bytes(20_000)))
        for threads in THREADS:
            with pytest.raises(idxio.IdxError):
                idxio.read(covered + b"".join(blocks[1:]), threads=threads)


def test_a_damaged_block_is_seen_by_random_access():
    data = encode(SMALL)
    blocks = [
        wrap(
            stream := deflate(part, 0),
            part,
            subfield(b"BC", struct.pack("<H", 18 + len(stream) + 8 - 1)),
        )
        for part in (data[k : k + 20_000] for k in range(0, len(data), 20_000))
    ]
    broken = bytearray(b"".join(blocks))
    broken[len(blocks[0]) + 500] ^= 1
    with idxio.open(bytes(broken)) as f:
        assert_same(f[0], SMALL[0])
        with pytest.raises(idxio.IdxError):
            f[26]
        assert_same(f[100:], SMALL[100:])


def test_an_interrupt_leaves_no_thread(monkeypatch):
    """Wherever it comes: here, while the threads are started."""
    data = gzip.compress(
        encode(np.random.default_rng(0).integers(0, 40, (20_000, 700), np.uint8)), 1
    )
    start, started = threading.Thread.start, []

    def interrupted(thread):
        if started:
            raise KeyboardInterrupt
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        idxio.read(data, threads=4)
    started[0].join(60)
    assert not started[0].is_alive()


def test_a_table_of_chunks_too_long_to_be_checked():
    """Its length may be a lie that no chunk tells alone."""
    payload = encode(np.arange(20_000_000, dtype=np.uint32).astype(np.uint8).reshape(-1, 1000))
    cut = 9_000_012
    parts = []
    for piece in (payload[:cut], payload[cut:]):
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        parts.append(packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH))
    table = struct.pack("<HIIII", 1, 18_000_000, 2, *map(len, parts))
    extra = b"IX" + struct.pack("<H", len(table)) + table
    header = b"\x1f\x8b\x08\x04" + bytes(6) + struct.pack("<H", len(extra)) + extra
    trailer = struct.pack("<II", zlib.crc32(payload), len(payload))
    with idxio.open(header + b"".join(parts) + b"\x03\0" + trailer) as f:
        for i in range(0, 20_000, 997):
            assert f[i].tobytes() == payload[12 + 1000 * i :][:1000]
