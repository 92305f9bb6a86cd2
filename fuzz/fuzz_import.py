"""Feeds broken files of other programs to import and to what lies beside IDX files; see harness.

The first byte of an input chooses what the others are. Each must give a dataset or an IdxError,
and where numpy finds arrays, the same ones.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import harness
import numpy as np

import idxio

IMAGES = np.arange(6 * 4 * 4, dtype=np.uint8).reshape(6, 4, 4)
LABELS = np.arange(6, dtype=np.uint8) % 3


def imported(source: Path) -> None:
    out = source.parent / "out"
    idxio.import_dataset(source, out, threads=1)
    if any("labels" in path.name for path in out.iterdir()):
        idxio.load(out, split="train" if list(out.glob("train-*")) else "test")


def npy(folder: Path, data: bytes) -> None:
    (folder / "a.npy").write_bytes(data)
    idxio.import_dataset(folder / "a.npy", folder / "a.idx", threads=1)
    with contextlib.suppress(Exception):
        assert np.array_equal(np.load(folder / "a.npy"), idxio.read(folder / "a.idx"))


def npz(folder: Path, data: bytes) -> None:
    (folder / "a.npz").write_bytes(data)
    imported(folder / "a.npz")


def csv(folder: Path, data: bytes) -> None:
    (folder / "train.csv").write_bytes(data)
    imported(folder / "train.csv")


def parquet(folder: Path, data: bytes) -> None:
    (folder / "train.parquet").write_bytes(data)
    imported(folder / "train.parquet")


def picture(folder: Path, data: bytes) -> None:
    (folder / "png" / "train" / "0").mkdir(parents=True)
    (folder / "png" / "train" / "0" / "00000.png").write_bytes(data)
    imported(folder / "png")


def description(folder: Path, data: bytes) -> None:
    idxio.write(folder / "train-images-idx3-ubyte", IMAGES)
    idxio.write(folder / "train-labels-idx1-ubyte", LABELS)
    (folder / "dataset.json").write_bytes(data)
    repr(idxio.load(folder))
    idxio.check(folder)


def seek_index(folder: Path, data: bytes) -> None:
    path = folder / "a.gz"
    path.write_bytes(_GZIP)
    Path(f"{path}.seek").write_bytes(data)
    with warnings.catch_warnings(), idxio.open(path) as file:
        warnings.simplefilter("ignore")
        assert np.array_equal(file[3], IMAGES[3])
        assert np.array_equal(idxio.read(path), IMAGES)


def raw(folder: Path, data: bytes) -> None:
    (folder / "a").write_bytes(data)
    idxio.read(folder / "a")


KINDS: list[Callable[[Path, bytes], None]] = [
    npy, npz, csv, parquet, picture, description, seek_index, raw,
]  # fmt: skip


def one_input(data: bytes) -> None:
    """What libFuzzer calls."""
    if not data:
        return
    run = KINDS[data[0] % len(KINDS)]
    with tempfile.TemporaryDirectory(dir=_SHM) as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.suppress(idxio.IdxError):
            run(Path(name), data[1:])


_SHM = "/dev/shm" if os.path.isdir("/dev/shm") else None


def _packed() -> tuple[bytes, bytes]:
    """A gzip file without a table, and its index."""
    import gzip

    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "a.gz")
        raw = io.BytesIO()
        idxio.write(raw, IMAGES)
        path.write_bytes(gzip.compress(raw.getvalue(), mtime=0))
        idxio.build_index(path)
        return path.read_bytes(), Path(f"{path}.seek").read_bytes()


_GZIP, _INDEX = _packed()


def seeds() -> dict[str, bytes]:
    """A file of each kind."""
    found: dict[str, list[bytes]] = {kind.__name__: [] for kind in KINDS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        idxio.write(folder / "train-images-idx3-ubyte", IMAGES)
        idxio.write(folder / "train-labels-idx1-ubyte", LABELS)
        about = {"class_names": {"0": "a", "1": "b", "2": "c"}, "license": "MIT"}
        (folder / "dataset.json").write_text(json.dumps(about))
        found["description"] += [(folder / "dataset.json").read_bytes(), b"{}"]
        for to, suffix in (("npz", "npz"), ("csv", "csv"), ("parquet", "parquet")):
            target = folder / f"out-{to}{'.npz' if to == 'npz' else ''}"
            idxio.export_dataset(folder, target, to=to)  # type: ignore[arg-type]
            paths = [target] if target.is_file() else sorted(target.rglob(f"*.{suffix}"))
            found[to] += [path.read_bytes() for path in paths]
        idxio.export_dataset(folder, folder / "png", to="png")
        found["picture"].append(next((folder / "png").rglob("*.png")).read_bytes())
        found["raw"].append((folder / "train-images-idx3-ubyte").read_bytes())
    for array in (IMAGES, IMAGES.astype(np.float32), np.asfortranarray(IMAGES)):
        file = io.BytesIO()
        np.save(file, array)
        found["npy"].append(file.getvalue())
    for y in (LABELS, LABELS.astype(str)):
        file = io.BytesIO()
        np.savez_compressed(file, x_train=IMAGES, y_train=y, x_test=IMAGES[:2], y_test=y[:2])
        found["npz"].append(file.getvalue())
    found["csv"] += [
        b"label;a;b;c;d\ncat;1;2;3;4\ndog;5;6;7;8\n",
        b'"1 2 3 4",0\n"5 6 7 8",1\n',
        b"1,2,3,4,0\n5,6.0,7,8,1\n",
    ]
    found["seek_index"].append(_INDEX)
    return {
        f"{kind.__name__}-{k}": bytes([number]) + data
        for number, kind in enumerate(KINDS)
        for k, data in enumerate(found[kind.__name__])
    }


if __name__ == "__main__":
    harness.main(one_input, seeds)
