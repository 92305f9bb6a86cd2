"""What several test files share: reference encoders, file objects that misbehave, and how to skip."""

from __future__ import annotations

import bz2
import gzip
import importlib
import io
import itertools
import lzma
import os
import struct
import sys
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# The table of the format, written out again: the tests must not believe the code under test.
CODES = {
    "uint8": 0x08,
    "int8": 0x09,
    "int16": 0x0B,
    "int32": 0x0C,
    "float32": 0x0D,
    "float64": 0x0E,
}
TYPES = list(CODES)


def encode(array: Any) -> bytes:
    """An array as an IDX file, by the description of the format alone."""
    array = np.asarray(array)
    head = struct.pack(
        f">BBBB{array.ndim}I", 0, 0, CODES[array.dtype.name], array.ndim, *array.shape
    )
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes(order="C")


def header(code: int, *shape: int) -> bytes:
    """The header of a file, true or not."""
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, code, len(shape), *shape)


def sample(dtype: str = "int16", shape: tuple[int, ...] = (7, 3, 2)) -> np.ndarray:
    """Different values, negative ones too, whose bytes all differ from each other."""
    count = int(np.prod(shape))
    return (np.arange(count) * 257 - count).astype(dtype).reshape(shape)


def assert_same(result: Any, expected: Any) -> None:
    """Equal to the bit: type, shape, and the bytes of each element (so that NaN equals itself)."""
    assert isinstance(result, np.generic) == isinstance(expected, np.generic)
    assert result.dtype == expected.dtype
    assert result.shape == expected.shape
    assert result.tobytes() == expected.tobytes()


def assert_view(result: Any, expected: Any) -> None:
    """A read-only view with the values of expected, big-endian as it is stored."""
    assert result.dtype == expected.dtype.newbyteorder(">")
    assert result.shape == expected.shape
    assert result.tolist() == expected.tolist()
    assert not result.flags.writeable


def run_threads(function: Callable[[Any], object], arguments: Iterable[Any]) -> None:
    """Call function with each argument, each in a thread of its own, and wait for all."""
    threads = [threading.Thread(target=function, args=(argument,)) for argument in arguments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def member(
    data: bytes,
    *,
    level: int = 6,
    text: bool = False,
    extra: bytes | None = None,
    name: bytes | None = None,
    comment: bytes | None = None,
    hcrc: bool = False,
    reserved: int = 0,
    crc: int | None = None,
    size: int | None = None,
) -> bytes:
    """One gzip member with the header fields that are asked for, and a trailer that is true if not
    given.
    """
    flags = (
        text
        | hcrc << 1
        | (extra is not None) << 2
        | (name is not None) << 3
        | (comment is not None) << 4
    )
    head = struct.pack("<HBBIBB", 0x8B1F, 8, flags | reserved, 1234567890, 2, 3)
    if extra is not None:
        head += struct.pack("<H", len(extra)) + extra
    for text_field in (name, comment):
        if text_field is not None:
            head += text_field + b"\0"
    if hcrc:
        head += struct.pack("<H", zlib.crc32(head) & 0xFFFF)
    deflater = zlib.compressobj(level, zlib.DEFLATED, -15)
    body = deflater.compress(data) + deflater.flush()
    trailer = struct.pack(
        "<II",
        zlib.crc32(data) if crc is None else crc,
        len(data) & 0xFFFFFFFF if size is None else size,
    )
    return head + body + trailer


def members(data: bytes, *cuts: int) -> bytes:
    """gzip in several members, cut at the given positions."""
    return b"".join(member(data[a:b]) for a, b in itertools.pairwise([0, *cuts, len(data)]))


# Every way that a file may be packed, as the libraries that everybody has pack it.
PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "raw": bytes,
    "gzip": lambda data: gzip.compress(data, 1, mtime=0),
    "gzip-members": lambda data: (
        members(data, min(2, len(data)), min(11, len(data))) + member(b"") + bytes(5)
    ),
    "gzip-stored": lambda data: member(data, level=0, name=b"x.idx"),
    "xz": lambda data: lzma.compress(data, preset=0),
    "bz2": lambda data: bz2.compress(data, 1),
}

ZSTD = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
try:
    zstd: Any = importlib.import_module(ZSTD)
except ImportError:  # tests/compression/test_zstd.py says so
    zstd = None


def pack_zstd(data: bytes, level: int = 1) -> bytes:
    """One frame with its length and a checksum, as the program zstd makes it."""
    options = {
        zstd.CompressionParameter.compression_level: level,
        zstd.CompressionParameter.checksum_flag: 1,
    }
    return zstd.compress(data, options=options)


if zstd is not None:
    PACKINGS["zstd"] = pack_zstd


class PipeLike(io.RawIOBase):
    """Bytes that come once; each read returns at most `step` of them."""

    def __init__(self, data: bytes, step: int = 1 << 30) -> None:
        self._data = io.BytesIO(data)
        self._step = step

    def readable(self) -> bool:
        return True

    def readinto(self, out: Any) -> int:
        return self._data.readinto(memoryview(out)[: self._step])


class ReadOnly:
    """The least that may be called a file object: read(n), with short reads."""

    def __init__(self, data: bytes, step: int = 1 << 30) -> None:
        self._data = io.BytesIO(data)
        self._step = step

    def read(self, n: int = -1) -> bytes:
        return self._data.read(min(n, self._step) if n >= 0 else self._step)


class ShortReads(io.BytesIO):
    """Seekable; readinto returns at most `step` bytes."""

    step = 3

    def readinto(self, out: Any) -> int:
        return super().readinto(memoryview(out)[: self.step])


class Raising(PipeLike):
    """Raises after `good` bytes."""

    def __init__(self, data: bytes, good: int) -> None:
        super().__init__(data, 1)
        self._left = good

    def readinto(self, out: Any) -> int:
        if self._left <= 0:
            raise ConnectionResetError("the other side is gone")
        n = super().readinto(out)
        self._left -= n
        return n


class Returning:
    """read() returns whatever the function makes of the number of bytes asked for."""

    def __init__(self, function: Callable[[int], Any]) -> None:
        self._function = function

    def read(self, n: int = -1) -> Any:
        return self._function(n)


class WriteOnly:
    """The least that may be written to: write(), which takes at most `step` bytes and says so."""

    def __init__(self, step: int = 1 << 30) -> None:
        self.data = bytearray()
        self._step = step

    def write(self, data: Any) -> int:
        piece = bytes(data)[: self._step]
        self.data += piece
        return len(piece)


class FullDisk(io.BytesIO):
    """Has no room behind `room` bytes."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > self._room:
            raise OSError(28, "No space left on device")
        return super().write(data)


@contextmanager
def pipe_of(data: bytes) -> Iterator[Any]:
    """The reading end of a real pipe that another thread fills."""
    reader, writer = os.pipe()
    thread = threading.Thread(target=_fill, args=(writer, data), daemon=True)
    thread.start()
    try:
        with os.fdopen(reader, "rb", buffering=0) as file:
            yield file
    finally:
        thread.join(60)


def _fill(target: int | str, data: bytes) -> None:
    try:
        with open(target, "wb") as file:
            file.write(data)
    except BrokenPipeError:
        pass  # the reader has seen enough


@contextmanager
def fifo_of(path: str, data: bytes) -> Iterator[str]:
    """A named pipe that another thread fills."""
    os.mkfifo(path)
    thread = threading.Thread(target=_fill, args=(path, data), daemon=True)
    thread.start()
    try:
        yield path
    finally:
        thread.join(60)


def missing(what: str) -> None:
    """Skip what can't run here; in CI, where everything must be there, fail."""
    if os.environ.get("CI"):
        pytest.fail(f"{what}; under CI this is not skipped")
    pytest.skip(what)


def children(pid: int) -> list[int]:
    """The processes that a process has started, where that can be told."""
    if not os.path.exists("/proc/self/task"):
        pytest.skip("no /proc")
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class SilentSeek(io.BytesIO):
    """seek() returns nothing, as that of TensorFlow's GFile."""

    def seek(self, offset: int, whence: int = 0) -> Any:
        super().seek(offset, whence)


class FalseSeek(PipeLike):
    """Calls itself seekable, and raises at every seek but to where it stands, as fsspec's stream of
    a server does.
    """

    error: Exception = ValueError("Cannot seek streaming HTTP file")

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._data.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        if (offset, whence) in ((0, 1), (self.tell(), 0)):
            return self.tell()
        raise self.error


class DeadAtTheEnd(io.BytesIO):
    """Gives nothing any more once it was moved to its end, as pgzip's and mgzip's file objects."""

    is_dead = False

    def seek(self, offset: int, whence: int = 0) -> int:
        self.is_dead = self.is_dead or whence == 2
        return super().seek(offset, whence)

    def readinto(self, out: Any) -> int:
        return 0 if self.is_dead else super().readinto(out)

    def read(self, n: int | None = -1) -> bytes:
        return b"" if self.is_dead else super().read(n)


class NoReadinto(io.BytesIO):
    """Has a readinto() that is none, as idzip's."""

    def readinto(self, out: Any) -> int:
        raise NotImplementedError


def png_of_16_bits(values: np.ndarray[Any, Any]) -> bytes:
    """A PNG file of RGB, or of grey and alpha, which Pillow reads and does not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    height, width = values.shape[:2]
    head = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2}[values.shape[2]], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def write_pgm(path: Path, number: int) -> None:
    """A picture of 2 x 2 pixels, the first two of this value; no version of Pillow changes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"P5 2 2 255\n" + bytes([number, number, 0, 0]))
