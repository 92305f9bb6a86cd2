"""The gzip files that idxio writes, read by the programs and libraries that others have."""

import gzip
import importlib
import io
import shutil
import struct
import subprocess
import zlib

import numpy as np
import pytest
from helpers import encode, missing

import idxio

CHUNK = 9719
NOISE = np.random.default_rng(5)
SIZES = (0, 1, CHUNK - 9, CHUNK - 8, CHUNK - 7, 2 * CHUNK - 8, 300_000)
COMMANDS = {
    "gunzip": ["gunzip", "-c"],
    "pigz": ["pigz", "-d", "-c"],
    "igzip": ["igzip", "-d", "-c"],
    "libdeflate-gunzip": ["libdeflate-gunzip", "-c"],
    "bgzip": ["bgzip", "-d", "-c"],
    "dictzip": ["dictzip", "-d", "-c"],
    "node": [
        "node",
        "-e",
        "process.stdout.write(require('zlib').gunzipSync(require('fs').readFileSync(process.argv[1])))",
    ],
}
JAVA = """
import java.io.*;
import java.util.zip.*;
class Gunzip {
    public static void main(String[] files) throws IOException {
        new GZIPInputStream(new FileInputStream(files[0])).transferTo(System.out);
    }
}
"""


def noisy(n):
    """Half noise, half runs: some chunks are stored, some packed."""
    array = NOISE.integers(0, 256, n, np.uint8)
    array[: n // 2] //= 100
    return array


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    result = []
    for n in SIZES:
        array, path = noisy(n), folder / f"{n}.gz"
        idxio.write(path, array)
        result.append((path, encode(array)))
    return result


@pytest.mark.parametrize("program", COMMANDS)
def test_programs(files, program):
    command = COMMANDS[program]
    if shutil.which(command[0]) is None:
        missing(f"there is no {program} on this machine")
    for path, expected in files:
        if program == "dictzip" and len(expected) <= CHUNK:
            continue  # one chunk, no table: plain gzip
        assert subprocess.run([*command, path], capture_output=True, check=True).stdout == expected


def test_java(files, tmp_path):
    if shutil.which("java") is None or shutil.which("javac") is None:
        pytest.skip("there is no Java on this machine")
    (tmp_path / "Gunzip.java").write_text(JAVA)
    for path, expected in files[-3:]:
        command = ["java", str(tmp_path / "Gunzip.java"), path]
        assert subprocess.run(command, capture_output=True, check=True).stdout == expected


@pytest.mark.parametrize("name", ["gzip", "isal.igzip", "zlib_ng.gzip_ng"])
def test_libraries(files, name):
    try:
        module = importlib.import_module(name)
    except ImportError:
        missing(f"there is no {name}")
    for path, expected in files:
        with module.open(path) as file:
            assert file.read() == expected


def test_idx2numpy(files):
    idx2numpy = importlib.import_module("idx2numpy")
    path, expected = files[-1]
    with gzip.open(path) as file:
        assert idx2numpy.convert_from_file(file).tobytes() == expected[8:]


def test_dictzip_reads_its_table(files):
    if shutil.which("dictzip") is None:
        missing("there is no dictzip on this machine")
    path, expected = files[-1]
    subprocess.run(["dictzip", "-t", path], check=True, capture_output=True)
    assert (
        b"dzip" in subprocess.run(["dictzip", "-l", path], check=True, capture_output=True).stdout
    )
    for start, size in ((0, 10), (CHUNK - 3, 7), (123_456, 50_000), (len(expected) - 5, 5)):
        command = ["dictzip", "-d", "-c", "-s", str(start), "-e", str(size), path]
        assert (
            subprocess.run(command, capture_output=True, check=True).stdout
            == expected[start : start + size]
        )


def test_the_layout(files):
    path, expected = files[-1]
    data = path.read_bytes()
    assert data[:10].hex() == "1f8b08040000000000ff"
    extra, field, size, version, chunk, count = struct.unpack_from("<H2sHHHH", data, 10)
    assert (field, version, chunk, size, extra) == (b"RA", 1, CHUNK, 6 + 2 * count, 10 + 2 * count)
    assert count == -(-len(expected) // CHUNK)
    at = 12 + extra
    for k, n in enumerate(struct.unpack_from(f"<{count}H", data, 22)):
        piece = data[at : at + n]
        assert piece.endswith(b"\0\0\xff\xff")
        assert zlib.decompress(piece + b"\3\0", -15) == expected[k * CHUNK : (k + 1) * CHUNK]
        at += n
    assert data[at:] == b"\3\0" + struct.pack("<II", zlib.crc32(expected), len(expected))


@pytest.mark.parametrize("level", range(13))
def test_every_level(level):
    array = noisy(200_000)
    written = []
    for threads in (1, 2, 5):
        file = io.BytesIO()
        idxio.write(file, array, compression="gzip", level=level, threads=threads)
        written.append(file.getvalue())
    file = io.BytesIO()
    with idxio.Writer(file, "uint8", (), compression="gzip", level=level) as writer:
        for start in range(0, 200_000, 7777):
            writer.append(array[start : start + 7777])
    assert set(written) == {file.getvalue()}
    assert gzip.decompress(written[0]) == encode(array)
    assert (idxio.read(written[0]) == array).all()


def test_chunks_are_joined_where_there_are_many(monkeypatch, tmp_path):
    from idxio.compression.gzip import member_output

    monkeypatch.setattr(member_output, "MOST_RA", 10)
    array = noisy(50 * CHUNK)
    idxio.write(tmp_path / "six.gz", array)
    assert struct.unpack_from("<2sHHHH", (tmp_path / "six.gz").read_bytes(), 12)[3:] == (
        6 * CHUNK,
        9,
    )
    monkeypatch.setattr(member_output, "MOST_LONG", 5)
    array = noisy(70 * CHUNK)
    idxio.write(tmp_path / "long.gz", array)
    data = (tmp_path / "long.gz").read_bytes()
    assert struct.unpack_from("<2sHHII", data, 12)[0::2] == (b"IX", 1, 5)
    with idxio.open(tmp_path / "long.gz") as f:
        assert f._compressed.span_index.complete
        assert (f[600_000:600_100] == array[600_000:600_100]).all()
    assert gzip.decompress(data) == encode(array)
    assert (idxio.read(tmp_path / "long.gz") == array).all()


def test_more_than_four_gigabytes(tmp_path):
    # Zeros: 4.3 GB in a few MB. The long table, a length beyond 32 bits, and a record at the very
    # end.
    path = tmp_path / "zeros.gz"
    block = np.zeros((1 << 12, 1 << 14), np.uint8)
    with idxio.Writer(path, "uint8", (1 << 14,), level=1) as writer:
        for _ in range(64):
            writer.append(block)
        writer.append(np.full((3, 1 << 14), 7, np.uint8))
    assert path.stat().st_size < 40 << 20
    assert struct.unpack_from("<2s", path.read_bytes()[:14], 12) == (b"IX",)
    with idxio.open(path) as f:
        assert f.nbytes > 1 << 32
        assert f[-1].tolist() == [7] * (1 << 14)
        assert not f[200_000].any()
        assert f[-4:, 0].tolist() == [0, 7, 7, 7]
    assert idxio.verify(path).size == f.nbytes + 12
    done = subprocess.run(f"gunzip -c {path} | wc -c", shell=True, capture_output=True, check=True)
    assert int(done.stdout) == f.nbytes + 12


class OneWay(io.RawIOBase):
    """A file that can't be overwritten."""

    def __init__(self):
        super().__init__()
        self.data = b""

    def writable(self):
        return True

    def write(self, data):
        self.data += bytes(data)
        return len(data)


@pytest.mark.parametrize("size", [100, CHUNK, 3 * CHUNK, 150 * CHUNK])
@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("can_be_patched", [True, False])
def test_what_waits_and_where(size, is_known, can_be_patched):
    """The rows of the table in GzipWriter."""
    from idxio.compression.gzip.writer import GzipWriter

    array = noisy(size)
    data = encode(array)
    head, rest = data[:8], data[8:]
    file = io.BytesIO() if can_be_patched else OneWay()
    written = (lambda: len(file.getvalue())) if can_be_patched else (lambda: len(file.data))
    length = len(data) if is_known else None
    writer = GzipWriter(file, head if is_known else bytes(8), 1, 1, length, None)
    is_first = is_known and (can_be_patched or len(data) <= CHUNK)
    assert (written() > 0) == is_first
    for start in range(0, len(rest), 50_000):
        writer.write(memoryview(rest[start : start + 50_000]))
    assert (written() > 0) == is_first
    writer.finish(head)
    packed = file.getvalue() if can_be_patched else file.data
    assert gzip.decompress(packed) == data
    same = io.BytesIO()
    idxio.write(same, array, compression="gzip", level=1)
    assert packed == same.getvalue()
