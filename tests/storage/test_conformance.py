"""What every source must do: one suite over paths, URLs, buffers, file objects of all kinds, pipes."""

import array
import contextlib
import io
import os
import pickle
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
import pytest
from helpers import PipeLike, ReadOnly, ShortReads, pipe_of, run_threads
from range_server import RangeServer

import idxio
from idxio.compression import registry
from idxio.core.array import IdxArray
from idxio.storage.base import Source
from idxio.storage.file_object import PipeSource
from idxio.storage.source import open_source

# Longer than the start that is kept of a pipe, and than one call of the system reads.
DATA = np.random.default_rng(5).integers(0, 256, 3_000_000, np.uint8).tobytes()
BEFORE = b"before"


class Kind(NamedTuple):
    """A kind of source, and what it promises."""

    open: object
    """Gives the file for bytes and an empty folder, or a context manager that gives it."""
    has_size: bool = True
    can_pickle: bool = False
    can_fork: bool = True
    is_file_object: bool = True


def stored(data, folder):
    path = folder / "x"
    path.write_bytes(data)
    return path


def at(position, file):
    file.seek(position)
    return file


@contextlib.contextmanager
def url_of(data):
    with RangeServer({"/x": data}) as server:
        yield f"{server.url}/x"


KINDS = {
    "path": Kind(stored, can_pickle=True, is_file_object=False),
    "bytes": Kind(lambda data, folder: data, can_pickle=True, is_file_object=False),
    "memoryview": Kind(
        lambda data, _: memoryview(bytearray(data)), can_pickle=True, is_file_object=False
    ),
    "numpy": Kind(
        lambda data, _: np.frombuffer(data, np.uint8), can_pickle=True, is_file_object=False
    ),
    "array.array": Kind(
        lambda data, _: array.array("B", data), can_pickle=True, is_file_object=False
    ),
    "BytesIO": Kind(lambda data, folder: at(6, io.BytesIO(BEFORE + data)), can_fork=False),
    "short reads": Kind(lambda data, folder: at(6, ShortReads(BEFORE + data)), can_fork=False),
    "buffered file": Kind(lambda data, folder: at(6, open(stored(BEFORE + data, folder), "rb"))),
    "FileIO": Kind(
        lambda data, folder: at(6, open(stored(BEFORE + data, folder), "rb", buffering=0))
    ),
    "writable file": Kind(
        lambda data, folder: at(6, open(stored(BEFORE + data, folder), "r+b")), can_fork=False
    ),
    "pipe": Kind(lambda data, folder: pipe_of(data), has_size=False),
    "pipe-like": Kind(lambda data, folder: PipeLike(data, 100_003), has_size=False),
    "read() alone": Kind(lambda data, folder: ReadOnly(data, 100_003), has_size=False),
}
if find_spec("obstore") is not None:
    KINDS["URL"] = Kind(
        lambda data, folder: url_of(data),
        can_pickle=True,
        can_fork=find_spec("aiohttp") is not None,
        is_file_object=False,
    )


@contextlib.contextmanager
def opened(kind, data, folder):
    """The file of a kind, and its source."""
    with contextlib.ExitStack() as stack:
        file = KINDS[kind].open(data, folder)
        if kind in ("pipe", "URL") or isinstance(file, io.IOBase):
            file = stack.enter_context(file)
        source = open_source(file)
        try:
            yield file, source
        finally:
            with contextlib.suppress(ValueError):  # a test may have closed the file
                source.close()


def read(source, offset, size):
    """The bytes that read_at() gives, of a buffer whose rest it must leave alone."""
    out = bytearray(b"\xaa" * (size + 8))
    n = source.read_at(offset, memoryview(out)[:size])
    assert out[n:] == b"\xaa" * (size + 8 - n)
    return bytes(out[:n])


def kinds(**promises):
    """The kinds that promise this much, as a parameter."""
    names = [
        name
        for name, kind in KINDS.items()
        if all(getattr(kind, k) == v for k, v in promises.items())
    ]
    assert names
    return pytest.mark.parametrize("kind", names)


ALL = kinds()


@ALL
def test_name_and_size(kind, tmp_path):
    with opened(kind, DATA, tmp_path) as (_, source):
        assert source.size == (len(DATA) if KINDS[kind].has_size else None)
        assert isinstance(source.name, str)
        assert source.name
        assert isinstance(source, PipeSource) == (source.size is None)


@ALL
@pytest.mark.parametrize("step", [1_000, 700_001, len(DATA), len(DATA) + 1])
def test_read_at_in_order(kind, step, tmp_path):
    data = DATA[:50_000] if step == 1_000 else DATA
    with opened(kind, data, tmp_path) as (_, source):
        pieces = [read(source, offset, step) for offset in range(0, len(data), step)]
        # no short read before the end
        assert [len(piece) for piece in pieces[:-1]] == [step] * (len(pieces) - 1)
        assert b"".join(pieces) == data
        assert read(source, len(data), 100) == b""
        assert read(source, len(data), 0) == b""


@kinds(has_size=True)
def test_read_at_in_any_order(kind, tmp_path):
    rng = np.random.default_rng(0)
    with opened(kind, DATA, tmp_path) as (_, source):
        for offset, size in zip(
            rng.integers(0, len(DATA), 30), rng.integers(0, 500_000, 30), strict=True
        ):
            assert read(source, int(offset), int(size)) == DATA[offset : offset + size]
        assert read(source, len(DATA) + 1000, 10) == b""


@ALL
def test_read_swapped(kind, tmp_path):
    for itemsize in (2, 4, 8):
        size = 800_000  # several blocks; a pipe still has it all
        with opened(kind, DATA, tmp_path) as (_, source):
            out = memoryview(bytearray(size))
            assert source.read_swapped(3, out, itemsize) == size
            swapped = np.frombuffer(DATA, np.uint8, size, 3).reshape(-1, itemsize)[:, ::-1]
            assert out == swapped.tobytes()


@kinds(has_size=True)
def test_read_swapped_at_the_end(kind, tmp_path):
    with opened(kind, DATA, tmp_path) as (_, source):
        out = memoryview(bytearray(800_000))
        assert source.read_swapped(len(DATA) - 400_000, out, 4) == 400_000
        swapped = np.frombuffer(DATA, np.uint8)[-400_000:].reshape(-1, 4)[:, ::-1]
        assert out[:400_000] == swapped.tobytes()


@kinds(has_size=True)
def test_read_ranges(kind, tmp_path):
    starts = [5, 2_000_000, 100, 5, len(DATA) - 10, len(DATA) + 5]
    sizes = [10, 300_000, 0, 11, 100, 3]
    with opened(kind, DATA, tmp_path) as (_, source):
        outs = [memoryview(bytearray(size)) for size in sizes]
        ranges = [(start, start + size) for start, size in zip(starts, sizes, strict=True)]
        assert source.read_ranges(ranges, outs) == [10, 300_000, 0, 11, 10, 0]
        for (start, stop), out in zip(ranges, outs, strict=True):
            expected = DATA[start:stop]
            assert out[: len(expected)] == expected
        assert source.read_ranges([], []) == []


@ALL
def test_what_a_source_can_do(kind, tmp_path):
    with opened(kind, DATA, tmp_path) as (file, source):
        assert (source.path is None) == (kind != "path")
        assert (source.status() is None) == (kind != "path")
        view, mapped = source.view(), source.map()
        in_memory = KINDS[kind].can_pickle and kind not in ("path", "URL")
        assert (view is not None) == in_memory
        assert (mapped is not None) == (kind == "path")
        if view is not None:
            assert view == DATA
            assert np.shares_memory(np.frombuffer(view, np.uint8), np.frombuffer(file, np.uint8))
        if mapped is not None:
            assert mapped[:] == DATA
            mapped.close()


class FromTheEnd(Source):
    """The least that a new source needs, which fills ranges in an order of its own."""

    def __init__(self, data):
        self.name, self.size, self._data = "<new>", len(data), data

    def read_at(self, offset, out):
        piece = self._data[offset : offset + len(out)]
        out[: len(piece)] = piece
        return len(piece)

    def read_ranges(self, ranges, outs):
        pairs = list(zip(ranges, outs, strict=True))
        return [self.read_at(start, out) for (start, _), out in reversed(pairs)][::-1]


@pytest.mark.parametrize("compression", registry.WRITABLE)
@pytest.mark.parametrize("dtype", ["uint8", "int32"])
def test_a_new_source_is_one_class(compression, dtype):
    records = np.arange(40_000 * 12).reshape(40_000, 12).astype(dtype)
    file = io.BytesIO()
    idxio.write(file, records, compression=compression)
    f = IdxArray(FromTheEnd(file.getvalue()))
    np.testing.assert_array_equal(f[:], records)
    np.testing.assert_array_equal(f[::999], records[::999])
    np.testing.assert_array_equal(f[[39_999, 3, 3]], records[[39_999, 3, 3]])
    np.testing.assert_array_equal(np.concatenate(list(f.iter_records(7_000))), records)
    assert not f.has_view
    with pytest.raises(idxio.IdxError, match="can't be viewed"):
        _ = f.array


@kinds(has_size=False)
def test_the_start_of_a_pipe_is_kept(kind, tmp_path):
    with opened(kind, DATA, tmp_path) as (_, source):
        kept = source.KEPT
        for offset, size in ((kept - 10, 10), (0, 4), (100, 50_000), (0, kept)):
            assert read(source, offset, size) == DATA[offset : offset + size]
        assert read(source, 5, len(DATA)) == DATA[5:]
        with pytest.raises(io.UnsupportedOperation, match="once only"):
            read(source, kept, 10)


@ALL
def test_an_empty_file(kind, tmp_path):
    with opened(kind, b"", tmp_path) as (_, source):
        assert source.size == (0 if KINDS[kind].has_size else None)
        assert read(source, 0, 10) == b""
        assert read(source, 10, 10) == b""


@ALL
def test_check_of_an_unchanged_file(kind, tmp_path):
    with opened(kind, DATA, tmp_path) as (_, source):
        source.check()
        read(source, 0, 100)
        source.check()


def test_check_of_a_path_that_was_written_to(tmp_path):
    with opened("path", DATA, tmp_path) as (path, source):
        path.write_bytes(DATA[1:])
        with pytest.raises(idxio.ChangedError, match="replaced or written to"):
            source.check()
        with pytest.raises(idxio.ChangedError, match="replaced or written to"):
            read(source, 0, 10)


@ALL
def test_close_may_come_twice(kind, tmp_path):
    with opened(kind, DATA, tmp_path) as (_, source):
        read(source, 0, 100)
        source.close()
        source.close()


@kinds(is_file_object=True)
def test_close_leaves_a_file_object_open(kind, tmp_path):
    with opened(kind, DATA, tmp_path) as (file, source):
        read(source, 0, 2_000_000)
        source.close()
        assert not getattr(file, "closed", False)
        assert file.read(3) == DATA[2_000_000:2_000_003]  # behind all that was read


def test_a_closed_path_can_not_be_read(tmp_path):
    with opened("path", DATA, tmp_path) as (path, source):
        source.close()
        for call in (source.check, source.status, lambda: read(source, 0, 10)):
            with pytest.raises(ValueError, match=f"{path}: the file is closed"):
                call()


@kinds(can_pickle=True)
def test_pickle(kind, tmp_path):
    with opened(kind, DATA, tmp_path) as (_, source):
        other = pickle.loads(pickle.dumps(source))
        assert other.size == source.size
        source.close()
        assert read(other, 10, 1000) == DATA[10:1010]
        other.close()


@kinds(can_pickle=False)
def test_a_file_object_can_not_be_pickled(kind, tmp_path):
    with opened(kind, DATA, tmp_path) as (_, source):
        with pytest.raises(TypeError, match="can't be pickled") as info:
            pickle.dumps(source)
        assert str(info.value).startswith(source.name)


@kinds(has_size=True)
def test_threads_share_a_source(kind, tmp_path):
    wrong = []

    def work(seed):
        for offset in np.random.default_rng(seed).integers(0, len(DATA), 40):
            offset = int(offset)
            if read(source, offset, 5_000) != DATA[offset : offset + 5_000]:
                wrong.append(offset)

    with opened(kind, DATA, tmp_path) as (_, source):
        run_threads(work, range(4))
    assert not wrong


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@kinds(has_size=True)
def test_a_fork_reads_or_is_refused(kind, tmp_path):
    with opened(kind, DATA, tmp_path) as (_, source):
        pid = os.fork()
        if pid == 0:
            try:
                is_right = read(source, 7, 5_000) == DATA[7:5_007]
            except RuntimeError as error:
                os._exit(3 if "after a fork" in str(error) else 4)
            except BaseException:
                os._exit(4)
            os._exit(0 if is_right else 5)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert status == (0 if KINDS[kind].can_fork else 3)
        assert read(source, 7, 5_000) == DATA[7:5_007]
