"""write() and Writer: the bytes, what is refused, and that the old file or the new one is there,
whole.
"""

import gzip
import io
import os
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from helpers import TYPES, FullDisk, PipeLike, WriteOnly, assert_same, encode, header, sample
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import idxio

BOTH = pytest.mark.parametrize("compression", ["raw", "gzip"])
MORE_THAN_A_PIECE = (3, 100, 1000)


def written(array, **options):
    file = io.BytesIO()
    idxio.write(file, array, **options)
    return file.getvalue()


def unpacked(data, compression):
    return gzip.decompress(data) if compression == "gzip" else data


def layouts(array):
    """The same values in every way that memory may hold them."""
    swapped = array.astype(array.dtype.newbyteorder())
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype) if array.ndim else None
    unaligned = np.zeros(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    unaligned[...] = array
    yield array
    yield swapped
    yield unaligned
    if wide is not None:
        yield np.asfortranarray(array)
        yield np.asfortranarray(swapped)
        wide[..., ::2] = array
        yield wide[..., ::2]
        yield array[::-1].copy()[::-1]
        yield np.ascontiguousarray(array.T).T
        yield np.ascontiguousarray(swapped[..., ::-1])[..., ::-1]
        frozen = array.copy()
        frozen.flags.writeable = False
        yield frozen
        if array.shape[0] == 1:
            yield np.broadcast_to(array[0], array.shape)


# Round trips
# -------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    "shape", [(), (1,), (0,), (5,), (1, 4), (7, 3, 2), (2, 0, 3), MORE_THAN_A_PIECE], ids=str
)
def test_every_layout_gives_the_same_bytes(compression, dtype, shape):
    array = sample(dtype, shape)
    expected = written(array, compression=compression)
    assert unpacked(expected, compression) == encode(array)
    assert_same(idxio.read(expected), array)
    for layout in layouts(array):
        assert written(layout, compression=compression) == expected


@BOTH
@given(st.data())
def test_any_array(compression, data):
    dtype = np.dtype(data.draw(st.sampled_from(TYPES))).newbyteorder(
        data.draw(st.sampled_from("<>"))
    )
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=6))
    size = int(np.prod(shape)) * dtype.itemsize
    array = np.frombuffer(data.draw(st.binary(min_size=size, max_size=size)), dtype).reshape(shape)
    array = array.transpose(data.draw(st.permutations(range(len(shape)))))
    packed = written(array, compression=compression, level=data.draw(st.integers(0, 9)))
    assert_same(idxio.read(packed), array.astype(dtype.newbyteorder("=")))


@BOTH
@pytest.mark.parametrize("dtype", TYPES)
def test_what_was_read_is_written_back(compression, dtype, tmp_path):
    data = encode(sample(dtype))
    path = tmp_path / "x"
    path.write_bytes(data)
    with idxio.open(path) as f:
        for array in (f[:], f.array, f, f[::-1][::-1], idxio.read(path, mmap=True)):
            assert unpacked(written(array, compression=compression), compression) == data


@pytest.mark.parametrize("level", range(10))
def test_every_level(level, tmp_path):
    array = np.random.default_rng(0).integers(0, 8, MORE_THAN_A_PIECE, np.uint8)
    path = tmp_path / "x.gz"
    idxio.write(path, array, level=level)
    assert gzip.decompress(path.read_bytes()) == encode(array)
    assert_same(idxio.read(path), array)
    if level:
        assert path.stat().st_size < array.nbytes


def test_a_higher_level_is_smaller():
    array = np.random.default_rng(0).integers(0, 8, MORE_THAN_A_PIECE, np.uint8) // 3
    sizes = [len(written(array, compression="gzip", level=level)) for level in (0, 1, 6)]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 3


@pytest.mark.parametrize("level", [-1, 13])
def test_level_is_checked(level, tmp_path):
    path = tmp_path / "x.gz"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match="level"):
        idxio.write(path, sample(), level=level)
    with pytest.raises(ValueError, match="level"):
        idxio.Writer(path, "uint8", (), level=level)
    assert os.listdir(tmp_path) == ["x.gz"]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("threads", [0, -3])
def test_threads_is_checked(threads):
    with pytest.raises(ValueError, match="threads"):
        written(sample(), threads=threads)
    with pytest.raises(ValueError, match="threads"):
        idxio.Writer(io.BytesIO(), "uint8", (), threads=threads)


def test_array_likes():
    assert written([np.uint8(1), np.uint8(2)]) == encode(np.array([1, 2], np.uint8))
    assert written(np.float32(2.5)) == encode(np.array(2.5, np.float32))
    assert written(memoryview(b"abc")) == encode(np.frombuffer(b"abc", np.uint8))


# Golden bytes
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([1, 255], np.uint8), "00000801 00000002 01ff"),
        (np.array([[1, -1]], np.int8), "00000902 00000001 00000002 01ff"),
        (np.array([258, -2], np.int16), "00000b01 00000002 0102fffe"),
        (np.array([16909060, -2], np.int32), "00000c01 00000002 01020304fffffffe"),
        (np.array([-np.pi], np.float32), "00000d01 00000001 c0490fdb"),
        (np.array([np.pi], np.float64), "00000e01 00000001 400921fb54442d18"),
        (np.array(-2, np.int32), "00000c00 fffffffe"),
        (np.zeros((0, 28, 28), np.uint8), "00000803 00000000 0000001c 0000001c"),
    ],
)
def test_golden_raw(array, expected):
    assert written(array).hex() == expected.replace(" ", "")


def test_golden_gzip():
    # Header without time, name or system; a stored block; an empty one that ends its byte; an empty
    # last block; CRC-32 and length. Compressed bytes are the codec library's business.
    data = written(np.frombuffer(b"abc", np.uint8), compression="gzip", level=0)
    stored = "00 0b00 f4ff 0000080100000003 616263 00 0000ffff"
    assert data.hex() == ("1f8b08000000000000ff" + stored + "0300" + "542425c4 0b000000").replace(
        " ", ""
    )


def test_one_member_and_nothing_behind_it():
    array = np.random.default_rng(0).integers(0, 9, MORE_THAN_A_PIECE, np.uint8)
    inflater = zlib.decompressobj(31)
    data = written(array, compression="gzip")
    assert inflater.decompress(data) == encode(array)
    assert inflater.eof
    assert inflater.unused_data == b""
    assert struct.unpack("<II", data[-8:]) == (zlib.crc32(encode(array)), len(encode(array)))


@BOTH
def test_bytes_depend_on_nothing_else(compression, tmp_path):
    array = np.random.default_rng(0).integers(0, 9, MORE_THAN_A_PIECE, np.uint8)
    expected = written(array, compression=compression)
    for threads in (1, 2, 3, None):
        path = tmp_path / f"name-{threads}.{'gz' if compression == 'gzip' else 'idx'}"
        idxio.write(path, array, threads=threads)
        assert path.read_bytes() == expected


@BOTH
@given(st.lists(st.integers(0, 5), max_size=6))
def test_writer_writes_what_write_writes(compression, batches):
    array = sample("int32", (sum(batches), 3))
    file = io.BytesIO()
    with idxio.Writer(file, "int32", (3,), compression=compression) as writer:
        start = 0
        for n in batches:
            writer.append(array[start : start + n])
            start += n
            assert writer.count == start
    assert unpacked(file.getvalue(), compression) == encode(array)
    assert idxio.verify(file.getvalue()).crc32 == zlib.crc32(encode(array))


# Where to
# ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["x", "x.gz", "train-images-idx3-ubyte", "train.idx3-ubyte.gz", "x.GZ", "gz"]
)
def test_the_suffix_decides(name, tmp_path):
    path = tmp_path / name
    for target in (path, str(path)):
        idxio.write(target, sample())
        assert idxio.info(path).packing == ("gzip" if name.endswith(".gz") else "raw")
        with idxio.Writer(target, "int16", sample().shape[1:]) as writer:
            writer.append(sample())
        assert idxio.info(path).packing == ("gzip" if name.endswith(".gz") else "raw")
        assert_same(idxio.read(path), sample())


@BOTH
@pytest.mark.parametrize("name", ["x", "x.gz", "x.xz"])
def test_compression_overrules_the_suffix(compression, name, tmp_path):
    path = tmp_path / name
    idxio.write(path, sample(), compression=compression)
    assert idxio.info(path).packing == compression


@pytest.mark.parametrize("suffix", [".xz", ".bz2", ".zip", ".npy", ".npz", ".CSV", ".png"])
def test_other_suffixes_are_refused(suffix, tmp_path):
    with pytest.raises(ValueError, match=suffix):
        idxio.write(tmp_path / f"x{suffix}", sample())
    with pytest.raises(ValueError, match="compression"):
        idxio.write(tmp_path / "x", sample(), compression=suffix[1:])
    assert not os.listdir(tmp_path)


@BOTH
def test_a_file_object_from_where_it_stands(compression, tmp_path):
    def both(file):
        file.write(b"before")
        idxio.write(file, sample(), compression=compression)
        file.write(b"between")
        with idxio.Writer(file, "int16", sample().shape[1:], compression=compression) as writer:
            writer.append(sample()[:3])
            writer.append(sample()[3:])
        file.write(b"after")

    memory = io.BytesIO()
    both(memory)
    path = tmp_path / "x"
    openers = [
        lambda: open(path, "wb"),
        lambda: open(path, "w+b"),
        lambda: open(path, "wb", buffering=0),
        lambda: open(path, "ab"),
        lambda: open(path, "ab", buffering=0),
        lambda: open(path, "a+b"),
    ]
    first, second = encode(sample()), encode(sample())
    if compression == "gzip":
        first = second = written(sample(), compression="gzip")
    for opener in openers:
        path.unlink(missing_ok=True)
        with opener() as file:
            both(file)
            assert not file.closed
        data = path.read_bytes()
        assert data == memory.getvalue()
    before, rest = data.split(b"between")
    assert before == b"before" + first
    assert rest.endswith(b"after")
    assert unpacked(rest[:-5], compression) == unpacked(second, compression)


@BOTH
@pytest.mark.parametrize("step", [1, 7, 1 << 20])
def test_an_object_that_can_only_write(compression, step):
    file = WriteOnly(step)
    idxio.write(file, sample(), compression=compression)
    assert unpacked(bytes(file.data), compression) == encode(sample())
    file = WriteOnly(step)
    with idxio.Writer(file, "int16", sample().shape[1:], compression=compression) as writer:
        writer.append(sample())
    assert unpacked(bytes(file.data), compression) == encode(sample())


@BOTH
def test_file_objects_of_the_standard_library(compression, tmp_path):
    def check(make, data_of):
        file = make()
        idxio.write(file, sample(), compression=compression)
        assert unpacked(data_of(file), compression) == encode(sample())
        file = make()
        with idxio.Writer(file, "int16", sample().shape[1:], compression=compression) as writer:
            writer.append(sample())
        assert unpacked(data_of(file), compression) == encode(sample())

    def contents(file):
        file.seek(0)
        return file.read()

    def unzipped(file):
        file.close()
        return gzip.decompress((tmp_path / "x").read_bytes())

    with tempfile.NamedTemporaryFile() as file:
        check(lambda: (file.seek(0), file.truncate(), file)[-1], contents)
    with tempfile.SpooledTemporaryFile() as file:
        check(lambda: (file.seek(0), file.truncate(), file)[-1], contents)
    check(lambda: gzip.open(tmp_path / "x", "wb"), unzipped)


def _collect(source, received):
    received.append(source.read())


@BOTH
def test_pipe(compression):
    for use_writer in (False, True):
        reader, writer = os.pipe()
        received = []
        with os.fdopen(reader, "rb") as source:
            thread = threading.Thread(target=_collect, args=(source, received), daemon=True)
            thread.start()
            with os.fdopen(writer, "wb", buffering=0) as file:
                array = np.arange(300_000, dtype=np.int32).reshape(3, -1)
                if use_writer:
                    with idxio.Writer(file, "int32", array.shape[1:], compression=compression) as w:
                        w.append(array)
                else:
                    idxio.write(file, array, compression=compression)
            thread.join(60)
        assert unpacked(received[0], compression) == encode(array)


@BOTH
def test_standard_output_by_its_path(compression):
    code = (
        "import idxio, numpy as np, sys\n"
        f"idxio.write('/dev/stdout', np.arange(5, dtype='u1'), compression='{compression}')"
    )
    data = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True).stdout
    assert unpacked(data, compression) == encode(np.arange(5, dtype=np.uint8))


def test_fifo(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    received = []
    thread = threading.Thread(target=lambda: received.append(path.read_bytes()), daemon=True)
    thread.start()
    with idxio.Writer(path, "int16", sample().shape[1:]) as writer:
        writer.append(sample())
    thread.join(60)
    assert received == [encode(sample())]
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_pipe_that_takes_no_more():
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with (
        os.fdopen(reader, "rb"),
        os.fdopen(writer, "wb", buffering=0) as file,
        pytest.raises(BlockingIOError),
    ):
        idxio.write(file, np.zeros(10 << 20, np.uint8))


class Liar(WriteOnly):
    def __init__(self, returned):
        super().__init__()
        self._returned = returned

    def write(self, data):
        return self._returned


@pytest.mark.parametrize("returned", [0, -1, 1 << 40, True])
def test_a_file_object_that_claims_nonsense(returned):
    with pytest.raises(OSError, match="returned"):
        idxio.write(Liar(returned), sample())


@pytest.mark.parametrize("target", [3, None, b"x", [1]])
def test_no_target_at_all(target):
    with pytest.raises(TypeError, match=f"not {type(target).__name__}"):
        idxio.write(target, sample())
    with pytest.raises(TypeError, match=f"not {type(target).__name__}"):
        idxio.Writer(target, "uint8", ())


def test_places_that_can_not_be_written(tmp_path):
    missing = tmp_path / "missing" / "x"
    for call in (lambda p: idxio.write(p, sample()), lambda p: idxio.Writer(p, "uint8", ())):
        with pytest.raises(FileNotFoundError) as info:
            call(missing)
        assert info.value.filename == str(missing)
        with pytest.raises(IsADirectoryError) as info:
            call(tmp_path)
        assert info.value.filename == str(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotADirectoryError):
        idxio.write(tmp_path / "file" / "x", sample())
    assert os.listdir(tmp_path) == ["file"]


def test_long_names(tmp_path):
    path = tmp_path / ("n" * 252 + ".gz")
    idxio.write(path, sample())
    assert_same(idxio.read(path), sample())


def test_long_names_of_wide_characters(tmp_path):
    path = tmp_path / ("ü" * 126 + ".gz")
    idxio.write(path, sample())
    assert_same(idxio.read(path), sample())


# Atomic ------------------------------------------------------------------------------------------------------


@BOTH
def test_an_exception_leaves_the_old_file(compression, tmp_path):
    path = tmp_path / "x"
    idxio.write(path, sample())
    for error in (RuntimeError, KeyboardInterrupt):
        with pytest.raises(error):  # noqa: PT012, SIM117
            with idxio.Writer(path, "uint8", (2,), compression=compression) as writer:
                writer.append(np.zeros((500_000, 2), np.uint8))
                raise error
        assert os.listdir(tmp_path) == ["x"]
        assert_same(idxio.read(path), sample())
    with pytest.raises(ValueError, match="closed"):
        writer.append(np.zeros((1, 2), np.uint8))


@BOTH
def test_nothing_is_there_before_the_end(compression, tmp_path):
    path = tmp_path / "x"
    with idxio.Writer(path, "uint8", (), compression=compression) as writer:
        writer.append(np.zeros(10, np.uint8))
        assert not path.exists()
    assert os.listdir(tmp_path) == ["x"]


@BOTH
def test_a_full_disk(compression):
    noise = np.random.default_rng(0).integers(0, 256, 1 << 20, np.uint8)
    with pytest.raises(OSError, match="No space"):
        idxio.write(FullDisk(1000), noise, compression=compression)
    file = FullDisk(600_000)
    if compression == "gzip":  # packed first, so it may show at the end only
        with (
            pytest.raises(OSError, match="No space"),
            idxio.Writer(file, "uint8", (), compression=compression) as writer,
        ):
            writer.append(noise)
        return
    writer = idxio.Writer(file, "uint8", (), compression=compression)
    writer.append(noise[:10])
    with pytest.raises(OSError, match="No space"):
        writer.append(noise)
    # What was appended by half can't be taken back.
    with pytest.raises(ValueError, match="closed"):
        writer.append(noise[:10])


@BOTH
def test_a_failed_append_does_not_replace_the_file(compression, tmp_path):
    class Failing:
        shape = (5,)

        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("no data")

    path = tmp_path / "x"
    with idxio.Writer(path, "uint8", (), compression=compression) as writer:
        writer.append(np.arange(3, dtype=np.uint8))
        with pytest.raises(RuntimeError):
            writer.append(Failing())
        for wrong in (
            np.zeros((2, 2), np.uint8),
            np.zeros(2, np.int8),
            np.uint8(3),
            np.zeros(2, np.int64),
            [[1], [2]],
        ):
            with pytest.raises(ValueError, match="this file takes"):
                writer.append(wrong)
        writer.append(np.arange(3, dtype=np.uint8))
    # Refused before a byte was written: the file goes on.
    assert idxio.read(path).tolist() == [0, 1, 2, 0, 1, 2]


KILLED = """
import os, signal, sys
import numpy as np
import idxio

step, path, array = sys.argv[1], sys.argv[2], np.load(sys.argv[3])
die = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
replace = os.replace
if step == "fsync":
    os.fsync = die
elif step == "replace":
    os.replace = die
elif step == "replaced":
    os.replace = lambda *args: (replace(*args), die())
with idxio.Writer(path, array.dtype, array.shape[1:]) as writer:
    writer.append(array[:3])
    if step == "append":
        writer._output.target.file.flush()
        die()
    writer.append(array[3:])
"""


@pytest.mark.parametrize("step", ["append", "fsync", "replace", "replaced"])
@pytest.mark.parametrize("name", ["x", "x.gz"])
def test_killed_at_every_step(step, name, tmp_path):
    path = tmp_path / name
    old, new = sample(), sample() + 1
    idxio.write(path, old)
    np.save(tmp_path / "new.npy", new)
    result = subprocess.run([sys.executable, "-c", KILLED, step, path, tmp_path / "new.npy"])
    assert result.returncode == -signal.SIGKILL
    assert_same(idxio.read(path), new if step == "replaced" else old)


KILLED_ANYWHERE = """
import sys
import numpy as np
import idxio

arrays = [np.full((2000, 28, 28), k, np.uint8) for k in range(5)]
print("ready", flush=True)
while True:
    for array in arrays:
        idxio.write(sys.argv[1], array, level=1)
"""


@pytest.mark.parametrize("name", ["x", "x.gz"])
def test_killed_at_any_moment(name, tmp_path):
    path = tmp_path / name
    rng = np.random.default_rng(0)
    for _ in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED_ANYWHERE, path], stdout=subprocess.PIPE
        )
        with process:
            process.stdout.readline()
            threading.Event().wait(float(rng.uniform(0, 0.2)))
            process.kill()
        if path.exists():
            array = idxio.read(path)
            assert array.shape == (2000, 28, 28)
            assert array.min() == array.max()


@pytest.mark.parametrize("is_old", [True, False])
def test_the_data_are_on_disk_before_the_name(is_old, tmp_path, monkeypatch):
    path = tmp_path / "x"
    if is_old:
        path.write_bytes(b"old")
    calls = []
    data = []
    # A new file may have no name before.
    call = "replace" if is_old or not hasattr(os, "O_TMPFILE") else "link"
    real_fsync, real_replace = os.fsync, getattr(os, call)

    def fsync(fd):
        calls.append("folder" if stat.S_ISDIR(os.fstat(fd).st_mode) else "data")
        real_fsync(fd)

    def replace(source, target, **options):
        calls.append("replace")
        data.append(Path(source).read_bytes())
        real_replace(source, target, **options)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, call, replace)
    idxio.write(path, sample())
    assert calls == ["data", "replace", "folder"]
    assert data == [encode(sample())]


def test_a_failed_replacement_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x"
    path.write_bytes(b"old")

    def fail(*args):
        raise OSError(5, "Input/output error")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, fail)
            with pytest.raises(OSError, match="Input/output"):
                idxio.write(path, sample())
        assert os.listdir(tmp_path) == ["x"]
        assert path.read_bytes() == b"old"


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o640, 0o755])
def test_permissions_are_kept(mode, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"")
    path.chmod(mode)
    idxio.write(path, sample())
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_the_umask_counts_for_a_new_file(mask, tmp_path):
    before = os.umask(mask)
    try:
        idxio.write(tmp_path / "x", sample())
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o666 & ~mask


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "folder").mkdir()
    real, link, dangling = tmp_path / "folder" / "real", tmp_path / "link", tmp_path / "dangling"
    real.write_bytes(b"old")
    link.symlink_to(real)
    dangling.symlink_to(tmp_path / "folder" / "new")
    for path in (link, dangling):
        idxio.write(path, sample())
        assert path.is_symlink()
        assert_same(idxio.read(path.resolve()), sample())
    assert sorted(os.listdir(tmp_path / "folder")) == ["new", "real"]


def test_writing_what_is_being_read(tmp_path):
    path = tmp_path / "x"
    idxio.write(path, sample())
    with idxio.open(path) as f:
        view = f.array
        idxio.write(path, view[::-1])
        assert view.tolist() == sample().tolist()
    assert_same(idxio.read(path), sample()[::-1])


def test_close_and_discard(tmp_path):
    path = tmp_path / "x"
    writer = idxio.Writer(path, "int16", sample().shape[1:])
    writer.append(sample())
    writer.close()
    writer.close()
    writer.discard()
    assert_same(idxio.read(path), sample())
    writer = idxio.Writer(path, "int16", ())
    writer.discard()
    writer.discard()
    writer.close()
    assert_same(idxio.read(path), sample())
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="no /proc")
def test_no_file_stays_open(tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        idxio.write(tmp_path / "x.gz", sample())
        idxio.Writer(tmp_path / "x", "uint8", ()).close()
        idxio.Writer(tmp_path / "x", "uint8", ()).discard()
        with idxio.Writer(WriteOnly(), "uint8", ()):
            pass
        with pytest.raises(RuntimeError), idxio.Writer(WriteOnly(), "uint8", ()):
            raise RuntimeError
    assert len(os.listdir("/proc/self/fd")) == before


# What is refused ---------------------------------------------------------------------------------------------

SIX = "uint8, int8, int16, int32, float32 and float64"


@pytest.mark.parametrize(
    ("array", "hint"),
    [
        (np.array([0, 1], np.int64), "uint8"),
        (np.array([0, 255], np.int64), "uint8"),
        (np.array([-1, 127], np.int64), "int8"),
        (np.array([-1, 128], np.int64), "int16"),
        (np.array([0, 256], np.uint16), "int16"),
        (np.array([0, 40000], np.uint16), "int32"),
        (np.array([0, 2**31 - 1], np.uint32), "int32"),
        (np.array([0, 2**32 - 1], np.uint32), "float64"),
        (np.array([2**31], np.int64), "float32"),
        (np.array([2**53 - 1], np.int64), "float64"),
        (np.array([True, False]), "uint8"),
        (np.array([0.5, np.nan, -np.inf], np.float16), "float32"),
        (np.zeros((0, 3), np.int64), "uint8"),
        (np.array(7, ">i8"), "uint8"),
        (np.array([1], np.longdouble) / 3, None),
        (np.array([0.5], np.longdouble), "float32"),
        (np.array([2**53 + 1], np.int64), None),
        (np.array([2**63 - 1], np.int64), None),
        (np.array([2**64 - 1], np.uint64), None),
        (np.array([1j]), None),
        (np.array(["a"]), None),
        (np.array([b"a"]), None),
        (np.array([None]), None),
        (np.array(["2020-01-01"], "M8[D]"), None),
        (np.zeros(2, [("a", "u1")]), None),
    ],
)
@BOTH
def test_a_type_that_idx_has_not(compression, array, hint, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    if array.dtype == np.longdouble and array.dtype.itemsize == 8:
        pytest.skip("long double is float64 here")
    with pytest.raises(idxio.FormatError, match=SIX) as info:
        idxio.write(path, array, compression=compression)
    message = str(info.value)
    assert str(array.dtype) in message
    if hint is None:
        assert "without loss" in message
        assert "astype" not in message
    else:
        assert f"array.astype('{hint}')" in message
        assert np.array_equal(
            array.astype(hint).astype(array.dtype), array, equal_nan=array.dtype.kind == "f"
        )
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.parametrize("dtype", ["int64", "bool", "float16", "uint16", "U5", "complex64"])
def test_a_writer_refuses_types(dtype, tmp_path):
    with pytest.raises(idxio.FormatError, match=SIX):
        idxio.Writer(tmp_path / "x", dtype, ())
    assert not os.listdir(tmp_path)


def test_plain_python_numbers_are_refused_with_a_hint():
    with pytest.raises(idxio.FormatError, match=r"write array\.astype"):
        written([1, 2, 3])


def test_masked_elements_are_refused(tmp_path):
    masked = np.ma.array([1, 2, 3], "u1", mask=[0, 1, 0])
    with pytest.raises(ValueError, match=r"masked.*filled"):
        idxio.write(tmp_path / "x", masked)
    with pytest.raises(ValueError, match="filled"), idxio.Writer(tmp_path / "x", "u1", ()) as w:
        w.append(masked)
    assert not list(tmp_path.iterdir())
    idxio.write(tmp_path / "x", np.ma.array([1, 2, 3], "u1"))  # nothing is masked
    with pytest.raises(ValueError, match=r"masked.*filled"):
        idxio.write(tmp_path / "x", [masked, masked])
    with (
        pytest.raises(ValueError, match=r"masked.*filled"),
        idxio.Writer(tmp_path / "y", "u1", (3,)) as w,
    ):
        w.append([masked, masked])
    with pytest.raises(ValueError, match=r"masked.*filled"):
        idxio.write_sorted(tmp_path / "i", tmp_path / "l", np.ma.stack([masked] * 2), [1, 0])

    class Variable:
        """Gives a masked array, as netCDF4's does, of which numpy drops the mask."""

        def __array__(self, dtype=None, copy=None):
            return masked

    with pytest.raises(ValueError, match=r"masked.*filled"):
        idxio.write(tmp_path / "z", Variable())
    for images, labels in (
        (masked, [1, 2, 3]),
        ([1, 2, 3], masked),
        ([[masked]] * 3, [1, 2, 3]),
        (Variable(), [1, 2, 3]),
        ([1, 2, 3], Variable()),
    ):
        with pytest.raises(ValueError, match=r"masked.*filled"):
            idxio.Dataset(images, labels)
    assert idxio.read(tmp_path / "x").tolist() == [1, 2, 3]


def test_more_dimensions_than_bits():
    array = np.broadcast_to(np.zeros((0,), np.uint8), (1 << 32, 0))
    with pytest.raises(idxio.FormatError, match="32 bits"):
        written(array)
    with pytest.raises(idxio.FormatError, match="32 bits"):
        idxio.Writer(io.BytesIO(), "uint8", (1 << 32,))


@BOTH
def test_more_records_than_bits(compression):
    file = io.BytesIO()
    block = np.broadcast_to(np.zeros((0,), np.uint8), (0xFFFFFFFF, 0))
    with idxio.Writer(file, "uint8", (0,), compression=compression) as writer:
        writer.append(block)
        with pytest.raises(idxio.FormatError, match="32 bits"):
            writer.append(block[:1])
    assert unpacked(file.getvalue(), compression) == header(8, 0xFFFFFFFF, 0)


@pytest.mark.parametrize("record_shape", [(), [28, 28], (np.int64(2), 3), (0,)])
def test_record_shapes(record_shape):
    file = io.BytesIO()
    with idxio.Writer(file, np.dtype(">i2"), record_shape) as writer:
        writer.append(np.zeros((2, *record_shape), "<i2"))
        writer.append(np.zeros((1, *record_shape), ">i2"))
    assert idxio.read(PipeLike(file.getvalue())).shape == (3, *record_shape)


@pytest.mark.parametrize("record_shape", [(-1,), (2, -3), (1.5,), (1,) * 300, ("a",)], ids=str)
def test_impossible_record_shapes(record_shape, tmp_path):
    with pytest.raises((ValueError, TypeError)):
        idxio.Writer(tmp_path / "x", "uint8", record_shape)
    assert not os.listdir(tmp_path)


class Named(os.PathLike):
    def __fspath__(self):
        return "named.gz"


def test_the_suffix_of_any_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    idxio.write(Named(), sample())
    assert idxio.info("named.gz").packing == "gzip"
    (entry,) = os.scandir(tmp_path)
    idxio.write(entry, sample(), level=1)
    assert idxio.info(entry.path).packing == "gzip"


@pytest.mark.parametrize(("name", "error"), [("", FileNotFoundError), ("new/", IsADirectoryError)])
def test_no_name_for_a_file(name, error, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error) as caught:
        idxio.write(name, sample())
    assert caught.value.filename == name
    assert not os.listdir(tmp_path)


def test_a_failed_append_is_not_forgotten(tmp_path):
    disk = FullDisk(22)
    writer = idxio.Writer(disk, "uint8", (9,))
    writer.append(np.zeros((1, 9), np.uint8))
    with pytest.raises(OSError, match="No space left") as caught:
        writer.append(np.zeros((1, 9), np.uint8))
    assert caught.value.filename == "<FullDisk>"
    with pytest.raises(ValueError, match="nothing was written"), writer:
        pass


def test_a_writer_that_nobody_closes(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    writer = idxio.Writer(path, "uint8", (2,))
    writer.append(np.zeros((3, 2), np.uint8))
    if os.fork() == 0:
        del writer  # the parent's file is not the child's to remove
        os._exit(0)
    os.wait()
    assert len(os.listdir(tmp_path)) == 2
    with pytest.warns(ResourceWarning, match="x: not closed, nothing was written"):
        del writer
    assert os.listdir(tmp_path) == ["x"]
    assert path.read_bytes() == b"old"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("may", [True, False])
def test_the_owner_stays(may, tmp_path, monkeypatch):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    os.chown(path, 1234, 1235)
    os.chmod(path, 0o4664)
    if not may:

        def refuse(*arguments):
            raise PermissionError

        chown = os.chown
        monkeypatch.setattr(
            os,
            "chown",
            lambda path, user, group: (refuse if user >= 0 else chown)(path, user, group),
        )
    idxio.write(path, sample())
    status = path.stat()
    owner = (1234 if may else os.getuid(), 1235)
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (
        *owner,
        0o4664 if may else 0o664,
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@BOTH
def test_a_full_device_is_named(compression):
    with pytest.raises(OSError, match="No space left") as caught:
        idxio.write("/dev/full", sample(), compression=compression)
    assert caught.value.filename == "/dev/full"


def test_repack_in_place_of_a_file_that_is_changed_meanwhile(tmp_path):
    file = tmp_path / "images-idx2-ubyte.gz"
    old, new = np.zeros((9, 4), np.uint8), np.ones((7, 4), np.uint8)
    idxio.write(file, old)
    done = []

    def change(some, total):
        if not done:
            done.append(idxio.write(file, new))

    with pytest.raises(idxio.ChangedError, match=r"was changed by another process .*run it again"):
        idxio.repack(file, file, progress=change)
    assert (idxio.read(file) == new).all()
    assert os.listdir(tmp_path) == [file.name]
    idxio.repack(file, file)
    assert os.listdir(tmp_path) == [file.name]
    # To another path, it is the file as it was opened.
    done.clear()
    idxio.write(file, old)
    idxio.repack(file, tmp_path / "other", progress=change)
    assert (idxio.read(tmp_path / "other") == old).all()


def test_mistaken_arguments_say_what_is_expected(tmp_path):
    pixels = np.zeros((2, 3, 3), np.uint8)
    dataset = idxio.Dataset(pixels, [0, 1])
    with pytest.raises(TypeError, match="a Dataset is two arrays: write its images and its labels"):
        idxio.write(tmp_path / "x", dataset)
    with pytest.raises(TypeError, match="open for text; open it in binary mode, 'wb'"):
        idxio.write(io.StringIO(), pixels)
    for dtype, shape in ((np.uint8, 28), ((28, 28), "uint8")):
        with pytest.raises(
            TypeError, match="record_shape is a tuple of integers, behind the dtype"
        ):
            idxio.Writer(tmp_path / "x", dtype, shape)
    with pytest.raises(TypeError, match="the files to write come first"):
        idxio.write_sorted(pixels, dataset.labels, tmp_path / "x", tmp_path / "y")
    assert os.listdir(tmp_path) == []


def test_repr_of_a_writer_says_how_far_it_is():
    with idxio.Writer(io.BytesIO(), "uint8", (28, 28)) as writer:
        writer.append(np.zeros((3, 28, 28), np.uint8))
        assert repr(writer) == "<idxio.Writer '<BytesIO>' 3 x 28 x 28 uint8>"
    assert repr(writer) == "<idxio.Writer '<BytesIO>' 3 x 28 x 28 uint8, closed>"
