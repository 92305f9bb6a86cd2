"""The files of a dataset that `build` makes: written into a folder, and put for those of an older
one.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO

import numpy as np

from .._util.types import Array
from ..core.array import open_array
from ..core.info import Info, info
from ..core.write import Writer, write
from ..datasets.sources import SOURCES, PictureFile, write_sources
from ..errors import FormatError, naming
from ..storage.targets import commit_all, open_target
from .images.existing import Existing
from .images.reader import PictureReader, Progress

# Bytes of records read from the spool at a time: enough that most bytes of a range are wanted too.
_GATHER = 8 << 20


def write_files(
    folder: str,
    spool: IO[bytes],
    labels: Array,
    parts: dict[str, Array],
    classes: int,
    level: int,
    threads: int,
    progress: Progress | None,
) -> dict[str, Info]:
    """Write images and labels of the rows of each part; return what `info` tells of each file."""
    names = []
    done = 0
    spool.seek(0)
    with open_array(spool) as records:
        shape = records.shape[1:]
        at_once = max(1, _GATHER // int(np.prod(shape)))
        for split, rows in parts.items():
            name = f"{split}-images-idx{1 + len(shape)}-ubyte.gz"
            names.append(name)
            with Writer(
                os.path.join(folder, name), "uint8", shape, level=level, threads=threads
            ) as writer:
                for start in range(0, len(rows), at_once):
                    writer.append(records[rows[start : start + at_once]])
                    done += len(rows[start : start + at_once])
                    if progress is not None:
                        progress(len(labels) + done, 2 * len(labels))
            # A byte holds 256 classes.
            kind, dtype = ("ubyte", np.uint8) if classes <= 256 else ("int", np.int32)
            name = f"{split}-labels-idx1-{kind}.gz"
            names.append(name)
            write(
                os.path.join(folder, name), labels[rows].astype(dtype), level=level, threads=threads
            )
    files = {name: info(os.path.join(folder, name)) for name in names}
    for file in files.values():
        if file.crc32 is None:  # a read that ended early
            raise OSError(
                errno.EIO, "ends before its checksum, though it was just written", file.file
            )
    return files


def write_sources_of(
    folder: str, images: str, reader: PictureReader, rows: dict[str, Array]
) -> None:
    """Write the sources.csv of the rows of each part; images: the folder of the pictures."""
    path = os.path.join(folder, SOURCES)
    with naming(path), open(path, "xb") as file:
        write_sources(file, _sources(images, reader, rows))


def _sources(
    images: str, reader: PictureReader, rows: dict[str, Array]
) -> Iterator[tuple[str, int, PictureFile]]:
    """The picture of each record, split by split."""
    digits = reader.sha256.tobytes().hex()
    labels = reader.labels.tolist()
    for split, part in rows.items():
        for record, row in enumerate(part.tolist()):
            path = reader.files[row]
            if os.path.isabs(path):
                path = os.path.relpath(path, os.path.abspath(images))
            path = os.path.normpath(path)
            yield split, record, PictureFile(path, labels[row], digits[64 * row : 64 * row + 64])


def replace_files(directory: str, folder: str, names: list[str], existing: Existing) -> None:
    """Replace the files of an existing dataset by those in a folder, all at once."""
    left = existing.description["files"].keys() - set(names)
    if left:
        raise FormatError(
            f"would keep {min(left)}, as {names[1]} takes its place: the labels of more than 256"
            " classes need more than a byte each. Build a new dataset of all pictures, without"
            " add=True (--add)",
            file=directory,
        )
    with ExitStack() as stack:
        targets = []
        for name in names:
            target = open_target(os.path.join(directory, name))
            stack.callback(target.discard)
            targets.append(target)
            path = os.path.join(folder, name)
            with naming(path), open(path, "rb") as file:
                shutil.copyfileobj(file, target.file)
        commit_all(targets, existing.as_read)
