"""Where bytes come from: paths, buffers, file objects good and bad, pipes."""

import array as stdlib_array
import ctypes
import gzip
import io
import mmap
import os
import pickle
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
from pathlib import Path

import numpy as np
import pytest
from helpers import (
    PACKINGS,
    DeadAtTheEnd,
    FalseSeek,
    NoReadinto,
    PipeLike,
    Raising,
    ReadOnly,
    Returning,
    ShortReads,
    SilentSeek,
    assert_same,
    encode,
    fifo_of,
    pipe_of,
    sample,
)
from hypothesis import given
from hypothesis import strategies as st

import idxio

ALL = pytest.mark.parametrize("packing", PACKINGS)
# Noise, and longer than what is kept of a pipe.
LONG = np.random.default_rng(1).integers(0, 256, (2000, 28, 28), np.uint8)


class PathLike:
    def __init__(self, path):
        self._path = path

    def __fspath__(self):
        return self._path


def test_every_kind_of_path(tmp_path):
    path = tmp_path / "ü ß.idx"
    path.write_bytes(encode(sample()))
    for file in (path, str(path), PathLike(str(path)), PathLike(os.fsencode(path))):
        assert_same(idxio.read(file), sample())


def test_relative_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("x").write_bytes(encode(sample()))
    f = idxio.open("x")
    monkeypatch.chdir("/")
    assert_same(f[:], sample())
    assert f.name == "x"


def test_every_kind_of_buffer():
    data = encode(sample())
    with mmap.mmap(-1, len(data)) as mapped:
        mapped[:] = data
        view = memoryview(mapped)
        for file in (
            data,
            bytearray(data),
            memoryview(data),
            memoryview(stdlib_array.array("B", data)),
            view,
        ):
            assert_same(idxio.read(file), sample())
        assert_same(
            idxio.read(memoryview(np.frombuffer(data + bytes(4), np.uint16))[: len(data) // 2]),
            sample(),
        )
        view.release()


@ALL
def test_every_object_that_memoryview_takes(packing, tmp_path):
    x = sample()
    data = PACKINGS[packing](encode(x))
    path = tmp_path / "x"
    path.write_bytes(data)
    flat = np.frombuffer(data, np.uint8)
    for file in (
        flat,
        flat.reshape(1, -1),
        flat.view(np.int8),
        flat.view(bool),
        np.memmap(path, np.uint8, "r"),
        stdlib_array.array("B", data),
        (ctypes.c_ubyte * len(data)).from_buffer_copy(data),
    ):
        assert_same(idxio.read(file), x)
        assert idxio.info(file).file == f"<{type(file).__name__}>"
        with idxio.open(file) as f:
            assert_same(f[3], x[3])
            assert_same(pickle.loads(pickle.dumps(f))[3], x[3])


def test_a_buffer_of_pyarrow():
    pa = pytest.importorskip("pyarrow")
    assert_same(idxio.read(pa.py_buffer(encode(sample()))), sample())


def test_the_bytes_of_obstore():
    obstore = pytest.importorskip("obstore")
    store = pytest.importorskip("obstore.store").MemoryStore()
    obstore.put(store, "x", encode(sample()))
    data = obstore.get(store, "x").bytes()
    assert not isinstance(data, (bytes, bytearray, memoryview))
    assert_same(idxio.read(data), sample())
    with idxio.open(data) as f:
        assert_same(f[3], sample()[3])


def test_a_buffer_that_is_no_row_of_bytes():
    flat = np.frombuffer(encode(sample()) + bytes(8), np.uint8)
    for file in (flat[::2], np.array([None])):
        with pytest.raises(TypeError, match=r"buffer of type ndarray .*its bytes"):
            idxio.read(file)
    for file in (7, None, object()):
        with pytest.raises(TypeError, match="path, bytes or a binary file object, not"):
            idxio.read(file)


@ALL
def test_a_file_object_is_taken_from_where_it_stands(packing, tmp_path):
    data = PACKINGS[packing](encode(sample()))
    path = tmp_path / "x"
    path.write_bytes(b"before" + data)
    for file in (
        io.BytesIO(b"before" + data),
        open(path, "rb"),
        open(path, "rb", buffering=0),
        open(path, "r+b"),
    ):
        with file:
            file.seek(6)
            assert_same(idxio.read(file), sample())
            file.seek(6)
            assert idxio.info(file).shape == sample().shape
            file.seek(6)
            with idxio.open(file) as f:
                assert_same(f[2:4], sample()[2:4])
                assert_same(f[0], sample()[0])
            assert not file.closed
            file.seek(0)
            assert file.read(6) == b"before"


@ALL
@pytest.mark.parametrize("threads", [1, 2])
def test_a_file_object_is_left_at_its_end(packing, threads):
    file = io.BytesIO(PACKINGS[packing](encode(LONG)))
    idxio.read(file, threads=threads)
    assert file.read() == b""
    file.seek(0)
    with idxio.open(file) as f:
        f[-1]
        f[0]
    assert file.read() == b""
    f.close()
    file.close()
    f.close()


def test_a_file_object_behind_its_end():
    file = io.BytesIO(encode(sample()))
    for position in (len(file.getvalue()), 1000):
        file.seek(position)
        with pytest.raises(idxio.TruncatedError, match="empty"):
            idxio.read(file)


@ALL
def test_file_objects_of_the_standard_library(packing, tmp_path):
    data = PACKINGS[packing](encode(LONG[:50]))
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", data)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive, archive.open("x") as file:
        assert_same(idxio.read(file), LONG[:50])
    (tmp_path / "x").write_bytes(data)
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "x", "x")
    with tarfile.open(tmp_path / "a.tar.gz") as archive, archive.extractfile("x") as file:
        assert_same(idxio.read(file), LONG[:50])
    with gzip.open(tmp_path / "x.gz", "wb") as file:
        file.write(data)
    with gzip.open(tmp_path / "x.gz") as file:
        assert_same(idxio.read(file), LONG[:50])
    with tempfile.SpooledTemporaryFile() as file:
        file.write(data)
        file.seek(0)
        assert_same(idxio.read(file), LONG[:50])
    with urllib.request.urlopen((tmp_path / "x").as_uri()) as file:
        assert_same(idxio.read(file), LONG[:50])
    with open(tmp_path / "x", "rb", buffering=0) as raw, io.BufferedReader(raw) as file:
        assert_same(idxio.read(file), LONG[:50])


@ALL
@given(st.integers(1, 5000), st.integers(0, 40))
def test_short_reads(packing, step, count):
    data = PACKINGS[packing](encode(LONG[:count]))
    assert_same(idxio.read(PipeLike(data, step)), LONG[:count])
    assert_same(idxio.read(ReadOnly(data, step)), LONG[:count])
    file = ShortReads(data)
    file.step = step
    assert_same(idxio.read(file), LONG[:count])


@ALL
@pytest.mark.parametrize("array", [sample(), LONG], ids=["short", "long"])
def test_pipe(packing, array):
    data = PACKINGS[packing](encode(array))
    with pipe_of(data) as file:
        assert_same(idxio.read(file), array)
    with pipe_of(data) as file:
        assert idxio.verify(file).shape == array.shape
    with pipe_of(data) as file, idxio.open(file) as f:
        assert f.shape == array.shape
        assert_same(np.stack(list(f)), array)


@ALL
@pytest.mark.parametrize("rows", [slice(1990, None), slice(None, None, -1), [1999, 0]], ids=str)
def test_rows_of_a_pipe(packing, rows):
    with pipe_of(PACKINGS[packing](encode(LONG))) as file:
        assert_same(idxio.read(file, rows), LONG[rows])


def test_a_pipe_is_read_once():
    with pipe_of(encode(LONG)) as file, idxio.open(file) as f:
        f.read()
        with pytest.raises(OSError, match="once"):
            f.read()


@ALL
def test_fifo(packing, tmp_path):
    with fifo_of(str(tmp_path / "fifo"), PACKINGS[packing](encode(LONG))) as path:
        assert_same(idxio.read(path), LONG)


@ALL
def test_standard_input_by_its_path(packing):
    code = "import idxio; print(idxio.verify('/dev/stdin').crc32)"
    data = PACKINGS[packing](encode(LONG))
    result = subprocess.run(
        [sys.executable, "-c", code], input=data, capture_output=True, check=True
    )
    assert int(result.stdout) == idxio.verify(encode(LONG)).crc32


def test_fifo_that_ends_early(tmp_path):
    data = encode(LONG)
    with (
        fifo_of(str(tmp_path / "fifo"), data[: 16 + 784 * 1500]) as path,
        pytest.raises(idxio.TruncatedError, match="1,500 of 2,000 records"),
    ):
        idxio.read(path)


@ALL
def test_rows_of_a_pipe_that_ends_early(packing):
    data = encode(LONG[:100])
    for stop in (17, len(data) - 1):
        with pytest.raises(idxio.TruncatedError):
            idxio.read(PipeLike(PACKINGS[packing](data[:stop])), slice(None))


@ALL
def test_more_in_a_pipe_than_promised(packing):
    with pytest.raises(idxio.FormatError, match="3 bytes behind"):
        idxio.read(PipeLike(PACKINGS[packing](encode(sample()) + b"xyz")))


@ALL
@pytest.mark.parametrize("good", [0, 1, 5, 15, 40])
def test_an_error_of_the_file_object_comes_through(packing, good):
    with pytest.raises(ConnectionResetError, match="the other side"):
        idxio.read(Raising(PACKINGS[packing](encode(sample())), good))


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (lambda n: "text" * n, TypeError),
        (lambda n: None, (TypeError, BlockingIOError)),
        (lambda n: 5, TypeError),
        (lambda n: b"\0" * (n + 1), OSError),
        (lambda n: b"\0" * (n + 100000), OSError),
    ],
)
def test_a_file_object_that_returns_nonsense(function, error):
    with pytest.raises(error):
        idxio.read(Returning(function))


class Claims(PipeLike):
    """readinto claims another number of bytes than it could have written."""

    def __init__(self, data, function):
        super().__init__(data)
        self._function = function

    def readinto(self, out):
        super().readinto(out)
        return self._function(len(out))


@pytest.mark.parametrize(
    "function", [lambda n: n + 1, lambda n: 1 << 40, lambda n: -1], ids=["1", "2^40", "-1"]
)
@ALL
def test_a_file_object_that_claims_nonsense(packing, function):
    with pytest.raises(OSError, match="returned"):
        idxio.read(Claims(PACKINGS[packing](encode(sample())), function))


def test_nothing_there_yet():
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    with (
        os.fdopen(reader, "rb", buffering=0) as file,
        os.fdopen(writer, "wb"),
        pytest.raises(BlockingIOError),
    ):
        idxio.read(file)


def test_text_is_refused(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(encode(sample()))
    with open(path, encoding="latin-1") as file, pytest.raises(TypeError, match="'rb'"):
        idxio.read(file)
    with pytest.raises(TypeError, match="'rb'"):
        idxio.read(io.StringIO("x"))


@pytest.mark.parametrize("file", [3, None, 2.5, [1], object()])
def test_no_file_at_all(file):
    for call in (idxio.read, idxio.open, idxio.info, idxio.verify):
        with pytest.raises(TypeError, match=f"not {type(file).__name__}"):
            call(file)


def test_missing_file(tmp_path):
    path = tmp_path / "no-such-file"
    for call in (idxio.read, idxio.open, idxio.info, idxio.verify):
        with pytest.raises(FileNotFoundError) as info:
            call(path)
        assert info.value.filename == str(path)


def test_directory(tmp_path):
    for call in (idxio.read, idxio.open, idxio.info, idxio.verify):
        with pytest.raises(IsADirectoryError) as info:
            call(tmp_path)
        assert info.value.filename == str(tmp_path)


def test_no_permission(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(encode(sample()))
    path.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)  # root may read everything
    try:
        with pytest.raises(PermissionError) as info:
            idxio.read(path)
    finally:
        os.seteuid(user)
    assert info.value.filename == str(path)


def test_endless_devices():
    with pytest.raises(idxio.FormatError, match="unknown type 00"):
        idxio.read("/dev/zero")
    with pytest.raises(idxio.TruncatedError, match="empty"):
        idxio.read("/dev/null")


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="no /proc")
def test_no_file_stays_open(tmp_path):
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(encode(sample()))
    bad.write_bytes(b"nonsense")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        idxio.read(good)
        idxio.info(good)
        idxio.verify(good)
        idxio.open(good).close()
        idxio.open(good)  # dropped
        for call in (idxio.read, idxio.open, idxio.info, idxio.verify):
            with pytest.raises(idxio.IdxError):
                call(bad)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    "tail", [b"", bytes(2_000_000), 100_000 * gzip.compress(b"", mtime=0)], ids=len
)
@pytest.mark.parametrize("step", [1000, 1 << 20])
def test_a_short_file_and_a_long_tail_in_a_pipe(tail, step):
    array = np.array([7, 8, 9], np.uint8)
    assert_same(idxio.read(PipeLike(gzip.compress(encode(array)) + tail, step)), array)
    assert idxio.verify(PipeLike(gzip.compress(encode(array)) + tail, step)).shape == (3,)


@pytest.mark.parametrize("size", [1000, 3_000_000])
def test_a_pipe_that_is_in_memory_already(size):
    array = np.random.default_rng(0).integers(0, 99, (size // 100, 100), np.uint8)
    with idxio.open(PipeLike(encode(array))) as f:
        assert_same(f[-1], array[-1])
        for _ in range(2):
            assert_same(f.read(), array)
            assert_same(np.concatenate(list(f.iter_records(9))), array)
            out = np.empty_like(array)
            assert f.read(out=out) is out
            assert_same(out, array)
        f.read()[:] = 0
        for block in f.iter_records(7):
            block[:] = 0
        assert_same(f[:], array)


def test_a_wrapped_text_file():
    with tempfile.NamedTemporaryFile("w+") as file, pytest.raises(TypeError, match="binary mode"):
        idxio.read(file)


@ALL
@pytest.mark.parametrize("start", [0, 5])
def test_a_seek_that_returns_nothing(packing, start):
    x = sample()
    file = SilentSeek(bytes(start) + PACKINGS[packing](encode(x)))
    file.seek(start)
    assert_same(idxio.read(file), x)
    file.seek(start)
    with idxio.open(file) as f:
        assert_same(f[3], x[3])
        assert_same(f[[5, 0]], x[[5, 0]])
    file.seek(start)
    assert idxio.info(file).packed_size == len(file.getvalue()) - start


@ALL
@pytest.mark.parametrize(
    "error", [ValueError, OSError, io.UnsupportedOperation, NotImplementedError, RuntimeError]
)
def test_a_seek_that_raises(packing, error):
    """Read front to back, as a pipe."""
    x = sample()
    file = FalseSeek(PACKINGS[packing](encode(x)), 3)
    file.error = error("no")
    assert_same(idxio.read(file), x)
    file = FalseSeek(PACKINGS[packing](encode(x)))
    with idxio.open(file) as f:
        assert_same(f[3], x[3])


@ALL
def test_a_file_object_that_is_dead_behind_its_end_is_read_front_to_back(packing):
    x = sample()
    packed = PACKINGS[packing](encode(x))
    assert_same(idxio.read(DeadAtTheEnd(packed)), x)
    assert_same(idxio.read(DeadAtTheEnd(packed), out=np.empty_like(x)), x)
    target = io.BytesIO()
    idxio.repack(DeadAtTheEnd(packed), target)
    assert_same(idxio.read(target.getvalue()), x)
    behind = DeadAtTheEnd(b"before" + packed)
    behind.seek(6)
    assert_same(idxio.read(behind), x)
    assert not behind.is_dead


@ALL
def test_a_file_object_that_is_dead_behind_its_end_is_no_short_file(packing):
    """Whoever asks for its size or for parts must move it, and hears what is wrong."""
    packed = PACKINGS[packing](encode(sample()))
    for call in (idxio.open, idxio.info, idxio.verify, lambda file: idxio.read(file, [0])):
        with pytest.raises(
            OSError, match=rf"has {len(packed):,} bytes, but gave only 0: .*read\(\) alone"
        ):
            call(DeadAtTheEnd(packed))
    dead = DeadAtTheEnd(packed)
    wrapped = Returning(lambda n: dead.read(n))
    assert_same(idxio.read(wrapped), sample())


@ALL
@pytest.mark.parametrize("package", ["pgzip", "mgzip.core"])
def test_file_objects_that_are_known_to_die_are_never_moved(packing, package):
    """pgzip's and mgzip's also say that their end is at 0 then, so that nothing shows."""
    x = sample()
    kind = type("File", (DeadAtTheEnd,), {"__module__": package, "tell": lambda file: 0})
    packed = PACKINGS[packing](encode(x))
    assert idxio.info(kind(packed)).shape == x.shape
    assert idxio.verify(kind(packed)).size == len(encode(x))
    with idxio.open(kind(packed)) as f:
        assert_same(f[3], x[3])
        assert_same(f[:], x)
    with idxio.open(kind(packed)) as f:
        assert_same(np.concatenate(list(f.iter_records(2))), x)


@ALL
def test_a_file_object_that_states_its_size_is_not_moved_to_its_end(packing):
    x = sample()

    class Stated(DeadAtTheEnd):  # as fsspec's, for which a seek may be a request
        @property
        def size(self):
            return len(self.getvalue())

    file = Stated(b"before" + PACKINGS[packing](encode(x)))
    file.seek(6)
    with idxio.open(file) as f:
        assert_same(f[3], x[3])
        assert_same(f[[5, 0]], x[[5, 0]])
    file.seek(6)
    assert idxio.info(file).packed_size == file.size - 6
    file.seek(6)
    assert_same(idxio.read(file), x)
    assert not file.is_dead


def test_a_stated_size_that_is_none_is_ignored():
    for size in (None, -1, "7", lambda: 7, True):
        kind = type("File", (io.BytesIO,), {"size": size})
        file = kind(encode(sample()))
        assert idxio.info(file).packed_size == len(encode(sample()))
        file.seek(0)
        with idxio.open(file) as f:
            assert_same(f[3], sample()[3])


@ALL
def test_a_readinto_that_is_not_implemented(packing):
    x = sample()
    assert_same(idxio.read(NoReadinto(PACKINGS[packing](encode(x)))), x)
    with idxio.open(NoReadinto(PACKINGS[packing](encode(x)))) as f:
        assert_same(f[-1], x[-1])


def test_a_read_that_is_not_implemented_either():
    class Nothing(NoReadinto):
        def read(self, n=-1):
            raise NotImplementedError("nothing at all")

    with pytest.raises(NotImplementedError, match="nothing at all"):
        idxio.read(Nothing(encode(sample())))
