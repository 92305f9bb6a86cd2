"""Feeds broken gzip files to every road of reading, in lanes and without them; see harness.

An input is a file. It is read as it is, and with the checksums that zlib finds for it. Both times
all roads must agree: on zlib's array where zlib finds one, else on an IdxError, with lanes and
without them on the same words.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from typing import Any

import harness
import numpy as np

import idxio
from idxio.compression.gzip import coalesce, embedded_index, random_access, reader, span_copier
from idxio.compression.gzip.members import IncompleteError, parse_member_header

# Short files take the roads of long ones.
for module in (random_access, reader, span_copier):
    module.WORTH_THREADS = 1
span_copier._LONG = 1
span_copier._KEPT = 0
coalesce._LEAST = 1


def few(array: Any) -> Any:
    """An array, or IndexError: records may have no bytes, and 32 bytes tell of 2**32 of them."""
    if len(array) > 1 << 20:
        raise IndexError
    return array


def of_ids(data: bytes) -> Any:
    with idxio.open(data) as f:
        return f[np.arange(0, len(few(f)), 3)]


def of_slice(data: bytes) -> Any:
    with idxio.open(data) as f:
        return f[1:]


def of_one(data: bytes) -> Any:
    with idxio.open(data) as f:
        return f[-1]


def in_order(data: bytes) -> Any:
    with idxio.open(data) as f:
        return np.concatenate([f[:0], *few(f).iter_records(7)])


Road = Callable[[bytes], Any]
ROADS: dict[str, tuple[Road, Callable[[Any], Any]]] = {
    "read": (lambda data: idxio.read(data, threads=1), lambda array: array),
    "read on two threads": (lambda data: idxio.read(data, threads=2), lambda array: array),
    "stream": (in_order, few),
    "ids": (of_ids, lambda array: few(array)[::3]),
    "slice": (of_slice, lambda array: array[1:]),
    "one": (of_one, lambda array: array[-1]),
}
# These see all of a file; the others may find nothing wrong in the part that they read.
WHOLE = ("read", "read on two threads", "stream")


def outcome(road: Road, data: bytes, lanes: str) -> Any:
    """The array, or the words of the error."""
    os.environ["IDXIO_LANES"] = lanes
    try:
        return road(data)
    except idxio.IdxError as error:
        return f"{type(error).__name__}: {error}"
    except (IndexError, TypeError, ValueError) as error:  # no records, no axis, not an array
        return type(error).__name__


def same(a: Any, b: Any) -> bool:
    if isinstance(a, str) or isinstance(b, str):
        return isinstance(a, str) and isinstance(b, str) and a == b
    return np.array_equal(a, b)


def by_zlib(data: bytes) -> tuple[bytes, bytes] | None:
    """A file of one or more members with the checksums that belong to it, and what it holds; None
    where zlib finds no such file.
    """
    position, out, repaired = 0, b"", bytearray(data)
    while position < len(data):
        try:
            begin = parse_member_header(memoryview(data), position).end
        except (ValueError, IncompleteError):
            return None
        inflater = zlib.decompressobj(-15)
        try:
            part = inflater.decompress(data[begin:])
        except zlib.error:
            return None
        position = len(data) - len(inflater.unused_data) + 8
        if not inflater.eof or position > len(data):
            return None
        trailer = struct.pack("<II", zlib.crc32(part), len(part) & 0xFFFFFFFF)
        repaired[position - 8 : position] = trailer
        out += part
    return bytes(repaired), out


def check(data: bytes) -> None:
    """Raise AssertionError unless all roads agree on a file."""
    truth = by_zlib(data)
    expected = None
    if truth is not None and truth[0] == data:
        expected = outcome(idxio.read, truth[1], "off")
        if isinstance(expected, str):
            expected = None
    for name, (road, part) in ROADS.items():
        lanes, serial = outcome(road, data, "on"), outcome(road, data, "off")
        if expected is not None and expected.ndim:
            with_zlib = outcome(lambda _, part=part: part(expected), data, "off")
            assert same(lanes, with_zlib), f"{name}: in lanes other bytes than zlib's"
            assert same(serial, with_zlib), f"{name}: without lanes other bytes than zlib's"
        if name in WHOLE:
            assert same(lanes, serial), f"{name}: {lanes} in lanes, {serial} without"


def one_input(data: bytes) -> None:
    """What libFuzzer calls."""
    if data[:2] != b"\x1f\x8b":
        data = b"\x1f\x8b" + data[2:]
    check(data)
    truth = by_zlib(data)
    if truth is not None and truth[0] != data:
        check(truth[0])


# Seeds


def member(parts: list[bytes], extra: Callable[[list[int]], bytes], level: int) -> bytes:
    """A member of chunks that need no window; extra makes the field of their sizes."""
    deflater = zlib.compressobj(level, zlib.DEFLATED, -15)
    chunks = [deflater.compress(part) + deflater.flush(zlib.Z_FULL_FLUSH) for part in parts]
    data = b"".join(parts)
    stream = b"".join(chunks) + deflater.flush()
    field = extra([len(chunk) for chunk in chunks])
    head = b"\x1f\x8b\x08\x04" + bytes(5) + b"\xff" + struct.pack("<H", len(field)) + field
    return head + stream + struct.pack("<II", zlib.crc32(data), len(data))


def seeds() -> dict[str, bytes]:
    """Small files of each form."""
    rng = np.random.default_rng(0)
    found = {}
    for name, top in (("few", 3), ("some", 17), ("noise", 256), ("zeros", 1)):
        array = rng.integers(0, top, (21, 8, 9), np.uint8)
        array[:, ::2] = 0
        file = io.BytesIO()
        idxio.write(file, array)
        raw = file.getvalue()
        parts = [raw[k : k + 200] for k in range(0, len(raw), 200)]
        for form in (embedded_index.RA, embedded_index.LONG):
            found[f"{name}-{form.decode()}"] = member(
                parts, lambda sizes, form=form: embedded_index.field(form, 200, np.array(sizes)), 6
            )
        blocks = b""
        for part in [*parts, b""]:
            size = len(member([part], lambda _: b"BC\2\0\0\0", 6)) - 1
            blocks += member([part], lambda _, size=size: struct.pack("<2sHH", b"BC", 2, size), 6)
        found[f"{name}-BC"] = blocks
        file = io.BytesIO()
        idxio.write(file, array, compression="gzip")
        found[f"{name}-own"] = file.getvalue()
    return found


if __name__ == "__main__":
    harness.main(one_input, seeds)
