"""The decoded spans of a file that are kept, because a loop over records comes back to them."""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np

from ..._util.types import Bytes
from ...storage.source import Source

# Decoded spans that are kept, in bytes: a loop over records finds its span there. No longer one is
# decoded in one go.
CACHE = 16 << 20

_OBJECT = 200  # bytes that a small array takes beside its items


class SpanCache:
    """The last decoded spans of a file, at most CACHE bytes or one span. Shared by threads."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._blocks: OrderedDict[int, Bytes] = OrderedDict()
        self._size = 0

    def get(self, start: int, length: int) -> Bytes | None:
        """The span of this place and length, if it is here."""
        with self._lock:
            block = self._blocks.get(start)
            if block is None or len(block) != length:
                return None
            self._blocks.move_to_end(start)
        self._source.check()  # what is kept must not outlive its file
        return block

    def put(self, start: int, block: Bytes) -> None:
        """Keep a span, and drop those that were not used for longest."""
        with self._lock:
            old = self._blocks.pop(start, None)
            self._size += _held(block) - (0 if old is None else _held(old))
            self._blocks[start] = block
            while self._size > CACHE and len(self._blocks) > 1:
                self._size -= _held(self._blocks.popitem(last=False)[1])


def _held(block: Bytes) -> int:
    """The bytes of memory that a block keeps, with those before it or behind it in its array."""
    base = block.base
    return _OBJECT + (base.nbytes if isinstance(base, np.ndarray) else block.nbytes)
