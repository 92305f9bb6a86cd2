"""Where the span index of a gzip file comes from, and what replaces it."""

import gzip
import shutil

import numpy as np
import pytest
from helpers import encode
from packers import spans_of

import idxio
from idxio.compression.gzip.growing_index import GrowingIndex
from idxio.compression.gzip.known_spans import Knowledge, KnownSpans
from idxio.storage.source import open_source

ARRAY = np.random.default_rng(0).integers(0, 40, (3000, 101), np.uint8)
SIZE = len(encode(ARRAY))


@pytest.fixture
def files(tmp_path):
    """A stock file, one with chunks, and the stock file with an index beside it."""
    (tmp_path / "stock").write_bytes(gzip.compress(encode(ARRAY), 6))
    idxio.write(tmp_path / "own", ARRAY, compression="gzip")
    shutil.copy(tmp_path / "stock", tmp_path / "indexed")
    idxio.build_index(tmp_path / "indexed", spacing=1 << 14)
    with spans_of(10_000):
        yield tmp_path


def known_of(path):
    return KnownSpans(open_source(str(path)))


@pytest.mark.parametrize(
    ("name", "knowledge"),
    [
        ("own", Knowledge.STATED),
        ("indexed", Knowledge.STATED),
        ("stock", Knowledge.GROWING),
    ],
)
def test_the_first_use_looks_for_a_stated_index(files, name, knowledge):
    known = known_of(files / name)
    assert known.knowledge is Knowledge.NONE
    assert known.index.complete == (knowledge is Knowledge.STATED)
    assert known.knowledge is knowledge
    known.close()


def test_an_index_grows_to_where_somebody_reads(files):
    known = known_of(files / "stock")
    index, first, last = known.covering(0, 100)
    assert known.knowledge is Knowledge.GROWING
    assert (first, last) == (0, 0)
    assert 100 <= index.end < SIZE
    end = index.end
    assert known.covering(SIZE // 2, SIZE // 2 + 1)[0].end > SIZE // 2
    assert index.end == end  # what was given out stays as it is
    known.covering(SIZE - 1, SIZE)
    with pytest.raises(idxio.TruncatedError):
        known.covering(SIZE, SIZE + 1)
    assert known.knowledge is Knowledge.COMPLETE
    assert known.index.end == SIZE


def test_an_error_is_met_again(files):
    packed = bytearray((files / "stock").read_bytes())
    packed[len(packed) // 2 :] = bytes(len(packed) - len(packed) // 2)
    known = KnownSpans(open_source(bytes(packed)))
    for _ in range(2):
        with pytest.raises(idxio.IdxError):
            known.covering(SIZE - 1, SIZE)
        assert known.knowledge is Knowledge.NONE


def test_a_pass_is_noted_unless_an_index_is_complete(files):
    for name, is_kept in (("stock", True), ("own", False)):
        known, seen = known_of(files / name), GrowingIndex()
        known.note(seen)
        assert (known.index is seen) == is_kept
        assert known.knowledge is (Knowledge.COMPLETE if is_kept else Knowledge.STATED)


def test_a_fork_keeps_what_does_not_grow(files):
    for name, is_kept in (("stock", False), ("own", True)):
        known = known_of(files / name)
        index = known.covering(0, 100)[0]
        known.renew_locks()
        assert (known.knowledge is Knowledge.NONE) != is_kept
        assert (known.index is index) == is_kept


@pytest.mark.parametrize("name", ["own", "indexed"])
def test_a_refuted_index_is_replaced_by_that_of_a_pass(files, name):
    known = known_of(files / name)
    stated = known.index
    assert known.refute()
    assert (known.knowledge, known.is_refuted) == (Knowledge.COMPLETE, True)
    assert known.index is not stated
    assert known.index.end == SIZE
    seen = known.index
    assert known.refute()  # another thread that met the same error: it reads again
    known.replace_stated(stated)
    assert known.index is seen


def test_what_was_not_stated_is_not_refuted(files):
    known = known_of(files / "stock")
    known.covering(0, 100)
    assert not known.refute()
    assert known.knowledge is Knowledge.GROWING


def test_damage_keeps_a_stated_index(files):
    packed = bytearray((files / "own").read_bytes())
    packed[-8] ^= 1  # of the CRC-32
    known = KnownSpans(open_source(bytes(packed)))
    stated = known.index
    for _ in range(2):
        with pytest.raises(idxio.ChecksumError):
            known.refute()
        assert (known.knowledge, known.is_refuted) == (Knowledge.STATED, False)
        assert known.index is stated


def test_a_false_index_leaves_none_and_is_not_looked_for(files):
    known = known_of(files / "own")
    known.replace_stated(known.index)
    assert (known.knowledge, known.is_refuted) == (Knowledge.GROWING, True)
    assert len(known.index) == 0
    known.renew_locks()
    assert not known.index.complete
    assert known.knowledge is Knowledge.GROWING


def test_only_the_index_in_use_is_replaced(files):
    known = known_of(files / "own")
    stated = known.index
    known.replace_stated(None)
    known.replace_stated(GrowingIndex())
    assert known.index is stated
    assert not known.is_refuted
