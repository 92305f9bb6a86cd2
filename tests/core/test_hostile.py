"""Damaged and malicious files: always a clear error, never a wrong array, never memory on the
header's word.
"""

import bz2
import gzip
import io
import lzma
import os
import pickle
import resource
import subprocess
import sys
import textwrap
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from helpers import PipeLike, assert_same, encode, header, member, members, sample
from hypothesis import given
from hypothesis import strategies as st

import idxio

LINUX = pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="needs Linux")


@pytest.fixture(autouse=True, scope="module")
def little_memory():
    """Two gigabytes more than there are: believing a lie must not take the machine down, whatever
    the allocator is.
    """
    if not os.path.exists("/proc/self/statm"):
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (2 << 30), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


# Opening a file that is not longer than the longest header decodes all of it: both kinds are
# needed.
ARRAYS = {"short": sample("int16", (6, 2, 2)), "long": sample("int16", (50, 4, 4)) % 50}
ARRAY = ARRAYS["short"]
DATA = encode(ARRAY)


def xz(data):
    return lzma.compress(data, preset=0)  # the least memory, so that many are quick


def packings(data):
    return {
        "raw": data,
        "gzip": member(data),
        "gzip-stored": member(data, level=0),
        "gzip-members": members(data, 5, 5, 20),
        "gzip-fields": member(
            data, text=True, extra=b"ab\2\0xy", name=b"train", comment=b"of a test", hcrc=True
        ),
        "xz": xz(data),
        "xz-streams": xz(data[:9]) + bytes(4) + xz(data[9:]),
        "bz2": bz2.compress(data),
        "bz2-streams": bz2.compress(data[:9]) + bz2.compress(data[9:]),
    }


# Of each: the packed file, and the CRC-32 of what is in it.
PACKED = {
    f"{packing}-{length}": (packed, zlib.crc32(encode(array)))
    for length, array in ARRAYS.items()
    for packing, packed in packings(encode(array)).items()
}
CALLS = (
    idxio.read,
    idxio.verify,
    lambda file: idxio.open(file)[:],
    lambda file: idxio.read(PipeLike(bytes(file))),
)


def outcome(call, file):
    """The CRC of the elements that a call finds, or None where it refuses the file."""
    try:
        result = call(file)
    except idxio.IdxError:
        return None
    return result.crc32 if isinstance(result, idxio.Info) else zlib.crc32(encode(result))


@pytest.mark.parametrize("packing", PACKED)
def test_truncated_at_every_byte(packing):
    packed, _ = PACKED[packing]
    for size in range(len(packed)):
        for call in CALLS:
            assert outcome(call, packed[:size]) is None, size


@pytest.mark.parametrize("packing", [p for p in PACKED if "streams" not in p])
def test_truncation_is_told_from_damage(packing):
    packed, _ = PACKED[packing]
    start = {"r": 4, "g": 2, "x": 6, "b": 4}[packing[0]]  # what tells the packing
    for size in range(start, len(packed)):
        with pytest.raises(idxio.TruncatedError) as info:
            idxio.read(packed[:size])
        assert info.value.found <= len(encode(ARRAYS[packing.split("-")[-1]]))


@pytest.mark.parametrize("packing", [p for p in PACKED if "raw" not in p])
def test_every_flipped_bit(packing):
    packed, true = PACKED[packing]
    for bit in range(8 * len(packed)):
        flipped = bytearray(packed)
        flipped[bit // 8] ^= 1 << bit % 8
        for call in CALLS:
            assert outcome(call, flipped) in (None, true), bit


@pytest.mark.parametrize("packing", PACKED)
@given(st.data())
def test_damage_of_any_kind(packing, data):
    packed, true = PACKED[packing]
    packed = bytearray(packed)
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(packed)))
        stop = data.draw(st.integers(start, len(packed)))
        packed[start:stop] = data.draw(st.binary(max_size=12))
    allowed = {None, true}
    if "raw" in packing:
        allowed.add(outcome(idxio.read, packed))  # nothing protects a raw file
    for call in CALLS:
        assert outcome(call, packed) in allowed


@given(
    st.binary(max_size=200),
    st.sampled_from([b"\x1f\x8b\x08", b"\x1f\x8b\x08\0\0\0\0\0\0\xff", b"BZh9", b"\xfd7zXZ\0"]),
)
def test_noise_behind_a_magic(noise, magic):
    for call in CALLS:
        assert outcome(call, magic + noise) is None


FOUR_GB = header(0x08, 0xFFFFFFFF)


def traced(call):
    """The most memory that a call had at once, by tracemalloc, which numpy reports to."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


LIES = [(0xFFFFFFFF,), (1 << 16, 1 << 16), (60000, 28, 28), (1, 0xFFFFFFFF, 1 << 30)]
PACK = {"raw": bytes, "gzip": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress}


@pytest.mark.parametrize("shape", LIES, ids=str)
@pytest.mark.parametrize("packing", ["raw", "gzip"])
def test_nothing_is_allocated_on_the_headers_word(packing, shape, tmp_path):
    data = header(0x08, *shape) + bytes(100)
    packed = PACK[packing](data)
    path = tmp_path / "x"
    path.write_bytes(packed)

    def attempt():
        for call in (idxio.read, idxio.open, idxio.info, idxio.verify):
            for file in (path, packed, io.BytesIO(packed)):
                with pytest.raises(idxio.TruncatedError, match=f"{len(data)} of the"):
                    call(file)

    assert traced(attempt) < 8 << 20


# In a process of its own: Python's debugging allocator touches all that it gives.
TOUCHED = """
import io, re, sys
import idxio
sys.path[:0] = {path!r}
from helpers import PipeLike

def status(word):
    return int(re.search(word + r":\\s+(\\d+)", open("/proc/self/status").read())[1])

data = open(sys.argv[1], "rb").read()
open("/proc/self/clear_refs", "w").write("5")  # the peak starts again from here
before = status("VmRSS")
for call in (idxio.read, idxio.verify, lambda file: idxio.open(file)[:]):
    for file in (sys.argv[1], data, io.BytesIO(data), PipeLike(data)):
        try:
            call(file)
        except idxio.TruncatedError as error:
            assert sys.argv[2] in str(error), error
        else:
            raise AssertionError("a lie was believed")
print(status("VmHWM") - before)
"""


def touched(path, words):
    """The most memory touched while every way to read this file fails, in bytes."""
    code = TOUCHED.format(path=[os.path.join(os.path.dirname(__file__), "../support")])
    environment = {
        k: v for k, v in os.environ.items() if k not in ("PYTHONDEVMODE", "PYTHONMALLOC")
    }
    command = [sys.executable, "-c", code, path, words]
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (before[1], before[1]))
    try:
        return (
            int(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)
            << 10
        )
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@LINUX
@pytest.mark.parametrize("shape", LIES, ids=str)
@pytest.mark.parametrize("packing", PACK)
def test_nothing_is_touched_on_the_headers_word(packing, shape, tmp_path):
    # Only decoding tells the size of xz, bz2 and pipes: address space may be set aside, memory not.
    data = header(0x08, *shape) + bytes(100)
    path = tmp_path / "x"
    path.write_bytes(PACK[packing](data))
    assert touched(path, f"{len(data)} of the") < 24 << 20


LIMITED = """
import resource, sys
import idxio
sys.path[:0] = {path!r}
from helpers import PipeLike
limit = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize() + (1 << 30)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
data = sys.stdin.buffer.read()
for call in (idxio.read, idxio.verify, lambda file: idxio.open(file)[:], lambda file: idxio.open(file)[5:10]):
    for file in (data, PipeLike(data)):
        try:
            call(file)
        except idxio.TruncatedError:
            pass
        else:
            raise AssertionError("a lie was believed")
"""


@LINUX
@pytest.mark.parametrize("packing", PACK)
def test_a_lie_is_no_lack_of_memory(packing):
    code = textwrap.dedent(LIMITED).format(
        path=[os.path.join(os.path.dirname(__file__), "../support")]
    )
    for shape in ((0xFFFFFFFF,), (0xFFFFFFFF, 1 << 30)):
        packed = PACK[packing](header(0x08, *shape) + bytes(100))
        result = subprocess.run([sys.executable, "-c", code], input=packed, capture_output=True)
        assert result.returncode == 0, result.stderr.decode()


@LINUX
def test_memory_is_touched_only_as_far_as_the_data_go(tmp_path):
    # Long enough that gzip might hold the 4 GB promised, and it holds 5 MB.
    path = tmp_path / "x.gz"
    path.write_bytes(member(FOUR_GB + os.urandom(5 << 20), level=0))
    assert touched(path, "of the 4,294,967,303 bytes are there") < 160 << 20


def test_a_bomb_is_not_unpacked_into_memory():
    data = encode(np.zeros(10, np.uint8)) + bytes(100 << 20)
    for packed in (gzip.compress(data, 1), bz2.compress(data)):
        for call in (idxio.read, idxio.verify):

            def attempt(call=call, packed=packed):
                with pytest.raises(idxio.FormatError, match=f"{100 << 20:,} bytes behind"):
                    call(packed)

            assert traced(attempt) < 16 << 20


HTML = b"<!DOCTYPE html><html><head><title>404</title>"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 26421880\n"
TAR = b"train-images".ljust(257, b"\0") + b"ustar\00000" + bytes(240)
NAMED = {
    "HTML": HTML,
    "HTML ": b"\xef\xbb\xbf\r\n  <html lang=en>",
    "XML": b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
    "git lfs pull": LFS,
    "git annex get": b"/annex/objects/SHA256E-s26421880--00.gz\n",
    "git-annex": b"../.git/annex/objects/XX/YY/SHA256E-s5--00/SHA256E-s5--00",
    "zip": b"PK\3\4" + bytes(40),
    "tar -xf": TAR,
    "numpy.load": b"\x93NUMPY\1\0v\0{'descr': '|u1'",
    "JSON": b'{"message": "Not Found"}',
    "lz4": b"\x04\x22\x4d\x18" + bytes(20),
    "PNG": b"\x89PNG\r\n\x1a\n" + bytes(20),
    "pickle": pickle.dumps([1, 2, 3], 4),
    "parquet": b"PAR1" + bytes(20),
}


@pytest.mark.parametrize("pack", PACK.values(), ids=PACK)
@pytest.mark.parametrize("words", NAMED)
def test_the_cause_is_named(words, pack, tmp_path):
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(pack(NAMED[words]))
    for call in (idxio.read, idxio.open, idxio.info, idxio.verify):
        with pytest.raises(idxio.FormatError) as info:
            call(path)
        # the whole text has the path, and that has these words
        assert words.strip() in info.value.message
        assert str(path) in str(info.value)


def test_real_archives_are_named(tmp_path):
    np.save(tmp_path / "a.npy", ARRAY)
    np.savez(tmp_path / "a.npz", ARRAY)
    with pytest.raises(idxio.FormatError, match=r"\.npy file"):
        idxio.read(tmp_path / "a.npy")
    with pytest.raises(idxio.FormatError, match="zip"):
        idxio.read(tmp_path / "a.npz")


@pytest.mark.parametrize("pack", [bytes, member, lzma.compress, bz2.compress])
def test_how_many_records_are_there(pack):
    data = encode(np.zeros((60, 28, 28), np.uint8))
    for part in (0, 1, 783):
        size = 16 + 784 * 35 + part
        with pytest.raises(idxio.TruncatedError, match="35 of 60 records are whole") as info:
            idxio.read(pack(data[:size]))
        assert info.value.found == size
    with pytest.raises(idxio.TruncatedError, match=" 0 of 60 records are whole"):
        idxio.read(pack(data[:16]))


@pytest.mark.parametrize("pack", [bytes, member, lzma.compress, bz2.compress])
@pytest.mark.parametrize(
    "look",
    [
        lambda f: f.read(),
        lambda f: list(f.iter_records(7)),
        lambda f: f[59],
        lambda f: f[[3, 58]],
        idxio.verify,
    ],
)
def test_it_is_said_once_whoever_notices(pack, look):
    data = pack(encode(np.zeros((60, 28, 28), np.uint8))[: 16 + 784 * 35])
    with pytest.raises(idxio.TruncatedError) as info:
        look(data if look is idxio.verify else idxio.open(data))
    message = str(info.value)
    assert (
        message.count("27,456 of the 47,056 bytes")
        == message.count("35 of 60 records are whole")
        == 1
    )
    assert info.value.found == 27456
    # A place in the file as it is stored.
    assert info.value.offset == (27456 if pack is bytes else None)


def test_truncated_gzip_tells_where_and_how_much():
    packed = gzip.compress(
        encode(np.random.default_rng(5).integers(0, 256, (60, 28, 28), np.uint8))
    )
    with pytest.raises(
        idxio.TruncatedError, match=r"ends inside gzip member 1.*records are whole"
    ) as info:
        idxio.read(packed[:30_000])
    assert info.value.offset == 30_000
    assert 25_000 < info.value.found < 31_000
    with pytest.raises(idxio.TruncatedError, match="inside the checksum of gzip member 1"):
        idxio.read(packed[:-3])


@pytest.mark.parametrize("extra", [1, 7, 1000, 123_456])
def test_how_many_bytes_are_too_many(extra):
    with pytest.raises(
        idxio.FormatError, match=f"has {extra:,} bytes behind the {len(DATA)}"
    ) as info:
        idxio.read(DATA + bytes(extra))
    assert info.value.offset == len(DATA)


def test_the_name_is_in_the_message(tmp_path):
    path = tmp_path / "some-name"
    path.write_bytes(DATA[:-1])
    for call in (idxio.read, idxio.open, idxio.info, idxio.verify):
        with pytest.raises(idxio.IdxError, match="some-name") as info:
            call(path)
        assert info.value.file == str(path)
    with open(path, "rb") as file, pytest.raises(idxio.IdxError, match="some-name"):
        idxio.read(file)


@pytest.mark.parametrize("packing", PACKED)
def test_a_file_is_read_again_after_an_error(packing, tmp_path):
    path = tmp_path / "x"
    packed, _ = PACKED[packing]
    path.write_bytes(packed[:-1])
    with pytest.raises(idxio.IdxError):
        idxio.read(path)
    path.write_bytes(packed)
    assert_same(idxio.read(path), ARRAYS[packing.split("-")[-1]])
