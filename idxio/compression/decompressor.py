"""A stream over a decompressor of Python: any number of streams of one compression, with zero
padding between and behind them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..errors import FormatError, IdxError, TruncatedError
from .base import READ_SIZE, BlockCheck, Compression, Stream, unchecked


class Decompressor(Protocol):
    """What bz2, lzma and zstd have in common; each object unpacks one stream."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class DecompressorStream(Stream):
    """The unpacked bytes of all streams in a file.

    The functions open() of these modules swallow whatever follows the first stream and is not a
    whole second one; this does not.
    """

    def __init__(
        self, compressed: Compression, new: Callable[[], Decompressor], error: type[Exception]
    ) -> None:
        """new makes a decompressor, which raises error for invalid data."""
        self.block = memoryview(b"")
        self._source = compressed.source
        self._name = compressed.name
        self._packing = compressed.packing
        self._magic = compressed.magic
        self._new = new
        self._error = error
        self._decompressor: Decompressor | None = None
        self._input = b""  # read and not yet given to the decompressor
        self._offset = 0  # of what comes behind it
        self._total = 0

    def unpack(self) -> BlockCheck | None:
        decompressor = self._decompressor
        if decompressor is None:
            decompressor = self._decompressor = self._start()
        elif decompressor.eof:
            self._input = decompressor.unused_data or b""  # lz4 has None for nothing
            if not self._find_stream():
                return None
            decompressor = self._decompressor = self._start()
        if decompressor.needs_input and not self._input and not self._refill():
            raise self._truncated("ends inside its compressed data")
        try:
            data = decompressor.decompress(self._input, READ_SIZE)
        except self._error as error:
            raise self._invalid(error) from error
        self._input = b""
        self.block = memoryview(data)
        self._total += len(data)
        return unchecked

    def _start(self) -> Decompressor:
        """A decompressor for the stream that comes next."""
        return self._new()

    def _invalid(self, error: Exception) -> IdxError:
        """The error for data that the decompressor refuses."""
        return FormatError(
            f"holds invalid {self._packing} data ({error}), after {self._total:,} unpacked bytes",
            file=self._name,
        )

    def _refill(self) -> bool:
        """Read on; False at the end of the file."""
        block = bytearray(READ_SIZE)
        n = self._source.read_at(self._offset, memoryview(block))
        self._input += block[:n]
        self._offset += n
        return n > 0

    def _find_stream(self) -> bool:
        """Go to the start of the next stream; False if there is none."""
        longest = max(map(len, self._magic))
        self._input = self._input.lstrip(b"\0")
        while len(self._input) < longest and self._refill():
            self._input = self._input.lstrip(b"\0")
        if not self._input:
            return False
        if self._input.startswith(self._magic):
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
