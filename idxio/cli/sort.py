"""idxio sort: images and labels in the order of their labels."""

from __future__ import annotations

import os
from typing import Any

from ..core.array import IdxArray, open_array
from ..core.coerce import read_classes
from ..datasets.classes import described
from ..datasets.metadata import DESCRIPTION
from ..datasets.sort import write_sorted
from ..errors import naming
from . import exit_codes
from .progress import bar


def run(files: list[str], order: str | None, level: int) -> int:
    """Sort, and merge if there are more than two pairs; a line for each file that is written."""
    if len(files) < 4 or len(files) % 2:
        raise exit_codes.UsageError("sort takes pairs: IMAGES LABELS [IMAGES LABELS ...] SORTED_IMAGES SORTED_LABELS")
    *given, images_file, labels_file = files
    images: list[IdxArray] = []
    labels: list[Any] = []
    for one, other in zip(given[::2], given[1::2], strict=True):
        with exit_codes.naming(one):
            images.append(open_array(one))
        with exit_codes.naming(other):
            classes = read_classes(other)
        labels.append(other if os.path.isfile(other) else classes)  # a pipe is read once
        if images[-1].ndim and len(images[-1]) != len(classes):
            counts = f"has {len(classes):,} labels for the {len(images[-1]):,} images of {one}"
            raise exit_codes.UsageError(f"{other}: {counts}")
    with exit_codes.using(), naming(images_file), bar(images_file) as progress:
        write_sorted(images_file, labels_file, images, labels, level=level, order_file=order, progress=progress)
    for written in (images_file, labels_file, *([order] if order else [])):
        print(f"{exit_codes.printable(written)}: {os.path.getsize(written):,} bytes")
    folder = os.path.dirname(labels_file)
    if names := described(folder):
        told = ", ".join(list(names.values())[:10]) + (", …" if len(names) > 10 else "")
        path = os.path.join(folder, DESCRIPTION)
        print(f"{exit_codes.printable(path)}: {len(names)} classes: {exit_codes.printable(told)}")
    return exit_codes.FINE
