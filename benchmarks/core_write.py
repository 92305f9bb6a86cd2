"""Writing a raw file to the disk, flushed."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import idxio

from .files import Array, Files, header
from .harness import Contestant, Group, WrongError


def idxio_write(path: Path, images: Array) -> None:
    idxio.write(path, images)


def tofile(path: Path, images: Array) -> None:
    with open(path, "wb") as file:
        file.write(header(0x08, images.shape))
        file.flush()
        images.tofile(file)
        os.fsync(file.fileno())


def tofile_replace(path: Path, images: Array) -> None:
    """What it takes to replace the file as idxio does: the old one or the new one is there, whole,
    at any moment.
    """
    temporary = path.with_suffix(".tmp")
    tofile(temporary, images)
    os.replace(temporary, path)
    fd = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def idx2numpy_write(path: Path, images: Array) -> None:
    with open(path, "wb") as file:
        importlib.import_module("idx2numpy").convert_to_file(file, images)
        file.flush()
        os.fsync(file.fileno())


def groups(files: Files) -> list[Group]:
    def check(contestant: Contestant) -> None:
        contestant.run()
        path = targets[contestant.name]
        if path.read_bytes() != files.payload:
            raise WrongError(f"{contestant.name} wrote other bytes than the published file has")

    targets: dict[str, Path] = {}

    def contestant(
        name: str, run: Callable[[Path, Array], None], module: str | None = None
    ) -> Contestant:
        # Each replaces a file of its own, which the check made.
        targets[name] = files.folder / f"written-{len(targets)}"
        return Contestant(name, partial(run, targets[name], files.images), module, module)

    return [
        Group(
            name="write-raw",
            title="write the train images raw over an old file, flushed to disk",
            oracle="the bytes of the published file, unpacked",
            check=check,
            contestants=[
                contestant("idxio.write", idxio_write),
                contestant("ndarray.tofile + fsync", tofile),
                contestant("the same, replacing as idxio does", tofile_replace),
                contestant("idx2numpy + fsync", idx2numpy_write, "idx2numpy"),
            ],
            ours="idxio.write",
            before=os.sync,  # nobody pays for what the one before left to the journal
        )
    ]
