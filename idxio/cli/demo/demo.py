"""idxio demo: a dataset read, timed, looked at and learned from, in one command."""

from __future__ import annotations

import errno
import os
import tempfile
import time
from contextlib import ExitStack

import numpy as np

from ..._util.types import Array
from ...core.info import info
from ...core.read import read
from ...core.write import write
from ...datasets.dataset import Dataset
from .. import drawing, exit_codes
from ..text import dimensions, printable
from . import classifier, digits, four_files, timing

_FASHION = "/usr/share/datasets/fashion-mnist"  # Debian's package dataset-fashion-mnist
_PER_LINE = 10  # classes


def run(folder: str | None, *, drawn: bool, keep: str | None) -> int:
    """Run on a folder, on Debian's Fashion-MNIST, or on digits drawn into `keep` or a temporary
    folder.
    """
    with ExitStack() as stack:
        if folder is None and not drawn and keep is None and os.path.isdir(_FASHION):
            folder = _FASHION
        if folder is None:
            with exit_codes.naming("temporary directory"):
                folder = keep or stack.enter_context(
                    tempfile.TemporaryDirectory(prefix="idxio-demo-")
                )
            _write_drawn(folder)
        files = four_files.find(folder)
        data = _read(files)
        _print_counts(data)
        _print_times(files[0])
        _print_sheet(data)
        _train(data)
    return exit_codes.FINE


def _write_drawn(folder: str) -> None:
    """Draw digits and write them as the four files of a new dataset."""
    paths = [os.path.join(folder, f"{name}.gz") for name in four_files.NAMES]
    os.makedirs(folder, exist_ok=True)
    for path in paths:
        if os.path.lexists(path):  # it may be someone's MNIST
            raise FileExistsError(errno.EEXIST, "is there already; --keep replaces nothing", path)
    start = time.perf_counter()
    for path, array in zip(paths, [*_drawn(6000, seed=1), *_drawn(1000, seed=2)], strict=True):
        with exit_codes.naming(path):
            write(path, array)
    print(
        f"drawn and written with idxio.write in {time.perf_counter() - start:.1f} s: 7,000 digits\n"
    )


def _drawn(count: int, seed: int) -> tuple[Array, Array]:
    """Draw images and labels, equally many of each digit, shuffled."""
    labels = np.random.default_rng(seed).permutation(np.arange(count) % 10).astype(np.uint8)
    return digits.draw(labels, seed), labels


def _read(files: list[str]) -> four_files.Dataset:
    """Read the four files, and say what each is."""
    arrays = []
    for file in files:
        with exit_codes.naming(file):
            about = info(file)
            arrays.append(read(file))
        known = f": {about.known}" if about.known else ""
        print(printable(file))
        print(f"  {dimensions(about.shape)} {about.dtype.name}, {about.packing}{known}")
    return four_files.check(files, arrays)


def _print_counts(data: four_files.Dataset) -> None:
    """Print a table of the records of each class."""
    classes = np.unique(np.concatenate((data.train_labels, data.test_labels)))
    for start in range(0, len(classes), _PER_LINE):
        some = classes[start : start + _PER_LINE]
        train = _counts(data.train_labels, some)
        test = _counts(data.test_labels, some)
        print()
        for name, cells in (("class", some), ("train", train), ("t10k", test)):
            print(f"{name:<6}" + "".join(f"{cell:>7}" for cell in cells.tolist()))


def _counts(labels: Array, classes: Array) -> Array:
    return np.array([np.count_nonzero(labels == c) for c in classes])


def _print_times(file: str) -> None:
    with exit_codes.naming(file):
        times = timing.time_reading(file)
    print(
        f"\nreading {printable(os.path.basename(file))}: equal arrays, medians of {times.repeats}"
    )
    width = len(times.plain_name)
    print(f"  {'idxio.read':<{width}} {times.ours * 1000:8.1f} ms")
    print(
        f"  {times.plain_name} {times.plain * 1000:8.1f} ms, {times.plain / times.ours:.1f} x as"
        " long"
    )


def _print_sheet(data: four_files.Dataset) -> None:
    """Print the first image of each of the first classes."""
    classes, first = np.unique(data.train_labels, return_index=True)
    print(f"\none of each class: {' '.join(map(str, classes[:_PER_LINE].tolist()))}")
    captions = [str(k) for k in classes[:_PER_LINE].tolist()]
    for line in drawing.image_lines(data.train_images[first[:_PER_LINE]], captions):
        print(line)


def _train(data: four_files.Dataset) -> None:
    start = time.perf_counter()
    model = classifier.fit(Dataset(data.train_images, data.train_labels))
    seconds = time.perf_counter() - start
    accuracy = model.accuracy(Dataset(data.test_images, data.test_labels))
    print(
        f"\nsoftmax regression in plain numpy, trained for {seconds:.1f} s: test accuracy"
        f" {accuracy:.3f}"
    )
