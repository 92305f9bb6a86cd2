"""The index beside a gzip file: used when it is true, and never believed when it is not."""

import gzip
import os
import random
import shutil
import zlib
from pathlib import Path

import numpy as np
import pytest
from helpers import encode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import idxio
from idxio.compression.gzip import coalesce, sidecar_builder, sidecar_index, span_copier
from idxio.storage.source import BufferSource

RECORDS = np.random.default_rng(1).integers(0, 40, (3000, 101), np.uint8).cumsum(1).astype(np.uint8)


@pytest.fixture
def packed(tmp_path):
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(encode(RECORDS), 6))
    return path


def is_indexed(path):
    with idxio.open(path) as f:
        f[0]
        return f._compressed.span_index.sidecar is not None


def is_right(path):
    """Whatever an index says, the file is sound."""
    for ids in ([1500], [5, 2999], slice(700, 900)):
        with idxio.open(path) as f:
            assert (f[ids] == RECORDS[ids]).all()
    assert (idxio.read(path) == RECORDS).all()


def test_it_is_used(packed):
    assert not is_indexed(packed)
    assert idxio.build_index(packed, spacing=1 << 13) == f"{packed}.seek"
    assert is_indexed(packed)
    with idxio.open(packed) as f:
        for i in random.Random(1).sample(range(3000), 200):
            assert (f[i] == RECORDS[i]).all()
    assert (idxio.read(packed) == RECORDS).all()


@settings(max_examples=25)
@given(st.integers(1 << 12, 1 << 18), st.integers(1, 9), st.integers(1, 4))
def test_any_spacing(tmp_path_factory, spacing, level, members):
    path = tmp_path_factory.mktemp("any") / "x.gz"
    data = encode(RECORDS)
    step = -(-len(data) // members)
    path.write_bytes(
        b"".join(gzip.compress(data[k : k + step], level) for k in range(0, len(data), step))
    )
    idxio.build_index(path, spacing=spacing)
    with idxio.open(path) as f:
        assert f._compressed.span_index.complete
        assert (f[::-7] == RECORDS[::-7]).all()
        assert (f[[2999, 0, 1234]] == RECORDS[[2999, 0, 1234]]).all()
    assert (idxio.read(path) == RECORDS).all()


def test_a_span_whose_first_bytes_take_much_of_the_file(tmp_path):
    """What a span refers to is told by its first 32 KiB, which empty blocks can stretch."""
    noise = np.random.default_rng(7).integers(0, 256, 30_000, np.uint8)
    data = encode(np.tile(noise, 30))
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    pieces = [packer.compress(data[:30_008]), packer.flush(zlib.Z_SYNC_FLUSH)]
    for k in range(30_008, len(data), 5):  # a reference and a literal
        for part in (data[k : k + 4], data[k + 4 : k + 5]):
            pieces += [packer.compress(part), packer.flush(zlib.Z_SYNC_FLUSH)]
    path = tmp_path / "x.gz"
    path.write_bytes(b"".join(pieces) + packer.flush())
    idxio.build_index(path, spacing=1 << 15)
    with idxio.open(path) as f:
        assert len(f._compressed.span_index) > 2
        for i in range(0, 900_000, 5000):
            assert f[i] == noise[i % 30_000]


def test_positions_that_look_like_their_bytes():
    """The 257 b-th byte of a window is b: what is told by bytes can't tell it."""
    window = np.random.default_rng(5).integers(0, 256, 32768, np.uint8)
    spots = np.arange(256, 32768, 257)
    window[spots] = (spots + 1) >> 8
    front = np.concatenate([window[s - 3 : s + 4] for s in spots]).tobytes()
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=window.tobytes())
    source = BufferSource(packer.compress(front) + packer.flush())
    packed = sidecar_builder.WindowPacker(source).pack((0, 0, window, bytearray(front)))
    kept = zlib.decompress(packed)
    assert np.count_nonzero(np.frombuffer(kept, np.uint8)) <= len(front)
    unpacker = zlib.decompressobj(-15, zdict=kept.rjust(32768, b"\0"))
    assert unpacker.decompress(source.view()) == front


def test_stale(packed, tmp_path):
    idxio.build_index(packed)
    packed.write_bytes(gzip.compress(encode(RECORDS[::-1].copy()), 6))
    assert not is_indexed(packed)
    with idxio.open(packed) as f:
        assert (f[7] == RECORDS[-8]).all()
    other = tmp_path / "other.gz"
    other.write_bytes(gzip.compress(encode(RECORDS), 1))
    shutil.copy(f"{packed}.seek", f"{other}.seek")
    assert not is_indexed(other)


@pytest.mark.parametrize("copy", [shutil.copy, shutil.copy2, os.link, os.rename])
def test_it_goes_along_when_a_dataset_is_copied(packed, copy, tmp_path):
    idxio.build_index(packed)
    (tmp_path / "other").mkdir()
    for name in ("x.gz.seek", "x.gz"):
        copy(tmp_path / name, tmp_path / "other" / name)
    os.utime(tmp_path / "other" / "x.gz")
    assert is_indexed(tmp_path / "other" / "x.gz")


def test_truncated_anywhere(packed):
    index = idxio.build_index(packed, spacing=1 << 14)
    data = Path(index).read_bytes()
    for size in [*range(200), *random.Random(2).sample(range(200, len(data)), 60)]:
        with open(index, "wb") as file:
            file.write(data[:size])
        is_right(packed)


def test_bytes_flipped(packed):
    index = idxio.build_index(packed, spacing=1 << 14)
    data = Path(index).read_bytes()
    for at in [*range(140), *random.Random(3).sample(range(140, len(data)), 100)]:
        with open(index, "wb") as file:
            file.write(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
        is_right(packed)


def test_a_liar_that_knows_the_format(packed, monkeypatch):
    """Entries changed, with the CRC-32 of the table made right again."""
    index = idxio.build_index(packed, spacing=1 << 14)
    data = Path(index).read_bytes()
    head, size, crc = sidecar_index._HEAD, sidecar_index._ENTRY.itemsize, sidecar_index._CRC
    *_, count, marked = head.unpack(data[: head.size])
    end = head.size + count * size
    marks, windows = np.split(
        np.frombuffer(data[end:], np.uint8), [marked * sidecar_index._MARK.itemsize]
    )
    seen = []
    is_sound = sidecar_index._is_sound
    monkeypatch.setattr(
        sidecar_index, "_is_sound", lambda *args: seen.append(is_sound(*args)) or seen[-1]
    )
    rng = random.Random(4)
    for _ in range(150):
        table = np.frombuffer(data[head.size : end], sidecar_index._ENTRY).copy()
        name = rng.choice(table.dtype.names)
        if rng.random() < 0.3:
            a, b = rng.sample(range(count), 2)
            table[name][a], table[name][b] = table[name][b], table[name][a]
        else:
            most = (1 << 8 * table.dtype[name].itemsize) - 1
            table[name][rng.randrange(count)] = rng.choice(
                [0, 1, most, rng.randrange(most), rng.randrange(len(data))]
            )
        lie = data[: head.size] + table.tobytes() + marks.tobytes()
        with open(index, "wb") as file:
            file.write(
                lie + crc.pack(sidecar_index.zlib.crc32(lie)) + windows[crc.size :].tobytes()
            )
        is_right(packed)
    assert True in seen
    assert False in seen


def test_what_can_have_none(tmp_path):
    with pytest.raises(idxio.IdxError, match="index"):
        idxio.build_index(gzip.compress(encode(RECORDS)))
    raw = tmp_path / "raw"
    idxio.write(raw, RECORDS)
    with pytest.raises(idxio.IdxError, match="index"):
        idxio.build_index(raw)
    idxio.write(tmp_path / "own.gz", RECORDS)
    with pytest.raises(idxio.IdxError, match="table of its own"):
        idxio.build_index(tmp_path / "own.gz")
    (tmp_path / "bad.gz").write_bytes(gzip.compress(encode(RECORDS))[:-9])
    with pytest.raises(idxio.IdxError):
        idxio.build_index(tmp_path / "bad.gz")
    assert not (tmp_path / "bad.gz.seek").exists()


@pytest.fixture
def small_cache(monkeypatch):
    """Spans that do not fit the cache together, so that they are decoded no further than needed."""
    monkeypatch.setattr(span_copier, "CACHE", 1 << 16)
    monkeypatch.setattr(span_copier, "_KEPT", 1 << 16)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(-3000, 2999), min_size=1, max_size=300), st.integers(12, 16))
def test_ids_decode_up_to_a_mark(packed, small_cache, ids, spacing):
    idxio.build_index(packed, spacing=1 << spacing)
    with idxio.open(packed) as f:
        assert (f[ids] == RECORDS[ids]).all()


def test_ids_of_an_index_come_from_fronts(packed, small_cache, monkeypatch):
    idxio.build_index(packed, spacing=1 << 14)
    monkeypatch.setattr(span_copier.SpanCopier, "_pick", None)  # whole spans are never wanted
    ids = list(range(0, 3000, 7))
    with idxio.open(packed) as f:
        assert (f[ids] == RECORDS[ids]).all()
        assert (f[::13] == RECORDS[::13]).all()


def test_wrong_marks_are_not_believed(packed, small_cache, monkeypatch):
    idxio.build_index(packed, spacing=1 << 15)
    ids = list(range(0, 3000, 11))
    with idxio.open(packed) as f:
        f[0]
        sidecar = f._compressed.span_index.sidecar
        marks = sidecar.checkpoints._replace(crcs=sidecar.checkpoints.crcs + np.uint32(1))
        f._compressed.span_index.sidecar = sidecar._replace(checkpoints=marks)
        assert (f[ids] == RECORDS[ids]).all()


def test_damage_behind_a_good_index(packed, small_cache):
    idxio.build_index(packed, spacing=1 << 14)
    data = bytearray(packed.read_bytes())
    ids = list(range(0, 3000, 7))
    errors = 0
    for place in range(100, len(data) - 8, len(data) // 40):
        data[place] ^= 0x10
        packed.write_bytes(data)
        data[place] ^= 0x10
        try:
            with idxio.open(packed) as f:
                assert is_indexed(packed)
                assert (f[ids] == RECORDS[ids]).all()
        except idxio.IdxError:
            errors += 1
    assert errors > 20


def test_windows_hold_only_what_is_used(packed):
    index = idxio.build_index(packed, spacing=1 << 14)
    with idxio.open(packed) as f:
        whole = 32768 * sum(span.needs_window for span in f._compressed.span_index)
    assert len(Path(index).read_bytes()) < whole / 3


def test_spans_without_windows_are_checked_one_by_one(tmp_path):
    noise = np.random.default_rng(8).integers(0, 2, (30, 100_000), np.uint8)
    path = tmp_path / "x.gz"
    deflater = zlib.compressobj(1, zlib.DEFLATED, 31)
    parts = [encode(noise)[k : k + 30_000] for k in range(0, noise.nbytes + 16, 30_000)]
    flushed = [deflater.compress(part) + deflater.flush(zlib.Z_FULL_FLUSH) for part in parts]
    path.write_bytes(b"".join(flushed) + deflater.flush())
    idxio.build_index(path)
    with idxio.open(path) as f:
        assert sum(not span.needs_window for span in f._compressed.span_index) > 10
        assert (f[2:28] == noise[2:28]).all()


def test_a_span_too_large_to_be_kept_is_checked_too(tmp_path, monkeypatch):
    """Behind a wrong window the index is dropped, however records are picked."""
    noise = np.random.default_rng(8).integers(0, 40, (30_000, 101), np.uint8)
    noise[:, 50:] = noise[::-1, 50:]
    packed = tmp_path / "x.gz"
    packed.write_bytes(gzip.compress(encode(noise), 9))
    idxio.build_index(packed, spacing=1 << 16)
    right = sidecar_index._Windows.__getitem__
    monkeypatch.setattr(
        sidecar_index._Windows, "__getitem__", lambda self, i: bytes(b ^ 1 for b in right(self, i))
    )
    for module in (span_copier, coalesce):
        monkeypatch.setattr(module, "CACHE", 1000)
    monkeypatch.setattr(span_copier, "_KEPT", 1000)
    for pick in (lambda row: row, lambda row: [row, row + 1], lambda row: slice(row, row + 2)):
        with idxio.open(packed) as f:
            second = list(f._compressed.span_index)[1]
            assert second.needs_window
            key = pick((second.start + second.end) // 2 // 101)
            assert (f[0] == noise[0]).all()
            assert not f._compressed._known.is_refuted
            assert (f[key] == noise[key]).all()
            assert f._compressed._known.is_refuted


def test_spans_of_what_zlib_decodes_are_short_too(tmp_path):
    """Blocks so large that no span holds one: an edge is told at each."""
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(encode(np.zeros((60_000, 1000), np.uint8)), 6))
    idxio.build_index(path)
    with idxio.open(path) as f:
        lengths = [span.end - span.start for span in f._compressed.span_index]
        assert len(lengths) >= 7
        assert max(lengths) < 10_000_000  # zlib's blocks have 8 MB of zeros
        assert not f[59_999].any()


def test_a_file_that_does_not_hold_what_it_promises(tmp_path):
    path = tmp_path / "x.gz"
    for data, error in (
        (encode(RECORDS) + bytes(5000), idxio.FormatError),
        (encode(RECORDS)[:-5000], idxio.TruncatedError),
    ):
        path.write_bytes(gzip.compress(data))
        with pytest.raises(error, match="promises"):
            idxio.build_index(path)
        assert not Path(f"{path}.seek").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_where_the_index_would_be(packed):
    os.mkfifo(f"{packed}.seek")
    with idxio.open(packed) as f:
        assert (f[5] == RECORDS[5]).all()


@pytest.mark.parametrize("content", [b"notes of somebody", b"{}"])
def test_another_file_where_the_index_would_be(packed, content):
    Path(f"{packed}.seek").write_bytes(content)
    with pytest.raises(idxio.IdxError, match=r"x\.gz\.seek: is there and is no index"):
        idxio.build_index(packed)
    assert Path(f"{packed}.seek").read_bytes() == content
    for begun in (b"", b"IDXS"):  # an index that was cut short is made anew
        Path(f"{packed}.seek").write_bytes(begun)
        idxio.build_index(packed)


def test_close_closes_the_index(packed):
    idxio.build_index(packed)
    with idxio.open(packed) as f:
        assert (f[2000] == RECORDS[2000]).all()
        index = f._compressed.span_index.sidecar.source
    assert index._fd < 0
