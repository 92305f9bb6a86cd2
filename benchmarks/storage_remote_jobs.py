"""What is asked of files at URLs, by whom and how: the contestants of `storage_remote`."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

import idxio

from .datasets_sort import CLASS
from .files import IMAGES, LABELS, Array, Files
from .remote_server import RemoteServer

RECORD = 31_234
IDS = np.random.default_rng(0).permutation(60_000)[:100]
BLOCK = 256  # records that iter_records gives at once
# The records of a chunk: those of a batch, and about as many as are best from such a server.
ZARR_RECORDS = (256, 1000)


class RemoteFiles:
    """URLs of the files that the server has, each made when it is asked for first."""

    def __init__(self, files: Files, server: RemoteServer) -> None:
        self.files = files
        self.server = server

    @property
    def stock(self) -> str:
        return self.server.url(self.files.gz.name)

    @cached_property
    def own(self) -> str:
        """As `idxio.write` makes it."""
        idxio.write(self.files.folder / "remote-own.gz", self.files.images)
        return self.server.url("remote-own.gz")

    def repeated(self, times: int) -> str:
        """A file of the same records several times."""
        path = self.files.folder / f"remote-{times}.gz"
        if not path.exists():
            with idxio.Writer(path, "uint8", (28, 28)) as writer:
                for _ in range(times):
                    writer.append(self.files.images)
        return self.server.url(path.name)

    @cached_property
    def labels(self) -> Array:
        return idxio.read(self.files.folder / f"{LABELS}.gz")

    @cached_property
    def of_class(self) -> Array:
        """The images of a class."""
        return self.files.images[self.labels == CLASS]

    @cached_property
    def sorted(self) -> str:
        """The images in the order of their labels."""
        images, labels = (f"remote-sorted-{name}.gz" for name in (IMAGES, LABELS))
        folder = self.files.folder
        idxio.write_sorted(folder / images, folder / labels, self.files.images, self.labels)
        return self.server.url(images)

    @cached_property
    def class_nbytes(self) -> int:
        """Of a file of the images of a class alone."""
        path = self.files.folder / "remote-class.gz"
        idxio.write(path, self.of_class)
        return path.stat().st_size

    def zarr(self, records: int) -> str:
        """An array of zarr in chunks of this many records, else as it makes them by default."""
        path = self.files.folder / f"remote-{records}.zarr"
        if not path.exists():
            array = importlib.import_module("zarr").create_array(
                str(path), shape=self.files.images.shape, chunks=(records, 28, 28), dtype="uint8"
            )
            array[:] = self.files.images
        return self.server.url(path.name)


# The contestants
# -------------------------------------------------------------------------------------------


Run = Callable[[RemoteFiles], Any]


def whole(file: Any) -> Array:
    return idxio.read(file)


def shape(file: Any) -> tuple[int, ...]:
    with idxio.open(file) as f:
        return f.shape


def record(file: Any) -> Array:
    with idxio.open(file) as f:
        return f[RECORD]


def ids(file: Any) -> Array:
    with idxio.open(file) as f:
        return f[IDS]


def of_class(file: Any, labels: Array) -> Array:
    with idxio.open(file) as f:
        return idxio.Dataset(f, np.sort(labels)).of_class(CLASS)


def stream(file: Any) -> int:
    """The CRC-32 of all records, taken in blocks."""
    crc = 0
    with idxio.open(file) as f:
        for block in f.iter_records(BLOCK):
            crc = zlib.crc32(block.data, crc)
    return crc


def fsspec_file(url: str) -> Any:
    """fsspec's file object, with its default block and cache, opened anew."""
    return importlib.import_module("fsspec").open(url, "rb").open()


def by_zarr(read: Callable[[Any], Any]) -> dict[str, Run]:
    """A contestant for each size of chunk; each opens the array and reads of it."""

    def run(records: int, files: RemoteFiles) -> Any:
        zarr = importlib.import_module("zarr")
        store = zarr.storage.FsspecStore.from_url(files.zarr(records), read_only=True)
        return read(zarr.open_array(store, mode="r"))

    return {f"zarr, chunks of {records:,}": partial(run, records) for records in ZARR_RECORDS}


def rapidgzip_whole(url: str) -> Array:
    rapidgzip = importlib.import_module("rapidgzip")
    with rapidgzip.RapidgzipFile(fsspec_file(url), parallelization=2) as file:
        return np.frombuffer(file.read(), np.uint8, offset=16)


@dataclass(frozen=True)
class Job:
    """What is asked for, and who does it how."""

    name: str
    title: str
    expected: Callable[[RemoteFiles], Any]
    runs: dict[str, Run]


JOBS = (
    Job(
        "open",
        "open a file that idxio wrote",
        lambda files: files.files.images.shape,
        {
            "idxio.open": lambda files: shape(files.own),
            "idxio.open, fsspec's file": lambda files: shape(fsspec_file(files.own)),
            **by_zarr(lambda array: array.shape),
        },
    ),
    Job(
        "record",
        "open, and read one record",
        lambda files: files.files.images[RECORD],
        {
            "idxio.open, f[i]": lambda files: record(files.own),
            "idxio.open, fsspec's file": lambda files: record(fsspec_file(files.own)),
            "idxio.open, stock .gz": lambda files: record(files.stock),
            **by_zarr(lambda array: array[RECORD]),
        },
    ),
    Job(
        "ids",
        "open, and read 100 random records",
        lambda files: files.files.images[IDS],
        {
            "idxio.open, f[ids]": lambda files: ids(files.own),
            "idxio.open, fsspec's file": lambda files: ids(fsspec_file(files.own)),
            **by_zarr(lambda array: array.oindex[IDS]),
        },
    ),
    Job(
        "class",
        f"open, and read class {CLASS} of a sorted file",
        lambda files: files.of_class,
        {
            "of_class": lambda files: of_class(files.sorted, files.labels),
            "of_class, fsspec's file": lambda files: of_class(
                fsspec_file(files.sorted), files.labels
            ),
        },
    ),
    Job(
        "whole",
        "read all of a .gz",
        lambda files: files.files.images,
        {
            "idxio.read, own": lambda files: whole(files.own),
            "idxio.read, stock": lambda files: whole(files.stock),
            "idxio.read, fsspec's file, stock": lambda files: whole(fsspec_file(files.stock)),
            **by_zarr(lambda array: array[:]),
            "rapidgzip, fsspec's file, stock": lambda files: rapidgzip_whole(files.stock),
        },
    ),
    Job(
        "stream",
        f"stream a .gz in blocks of {BLOCK} records",
        lambda files: zlib.crc32(files.files.images.data),
        {
            "iter_records, own": lambda files: stream(files.own),
            "iter_records, stock": lambda files: stream(files.stock),
        },
    ),
)


def package_of(contestant: str) -> tuple[str, str]:
    """The module that a contestant needs besides idxio, and what to install for it."""
    if contestant.startswith("zarr"):
        return "zarr", 'zarr "fsspec[http]"'
    if contestant.startswith("rapidgzip"):
        return "rapidgzip", 'rapidgzip "fsspec[http]"'
    if "fsspec" in contestant:
        return "fsspec", '"fsspec[http]"'
    return "obstore", '"idxio[remote]"'
