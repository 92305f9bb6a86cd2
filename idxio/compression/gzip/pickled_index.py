"""A span index that was seen while a file was read, as a pickle of the file carries it: the process
that unpickles it need not read the file from its start for a record.

It is packed as a sidecar index is, with windows that hold only what their spans refer to. Whoever
unpickles it has held the identity of the file against that of the source before.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ...storage.source import Source
from .growing_index import GrowingIndex
from .sequential import SequentialDecoder
from .span_index import WINDOW, LazyWindows, SpanIndex
from .stream import GzipStream

# A pickle has at most 1 MiB: the rest is for the path and what pickle itself writes.
_MOST = (1 << 20) - (1 << 14)


class PackedIndex(NamedTuple):
    """Bytes and numbers alone."""

    columns: bytes
    """Bit, stop and start of each span: three int64 arrays, one behind the other."""
    sizes: bytes
    """The packed size of the window of each span, 0 where it needs none: int64."""
    windows: bytes
    """zlib streams, one behind the other."""
    end: int
    limit: int
    complete: bool


def pack(source: Source, span_index: GrowingIndex) -> PackedIndex | None:
    """Pack an index that is not changed meanwhile; None if it is empty or too large.

    Spans are joined until it is small enough. Raises IdxError, OSError or ValueError where the file
    can't be read.
    """
    thinned: GrowingIndex | None = span_index
    while thinned is not None and len(thinned):
        windows = _pruned(source, thinned)
        columns = np.array([(s.bit, s.stop, s.start) for s in thinned], np.int64).T.tobytes()
        sizes = np.array([len(window) for window in windows], np.int64).tobytes()
        packed = b"".join(windows)
        if len(columns) + len(sizes) + len(packed) <= _MOST:
            return PackedIndex(columns, sizes, packed, thinned.end, thinned.limit, thinned.complete)
        thinned = thinned.thinned()
    return None


def unpack(packed: PackedIndex) -> SpanIndex:
    """The index that was packed."""
    bits, stops, starts = np.frombuffer(packed.columns, np.int64).reshape(3, -1)
    sizes = np.frombuffer(packed.sizes, np.int64)
    windows = _Windows(packed.windows, sizes), sizes > 0
    span_index = SpanIndex.of_columns(bits, stops, starts, packed.end, packed.limit, windows)
    span_index.complete = packed.complete
    return span_index


def _pruned(source: Source, span_index: SpanIndex) -> list[bytes]:
    """The packed window of each span."""
    # Not needed for reading.
    from .sidecar_builder import WindowPacker

    packer = WindowPacker(source)
    windows = []
    for span in span_index:
        window = span_index.window(span.number)
        if not window:
            windows.append(b"")
            continue
        sequential = SequentialDecoder(source, bit=span.bit, history=len(window), by_span=False)
        front = bytearray(min(WINDOW, span.end - span.start))
        GzipStream(sequential, source.name, WINDOW, window=window).readinto(memoryview(front))
        whole = np.frombuffer(window, np.uint8)
        windows.append(packer.pack((span.bit, span.stop, whole, front)))
    return windows


class _Windows(LazyWindows):
    """The windows of a packed index, each unpacked when it is looked at."""

    def __init__(self, packed: bytes, sizes: Sequence[int] | np.ndarray) -> None:
        self._packed = packed
        self._edges = [0, *itertools.accumulate(int(size) for size in sizes)]

    def __len__(self) -> int:
        return len(self._edges) - 1

    def window(self, i: int) -> bytes:
        part = self._packed[self._edges[i] : self._edges[i + 1]]
        return zlib.decompressobj().decompress(part, WINDOW)
