"""Datasets for torch, Grain and JAX: whole, without copies, with workers, on ranks."""

import importlib.util
import multiprocessing
import os
import pickle
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from helpers import TYPES, missing, sample

import idxio

# Forking beside the threads of these libraries is what users do with them.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


def needs(name):
    """Skip loudly without a library, and fail in the part of CI that installs it."""
    if importlib.util.find_spec(name) is None:
        what = f"{name} is missing: pip install {name}"
        if "adapters" in os.environ.get("EXTRAS", "").split(","):
            missing(what)
        pytest.skip(what)


def run(code, *arguments):
    """The output of a program of its own: JAX and what imports it disturb every process that forks."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def torch():
    needs("torch")
    import torch

    torch.set_num_threads(1)  # or its threads stay
    return torch


def test_torch_takes_an_open_file_as_one_array(torch, tmp_path, monkeypatch):
    array = np.arange(24, dtype=np.int16).reshape(4, 3, 2)
    idxio.write(tmp_path / "x", array)
    with idxio.open(tmp_path / "x") as f, monkeypatch.context() as patch:
        patch.setattr(idxio.IdxArray, "__getitem__", None)  # what took 15 seconds
        for convert in (torch.as_tensor, torch.asarray, torch.from_dlpack):
            tensor = convert(f)
            assert (tensor.numpy() == array).all()
            tensor[...] = -1  # a map of the file would end the process
        assert (f.read() == array).all()


@pytest.fixture(params=["array", "raw", "gzip"])
def ds(request, tmp_path):
    """200 big-endian samples, each telling which it is, from memory or from files."""
    images = np.arange(200, dtype=">i4")[:, None] * [1, 3]
    images = images.astype(">i4")
    images.flags.writeable = False
    if request.param != "array":
        path = tmp_path / ("x.gz" if request.param == "gzip" else "x")
        idxio.write(path, images)
        images = path
    return idxio.Dataset(images, (np.arange(200) % 7).astype(np.uint8))


def samples_of(batches):
    """The samples, checked, of batches of tensors."""
    seen = []
    for images, labels, *_ in batches:
        assert (images[:, 0] * 3 == images[:, 1]).all()
        assert (images[:, 0] % 7 == labels).all()
        seen += images[:, 0].tolist()
    return seen


# torch
# -------------------------------------------------------------------------------------------------------


def test_samples(torch, ds):
    from idxio.adapters.torch import Samples

    samples = Samples(ds)
    assert len(samples) == 200
    image, label = samples[-1]
    assert (image.tolist(), label.tolist()) == ([199, 597], 3)
    assert (image.dtype, label.dtype) == (torch.int32, torch.int64)
    image += 1  # memory of its own
    assert samples[199][0].tolist() == [199, 597]
    with pytest.raises(IndexError):
        samples[200]
    scaled, _ = Samples(ds, scale=0.5, mean=1)[4]
    assert (scaled.dtype, scaled.tolist()) == (torch.float32, [1, 5])


@pytest.mark.parametrize("name", TYPES)
def test_all_types_as_tensors(torch, name):
    from idxio.adapters.torch import Samples, TensorBatches

    images = sample(name, (5, 3))
    ds = idxio.Dataset(images.astype(images.dtype.newbyteorder(">")), np.arange(5))
    assert torch.stack([image for image, _ in Samples(ds)]).numpy().tobytes() == images.tobytes()
    ((found, _),) = batches = TensorBatches(ds.batches(5))
    assert repr(batches).startswith("<idxio.adapters.torch.TensorBatches of <idxio.Batches 1 of 5")
    assert found.numpy().tobytes() == images.tobytes()


@pytest.mark.parametrize("workers", [None, "fork"])
def test_data_loader_of_samples(torch, ds, workers):
    from idxio.adapters.torch import Samples

    more = {"num_workers": 2, "multiprocessing_context": workers} if workers else {}
    loader = torch.utils.data.DataLoader(Samples(ds), batch_size=16, shuffle=True, **more)
    found = samples_of(loader)
    assert found != sorted(found)
    assert sorted(found) == list(range(200))


@pytest.mark.parametrize("workers", [None, "fork"])
def test_data_loader_of_batches(torch, ds, workers):
    from idxio.adapters.torch import TensorBatches

    more = {"num_workers": 2, "multiprocessing_context": workers} if workers else {}
    batches = TensorBatches(ds.batches(16, shuffle=True, seed=1))
    loader = torch.utils.data.DataLoader(batches, batch_size=None, **more)
    assert len(loader) == 13
    for epoch in range(2):
        batches.set_epoch(epoch)
        found = samples_of(loader)
        alone = ds.batches(16, shuffle=True, seed=1)
        alone.set_epoch(epoch)
        assert found == [i for images, _ in alone for i in images[:, 0].tolist()]
        assert sorted(found) == list(range(200))


def test_workers_that_live_on(torch, ds):
    """They begin where this object stands, whatever they did before."""
    from idxio.adapters.torch import TensorBatches

    batches = TensorBatches(ds.batches(16, shuffle=True, seed=1))
    loader = torch.utils.data.DataLoader(
        batches, batch_size=None, num_workers=2, persistent_workers=True
    )
    for k, _ in enumerate(loader):
        if k == 6:  # one worker has come to its end, the other has not
            break
    for epoch in (0, 7, 7, 3):
        batches.set_epoch(epoch)
        alone = ds.batches(16, shuffle=True, seed=1)
        alone.set_epoch(epoch)
        assert samples_of(loader) == [i for images, _ in alone for i in images[:, 0].tolist()]
    state = batches.state_dict()
    state["position"] = 48
    batches.load_state_dict(state)
    assert len(samples_of(loader)) == 200 - 48


def test_workers_begin_where_a_loop_here_would(torch, ds):
    from idxio.adapters.torch import TensorBatches

    batches = TensorBatches(ds.batches(16, shuffle=True))
    first, second = samples_of(batches), samples_of(batches)
    assert first != second
    third = samples_of(torch.utils.data.DataLoader(batches, batch_size=None, num_workers=1))
    assert samples_of(batches) == third
    assert third not in (first, second)


def test_workers_have_no_memory_of_the_callers(torch, ds):
    from idxio.adapters.torch import TensorBatches

    out = (np.empty((16, 2), np.int32), np.empty(16, np.uint8))
    loader = torch.utils.data.DataLoader(
        TensorBatches(ds.batches(16, out=out)), batch_size=None, num_workers=1
    )
    with pytest.raises(ValueError, match="out="):
        list(loader)


def test_indices_that_are_none(torch, ds):
    from idxio.adapters.torch import Samples

    for part in (ds, ds[10:20], ds[[3, 1, 2]]):
        samples, n = Samples(part), len(part)
        assert samples[-1][1] == part.labels[-1]
        assert samples.__getitems__([]) == []
        for index in (n, -n - 1):
            with pytest.raises(IndexError, match=f"no sample {index}; there are {n}"):
                samples[index]
        for index in (1.7, "1"):
            with pytest.raises(TypeError, match="integer"):
                samples[index]


def test_spawned_workers(torch, tmp_path):
    from idxio.adapters.torch import Samples, TensorBatches

    images = (np.arange(200)[:, None] * [1, 3]).astype(np.int32)
    idxio.write(tmp_path / "x.gz", images)
    ds = idxio.Dataset(tmp_path / "x.gz", np.arange(200) % 7)
    more = {"num_workers": 2, "multiprocessing_context": "spawn"}
    found = samples_of(
        torch.utils.data.DataLoader(TensorBatches(ds.batches(16)), batch_size=None, **more)
    )
    assert found == list(range(200))
    more["num_workers"] = 1
    found = samples_of(
        torch.utils.data.DataLoader(Samples(ds), batch_size=64, shuffle=True, **more)
    )
    assert found != sorted(found)
    assert sorted(found) == list(range(200))


def test_tensors_are_the_memory_of_the_arrays(torch, ds):
    from idxio.adapters.torch import tensors

    for images, labels in ds.batches(64, scale=2):
        made = tensors(images, labels)
        assert made[0].data_ptr() == images.__array_interface__["data"][0]
        assert made[0].dtype == torch.float32
        assert made[1].dtype == torch.int64


@pytest.mark.parametrize("into", [False, True])
@pytest.mark.parametrize("remainder", ["keep", "pad"])
def test_labels_are_int64(torch, ds, into, remainder):
    from idxio.adapters.torch import TensorBatches

    out = (np.empty((16, 2), np.int32), np.empty(16, np.uint8)) if into else None
    assert ds.labels.dtype == np.uint8
    for images, labels, *valid in TensorBatches(ds.batches(16, out=out, remainder=remainder)):
        assert (images.dtype, labels.dtype) == (torch.int32, torch.int64)
        assert labels.tolist() == (images[:, 0] % 7).tolist()
        assert [mask.dtype for mask in valid] == [torch.bool] * (remainder == "pad")


def test_channels_of_tensors(torch):
    from idxio.adapters.torch import Samples, TensorBatches

    images = sample("uint8", (6, 5, 4, 3))
    expected = torch.from_numpy(images).permute(0, 3, 1, 2)
    ds = idxio.Dataset(images, np.arange(6))
    ((found, _),) = TensorBatches(ds.batches(6, channels="first"))
    assert torch.equal(found, expected)
    assert found.is_contiguous(memory_format=torch.channels_last)
    loader = torch.utils.data.DataLoader(Samples(ds, channels="first"), batch_size=6)
    assert torch.equal(next(iter(loader))[0], expected)
    grey = idxio.Dataset(images[..., 0], np.arange(6))
    assert Samples(grey, channels="first")[2][0].tolist() == [images[2, ..., 0].tolist()]
    scaled = Samples(ds, channels="first", scale=[1, 2, 4])[1][0]
    assert torch.equal(scaled, expected[1] * torch.tensor([1.0, 2.0, 4.0])[:, None, None])


@pytest.mark.parametrize("into", [False, True])
def test_one_hot_labels_stay_float32(torch, ds, into):
    from idxio.adapters.torch import TensorBatches

    out = (np.empty((16, 2), np.int32), np.empty((16, 7), np.float32)) if into else None
    for images, labels in TensorBatches(ds.batches(16, out=out, one_hot=True)):
        assert labels.dtype == torch.float32
        assert torch.equal(labels.argmax(1), images[:, 0] % 7)
        assert torch.equal(labels.sum(1), torch.ones(len(labels)))


def test_mean_of_the_dataset_for_samples(torch):
    from idxio.adapters.torch import Samples

    ds = idxio.Dataset(sample("int16", (6, 5, 4, 3)), np.arange(6))
    stacked = torch.stack([image for image, _ in Samples(ds, mean="dataset", std="dataset")])
    assert torch.allclose(stacked.mean((0, 1, 2)), torch.zeros(3), atol=1e-5)
    assert torch.allclose(stacked.std((0, 1, 2), correction=0), torch.ones(3))


def test_state_of_tensor_batches(torch, ds):
    from idxio.adapters.torch import TensorBatches

    one, two = (
        TensorBatches(ds.batches(16, shuffle=True, remainder="pad", world_size=3)) for _ in range(2)
    )
    loop = iter(one)
    for _ in range(2):
        assert next(loop)[2].dtype == torch.bool
    two.load_state_dict(one.state_dict())
    assert samples_of(loop) == samples_of(two)


_RANK = """
import os, sys
import numpy as np, torch, torch.distributed as dist
import idxio
from idxio.adapters.torch import TensorBatches
rank, port = map(int, sys.argv[1:])
dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
x = np.random.default_rng(0).normal(0, 1, (201, 5)).astype("f4")
x[:, 0] = np.arange(201)
ds = idxio.Dataset(x, np.arange(201) % 2)
torch.manual_seed(0)
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(5, 2))
optimizer = torch.optim.SGD(model.parameters(), 1e-6)
options = {"shuffle": True, "seed": 4, "rank": dist.get_rank(), "world_size": dist.get_world_size()}
seen = []
for epoch in range(2):
    steps = 0
    for images, labels, valid in TensorBatches(ds.batches(8, remainder="pad", **options)):
        loss = torch.nn.functional.cross_entropy(model(images), labels, reduction="none")
        (loss * valid).mean().backward()  # all ranks wait for each other here
        optimizer.step()
        steps += 1
        seen.append(images[valid, 0].int())
weights = [torch.empty(2, 5) for _ in range(2)]
dist.all_gather(weights, model.module.weight.detach())
assert torch.equal(*weights)
everything = [None, None]
dist.all_gather_object(everything, torch.cat(seen).tolist())
if rank == 0:
    print(sorted(everything[0] + everything[1]) == sorted(2 * list(range(201))), steps, flush=True)
dist.destroy_process_group()
# Gloo's threads outlive the group. One that has yet to free its last tensors takes the GIL for that, which aborts the
# process if the interpreter is being finalized (torch 2.13; pytorch/pytorch#179291). So it is not.
os._exit(0)
"""


def test_two_processes_train_together(torch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    ranks = [
        subprocess.Popen(
            [sys.executable, "-c", _RANK, str(rank), str(port)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    (seen, errors), (_, more_errors) = [rank.communicate(timeout=120) for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0, 0], f"{errors}\n{more_errors}"
    assert seen == "True 13\n"


def test_without_torch_the_error_names_the_command():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "try: import idxio.adapters.torch\n"
        "except ImportError as error: print(error)"
    )
    assert run(code).startswith("idxio.adapters.torch needs torch: pip install 'idxio[torch]' (")


def test_nothing_heavy_is_imported():
    code = (
        "import sys, numpy, idxio, idxio.adapters, idxio.adapters.grain\n"
        "idxio.Dataset(numpy.zeros((3, 2)), [0, 1, 2]).batches(2)\n"
        "sys.exit(' '.join(sys.modules.keys() & {'torch', 'jax', 'grain', 'PIL', 'tqdm'}))"
    )
    assert subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE).stderr == b"\n"


# Grain -------------------------------------------------------------------------------------------------------


def test_source(ds):
    from idxio.adapters.grain import Source

    source = Source(ds)
    assert len(source) == 200
    found = source[np.int64(8)]
    assert found["image"].dtype == np.int32
    assert found["image"].dtype.isnative
    assert found["image"].flags.writeable
    assert (found["image"].tolist(), found["label"]) == ([8, 24], 1)
    copied = pickle.loads(pickle.dumps(source))
    assert repr(copied) == repr(source)
    assert "0x" not in repr(source)
    assert copied[199]["label"] == 3
    with pytest.raises(IndexError):
        source[200]


def test_channels_of_a_source():
    from idxio.adapters.grain import Source

    images = sample("int16", (6, 5, 4, 3))
    ds = idxio.Dataset(images, np.arange(6))
    assert np.array_equal(Source(ds, channels="first")[2]["image"], images[2].transpose(2, 0, 1))
    assert repr(Source(ds, channels="first")) != repr(Source(ds))
    assert repr(Source(ds)) == "idxio.adapters.grain.Source(shape=(6, 5, 4, 3), dtype=int16)"


def test_threads_share_a_source(ds):
    from idxio.adapters.grain import Source

    source, wrong = Source(ds), []

    def read(seed):
        ids = np.random.default_rng(seed).integers(0, 200, 300)
        wrong.extend(i for i in ids if source[i]["image"].tolist() != [i, 3 * i])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(read, range(4)))
    assert not wrong


_GRAIN = """
import sys, grain, idxio, numpy as np
from idxio.adapters.grain import Source
ds = idxio.Dataset(sys.argv[1], np.arange(200) % 7)
seen = []
for batch in grain.MapDataset.source(Source(ds)).shuffle(seed=1).batch(16).to_iter_dataset():
    assert (batch["image"][:, 0] % 7 == batch["label"]).all()
    seen += batch["image"][:, 0].tolist()
print(sorted(seen) == list(range(200)), seen == sorted(seen))
"""


def test_grain_reads_a_source(tmp_path):
    needs("grain")
    idxio.write(tmp_path / "x.gz", (np.arange(200)[:, None] * [1, 3]).astype(np.int32))
    assert run(_GRAIN, tmp_path / "x.gz") == "True False\n"


# JAX ---------------------------------------------------------------------------------------------------------

_JAX = """
import jax, idxio, numpy as np
x = np.random.default_rng(0).integers(0, 256, (2000, 28, 28), np.uint8)
ds = idxio.Dataset(x, np.arange(2000))
for convert in (jax.numpy.asarray, jax.dlpack.from_dlpack, jax.device_put):
    kept = []
    for images, labels in ds.batches(64, shuffle=True, scale=1 / 255, prefetch=3):
        kept.append((convert(images), labels.copy()))
        del images
    for images, labels in kept:
        assert np.array_equal(np.asarray(images), x[labels].astype("f4") * np.float32(1 / 255))
print(len(kept))
"""


def test_jax_keeps_its_values_when_the_loop_goes_on():
    """It may look at the memory that it was given, which must never be used again."""
    needs("jax")
    assert run(_JAX) == "32\n"


def test_batches_are_what_dlpack_and_asarray_take(ds):
    for images, _ in ds.batches(64):
        assert np.shares_memory(np.from_dlpack(images), images)
        assert np.asarray(images) is images


def test_spawned_processes_get_paths_not_data(tmp_path):
    x = np.zeros((50_000, 28), np.uint8)
    idxio.write(tmp_path / "x.gz", x)
    ds = idxio.Dataset(tmp_path / "x.gz", np.zeros(50_000, np.uint8))
    next(iter(ds.batches(4)))  # which reads the images
    assert len(pickle.dumps(ds)) < 60_000
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_first_of, (ds,)) == (28,)


def _first_of(ds):
    return next(iter(ds.batches(4)))[0][0].shape


@pytest.mark.usefixtures("torch")
def test_a_dataset_and_its_batches_exchanged(ds):
    from idxio.adapters.torch import Samples, TensorBatches

    with pytest.raises(TypeError, match=r"TensorBatches takes ds\.batches\(\.\.\.\), not Dataset"):
        TensorBatches(ds)
    with pytest.raises(TypeError, match="Samples takes a Dataset, not Batches"):
        Samples(ds.batches(2))
