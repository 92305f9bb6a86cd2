"""Streams and gathers by a stated index, in lanes: the same bytes and errors as without."""

import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packers import run

import idxio
from idxio._native import lanes
from idxio.compression.gzip import coalesce, span_copier, span_stream
from idxio.compression.gzip.known_spans import Knowledge
from idxio.compression.gzip.span_stream import SpanStream
from idxio.compression.gzip.stream import GzipStream
from idxio.compression.registry import open_compressed
from idxio.storage.source import open_source

ARRAY = np.random.default_rng(3).integers(0, 6, (3000, 28, 28), np.uint8)
ARRAY[:, :, ::3] = 0

pytestmark = pytest.mark.skipif(not lanes.supported(), reason="this processor has no lanes")


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=["idxio", "bgzip", "high ratio"])
def file(request):
    """A file with a table, and what it holds."""
    array = ARRAY
    if request.param == "high ratio":
        array = np.zeros((20_000, 28, 28), np.uint8)
        array[::1000] = 7
    idxio.write("raw", array)
    if request.param == "bgzip":
        Path("file.gz").write_bytes(run("bgzip", "-c", "raw"))
    else:
        idxio.write("file.gz", array)
    return array


def stream_of(path):
    return open_compressed(open_source(path)).stream()


def test_a_stream_is_in_lanes_where_a_table_is(file, monkeypatch):
    assert isinstance(stream_of("file.gz"), SpanStream)
    monkeypatch.setenv("IDXIO_LANES", "off")
    assert isinstance(stream_of("file.gz"), GzipStream)


@pytest.mark.parametrize("block", [1 << 16, 100_000, 1 << 20])
def test_a_stream_gives_each_byte_once(block, file, monkeypatch):
    monkeypatch.setattr(span_stream, "STREAM_BLOCK", block)
    crc = zlib.crc32(Path("raw").read_bytes())
    assert idxio.verify("file.gz").crc32 == crc
    done = 0
    for part in idxio.open("file.gz").iter_records(777):
        assert np.array_equal(part, file[done : done + len(part)])
        done += len(part)
    assert done == len(file)


def error_of(road):
    """What a road raises, word for word."""
    with pytest.raises(idxio.IdxError) as caught:
        road()
    return type(caught.value), str(caught.value), caught.value.offset


ROADS = {
    "iterate": lambda: [None for _ in idxio.open("file.gz").iter_records(100)],
    "verify": lambda: idxio.verify("file.gz"),
    "read": lambda: idxio.read("file.gz", threads=1),
    "ids": lambda: idxio.open("file.gz")[np.arange(0, 3000, 3)],
    "slice": lambda: idxio.open("file.gz")[10:2990],
}


@pytest.mark.parametrize("form", ["idxio", "bgzip"])
@pytest.mark.parametrize("road", ROADS)
def test_damage_is_told_as_without_lanes(form, road, monkeypatch):
    idxio.write("raw", ARRAY)
    sound = run("bgzip", "-c", "raw")
    if form == "idxio":
        idxio.write("sound.gz", ARRAY)
        sound = Path("sound.gz").read_bytes()
    rng = np.random.default_rng(0)
    places = [len(sound) - 3, *rng.integers(len(sound) // 50, len(sound) - 8, 12)]
    for place in places:
        data = bytearray(sound)
        data[place] ^= 1 << int(rng.integers(8))
        Path("file.gz").write_bytes(data)
        monkeypatch.setenv("IDXIO_LANES", "on")
        try:
            ROADS[road]()
        except idxio.IdxError:
            found = error_of(ROADS[road])
        else:
            found = None  # a part of a chunked file is not checked by a CRC-32
        monkeypatch.setenv("IDXIO_LANES", "off")
        if found is None:
            assert road in ("ids", "slice")
            ROADS[road]()
        else:
            assert error_of(ROADS[road]) == found


def test_a_stream_goes_on_in_order_where_the_table_is_false(monkeypatch):
    """The bytes before are not given twice; the next reader has the index of that pass."""
    idxio.write("file.gz", ARRAY)
    compressed = open_compressed(open_source("file.gz"))
    stream = compressed.stream()
    failing = stream._reader.decode_in_lanes
    calls = []

    def decode(*args):
        calls.append(args)
        if len(calls) == 3:
            raise idxio.FormatError("false", file="file.gz")
        return failing(*args)

    monkeypatch.setattr(stream._reader, "decode_in_lanes", decode)
    data = bytearray(16 + ARRAY.nbytes + 1)
    assert stream.readinto(memoryview(data)) == 16 + ARRAY.nbytes
    assert data[16:-1] == ARRAY.tobytes()
    assert len(calls) == 3
    assert compressed._known.knowledge is Knowledge.COMPLETE
    assert compressed.span_index.complete
    assert compressed._known.is_refuted


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    ids=st.lists(st.integers(0, len(ARRAY) - 1), min_size=1, max_size=600),
    region=st.sampled_from([1 << 12, 1 << 15, 1 << 20]),
    room=st.sampled_from([1 << 13, 1 << 16, 1 << 20]),
)
@pytest.mark.parametrize("form", ["idxio", "bgzip"])
def test_scattered_records(form, ids, region, room):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coalesce, "_REGION", region)
        patch.setattr(coalesce, "_ROOM", room)
        patch.setattr(span_copier, "_KEPT", 0)
        path = f"{form}.gz"
        if not Path(path).exists():
            idxio.write("raw", ARRAY)
            idxio.write("idxio.gz", ARRAY)
            Path("bgzip.gz").write_bytes(run("bgzip", "-c", "raw"))
        rows = np.array(ids)
        found = idxio.open(path)[rows]
        assert np.array_equal(found, ARRAY[rows])


def test_scattered_records_take_lanes(monkeypatch):
    idxio.write("file.gz", ARRAY)
    monkeypatch.setattr(span_copier, "_KEPT", 0)
    calls = []
    decode = coalesce.Together.read
    monkeypatch.setattr(
        coalesce.Together,
        "read",
        lambda self, *args: calls.append(decode(self, *args)) or calls[-1],
    )
    rows = np.random.default_rng(1).permutation(len(ARRAY))[:2000]
    assert np.array_equal(idxio.open("file.gz")[rows], ARRAY[rows])
    assert sum(calls) > 200
