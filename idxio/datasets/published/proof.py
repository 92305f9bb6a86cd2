"""prove(): that a file is one of a published dataset, by what is inside."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from ..._native import inflate
from ...compression.registry import likely_cause, open_compressed
from ...errors import IdxError, naming
from ...storage.regular import FoundPath, open_regular
from ...storage.source import open_source
from .table import PUBLISHED, Published, PublishedFile

_BLOCK = 1 << 20


class WrongFileError(Exception):
    """A file is not the wanted one. The text says what it is: "MNIST's t10k images"."""


class Inside(NamedTuple):
    """What is inside of a file."""

    size: int
    crc32: int
    sha256: str
    head: bytes


def prove(
    path: str, wanted: PublishedFile, *, known: str | None = None, is_vouched: bool = False
) -> Inside:
    """Unpack a file, and hold what is inside against what was published.

    Its length and its SHA-256 decide, or its CRC-32 where that is known; else a checksum of the
    file as it was published, in the place of which `known` may be the SHA-256 that such a file had
    inside when it was fetched. is_vouched says that where the file is from was proved, so that the
    length is enough.

    Raises
    ------
    WrongFileError
        It is not the file.
    OSError
        It can't be read.
    """
    try:
        inside = _look_inside(path, wanted.size)
    except IdxError as error:
        raise WrongFileError(f"a file that is damaged: it {error.message}") from None
    if inside.size == wanted.size:
        if wanted.sha256 is not None:
            is_right = inside.sha256 == wanted.sha256
        elif wanted.crc32 is not None:
            is_right = inside.crc32 == wanted.crc32
        else:
            is_right = is_vouched or inside.sha256 == known or _is_as_published(path, wanted)
        if is_right:
            return inside
    raise WrongFileError(_what(path, inside, wanted))


def _is_as_published(path: str, wanted: PublishedFile) -> bool:
    """Whether a file is the published one to the byte, its packing too."""
    if wanted.packed_sha256 is not None:
        return digest(path, "sha256") == wanted.packed_sha256
    if wanted.packed_md5 is not None:
        return digest(path, "md5") == wanted.packed_md5
    return False


def _look_inside(path: str, most: int) -> Inside:
    """Unpack a file, a little more than `most` bytes of it."""
    source = open_source(FoundPath(path))
    sha256 = hashlib.sha256()
    size = crc32 = 0
    head = b""
    try:
        stream = open_compressed(source).stream()
        block = memoryview(bytearray(_BLOCK))
        while size <= most and (n := stream.readinto(block)):
            head = head or bytes(block[: min(n, 4096)])
            sha256.update(block[:n])
            crc32 = inflate.crc32(block[:n], crc32)
            size += n
    finally:
        source.close()
    return Inside(size, crc32, sha256.hexdigest(), head)


def digest(path: str, method: str) -> str:
    """The digest of a file as it is stored."""
    made = hashlib.new(method, usedforsecurity=False)
    with naming(path), open(path, "rb", opener=open_regular) as file:
        while block := file.read(_BLOCK):
            made.update(block)
    return made.hexdigest()


def _what(path: str, inside: Inside, wanted: PublishedFile) -> str:
    """What a file is that is not the wanted one."""
    other = _known(path, inside)
    if other is not None:
        return other
    cause = likely_cause(inside.head)
    if cause is not None:
        return cause.partition(": ")[0]
    if not inside.size:
        return "an empty file"
    if inside.size > wanted.size:
        return f"another file: more than {wanted.size:,} bytes inside"
    if inside.size < wanted.size:
        return f"another file: {inside.size:,} bytes inside, and not {wanted.size:,}"
    known_inside = wanted.sha256 is not None or wanted.crc32 is not None
    if known_inside:
        return f"another file of the same length, with the CRC-32 {inside.crc32:08x}"
    return (
        "a file of the right length that can't be told from others: of this one only a checksum of"
        " the published file is known"
    )


def _known(path: str, inside: Inside) -> str | None:
    """Which published file this is."""
    sums: dict[str, str] = {}
    for dataset in PUBLISHED.values():
        for file in dataset.files:
            if file.size != inside.size:
                continue
            if inside.sha256 == file.sha256 or inside.crc32 == file.crc32:
                return shown(dataset, file)
            for method, stated in (("sha256", file.packed_sha256), ("md5", file.packed_md5)):
                if stated is None:
                    continue
                if method not in sums:
                    sums[method] = digest(path, method)
                if sums[method] == stated:
                    return shown(dataset, file)
    return None


def shown(dataset: Published, file: PublishedFile) -> str:
    """What messages call a file: "MNIST's t10k images"."""
    split = "train" if "train" in file.name else "t10k" if "t10k" in file.name else "test"
    return f"{dataset.title}'s {split} {'images' if 'images' in file.name else 'labels'}"
