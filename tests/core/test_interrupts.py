"""Ctrl-C: whoever works for a call begins nothing new, whatever the call is."""

import gc
import gzip
import io
import signal
import threading
import time

import numpy as np
import pytest
from helpers import encode
from packers import deflate, spans_of, wrap

import idxio
from idxio._util.threads import on_threads
from idxio.compression import base, raw
from idxio.compression.gzip import chunk_encoder, span_copier, stream
from idxio.compression.gzip import reader as container
from idxio.core import decode
from idxio.datasets.validation import duplicates
from idxio.storage import buffer, file_object

ARRAY = np.random.default_rng(3).integers(0, 3, (60_000, 10, 10), np.uint8)
LABELS = np.arange(60_000, dtype=np.int32)


@pytest.fixture(autouse=True)
def short_pieces(monkeypatch):
    """Pieces so short that a file of 6 MB has many, as one of 2 GB has."""
    for module in (file_object, buffer, decode):
        monkeypatch.setattr(module, "PIECE", 1 << 16)
    monkeypatch.setattr(decode, "_PART", 1 << 14)
    for module in (container, span_copier):
        monkeypatch.setattr(module, "WORTH_THREADS", 1)
    monkeypatch.setattr(container, "_MOST_AT_ONCE", 1 << 16)
    monkeypatch.setattr(stream, "_STEP", 1 << 16)
    before = threading.enumerate()  # other tests may have left some, as tqdm's monitor
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)
    gc.collect()
    begun = [thread for thread in threading.enumerate() if thread not in before]
    for thread in begun:
        thread.join(20)
    assert not any(thread.is_alive() for thread in begun), begun


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("interrupts")
    idxio.write(path / "raw", ARRAY)
    idxio.write(path / "wide", ARRAY.astype(np.float32))
    idxio.write(path / "own.gz", ARRAY, level=1)
    data = encode(ARRAY)
    (path / "stock.gz").write_bytes(wrap(deflate(data, 1, memory=1), data))
    (path / "indexed.gz").write_bytes((path / "stock.gz").read_bytes())
    idxio.build_index(path / "indexed.gz", spacing=1 << 14)
    idxio.write(path / "train-images-idx3-ubyte.gz", ARRAY, level=1)
    idxio.write(path / "train-labels-idx1-ubyte", LABELS % 10)
    return path


def ctrl_c():
    """What a terminal does; the main thread is woken where it waits."""
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


class Pieces:
    """Counts pieces of work, and sends the signal of Ctrl-C with one of them; those that follow are
    slow.
    """

    def __init__(self):
        self.count = 0
        self.at = None
        self.lock = threading.Lock()

    def __call__(self):
        with self.lock:
            self.count += 1
            number = self.count
        if number == self.at:
            ctrl_c()
        if self.at is not None and number >= self.at:
            time.sleep(0.1)  # a signal just before a wait is noticed 0.1 s later


@pytest.fixture
def reads(monkeypatch):
    """The reads of the system."""
    pieces, real = Pieces(), file_object._pread

    def pread(fd, out, offset):
        pieces()
        return real(fd, out, offset)

    monkeypatch.setattr(file_object, "_pread", pread)
    return pieces


def drain(iterator):
    for _ in iterator:
        pass


def read_object(path):
    with open(path, "rb") as file:
        return idxio.read(file)


def batches(path):
    drain(
        idxio.Dataset(idxio.open(path), LABELS).batches(100, shuffle=True, seed=1, buffer=4 << 20)
    )


READS = {
    "read on 1": ("raw", lambda p: idxio.read(p, threads=1)),
    "read on 2": ("raw", lambda p: idxio.read(p, threads=2)),
    "file object": ("raw", read_object),
    "rows": ("raw", lambda p: idxio.open(p)[1:]),
    "blocks": ("raw", lambda p: drain(idxio.open(p).iter_records(100))),
    "verify": ("raw", idxio.verify),
    "repack": ("raw", lambda p: idxio.repack(p, io.BytesIO(), level=0)),
    "own on 1": ("own.gz", lambda p: idxio.read(p, threads=1)),
    "own on 2": ("own.gz", lambda p: idxio.read(p, threads=2)),
    "own rows": ("own.gz", lambda p: idxio.open(p)[1:]),
    "own ids": ("own.gz", lambda p: idxio.open(p)[::50]),
    "own blocks": ("own.gz", lambda p: drain(idxio.open(p).iter_records(100))),
    "own windows": ("own.gz", batches),
    "stock on 1": ("stock.gz", lambda p: idxio.read(p, threads=1)),
    "stock on 2": ("stock.gz", lambda p: idxio.read(p, threads=2)),
    "stock rows": ("stock.gz", lambda p: idxio.open(p)[50_000]),
    "stock verify": ("stock.gz", idxio.verify),
    "stock index": ("stock.gz", idxio.build_index),
    "indexed on 2": ("indexed.gz", lambda p: idxio.read(p, threads=2)),
    "indexed rows": ("indexed.gz", lambda p: idxio.open(p)[1:]),
    "check": ("", idxio.check),
}


@pytest.mark.parametrize("road", READS)
def test_nothing_more_is_read(road, folder, reads, monkeypatch):
    name, read = READS[road]
    for module in (base, span_copier):
        monkeypatch.setattr(module, "READ_SIZE", 1 << 16)
    monkeypatch.setattr("idxio.compression.raw.READ_SIZE", 1 << 16)
    for span in ("SPAN", "LANE_SPAN", "LANE_SPAN_WITH_WINDOW"):
        monkeypatch.setattr(f"idxio.compression.gzip.random_access.{span}", 1 << 15)
    for many in ("LANE_SPANS", "LANE_SPANS_WITH_WINDOW"):
        monkeypatch.setattr(f"idxio.compression.gzip.random_access.{many}", 1)
    monkeypatch.setattr("idxio.loader.window_shuffle.RECORD_BLOCK", 1 << 15)
    monkeypatch.setattr("idxio.compression.gzip.speculative.SMALLEST_PART", 1 << 17)
    path = folder / name
    with spans_of(1 << 14):
        read(path)
        whole = reads.count
        assert whole > 30
        for at in (5, whole // 2, whole - 20):
            reads.count, reads.at = 0, at
            with pytest.raises(KeyboardInterrupt):
                read(path)
            seen = reads.count
            assert seen <= at + 8
            time.sleep(0.05)
            assert reads.count <= seen + 2  # threads that nobody waits for any more end as well
            reads.at = None


class Sink(io.BytesIO):
    """A file whose writes are pieces."""

    def __init__(self, pieces):
        super().__init__()
        self.pieces = pieces

    def write(self, data):
        self.pieces()
        return super().write(data)


WRITES = {
    "raw": lambda file: idxio.write(file, ARRAY, compression="raw"),
    "wide": lambda file: idxio.write(file, ARRAY[:, ::2].astype(np.int16), compression="raw"),
    "gz": lambda file: idxio.write(file, ARRAY, compression="gzip", level=1, threads=2),
    "sorted": lambda file: idxio.write_sorted(
        file, io.BytesIO(), ARRAY, LABELS % 7, compression="raw"
    ),
}


@pytest.mark.parametrize("way", WRITES)
def test_nothing_more_is_written(way, monkeypatch):
    monkeypatch.setattr(raw, "_EARLY", 1 << 16)
    monkeypatch.setattr(chunk_encoder, "GROUP", chunk_encoder.LONG_CHUNK)
    whole = Pieces()
    WRITES[way](Sink(whole))
    assert whole.count > 20
    for at in (3, whole.count // 2):
        pieces = Pieces()
        pieces.at = at
        with pytest.raises(KeyboardInterrupt):
            WRITES[way](Sink(pieces))
        assert pieces.count <= at + 1


@pytest.mark.parametrize("kind", [io.BytesIO, lambda data: io.BufferedReader(io.BytesIO(data))])
def test_file_objects_in_c_are_read_in_pieces(kind):
    sizes = []

    class Seen(type(kind(b""))):
        def readinto(self, out):
            sizes.append(len(out))
            return super().readinto(out)

    data = encode(ARRAY)
    file = Seen(data) if Seen.__base__ is io.BytesIO else Seen(io.BytesIO(data))
    assert np.array_equal(idxio.read(file), ARRAY)
    assert max(sizes) <= 1 << 16


def test_no_call_decodes_much():
    """One thread, which no other could stop: the decoder comes back now and then."""
    lengths = []
    step = stream.SequentialDecoder.step

    def counted(self, out, start, stop=None):
        stretch = step(self, out, start, stop)
        lengths.append(stretch.length)
        return stretch

    for packed in (
        gzip.compress(encode(ARRAY), 1),
        gzip.compress(encode(np.zeros((6000, 1000), np.uint8)), 9),
    ):
        lengths.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(stream.SequentialDecoder, "step", counted)
            patch.setattr(container, "inflate_members", None)
            expected = np.frombuffer(gzip.decompress(packed), np.uint8)
            assert np.array_equal(idxio.read(packed, threads=1).reshape(-1), expected[-6_000_000:])
        assert len(lengths) > 90
        assert max(lengths) <= 1 << 16


def test_an_interrupt_while_the_others_work():
    """The thread that waits tells the others, which end with the step at hand."""
    steps = []
    begun = threading.Event()
    main = threading.main_thread()

    def work(item):
        if threading.current_thread() is main:
            begun.wait(60)
            return
        for step in range(10_000):
            begun.set()
            steps.append(step)
            if step == 3:
                time.sleep(0.05)  # the main thread has nothing more to do, and waits
                ctrl_c()
            time.sleep(0.001)
            yield

    with pytest.raises(KeyboardInterrupt):
        on_threads(work, range(2), 2)
    assert len(steps) < 1000


def test_an_interrupt_in_a_step_ends_the_others():
    """And comes out, whatever else went wrong at the same time."""
    begun = []
    main = threading.main_thread()

    def work(item):
        begun.append(item)
        if threading.current_thread() is main and len(begun) > 10:
            raise KeyboardInterrupt
        time.sleep(0.001)

    with pytest.raises(KeyboardInterrupt):
        on_threads(work, range(1000), 3)
    assert len(begun) < 900


def test_no_sort_of_everything(monkeypatch):
    """A sort is one call of numpy, for which an interrupt waits."""
    sizes = []
    argsort = np.argsort
    monkeypatch.setattr(duplicates, "_STEP", 1000)
    monkeypatch.setattr(np, "argsort", lambda a, **k: sizes.append(len(a)) or argsort(a, **k))
    pictures = np.random.default_rng(1).integers(0, 256, (10_000, 2, 2), np.uint8)
    pictures[5000:] = pictures[:5000]
    hashes = (
        np.ascontiguousarray(pictures.reshape(-1, 4)).view(np.uint32).reshape(-1).astype(np.uint64)
    )
    found = duplicates.find_duplicates([encode(pictures)], [hashes * np.uint64(0x9E3779B97F4A7C15)])
    assert np.array_equal(found.records, np.arange(10_000))
    assert np.array_equal(found.groups, np.arange(10_000) % 5000)
    assert max(sizes) <= 1000
