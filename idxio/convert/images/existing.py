"""A dataset that build made, and to which pictures are added."""

from __future__ import annotations

import errno
import os
import stat
from typing import Any, NamedTuple

import numpy as np

from ..._util.sizes import records_in
from ..._util.types import Array
from ...core.array import open_array
from ...core.coerce import read_classes
from ...core.info import info
from ...core.write import Writer
from ...datasets.classes import described
from ...datasets.copies import copies_of
from ...datasets.metadata import DESCRIPTION, read_description
from ...datasets.names import named_role, split_key
from ...datasets.sources import SOURCES, read_sources
from ...errors import FormatError
from ...storage.as_read import AsRead, states
from ...storage.journal import ensure_complete
from .records import digest

_KINDS: dict[str, type | tuple[type, ...]] = {
    "class_names": list,
    "files": dict,
    "pipeline": str,
    "size": (int, type(None)),
    "split_by": str,
    "seed": int,
    "sorted": bool,
}
_BLOCK = 1 << 20


class Existing(NamedTuple):
    """A dataset, but for its images."""

    description: dict[str, Any]
    """Its dataset.json."""
    class_names: list[str]
    splits: list[str]
    """As its files are called."""
    images: list[str]
    """The paths of the images of each split."""
    shape: tuple[int, ...]
    """Of a record."""
    labels: Array
    """Of all records, split by split."""
    split_of: Array
    """The place in splits of each record's."""
    files: list[str]
    """Of which picture each record was made."""
    sha256: Array
    """Of those pictures, (n, 32)."""
    as_read: AsRead
    """What its files were before they were read."""

    def copy_to(self, writer: Writer) -> bytes:
        """Write all records; return their digests."""
        digests = bytearray()
        for path in self.images:
            with open_array(path) as images:
                for block in images.iter_records(records_in(_BLOCK, int(np.prod(self.shape)))):
                    writer.append(block)
                    for record in np.ascontiguousarray(block):
                        digests += digest(record.data)
        return bytes(digests)


def read_existing(directory: str) -> Existing:
    """Read what build wrote to a directory.

    Raises
    ------
    FormatError
        It is no dataset that build made, or no longer: its files were changed, or are not those
        that its `dataset.json` and `sources.csv` tell of.
    OSError
        It can't be read.
    """
    if not stat.S_ISDIR(os.stat(directory).st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "is no folder of a dataset", directory)
    ensure_complete(directory)
    as_read = states(os.path.join(directory, name) for name in (DESCRIPTION, SOURCES))
    description = read_description(directory)
    lacking = [key for key in _KINDS if key not in description]
    if lacking:
        raise FormatError(
            f"has no {DESCRIPTION} of build, with {lacking[0]!r} in it; pictures are added to a"
            " dataset as build wrote it. Build a new one of all pictures, without add=True (--add)",
            file=directory,
        )
    path = os.path.join(directory, DESCRIPTION)
    stated = description["files"]
    for key, kind in _KINDS.items():
        if not isinstance(description[key], kind):
            raise FormatError(f"has {key} in another form than build writes", file=path)
    class_names = [*(described(directory) or {}).values()]
    as_read |= states(os.path.join(directory, name) for name in stated)
    pairs: dict[str, dict[str, str]] = {}
    for name in stated:
        _check_file(directory, name, stated[name])
        role = named_role(name)
        split = name.split("-images-")[0] if role == "image" else split_key(name)
        pairs.setdefault(split, {})[role] = os.path.join(directory, name)
    sources = read_sources(directory)
    labels: list[Array] = []
    split_of: list[Array] = []
    files: list[str] = []
    sums = []
    shapes = set()
    for place, (split, pair) in enumerate(pairs.items()):
        if pair.keys() != {"image", "label"}:
            raise FormatError(f"lists no images and labels of {split}", file=path)
        tag = read_classes(pair["label"]).astype(np.int32)
        # A new class would get the number of one without a name.
        if len(tag) and not 0 <= tag.min() <= tag.max() < len(class_names):
            raise FormatError(
                f"has {len(class_names):,} class_names, and {os.path.basename(pair['label'])} the"
                f" labels {tag.min()} to {tag.max()}: put back the names that were taken out",
                file=path,
            )
        with open_array(pair["image"]) as images:
            shapes.add((images.dtype.name, images.shape[1:]))
            count = len(images)
        rows = sources.get(split, {})
        if (
            count != len(tag)
            or len(rows) != count
            or any(
                rows.get(i) is None or rows[i].label != label
                for i, label in enumerate(tag.tolist())
            )
        ):
            raise FormatError(
                f"does not tell the picture of each of the {count:,} records of {split}, so that"
                " nobody knows which are there already. Build a new dataset of all pictures,"
                " without add=True (--add)",
                file=os.path.join(directory, SOURCES),
            )
        labels.append(tag)
        split_of.append(np.full(count, place))
        files += [rows[i].file for i in range(count)]
        sums += [bytes.fromhex(rows[i].sha256) for i in range(count)]
    if len(shapes) != 1 or next(iter(shapes))[0] != "uint8":
        raise FormatError("lists images of other shapes or types than build writes", file=path)
    return Existing(
        description,
        class_names,
        [*pairs],
        [pair["image"] for pair in pairs.values()],
        next(iter(shapes))[1],
        np.concatenate(labels),
        np.concatenate(split_of),
        files,
        np.frombuffer(b"".join(sums), np.uint8).reshape(-1, 32),
        as_read,
    )


def _check_file(directory: str, name: str, stated: Any) -> None:
    """Raise unless a file is the one that dataset.json tells of."""
    path = os.path.join(directory, name)
    try:
        crc32 = info(path).crc32
    except FileNotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, _remedy(path), path) from error
    if not isinstance(stated, dict) or crc32 is None or f"{crc32:08x}" != stated.get("crc32"):
        raise FormatError(
            f"is not the file of which {DESCRIPTION} tells; pictures are added to a dataset as"
            " build wrote it",
            file=path,
        )


def _remedy(path: str) -> str:
    """What to do about a file that dataset.json tells of and that is not there."""
    what = f"is not there, and {DESCRIPTION} tells of it"
    others = copies_of(path)
    if others:
        return (
            f"{what}. If {others[0]} was made of it, make it again and remove that one: idxio"
            f" repack {others[0]} {path}"
        )
    return (
        f"{what}; pictures are added to a dataset as build wrote it. Put the file back, or build a"
        " new dataset of all pictures, without add=True (--add)"
    )
