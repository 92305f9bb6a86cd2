"""Every compression, held to one contract: the module that it names says what a file holds."""

import bz2
import gzip
import importlib
import io
import itertools
import lzma
import pickle
import random
import struct
import zlib
from functools import partial

import numpy as np
import pytest
from helpers import PipeLike, assert_same, encode, member, members, pack_zstd, zstd
from hypothesis import given
from hypothesis import strategies as st
from packers import deflate, spans_of, subfield, wrap

import idxio
from idxio.compression.registry import COMPRESSIONS, open_compressed
from idxio.storage.source import open_source

# Some 90 KB that pack to half: several chunks, members, blocks and spans of an index.
ARRAY = np.random.default_rng(1).integers(0, 16, (450, 10, 20), np.uint8)
DATA = encode(ARRAY)
THIRD = len(DATA) // 3
CUTS = (0, 5, THIRD, THIRD + 1, 2 * THIRD, len(DATA))


def xz(data):
    return lzma.compress(data, preset=0)  # the least memory, so that many are quick


def own(data, compression="gzip"):
    assert data == DATA
    file = io.BytesIO()
    idxio.write(file, ARRAY, compression=compression)
    return file.getvalue()


def bgzip(data):
    """Members of 20,000 bytes that state their sizes, and an empty last one (SAM/BAM format,
    section 4.1).
    """
    parts = [data[start : start + 20_000] for start in range(0, len(data), 20_000)]
    return b"".join(bgzip_member(part) for part in [*parts, b""])


def bgzip_member(part):
    stream = deflate(part)
    size = len(wrap(stream, part, subfield(b"BC", bytes(2))))
    return wrap(stream, part, subfield(b"BC", struct.pack("<H", size - 1)))


def skippable(data):
    """A frame that decoders of zstd skip (RFC 8878, 3.1.2)."""
    return struct.pack("<II", 0x184D2A53, len(data)) + data


def library_of(kind):
    """The module that reads files of a compression; None where it is not there."""
    try:
        return importlib.import_module(kind.module)
    except ImportError:
        return None


def streams(pack):
    """A packer that makes several streams; the library's decompressors stop at padding between
    them.
    """
    return lambda data: b"".join(pack(data[a:b]) for a, b in itertools.pairwise(CUTS))


PACKERS = {
    "raw": bytes,
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "gzip-members": lambda data: members(data, *CUTS[1:-1]) + member(b"") + bytes(5),
    "gzip-bgzip": bgzip,
    "gzip-sidecar": lambda data: wrap(deflate(data, memory=1), data),  # short blocks
    "xz": xz,
    "xz-streams": streams(xz),
    "bz2-streams": streams(bz2.compress),
}
if zstd is not None:
    PACKERS |= {
        "zstd": pack_zstd,
        "zstd-streams": streams(pack_zstd),
        "zstd-skippable": lambda data: skippable(b"x" * 300_000) + pack_zstd(data) + skippable(b""),
    }
LIBRARY = {}
# A new compression is held to all of this by its line in the registry.
for _kind in COMPRESSIONS:
    if not _kind.is_plain and (library := library_of(_kind)) is not None:
        PACKERS.setdefault(_kind.packing, library.compress)
        LIBRARY |= dict.fromkeys(_kind.magic, library.decompress)
        if _kind.can_write:
            PACKERS[f"{_kind.packing}-own"] = partial(own, compression=_kind.packing)
PACKED = {kind: pack(DATA) for kind, pack in PACKERS.items()}
COMPRESSED = [kind for kind in PACKERS if kind != "raw"]


def by_library(packed):
    """What the library of its compression unpacks; None where it raises.

    A file without a known magic is raw.
    """
    for magic, decompress in LIBRARY.items():
        if packed.startswith(magic):
            try:
                return decompress(packed)
            except Exception:  # each has kinds of its own
                return None
    return packed


@pytest.fixture(params=["path", "bytes", "pipe"])
def opened(request, tmp_path):
    """A function that opens a packed file: by its path, from memory, or from a pipe."""

    def open_(kind, packed=None):
        packed = PACKED[kind] if packed is None else packed
        if request.param == "bytes":
            return open_compressed(open_source(packed))
        if request.param == "pipe":
            return open_compressed(open_source(PipeLike(packed, 4099)))
        return open_compressed(open_source(on_disk(kind, tmp_path, packed)))

    with spans_of(1 << 12, part=1 << 13):
        yield open_


def on_disk(kind, folder, packed):
    """The path of a packed file, beside its index if it has one."""
    path = folder / "x"
    if kind == "gzip-sidecar" and not (folder / "x.seek").exists():
        path.write_bytes(PACKED[kind])
        idxio.build_index(path, spacing=1 << 13)
    path.write_bytes(packed)
    return path


def read_whole(compressed, size, threads=1):
    """What read_whole fills in of size bytes, and the length that it returns."""
    out = bytearray(size)
    length = compressed.read_whole(memoryview(out), threads)
    return bytes(out[:length]), length


def read_stream(compressed, sizes=(65_537,)):
    """Everything that a stream gives, asked for pieces of these sizes in turn."""
    stream = compressed.stream()
    pieces = []
    for size in itertools.cycle(sizes):
        piece = bytearray(size)
        n = stream.readinto(memoryview(piece))
        pieces.append(bytes(piece[:n]))
        if n < size:
            assert stream.readinto(memoryview(piece)) == 0
            return b"".join(pieces)


def agrees(open_, kind, packed):
    """Whether both ways to read a file give what the library gives; where it raises, both raise
    IdxError.

    False where idxio is the stricter one, in both ways.
    """
    expected = by_library(packed)
    results = []
    for read in (lambda c: read_whole(c, len(DATA), 2)[0], read_stream):
        try:
            compressed = open_(kind, packed)
            # As every reader does: an index leads behind the header of the first member, which only
            # this looks at.
            compressed.head(4, lambda first: 12)
            results.append(read(compressed))
        except idxio.IdxError:
            results.append(None)
    if expected is None:
        assert results == [None, None]
    if results == [None, None]:
        return expected is None
    assert results == [expected[: len(DATA)], expected]
    return True


def test_kinds_are_what_they_say(tmp_path):
    assert all(by_library(packed) == DATA for packed in PACKED.values())
    assert {open_compressed(open_source(packed)).packing for packed in PACKED.values()} == {
        kind.packing for kind in COMPRESSIONS if kind.is_plain or library_of(kind) is not None
    }
    for kind in (kind for kind in COMPRESSED if kind.startswith("gzip")):
        folder = tmp_path / kind
        folder.mkdir()
        compressed = open_compressed(open_source(on_disk(kind, folder, PACKED[kind])))
        has_index = kind in ("gzip-own", "gzip-bgzip", "gzip-sidecar")
        assert compressed.span_index.complete == has_index
        assert len(compressed.span_index) > 3 or not has_index


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("kind", PACKERS)
def test_read_whole(kind, threads, opened):
    assert read_whole(opened(kind), len(DATA), threads) == (DATA, len(DATA))
    # The length is that of the file, however much fits.
    for size in (0, 1, len(DATA) - 1, len(DATA) + 1, len(DATA) + 70_000):
        assert read_whole(opened(kind), size, threads) == (DATA[:size], len(DATA))


@pytest.mark.parametrize("sizes", [(1, 3, 4095), (4097, 1), (65_537,), (1 << 20,)], ids=str)
@pytest.mark.parametrize("kind", PACKERS)
def test_stream_by_readinto(kind, sizes, opened):
    assert read_stream(opened(kind), sizes) == DATA


@pytest.mark.parametrize("kind", PACKERS)
def test_stream_by_blocks(kind, opened):
    stream = opened(kind).stream()
    kept = []
    pieces = []
    while stream.step():
        kept.append((stream.block, bytes(stream.block)))
        pieces.append(kept[-1][1])
        # A block stays as it is for two more steps.
        kept = kept[-3:]
        assert all(bytes(block) == piece for block, piece in kept)
    assert b"".join(pieces) == DATA


@pytest.mark.parametrize("kind", PACKERS)
def test_head(kind, opened):
    asked = []

    def more(first):
        asked.append(first)
        return 11

    assert opened(kind).head(4, more) == DATA[:15]
    assert asked == [DATA[:4]]
    assert opened(kind).head(0, lambda first: 70_000) == DATA[:70_000]
    assert opened(kind).head(len(DATA) + 1, more) == DATA
    assert opened(kind).head(len(DATA), more) == DATA
    assert asked == [DATA[:4], DATA]


@pytest.mark.parametrize("kind", PACKERS)
def test_head_leaves_the_rest(kind, opened):
    compressed = opened(kind)
    compressed.head(4, lambda first: 12)
    assert read_whole(compressed, len(DATA)) == (DATA, len(DATA))


@pytest.mark.parametrize("kind", PACKERS)
def test_limit(kind, opened):
    limit = opened(kind).limit()
    assert limit is None or limit >= len(DATA)
    if kind == "raw":
        assert limit == opened(kind).source.size


@pytest.mark.parametrize("kind", PACKERS)
def test_truncated(kind, opened):
    packed = PACKED[kind]
    cuts = {
        *range(6, 30),
        *range(len(packed) - 20, len(packed)),
        *range(30, len(packed), len(packed) // 23),
    }
    for cut in sorted(cuts):
        assert agrees(opened, kind, packed[:cut]), cut


@pytest.mark.parametrize(
    "kind",
    [kind for kind in COMPRESSED if not kind.endswith(("-members", "-streams", "-skippable"))],
)
def test_truncated_says_so(kind, opened):
    for cut in (len(PACKED[kind]) // 2, len(PACKED[kind]) - 1):
        for read in (lambda c: read_whole(c, len(DATA)), read_stream):
            with pytest.raises(idxio.TruncatedError, match="ends inside"):
                read(opened(kind, PACKED[kind][:cut]))


@pytest.mark.parametrize("kind", PACKERS)
def test_flipped_bits(kind, opened):
    packed = PACKED[kind]
    choice = random.Random(kind)
    size = len(packed)
    positions = {*range(18), *range(size - 13, size), *(choice.randrange(size) for _ in range(30))}
    for position in sorted(positions):
        flipped = bytearray(packed)
        flipped[position] ^= 1 << choice.randrange(8)
        agrees(opened, kind, bytes(flipped))


@pytest.mark.parametrize("kind", [kind for kind in COMPRESSED if kind.startswith("gzip")])
def test_flipped_bits_that_mean_nothing(kind, opened):
    # Time, extra flags and system of the first member.
    for position in range(4, 10):
        flipped = bytearray(PACKED[kind])
        flipped[position] ^= 1
        assert agrees(opened, kind, bytes(flipped))


@pytest.mark.parametrize("kind", COMPRESSED)
def test_trailing_garbage(kind, opened):
    packed = PACKED[kind]
    for tail in (
        b"x",
        b"garbage",
        bytes(4) + b"garbage",
        bytes(300_000) + b"x",
        packed[:3],
        packed[:20] + bytes(20),
    ):
        for read in (lambda c: read_whole(c, len(DATA), 2), read_stream):
            with pytest.raises(idxio.IdxError):
                read(opened(kind, packed + tail))


@pytest.mark.parametrize("kind", COMPRESSED)
def test_zero_padding(kind, opened):
    for size in (4, 512, 300_000):
        assert read_whole(opened(kind, PACKED[kind] + bytes(size)), len(DATA), 2) == (
            DATA,
            len(DATA),
        )
        assert read_stream(opened(kind, PACKED[kind] + bytes(size))) == DATA


@pytest.mark.parametrize("kind", PACKERS)
def test_pickles(kind, tmp_path):
    path = on_disk(kind, tmp_path, PACKED[kind])
    for file in (path, PACKED[kind]):
        with idxio.open(file) as f:
            fresh = pickle.dumps(f)
            assert_same(f[7:9], ARRAY[7:9])
            used = pickle.dumps(f)
        for state in (fresh, used):
            with pickle.loads(state) as copy:
                assert copy.packing == kind.partition("-")[0]
                assert_same(copy[[3, 449]], ARRAY[[3, 449]])
                assert_same(copy[:], ARRAY)


SHORT = ARRAY[:2]
SHORT_DATA = encode(SHORT)
STREAM_PACKERS = {"gzip": member, "bz2": bz2.compress, "xz": xz}
if zstd is not None:
    STREAM_PACKERS["zstd"] = pack_zstd


@pytest.mark.parametrize("kind", STREAM_PACKERS)
@given(
    st.lists(st.integers(0, len(SHORT_DATA)), max_size=6).map(sorted),
    st.integers(0, 5),
    st.binary(max_size=30),
    st.integers(1, 4000),
)
def test_streams_cut_anywhere(kind, cuts, padding, tail, step):
    pack = STREAM_PACKERS[kind]
    edges = itertools.pairwise([0, *cuts, len(SHORT_DATA)])
    packed = b"".join(pack(SHORT_DATA[a:b]) + bytes(4 * padding) for a, b in edges)
    assert_same(idxio.read(packed), SHORT)
    assert_same(idxio.read(PipeLike(packed, step)), SHORT)
    assert idxio.verify(packed).crc32 == zlib.crc32(SHORT_DATA)
    if tail.strip(b"\0"):
        for file in (packed + tail, PipeLike(packed + tail, step)):
            with pytest.raises(idxio.IdxError):
                idxio.read(file)
        with pytest.raises(idxio.IdxError):
            idxio.verify(packed + tail)
