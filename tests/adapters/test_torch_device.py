"""TensorBatches on a device: the batches, states and epochs of those in memory, to the bit."""

import io
import itertools
import threading

import numpy as np
import pytest
from helpers import TYPES, sample

import idxio
from idxio.transforms import RandomHorizontalFlip

torch = pytest.importorskip("torch")

from idxio.adapters.torch import TensorBatches  # noqa: E402
from idxio.loader.epoch import EpochIterator  # noqa: E402

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
N = 50


@pytest.fixture(autouse=True, params=DEVICES)
def device(request):
    torch.set_num_threads(1)  # or its threads stay
    return request.param


@pytest.fixture
def ds():
    images = np.random.default_rng(0).integers(0, 256, (N, 6, 5, 3)).astype("u1")
    return idxio.Dataset(images, np.arange(N) % 7)


def compare(here, there, device):
    """All batches of an epoch in memory and on the device."""
    count = 0
    for expected, found in zip(here, there, strict=True):
        assert len(expected) == len(found)
        for one, other in zip(expected, found, strict=True):
            assert other.device.type == device
            assert other.dtype == one.dtype
            assert other.shape == one.shape
            assert other.cpu().contiguous().numpy().tobytes() == one.contiguous().numpy().tobytes()
        count += 1
    return count


OPTIONS = [
    {},
    {"dtype": "float32"},
    {"scale": 1 / 255},
    {"scale": 1 / 255, "mean": "dataset", "std": "dataset"},
    {"mean": [1, 2, 3], "std": [4, 5, 6.5], "channels": "first"},
    {"mean": np.linspace(1, 9, 90).reshape(6, 5, 3), "dtype": "float64"},
    {"channels": "first"},
    {"dtype": "int64"},
    {"one_hot": True, "remainder": "pad", "world_size": 3, "rank": 2},
    {"augment": [RandomHorizontalFlip()], "scale": 2},
    {"weights": np.arange(N)},
    {"prefetch": 0},
    {"drop_last": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: ",".join(options) or "plain")
@pytest.mark.parametrize("size", [1, 8, N, 2 * N])
def test_the_same_batches(ds, device, options, size):
    here, there = (ds.batches(size, shuffle=True, seed=3, **options) for _ in range(2))
    moved = TensorBatches(there, device=device)
    for _ in range(2):
        assert compare(TensorBatches(here), moved, device) == len(here)
    assert there.epoch == here.epoch == 2


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("scale", [None, 0.3])
def test_all_types(device, name, scale):
    images = sample(name, (9, 4, 3))
    ds = idxio.Dataset(images.astype(images.dtype.newbyteorder(">")), np.arange(9))
    here, there = (ds.batches(4, scale=scale) for _ in range(2))
    assert compare(TensorBatches(here), TensorBatches(there, device=device), device) == 3


def test_images_go_as_they_are_stored(ds, device, monkeypatch):
    moved = []
    original = torch.Tensor.to

    def to(tensor, target, **options):
        if isinstance(target, torch.device):
            moved.append(tensor.dtype)
        return original(tensor, target, **options)

    monkeypatch.setattr(torch.Tensor, "to", to)
    for images, _ in TensorBatches(ds.batches(8, scale=1 / 255), device=device):
        assert images.dtype == torch.float32
    assert set(moved[::2]) == {torch.uint8}
    assert set(moved[1::2]) == {torch.int64}


def test_states_are_of_the_batch_that_the_loop_has(ds, device):
    """Though one more is on its way."""
    here, there = (ds.batches(8, shuffle=True) for _ in range(2))
    moved = TensorBatches(there, device=device)
    states = [here.state_dict()]
    states += [here.state_dict() for _ in here]
    assert moved.state_dict() == states[0]
    found = []
    for k, batch in enumerate(moved, 1):
        assert moved.state_dict() == states[k]
        found.append(batch)
    assert moved.state_dict() == here.state_dict()
    again = TensorBatches(ds.batches(8, shuffle=True), device=device)
    for k, state in enumerate(states[:-1]):
        again.load_state_dict(state)
        rest = list(again)
        assert len(rest) == len(found) - k
        assert all(
            torch.equal(one[0], other[0]) for one, other in zip(rest, found[k:], strict=True)
        )
        assert again.batches.epoch == 1


@pytest.mark.parametrize("stop", [1, 3, 7])
def test_a_loop_that_is_left(ds, device, stop):
    batches = ds.batches(8, shuffle=True)
    moved = TensorBatches(batches, device=device)
    threads = threading.active_count()
    for k, _ in enumerate(moved, 1):
        if k == stop:
            break
    assert threading.active_count() == threads
    assert batches.epoch == 0  # the same epoch again, also if it was left at its last batch
    assert batches.state_dict()["position"] == min(N, 8 * stop)
    assert len(list(moved)) == 7
    assert batches.epoch == 1


def test_from_windows(device):
    images = np.arange(3000 * 4, dtype=np.int32).reshape(3000, 4)
    file = io.BytesIO()
    idxio.write(file, images, compression="gzip")
    ds = idxio.Dataset(file.getvalue(), np.arange(3000) % 7)
    here, there = (ds.batches(64, shuffle=True, buffer=9000, scale=2) for _ in range(2))
    assert compare(TensorBatches(here), TensorBatches(there, device=device), device) == 47


def test_no_samples(device):
    ds = idxio.Dataset(np.zeros((0, 3), np.uint8), [])
    assert list(TensorBatches(ds.batches(4, scale=2), device=device)) == []


def test_an_error_reaches_the_loop_when_its_batch_is_due(ds, device, monkeypatch):
    original = EpochIterator.run

    def run(loop, part, parts):
        yield from itertools.islice(original(loop, part, parts), 3)
        raise idxio.IdxError("the fourth is damaged")

    monkeypatch.setattr(EpochIterator, "run", run)
    moved = TensorBatches(ds.batches(8), device=device)
    labels = []
    with pytest.raises(idxio.IdxError, match="the fourth is damaged"):  # noqa: PT012
        for _, tags in moved:
            labels += tags.tolist()
    assert labels == ds.labels[:24].tolist()
    assert moved.state_dict()["position"] == 24
    assert moved.batches.epoch == 0


def test_wrong_use(ds, device):
    out = (np.empty((8, 6, 5, 3), np.uint8), np.empty(8, np.int64))
    with pytest.raises(ValueError, match="leave out= or device= away"):
        TensorBatches(ds.batches(8, out=out), device=device)
    with pytest.raises(RuntimeError, match="nowhere"):
        TensorBatches(ds.batches(8), device="nowhere")


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_workers_have_no_device(ds, device):
    loader = torch.utils.data.DataLoader(
        TensorBatches(ds.batches(8), device=device),
        batch_size=None,
        num_workers=1,
        multiprocessing_context="fork",
    )
    with pytest.raises(ValueError, match="the workers of a DataLoader have no device"):
        list(loader)
