"""A table or an index that does not hold: the file is walked, and every road gives the array."""

import pickle
import shutil
import struct
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from helpers import assert_same, encode, member
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packers import deflate, run, subfield, wrap

import idxio
from idxio.compression.gzip import embedded_index, known_spans, sidecar_index, span_copier
from idxio.compression.gzip import reader as container
from idxio.compression.gzip.known_spans import Knowledge, KnownSpans
from idxio.compression.gzip.stream import GzipStream

ARRAY = np.random.default_rng(5).integers(0, 5, (500, 10, 10), np.uint8)
ARRAY[:, ::3] = 0
DATA = encode(ARRAY)
IDS = [499, 3, 3, 250, -7]
FORMS = {embedded_index.RA: ("<HHH", "<u2"), embedded_index.LONG: ("<HII", "<u4")}


@pytest.fixture(autouse=True)
def short_files_on_threads(monkeypatch):
    for module in (container, span_copier):
        monkeypatch.setattr(module, "WORTH_THREADS", 1)


def chunks(length, flush=zlib.Z_FULL_FLUSH):
    """A deflate stream of chunks of so many unpacked bytes, and their sizes."""
    deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
    parts = [DATA[k : k + length] for k in range(0, len(DATA), length)]
    packed = [deflater.compress(part) + deflater.flush(flush) for part in parts]
    return b"".join(packed) + deflater.flush(), [len(part) for part in packed]


def with_table(form, length, sizes, stream):
    """The file with a table."""
    head, dtype = FORMS[form]
    return with_field(
        form, struct.pack(head, 1, length, len(sizes)) + np.array(sizes, dtype).tobytes(), stream
    )


def with_field(form, data, stream):
    return wrap(stream, DATA, subfield(form, data))


ROADS = {
    "one": lambda path: (idxio.open(path)[123], ARRAY[123]),
    "last": lambda path: (idxio.open(path)[-1], ARRAY[-1]),
    "slice": lambda path: (idxio.open(path)[100:400], ARRAY[100:400]),
    "steps": lambda path: (idxio.open(path)[::7], ARRAY[::7]),
    "ids": lambda path: (idxio.open(path)[IDS], ARRAY[IDS]),
    "mask": lambda path: (idxio.open(path)[np.arange(500) % 3 == 0], ARRAY[::3]),
    "rows": lambda path: (idxio.read(path, rows=slice(200, 300), threads=2), ARRAY[200:300]),
    "read on 1": lambda path: (idxio.read(path, threads=1), ARRAY),
    "read on 2": lambda path: (idxio.read(path, threads=2), ARRAY),
    "blocks": lambda path: (np.concatenate(list(idxio.open(path).iter_records(70))), ARRAY),
    "array": lambda path: (np.asarray(idxio.open(path)), ARRAY),
    "verify": lambda path: (np.uint32(idxio.verify(path).crc32), np.uint32(zlib.crc32(DATA))),
    "info": lambda path: (np.int64(idxio.info(path).shape[0]), np.int64(500)),
    "pickled": lambda path: (pickle.loads(pickle.dumps(idxio.open(path)))[77], ARRAY[77]),
    "windows": lambda path: (by_windows(path), ARRAY),
}


def by_windows(path):
    dataset = idxio.Dataset(idxio.open(path), np.arange(500, dtype=np.int32))
    found = np.empty_like(ARRAY)
    for images, labels in dataset.batches(60, shuffle=True, seed=1, buffer=1 << 15):
        found[labels] = images
    return found


def all_roads(path):
    for name, road in ROADS.items():
        found, expected = road(path)
        assert found.dtype == expected.dtype, name
        assert np.array_equal(found, expected), name
    with idxio.open(path) as f:  # and one after the other, where what one finds the others use
        for _ in range(2):
            assert_same(f[5:400:3], ARRAY[5:400:3])
            assert_same(f.read(threads=2), ARRAY)
            assert_same(f[IDS], ARRAY[IDS])
            assert_same(f[0], ARRAY[0])


def test_every_road_of_the_api(tmp_path, monkeypatch):
    """Also those that write."""
    stream, sizes = chunks(3000, zlib.Z_SYNC_FLUSH)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(with_table(embedded_index.RA, 3000, sizes, stream))
    idxio.write(tmp_path / "train-labels-idx1-ubyte.gz", (np.arange(500) % 10).astype(np.uint8))
    all_roads(path)
    idxio.repack(path, tmp_path / "again.gz")
    assert_same(idxio.read(tmp_path / "again.gz"), ARRAY)
    idxio.write_sorted(
        tmp_path / "s", tmp_path / "t", path, tmp_path / "train-labels-idx1-ubyte.gz"
    )
    assert_same(idxio.read(tmp_path / "s")[:50], ARRAY[::10])
    found = idxio.check(tmp_path)
    assert [finding.kind for finding in found.findings if finding.level == "error"] == ["missing"]
    monkeypatch.setenv("IDXIO_CACHE_DIR", str(tmp_path / "cache"))
    assert_same(idxio.read(path, cache=True), ARRAY)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(st.data())
def test_tables_changed_at_random(tmp_path, data):
    form = data.draw(st.sampled_from(list(FORMS)))
    length = data.draw(st.sampled_from((700, 3000, 20_000)))
    stream, sizes = chunks(
        length, data.draw(st.sampled_from((zlib.Z_FULL_FLUSH, zlib.Z_SYNC_FLUSH)))
    )
    head, dtype = FORMS[form]
    place = st.integers(0, len(sizes) - 1)
    lie = data.draw(
        st.sampled_from(
            ("none", "moved", "set", "swapped", "length", "count", "bytes", "cut", "more")
        )
    )
    a, b, n = data.draw(place), data.draw(place), data.draw(st.integers(1, 300))
    if lie == "moved" and sizes[a] > n:
        sizes[a], sizes[b] = sizes[a] - n, sizes[b] + n
    elif lie == "set":
        sizes[a] = n
    elif lie == "swapped":
        sizes[a], sizes[b] = sizes[b], sizes[a]
    elif lie == "length":
        length += data.draw(st.integers(-600, 600))
    count = len(sizes) + (data.draw(st.integers(-2, 2)) if lie == "count" else 0)
    table = bytearray(
        struct.pack(head, 1, length, max(0, count)) + np.array(sizes, dtype).tobytes()
    )
    if lie == "bytes":
        for _ in range(data.draw(st.integers(1, 3))):
            table[data.draw(st.integers(0, len(table) - 1))] = data.draw(st.integers(0, 255))
    elif lie == "cut":
        del table[len(table) - data.draw(st.integers(1, min(9, len(table)))) :]
    elif lie == "more":
        table += bytes(data.draw(st.integers(1, 9)))
    path = tmp_path / "x.gz"
    path.write_bytes(with_field(form, bytes(table), stream))
    all_roads(path)


@settings(
    max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.data())
def test_sizes_of_members_changed_at_random(tmp_path, data):
    parts = []
    for k in range(0, len(DATA), 6000):
        part = DATA[k : k + 6000]
        size = len(member(part, extra=subfield(b"BC", b"\0\0")))
        if data.draw(st.integers(0, 5)) == 0:
            size = max(1, size + data.draw(st.integers(-size, 200)))
        parts.append(member(part, extra=subfield(b"BC", struct.pack("<H", size - 1))))
    path = tmp_path / "x.gz"
    path.write_bytes(b"".join(parts))
    all_roads(path)


@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.data())
def test_indexes_changed_at_random(tmp_path, data):
    path = tmp_path / "x.gz"
    path.write_bytes(wrap(deflate(DATA, 6, memory=1), DATA))
    index = Path(idxio.build_index(path, spacing=1 << 12))
    true = index.read_bytes()
    head, entry, crc = sidecar_index._HEAD, sidecar_index._ENTRY, sidecar_index._CRC
    *start, count, marked = head.unpack(true[: head.size])
    end = head.size + count * entry.itemsize
    table = np.frombuffer(true[head.size : end], entry).copy()
    rest = bytearray(true[end:])
    for _ in range(data.draw(st.integers(1, 3))):
        name, k = (
            data.draw(st.sampled_from(table.dtype.names)),
            data.draw(st.integers(0, count - 1)),
        )
        if data.draw(st.booleans()):
            table[name][k] += data.draw(st.integers(0, 100))
        else:  # a mark or a window
            at = data.draw(st.integers(0, len(rest) - 1))
            rest[at] ^= data.draw(st.integers(1, 255))
    lie = (
        head.pack(*start, count, marked)
        + table.tobytes()
        + rest[: marked * sidecar_index._MARK.itemsize]
    )
    index.write_bytes(
        lie + crc.pack(zlib.crc32(lie)) + rest[marked * sidecar_index._MARK.itemsize + crc.size :]
    )
    all_roads(path)
    index.write_bytes(true)


def test_sizes_that_are_no_whole_numbers(tmp_path):
    for form, odd in (
        (embedded_index.RA, 1),
        (embedded_index.LONG, 1),
        (embedded_index.LONG, 2),
        (embedded_index.LONG, 3),
    ):
        path = tmp_path / "x.gz"
        table = struct.pack(FORMS[form][0], 1, 3000, 1) + bytes(range(1, odd + 1))
        path.write_bytes(with_field(form, table, deflate(DATA)))
        all_roads(path)


def test_an_own_file_that_advdef_packs_again(tmp_path):
    path = tmp_path / "x.gz"
    idxio.write(path, ARRAY)
    before = path.read_bytes()
    run("advdef", "-z", "-4", "-q", path)
    after = path.read_bytes()
    assert after[12:14] == embedded_index.RA  # the table is still there
    assert after[-8:] == before[-8:]
    assert len(after) < len(before)
    all_roads(path)


def stock_with_the_table_of_another(tmp_path):
    """What advdef makes, where there is none: the table that fits the size of the file, and nothing
    else.
    """
    stream, sizes = chunks(3000)
    other = deflate(DATA, 9)
    scaled = [size * len(other) // len(stream) for size in sizes]
    scaled[-1] += len(other) - sum(scaled)
    path = tmp_path / "lie.gz"
    path.write_bytes(with_table(embedded_index.RA, 3000, scaled, other))
    return path


@pytest.fixture
def walks(monkeypatch):
    """The times that a table was left for a walk."""
    seen, replace = [], KnownSpans.replace_stated

    def counted(self, failed, *known):
        if failed is self._index and self.knowledge is Knowledge.STATED:
            seen.append(failed)
        replace(self, failed, *known)

    monkeypatch.setattr(KnownSpans, "replace_stated", counted)
    return seen


def test_a_table_is_replaced_once_for_all_roads(tmp_path, walks):
    path = stock_with_the_table_of_another(tmp_path)
    roads = [
        lambda f: f[123],
        lambda f: f[[5, 400]],
        lambda f: f[10:200],
        lambda f: f.read(threads=2),
    ]
    for first in roads:
        walks.clear()
        with idxio.open(path) as f:
            assert f._compressed.span_index.complete
            for road in (first, *roads):
                road(f)
            assert f._compressed._known.is_refuted
        assert len(walks) == 1


def test_a_table_that_holds_is_kept(tmp_path, walks):
    path = tmp_path / "x.gz"
    idxio.write(path, ARRAY)
    all_roads(path)
    assert walks == []


def test_pickled_after_the_walk(tmp_path, monkeypatch):
    path = stock_with_the_table_of_another(tmp_path)
    with idxio.open(path) as f:
        assert_same(f[123], ARRAY[123])
        again = pickle.loads(pickle.dumps(f))
    monkeypatch.setattr(known_spans, "embedded_index", None)  # nobody asks
    with again, pickle.loads(pickle.dumps(again)) as third:
        for f in (again, third):
            assert_same(f[200:300], ARRAY[200:300])
            assert_same(f[IDS], ARRAY[IDS])


def test_threads_that_find_it_out_at_once(tmp_path, walks):
    path = stock_with_the_table_of_another(tmp_path)
    right = []

    def work(seed):
        some = np.random.default_rng(seed).permutation(500)[:100].tolist()
        right.append(
            all(
                np.array_equal(f[[0, i]], ARRAY[[0, i]]) and np.array_equal(f[i], ARRAY[i])
                for i in some
            )
        )

    with idxio.open(path) as f:
        threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert right == [True] * 8
    assert len(walks) == 1


@pytest.mark.parametrize("is_true", [True, False])
def test_a_damaged_file_is_told_from_a_false_table(tmp_path, is_true, monkeypatch):
    """What verify says, whichever road: with the byte.

    A true table still gives the records that are sound.
    """
    path = tmp_path / "x.gz"
    if is_true:
        idxio.write(path, ARRAY)
    else:
        path = stock_with_the_table_of_another(tmp_path)
    with idxio.open(path) as f:
        edge = f._compressed.span_index.span(3).bit // 8
    data = bytearray(path.read_bytes())
    # a block of the reserved type; a byte inside one
    data[edge] = 0xFF if is_true else data[edge] ^ 0x10
    path.write_bytes(data)
    with pytest.raises(idxio.IdxError) as told:
        idxio.verify(path)
    streams, new = [], GzipStream.__init__
    monkeypatch.setattr(GzipStream, "__init__", lambda self, *a: streams.append(1) or new(self, *a))
    with idxio.open(path) as f:
        if is_true:
            assert_same(f[3], ARRAY[3])
        failed = []
        for i in range(500):
            try:
                assert_same(f[i], ARRAY[i])
            except idxio.IdxError as error:
                failed.append((type(error), error.offset))
        assert set(failed) == {(told.type, told.value.offset)}
        assert len(streams) < 5  # one walk, however many ask
        assert not f._compressed._known.is_refuted
        if is_true:
            assert len(failed) < 250
            assert_same(f[3], ARRAY[3])


def test_an_index_behind_a_damaged_file_hides_nothing(tmp_path):
    """Its checksums find what a walk to the record would not."""
    path = tmp_path / "x.gz"
    path.write_bytes(wrap(deflate(DATA, 6, memory=1), DATA))
    idxio.build_index(path, spacing=1 << 12)
    sound = path.read_bytes()
    for place in range(len(sound) // 2, len(sound) // 2 + 20):
        data = bytearray(sound)
        data[place] ^= 1
        path.write_bytes(data)
        wrong = []
        with idxio.open(path) as f:
            assert_same(f[3], ARRAY[3])
            for i in range(0, 500, 7):
                try:
                    assert_same(f[i], ARRAY[i])
                except idxio.IdxError:
                    wrong.append(i)
            assert wrong
            assert_same(f[3], ARRAY[3])


def test_an_index_that_another_process_writes_over(tmp_path):
    path = tmp_path / "x.gz"
    path.write_bytes(wrap(deflate(DATA, 6, memory=1), DATA))
    index = Path(idxio.build_index(path, spacing=1 << 12))
    with idxio.open(path) as f:
        assert_same(f[3], ARRAY[3])
        index.write_bytes(b"x" * 10)
        assert_same(f[450], ARRAY[450])
        assert_same(f[IDS], ARRAY[IDS])


def test_a_file_that_is_replaced_is_no_false_table(tmp_path):
    path = stock_with_the_table_of_another(tmp_path)
    with idxio.open(path) as f:
        shutil.copy(path, tmp_path / "y")
        path.write_bytes((tmp_path / "y").read_bytes() + b"\0")
        with pytest.raises(idxio.ChangedError):
            f[3]
        assert not f._compressed._known.is_refuted
