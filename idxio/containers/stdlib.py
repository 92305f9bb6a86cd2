"""xz and bz2, decoded by the standard library: any number of streams, with xz's padding between them."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING

from ..errors import ChecksumError, FormatError, TruncatedError
from ..source import Source
from .base import Container, Stream

if TYPE_CHECKING:
    from typing_extensions import Buffer


class Xz(Container):
    packing = "xz"

    def limit(self) -> int | None:
        return None

    def stream(self) -> Stream:
        import lzma

        return _Stream(lzma.LZMAFile(_Reader(self.source)), self.name, lzma.LZMAError)


class Bz2(Container):
    packing = "bz2"

    def limit(self) -> int | None:
        return None

    def stream(self) -> Stream:
        import bz2

        return _Stream(bz2.BZ2File(_Reader(self.source)), self.name, OSError)


class _Stream:
    def __init__(self, file: IO[bytes], name: str, errors: type[Exception]) -> None:
        self._file = file
        self._name = name
        self._errors = errors
        self._total = 0

    def readinto(self, out: memoryview) -> int:
        done = 0
        while done < len(out):
            try:
                n = self._file.readinto(out[done:])  # type: ignore[attr-defined]
            except EOFError:
                found = self._total + done
                raise TruncatedError("ends inside its compressed data", file=self._name, found=found) from None
            except self._errors as error:
                if isinstance(error, OSError) and error.errno is not None:
                    raise  # of the file, not of bz2
                kind = ChecksumError if "heck" in str(error) or "CRC" in str(error) else FormatError
                raise kind(f"does not unpack: {error}", file=self._name) from error
            if not n:
                break
            done += n
        self._total += done
        return done


class _Reader(io.RawIOBase):
    """A source as the raw file that lzma and bz2 want."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, out: Buffer) -> int:
        n = self._source.read_at(self._position, memoryview(out).cast("B"))
        self._position += n
        return n
