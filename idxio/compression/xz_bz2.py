"""xz and bz2, decoded by the standard library: any number of streams, with zero padding between and
behind them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import FormatError, IdxError, TruncatedError
from .base import BLOCK, Check, Compression, Stream, unchecked

if TYPE_CHECKING:
    from bz2 import BZ2Decompressor
    from lzma import LZMADecompressor

    Decompressor = BZ2Decompressor | LZMADecompressor


class Xz(Compression):
    packing = "xz"
    magic = (b"\xfd7zXZ\0",)
    suffixes = (".xz",)
    program = "xz"
    module = "lzma"

    def stream(self) -> Stream:
        lzma = _module(self)
        return _Stream(
            self, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ), lzma.LZMAError, self.magic
        )


class Bz2(Compression):
    packing = "bz2"
    magic = (b"BZh",)
    suffixes = (".bz2",)
    program = "bzip2"
    module = "bz2"

    def stream(self) -> Stream:
        bz2 = _module(self)
        return _Stream(self, bz2.BZ2Decompressor, OSError, self.magic)


def _module(compressed: Compression) -> Any:
    """The module of the standard library, which a Python may have been built without."""
    try:
        return importlib.import_module(compressed.module)
    except ImportError as error:
        raise IdxError(
            f"is packed with {compressed.packing}, and this Python was built without"
            f" {compressed.module}: unpack it, or use another Python",
            file=compressed.name,
        ) from error


class _Stream(Stream):
    """lzma.open and bz2.open swallow whatever follows the first stream and is not a whole second
    one; this does not.
    """

    def __init__(
        self,
        compressed: Compression,
        new: Callable[[], Decompressor],
        error: type[Exception],
        magic: tuple[bytes, ...],
    ) -> None:
        self.block = memoryview(b"")
        self._source = compressed.source
        self._name = compressed.name
        self._packing = compressed.packing
        self._new = new
        self._error = error
        self._magic = magic
        self._decompressor = new()
        self._input = b""  # read and not yet given to the decompressor
        self._offset = 0  # of what comes behind it
        self._total = 0

    def unpack(self) -> Check | None:
        if self._decompressor.eof:
            self._input = self._decompressor.unused_data
            if not self._next_stream():
                return None
        if self._decompressor.needs_input and not self._input and not self._refill():
            raise self._truncated("ends inside its compressed data")
        try:
            data = self._decompressor.decompress(self._input, BLOCK)
        except self._error as error:
            raise FormatError(
                f"holds invalid {self._packing} data ({error}), after {self._total:,} unpacked"
                " bytes",
                file=self._name,
            ) from error
        self._input = b""
        self.block = memoryview(data)
        self._total += len(data)
        return unchecked

    def _refill(self) -> bool:
        """Read on; False at the end of the file."""
        block = bytearray(BLOCK)
        n = self._source.read_at(self._offset, memoryview(block))
        self._input += block[:n]
        self._offset += n
        return n > 0

    def _next_stream(self) -> bool:
        """Go to the start of the next stream; False if there is none."""
        self._input = self._input.lstrip(b"\0")
        while len(self._input) < max(map(len, self._magic)) and self._refill():
            self._input = self._input.lstrip(b"\0")
        if not self._input:
            return False
        if self._input.startswith(self._magic):
            self._decompressor = self._new()
            return True
        if any(magic.startswith(self._input) for magic in self._magic):
            raise self._truncated(f"ends inside the start of another {self._packing} stream")
        raise FormatError(
            f"has bytes behind its last {self._packing} stream that are not {self._packing}",
            file=self._name,
            offset=self._offset - len(self._input),
        )

    def _truncated(self, message: str) -> TruncatedError:
        return TruncatedError(message, file=self._name, offset=self._offset, found=self._total)
