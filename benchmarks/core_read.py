"""Jobs that read whole files: the stock .gz, a raw file, raw files in the other byte order."""

from __future__ import annotations

import gzip
import importlib
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import idxio

from .c_baseline import Floor
from .files import LABELS, ZSTD, Array, Files
from .harness import Contestant, Group, WrongError, equal_to

HEADER = 16  # bytes of a header of three dimensions


def _as_images(data: Any) -> Array:
    """Images that view the unpacked bytes of an IDX file."""
    images: Array = np.frombuffer(data, np.uint8, offset=HEADER)
    return images.reshape(struct.unpack_from(">3I", data, 4))


def gzip_frombuffer(path: Path) -> Array:
    with gzip.open(path) as file:
        return _as_images(file.read())


def gzip_copy(path: Path) -> Array:
    """What it takes to get a writable array out of gzip + frombuffer."""
    return np.array(gzip_frombuffer(path))


def idx2numpy_gz(path: Path) -> Array:
    with gzip.open(path) as file:
        return np.asarray(importlib.import_module("idx2numpy").convert_from_file(file))


def python_mnist(path: Path) -> Array:
    """Both train files, which is all it can do; the labels are a thousandth of the bytes."""
    loader = importlib.import_module("mnist").MNIST(
        str(path.parent), gz=path.suffix == ".gz", return_type="numpy"
    )
    images, _ = loader.load_training()
    return np.asarray(images)


def igzip_open(path: Path) -> Array:
    with importlib.import_module("isal.igzip").open(path) as file:
        return _as_images(file.read())


def zlib_ng_open(path: Path) -> Array:
    with importlib.import_module("zlib_ng.gzip_ng").open(path) as file:
        return _as_images(file.read())


def zstd_decompress(path: Path) -> Array:
    return _as_images(importlib.import_module(ZSTD).decompress(path.read_bytes()))


def zstd_open(path: Path) -> Array:
    with importlib.import_module(ZSTD).open(path) as file:
        return _as_images(file.read())


def deflate_decompress(path: Path) -> Array:
    return _as_images(importlib.import_module("deflate").gzip_decompress(path.read_bytes()))


def fromfile(path: Path, dtype: str) -> Array:
    return np.fromfile(path, dtype, offset=HEADER)


def fromfile_native(path: Path, dtype: str) -> Array:
    array = fromfile(path, dtype)
    return array.astype(array.dtype.newbyteorder("="))


def idx2numpy_raw(path: Path) -> Array:
    return np.asarray(importlib.import_module("idx2numpy").convert_from_file(str(path)))


# name, module and function that turns an array-like into an array of its own
TAKERS = (
    ("numpy.asarray", "numpy", "asarray"),
    ("numpy.from_dlpack", "numpy", "from_dlpack"),
    ("torch.as_tensor", "torch", "as_tensor"),
    ("pyarrow.array", "pyarrow", "array"),
    ("polars.Series", "polars", "Series"),
)


def taken(path: Path, module: str, function: str) -> Any:
    """What another library makes of an open file."""
    with idxio.open(path) as f:
        return getattr(importlib.import_module(module), function)(f)


def _taken_is(expected: Array) -> Callable[[Contestant], None]:
    """A check for arrays, tensors, and Arrow's nested lists."""

    def check(contestant: Contestant) -> None:
        found = contestant.run()
        while hasattr(found, "flatten") and not hasattr(found, "shape"):
            found = found.flatten()
        if not np.array_equal(np.asarray(found).reshape(-1), expected.reshape(-1)):
            raise WrongError(f"{contestant.name} differs from the oracle")

    return check


def rapidgzip_open(path: Path) -> Array:
    with importlib.import_module("rapidgzip").open(str(path), parallelization=2) as file:
        return _as_images(file.read())


# name, function, module, package
GZ_READERS: tuple[tuple[str, Callable[[Path], Array], str | None, str | None], ...] = (
    ("idxio.read", idxio.read, None, None),
    ("gzip + frombuffer", gzip_frombuffer, None, None),
    ("gzip + frombuffer + copy", gzip_copy, None, None),
    ("idx2numpy", idx2numpy_gz, "idx2numpy", "idx2numpy"),
    ("python-mnist", python_mnist, "mnist", "python-mnist"),
    ("isal igzip.open", igzip_open, "isal.igzip", "isal"),
    ("zlib-ng gzip_ng.open", zlib_ng_open, "zlib_ng.gzip_ng", "zlib-ng"),
    ("rapidgzip, 2 threads", rapidgzip_open, "rapidgzip", "rapidgzip"),
    ("deflate.gzip_decompress", deflate_decompress, "deflate", "deflate"),
)


def groups(files: Files, floor: Floor) -> list[Group]:
    labels = files.folder / f"{LABELS}.gz"
    return [
        Group(
            name="read-gz",
            title=(
                f"read the stock train images .gz ({_mb(files.gz)} MB, unpacked"
                f" {_mb(files.raw)} MB)"
            ),
            oracle="gzip.decompress + numpy.frombuffer",
            check=equal_to(files.images, exact=["idxio.read", "idxio.read(threads=1)"]),
            contestants=[
                *(
                    Contestant(name, partial(run, files.gz), module, package)
                    for name, run, module, package in GZ_READERS
                ),
                Contestant("idxio.read(threads=1)", partial(idxio.read, files.gz, threads=1)),
                floor.contestant("C floor: read + call", HEADER, lambda read, call: read + call),
                floor.contestant("C floor: libdeflate call", HEADER, lambda read, call: call),
            ],
            ours="idxio.read",
        ),
        Group(
            name="read-raw",
            title=f"read the raw train images ({_mb(files.raw)} MB)",
            oracle="gzip.decompress + numpy.frombuffer",
            check=equal_to(files.images, exact=["idxio.read"]),
            contestants=[
                Contestant("idxio.read", partial(idxio.read, files.raw)),
                Contestant("numpy.fromfile", partial(fromfile, files.raw, "u1")),
                Contestant(
                    "idx2numpy", partial(idx2numpy_raw, files.raw), "idx2numpy", "idx2numpy"
                ),
            ],
            ours="idxio.read",
        ),
        _taken_group("take-images", "images", files.gz, files.images),
        _taken_group(
            "take-labels",
            "labels",
            labels,
            np.frombuffer(gzip.decompress(labels.read_bytes()), np.uint8)[8:],
        ),
        Group(
            name="read-zst",
            title=f"read the train images .zst of level 3 (unpacked {_mb(files.raw)} MB)",
            oracle="gzip.decompress + numpy.frombuffer",
            check=equal_to(files.images, exact=["idxio.read"]),
            contestants=[
                Contestant(name, partial(run, files.zst), ZSTD, "backports.zstd")
                for name, run in (
                    ("idxio.read", idxio.read),
                    ("zstd.decompress + frombuffer", zstd_decompress),
                    ("zstd.open + frombuffer", zstd_open),
                )
            ],
            ours="idxio.read",
        ),
        _wide_group("read-int32", "int32", files.raw_int32, files.int32),
        _wide_group("read-float32", "float32", files.raw_float32, files.float32),
    ]


def _taken_group(name: str, what: str, path: Path, expected: Array) -> Group:
    return Group(
        name=name,
        title=f"hand idxio.open of the stock train {what} .gz to a library",
        oracle="gzip.decompress + numpy.frombuffer",
        check=_taken_is(expected),
        contestants=[
            Contestant(name, partial(taken, path, module, function), module, module)
            for name, module, function in TAKERS
        ],
        ours="numpy.asarray",
        repeat=1 if what == "images" else 20,
    )


def _wide_group(name: str, kind: str, path: Path, expected: Array) -> Group:
    stored = expected.dtype.newbyteorder(">").str
    return Group(
        name=name,
        title=f"read raw {kind} images into native byte order ({_mb(path)} MB)",
        oracle="the array that the file was made from",
        check=equal_to(expected, exact=["idxio.read", "idxio.read(threads=1)"]),
        contestants=[
            Contestant("idxio.read", partial(idxio.read, path)),
            Contestant("idxio.read(threads=1)", partial(idxio.read, path, threads=1)),
            Contestant("numpy.fromfile (not swapped)", partial(fromfile, path, stored)),
            Contestant("numpy.fromfile + astype", partial(fromfile_native, path, stored)),
            Contestant(
                "idx2numpy (not swapped)", partial(idx2numpy_raw, path), "idx2numpy", "idx2numpy"
            ),
        ],
        ours="idxio.read",
    )


def _mb(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.1f}"
