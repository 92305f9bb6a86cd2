"""What a look at Fashion-MNIST's train images costs at a URL: requests and bytes, not time."""

import io
import os

import numpy as np
import pytest
from range_server import RangeServer

import idxio

RECORDS = 60000
IDS = np.random.default_rng(0).permutation(RECORDS)[:100]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, fashion_mnist):
    """The stock file, the same as idxio writes it, and the same sorted by label."""
    folder = tmp_path_factory.mktemp("files")
    images = idxio.read(fashion_mnist / "train-images-idx3-ubyte.gz")
    labels = idxio.read(fashion_mnist / "train-labels-idx1-ubyte.gz")
    (folder / "stock.gz").write_bytes((fashion_mnist / "train-images-idx3-ubyte.gz").read_bytes())
    idxio.write(folder / "own.gz", images)
    idxio.write_sorted(folder / "sorted.gz", folder / "labels.gz", images, labels)
    sorted_labels = idxio.read(folder / "labels.gz")
    idxio.write(folder / "class.gz", idxio.open(folder / "sorted.gz")[sorted_labels == 3])
    return folder


@pytest.fixture(scope="module")
def images(folder):
    return idxio.read(folder / "own.gz")


@pytest.fixture
def server(folder):
    with RangeServer() as server:
        for name in "stock", "own", "sorted":
            server.add(f"/{name}.gz", (folder / f"{name}.gz").read_bytes())
        yield server


def test_a_record(server, images):
    with idxio.open(server.url + "/own.gz") as f:
        assert f.shape == images.shape
        assert server.counts.requests <= 2
        assert server.counts.bytes <= 70_000
        assert (f[31_234] == images[31_234]).all()
    assert server.counts.requests <= 5
    assert server.counts.bytes <= 150_000


def test_scattered_records(server, images):
    with idxio.open(server.url + "/own.gz") as f:
        assert (f[IDS] == images[IDS]).all()
    assert server.counts.requests <= 45
    assert server.counts.bytes <= 8_000_000


def test_a_class(server, folder):
    labels = idxio.read(folder / "labels.gz")
    dataset = idxio.Dataset(idxio.open(server.url + "/sorted.gz"), labels)
    found = dataset.of_class(3)
    assert (found == idxio.read(folder / "class.gz")).all()
    assert server.counts.requests <= 6
    assert server.counts.bytes <= 1.05 * os.path.getsize(folder / "class.gz")


@pytest.mark.parametrize("name", ["own", "stock"])
@pytest.mark.parametrize("read", [idxio.read, lambda url: stream(url)], ids=["whole", "stream"])
def test_all_of_it(name, read, server, folder, images):
    server.latency = 0.03  # else one thread is answered before the next one asks
    assert (read(f"{server.url}/{name}.gz") == images).all()
    assert server.counts.bytes <= 1.01 * os.path.getsize(folder / f"{name}.gz")
    assert server.counts.most_in_flight >= 8


def stream(url):
    with idxio.open(url) as f:
        return np.concatenate(list(f.iter_records(256)))


def test_a_shuffle_in_windows(server, folder, images):
    numbers = np.arange(RECORDS)
    with idxio.open(server.url + "/own.gz") as f:
        dataset = idxio.Dataset(f, numbers)
        seen = 0
        for some, ids in dataset.batches(256, shuffle=True, seed=1, buffer=16 << 20):
            assert (some == images[ids]).all()
            seen += len(ids)
    assert seen == RECORDS
    assert server.counts.bytes <= 1.02 * os.path.getsize(folder / "own.gz")


@pytest.fixture(scope="module")
def long_chunks(images):
    """The first 20 MB of the images in chunks of 58,314 bytes."""
    file = io.BytesIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("idxio.compression.gzip.chunk_encoder.CHUNK", 58_314)
        idxio.write(file, images[:26_000], compression="gzip", level=1)
    return file.getvalue()


@pytest.mark.parametrize(("world", "most"), [(1, 1.02), (8, 1.15)])
def test_long_chunks_are_fetched_once(server, images, long_chunks, world, most):
    """Blocks of a shuffle window begin with chunks; a rank fetches the blocks of its own."""
    url = server.add("/long.gz", long_chunks)
    seen = []
    for rank in range(world):
        server.reset()
        with idxio.open(url) as f:
            for some, ids in idxio.Dataset(f, np.arange(len(f))).batches(
                64, shuffle=True, seed=1, buffer=42 << 20, rank=rank, world_size=world
            ):
                assert (some == images[ids]).all()
                seen += ids.tolist()
        head = 70_000  # what every rank needs to open the file
        assert server.counts.bytes <= most / world * len(long_chunks) + head * (world > 1)
    assert sorted(seen) == list(range(26_000))
