"""An epoch of float32 batches whose images are cropped at random, out of a margin of 4 pixels, and
flipped: beside the same without, a fused loop in C, and what people put on top of batches.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import idxio
from idxio.transforms import RandomCrop, RandomHorizontalFlip

from .files import Array
from .harness import Contestant, Group, WrongError
from .loader_batches import FLOAT, MEAN, SIZE, STD, Data, Epoch, Pair, contestant

MARGIN = 4
PLACES = 2 * MARGIN + 1
AUGMENT = [RandomCrop(padding=MARGIN), RandomHorizontalFlip()]
CHECKED = 300  # images of each contestant


def epoch_of(dataset: idxio.Dataset, **options: Any) -> Epoch:
    """Epoch after epoch of one object."""
    batches = dataset.batches(SIZE, shuffle=True, **options)
    return lambda: batches  # type: ignore[return-value]


def numpy_on_top(dataset: idxio.Dataset) -> Iterator[Pair]:
    """Windows of padded batches, picked by index."""
    random = np.random.default_rng()
    white = np.float32(-MEAN / STD)
    for images, labels in dataset.batches(SIZE, shuffle=True, **FLOAT):
        n = len(images)
        padded = np.full((n, 28 + 2 * MARGIN, 28 + 2 * MARGIN), white)
        padded[:, MARGIN:-MARGIN, MARGIN:-MARGIN] = images
        windows = np.lib.stride_tricks.sliding_window_view(padded, (28, 28), (1, 2))
        i, j = random.integers(0, PLACES, (2, n))
        parts = windows[np.arange(n), i, j]
        is_flipped = random.random(n) < 0.5
        parts[is_flipped] = parts[is_flipped][:, :, ::-1]
        yield parts, labels


def jax_on_top(dataset: idxio.Dataset) -> Callable[[], Iterator[Pair]]:
    """One compiled function a batch; bytes go in."""
    jax = importlib.import_module("jax")
    jnp = jax.numpy

    @jax.jit  # type: ignore[untyped-decorator]
    def augmented(images: Any, key: Any) -> Any:
        at, flips = jax.random.split(key)
        n = len(images)
        places = jax.random.randint(at, (n, 2), 0, PLACES)
        padded = jnp.pad(images, ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)))
        parts = jax.vmap(lambda x, p: jax.lax.dynamic_slice(x, p, (28, 28)))(padded, places)
        is_flipped = jax.random.bernoulli(flips, shape=(n, 1, 1))
        parts = jnp.where(is_flipped, parts[:, :, ::-1], parts)
        return parts.astype(jnp.float32) * (1 / (255 * STD)) - MEAN / STD

    def epoch() -> Iterator[Pair]:
        key = jax.random.key(0)
        for images, labels in dataset.batches(SIZE, shuffle=True):
            key, own = jax.random.split(key)
            yield augmented(images, own).block_until_ready(), labels

    return epoch


def torch_on_top(dataset: idxio.Dataset) -> Iterator[Pair]:
    """Whole batches: pixels picked by index."""
    torch = importlib.import_module("torch")
    line = torch.arange(28)
    for arrays, labels in dataset.batches(SIZE, shuffle=True, **FLOAT):
        images = torch.from_numpy(arrays)
        n = len(images)
        padded = torch.nn.functional.pad(images, (MARGIN,) * 4, value=-MEAN / STD)
        i, j = torch.randint(0, PLACES, (2, n, 1, 1))
        columns = torch.where(torch.rand(n, 1, 1) < 0.5, line.flip(0), line)
        yield padded[torch.arange(n)[:, None, None], i + line[:, None], j + columns], labels


def torchvision_each(dataset: idxio.Dataset) -> Iterator[Pair]:
    """What its users write: a transform for each image, in a DataLoader."""
    torch = importlib.import_module("torch")
    transforms = importlib.import_module("torchvision.transforms.v2")
    chain = transforms.Compose(
        [
            transforms.RandomCrop(28, padding=MARGIN),
            transforms.RandomHorizontalFlip(),
            transforms.ToDtype(torch.float32, scale=True),
            transforms.Normalize([MEAN], [STD]),
        ]
    )

    class Images(torch.utils.data.Dataset):  # type: ignore[misc, name-defined]
        def __len__(self) -> int:
            return len(dataset)

        def __getitem__(self, k: int) -> tuple[Any, int]:
            return chain(torch.from_numpy(dataset.images[k])[None]), int(dataset.labels[k])

    for images, labels in torch.utils.data.DataLoader(Images(), batch_size=SIZE, shuffle=True):
        yield images[:, 0], labels


def ffcv_loader(images: Array, file: Path) -> Iterable[Any]:
    """A file of the images in FFCV's format, and a loader of it with one worker. FFCV compiles what
    it does to them; its own normalising is for three channels, so whole batches are normalised.
    """
    torch = importlib.import_module("torch")
    transforms = importlib.import_module("ffcv.transforms")
    fields = importlib.import_module("ffcv.fields")
    decoders = importlib.import_module("ffcv.fields.decoders")
    loader = importlib.import_module("ffcv.loader")
    writer = importlib.import_module("ffcv.writer").DatasetWriter

    class Images:
        def __len__(self) -> int:
            return len(images)

        def __getitem__(self, k: int) -> tuple[Array, int]:
            return images[k][:, :, None], k

    class Normalize(torch.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, bytes_: Any) -> Any:
            return bytes_ * (1 / (255 * STD)) - MEAN / STD

    kinds = {"image": fields.NDArrayField(np.dtype("u1"), (28, 28, 1)), "label": fields.IntField()}
    writer(str(file), kinds, num_workers=1).from_indexed_dataset(Images())
    pixels = [
        decoders.NDArrayDecoder(),
        transforms.RandomTranslate(padding=MARGIN, fill=(0,)),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.ToTorchImage(channels_last=False),
        transforms.Convert(torch.float32),
        Normalize(),
    ]
    numbers = [decoders.IntDecoder(), transforms.ToTensor(), transforms.Squeeze()]
    return loader.Loader(  # type: ignore[no-any-return]
        str(file),
        batch_size=SIZE,
        num_workers=1,
        order=loader.OrderOption.RANDOM,
        os_cache=True,
        drop_last=False,
        pipelines={"image": pixels, "label": numbers},
    )


def each_a_part(images: Array) -> Callable[[Contestant], None]:
    """A check that each image comes once, cut and flipped in one of the ways that there are. Labels
    are the numbers of images.
    """
    padded = np.pad(images, ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)))

    def check(contestant: Contestant) -> None:
        found = contestant.run()
        if isinstance(found, float):  # the loop in C keeps nothing
            return
        parts, numbers = (np.concatenate(arrays) for arrays in zip(*found, strict=True))
        if not np.array_equal(np.sort(numbers), np.arange(len(images))):
            raise WrongError(f"{contestant.name} did not return each image once")
        bytes_ = np.rint((parts[:CHECKED] * np.float32(STD) + np.float32(MEAN)) * 255)
        ways = set()
        for part, number in zip(bytes_, numbers[:CHECKED], strict=True):
            windows = np.lib.stride_tricks.sliding_window_view(padded[number], (28, 28))
            both = np.stack([windows, windows[:, :, :, ::-1]])
            equal = np.argwhere((both == part).all((3, 4)))
            if not len(equal):
                raise WrongError(f"{contestant.name} returned what is no part of image {number}")
            ways.add(tuple(equal[0].tolist()))
        if "plain" not in contestant.name and len(ways) < CHECKED // 4:
            raise WrongError(f"{contestant.name} drew {len(ways)} ways for {CHECKED} images")

    return check


def groups(data: Data) -> list[Group]:
    numbered = idxio.Dataset(data.images, np.arange(len(data.images)))
    alone = {"prefetch": 0, "threads": 1, **FLOAT}

    def on_top(make: Callable[[idxio.Dataset], Any]) -> Epoch:
        return lambda: make(numbered)  # type: ignore[no-any-return]

    compiled: list[Epoch] = []

    def jax_epoch() -> Iterator[Pair]:
        if not compiled:
            compiled.append(jax_on_top(numbered))
        return compiled[0]()  # type: ignore[return-value]

    ffcv: list[Iterable[Any]] = []

    def ffcv_epoch() -> Iterator[Pair]:
        if not ffcv:
            ffcv.append(ffcv_loader(data.images, data.folder / "images.beton"))
        return ((images[:, 0], labels) for images, labels in ffcv[0])

    return [
        Group(
            name="epoch-augmented",
            title=f"a shuffled epoch of the train set in batches of {SIZE}, cropped out of a margin"
            f" of {MARGIN} and flipped, as normalised float32",
            oracle="each image once, as one of its 162 parts",
            check=each_a_part(data.images),
            contestants=[
                contestant("idxio, 1 thread", epoch_of(numbered, augment=AUGMENT, **alone)),
                contestant("idxio, plain, 1 thread", epoch_of(numbered, **alone)),
                contestant(
                    "idxio, 2 threads", epoch_of(numbered, augment=AUGMENT, threads=2, **FLOAT)
                ),
                contestant("idxio, plain, 2 threads", epoch_of(numbered, threads=2, **FLOAT)),
                data.floor.contestant("C, fused loop", "augmented"),
                contestant("numpy on top", on_top(numpy_on_top)),
                contestant("jax.jit on top", jax_epoch, "jax"),
                contestant("torch on top", on_top(torch_on_top), "torch"),
                contestant("FFCV, 1 worker", ffcv_epoch, "ffcv"),
            ],
            ours="idxio, 1 thread",
        ),
        Group(
            name="epoch-augmented-each",
            title="the same with a transform for each image, in a DataLoader",
            oracle="each image once, as one of its 162 parts",
            check=each_a_part(data.images),
            contestants=[
                contestant("idxio, 2 threads", epoch_of(numbered, augment=AUGMENT, **FLOAT)),
                contestant("torchvision, per sample", on_top(torchvision_each), "torchvision"),
            ],
            ours="idxio, 2 threads",
            most=5,
        ),
    ]
