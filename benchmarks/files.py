"""The files that are read and written, all made from the real Fashion-MNIST with the standard
library and numpy.
"""

from __future__ import annotations

import contextlib
import gzip
import importlib
import os
import shutil
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"
DEFAULT_DATA = Path("/usr/share/datasets/fashion-mnist")
ZSTD = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
# As many records of four bytes an element as take the bytes of all records of one.
WIDE_RECORDS = 15_000

Array = np.ndarray[Any, np.dtype[Any]]


def header(code: int, shape: tuple[int, ...]) -> bytes:
    """The header of an IDX file."""
    return struct.pack(f">HBB{len(shape)}I", 0, code, len(shape), *shape)


class Files:
    """Paths in a folder, and the arrays that are in them.

    On disk and in the page cache when this is made.
    """

    def __init__(self, data: Path, folder: Path) -> None:
        for name in (IMAGES, LABELS, TEST_LABELS):
            source = data / f"{name}.gz"
            if not source.exists():
                raise SystemExit(
                    f"{source} is missing. Install Debian's dataset-fashion-mnist, or name the"
                    " folder of the four files with --data"
                )
            shutil.copyfile(source, folder / f"{name}.gz")
        self.folder = folder
        self.gz = folder / f"{IMAGES}.gz"
        self.payload = gzip.decompress(self.gz.read_bytes())
        (count,) = struct.unpack_from(">I", self.payload, 4)
        self.images: Array = np.frombuffer(self.payload, np.uint8, offset=16).reshape(count, 28, 28)
        self.int32: Array = self.images[:WIDE_RECORDS].astype(np.int32) * 257 - 32_768
        self.float32: Array = self.images[:WIDE_RECORDS] / np.float32(255)
        self.raw = folder / IMAGES
        self.raw.write_bytes(self.payload)
        self.raw_int32 = self._wide("images-int32.idx3", 0x0C, self.int32, ">i4")
        self.raw_float32 = self._wide("images-float32.idx3", 0x0D, self.float32, ">f4")
        self.zst = folder / f"{IMAGES}.zst"
        with contextlib.suppress(ImportError):  # the contestants say that it is missing
            zstd = importlib.import_module(ZSTD)
            self.zst.write_bytes(zstd.compress(self.payload, level=3))  # as the program does
        self.npy = folder / "images.npy"
        np.save(self.npy, self.images)
        os.sync()  # or their writing goes on beneath the first rounds

    def _wide(self, name: str, code: int, array: Array, stored: str) -> Path:
        path = self.folder / name
        path.write_bytes(header(code, array.shape) + array.astype(stored).tobytes())
        return path
