"""The seek index of a gzip file, kept beside it: where each span starts, what came before, and its
CRC-32.

Little-endian: a head, an entry for each span, marks, then the windows as zlib streams. docs/gzip.md
describes it.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np

from ..._native import inflate
from ..._util.types import Ids
from ...errors import FormatError, IdxError
from ...storage.source import Source
from .members import Trailer
from .span_index import WINDOW, Checkpoints, LazyWindows, Sidecar, SpanIndex

SUFFIX = ".seek"
# Unpacked bytes from one mark in a span to the next: what is decoded for a record ends at a mark,
# and is checked there.
MARK = 1 << 12

_ZLIB_HEADER = 2  # bytes of a zlib stream before the deflate stream (RFC 1950, 2.2)
MAGIC = b"IDXSEEK1"
# Magic; size of the gzip file; CRC-32 and length in its last eight bytes; unpacked length; how many
# spans and marks.
_HEAD = struct.Struct("<8sQIIQQQ")
_CRC = struct.Struct("<I")  # of the head, all entries and all marks
_ENTRY = np.dtype(
    [
        ("bit", "<u8"),
        ("stop", "<u8"),
        ("start", "<u8"),
        ("window", "<u8"),
        ("size", "<u4"),
        ("crc", "<u4"),
    ]
)

_MARK = np.dtype("<u4")


def path_of(source: Source) -> str | None:
    """Where the index of a file lies; None where it can't have one."""
    return None if source.path is None else source.path + SUFFIX


def load(source: Source, stated: Trailer) -> SpanIndex | None:
    """The table in the index beside a file; None if there is none, or one that does not fit the
    file.
    """
    if source.size is None:
        return None
    try:
        index = source.beside(SUFFIX)
        if index is None:
            return None
        head = _bytes_at(index, 0, _HEAD.size)
        if len(head) < _HEAD.size:
            return None
        magic, size, crc, length, end, count, marked = _HEAD.unpack(head)
        here = (magic, size, crc, length) == (MAGIC, source.size, *stated)
        sizes = count * _ENTRY.itemsize, marked * _MARK.itemsize, _CRC.size
        total = index.size or 0
        if not here or not count or sum(sizes) > total:
            return None
        rest = _bytes_at(index, _HEAD.size, sum(sizes))
    except (OSError, IdxError):
        return None
    checked = len(rest) - _CRC.size
    if rest[checked:] != _CRC.pack(zlib.crc32(rest[:checked], zlib.crc32(head))):
        return None
    table = np.frombuffer(rest, _ENTRY, count)
    if not _is_sound(table, size, end, total):
        return None
    lengths = np.diff(table["start"], append=np.uint64(end))
    counts = _marks(lengths)
    # Behind padding nothing is stated; behind several members, the last one only.
    is_stated = bool(table["stop"][:-1].all()) and stated != (0, 0)
    is_fit = (
        not is_stated
        or inflate.crc32_join(table["crc"].astype(np.uint32), lengths.astype(np.uint64))
        == stated.crc
    )
    if not is_fit or counts.sum() != marked:
        return None
    windows = _Windows(index, table["window"], table["size"])
    bits, stops, starts = (table[name].astype(np.int64) for name in ("bit", "stop", "start"))
    checkpoints = Checkpoints(
        MARK,
        np.frombuffer(rest, _MARK, marked, sizes[0]),
        (np.cumsum(counts) - counts).astype(np.int64),
        windows.packed,
    )
    crcs = memoryview(table["crc"].astype(np.uint32))
    return SpanIndex.of_columns(
        bits,
        stops,
        starts,
        end,
        size,
        (windows, table["size"] > 0),
        Sidecar(crcs, checkpoints, index),
    )


def _bytes_at(source: Source, offset: int, size: int) -> bytearray:
    data = bytearray(size)
    del data[source.read_at(offset, memoryview(data)) :]
    return data


def _marks(lengths: Any) -> Any:
    """How many marks spans of these lengths have: one at each multiple of MARK inside."""
    return (lengths - 1) // MARK


def dump(
    source: Source,
    stated: Trailer,
    length: int,
    rows: list[tuple[int, ...]],
    windows: list[bytes],
    checkpoints: list[int],
) -> bytes:
    """The index of a gzip file of so many unpacked bytes.

    A row is a span: bit, stop, start and CRC-32, as in `Span`; each has its window, packed.
    """
    table = np.zeros(len(rows), _ENTRY)
    table["bit"], table["stop"], table["start"], table["crc"] = (
        np.array(rows, np.uint64).reshape(-1, 4).T
    )
    table["size"] = [len(window) for window in windows]
    before = _HEAD.size + table.nbytes + _MARK.itemsize * len(checkpoints) + _CRC.size
    table["window"] = before + np.cumsum(table["size"], dtype=np.uint64) - table["size"]
    head = _HEAD.pack(MAGIC, source.size or 0, *stated, length, len(rows), len(checkpoints))
    checked = head + table.tobytes() + np.array(checkpoints, _MARK).tobytes()
    return b"".join((checked, _CRC.pack(zlib.crc32(checked)), *windows))


def _is_sound(table: np.ndarray[Any, Any], size: int, end: int, total: int) -> bool:
    """Whether spans follow on each other inside the file, and windows lie inside the index."""
    bits, stops, starts = table["bit"], table["stop"], table["start"]
    inside = bool((bits < 8 * size).all() and (stops <= 8 * size).all())
    rising = bool(
        (bits[1:] > bits[:-1]).all() and (starts[1:] > starts[:-1]).all() and starts[-1] < end
    )
    following = bool(
        ((stops[:-1] == 0) | (stops[:-1] == bits[1:])).all() and stops[-1] == 0 and starts[0] == 0
    )
    packed = bool(
        (table["window"] <= total).all()
        and table["size"][-1] <= total - table["window"][-1]
        and (table["window"][1:] == table["window"][:-1] + table["size"][:-1]).all()
        and (table["size"] <= 2 * WINDOW).all()
    )
    return inside and rising and following and packed and end < 1 << 62


class _Windows(LazyWindows):
    """The windows in an index file, each read when it is looked at."""

    def __init__(
        self, index: Source, offsets: np.ndarray[Any, Any], sizes: np.ndarray[Any, Any]
    ) -> None:
        self._index, self._offsets, self._sizes = (
            index,
            offsets.astype(np.int64),
            sizes.astype(np.int64),
        )

    def __len__(self) -> int:
        return len(self._offsets)

    def window(self, i: int) -> bytes:
        window = bytearray(WINDOW)
        # What zlib's checksum is for, that of the span sees too.
        packed, _ = self.packed(np.array([i]))
        status, _, produced = inflate.Decoder().inflate(packed, 0, window, 0)
        if self._sizes[i] and status != inflate.END:
            raise FormatError(
                "is damaged: build the index again",
                file=self._index.name,
                offset=int(self._offsets[i]),
            )
        return bytes(window[:produced])

    def packed(self, numbers: Ids) -> tuple[bytearray, Ids]:
        """Some windows, in ascending order, as deflate streams, and the edges between these."""
        offsets, sizes = self._offsets[numbers], self._sizes[numbers]
        stops = offsets + sizes
        read = _bytes_at(self._index, int(offsets[0]), int(stops[-1] - offsets[0]))
        bare = np.maximum(sizes - _ZLIB_HEADER, 0)
        parts = [
            read[a:b] for a, b in zip(stops - bare - offsets[0], stops - offsets[0], strict=True)
        ]
        return bytearray().join(parts), np.append(0, np.cumsum([len(part) for part in parts]))
