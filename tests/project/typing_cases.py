"""What a type checker makes of the public names. mypy checks this file; nothing runs it.

A line with `type: ignore` is an error that the checker must find: mypy complains about an unused
one.
"""

from pathlib import Path
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import idxio
from idxio.loader.batches import Batches
from idxio.loader.state import BatchState

Array = np.ndarray[Any, np.dtype[Any]]
F: NDArray[np.float32] = np.zeros(3, np.float32)
MASK: NDArray[np.bool_] = np.zeros(3, np.bool_)


def read(path: Path, flag: bool) -> None:
    assert_type(idxio.read(path), Array)
    assert_type(idxio.read(b""), Array)
    assert_type(idxio.read(path, slice(3), threads=2), Array)
    assert_type(idxio.read(path, [1, 2]), Array)
    assert_type(idxio.read(path, MASK, mmap=flag, cache=True), Array)
    assert_type(idxio.read(path, mmap=True), Array)
    assert_type(idxio.read(path, out=F), NDArray[np.float32])  # what it was given
    idxio.read(path, out=F, mmap=True)  # type: ignore[call-overload]
    idxio.read(path, 0.5)  # type: ignore[call-overload]
    idxio.read(3)  # type: ignore[call-overload]
    idxio.read(path, None, F)  # type: ignore[call-overload]


def array(f: idxio.IdxArray) -> None:
    assert_type(f[3:5], Array)
    assert_type(f[...], Array)
    assert_type(f[[3, 1]], Array)
    assert_type(f[MASK], Array)
    assert_type(f[np.arange(3)], Array)
    assert_type(f[None], Array)
    assert_type(f[3], Any)  # of one axis an element, else an array
    assert_type(f[np.int64(3)], Any)
    assert_type(f[3, 5:7], Any)
    f["3"]  # type: ignore[call-overload]
    f[0.5]  # type: ignore[call-overload]
    assert_type(f.shape, tuple[int, ...])
    assert_type(f.chunks, tuple[int, ...] | None)
    assert_type(f.array, Array)
    assert_type(f.read(), Array)
    assert_type(f.read(out=F), NDArray[np.float32])
    assert_type(next(f.iter_records(3)), Array)
    assert_type(np.asarray(f), NDArray[Any])
    assert_type(np.asarray(f, np.float32), NDArray[np.float32])
    f.mean()  # type: ignore[attr-defined]
    f / 255  # what is refused when it runs
    np.from_dlpack(f)


def dataset(ds: idxio.Dataset) -> None:
    assert_type(ds[3], tuple[Array, np.integer[Any]])
    assert_type(ds[np.int64(3)], tuple[Array, np.integer[Any]])
    assert_type(ds[3:5], idxio.Dataset)
    assert_type(ds[[3, 1]], idxio.Dataset)
    assert_type(ds[MASK], idxio.Dataset)
    assert_type(ds.split(0.5, seed=1), tuple[idxio.Dataset, ...])
    assert_type(ds.folds(5, seed=1), list[tuple[idxio.Dataset, idxio.Dataset]])
    assert_type(idxio.Dataset.concat([ds, ds]), idxio.Dataset)
    assert_type(ds.class_weights, dict[int, float])
    assert_type(ds.counts, dict[int, int])
    assert_type(ds.labels, Array)
    assert_type(idxio.load(Path(), "test"), idxio.Dataset)
    assert_type(idxio.load(idxio.fetch("mnist", Path(), mirror=["https://x/"])), idxio.Dataset)
    idxio.fetch("mnist", mirror=3)  # type: ignore[arg-type]
    idxio.Dataset(ds.images, ds.labels)
    idxio.Dataset(Path("x"), [1, 2])
    idxio.Dataset(3.5j.conjugate, [1])  # type: ignore[arg-type]


def batches(ds: idxio.Dataset) -> None:
    b = ds.batches(3, scale=1 / 255, mean=[0.2, 0.3], dtype="float32", remainder="pad")
    ds.batches(3, remainder="some")  # type: ignore[arg-type]
    ds.batches(3, mean=len)  # type: ignore[arg-type]
    ds.batches(3, mean="dataset", weights=ds.class_weights, channels="first", one_hot=True)
    ds.batches(3, channels="middle")  # type: ignore[arg-type]
    assert_type(b, Batches)
    state = b.state_dict()
    assert_type(state, BatchState)
    assert_type(state["position"], int)
    state["place"]  # type: ignore[typeddict-item]
    b.load_state_dict(state)
    b.load_state_dict({"epoch": 1})


def writing(path: Path, f: idxio.IdxArray) -> None:
    idxio.write(path, [[1, 2]])
    idxio.write(path, np.zeros(3))
    idxio.write(path, f)
    idxio.write(path, {1: 2}.items)  # type: ignore[arg-type]
    with idxio.Writer(path, "uint8", (28, 28)) as w:
        w.append(f[:10])
    idxio.Writer(path, np.float32, [2]).append([[1, 2]])
    assert_type(idxio.write_sorted(path, path, [f, path], [[1, 2], path]), Array)


def words(path: Path) -> None:
    idxio.export_dataset(path, path, to="npz")
    idxio.export_dataset(path, path, to="jpeg")  # type: ignore[arg-type]
    idxio.build(path, path, colour="rgb", pipeline="fit")
    idxio.build(path, path, add=True, val_per_class=5, range=(0, 4095), about={"source": "x"})
    idxio.build(path, path, range="auto")
    idxio.build(path, path, range="full")  # type: ignore[arg-type]
    idxio.build(path, path, colour="red")  # type: ignore[arg-type]
    idxio.build(path, path, pipeline="mnist")  # type: ignore[arg-type]
