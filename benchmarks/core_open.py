"""Opening a raw file and looking at its first record."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

import idxio

from .files import Array, Files
from .harness import Contestant, Group, equal_to


def idxio_open(path: Path) -> Array:
    with idxio.open(path) as f:
        return np.asarray(f[0])


def idxio_view(path: Path) -> Array:
    with idxio.open(path) as f:
        return np.asarray(f.array[0])


def load_mmap(path: Path) -> Array:
    """The first record read, as idxio reads it."""
    return np.array(np.load(path, mmap_mode="r")[0])


def load_mmap_view(path: Path) -> Array:
    """A view of the first record, of which nothing is read yet."""
    return np.asarray(np.load(path, mmap_mode="r")[0])


def groups(files: Files) -> list[Group]:
    return [
        Group(
            name="open",
            title="open the raw train images and take the first record",
            oracle="gzip.decompress + numpy.frombuffer",
            check=equal_to(files.images[0], exact=["idxio.open, f[0]"]),
            contestants=[
                Contestant("idxio.open, f[0]", partial(idxio_open, files.raw)),
                Contestant("idxio.open, f.array[0]", partial(idxio_view, files.raw)),
                Contestant("numpy.load(mmap_mode='r')[0], copied", partial(load_mmap, files.npy)),
                Contestant(
                    "numpy.load(mmap_mode='r')[0], a view", partial(load_mmap_view, files.npy)
                ),
            ],
            ours="idxio.open, f[0]",
            repeat=200,
        )
    ]
