"""Sorting by label, what that makes of the files, and what a class costs to read.

Run as a program, ``python -m benchmarks.datasets_sort FOLDER``, this is a process that sorts when
it is told to, for its peak memory: it says "ready" when it holds the train images.
"""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np

import idxio

from .c_baseline import ask
from .core_import import ROOT
from .core_memory import peak_of
from .files import IMAGES, LABELS, TEST_LABELS, Array, Files, header
from .harness import Contestant, Group, WrongError, equal_to

CLASS = 3


def groups(files: Files) -> list[Group]:
    labels = _labels(files.folder / f"{LABELS}.gz")
    test_labels = _labels(files.folder / f"{TEST_LABELS}.gz")
    folder = files.folder / "sorted"
    folder.mkdir()
    ours = folder / f"{IMAGES}.gz", folder / f"{LABELS}.gz"
    peers = files.folder / "peer-images.gz", files.folder / "peer-labels.gz"
    order = np.argsort(labels, kind="stable")
    start, stop = np.searchsorted(labels[order], [CLASS, CLASS + 1]).tolist()
    idxio.write_sorted(*ours, files.images, labels)
    written = {"idxio.write_sorted": ours, "argsort + take + gzip.compress": peers}

    def check(contestant: Contestant) -> None:
        contestant.run()
        found = [gzip.decompress(path.read_bytes()) for path in written[contestant.name]]
        if (
            found[0][16:] != files.images[order].tobytes()
            or found[1][8:] != labels[order].tobytes()
        ):
            raise WrongError(f"{contestant.name} wrote other records, or in another order")

    sizes = {"idxio, train": labels, "idxio, t10k": test_labels}

    def size(name: str, values: Array) -> float:
        """Of the sorted label file."""
        path = files.folder / f"{name}.gz"
        idxio.write_sorted(
            files.folder / "no-images.gz", path, np.zeros(len(values), np.uint8), values
        )
        return path.stat().st_size

    def check_size(contestant: Contestant) -> None:
        values = sizes[contestant.name.replace("gzip.compress", "idxio")]
        if contestant.name in sizes:
            size(contestant.name, values)
            found = gzip.decompress((files.folder / f"{contestant.name}.gz").read_bytes())
            if found != header(0x08, values.shape) + np.sort(values).tobytes():
                raise WrongError(f"{contestant.name} are other labels")

    return [
        Group(
            name="write-sorted",
            title="the train images and labels sorted by label, level 6, to two .gz",
            oracle="numpy's stable argsort and gzip.decompress",
            check=check,
            contestants=[
                Contestant(
                    "idxio.write_sorted", partial(idxio.write_sorted, *ours, files.images, labels)
                ),
                Contestant(
                    "argsort + take + gzip.compress", partial(_peer, peers, files.images, labels)
                ),
            ],
            ours="idxio.write_sorted",
            before=os.sync,
        ),
        Group(
            name="sort-memory",
            title=(
                "peak memory of write_sorted in a fresh process, beyond the images and labels that"
                " it holds"
            ),
            oracle="none: it is a size",
            check=lambda contestant: None,
            contestants=[
                Contestant("idxio.write_sorted", lambda: None, sample=partial(_peak, files.folder)),
            ],
            ours="idxio.write_sorted",
            unit="MB",
            most=3,
        ),
        Group(
            name="label-files",
            title="size of a sorted label file",
            oracle="numpy's sort and gzip.decompress",
            check=check_size,
            contestants=[
                *(
                    Contestant(n, lambda: None, sample=partial(size, n, v))
                    for n, v in sizes.items()
                ),
                *(
                    Contestant(
                        n.replace("idxio", "gzip.compress"),
                        lambda: None,
                        sample=partial(_gzip_size, v),
                    )
                    for n, v in sizes.items()
                ),
            ],
            ours="idxio, train",
            unit="bytes",
            most=1,
        ),
        Group(
            name="of-class",
            title=f"the images of class {CLASS} from the sorted train .gz, opened for it",
            oracle="the published images",
            check=lambda c: equal_to(
                files.images if "whole" in c.name else files.images[order[start:stop]]
            )(
                Contestant(
                    c.name, (lambda: c.run()[np.argsort(order)]) if "whole" in c.name else c.run
                )
            ),
            contestants=[
                Contestant(
                    "Dataset(file).of_class",
                    lambda: idxio.Dataset(ours[0], labels[order]).of_class(CLASS),
                ),
                Contestant("load(directory).of_class", lambda: idxio.load(folder).of_class(CLASS)),
                Contestant("idxio.read, whole", lambda: idxio.read(ours[0])),
            ],
            ours="Dataset(file).of_class",
        ),
    ]


def _labels(path: Path) -> Array:
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=8)


def _peer(paths: tuple[Path, Path], images: Array, labels: Array) -> None:
    order = np.argsort(labels, kind="stable")
    for path, array in zip(paths, (images, labels), strict=True):
        data = header(0x08, array.shape) + np.take(array, order, axis=0).tobytes()
        path.write_bytes(gzip.compress(data, 6))


def _gzip_size(labels: Array) -> float:
    return len(gzip.compress(header(0x08, labels.shape) + np.sort(labels).tobytes(), 9))


def _peak(folder: Path) -> float:
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.datasets_sort", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    ask(child, "hello")
    peak = peak_of(child.pid, lambda: ask(child, "sort"))
    child.communicate()
    return peak


def main(folder: str) -> None:
    images, labels = (idxio.read(Path(folder, f"{name}.gz")) for name in (IMAGES, LABELS))
    for line in sys.stdin:
        if line == "sort\n":
            idxio.write_sorted(
                Path(folder, "m-images.gz"), Path(folder, "m-labels.gz"), images, labels
            )
        print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
