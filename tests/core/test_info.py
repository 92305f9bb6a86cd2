"""info(), verify() and show_config()."""

import io
import platform
import zlib

import numpy as np
import pytest
from helpers import PACKINGS, TYPES, PipeLike, encode, fifo_of, member, sample

import idxio

ALL = pytest.mark.parametrize("packing", PACKINGS)
NOISE = np.random.default_rng(9).integers(0, 256, (500, 28, 28), np.uint8)


@ALL
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(), (0, 3), (7, 3, 2)])
def test_what_is_said(packing, dtype, shape, tmp_path):
    array = sample(dtype, shape)
    path = tmp_path / "some-name"
    path.write_bytes(PACKINGS[packing](encode(array)))
    for call in (idxio.info, idxio.verify):
        about = call(path)
        assert about.file == str(path)
        assert about.shape == shape
        assert about.dtype == np.dtype(dtype)
        assert about.dtype.isnative
        assert about.packing == packing.split("-")[0]
        assert about.packed_size == path.stat().st_size
        assert about.size == len(encode(array))
        assert about.known is None
    assert about.crc32 == zlib.crc32(encode(array))


@ALL
def test_stated_checksum(packing):
    about = idxio.info(PACKINGS[packing](encode(NOISE)))
    expected = zlib.crc32(encode(NOISE)) if packing in ("gzip", "gzip-stored") else None
    assert about.crc32 == expected
    assert idxio.verify(PACKINGS[packing](encode(NOISE))).crc32 == zlib.crc32(encode(NOISE))


def test_info_decodes_no_more_than_the_header():
    packed = member(encode(NOISE))
    damaged = bytearray(packed)
    damaged[len(damaged) // 2 :][:1000] = bytes(1000)
    damaged[len(damaged) // 2 : len(damaged) // 2 + 1000] = bytes(1000)
    assert idxio.info(damaged) == idxio.info(packed)
    with pytest.raises(idxio.IdxError):
        idxio.verify(damaged)


@ALL
def test_sources(packing, tmp_path):
    data = PACKINGS[packing](encode(NOISE))
    with fifo_of(str(tmp_path / "fifo"), data) as path:
        about = idxio.verify(path)
    assert (about.file, about.packed_size) == (path, None)
    assert about.crc32 == zlib.crc32(encode(NOISE))
    for file in (io.BytesIO(data), PipeLike(data)):
        assert idxio.info(file).shape == NOISE.shape
    assert idxio.info(data).packed_size == len(data)


def test_unknown_checksum_of_a_raw_file():
    assert idxio.info(encode(NOISE)).crc32 is None
    assert idxio.verify(encode(NOISE)).crc32 == zlib.crc32(encode(NOISE))


def test_config_names_what_is_built_in():
    text = idxio.show_config()
    for word in (
        idxio.__version__,
        np.__version__,
        platform.python_version(),
        "zlib",
        "libdeflate",
        "ISA-L",
    ):
        assert word in text
    assert text.count("not built in") + text.count("full speed") + text.endswith(": CRC-32") == 2
