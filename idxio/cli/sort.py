"""idxio sort: images and labels in the order of their labels."""

from __future__ import annotations

import os
from typing import Any

from ..array import IdxArray, open_array
from ..classes import described
from ..description import DESCRIPTION
from ..errors import naming
from ..inputs import read_classes
from ..sorting import write_sorted
from . import report
from .progress import bar


def run(files: list[str], order: str | None, level: int) -> int:
    """Sort, and merge if there are more than two pairs; a line for each file that is written."""
    if len(files) < 4 or len(files) % 2:
        raise report.UsageError("sort takes pairs: IMAGES LABELS [IMAGES LABELS ...] SORTED_IMAGES SORTED_LABELS")
    *given, images_file, labels_file = files
    images: list[IdxArray] = []
    labels: list[Any] = []
    for one, other in zip(given[::2], given[1::2], strict=True):
        with report.naming(one):
            images.append(open_array(one))
        with report.naming(other):
            classes = read_classes(other)
        labels.append(other if os.path.isfile(other) else classes)  # a pipe is read once
        if images[-1].ndim and len(images[-1]) != len(classes):
            counts = f"has {len(classes):,} labels for the {len(images[-1]):,} images of {one}"
            raise report.UsageError(f"{other}: {counts}")
    with report.using(), naming(images_file), bar(images_file) as progress:
        write_sorted(images_file, labels_file, images, labels, level=level, order_file=order, progress=progress)
    for written in (images_file, labels_file, *([order] if order else [])):
        print(f"{report.printable(written)}: {os.path.getsize(written):,} bytes")
    folder = os.path.dirname(labels_file)
    if names := described(folder):
        told = ", ".join(list(names.values())[:10]) + (", …" if len(names) > 10 else "")
        path = os.path.join(folder, DESCRIPTION)
        print(f"{report.printable(path)}: {len(names)} classes: {report.printable(told)}")
    return report.FINE
