"""xz and bz2, decoded by the standard library."""

from __future__ import annotations

import importlib
from typing import Any

from ..errors import IdxError
from .base import Compression, Stream
from .decompressor import DecompressorStream


class Xz(Compression):
    packing = "xz"
    magic = (b"\xfd7zXZ\0",)
    suffixes = (".xz",)
    program = "xz"
    module = "lzma"

    def stream(self) -> Stream:
        lzma = _module(self)
        return DecompressorStream(
            self, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ), lzma.LZMAError
        )


class Bz2(Compression):
    packing = "bz2"
    magic = (b"BZh",)
    suffixes = (".bz2",)
    program = "bzip2"
    module = "bz2"

    def stream(self) -> Stream:
        return DecompressorStream(self, _module(self).BZ2Decompressor, OSError)


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
