"""A small dataset that is published as MNIST is, for tests of what fetches such.

`python tests/support/toy_dataset.py ARGUMENTS` runs the command `idxio` in a process that knows it.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import io
import sys
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
from helpers import encode

from idxio.datasets.published import on_this_machine, table
from idxio.datasets.published.table import Published, PublishedFile

NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def _payloads(seed: int, stem: str = "") -> dict[str, bytes]:
    """What is inside of the files: noise, of which gzip makes no less."""
    random = np.random.default_rng(seed)
    counts = {"train": 800, "t10k": 200}
    made = {}
    for name in NAMES:
        count = counts[name.partition("-")[0]]
        shape = (count, 28, 28) if "images" in name else (count,)
        most = 256 if "images" in name else 10
        made[f"{stem}{name}.gz"] = encode(random.integers(0, most, shape, np.uint8))
    return made


PAYLOADS = _payloads(1)
FILES = {name: gzip.compress(data, 6, mtime=0) for name, data in PAYLOADS.items()}
OTHER_PAYLOADS = _payloads(2)
OTHER_FILES = {name: gzip.compress(data, 6, mtime=0) for name, data in OTHER_PAYLOADS.items()}
TOTAL = sum(map(len, FILES.values()))
ZIPPED_PAYLOADS = _payloads(3, "emnist-toy-")
ZIPPED_FILES = {name: gzip.compress(data, 6, mtime=0) for name, data in ZIPPED_PAYLOADS.items()}


@functools.cache
def archive(compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive as that of EMNIST: the wanted files among others, in a folder."""
    output = io.BytesIO()
    filler = np.random.default_rng(4).bytes(12 * sum(map(len, ZIPPED_FILES.values())))
    with zipfile.ZipFile(output, "w", compression, compresslevel=1) as opened:
        opened.writestr("gzip/emnist-byclass-train-images-idx3-ubyte.gz", filler)
        for name, data in ZIPPED_FILES.items():
            opened.writestr(f"gzip/{name}", data)
        opened.writestr("gzip/emnist-toy-mapping.txt", "0 48\n")
    return output.getvalue()


def _known_inside(name: str, data: bytes) -> PublishedFile:
    return PublishedFile(
        name, len(data), sha256=hashlib.sha256(data).hexdigest(), packed_size=len(FILES[name])
    )


TOY = Published(
    name="toy",
    title="Toy",
    files=tuple(_known_inside(name, data) for name, data in PAYLOADS.items()),
    mirrors=(),
    licence="free",
    citation="A. Nobody: Toys",
    torchvision="Toy",
)
# Of its images only the file as published is known, of its labels a CRC-32.
PACKED = TOY._replace(
    name="packed",
    title="Packed",
    files=tuple(
        PublishedFile(name, len(data), packed_sha256=hashlib.sha256(FILES[name]).hexdigest())
        if "images" in name
        else PublishedFile(name, len(data), crc32=zlib.crc32(data))
        for name, data in PAYLOADS.items()
    ),
)
OTHER = TOY._replace(
    name="other",
    title="Other",
    files=tuple(
        PublishedFile(name, len(data), crc32=zlib.crc32(data))
        for name, data in OTHER_PAYLOADS.items()
    ),
)
ZIPPED = TOY._replace(
    name="emnist-toy",  # and `publish_zip` tells the size and checksum of the archive
    title="EMNIST toy",
    files=tuple(
        PublishedFile(name, len(data), packed_md5=hashlib.md5(ZIPPED_FILES[name]).hexdigest())
        for name, data in ZIPPED_PAYLOADS.items()
    ),
    mirrors=("http://127.0.0.1:9/gzip.zip",),  # where nobody listens
    classes=("0", "Aa", *"bcdefghi"),
    torchvision="EMNIST",
)


def publish_zip(data: bytes, set_item: Callable[..., None]) -> None:
    """Publish the dataset that an archive has."""
    sha256 = hashlib.sha256(data).hexdigest()
    dataset = ZIPPED._replace(archive_size=len(data), archive_sha256=sha256)
    set_item(table.PUBLISHED, ZIPPED.name, dataset)


if __name__ == "__main__":
    from idxio.cli.main import main

    table.PUBLISHED[TOY.name] = TOY
    on_this_machine.SYSTEM = "/nowhere"
    sys.exit(main(sys.argv[1:]))
