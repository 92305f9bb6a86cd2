"""zstd beside the program of that name and Python's own module: frames of every make, and what is
refused.
"""

import io
import itertools
import os
import pickle
import random
import re
import shutil
import struct
import subprocess
import sys

import numpy as np
import pytest
from helpers import (
    ZSTD,
    PipeLike,
    WriteOnly,
    assert_same,
    encode,
    header,
    member,
    missing,
    pack_zstd,
    sample,
    zstd,
)
from hypothesis import given
from hypothesis import strategies as st

import idxio
from idxio.compression.registry import open_compressed
from idxio.compression.zstd import MAX_RATIO
from idxio.storage.source import open_source

# Some 600 KB: several blocks of zstd's, and more than is read at once.
ARRAY = np.random.default_rng(2).integers(0, 16, (1200, 20, 25), np.uint8)
DATA = encode(ARRAY)


@pytest.fixture(autouse=True)
def needs_the_module(request):
    if zstd is None and "without" not in request.node.name:
        missing(f"{ZSTD} is missing: pip install 'idxio[zstd]'")


def program(*options, **how):
    """Run the program zstd, and return what it writes."""
    if shutil.which("zstd") is None:
        missing("zstd is missing: apt-get install zstd")
    command = ["zstd", "-q", *map(str, options)]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, **how).stdout


def own(array=ARRAY, **options):
    file = io.BytesIO()
    idxio.write(file, array, compression="zstd", **options)
    return file.getvalue()


def frame(flags, *parts):
    """A frame whose header has these flags, and these bytes behind them."""
    return b"\x28\xb5\x2f\xfd" + bytes([flags]) + b"".join(parts)


def block(kind, size, data, last=False):
    """A block: kind 0 is stored, 1 is one byte repeated (RFC 8878, 3.1.1.2)."""
    return struct.pack("<I", last | kind << 1 | size << 3)[:3] + data


def refused(packed, kind, match):
    """Every road refuses a file with this error, which names it."""
    calls = (idxio.read, idxio.verify, lambda file: list(idxio.open(file).iter_records(10)))
    for call, make in itertools.product(calls, (bytes, PipeLike)):
        with pytest.raises(kind, match=match) as caught:
            call(make(packed))
        assert caught.value.file in ("<bytes>", "<PipeLike>")


# What others pack


@pytest.mark.parametrize(
    "options",
    [
        ["-1"],
        ["-6"],
        ["-19"],
        ["--ultra", "-22"],
        ["--fast=5"],
        ["--no-check"],
        ["--long=27"],
        ["-T2", "-B65536"],
        ["--rsyncable"],
        ["--target-compressed-block-size=2000"],
    ],
    ids=" ".join,
)
def test_the_program_packs(options, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(program("-c", *options, input=DATA))
    assert idxio.info(path).packing == "zstd"
    for file in (path, path.read_bytes(), PipeLike(path.read_bytes(), 5001)):
        assert_same(idxio.read(file), ARRAY)
    with idxio.open(path) as f:
        assert_same(np.concatenate(list(f.iter_records(7))), ARRAY)
        assert_same(f[[5, 1199]], ARRAY[[5, 1199]])
    assert idxio.verify(path).crc32 == idxio.verify(DATA).crc32


def test_the_program_packs_a_file(tmp_path):
    (tmp_path / "x").write_bytes(DATA)
    program(tmp_path / "x")  # states the length
    assert_same(idxio.read(tmp_path / "x.zst"), ARRAY)


def test_frames_behind_each_other():
    cuts = [0, 1, 5, 300_000, 300_000, len(DATA)]
    frames = [pack_zstd(DATA[a:b]) for a, b in itertools.pairwise(cuts)]
    skipped = struct.pack("<II", 0x184D2A5F, 100_000) + bytes(100_000)
    for packed in (b"".join(frames), skipped + skipped.join(frames), b"".join(frames) + skipped):
        assert_same(idxio.read(packed), ARRAY)
        assert_same(idxio.read(PipeLike(packed, 4096)), ARRAY)
        assert idxio.info(packed).packing == "zstd"
    assert program("-dc", input=skipped + skipped.join(frames)) == DATA


def test_every_magic_of_a_skippable_frame():
    for k in range(16):
        assert_same(idxio.read(struct.pack("<II", 0x184D2A50 + k, 3) + b"abc" + own()), ARRAY)


def test_frames_alone_that_are_skipped():
    refused(struct.pack("<II", 0x184D2A50, 3) + b"abc", idxio.TruncatedError, "is empty")


# What we pack


@pytest.mark.parametrize("level", [1, 6, 19])
def test_the_program_unpacks(level):
    packed = own(level=level)
    assert program("-dc", input=packed) == DATA
    assert zstd.decompress(packed) == DATA


def test_one_frame_with_length_and_checksum(tmp_path):
    for name in ("write.zst", "Writer.zst"):
        path = tmp_path / name
        if name == "write.zst":
            idxio.write(path, ARRAY)
        else:
            with idxio.Writer(path, "uint8", ARRAY.shape[1:]) as writer:
                writer.append(ARRAY)
        assert zstd.get_frame_info(path.read_bytes()).decompressed_size == len(DATA)
        assert zstd.get_frame_size(path.read_bytes()) == path.stat().st_size
        assert "XXH64" in program("-lv", path).decode()


@pytest.mark.parametrize("step", [1, 7, 1200])
def test_the_bytes_depend_on_data_and_level_alone(step, tmp_path):
    for target in (tmp_path / "x.zst", io.BytesIO(), WriteOnly()):
        with idxio.Writer(target, "uint8", (20, 25), compression="zstd", threads=2) as writer:
            for start in range(0, len(ARRAY), step):
                writer.append(ARRAY[start : start + step])
        if isinstance(target, io.BytesIO):
            assert target.getvalue() == own()
    assert (tmp_path / "x.zst").read_bytes() == own()
    assert own(level=3) != own()
    assert own(level=6) == own()
    assert os.listdir(tmp_path) == ["x.zst"]


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float64"])
@pytest.mark.parametrize("shape", [(), (0,), (0, 28, 28), (1,), (7, 3, 2)])
def test_every_shape(dtype, shape, tmp_path):
    x = sample(dtype, shape)
    idxio.write(tmp_path / "x.zst", x)
    assert_same(idxio.read(tmp_path / "x.zst"), x)
    assert program("-dc", tmp_path / "x.zst") == encode(x)


@pytest.mark.parametrize("level", [-1, 0, 20, 22])
def test_other_levels_are_refused(level, tmp_path):
    with pytest.raises(ValueError, match=f"level is 1 to 19, not {level}"):
        idxio.write(tmp_path / "x.zst", ARRAY, level=level)
    assert not os.listdir(tmp_path)


def test_a_failed_writer_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.zst"
    idxio.write(path, ARRAY)
    with pytest.raises(ValueError), idxio.Writer(path, "uint8", (20, 25)) as writer:
        writer.append(ARRAY[:5].reshape(-1))
    assert_same(idxio.read(path), ARRAY)
    assert os.listdir(tmp_path) == ["x.zst"]


def test_a_temporary_file_that_ends_early(monkeypatch, tmp_path):
    class EarlyEnd(io.BytesIO):
        def read(self, n=-1):
            return b"" if self.tell() else super().read(100)

    monkeypatch.setattr("idxio.compression.zstd.new_spool", lambda folder: EarlyEnd())
    writer = idxio.Writer(tmp_path / "x.zst", "uint8", (20, 25))
    writer.append(ARRAY)
    with pytest.raises(OSError, match="599,916 bytes too early"):
        writer.close()
    assert not os.listdir(tmp_path)


def test_sort_and_repack(tmp_path):
    labels = np.arange(len(ARRAY), dtype=np.uint8) % 10
    images, sorted_labels = tmp_path / "train-images.zst", tmp_path / "train-labels.zst"
    order = idxio.write_sorted(images, sorted_labels, ARRAY, labels)
    assert_same(idxio.read(images), ARRAY[order])
    assert_same(idxio.read(sorted_labels), labels[order])
    assert idxio.info(images).packing == "zstd"
    idxio.repack(images, tmp_path / "x.gz")
    assert idxio.info(tmp_path / "x.gz").packing == "gzip"
    assert_same(idxio.read(tmp_path / "x.gz"), ARRAY[order])


def test_load(tmp_path):
    labels = np.arange(len(ARRAY), dtype=np.uint8) % 10
    idxio.write(tmp_path / "train-images-idx3-ubyte.zst", ARRAY)
    idxio.write(tmp_path / "train-labels-idx1-ubyte.zst", labels)
    ds = idxio.load(tmp_path)
    assert_same(ds.images[:], ARRAY)
    assert_same(np.asarray(ds.labels), labels)
    batches = [images for images, _ in ds.batches(100)]
    assert_same(np.concatenate(batches), ARRAY)
    with idxio.open(tmp_path / "train-images-idx3-ubyte.zst") as f:
        assert_same(pickle.loads(pickle.dumps(f))[3], ARRAY[3])
        assert not f.has_view
        with pytest.raises(idxio.IdxError, match="packed with zstd"):
            _ = f.array
    # Of two copies, the one of which any part is read at once.
    idxio.write(tmp_path / "train-images-idx3-ubyte.gz", ARRAY)
    assert idxio.load(tmp_path).images.packing == "gzip"


# What is refused


def test_cut_anywhere():
    packed = own(ARRAY[:20])
    for stop in (*range(1, 30), *range(30, len(packed), 97), len(packed) - 1):
        # Shorter than a magic, it is a raw file that is none.
        kind = idxio.TruncatedError if stop > 3 else idxio.IdxError
        refused(packed[:stop], kind, "ends inside|is not an IDX file")


def test_a_wrong_checksum():
    packed = bytearray(own())
    packed[-1] ^= 1
    refused(packed, idxio.ChecksumError, "wrong checksum in its zstd data")


@pytest.mark.parametrize("tail", [b"x", b"\x28", bytes(9) + b"garbage", b"\x1f\x8b\x08"])
def test_bytes_behind_the_last_frame(tail):
    match = "behind its last zstd stream|inside the start of another"
    refused(own() + tail, idxio.IdxError, match)


def test_a_window_that_takes_too_much_memory():
    payload = block(0, 12, encode(np.arange(4, dtype=np.uint8)), last=True)
    payload = block(0, len(encode(np.arange(4, dtype=np.uint8))), payload[3:], last=True)
    for log, eighths in ((10, 0), (27, 0)):
        window = bytes([(log - 10) << 3 | eighths])
        assert_same(idxio.read(frame(0, window, payload)), np.arange(4, dtype=np.uint8))
    for log, eighths in ((27, 1), (28, 0), (31, 0), (41, 7)):
        size = (1 << log) // 8 * (8 + eighths)
        for before in (b"", pack_zstd(b"")):
            packed = before + frame(0, bytes([(log - 10) << 3 | eighths]), payload)
            refused(packed, idxio.FormatError, f"window of {size:,} bytes.*--long=31")
    # Of a single segment the content is the window: 8, 4 and 2 bytes state its length.
    for flags, size in ((0xE0, (1 << 27) + 1), (0xA0, (1 << 27) + 1)):
        stated = size.to_bytes({0xE0: 8, 0xA0: 4}[flags], "little")
        refused(frame(flags, stated, payload), idxio.FormatError, f"window of {size:,} bytes")


def test_a_dictionary():
    content = block(0, 12, bytes(12), last=True)
    for flags, number in ((1, b"\x07"), (2, b"\x07\0"), (3, b"\x07\0\0\0")):
        match = "needs the dictionary 7, .*zstd -d -D"
        refused(frame(flags, b"\0", number, content), idxio.FormatError, match)
        refused(frame(flags | 0x20, number, b"\x0c", content), idxio.FormatError, match)


def test_a_dictionary_of_the_program(tmp_path):
    for k in range(40):
        (tmp_path / f"{k}").write_bytes(encode(ARRAY[k : k + 20]))
    files = [tmp_path / f"{k}" for k in range(40)]
    program("--train", *files, "-o", tmp_path / "dictionary", stderr=subprocess.DEVNULL)
    packed = program("-c", "-D", tmp_path / "dictionary", input=DATA)
    refused(packed, idxio.FormatError, "needs the dictionary")


def test_a_claim_is_held_against_the_largest_expansion():
    blocks = 40
    most = frame(0, bytes([(27 - 10) << 3]), *[block(1, 128 << 10, b"\0")] * (blocks - 1))
    most += block(1, 128 << 10, b"\0", last=True)
    total = blocks * (128 << 10)
    compressed = open_compressed(open_source(most))
    assert total <= compressed.limit() == MAX_RATIO * len(most)
    assert len(zstd.decompress(most)) == total
    # More than the file could ever hold: said before memory is taken.
    claim = pack_zstd(header(8, 1 << 31, 1 << 31) + bytes(100))
    refused(claim, idxio.TruncatedError, "of the 4,611,686,018,427,387,916 bytes are there")


def test_zstd_inside_another_compression():
    for pack in (member, pack_zstd):
        refused(pack(own()), idxio.FormatError, "zstd inside another compression")
    refused(pack_zstd(member(DATA)), idxio.FormatError, "gzip inside another compression")


SHORT = ARRAY[:3]
PACKED = {} if zstd is None else {n: own(ARRAY[:n]) for n in (3, 300)}


@given(st.data())
def test_a_damaged_file_is_no_other_array(data):
    count = data.draw(st.sampled_from(sorted(PACKED)))
    packed = bytearray(PACKED[count])
    for _ in range(data.draw(st.integers(1, 4))):
        kind = data.draw(st.sampled_from(["flip", "cut out", "put in", "repeat"]))
        at = data.draw(st.integers(0, len(packed)))
        size = data.draw(st.integers(1, 40))
        if kind == "flip":
            packed[at : at + 1] = bytes(byte ^ 1 << size % 8 for byte in packed[at : at + 1])
        elif kind == "cut out":
            del packed[at : at + size]
        elif kind == "put in":
            packed[at:at] = random.Random(size).randbytes(size)
        else:
            packed[at:at] = packed[max(0, at - size) : at]
    step = data.draw(st.integers(1, 5000))
    for file in (bytes(packed), PipeLike(bytes(packed), step)):
        try:
            result = idxio.read(file)
        except idxio.IdxError:
            continue
        assert_same(result, ARRAY[:count])


# Where the module is missing


def test_without_the_module_an_error_says_what_to_install(monkeypatch, tmp_path):
    packed = frame(0x20, b"\x0c", block(0, 12, bytes(12), last=True))
    monkeypatch.setitem(sys.modules, ZSTD, None)
    match = "is packed with zstd, .*" + (
        "built without" if sys.version_info >= (3, 14) else r"pip install 'idxio\[zstd\]'"
    )
    for call in (idxio.read, idxio.open, idxio.info, idxio.verify):
        with pytest.raises(idxio.IdxError, match=match):
            call(packed)
    with pytest.raises(ImportError, match="can't write zstd, "):
        idxio.write(tmp_path / "x.zst", ARRAY)
    with pytest.raises(ImportError, match="can't write zstd, "):
        idxio.Writer(tmp_path / "x.zst", "uint8", ())
    assert not os.listdir(tmp_path)
    (line,) = [line for line in idxio.show_config().splitlines() if line.startswith("zstd ")]
    assert re.match("zstd +none: " + match.replace("is packed with zstd", ".*"), line)


def test_config_names_the_library():
    version = ".".join(map(str, zstd.zstd_version_info))
    line = f"zstd        {version}, of {ZSTD}: .zst files"
    assert line in idxio.show_config().splitlines()


def test_without_need_the_module_is_not_imported():
    code = "import idxio, sys; print([name for name in sys.modules if 'zstd' in name and name != 'idxio.compression.zstd'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
