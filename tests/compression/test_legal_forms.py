"""gzip, xz and bz2 in every legal form and every broken one; `test_conformance` has what holds for
all alike.
"""

import bz2
import gzip
import lzma
import struct
import zlib

import numpy as np
import pytest
from helpers import PipeLike, assert_same, encode, member, members, sample
from hypothesis import given
from hypothesis import strategies as st

import idxio

# Longer than the longest header: opening a shorter file decodes all of it, and finds there what is
# wrong.
ARRAY = sample("int16", (9, 20, 4))
SHORT = sample("int16", (9, 4, 3))
DATA = encode(ARRAY)


def xz(data):
    return lzma.compress(data, preset=0)  # the least memory, so that many are quick


def check(packed, array=ARRAY):
    """The standard library unpacks it, and so do we: from memory, from a pipe, and piece by piece."""
    assert gzip.decompress(packed) == encode(array)
    assert_same(idxio.read(packed), array)
    assert_same(idxio.read(PipeLike(packed, 7)), array)
    assert idxio.verify(packed).crc32 == zlib.crc32(encode(array))
    assert idxio.info(packed).shape == array.shape
    with idxio.open(packed) as f:
        assert_same(f[1:3], array[1:3])


@given(
    st.booleans(),
    st.none() | st.binary(max_size=300),
    st.none() | st.binary(max_size=300).filter(lambda b: 0 not in b),
    st.none() | st.binary(max_size=300).filter(lambda b: 0 not in b),
    st.booleans(),
    st.integers(0, 9),
)
def test_every_header_field(text, extra, name, comment, hcrc, level):
    check(member(DATA, text=text, extra=extra, name=name, comment=comment, hcrc=hcrc, level=level))


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, 65535])
def test_long_header_fields(size):
    check(member(DATA, extra=bytes(size), name=b"n" * size, comment=b"c" * size, hcrc=True))


def test_header_fields_longer_than_a_block():
    long = b"x" * 700_000
    packed = member(DATA, name=long) + member(b"", comment=long, hcrc=True)
    assert_same(idxio.read(packed), ARRAY)
    assert idxio.verify(packed).crc32 == zlib.crc32(DATA)
    assert_same(idxio.read(PipeLike(member(DATA, name=b"x" * 300_000), 7)), ARRAY)


@pytest.mark.parametrize("array", [SHORT, ARRAY], ids=["short", "long"])
def test_two_members_cut_at_every_byte(array):
    data = encode(array)
    for cut in range(len(data) + 1):
        check(members(data, cut), array)


@pytest.mark.parametrize("padding", [1, 2, 7, 8, 9, 512, 300_000])
def test_zero_padding(padding):
    check(member(DATA) + bytes(padding))


def test_zero_padding_between_members():
    check(member(DATA[:30]) + bytes(3) + member(b"") + bytes(600_000) + member(DATA[30:]))


def test_empty_members_everywhere():
    empty = member(b"")
    check(empty + empty + member(DATA[:17]) + empty + member(DATA[17:]) + empty + empty)


def test_a_member_for_every_byte():
    check(members(DATA, *range(1, len(DATA))))


def test_members_of_several_blocks_each():
    noise = np.random.default_rng(2).integers(0, 256, (3, 400_000), np.uint8)
    check(members(encode(noise), 5, 300_001, 300_002, 1_100_000) + bytes(10), noise)


@pytest.mark.parametrize("strategy", range(5))
@pytest.mark.parametrize(
    "flush", [zlib.Z_NO_FLUSH, zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH, zlib.Z_PARTIAL_FLUSH]
)
def test_every_kind_of_block(strategy, flush):
    array = np.random.default_rng(3).integers(0, 4, (50, 200), np.uint8)
    deflater = zlib.compressobj(6, zlib.DEFLATED, 31, 9, strategy)
    data = encode(array)
    packed = b"".join(
        deflater.compress(data[i : i + 999]) + deflater.flush(flush)
        for i in range(0, len(data), 999)
    )
    check(packed + deflater.flush(), array)


def test_the_best_ratio_that_deflate_has():
    zeros = np.zeros(50_000_000, np.uint8)
    packed = gzip.compress(encode(zeros), 9)
    assert len(packed) * 1000 < zeros.size
    assert not idxio.read(packed).any()


def test_garbage_behind_is_named():
    packed = member(DATA)
    for file in (packed + b"garbage", PipeLike(packed + b"garbage")):
        with pytest.raises(idxio.FormatError, match="7 bytes behind its last gzip member") as info:
            idxio.read(file)
        assert info.value.offset == len(packed)


@pytest.mark.parametrize("wrong", [0, 1, 0xFFFFFFFF])
def test_wrong_checksum(wrong):
    packed = member(DATA, crc=wrong)
    for call in (idxio.read, idxio.verify):
        with pytest.raises(
            idxio.ChecksumError, match=f"states the CRC-32 {wrong:08x}.*{zlib.crc32(DATA):08x}"
        ):
            call(packed)
    with pytest.raises(idxio.ChecksumError, match="member 2"):
        idxio.read(member(DATA[:9]) + member(DATA[9:], crc=wrong))
    with pytest.raises(idxio.ChecksumError, match="member 1"):
        idxio.read(member(DATA[:9], crc=wrong) + member(DATA[9:]))
    with pytest.raises(idxio.ChecksumError, match="member 2"):
        idxio.read(member(DATA) + member(b"", crc=wrong or 2))


@pytest.mark.parametrize("wrong", [0, 1, len(DATA) - 1, len(DATA) + 1, 0xFFFFFFFF])
def test_wrong_size(wrong):
    packed = member(DATA, size=wrong)
    for call in (idxio.read, idxio.verify):
        with pytest.raises(idxio.ChecksumError, match=f"length of {wrong:,} bytes"):
            call(packed)


def test_wrong_size_is_not_believed_by_info():
    array = np.random.default_rng(6).integers(0, 256, 5000, np.uint8)
    assert idxio.info(member(encode(array))).crc32 == zlib.crc32(encode(array))
    assert idxio.info(member(encode(array), size=5)).crc32 is None


@pytest.mark.parametrize("reserved", [0x20, 0x40, 0x80])
def test_reserved_flags(reserved):
    with pytest.raises(idxio.FormatError, match="reserved"):
        idxio.read(member(DATA, reserved=reserved))


def test_unknown_method():
    packed = bytearray(member(DATA))
    packed[2] = 7
    with pytest.raises(idxio.FormatError, match="method 7"):
        idxio.read(packed)


def test_wrong_header_checksum():
    packed = bytearray(member(DATA, name=b"name", hcrc=True))
    packed[12] ^= 1
    with pytest.raises(idxio.FormatError, match="header is wrong"):
        idxio.read(packed)


def test_gzip_in_gzip_is_named():
    with pytest.raises(idxio.FormatError, match="gzip inside another"):
        idxio.read(member(member(DATA)))


@pytest.mark.parametrize("pack", [member, bz2.compress, xz], ids=["gzip", "bz2", "xz"])
@pytest.mark.parametrize("extra", [-1, 1, -30, 30, 300_000])
def test_other_size_inside(pack, extra):
    data = DATA[:extra] if extra < 0 else DATA + bytes(extra)
    for file in (pack(data), PipeLike(pack(data))):
        if extra < 0:
            with pytest.raises(
                idxio.TruncatedError, match=f"{len(data):,} of the {len(DATA):,} bytes"
            ) as info:
                idxio.read(file)
            assert info.value.found == len(data)
        else:
            with pytest.raises(
                idxio.FormatError, match=f"has {extra:,} bytes behind the {len(DATA):,}"
            ):
                idxio.read(file)


@pytest.mark.parametrize(
    "check", [lzma.CHECK_NONE, lzma.CHECK_CRC32, lzma.CHECK_CRC64, lzma.CHECK_SHA256]
)
def test_every_check_of_xz(check):
    assert_same(idxio.read(lzma.compress(DATA, check=check)), ARRAY)


def test_large_streams():
    noise = np.random.default_rng(4).integers(0, 256, (5, 200_000), np.uint8)
    data = encode(noise)
    for pack in (bz2.compress, xz):
        packed = pack(data[:500_000]) + pack(data[500_000:])
        assert_same(idxio.read(packed), noise)
        assert_same(idxio.read(PipeLike(packed, 65_537)), noise)


def test_length_is_modulo_2_to_the_32():
    # The length alone; 4 GB of data is more than a test should make.
    trailer = struct.unpack("<II", member(DATA)[-8:])
    assert trailer == (zlib.crc32(DATA), len(DATA))
    with pytest.raises(idxio.IdxError):
        idxio.read(member(DATA[:-1], size=len(DATA)))
