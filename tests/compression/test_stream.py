"""iter_records, and random access under threads, forks and changes."""

import gzip
import io
import lzma
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from helpers import CODES, PipeLike, encode, header
from packers import deflate, wrap

import idxio
from idxio.compression.gzip.input_buffer import InputBuffer

ARRAY = np.random.default_rng(2).integers(-99, 99, (5000, 37), np.int16)
KINDS = ("raw", "stock", "own", "xz")


@pytest.fixture(params=KINDS)
def path(request, tmp_path):
    path = tmp_path / request.param
    data = encode(ARRAY)
    if request.param == "own":
        idxio.write(path, ARRAY, compression="gzip")
    else:
        path.write_bytes(
            {"raw": bytes, "stock": gzip.compress, "xz": lzma.compress}[request.param](data)
        )
    return path


@pytest.mark.parametrize("n", [1, 7, 256, 5000, 9999])
def test_blocks(path, n):
    with idxio.open(path) as f:
        blocks = list(f.iter_records(n))
    assert [len(block) for block in blocks[:-1]] == [n] * (len(blocks) - 1)
    assert (np.concatenate(blocks) == ARRAY).all()
    assert all(block.flags.writeable and block.dtype == np.int16 for block in blocks)


def test_leaving_early_leaves_no_thread(path):
    before = threading.active_count()
    with idxio.open(path) as f:
        for _ in f.iter_records(3):
            break
        blocks = f.iter_records(3)
        next(blocks)
        blocks.close()
    assert threading.active_count() == before


@pytest.mark.parametrize("most", [1, 2, 3])
def test_leaving_a_slow_pipe_leaves_no_thread(most):
    class Slow(PipeLike):
        def readinto(self, out):
            time.sleep(0.03)  # longer than close() waits
            return super().readinto(out)

    before = threading.active_count()
    with idxio.open(Slow(encode(np.zeros((4000, 1000), np.uint8)), 1 << 18)) as f:
        blocks = f.iter_records(300)
        for _ in range(most):
            next(blocks)
        blocks.close()
    end = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < end:
        time.sleep(0.01)
    assert threading.active_count() == before


def test_the_checksum_is_checked_at_the_end(tmp_path):
    data = bytearray(gzip.compress(encode(ARRAY)))
    data[-6] ^= 1
    seen = 0
    with pytest.raises(idxio.ChecksumError), idxio.open(bytes(data)) as f:  # noqa: PT012
        for block in f.iter_records(100):
            seen += len(block)
    assert seen <= 5000
    assert not f._compressed.span_index.complete  # of spans that nobody has checked


def test_an_error_in_the_middle(tmp_path):
    data = gzip.compress(encode(ARRAY))
    with (
        pytest.raises(idxio.TruncatedError, match="records are whole"),
        idxio.open(data[: len(data) // 2]) as f,
    ):
        list(f.iter_records(100))


def test_a_pipe(path):
    read, write = os.pipe()
    data = path.read_bytes()

    def feed():
        with os.fdopen(write, "wb") as file:
            file.write(data)

    feeder = threading.Thread(target=feed)
    feeder.start()
    with os.fdopen(read, "rb") as file, idxio.open(file) as f:
        assert (np.concatenate(list(f.iter_records(64))) == ARRAY).all()
    feeder.join()


def test_reading_leaves_the_spans(tmp_path):
    noise = np.random.default_rng(3).integers(0, 50, (90_000, 100), np.uint8)
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(encode(noise), 1))
    for first in (lambda f: list(f.iter_records(1000)), lambda f: f[:], lambda f: f[-1]):
        with idxio.open(path) as f:
            first(f)
            assert f._compressed.span_index.end > noise.nbytes
            assert len(f._compressed.span_index) > 3
            assert (f[[89_999, 5, 40_000]] == noise[[89_999, 5, 40_000]]).all()


@pytest.mark.parametrize("form", ["idxio", "gzip"])
def test_memory_is_constant(form, tmp_path):
    path = tmp_path / "x.gz"
    block = np.random.default_rng(4).integers(0, 8, (1000, 1000), np.uint8)
    if form == "idxio":
        with idxio.Writer(path, "uint8", (1000,), level=1) as writer:
            for _ in range(600):
                writer.append(block)
    else:
        with gzip.open(path, "wb", 1) as file:
            file.write(header(CODES["uint8"], 600_000, 1000))
            for _ in range(600):
                file.write(block.data)
    code = f"""
import resource, idxio
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
f = idxio.open({str(path)!r})
before = peak()
n = sum(len(block) for block in f.iter_records(256))
assert n == 600_000, n
assert peak() - before <= 24, peak() - before
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_many_threads_at_once(path):
    with idxio.open(path) as f, ThreadPoolExecutor(8) as pool:
        ids = np.random.default_rng(6).integers(0, 5000, (200, 9))
        for found, wanted in zip(pool.map(lambda part: f[part], ids), ids, strict=True):
            assert (found == ARRAY[wanted]).all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_after_a_fork(path):
    with idxio.open(path) as f:
        f[10]
        pid = os.fork()
        if not pid:
            os._exit(0 if (f[4990:] == ARRAY[4990:]).all() else 1)
        assert os.waitpid(pid, 0)[1] == 0
        assert (f[:20] == ARRAY[:20]).all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_file_object_after_a_fork(path, wrapped):
    """A plain file is read by position; of any other, whose cursor would be shared, the child keeps
    off.
    """
    in_memory = path.name == "xz"  # after the first look
    with open(path, "rb") as plain:
        f = idxio.open(io.BufferedReader(plain) if wrapped else plain)
        f[0]
        pid = os.fork()
        if not pid:
            try:
                os._exit(0 if all((f[i] == ARRAY[i]).all() for i in range(0, 5000, 3)) else 1)
            except RuntimeError as error:
                os._exit(7 if "fork" in str(error) else 2)
        assert all((f[i] == ARRAY[i]).all() for i in range(1, 5000, 3))
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == (
            7 if wrapped and not in_memory else 0
        )


def test_closed_while_others_read(path):
    """What they are told is that the file is closed."""
    errors = []
    for _ in range(30):
        f = idxio.open(path)

        def read(f=f):
            try:
                while True:
                    assert (f[7] == ARRAY[7]).all()
                    f[4000:4100]
            except ValueError as error:
                errors.append(str(error))

        readers = [threading.Thread(target=read) for _ in range(3)]
        if path.name == "xz":
            return  # in memory
        for reader in readers:
            reader.start()
        time.sleep(0.002)
        f.close()
        for reader in readers:
            reader.join(60)
    assert len(errors) == 90
    assert all("is closed" in error for error in errors)


def test_changed_under_it(path):
    with idxio.open(path) as f:
        with open(path, "r+b") as file:
            file.truncate(200)
        os.utime(path, (1, 1))
        with pytest.raises(idxio.IdxError):
            f[4999]


def swallowing():
    """A gzip file of one block in which a block header seems to stand, whose end of block is seven
    zero bits.

    Decoded up to the seeming header, it finds its end in whatever zeros were put there.
    """

    def bits_of(value, count):
        return [value >> i & 1 for i in range(count)]

    def reversed_bits(byte):
        return int(f"{byte:08b}"[::-1], 2)

    # A real header, without a byte that holds the end of the block.
    for seed in range(2000):
        rng = np.random.default_rng(seed)
        letters = rng.choice(np.arange(32, 128), 40_000, p=rng.dirichlet(np.ones(96) * 2)).astype(
            np.uint8
        )
        header = deflate(letters.tobytes(), 6)[:110]
        if header[0] & 7 == 4 and all(byte & 0x7F for byte in header):
            break
    else:
        raise AssertionError("no header")
    # Last, with codes of its own: lengths 8 for 254 literals, 0 for two, 7 for the end of block; no
    # distances.
    codes = {8: [0], 0: [1, 0], 7: [1, 1]}
    lengths = {0: 2, 8: 1, 7: 2}
    bits = [1, *bits_of(2, 2), *bits_of(0, 5), *bits_of(0, 5), *bits_of(7, 4)]
    for symbol in (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11):
        bits += bits_of(lengths.get(symbol, 0), 3)
    bits += codes[8] * 254 + codes[0] * 2 + codes[7] + codes[0]
    size, place = 1_400_000, 1_100_000
    body = bytearray(
        np.random.default_rng(1).choice(
            np.array([b for b in range(256) if b & 0x7F], np.uint8), size
        )
    )
    body[:8] = bytes(
        reversed_bits(byte + 2) for byte in (0, 0, 8, 1, *(size - 8).to_bytes(4, "big"))
    )
    body[place : place + len(header)] = header
    table = np.array([(reversed_bits(byte) - 2) % 256 for byte in range(256)], np.uint8)
    plain = table[np.frombuffer(body, np.uint8)].tobytes()
    stream = (
        np.packbits(np.array(bits, np.uint8), bitorder="little").tobytes() + bytes(body) + b"\0"
    )
    return wrap(stream, plain), plain, place - 8


def test_a_block_that_swallows_the_end_of_a_span():
    packed, plain, place = swallowing()
    assert gzip.decompress(packed) == plain
    expected = np.frombuffer(plain[8:], np.uint8)
    with idxio.open(packed) as f:
        assert (f[place - 20 : place + 20] == expected[place - 20 : place + 20]).all()
        assert (np.concatenate(list(f.iter_records(100_000))) == expected).all()
    assert (idxio.read(packed) == expected).all()
    idxio.verify(packed)


@pytest.mark.parametrize("values", [2, 40], ids=["8 times", "twice"])
def test_spans_that_fit_are_decoded_once(values, monkeypatch):
    array = np.random.default_rng(0).integers(0, values, (24_000, 1000), np.uint8)
    packed = gzip.compress(encode(array), 1)
    calls, inflate_span = [], InputBuffer.inflate_span

    def count(*arguments, **options):
        calls.append(0)
        return inflate_span(*arguments, **options)

    monkeypatch.setattr(InputBuffer, "inflate_span", count)
    with idxio.open(packed) as f:
        assert sum(len(block) for block in f.iter_records(1000)) == len(array)
        # Only of the first one does nobody know how much comes out.
        assert len(calls) <= len(f._compressed.span_index) + 3
