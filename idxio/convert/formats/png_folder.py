"""PNG folders: train/3/00017.png is record 17 of the training images, and its label is 3."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable

import numpy as np

from ..._util.types import Array
from ...datasets.classes import same_numbers
from ...errors import FormatError, naming
from ...storage.file_object import write_all
from ...storage.regular import read_regular
from ..images.decode import quiet
from ..process_pool import run
from . import png
from .common import Blocks, Split, check_pictures, classes_of, each, images_of, records_at_once

# Pictures decoded in one go, at most.
_BATCH = 256
# The least digits of a file name; more where there are more records, so that the names sort.
_DIGITS = 5
# Larger labels have no type in IDX.
_LARGEST = np.iinfo(np.int32).max


def write_pngs(folder: str, split: Split, threads: int, step: Callable[[int], None]) -> None:
    """Write a folder of the split with a subfolder for each class, as PyTorch's ImageFolder and
    Keras read it.
    """
    check_pictures(split, "PNG")
    labels = classes_of(split)
    top = os.path.join(folder, split.name)
    os.mkdir(top)
    width = len(str(labels.max(initial=0)))
    for label in np.unique(labels).tolist():
        os.mkdir(os.path.join(top, f"{label:0{width}}"))
    digits = max(_DIGITS, len(str(len(labels) - 1)))
    for start, block in images_of(split):
        names = [
            f"{labels[i]:0{width}}/{i:0{digits}}.png" for i in range(start, start + len(block))
        ]
        each(
            _write,
            [(os.path.join(top, name), image) for name, image in zip(names, block, strict=True)],
            threads,
        )
        step(len(block))


def _write(item: tuple[str, Array]) -> None:
    path, image = item
    with naming(path), open(path, "xb", buffering=0) as file:
        write_all(file, png.encode(image))


def png_blocks(folder: str, count: int | None, threads: int) -> Blocks:
    """The records of a folder that `write_pngs` wrote, in their order: images, uint8, and labels,
    int64.

    count is how many there should be; None if nobody knows.
    """
    paths, labels = _find(folder)
    if count is not None and len(paths) != count:  # the last ones are missing
        raise FormatError(f"holds {len(paths):,} pictures, expected {count:,}", file=folder)
    with quiet():
        shape = _read(paths[0], folder).shape
    many = min(_BATCH, records_at_once(math.prod(shape)))
    starts = range(0, len(paths), many)
    begin = time.perf_counter()
    first = read_all(paths[:many], folder, shape)
    seconds = time.perf_counter() - begin
    yield first, labels[:many]
    jobs = ((paths[start : start + many], folder, shape) for start in starts[1:])
    blocks = run(read_all, jobs, threads, seconds * (len(starts) - 1))
    for start, block in zip(starts[1:], blocks, strict=True):
        yield block, labels[start : start + many]


def read_all(paths: list[str], folder: str, shape: tuple[int, ...]) -> Array:
    """The pictures at paths below folder, which all have the shape."""
    with quiet():
        images = [_read(path, folder) for path in paths]
    return png.stack(images, shape, paths, folder)


def _read(path: str, folder: str) -> Array:
    return png.decode(read_regular(os.path.join(folder, path)), path, folder)


def _find(folder: str) -> tuple[list[str], Array]:
    """The paths below folder and the labels, in the order of the records."""
    names: dict[int, str] = {}
    label_of: dict[int, int] = {}
    labels = _entries(folder)
    if same := same_numbers(labels):
        raise FormatError(
            f"has the folders {same[0]!r} and {same[1]!r}, which are one number; leave one",
            file=folder,
        )
    for label in labels:
        if not (
            os.path.isdir(os.path.join(folder, label)) and label.isascii() and label.isdecimal()
        ):
            raise FormatError(
                f"holds {label!r}, expected folders with the numbers of classes, as idxio export"
                " writes them; idxio build takes pictures of your own",
                file=folder,
            )
        if int(label) > _LARGEST:
            raise FormatError(
                f"has the folder {label}, expected the number of a class, 0 to {_LARGEST:,}",
                file=folder,
            )
        for name in _entries(os.path.join(folder, label)):
            path = os.path.join(label, name)
            stem, suffix = os.path.splitext(name)
            if not (stem.isascii() and stem.isdecimal()) or suffix != ".png":
                raise FormatError(
                    f"holds {path!r}, expected names like 00017.png, as idxio export writes them; "
                    "idxio build takes pictures of your own",
                    file=folder,
                )
            if (number := int(stem)) in names:
                raise FormatError(
                    f"has record {number:,} twice: {names[number]} and {path}", file=folder
                )
            names[number] = path
            label_of[number] = int(label)
    if not names:
        raise FormatError("holds no pictures", file=folder)
    for number in range(len(names)):
        if number not in names:
            raise FormatError(
                f"has no picture {number:0{_DIGITS}}.png in any class, but has {names[max(names)]}",
                file=folder,
            )
    numbers = range(len(names))
    return [names[i] for i in numbers], np.array([label_of[i] for i in numbers], np.int64)


def _entries(folder: str) -> list[str]:
    return sorted(name for name in os.listdir(folder) if not name.startswith("."))
