"""Records at random and in a stream: any array, container and index, from threads, after a fork,
after pickling.
"""

import gc
import gzip
import io
import itertools
import os
import pickle
import subprocess
import sys
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from helpers import (
    PACKINGS,
    TYPES,
    PipeLike,
    Raising,
    assert_same,
    encode,
    member,
    members,
    pipe_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from packers import KINDS, deflate, spans_of, wrap

import idxio
from idxio.compression.gzip import (
    growing_index,
    pickled_index,
    random_access,
    span_cache,
    span_copier,
)
from idxio.compression.gzip.growing_index import GrowingIndex
from idxio.compression.gzip.known_spans import KnownSpans
from idxio.compression.gzip.stream import GzipStream
from idxio.core.array import read_into
from idxio.storage.source import PathSource

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
IN_CI = os.environ.get("CI") or os.environ.get("HYPOTHESIS_PROFILE", "default") != "default"


def words(count, size=100, seed=0):
    """Records that compress to a third, with matches near and far."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 254, (300, size // 4), np.uint8)[
        rng.integers(0, 300, (count, 4))
    ].reshape(count, -1)


ARRAY = words(6000)


def own(data):
    """As idxio packs it, with smaller chunks than it would choose for so few bytes."""
    import io

    file = io.BytesIO()
    idxio.write(file, idxio.read(data), compression="gzip", threads=1)
    return file.getvalue()


FORMS = {
    **PACKINGS,
    "idxio": own,
    **{
        name: KINDS[name]
        for name in (
            "dictzip",
            "bgzip",
            "pigz -i",
            "odd members",
            "small blocks",
            "stored",
            "mixed",
        )
    },
}


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """One array in every form, small enough to be drawn from often."""
    folder = tmp_path_factory.mktemp("forms")
    for name, pack in FORMS.items():
        (folder / name).write_bytes(pack(encode(ARRAY)))
    (folder / "indexed").write_bytes(KINDS["small blocks"](encode(ARRAY)))
    idxio.build_index(folder / "indexed", spacing=5000)
    return {path.name: path for path in folder.iterdir() if not path.name.endswith(".seek")}


def keys(shape):
    """An index that numpy takes for axis 0 and maybe more."""
    n = shape[0]
    first = st.one_of(
        st.integers(-n, n - 1) if n else st.just(slice(None)),
        st.slices(n),
        st.lists(st.integers(-n, n - 1), max_size=40) if n else st.just([]),
        (
            st.lists(st.integers(0, n - 1), max_size=40).map(
                lambda ids: np.array(sorted(ids), np.int64)
            )
            if n
            else st.just([])
        ),
        hnp.arrays(bool, n),
        st.just(Ellipsis),
    )
    return first


# Any index
# ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=40 if IN_CI else 12)
@given(st.data())
def test_any_array_and_index(form, choice):
    dtype = np.dtype(choice.draw(st.sampled_from(TYPES)))
    shape = choice.draw(hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=40))
    size = int(np.prod(shape)) * dtype.itemsize
    fill = np.random.default_rng(size).integers(
        0, choice.draw(st.sampled_from([1, 3, 254])), size, np.uint8
    )
    array = fill.view(dtype).reshape(shape)
    if form == "giant block":
        return
    packed = FORMS[form](encode(array))
    with spans_of(choice.draw(st.integers(1, 4000)), 1 << 10), idxio.open(packed) as f:
        for key in choice.draw(st.lists(keys(shape), min_size=1, max_size=6)):
            assert_same(f[key], array[key])
        if choice.draw(st.booleans()):
            n = choice.draw(st.integers(1, shape[0] + 3))
            assert_same(np.concatenate([array[:0], *f.iter_records(n)]), array)
        for key in choice.draw(st.lists(keys(shape), max_size=3)):
            assert_same(f[key], array[key])


@pytest.mark.parametrize("cache", [1, 20_000, 16 << 20])
@settings(max_examples=15)
@given(st.data())
def test_any_order_of_indexes(paths, cache, choice):
    # A span larger than the cache is never kept; several in it push each other out.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(span_cache, "CACHE", cache)
        patch.setattr(span_copier, "CACHE", cache)
        patch.setattr(span_copier, "_KEPT", cache)
        path = paths[choice.draw(st.sampled_from(sorted(paths)))]
        with spans_of(choice.draw(st.sampled_from([2000, 1 << 20]))), idxio.open(path) as f:
            for key in choice.draw(st.lists(keys(ARRAY.shape), min_size=1, max_size=5)):
                assert_same(f[key], ARRAY[key])
                rows = [key] if isinstance(key, int) else key
                if not isinstance(key, (int, type(Ellipsis))):
                    assert_same(idxio.read(path, rows), ARRAY[rows])


def test_each_span_is_decoded_once(paths, monkeypatch):
    decoded = []
    real = random_access.SpanReader.decode

    def decode(self, span, *args):
        decoded.append(span.number)
        return real(self, span, *args)

    monkeypatch.setattr(random_access.SpanReader, "decode", decode)
    ids = np.random.default_rng(0).integers(0, 6000, 500)
    for form in ("idxio", "dictzip", "bgzip", "indexed"):
        decoded.clear()
        with idxio.open(paths[form]) as f:
            assert_same(f[ids], ARRAY[ids])
            assert len(decoded) == len(set(decoded))
            assert len(decoded) <= len(f._compressed.span_index)
            decoded.clear()
            for i in range(0, 6000, 7):
                assert_same(f[i], ARRAY[i])
            assert not decoded  # all of it is in the cache


@pytest.fixture
def bytes_read(monkeypatch):
    """How many bytes each read of a file that is no index gave."""
    read = []
    from idxio.storage.source import PathSource

    real = PathSource.read_at

    def read_at(self, offset, out):
        n = real(self, offset, out)
        if not self.name.endswith(".seek"):
            read.append(n)
        return n

    monkeypatch.setattr(PathSource, "read_at", read_at)
    return read


def test_only_the_spans_that_are_needed(paths, bytes_read):
    for form in ("idxio", "dictzip", "bgzip", "indexed"):
        size = paths[form].stat().st_size
        with idxio.open(paths[form]) as f:
            f[0]
            bytes_read.clear()
            assert_same(f[5000], ARRAY[5000])
            assert sum(bytes_read) < size / 4, form


@pytest.mark.parametrize("threads", [2, 3])
def test_the_whole_file_is_read_once(threads, tmp_path, bytes_read):
    noise = np.random.default_rng(0).integers(0, 256, (8 << 10, 1 << 10), np.uint8)
    noise >>= np.linspace(3, 0, len(noise)).astype(np.uint8)[:, np.newaxis]  # spans of many lengths
    path = tmp_path / "noise.gz"
    idxio.write(path, noise)
    assert_same(idxio.read(path, threads=threads), noise)
    assert len(bytes_read) > 10  # spans
    assert sum(bytes_read) < 1.1 * path.stat().st_size


# Shared ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [*FORMS, "indexed"])
def test_eight_threads(form, paths, monkeypatch):
    monkeypatch.setattr(span_cache, "CACHE", 50_000)
    rng = np.random.default_rng(1)
    jobs = [rng.integers(0, 6000, rng.integers(1, 60)) for _ in range(120)]
    jobs += [int(i) for i in rng.integers(-6000, 6000, 200)]
    jobs += [slice(int(a), int(a) + 200) for a in rng.integers(0, 5900, 40)]
    rng.shuffle(jobs)
    with spans_of(3000), idxio.open(paths[form]) as f, ThreadPoolExecutor(8) as pool:
        for key, result in zip(jobs, pool.map(f.__getitem__, jobs), strict=True):
            assert_same(result, ARRAY[key])
        streams = list(pool.map(lambda n: np.concatenate(list(f.iter_records(n))), range(990, 998)))
        for stream in streams:
            assert_same(stream, ARRAY)


FORK = """
import os, signal, sys, threading, time
import numpy as np
import idxio

path, expected = sys.argv[1], np.load(sys.argv[2])
f = idxio.open(path)
stop = False

def work(seed):
    rng = np.random.default_rng(seed)
    while not stop:
        i = int(rng.integers(0, len(f)))
        assert (f[i] == expected[i]).all()

threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
for thread in threads:
    thread.start()
for turn in range(8):
    time.sleep(0.01)
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        good = all((f[i] == expected[i]).all() for i in range(0, len(f), 97))
        good &= (np.concatenate(list(f.iter_records(500))) == expected).all() and (f[:] == expected).all()
        os._exit(0 if good else 1)
    assert os.waitpid(pid, 0)[1] == 0, turn
stop = True
for thread in threads:
    thread.join()
"""


@pytest.mark.parametrize("form", ["gzip", "idxio", "bgzip", "indexed", "odd members", "xz"])
def test_after_a_fork(form, paths, tmp_path):
    np.save(tmp_path / "x.npy", ARRAY)
    command = [sys.executable, "-W", "ignore", "-c", FORK, paths[form], tmp_path / "x.npy"]
    subprocess.run(command, check=True, timeout=120)


ITERATING = """
import os, signal, sys
import idxio

blocks = idxio.open(sys.argv[1]).iter_records(10)
next(blocks)
pid = os.fork()
if pid == 0:
    signal.alarm(20)
    try:
        for block in blocks:
            pass
    except RuntimeError:
        os._exit(0)
    os._exit(1)
assert os.waitpid(pid, 0)[1] == 0
assert sum(len(block) for block in blocks) == 30_000 - 10
"""


def test_an_iteration_does_not_go_on_in_a_child(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(wrap(deflate(encode(words(30_000, 1000)), 1), encode(words(30_000, 1000))))
    subprocess.run([sys.executable, "-W", "ignore", "-c", ITERATING, path], check=True, timeout=60)


@pytest.mark.parametrize("form", [*FORMS, "indexed"])
def test_pickled(form, paths):
    with idxio.open(paths[form]) as f:
        for most in (1000, 100_000):
            data = pickle.dumps(f)
            assert len(data) < most
            with pickle.loads(data) as g:
                assert_same(g[[5999, 0, 17]], ARRAY[[5999, 0, 17]])
                assert_same(np.concatenate(list(g.iter_records(999))), ARRAY)
            f[5000]
    with idxio.open(paths[form].read_bytes()) as f, pickle.loads(pickle.dumps(f)) as g:
        assert_same(g[5999], ARRAY[5999])


@pytest.fixture
def reads(monkeypatch):
    """The bytes that are read of any path, one number for each read."""
    real, sizes = PathSource.read_at, []

    def read_at(self, offset, out):
        sizes.append(len(out))
        return real(self, offset, out)

    monkeypatch.setattr(PathSource, "read_at", read_at)
    return sizes


@pytest.fixture(scope="module")
def long_file(tmp_path_factory):
    """A gzip file without a table, of some ten spans."""
    path = tmp_path_factory.mktemp("long") / "x.gz"
    path.write_bytes(gzip.compress(encode(LONG), 6))
    return path


LONG = np.hstack(
    [words(120_000, 52), np.random.default_rng(3).integers(0, 16, (120_000, 48), np.uint8)]
)
IDS = [119_999, 7, 80_000, 60_000]


def learn_by_reading(f):
    f.read(threads=2)


def learn_by_a_record(f):
    f[119_999]


def learn_by_streaming(f):
    for _ in f.iter_records(10_000):
        pass


@pytest.mark.parametrize(
    "learn", [learn_by_reading, learn_by_a_record, learn_by_streaming], ids=lambda f: f.__name__
)
def test_a_pickle_has_the_spans_that_were_seen(learn, long_file, reads):
    with idxio.open(long_file) as f:
        learn(f)
        data = pickle.dumps(f)
    assert len(data) < 1 << 20
    for i in IDS:
        with pickle.loads(data) as g:
            reads.clear()
            assert_same(g[i], LONG[i])
            assert sum(reads) < os.path.getsize(long_file) / 3
    with pickle.loads(data) as g:
        assert pickle.dumps(g) == data
        assert_same(g[IDS], LONG[IDS])
        assert_same(np.concatenate(list(g.iter_records(70_000))), LONG)
    for threads in (1, 2):
        with pickle.loads(data) as g:
            assert_same(g.read(threads=threads), LONG)
            assert_same(g[50_000:90_000], LONG[50_000:90_000])


def test_a_pickle_has_a_part_of_the_spans(long_file, reads):
    with idxio.open(long_file) as f:
        f[60_000]
        data = pickle.dumps(f)
    with pickle.loads(data) as g:
        reads.clear()
        assert_same(g[40_000], LONG[40_000])
        assert sum(reads) < os.path.getsize(long_file) / 3
        assert pickle.dumps(g) == data
        assert_same(g[IDS], LONG[IDS])  # goes on behind the part
        assert len(pickle.dumps(g)) > len(data)


def test_a_pickle_stays_small(long_file, monkeypatch):
    with idxio.open(long_file) as f:
        f[119_999]
        spans = len(f._compressed.span_index)
        for most, kept in ((20_000, range(1, spans)), (300, range(1, spans)), (0, [0])):
            monkeypatch.setattr(pickled_index, "_MOST", most)
            f._compressed._known._packed = None
            data = pickle.dumps(f)
            assert len(data) < most + 1000
            with pickle.loads(data) as g:
                assert len(g._compressed.span_index) in kept
                assert_same(g[IDS], LONG[IDS])
                assert_same(g[:], LONG)


@pytest.mark.parametrize("noise", [1, 40])
def test_windows_of_a_pickle_have_what_spans_refer_to(noise, tmp_path, monkeypatch):
    # Short spans, each of which refers to much of its window, joined over and over.
    monkeypatch.setattr(span_cache, "CACHE", 1 << 20)
    data = words(20_000, seed=noise)
    path = tmp_path / "x.gz"
    path.write_bytes(KINDS["small blocks"](encode(data)))
    with idxio.open(path) as f:
        f[19_999]
        for most in (1 << 20, 100_000, 10_000, 1000):
            monkeypatch.setattr(pickled_index, "_MOST", most)
            f._compressed._known._packed = None
            with pickle.loads(pickle.dumps(f)) as g:
                assert_same(g[::997], data[::997])
                assert_same(g.read(threads=2), data)


def test_no_spans_are_pickled_of_bytes_closed_and_damaged_files(long_file, tmp_path):
    packed = long_file.read_bytes()
    with idxio.open(packed) as f:
        plain = len(pickle.dumps(f))
        f[119_999]
        assert len(pickle.dumps(f)) < plain + 10
    f = idxio.open(long_file)
    f[119_999]
    f.close()
    with pickle.loads(pickle.dumps(f)) as g:
        assert_same(g[7], LONG[7])
    path = tmp_path / "x.gz"
    path.write_bytes(packed)
    with idxio.open(path) as f:
        f[119_999]
        os.truncate(path, len(packed) // 2)
        pickled = pickle.dumps(f)
        with pytest.raises(idxio.ChangedError):
            pickle.loads(pickled)


def test_pickled_by_one_thread_while_another_reads(long_file):
    with idxio.open(long_file) as f:
        reader = threading.Thread(target=lambda: [f[i] for i in range(0, 120_000, 5000)])
        reader.start()
        states = []
        while reader.is_alive():
            states.append(pickle.dumps(f))
        reader.join()
    for state in {*states[:: max(1, len(states) // 9)], states[-1]}:
        with pickle.loads(state) as g:
            assert_same(g[IDS], LONG[IDS])


@pytest.mark.parametrize("form", ["gzip", "idxio", "bgzip", "indexed"])
def test_replaced_or_cut_under_it(form, paths, tmp_path):
    packed = paths[form].read_bytes()
    path = tmp_path / "x"

    def appended():
        with open(path, "ab") as file:
            file.write(b"\0")

    def overwritten():
        with open(path, "r+b") as file:
            file.seek(len(packed) // 2)
            file.write(bytes(1000))
        os.utime(path, ns=(1, 1))

    for change in (lambda: os.truncate(path, len(packed) // 2), appended, overwritten):
        path.write_bytes(packed)
        if form == "indexed":
            idxio.build_index(path, spacing=5000)
        with idxio.open(path) as f:
            f[0]
            pickled = pickle.dumps(f)
            blocks = f.iter_records(10)
            next(blocks)
            change()
            for key in (5999, [4000, 3000], slice(None)):
                with pytest.raises(idxio.IdxError):
                    f[key]
            with pytest.raises(idxio.IdxError):
                list(f.iter_records(10))
            with pytest.raises(idxio.IdxError):
                pickle.loads(pickled)
            blocks.close()
    # A new file under the name: the old one is still open, and right.
    path.write_bytes(packed)
    with idxio.open(path) as f:
        (tmp_path / "y").write_bytes(b"")
        os.replace(tmp_path / "y", path)
        assert_same(f[5999], ARRAY[5999])


@pytest.mark.parametrize("form", ["gzip", "idxio"])
def test_closed(form, paths):
    f = idxio.open(paths[form])
    blocks = f.iter_records(1)
    f.close()
    for call in (lambda: f[5999], lambda: f[:], lambda: list(blocks)):
        with pytest.raises(ValueError, match="closed"):
            call()


# A stream ----------------------------------------------------------------------------------------------------


def threads_since(before):
    """The threads that were begun since, after those that end have had time to."""
    for _ in range(500):
        begun = [thread for thread in threading.enumerate() if thread not in before]
        if not begun:
            break
        time.sleep(0.01)
    return begun


@pytest.mark.parametrize("form", FORMS)
def test_left_early(form, paths):
    before = threading.enumerate()  # other tests may have left some, as tqdm's monitor
    for leave in ("break", "close", "forget", "error"):
        for n in (1, 100, 5000):
            f = idxio.open(paths[form])
            blocks = f.iter_records(n)
            assert_same(next(blocks), ARRAY[:n])
            if leave == "close":
                blocks.close()
            elif leave == "error":
                with pytest.raises(RuntimeError):
                    blocks.throw(RuntimeError)
            else:
                for _ in blocks:
                    break
            del blocks
            gc.collect()
            assert not threads_since(before)
            f.close()


def test_left_before_it_begins(paths):
    before = threading.enumerate()
    with idxio.open(paths["gzip"]) as f:
        f.iter_records(5)
        f.iter_records(5).close()
        assert not threads_since(before)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("step", [1 << 30, 1000])
def test_pipes(form, paths, step):
    with idxio.open(PipeLike(paths[form].read_bytes(), step)) as f:
        assert_same(np.concatenate(list(f.iter_records(77))), ARRAY)
    with pipe_of(paths[form].read_bytes()) as file, idxio.open(file) as f:
        assert_same(np.concatenate([block.copy() for block in f.iter_records(7000)]), ARRAY)


def test_blocks_are_the_callers(paths):
    with idxio.open(paths["gzip"]) as f:
        blocks = []
        for block in f.iter_records(100):
            assert block.flags.writeable
            blocks.append(block.copy())
            block[...] = 0
        assert_same(np.concatenate(blocks), ARRAY)
        kept = list(f.iter_records(100))
        kept[3][...] = 7
        assert_same(kept[4], ARRAY[400:500])


DAMAGE = {
    "CRC": lambda packed: packed[:-8] + bytes([packed[-8] ^ 1]) + packed[-7:],
    "length": lambda packed: packed[:-1] + bytes([packed[-1] ^ 1]),
    "cut": lambda packed: packed[:-3],
    "half": lambda packed: packed[: len(packed) // 2],
    "behind": lambda packed: packed + b"garbage",
    "more": lambda packed: packed + member(b"more"),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("form", ["gzip", "idxio", "bgzip", "stored", "odd members"])
def test_damage_reaches_the_caller(form, damage, paths):
    packed = paths[form].read_bytes()
    if form in ("bgzip", "odd members") and damage in ("CRC", "length"):
        packed = packed[: packed.rindex(b"\x1f\x8b\x08")]  # an empty member comes last
    if form == "odd members" and damage == "cut":
        packed = packed.rstrip(b"\0")  # padding may be cut
    broken = DAMAGE[damage](packed)
    before = threading.enumerate()
    for target in (2000, 1 << 20):
        for file in (broken, PipeLike(broken)):
            with spans_of(target), idxio.open(file) as f:
                found = []
                with pytest.raises(idxio.IdxError) as info:  # noqa: PT012
                    for block in f.iter_records(50):
                        found.append(block)  # noqa: PERF402
                found = np.concatenate([ARRAY[:0], *found])
                assert_same(found, ARRAY[: len(found)])
                if damage in ("CRC", "length"):
                    assert info.type is idxio.ChecksumError
                if damage in ("half", "cut"):
                    assert info.type is idxio.TruncatedError
        assert not threads_since(before)


def test_an_error_of_the_file_object_reaches_the_caller(paths):
    packed = paths["gzip"].read_bytes()
    before = threading.enumerate()
    with pytest.raises(ConnectionResetError), idxio.open(Raising(packed, len(packed) // 2)) as f:
        list(f.iter_records(10))
    assert not threads_since(before)


def test_what_is_known_afterwards(tmp_path, monkeypatch):
    # A stream leaves a table behind, and so does a read on several threads: no record is searched from the start again.
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(encode(ARRAY), 6))
    steps = []
    real = GzipStream.step
    monkeypatch.setattr(GzipStream, "step", lambda self: steps.append(1) or real(self))
    for use in (
        lambda f: list(f.iter_records(100)),
        lambda f: f.read(threads=3),
        lambda f: f[5999],
    ):
        with spans_of(5000), idxio.open(path) as f:
            use(f)
            table = f._compressed.span_index
            assert len(table) > 1
            steps.clear()
            for i in (5000, 0, 3000, 5999):
                assert_same(f[i], ARRAY[i])
            assert not steps


def test_spans_stay_few(tmp_path, monkeypatch):
    # Windows take memory: past a number every other point is dropped, and all stays right.
    monkeypatch.setattr(growing_index, "MOST_WINDOWS", 8)
    path = tmp_path / "x"
    for kind in ("small blocks", "odd members", "full flush", "pigz -b 32"):
        path.write_bytes(KINDS[kind](encode(ARRAY)))
        with spans_of(1000):
            for use in (
                lambda f: list(f.iter_records(100)),
                lambda f: f.read(threads=3),
                lambda f: f[5999],
            ):
                with idxio.open(path) as f:
                    use(f)
                    assert f._compressed.span_index._kept <= 8
                    for i in (5999, 0, 3000, 17, 4444):
                        assert_same(f[i], ARRAY[i])


def test_members_at_random():
    data = encode(ARRAY)
    packed = members(data, *range(0, len(data), 3001)) + bytes(7)
    rng = np.random.default_rng(0)
    with spans_of(1000), idxio.open(packed) as f:
        for _, i in itertools.product(range(2), rng.integers(0, 6000, 50).tolist()):
            assert_same(f[i], ARRAY[i])


def test_a_span_too_large_to_keep_is_walked_once(tmp_path, monkeypatch):
    path = tmp_path / "x.gz"
    path.write_bytes(wrap(deflate(encode(ARRAY), 6), encode(ARRAY)))
    streams = []
    real = GzipStream.__init__

    def count(self, *args, **kwargs):
        streams.append(1)
        real(self, *args, **kwargs)

    with idxio.open(path) as f:
        f[0]
        monkeypatch.setattr(span_copier, "CACHE", 1)
        monkeypatch.setattr(span_copier, "_KEPT", 1)
        monkeypatch.setattr(GzipStream, "__init__", count)
        ids = list(range(0, len(ARRAY), 40))
        assert_same(f[ids], ARRAY[ids])
        assert len(streams) <= 2 * len(f._compressed.span_index) < len(ids)


def test_a_table_that_is_replaced_meanwhile(tmp_path, monkeypatch):
    # What another thread does between finding a span and decoding it: a read on several threads, cut at other places.
    path = tmp_path / "x.gz"
    array = np.random.default_rng(1).integers(0, 4, (40_000, 500), np.uint8)
    path.write_bytes(gzip.compress(encode(array), 1))
    monkeypatch.setattr(span_cache, "CACHE", 1)  # the last span only
    spans = KnownSpans.covering
    with idxio.open(path) as f:
        f[36_000]
        known = f._compressed.span_index
        # The first records of spans, which refer to what came before.
        records = [1 + known.span(k).start // 500 for k in range(len(known) // 2, len(known) - 1)]
    assert records
    for i in records:
        with idxio.open(path) as f:
            f[36_000]

            def between(self, start, stop, f=f):
                found = spans(self, start, stop)
                if not self.index.complete:
                    f.read(threads=3)
                return found

            monkeypatch.setattr(KnownSpans, "covering", between)
            assert_same(f[i : i + 8], array[i : i + 8])
            monkeypatch.setattr(KnownSpans, "covering", spans)


def test_a_table_that_grows_and_thins_meanwhile(tmp_path, monkeypatch):
    path = tmp_path / "x.gz"
    path.write_bytes(KINDS["small blocks"](encode(ARRAY)))
    monkeypatch.setattr(growing_index, "MOST_WINDOWS", 4)
    monkeypatch.setattr(span_cache, "CACHE", 1)
    spans = KnownSpans.covering
    for i in range(100, len(ARRAY) - 1, len(ARRAY) // 20):
        with spans_of(3000), idxio.open(path) as f:
            f[i + 10]
            f[0]
            seen = []

            def between(self, start, stop, f=f, seen=seen):
                found = spans(self, start, stop)
                if not seen:
                    seen.append(1)
                    f[len(ARRAY) - 1]
                return found

            monkeypatch.setattr(KnownSpans, "covering", between)
            assert_same(f[i], ARRAY[i])
            monkeypatch.setattr(KnownSpans, "covering", spans)


def test_damage_is_told_each_time():
    data = encode(ARRAY)
    # Stored blocks, of which the last has data: what lies behind the last record is not looked at.
    packed = bytearray(wrap(zlib.compress(data, 0)[2:-4], data))
    packed[-2000] ^= 0x55
    with idxio.open(bytes(packed)) as f:
        for _ in range(3):
            for expr in (-1, slice(-2, None), [0, len(ARRAY) - 1]):
                with pytest.raises(idxio.ChecksumError):
                    f[expr]


def test_members_are_not_counted_each_time(monkeypatch):
    data = encode(ARRAY)
    packed = members(data, 500)
    shots, snapshot = [], GrowingIndex.snapshot
    monkeypatch.setattr(GrowingIndex, "snapshot", lambda self: shots.append(0) or snapshot(self))
    with idxio.open(packed) as f:
        middle = len(ARRAY) // 2
        for i in (middle, *range(middle - 50)):
            assert_same(f[i], ARRAY[i])
        assert len(shots) == 1
        assert_same(f[-1], ARRAY[-1])


def test_the_front_of_a_long_chunk(monkeypatch):
    """Of the last chunk of a block, its front alone is read; a range that was asked for is checked
    to the end of that chunk.
    """
    monkeypatch.setattr("idxio.compression.gzip.chunk_encoder.CHUNK", 40_000)
    array = np.random.default_rng(0).integers(0, 9, (400, 1000), np.uint8)
    file = io.BytesIO()
    idxio.write(file, array, compression="gzip", level=1)
    f = idxio.open(file.getvalue())
    out = np.empty((400, 1000), np.uint8)
    for start, stop in itertools.product((0, 3, 39, 40), (40, 41, 44, 80, 120, 400)):
        read_into(f, start, out[start:stop])
        assert np.array_equal(out[start:stop], array[start:stop])
    asked = []
    read_at = type(f._source).read_at

    def noted(self, offset, out):
        asked.append(offset + len(out))
        return read_at(self, offset, out)

    monkeypatch.setattr(type(f._source), "read_at", noted)
    f = idxio.open(file.getvalue())
    # Record 119 ends 12 bytes behind the third chunk.
    third = f._compressed.span_index.span(3)
    asked.clear()
    read_into(f, 90, out[90:120])
    assert max(asked) < (third.bit >> 3) + 2000 < third.limit
    assert np.array_equal(f[90:120], array[90:120])
    assert max(asked) == third.limit


def test_chunks_that_are_wanted_whole_are_decoded_into_their_place(monkeypatch):
    apart = []
    real = span_copier.decode_apart

    def noted(reader, index, span):
        apart.append(span.number)
        return real(reader, index, span)

    monkeypatch.setattr(span_copier, "decode_apart", noted)
    monkeypatch.setattr("idxio.compression.gzip.chunk_encoder.CHUNK", 40_000)
    array = np.random.default_rng(0).integers(0, 9, 1_040_000, np.uint8)
    file = io.BytesIO()
    idxio.write(file, array, compression="gzip", level=1)
    out = np.empty_like(array)
    first, stop = 40_000 - 8, 1_000_000 - 8  # the header has 8 bytes: chunks 1 to 24
    for start, end, expected in [
        (first, stop, []),
        (first + 1, stop, [1]),
        (first, stop - 1, [24]),
        (first + 1, stop - 1, [1, 24]),
        (first, len(array), []),
    ]:
        f = idxio.open(file.getvalue())
        assert f[0] == array[0]  # chunk 0 is in its cache, and nothing else
        apart.clear()
        read_into(f, start, out[start:end])
        assert np.array_equal(out[start:end], array[start:end])
        assert apart == expected
