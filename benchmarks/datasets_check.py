"""idxio check beside reading the same four files, and beside plain Python that finds the same."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import idxio

from .harness import Contestant, Group, WrongError

NAMES = [
    f"{split}-{kind}.gz"
    for split in ("train", "t10k")
    for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")
]


def groups(data: Path) -> list[Group]:
    expected = plain_python(data)

    def check(contestant: Contestant) -> None:
        found = contestant.run()
        if isinstance(found, list):
            return  # the arrays alone
        if isinstance(found, idxio.Check):
            found = _facts(found)
        if found != expected:
            raise WrongError(f"{contestant.name} found {found}, the oracle {expected}")

    contestants: list[tuple[str, Callable[[Path], Any]]] = [
        ("idxio.check", idxio.check),
        ("idxio.read, all four", read_all),
        ("gzip + numpy + a set of bytes", plain_python),
    ]
    return [
        Group(
            name="check",
            title=(
                "check the four files of Fashion-MNIST: counts, copies, constant pictures, mean,"
                " values"
            ),
            oracle="gzip.decompress, numpy and a dict of the pictures' bytes",
            check=check,
            contestants=[Contestant(name, partial(run, data)) for name, run in contestants],
            ours="idxio.check",
        ),
        _stats_group(data / NAMES[0]),
    ]


def _stats_group(path: Path) -> Group:
    """Mean and standard deviation of the train images beside reading them."""
    pixels = np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=16)
    expected = pixels.mean(), pixels.std()

    def stats() -> Any:
        return idxio.Dataset(path, np.zeros(60_000, np.uint8)).stats()

    def plain() -> Any:
        images = idxio.read(path)
        return images.mean(), images.std()

    def check(contestant: Contestant) -> None:
        found = contestant.run()
        if isinstance(found, tuple) and not np.allclose(found, expected):
            raise WrongError(f"{contestant.name} found {found}, the oracle {expected}")

    return Group(
        name="stats",
        title="mean and standard deviation of Fashion-MNIST's train images, stock gzip",
        oracle="gzip.decompress and numpy",
        check=check,
        contestants=[
            Contestant("Dataset.stats", stats),
            Contestant("idxio.read", lambda: idxio.read(path)),
            Contestant("idxio.read + numpy", plain),
        ],
        ours="Dataset.stats",
    )


def read_all(data: Path) -> list[Any]:
    return [idxio.read(data / name) for name in NAMES]


def plain_python(data: Path) -> dict[str, Any]:
    """The counts, the numbers of copies and of constant pictures, the sums and the histogram,
    without idxio.
    """
    facts: dict[str, Any] = {}
    before: set[bytes] = set()
    for images, labels in (NAMES[:2], NAMES[2:]):
        x, y = (gzip.decompress((data / name).read_bytes()) for name in (images, labels))
        pixels = np.frombuffer(x, np.uint8, offset=16).reshape(-1, 784)
        copies = Counter(row.tobytes() for row in pixels)
        facts[images] = {
            "counts": np.bincount(np.frombuffer(y, np.uint8, offset=8)).tolist(),
            "copies": len(pixels) - len(copies),
            "shared": sum(n for picture, n in copies.items() if picture in before),
            "constant": int((pixels == pixels[:, :1]).all(axis=1).sum()),
            "sum": pixels.sum(axis=0, dtype=np.uint64).tolist(),
            "values": np.bincount(pixels.reshape(-1), minlength=256).tolist(),
        }
        before |= copies.keys()
    return facts


def _facts(found: idxio.Check) -> dict[str, Any]:
    """The same of what idxio found."""
    facts: dict[str, Any] = {}
    first = (0, 0)
    for images, seen in zip((NAMES[0], NAMES[2]), found.splits.values(), strict=True):
        here = (first[1], first[1] + seen.shape[0])
        if seen.sums is None or seen.histogram is None:
            raise WrongError(f"{images} has no sums")
        facts[images] = {
            "counts": seen.counts.tolist(),
            "copies": len(found.duplicates.copies(*here)),
            "shared": len(found.duplicates.shared(first, here)),
            "constant": int(seen.constant.sum()),
            "sum": seen.sums.sum(axis=0).reshape(-1).tolist(),
            "values": seen.histogram.tolist(),
        }
        first = here
    return facts
