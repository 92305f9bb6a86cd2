"""idxio sort: images and labels in the order of their labels."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
from typing import Any

from ..compression.registry import MOST_LEVEL
from ..core.array import IdxArray, open_array
from ..errors import IdxError, naming
from ..storage.source import is_url
from . import exit_codes
from .options import Commands, add_level
from .output import STDOUT
from .progress import bar
from .text import first_few, print_sizes, printable


def add_parser(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "sort", help="write images and labels in the order of their labels"
    )
    parser.description = (
        "Write images and labels sorted by label, each class in its old order: label files shrink"
        " to about a hundred\nbytes, and a class is one range. Several pairs are merged, by the"
        " names of their classes where dataset.json\ntells them. All files appear, or none does."
    )
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="pairs, images and labels; the last pair is written",
    )
    parser.add_argument("--order", metavar="FILE", help="where to keep the permutation")
    add_level(parser, most=MOST_LEVEL)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Sort one pair of files or merge several; print the size of each file that is written."""
    from ..datasets.sort import write_sorted

    files = arguments.files
    if folder := next(filter(os.path.isdir, files), None):
        raise exit_codes.UsageError(_no_folder(folder))
    if len(files) < 4 or len(files) % 2:
        raise exit_codes.UsageError(
            "sort takes pairs: IMAGES LABELS [IMAGES LABELS ...] SORTED_IMAGES SORTED_LABELS"
        )
    if STDOUT in files:
        raise exit_codes.UsageError("sort writes several files, for which - is no place")
    *sources, images_file, labels_file = files
    images, labels = _open_pairs(sources)
    with exit_codes.usage_errors(), naming(images_file), bar(images_file) as progress:
        write_sorted(
            images_file,
            labels_file,
            images,
            labels,
            level=arguments.level,
            order_file=arguments.order,
            progress=progress,
        )
    print_sizes(images_file)
    print_sizes(labels_file)
    if arguments.order:
        print_sizes(arguments.order)
    _print_classes(os.path.dirname(labels_file))
    return exit_codes.FINE


def _no_folder(folder: str) -> str:
    """Say which files to name in place of a folder."""
    from ..datasets.discovery import find_pair

    pair = "IMAGES LABELS"
    with contextlib.suppress(IdxError, OSError):
        pair = shlex.join(find_pair(folder))
    return (
        f"{folder}: is a directory; sort takes the files of a split, and two to write:"
        f" idxio sort {pair} SORTED_IMAGES SORTED_LABELS"
    )


def _open_pairs(files: list[str]) -> tuple[list[IdxArray], list[Any]]:
    """Open the images of each pair; the labels are files, or arrays where a file can be read only
    once.
    """
    from ..core.coerce import read_classes

    images: list[IdxArray] = []
    labels: list[Any] = []
    for images_file, labels_file in zip(files[::2], files[1::2], strict=True):
        with exit_codes.naming(images_file):
            array = open_array(images_file)
        with exit_codes.naming(labels_file):
            classes = read_classes(labels_file)
        if array.ndim and len(array) != len(classes):
            counts = f"has {len(classes):,} labels for the {len(array):,} images of {images_file}"
            raise exit_codes.UsageError(f"{labels_file}: {counts}")
        images.append(array)
        is_kept = os.path.isfile(labels_file) or is_url(labels_file)
        source = labels_file if is_kept else classes
        labels.append(source)
    return images, labels


def _print_classes(folder: str) -> None:
    """Print the names of the classes that the folder's description has now."""
    from ..datasets.classes import described
    from ..datasets.metadata import DESCRIPTION

    names = described(folder)
    if not names:
        return
    path = os.path.join(folder, DESCRIPTION)
    print(
        f"{printable(path)}: {len(names)} classes: {printable(first_few(list(names.values()), 10))}"
    )
