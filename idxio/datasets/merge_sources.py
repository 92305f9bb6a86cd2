"""The sources.csv beside merged files: of which picture each record is, in its new order."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._util.types import Array
from ..errors import FormatError, IdxError
from .names import split_key
from .sources import SOURCES, PictureFile, Sources, read_sources


class MergedSources:
    """The sources.csv of merged files: its path, if one is to be written, and its content."""

    def __init__(
        self,
        targets: Sequence[Any],
        labels_file: Any,
        files: Sequence[str | None],
        labels: Sequence[Array],
        merged: Array,
        order: Array,
    ) -> None:
        """Raises IdxError if the sources.csv beside a file is not true of it.

        targets: all files to write. files, labels: those to merge; None for an array. merged: all
        labels, in the numbering of the result. order: the place among them of each new record.
        """
        self.path: str | None = None
        """The sources.csv to write; None if there is none."""
        self.content: Sources = {}
        if not isinstance(labels_file, (str, os.PathLike)):
            return
        path = os.fsdecode(labels_file)
        if os.path.exists(path) and not os.path.isfile(path):
            return  # a device
        folder, name = os.path.split(path)
        # By the place among the merged records.
        found: dict[int, PictureFile] = {}
        start = 0
        for file, tag in zip(files, labels, strict=True):
            for record, source in _sources_of(file, tag).items():
                found[start + record] = source
            start += len(tag)
        there = read_sources(folder) if os.path.isdir(folder or ".") else {}
        if not found and split_key(name) not in there:
            return
        self.path = os.path.join(folder, SOURCES)
        for target in targets:
            if isinstance(target, (str, os.PathLike)) and os.path.realpath(
                target
            ) == os.path.realpath(self.path):
                raise IdxError(
                    "is where the pictures of the records are listed; name another file",
                    file=self.path,
                )
        place_of = np.empty(len(order), np.intp)
        place_of[order] = np.arange(len(order))
        new = {
            int(place_of[place]): source._replace(label=int(merged[place]))
            for place, source in found.items()
        }
        self.content = {**there, split_key(name): new}


def _sources_of(file: str | None, labels: Array) -> dict[int, PictureFile]:
    """The pictures of the records of a label file; empty where nothing tells them."""
    if file is None:
        return {}
    folder, name = os.path.split(file)
    sources = read_sources(folder).get(split_key(name), {})
    for record, source in sources.items():
        if not 0 <= record < len(labels) or labels[record] != source.label:
            is_label = f"label {labels[record]}" if 0 <= record < len(labels) else "no such record"
            raise FormatError(
                f"has record {record:,} of {split_key(name)} as {source.file} with the label"
                f" {source.label}, and {name} has {is_label}: it is of other files; remove it",
                file=os.path.join(folder, SOURCES),
            )
    return sources
