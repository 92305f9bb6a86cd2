"""Datasets to CSV and to PNG folders, and back, beside what one would write without idxio."""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import idxio

from .files import LABELS, Array, Files
from .harness import Contestant, Group, equal_to

# Of the 60,000: savetxt takes most of the time.
RECORDS = 5_000


def groups(files: Files) -> list[Group]:
    folder = files.folder / "converting"
    data = folder / "data"
    out = folder / "out"
    back = folder / "back"
    images = files.images[:RECORDS]
    labels = idxio.read(files.folder / f"{LABELS}.gz", rows=slice(RECORDS))
    table = np.concatenate((labels[:, None], images.reshape(RECORDS, -1)), axis=1)
    data.mkdir(parents=True)
    idxio.write(data / "train-images-idx3-ubyte", images)
    idxio.write(data / "train-labels-idx1-ubyte", labels)
    csv = folder / "csv"
    pngs = folder / "png"
    idxio.export_dataset(data, csv, to="csv")

    def clean() -> None:
        shutil.rmtree(out, ignore_errors=True)
        shutil.rmtree(back, ignore_errors=True)

    def export(to: str, read: Callable[[], Array]) -> Callable[[], Any]:
        def run() -> Any:
            clean()
            idxio.export_dataset(data, out, to=to)
            return read

        return run

    def run_import(source: Path) -> Callable[[], Array]:
        def run() -> Array:
            clean()
            idxio.import_dataset(source, back, level=1)
            return idxio.read(back / "train-images-idx3-ubyte.gz")

        return run

    def savetxt() -> Any:
        clean()
        out.mkdir()
        x = idxio.read(data / "train-images-idx3-ubyte").reshape(RECORDS, -1)
        y = idxio.read(data / "train-labels-idx1-ubyte")
        np.savetxt(out / "train.csv", np.concatenate((y[:, None], x), axis=1), "%d", ",")
        return read_csv

    def loadtxt() -> Array:
        clean()
        back.mkdir()
        loaded = np.loadtxt(csv / "train.csv", np.uint8, delimiter=",", skiprows=1)
        idxio.write(back / "images.gz", loaded[:, 1:].reshape(-1, 28, 28), level=1)
        return idxio.read(back / "images.gz")

    def save_pngs() -> Any:
        clean()
        image = importlib.import_module("PIL.Image")
        for k in range(10):
            os.makedirs(out / "train" / str(k))
        for i, (x, y) in enumerate(zip(images, labels, strict=True)):
            image.fromarray(x).save(out / "train" / str(y) / f"{i:05}.png")
        return read_pngs

    def load_pngs() -> Array:
        clean()
        back.mkdir()
        image = importlib.import_module("PIL.Image")
        paths = sorted((pngs / "train").glob("*/*.png"), key=lambda path: path.name)
        loaded = np.stack([np.asarray(image.open(path)) for path in paths])
        idxio.write(back / "images.gz", loaded, level=1)
        return idxio.read(back / "images.gz")

    def read_csv() -> Array:
        (path,) = out.glob("train.csv")
        lines = path.read_text().splitlines()
        lines = lines[lines[0].startswith("label") :]
        return np.array([line.split(",") for line in lines], np.uint8)

    def read_pngs() -> Array:
        image = importlib.import_module("PIL.Image")
        paths = sorted((out / "train").glob("*/*.png"), key=lambda path: path.name)
        return np.stack([np.asarray(image.open(path)) for path in paths])

    def written(expected: Array) -> Callable[[Contestant], None]:
        same = equal_to(expected)
        return lambda contestant: same(Contestant(contestant.name, contestant.run()))

    def with_pngs() -> None:
        if not pngs.exists():
            idxio.export_dataset(data, pngs, to="png")

    def check_import(contestant: Contestant) -> None:
        with_pngs()
        equal_to(images)(contestant)

    title = f"of {RECORDS:,} train images"
    return [
        Group(
            name="csv-write",
            title=f"IDX files {title} to CSV",
            oracle="the fields of the text, split by Python",
            check=written(table),
            contestants=[
                Contestant("idxio.export_dataset", export("csv", read_csv)),
                Contestant("read + numpy.savetxt", savetxt),
            ],
            ours="idxio.export_dataset",
        ),
        Group(
            name="csv-read",
            title=f"CSV {title} to IDX files",
            oracle="the images",
            check=equal_to(images),
            contestants=[
                Contestant("idxio.import_dataset", run_import(csv)),
                Contestant("numpy.loadtxt + write", loadtxt),
            ],
            ours="idxio.import_dataset",
        ),
        Group(
            name="png-write",
            title=f"IDX files {title} to PNG folders",
            oracle="the pixels of the pictures, read by Pillow",
            check=written(images),
            contestants=[
                Contestant("idxio.export_dataset", export("png", read_pngs), "PIL", "Pillow"),
                Contestant("a loop of Pillow", save_pngs, "PIL", "Pillow"),
            ],
            ours="idxio.export_dataset",
        ),
        Group(
            name="png-read",
            title=f"PNG folders {title} to IDX files",
            oracle="the images",
            check=check_import,
            contestants=[
                Contestant("idxio.import_dataset", run_import(pngs), "PIL", "Pillow"),
                Contestant("a loop of Pillow + write", load_pngs, "PIL", "Pillow"),
            ],
            ours="idxio.import_dataset",
        ),
    ]
