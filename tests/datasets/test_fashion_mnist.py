"""The real Fashion-MNIST, and what is known of it."""

import gzip
import io

import numpy as np
import pytest
from helpers import assert_same

import idxio

# The CRC-32 of each unpacked file, as published.
FILES = {
    "train-images-idx3-ubyte.gz": (0xB4F29F28, (60000, 28, 28), "Fashion-MNIST train images"),
    "train-labels-idx1-ubyte.gz": (0x741A4657, (60000,), "Fashion-MNIST train labels"),
    "t10k-images-idx3-ubyte.gz": (0x678FE0B1, (10000, 28, 28), "Fashion-MNIST t10k images"),
    "t10k-labels-idx1-ubyte.gz": (0x80142C1F, (10000,), "Fashion-MNIST t10k labels"),
}
EACH = pytest.mark.parametrize("name", FILES)


def oracle(path):
    """gzip and numpy, as everybody reads these files."""
    data = gzip.decompress(path.read_bytes())
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(FILES[path.name][1])


@EACH
def test_info_and_verify(fashion_mnist, name):
    crc, shape, known = FILES[name]
    path = fashion_mnist / name
    for about in (idxio.info(path), idxio.verify(path)):
        assert about.crc32 == crc
        assert about.known == known
        assert about.shape == shape
        assert about.dtype == np.uint8
        assert about.packing == "gzip"
        assert about.packed_size == path.stat().st_size
        assert about.size == int(np.prod(shape)) + 4 + 4 * len(shape)


@EACH
def test_read(fashion_mnist, name):
    path = fashion_mnist / name
    expected = oracle(path)
    for threads in (None, 1):
        assert_same(idxio.read(path, threads=threads), expected)
    out = np.empty_like(expected)
    assert idxio.read(path, out=out) is out
    assert_same(out, expected)
    assert_same(idxio.read(io.BytesIO(path.read_bytes())), expected)
    assert_same(idxio.read(path, [5, -1, 5]), expected[[5, -1, 5]])


@EACH
def test_open(fashion_mnist, name):
    path = fashion_mnist / name
    expected = oracle(path)
    labels = oracle(fashion_mnist / name.replace("images-idx3", "labels-idx1"))
    with idxio.open(path) as f:
        assert f.shape == expected.shape
        assert_same(f[1234], expected[1234])
        assert_same(f[100:200:7], expected[100:200:7])
        assert_same(f[labels == 3], expected[labels == 3])
        for block, start in zip(f.iter_records(4096), range(0, len(expected), 4096), strict=True):
            assert_same(block, expected[start : start + 4096])


@EACH
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_written_again(fashion_mnist, name, suffix, tmp_path):
    expected = oracle(fashion_mnist / name)
    path = tmp_path / f"x{suffix}"
    idxio.write(path, expected, level=1)
    about = idxio.verify(path)
    assert (about.crc32, about.known) == (FILES[name][0], FILES[name][2])
    with idxio.open(path) as f:
        assert_same(f[-100:], expected[-100:])
    if not suffix:
        assert path.read_bytes() == gzip.decompress((fashion_mnist / name).read_bytes())
        assert_same(idxio.read(path), expected)
        assert np.array_equal(idxio.read(path, mmap=True), expected)


def test_classes(fashion_mnist):
    for split, count in (("train", 6000), ("t10k", 1000)):
        labels = idxio.read(fashion_mnist / f"{split}-labels-idx1-ubyte.gz")
        assert np.bincount(labels).tolist() == [count] * 10


@EACH
def test_cut_short(fashion_mnist, name):
    data = (fashion_mnist / name).read_bytes()
    with pytest.raises(idxio.TruncatedError, match="records are whole") as info:
        idxio.read(data[: len(data) * 7 // 12])
    assert 0 < info.value.found < idxio.info(data).size
    assert info.value.offset == len(data) * 7 // 12


@EACH
def test_a_bit_flipped(fashion_mnist, name):
    data = bytearray((fashion_mnist / name).read_bytes())
    data[len(data) // 2] ^= 4
    for call in (idxio.read, idxio.verify):
        with pytest.raises(idxio.IdxError):
            call(data)
