"""Members that hold nothing, of which a file may have a million."""

import gzip
import io

import numpy as np
import pytest

import idxio
from idxio.compression.gzip.sequential import SequentialDecoder

ARRAY = np.arange(600, dtype=np.uint8).reshape(-1, 6)
EMPTY = gzip.compress(b"", mtime=0)
STORED = gzip.compress(b"", 0, mtime=0)


def member(array=ARRAY):
    raw = io.BytesIO()
    idxio.write(raw, array)
    return gzip.compress(raw.getvalue(), mtime=0)


FILES = {
    "behind": member() + 3000 * EMPTY,
    "before": 3000 * EMPTY + member(),
    "between zeros": member() + 40 * (EMPTY + bytes(7)) + bytes(5000) + 3 * EMPTY,
    "stored": member() + 40 * (STORED + EMPTY),
    "named": member() + 40 * (EMPTY[:3] + b"\x08" + EMPTY[4:10] + b"name\0" + EMPTY[10:]),
}


@pytest.mark.parametrize("name", FILES)
def test_they_are_read_as_by_gzip(name):
    data = FILES[name]
    assert gzip.decompress(data) == gzip.decompress(member())
    assert idxio.verify(data).shape == ARRAY.shape
    assert np.array_equal(idxio.read(data), ARRAY)
    with idxio.open(data) as file:
        assert np.array_equal(np.concatenate([*file.iter_records(7)]), ARRAY)
        assert np.array_equal(file[50], ARRAY[50])
    assert np.array_equal(idxio.read(io.BytesIO(data)), ARRAY)


@pytest.mark.parametrize("name", ["behind", "before"])
def test_they_are_not_decoded_one_by_one(name, monkeypatch):
    steps = []
    step = SequentialDecoder.step

    def counted(*arguments):
        steps.append(1)
        return step(*arguments)

    monkeypatch.setattr(SequentialDecoder, "step", counted)
    idxio.verify(FILES[name])
    assert 1 <= len(steps) < 10


@pytest.mark.parametrize("at", [-1, -5])
def test_damage_names_the_member(at):
    """Of the checksum and of the length."""
    damaged = bytearray(member() + 70 * EMPTY + member(ARRAY[:0]) + EMPTY)
    damaged[at - len(EMPTY)] ^= 1
    with pytest.raises(idxio.ChecksumError, match="gzip member 72 "):
        idxio.verify(bytes(damaged))


@pytest.mark.parametrize("at", [-1, -5, -10])
def test_damage_of_an_empty_member(at):
    damaged = bytearray(member() + 70 * EMPTY)
    damaged[at] ^= 1
    with pytest.raises(idxio.IdxError, match=r"gzip member 71 |invalid deflate"):
        idxio.verify(bytes(damaged))


@pytest.mark.parametrize("left", range(1, len(EMPTY)))
def test_one_that_is_cut(left):
    with pytest.raises(idxio.IdxError, match="member 72"):
        idxio.verify(member() + 70 * EMPTY + EMPTY[:left])
