"""zstd (RFC 8878): any number of frames, skippable ones too; written as one frame.

Packed and unpacked by the standard library from Python 3.14 on, by backports.zstd before.
"""

from __future__ import annotations

import importlib
import sys
from typing import IO, Any

from ..errors import ChecksumError, FormatError, IdxError
from ..storage.file_object import write_all
from .base import Compression, Sink, Stream, WriteOptions
from .decompressor import Decompressor, DecompressorStream
from .spool import drop_spool, new_spool, patch, read_spool

# The smallest block of the largest size repeats one byte: 3 bytes of header and that byte make 128
# KiB (RFC 8878, 3.1.1.2).
MAX_RATIO = (128 << 10) // 4
# The largest window, which is memory that a frame asks for: what the program zstd takes without
# --long=31, and what libzstd takes by default.
MOST_WINDOW_LOG = 27
# Unpacked bytes that are packed in one go: a block. At level 19 it takes some 0.2 s, after which an
# interrupt is noticed.
_PIECE = 128 << 10
# The longest header of a frame.
_MOST_HEADER = 18
_FRAME = b"\x28\xb5\x2f\xfd"
_IS_IN_PYTHON = sys.version_info >= (3, 14)


class Zstd(Compression):
    packing = "zstd"
    magic = (_FRAME, *(bytes([k]) + b"\x2a\x4d\x18" for k in range(0x50, 0x60)))
    suffixes = (".zst",)
    program = "zstd"
    module = "compression.zstd" if _IS_IN_PYTHON else "backports.zstd"
    can_write = True
    levels = range(1, 20)
    checked = "and the checksums of its zstd frames, if they hold any"

    def limit(self) -> int | None:
        return None if self.source.size is None else self.source.size * MAX_RATIO

    def stream(self) -> Stream:
        try:
            zstd = importlib.import_module(self.module)
        except ImportError as error:
            raise IdxError(
                f"is packed with zstd, {_missing()}; or unpack it with `zstd -d`", file=self.name
            ) from error
        options = {zstd.DecompressionParameter.window_log_max: MOST_WINDOW_LOG}
        return _FrameStream(self, lambda: zstd.ZstdDecompressor(options=options), zstd.ZstdError)

    @classmethod
    def library(cls) -> str:
        try:
            zstd = importlib.import_module(cls.module)
        except ImportError:
            return f"none: it packs {cls.suffixes[0]} files, {_missing()}"
        return f"{zstd.zstd_version}, of {cls.module}: {cls.suffixes[0]} files"

    @classmethod
    def writer(cls, file: IO[bytes], header: bytes, options: WriteOptions) -> Sink:
        try:
            zstd = importlib.import_module(cls.module)
        except ImportError as error:
            raise ImportError(f"can't write zstd, {_missing()}") from error
        return _FrameWriter(zstd, file, header, options)


def _missing() -> str:
    """Why the module is missing, and the remedy."""
    if _IS_IN_PYTHON:
        return "which this Python was built without (its module _zstd): use another Python"
    return "for which backports.zstd is missing: pip install 'idxio[zstd]'"


class _FrameStream(DecompressorStream):
    """Looks at the header of each frame before memory is taken for its window."""

    def _start(self) -> Decompressor:
        while len(self._input) < _MOST_HEADER and self._refill():
            pass
        head = self._input[:_MOST_HEADER]
        offset = self._offset - len(self._input)
        window, dictionary = _parse_frame(head)
        if window > 1 << MOST_WINDOW_LOG:
            raise FormatError(
                f"has a zstd frame with a window of {window:,} bytes, and no more than"
                f" {1 << MOST_WINDOW_LOG:,} are taken: unpack it with `zstd -d --long=31`, or pack"
                " it without --long and --ultra",
                file=self._name,
                offset=offset,
            )
        if dictionary:
            raise FormatError(
                f"has a zstd frame that needs the dictionary {dictionary}, which is no part of the"
                " file: unpack it with `zstd -d -D DICTIONARY`",
                file=self._name,
                offset=offset,
            )
        return self._new()

    def _invalid(self, error: Exception) -> IdxError:
        if "checksum" not in str(error):
            return super()._invalid(error)
        return ChecksumError(
            f"has a wrong checksum in its zstd data, behind {self._total:,} unpacked bytes",
            file=self._name,
        )


def _parse_frame(head: bytes) -> tuple[int, int]:
    """The window in bytes and the dictionary of a frame with these first bytes; zero where they are
    none, not whole, or skippable (RFC 8878, 3.1.1.1).
    """
    if not head.startswith(_FRAME) or len(head) < 6:
        return 0, 0
    flags = head[4]
    is_single_segment = bool(flags & 0x20)
    at = 5 + (not is_single_segment)
    dictionary_bytes = (0, 1, 2, 4)[flags & 3]
    dictionary = int.from_bytes(head[at : at + dictionary_bytes], "little")
    if not is_single_segment:
        base = 1 << (10 + (head[5] >> 3))
        return base + base // 8 * (head[5] & 7), dictionary
    # The content is its own window.
    at += dictionary_bytes
    size_bytes = (1, 2, 4, 8)[flags >> 6]
    size = int.from_bytes(head[at : at + size_bytes], "little")
    return size + 256 * (size_bytes == 2), dictionary


class _FrameWriter:
    """One frame, which states its length and a checksum.

    Where header and length are known at the end only, all waits unpacked in a temporary file: some
    programs read the first frame of a file alone.
    """

    def __init__(self, zstd: Any, file: IO[bytes], header: bytes, options: WriteOptions) -> None:
        self._zstd = zstd
        self._file = file
        self._level = options.level
        self._compressor: Any = None
        self._spool: IO[bytes] | None = None
        if options.length is None:
            self._spool = new_spool(options.folder)
        else:
            self._compressor = self._new_compressor(options.length)
        try:
            self.write(memoryview(header))
        except BaseException:
            self.discard()
            raise

    def _new_compressor(self, length: int) -> Any:
        parameters = self._zstd.CompressionParameter
        compressor = self._zstd.ZstdCompressor(
            options={parameters.compression_level: self._level, parameters.checksum_flag: 1}
        )
        compressor.set_pledged_input_size(length)
        return compressor

    def write(self, buffer: memoryview) -> None:
        if self._spool is not None:
            write_all(self._spool, buffer)
            return
        buffer = buffer.cast("B")
        for start in range(0, len(buffer), _PIECE):
            write_all(self._file, self._compressor.compress(buffer[start : start + _PIECE]))

    def finish(self, header: bytes) -> None:
        spool = self._spool
        if spool is not None:
            length = spool.tell()
            patch(spool, length, 0, header)
            self._compressor = self._new_compressor(length)
            for piece in read_spool(spool, _PIECE):
                write_all(self._file, self._compressor.compress(piece))
        write_all(self._file, self._compressor.flush())

    def discard(self) -> None:
        if self._spool is not None:
            drop_spool(self._spool)
