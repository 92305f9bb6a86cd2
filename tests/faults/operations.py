"""What is done while calls fail: every operation that touches files, on small ones.

An operation has a folder of its own, of which `prepare` makes the contents, and returns what can be
compared. What it writes lies in the folder too: before it is done, all is old, behind it, all new.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import idxio

_RANDOM = np.random.default_rng(5)
IMAGES = _RANDOM.integers(0, 5, (120, 12, 12), np.uint8)
LABELS = _RANDOM.integers(0, 4, 120).astype(np.uint8)
OLD = IMAGES[::-1].copy()
Operation = Callable[[Path], Any]

OPERATIONS: dict[str, Operation] = {}


def operation(function: Operation) -> Operation:
    """Have a function be one, under its name."""
    OPERATIONS[function.__name__] = function
    return function


def prepare(folder: Path) -> None:
    """The files that operations find."""
    for name, level in (("raw", 0), ("own.gz", 6)):
        idxio.write(folder / name, IMAGES, level=level)
        idxio.write(folder / f"target-{name}", OLD, level=level)
    import gzip

    raw = (folder / "raw").read_bytes()
    (folder / "stock.gz").write_bytes(gzip.compress(raw, mtime=0))
    (folder / "indexed.gz").write_bytes(gzip.compress(raw, mtime=0))
    idxio.build_index(folder / "indexed.gz", spacing=1 << 12)
    for name in ("data", "sorted"):
        (folder / name).mkdir()
        for split, some in (("train", slice(80)), ("t10k", slice(80, None))):
            idxio.write(folder / name / f"{split}-images-idx3-ubyte.gz", IMAGES[some])
            idxio.write(folder / name / f"{split}-labels-idx1-ubyte.gz", LABELS[some])
    for to in ("csv", "png", "parquet"):
        idxio.export_dataset(folder / "data", folder / f"as-{to}", to=to)  # type: ignore[arg-type]
    idxio.export_dataset(folder / "data", folder / "as.npz", to="npz")
    (folder / "cache").mkdir(mode=0o700)


def digest(array: Any) -> str:
    array = np.ascontiguousarray(array)
    return f"{array.dtype} {array.shape} {hashlib.sha256(array.tobytes()).hexdigest()}"


@operation
def read_raw(folder: Path) -> Any:
    return digest(idxio.read(folder / "raw"))


@operation
def read_map(folder: Path) -> Any:
    return digest(idxio.read(folder / "raw", mmap=True))


@operation
def read_own(folder: Path) -> Any:
    return digest(idxio.read(folder / "own.gz", threads=1))


@operation
def read_own_on_threads(folder: Path) -> Any:
    return digest(idxio.read(folder / "own.gz", threads=3))


@operation
def read_stock(folder: Path) -> Any:
    return digest(idxio.read(folder / "stock.gz"))


@operation
def read_indexed(folder: Path) -> Any:
    return digest(idxio.read(folder / "indexed.gz"))


@operation
def read_cached(folder: Path) -> Any:
    os.environ["IDXIO_CACHE_DIR"] = str(folder / "cache")
    return digest(idxio.read(folder / "stock.gz", cache=True))


@operation
def read_object(folder: Path) -> Any:
    with open(folder / "own.gz", "rb") as file:
        return digest(idxio.read(file))


def _some(path: Path) -> Any:
    with idxio.open(path) as f:
        return digest(f[7]), digest(f[5:90]), digest(f[[3, 119, 50]])


@operation
def open_raw(folder: Path) -> Any:
    return _some(folder / "raw")


@operation
def open_own(folder: Path) -> Any:
    return _some(folder / "own.gz")


@operation
def open_stock(folder: Path) -> Any:
    return _some(folder / "stock.gz")


@operation
def open_indexed(folder: Path) -> Any:
    return _some(folder / "indexed.gz")


@operation
def records(folder: Path) -> Any:
    return [digest(block) for block in idxio.open(folder / "own.gz").iter_records(77)]


@operation
def verify(folder: Path) -> Any:
    return [str(idxio.verify(folder / name).packing) for name in ("raw", "own.gz", "stock.gz")]


@operation
def info(folder: Path) -> Any:
    return idxio.info(folder / "own.gz").shape


@operation
def load(folder: Path) -> Any:
    dataset = idxio.load(folder / "data")
    return digest(dataset.labels), digest(dataset.images[3])


@operation
def batches(folder: Path) -> Any:
    dataset = idxio.load(folder / "data")
    return [digest(images) for images, _ in dataset.batches(32, shuffle=True, seed=1)]


@operation
def windows(folder: Path) -> Any:
    dataset = idxio.load(folder / "data")
    return [digest(x) for x, _ in dataset.batches(32, shuffle=True, seed=1, buffer=4000)]


@operation
def check(folder: Path) -> Any:
    found = repr(idxio.check(folder / "data"))
    if "NOT OK" in found:  # it tells of what can't be read instead of raising
        raise idxio.IdxError(found)
    return found.replace(str(folder), "")


@operation
def write_raw(folder: Path) -> Any:
    return idxio.write(folder / "target-raw", IMAGES)


@operation
def write_own(folder: Path) -> Any:
    return idxio.write(folder / "target-own.gz", IMAGES, threads=2)


@operation
def write_object(folder: Path) -> Any:
    file = io.BytesIO()
    idxio.write(file, IMAGES, compression="gzip")
    return hashlib.sha256(file.getvalue()).hexdigest()


@operation
def writer(folder: Path) -> Any:
    with idxio.Writer(folder / "target-own.gz", np.uint8, (12, 12)) as file:
        for start in range(0, len(IMAGES), 50):
            file.append(IMAGES[start : start + 50])


@operation
def write_sorted(folder: Path) -> Any:
    images, labels = (
        folder / "sorted" / f"train-{what}-ubyte.gz" for what in ("images-idx3", "labels-idx1")
    )
    return digest(idxio.write_sorted(images, labels, IMAGES, LABELS))


@operation
def sort_in_place(folder: Path) -> Any:
    pair = [folder / "sorted" / f"train-{w}-ubyte.gz" for w in ("images-idx3", "labels-idx1")]
    return digest(idxio.write_sorted(*pair, *pair, order_file=folder / "order"))


@operation
def repack(folder: Path) -> Any:
    return idxio.repack(folder / "stock.gz", folder / "target-own.gz")


@operation
def unpack(folder: Path) -> Any:
    return idxio.repack(folder / "own.gz", folder / "target-raw")


@operation
def index(folder: Path) -> Any:
    idxio.build_index(folder / "stock.gz")


@operation
def build(folder: Path) -> Any:
    built = idxio.build(folder / "as-png" / "train", folder / "built", test_per_class=2, threads=1)
    return [file.shape for file in built.files]


def _exported(folder: Path, to: Any, name: str) -> None:
    idxio.export_dataset(folder / "data", folder / name, to=to, threads=1)


@operation
def export_npz(folder: Path) -> Any:
    _exported(folder, "npz", "as.npz")


@operation
def export_csv(folder: Path) -> Any:
    _exported(folder, "csv", "new-csv")


@operation
def export_png(folder: Path) -> Any:
    _exported(folder, "png", "new-png")


@operation
def export_parquet(folder: Path) -> Any:
    _exported(folder, "parquet", "new-parquet")


def _imported(folder: Path, name: str) -> None:
    idxio.import_dataset(folder / name, folder / "new", threads=1)


@operation
def import_npz(folder: Path) -> Any:
    _imported(folder, "as.npz")


@operation
def import_csv(folder: Path) -> Any:
    _imported(folder, "as-csv")


@operation
def import_png(folder: Path) -> Any:
    _imported(folder, "as-png")


@operation
def import_parquet(folder: Path) -> Any:
    _imported(folder, "as-parquet")
