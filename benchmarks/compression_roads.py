"""Each road of reading that decodes in lanes, beside the same road without them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import idxio
from idxio._native import lanes

from .files import LABELS, Files
from .harness import Contestant, Group, MissingError, equal_to

MANY = 10_000  # records of `f[ids]`
CLASS = 3
BUFFER = 16 << 20  # of the shuffle windows, so that the data do not fit


def _with(word: str, run: Callable[[], Any]) -> Any:
    if word == "on" and not lanes.supported():
        raise MissingError("this processor has no lanes")
    os.environ["IDXIO_LANES"] = {"on": "auto", "off": "off"}[word]
    try:
        return run()
    finally:
        del os.environ["IDXIO_LANES"]


def _bgzip(raw: Path, path: Path) -> None:
    try:
        with open(path, "wb") as out:
            subprocess.run(["bgzip", "-c", str(raw)], stdout=out, check=True)
    except FileNotFoundError:
        raise MissingError("bgzip is missing: apt-get install tabix") from None


def _blocks(path: Path) -> Any:
    """The sum of the first pixels, which all blocks of a stream gave."""
    with idxio.open(path) as f:
        return np.array(sum(int(block[:, 14, 14].sum()) for block in f.iter_records(256)))


def _epoch(path: Path, labels: np.ndarray) -> Any:
    """The same of an epoch in shuffle windows."""
    dataset = idxio.Dataset(idxio.open(path), labels)
    batches = dataset.batches(256, shuffle=True, seed=1, buffer=BUFFER, drop_last=False)
    return np.array(sum(int(images[:, 14, 14].sum()) for images, _ in batches))


def groups(files: Files) -> list[Group]:
    """The groups of this module, in the order of the report."""
    images, labels = files.images, idxio.read(files.folder / f"{LABELS}.gz")
    folder = files.folder
    own, bgzip = folder / "roads-own.gz", folder / "roads-bgzip.gz"
    sorted_images = folder / "roads-sorted-images-idx3-ubyte.gz"
    idxio.write(own, images)
    idxio.write_sorted(sorted_images, folder / "roads-sorted-labels-idx1-ubyte.gz", images, labels)
    ids = np.random.default_rng(0).permutation(len(images))[:MANY]
    of_class = images[labels == CLASS]
    start = int((labels < CLASS).sum())
    middle = np.array(images[:, 14, 14].sum(dtype=np.int64))

    def read_bgzip() -> Any:
        if not bgzip.exists():
            _bgzip(files.raw, bgzip)
        return idxio.read(bgzip, threads=2)

    roads: list[tuple[str, str, Callable[[], Any], Any]] = [
        ("roads-bgzip", "the train images packed by bgzip, two threads", read_bgzip, images),
        (
            "roads-class",
            "a class of a file sorted by label",
            lambda: idxio.open(sorted_images)[start : start + len(of_class)],
            of_class,
        ),
        (
            "roads-ids",
            f"{MANY:,} scattered records of a file that idxio wrote",
            lambda: idxio.open(own)[ids],
            images[ids],
        ),
        (
            "roads-stream",
            "all records in blocks of 256 of a file that idxio wrote",
            partial(_blocks, own),
            middle,
        ),
        (
            "roads-epoch",
            f"an epoch in shuffle windows of {BUFFER >> 20} MiB over a file that idxio wrote",
            partial(_epoch, own, labels),
            middle,
        ),
    ]

    return [
        Group(
            name=name,
            title=title,
            oracle="the published images",
            check=equal_to(expected),
            contestants=[
                Contestant("in lanes", partial(_with, "on", run)),
                Contestant("IDXIO_LANES=off", partial(_with, "off", run)),
            ],
            ours="in lanes",
        )
        for name, title, run, expected in roads
    ]
