"""Shuffle windows: the memory of a loop over them, and what each of eight ranks unpacks.

Run as a program, ``python -m benchmarks.loader_windows FILE``, this is a fresh process that opens a
file, says "ready", and loops over it when it is told to.
"""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import idxio
from idxio.compression.gzip.random_access import SpanReader

from .c_baseline import ask
from .core_import import ROOT
from .core_memory import peak_of
from .files import Files
from .harness import Contestant, Group, WrongError

SIZE = 256
BUFFER = 32 << 20
RANKS = 8
EPOCHS = 2


def batches(path: Path, **options: Any) -> Any:
    """Batches in windows; the label of an image is its number."""
    images = idxio.open(path)
    dataset = idxio.Dataset(images, np.arange(len(images)))
    return dataset.batches(SIZE, shuffle=True, buffer=BUFFER, **options)


def seen(path: Path, ranks: int = 1) -> list[int]:
    """The images that all ranks get."""
    everyone = [batches(path, rank=rank, world_size=ranks) for rank in range(ranks)]
    return [i for loop in everyone for _, labels in loop for i in labels.tolist()]


def unpacked(path: Path) -> float:
    """How much of the file the rank unpacks that unpacks most, in per cent."""
    total = 0
    one, lanes = SpanReader.decode, SpanReader.decode_in_lanes

    def count_one(self: Any, span: Any, *arguments: Any) -> Any:
        nonlocal total
        total += span.end - span.start
        return one(self, span, *arguments)

    def count_lanes(self: Any, index: Any, spans: Any, *arguments: Any) -> Any:
        nonlocal total
        total += sum(span.end - span.start for span in spans)
        return lanes(self, index, spans, *arguments)

    with (
        mock.patch.object(SpanReader, "decode", count_one),
        mock.patch.object(SpanReader, "decode_in_lanes", count_lanes),
    ):
        most = 0
        for rank in range(RANKS):
            total = 0
            for _ in batches(path, rank=rank, world_size=RANKS):
                pass
            most = max(most, total)
    return 100 * most / idxio.open(path).nbytes


def growth(path: Path) -> float:
    """By how many MB a process grows that loops over the file."""
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.loader_windows", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    if ask(child, "hello") != "ready":
        raise RuntimeError("the process that loops over windows did not get ready")
    grown = peak_of(child.pid, lambda: ask(child, "loop"))
    child.communicate()
    return grown


def groups(files: Files) -> list[Group]:
    own = files.folder / "windows-own.gz"
    idxio.write(own, files.images)

    def check(contestant: Contestant) -> None:
        if sorted(contestant.run()) != list(range(len(files.images))):
            raise WrongError(f"{contestant.name} did not give each image once")

    return [
        Group(
            name="windows-memory",
            title="memory of epochs in shuffle windows of 32 MiB, beyond what the process had",
            oracle="each image once",
            check=check,
            contestants=[
                Contestant(name, partial(seen, path), sample=partial(growth, path))
                for name, path in (("idxio, own .gz", own), ("idxio, stock .gz", files.gz))
            ],
            ours="idxio, own .gz",
            unit="MB",
            most=5,
        ),
        Group(
            name="windows-ranks",
            title=f"what a rank of {RANKS} unpacks of the file in an epoch, at the most",
            oracle="each image once",
            check=check,
            contestants=[
                Contestant("idxio", partial(seen, own, RANKS), sample=partial(unpacked, own))
            ],
            ours="idxio",
            unit="% of the file",
            most=1,
        ),
    ]


def main(path: str) -> None:
    loop = batches(Path(path))
    for line in sys.stdin:
        if line == "hello\n":
            print("ready", flush=True)
        elif line == "loop\n":
            for _ in range(EPOCHS):
                for _ in loop:
                    pass
            print("done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
