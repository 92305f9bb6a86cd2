"""gzip (RFC 1952): any number of members, any header fields, zero padding behind the last member."""

from __future__ import annotations

import struct
from typing import NamedTuple

import numpy as np

from .._native import inflate
from ..errors import ChecksumError, FormatError, IdxError, TruncatedError
from ..source import BufferSource
from .base import BLOCK, Container, Stream

# Deflate's best: 258 bytes for a match of two bits, 1032 bytes for a byte (zlib's technical notes).
MAX_RATIO = 1032

_FHCRC, _FEXTRA, _FNAME, _FCOMMENT, _RESERVED = 0x02, 0x04, 0x08, 0x10, 0xE0


class MemberHeader(NamedTuple):
    """The header of a member: where its deflate data start, and its extra field."""

    end: int
    extra: bytes


class _IncompleteError(Exception):
    """The header goes on behind the bytes at hand."""


class Gzip(Container):
    packing = "gzip"

    def limit(self) -> int | None:
        return None if self.source.size is None else self.source.size * MAX_RATIO

    def stream(self) -> Stream:
        return GzipStream(self)

    def read_whole(self, out: memoryview, threads: int) -> int:
        if self.source.size is not None and _inflate_members(self._compressed(), out):
            return len(out)
        # The stream is slower and exact: what the fast way refuses, it decodes or says why not.
        return super().read_whole(out, threads)

    def _compressed(self) -> memoryview:
        """The file as it is stored, in memory."""
        if isinstance(self.source, BufferSource):
            return self.source.view
        data = np.empty(self.source.size or 0, np.uint8).data
        return data[: self.source.read_at(0, data)]

    def stated(self) -> tuple[int, int]:
        """(CRC-32, length modulo 2^32) in the last eight bytes: of the last member, if no padding follows."""
        trailer = bytearray(8)
        self.source.read_at(max(0, (self.source.size or 0) - 8), memoryview(trailer))
        crc, length = struct.unpack("<II", trailer)
        return crc, length


def parse_member_header(data: memoryview, start: int) -> MemberHeader:
    """Read the member header at data[start:].

    Raises _IncompleteError where data ends first and ValueError, with the reason, for a broken header.
    """
    if len(data) < start + 10:
        raise _IncompleteError
    magic, method, flags = struct.unpack_from("<HBB", data, start)
    if magic != 0x8B1F:
        raise ValueError("no gzip member starts here")
    if method != 8:
        raise ValueError(f"the gzip member has the compression method {method}; only 8, deflate, exists")
    if flags & _RESERVED:
        raise ValueError(f"the gzip member sets reserved flags ({flags:#04x})")
    end, extra = start + 10, b""
    if flags & _FEXTRA:
        if len(data) < end + 2:
            raise _IncompleteError
        size = struct.unpack_from("<H", data, end)[0]
        extra = bytes(data[end + 2 : end + 2 + size])
        end += 2 + size
    for flag in (_FNAME, _FCOMMENT):
        if flags & flag:
            end = _zero_from(data, end) + 1
    if flags & _FHCRC:
        if len(data) < end + 2:
            raise _IncompleteError
        stated = struct.unpack_from("<H", data, end)[0]
        if stated != inflate.crc32(data[start:end]) & 0xFFFF:
            raise ValueError("the checksum of the gzip member's header is wrong")
        end += 2
    if len(data) < end:
        raise _IncompleteError
    return MemberHeader(end, extra)


def _zero_from(data: memoryview, start: int) -> int:
    """Where the zero-terminated text that starts at start ends."""
    while start < len(data):
        piece = bytes(data[start : start + 4096])
        at = piece.find(0)
        if at >= 0:
            return start + at
        start += len(piece)
    raise _IncompleteError


def skip_zeros(data: memoryview, start: int) -> int:
    """The first position from start on whose byte is not zero, or the end."""
    while start < len(data):
        piece = bytes(data[start : start + 4096])
        rest = piece.lstrip(b"\0")
        start += len(piece) - len(rest)
        if rest:
            break
    return start


def _inflate_members(data: memoryview, out: memoryview) -> bool:
    """Fill out with the members of data at full speed; False unless all is well and out exactly full."""
    decoder = inflate.Decoder()
    position = done = 0
    while position < len(data):
        try:
            position = parse_member_header(data, position).end
        except (ValueError, _IncompleteError):
            return False
        status, consumed, produced = decoder.inflate(data, position, out, done)
        position += consumed
        if status != inflate.END or len(data) < position + 8:
            return False
        crc, length = struct.unpack_from("<II", data, position)
        if crc != inflate.crc32(out[done : done + produced]) or length != produced & 0xFFFFFFFF:
            return False
        position = skip_zeros(data, position + 8)
        done += produced
    return done == len(out)


class GzipStream:
    """The unpacked bytes of all members in order, each member checked at its end."""

    def __init__(self, container: Container) -> None:
        self._source = container.source
        self._name = container.name
        self._data = memoryview(bytearray(BLOCK))
        self._start = self._end = 0  # of what is read and not yet decoded, in _data
        self._base = 0  # where _data starts in the file
        self._inflater: inflate.Inflater | None = None
        self._crc = self._length = 0  # of the member so far
        self._total = 0
        self._members = 0

    @property
    def offset(self) -> int:
        """How far the file is decoded, in bytes of the file as it is stored."""
        return self._base + self._start

    def readinto(self, out: memoryview) -> int:
        done = 0
        while done < len(out):
            if self._inflater is None:
                if not self._open_member():
                    break
                continue
            status, consumed, produced = self._inflater.inflate(
                self._data[: self._end], self._start, out[done:]
            )
            self._crc = inflate.crc32(out[done : done + produced], self._crc)
            self._start += consumed
            self._length += produced
            self._total += produced
            done += produced
            if status == inflate.END:
                self._close_member()
            elif status == inflate.BAD:
                reason = self._inflater.message
                raise self._error(FormatError, f"holds invalid deflate data ({reason})")
            elif done < len(out) and not self._refill():
                raise self._truncated(f"ends inside {self._ordinal()}")
        return done

    def _refill(self) -> bool:
        """Read on, keeping what is not yet decoded; False at the end of the file."""
        kept = self._end - self._start
        if kept > len(self._data) // 2:
            larger = memoryview(bytearray(2 * len(self._data)))
            larger[:kept] = self._data[self._start : self._end]
            self._data = larger
        else:
            self._data[:kept] = bytes(self._data[self._start : self._end])
        self._base += self._start
        self._start, self._end = 0, kept
        n = self._source.read_at(self._base + kept, self._data[kept:])
        self._end += n
        return n > 0

    def _open_member(self) -> bool:
        """Go to the data of the next member; False if there is none."""
        if self._members:
            while True:
                self._start = skip_zeros(self._data[: self._end], self._start)
                if self._start < self._end:
                    break
                if not self._refill():
                    return False
        while True:
            try:
                header = parse_member_header(self._data[: self._end], self._start)
                break
            except _IncompleteError:
                magic = bytes(self._data[self._start : min(self._start + 2, self._end)])
                if b"\x1f\x8b".startswith(magic) and self._refill():
                    continue
                if b"\x1f\x8b".startswith(magic) or not self._members:
                    raise self._truncated(
                        f"ends inside the header of gzip member {self._members + 1}"
                    ) from None
                raise self._garbage() from None
            except ValueError as error:
                if self._data[self._start : self._start + 2] != b"\x1f\x8b":
                    raise self._garbage() from None
                raise self._error(FormatError, str(error)) from None
        self._members += 1
        self._start = header.end
        self._inflater = inflate.Inflater()
        self._crc = self._length = 0
        return True

    def _close_member(self) -> None:
        """Check the eight bytes behind the data of the member."""
        self._inflater = None
        while self._end - self._start < 8:
            if not self._refill():
                raise self._truncated(f"ends inside the checksum of {self._ordinal()}")
        crc, length = struct.unpack_from("<II", self._data, self._start)
        if crc != self._crc:
            raise self._error(
                ChecksumError,
                f"is damaged: {self._ordinal()} states the CRC-32 {crc:08x}, its data have {self._crc:08x}",
            )
        if length != self._length & 0xFFFFFFFF:
            raise self._error(
                ChecksumError,
                f"is damaged: {self._ordinal()} states a length of {length:,} bytes modulo 2^32, "
                f"its data have {self._length:,}",
            )
        self._start += 8

    def _garbage(self) -> FormatError:
        where = self.offset
        behind = self._end - self._start
        while self._source.size is None and self._refill():
            self._start, behind = self._end, behind + self._end - self._start
        if self._source.size is not None:
            behind = self._source.size - where
        return FormatError(
            f"has {behind:,} bytes behind its last gzip member that are not gzip", file=self._name, offset=where
        )

    def _ordinal(self) -> str:
        return f"gzip member {self._members}"

    def _truncated(self, message: str) -> TruncatedError:
        return TruncatedError(message, file=self._name, offset=self.offset, found=self._total)

    def _error(self, kind: type[FormatError] | type[ChecksumError], message: str) -> IdxError:
        return kind(f"{message}, after {self._total:,} unpacked bytes", file=self._name, offset=self.offset)
