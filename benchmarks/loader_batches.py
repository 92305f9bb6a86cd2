"""A shuffled epoch in batches of 256, as bytes and as normalised float32; waiting for batches;
resuming anywhere.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import shlex
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

import idxio
from idxio.loader.batches import Batches

from .c_baseline import HINT, ask
from .files import LABELS, Array, Files
from .harness import Contestant, Group, MissingError, WrongError

SIZE = 256
MEAN, STD = 0.286, 0.353
FLOAT = {"scale": 1 / 255, "mean": MEAN, "std": STD}
HUGE = 10**10  # records of a source that is not there
CONVERT = np.float32(255), np.float32(MEAN), np.float32(STD)

Pair = tuple[Any, Any]
Epoch = Callable[[], Iterable[Pair]]


class Data:
    """The train images and labels in memory, and what each contestant makes of them once."""

    def __init__(self, files: Files) -> None:
        self.folder = files.folder
        self.images: Array = np.array(files.images)
        self.labels: Array = idxio.read(files.folder / f"{LABELS}.gz")
        self.dataset = idxio.Dataset(self.images, self.labels)
        self.floor = EpochFloor(files.folder, files.raw)
        self._torch: Any = None

    def tensors(self) -> Any:
        """A torch TensorDataset."""
        if self._torch is None:
            torch = importlib.import_module("torch")
            self._torch = torch.utils.data.TensorDataset(
                torch.from_numpy(self.images), torch.from_numpy(self.labels.astype(np.int64))
            )
        return self._torch


class EpochFloor:
    """c_baseline_batches.c, compiled and started when it is first asked."""

    def __init__(self, folder: Path, raw: Path) -> None:
        self._program, self._raw = folder / "floor_batches", raw
        self._process: subprocess.Popen[str] | None = None

    def contestant(self, name: str, command: str) -> Contestant:
        return Contestant(name, partial(self._run, command), sample=partial(self._run, command))

    def _run(self, command: str) -> float:
        if self._process is None:
            source = Path(__file__).with_name("c_baseline_batches.c")
            compiler = shlex.split(os.environ.get("CC", "cc"))
            try:
                subprocess.run(
                    [*compiler, "-O3", "-march=native", "-o", str(self._program), str(source)],
                    check=True,
                    capture_output=True,
                )
            except (OSError, subprocess.CalledProcessError) as error:
                raise MissingError(f"{HINT}: {error}") from error
            self._process = subprocess.Popen(
                [str(self._program), str(self._raw)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        return int(ask(self._process, command)) / 1e6

    def close(self) -> None:
        if self._process is not None:
            self._process.communicate()


# The contestants, each an epoch of (images, labels)
# -----------------------------------------------------------


def ours(data: Data, **options: Any) -> Epoch:
    """Epoch after epoch of one object."""
    batches = data.dataset.batches(SIZE, shuffle=True, **options)
    return lambda: batches  # type: ignore[return-value]


def ours_into(data: Data, dtype: str, **options: Any) -> Epoch:
    out = np.empty((SIZE, 28, 28), dtype), np.empty(SIZE, np.uint8)
    return ours(data, out=out, prefetch=0, threads=1, **options)


def ours_tensors(data: Data, **options: Any) -> Epoch:
    """Epoch after epoch of one object, too."""
    batches = ours(data, **options)()
    return cache(lambda: importlib.import_module("idxio.adapters.torch").TensorBatches(batches))


def numpy_take(data: Data) -> Iterator[Pair]:
    order = np.random.default_rng().permutation(len(data.labels))
    images, labels = np.empty((SIZE, 28, 28), np.uint8), np.empty(SIZE, np.uint8)
    for start in range(0, len(order), SIZE):
        ids = order[start : start + SIZE]
        yield (
            np.take(data.images, ids, axis=0, out=images[: len(ids)]),
            np.take(data.labels, ids, out=labels[: len(ids)]),
        )


def numpy_float32(data: Data) -> Iterator[Pair]:
    whole, mean, std = CONVERT
    order = np.random.default_rng().permutation(len(data.labels))
    for start in range(0, len(order), SIZE):
        ids = order[start : start + SIZE]
        yield (data.images[ids].astype("f4") / whole - mean) / std, data.labels[ids]


def torch_loader(data: Data, *, convert: bool) -> Iterator[Pair]:
    torch = importlib.import_module("torch")
    for images, labels in torch.utils.data.DataLoader(
        data.tensors(), batch_size=SIZE, shuffle=True
    ):
        yield ((images.float() / 255 - MEAN) / STD if convert else images), labels


def grain_dataset(data: Data, *, convert: bool) -> Iterator[Pair]:
    grain = importlib.import_module("grain")
    source = importlib.import_module("idxio.adapters.grain").Source(data.dataset)
    whole, mean, std = CONVERT
    batches = grain.MapDataset.source(source).shuffle(seed=1).batch(SIZE)
    for batch in batches.to_iter_dataset():
        images = batch["image"]
        yield ((images.astype("f4") / whole - mean) / std if convert else images), batch["label"]


# Checks and clocks
# -------------------------------------------------------------------------------------------


def collect(epoch: Epoch) -> list[Pair]:
    """All batches of an epoch, copied."""
    return [(np.array(images), np.array(labels)) for images, labels in epoch()]


def each_once(data: Data) -> Callable[[Contestant], None]:
    """A check that every image comes once, with its label, as bytes or normalised."""
    weights = np.random.default_rng(0).integers(1, 1 << 40, 28 * 28)

    def told(images: Array, labels: Array) -> Array:
        return np.sort(images.reshape(len(images), -1).astype(np.int64) @ weights + labels)

    expected = told(data.images, data.labels)

    def check(contestant: Contestant) -> None:
        found = contestant.run()
        if isinstance(found, float):  # the floor keeps nothing
            return
        images, labels = (np.concatenate(parts) for parts in zip(*found, strict=True))
        if images.dtype == np.float32:
            bytes_ = np.rint((images * np.float32(STD) + np.float32(MEAN)) * 255)
            if np.abs(images - (bytes_ / 255 - MEAN) / STD).max() > 1e-5:
                raise WrongError(f"{contestant.name} returned other values than the oracle")
            images = bytes_
        if not np.array_equal(told(images, labels), expected):
            raise WrongError(f"{contestant.name} returned other images or labels than the oracle")

    return check


def seconds(epoch: Epoch) -> float:
    """Milliseconds of an epoch of which nothing is kept."""
    start = time.perf_counter()
    for _ in epoch():
        pass
    return (time.perf_counter() - start) * 1e3


def contestant(name: str, epoch: Epoch, module: str | None = None) -> Contestant:
    return Contestant(name, partial(collect, epoch), module, module, partial(seconds, epoch))


class Work:
    """A millisecond of somebody else's work, which holds no GIL."""

    def __init__(self) -> None:
        self._rounds = 1000
        best = min(self._timed() for _ in range(20))
        self._rounds = max(1, int(self._rounds / best / 1e3))

    def _timed(self) -> float:
        start = time.perf_counter()
        self()
        return time.perf_counter() - start

    def __call__(self) -> None:
        hashlib.pbkdf2_hmac("sha256", b"", b"", self._rounds)


def waiting(epoch: Epoch, work: Work) -> float:
    """How much of an epoch, in per cent, a loop waits for its batches that works a millisecond on
    each.
    """
    waited, start = 0.0, time.perf_counter()
    batches = iter(epoch())
    while True:
        asked = time.perf_counter()
        batch = next(batches, None)
        waited += time.perf_counter() - asked
        if batch is None:
            return 100 * waited / (time.perf_counter() - start)
        work()


class Resuming:
    """A shuffled epoch of records that are not there: one, seen as many."""

    def __init__(self) -> None:
        images = np.broadcast_to(np.arange(4, dtype=np.uint8), (HUGE, 4))
        self._dataset = idxio.Dataset(images, np.broadcast_to(np.uint8(1), (HUGE,)))
        self._random = np.random.default_rng(0)
        self.state = self._new().state_dict()

    def _new(self) -> Batches:
        return self._dataset.batches(SIZE, shuffle=True, seed=1)

    def run(self) -> tuple[int, int]:
        """The first batch from a random position on: its size and the position behind it."""
        position = int(self._random.integers(0, HUGE - SIZE))
        batches = self._new()
        batches.load_state_dict({**self.state, "position": position})
        loop = iter(batches)
        images, _ = next(loop)
        behind = batches.state_dict()["position"] - position
        loop.close()
        return len(images), behind

    def check(self, contestant: Contestant) -> None:
        if contestant.run() != (SIZE, SIZE):
            raise WrongError(f"{contestant.name} did not go on where it should")


def groups(data: Data) -> list[Group]:
    work, resuming = Work(), Resuming()
    title = f"a shuffled epoch of the train set in batches of {SIZE}, with labels"
    return [
        Group(
            name="epoch-uint8",
            title=title,
            oracle="each image and label once",
            check=each_once(data),
            contestants=[
                contestant("idxio, 1 thread", ours(data, prefetch=0, threads=1)),
                contestant("idxio, out=", ours_into(data, "uint8")),
                contestant("idxio, made ahead", ours(data)),
                contestant("numpy permutation + take(out=)", partial(numpy_take, data)),
                contestant(
                    "torch DataLoader(TensorDataset)",
                    partial(torch_loader, data, convert=False),
                    "torch",
                ),
                contestant(
                    "grain MapDataset", partial(grain_dataset, data, convert=False), "grain"
                ),
                data.floor.contestant("C floor", "uint8"),
            ],
            ours="idxio, 1 thread",
        ),
        Group(
            name="epoch-float32",
            title=f"{title}, images as normalised float32",
            oracle="each image and label once, values within 1e-5",
            check=each_once(data),
            contestants=[
                contestant("idxio, 1 thread", ours(data, prefetch=0, threads=1, **FLOAT)),
                contestant("idxio, 2 threads", ours(data, threads=2, **FLOAT)),
                contestant("idxio, out=", ours_into(data, "float32", **FLOAT)),
                contestant(
                    "idxio, torch tensors",
                    ours_tensors(data, prefetch=0, threads=1, **FLOAT),
                    "torch",
                ),
                contestant("numpy", partial(numpy_float32, data)),
                contestant(
                    "torch DataLoader(TensorDataset)",
                    partial(torch_loader, data, convert=True),
                    "torch",
                ),
                contestant("grain MapDataset", partial(grain_dataset, data, convert=True), "grain"),
                data.floor.contestant("C floor", "float32"),
            ],
            ours="idxio, 1 thread",
        ),
        Group(
            name="waiting",
            title=f"{title}, float32: how long a loop waits that works 1 ms a batch",
            oracle="each image and label once, values within 1e-5",
            check=each_once(data),
            contestants=[
                Contestant(
                    name, partial(collect, epoch), module, module, partial(waiting, epoch, work)
                )
                for name, epoch, module in (
                    ("idxio", ours(data, **FLOAT), None),
                    ("idxio, not ahead", ours(data, prefetch=0, **FLOAT), None),
                    ("numpy", partial(numpy_float32, data), None),
                    (
                        "torch DataLoader(TensorDataset)",
                        partial(torch_loader, data, convert=True),
                        "torch",
                    ),
                )
            ],
            ours="idxio",
            unit="% of the epoch",
        ),
        Group(
            name="resume",
            title=f"resume anywhere in a shuffled epoch of {HUGE:,} records, to its next batch",
            oracle="the next batch and position",
            check=resuming.check,
            contestants=[Contestant("idxio", resuming.run)],
            ours="idxio",
        ),
    ]
