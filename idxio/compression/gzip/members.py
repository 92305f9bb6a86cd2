"""gzip members (RFC 1952): their headers, the eight bytes behind their data, and the padding
between them.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from ..._native import inflate
from ...errors import ChecksumError

MAGIC = b"\x1f\x8b"
TRAILER = 8

_FHCRC, _FEXTRA, _FNAME, _FCOMMENT, _RESERVED = 0x02, 0x04, 0x08, 0x10, 0xE0


class IncompleteError(Exception):
    """The data end inside the header."""


class MemberHeader(NamedTuple):
    """Where the deflate data of a member start, and its extra field."""

    end: int
    extra: bytes


class Trailer(NamedTuple):
    """CRC-32 and length that a member states of its data."""

    crc: int
    length: int  # modulo 2^32


class Segment(NamedTuple):
    """The length of some decoded bytes, and the trailer of their member if they end it."""

    length: int
    trailer: Trailer | None


class MemberCheck:
    """Adds up segments and compares each member with its trailer."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._crc = self._length = 0
        self._member = 1

    def add(
        self, segment: Segment, crc: int, offset: int | None = None, *, member: int | None = None
    ) -> None:
        """Add the next segment and its CRC-32.

        member: its number, where empty ones before it were left out.

        Raises ChecksumError, which names `offset` as the byte of the file.
        """
        self._member = member or self._member
        self._crc = inflate.crc32_combine(self._crc, crc, segment.length)
        self._length += segment.length
        if segment.trailer is None:
            return
        if segment.trailer.crc != self._crc:
            raise ChecksumError(
                f"is damaged: gzip member {self._member} states the CRC-32"
                f" {segment.trailer.crc:08x}, its data have {self._crc:08x}",
                file=self._name,
                offset=offset,
            )
        if segment.trailer.length != self._length & 0xFFFFFFFF:
            raise ChecksumError(
                f"is damaged: gzip member {self._member} states a length of"
                f" {segment.trailer.length:,} bytes modulo 2^32, its data have {self._length:,}",
                file=self._name,
                offset=offset,
            )
        self._crc = self._length = 0
        self._member += 1


def parse_member_header(data: memoryview, start: int) -> MemberHeader:
    """Read the member header at data[start:].

    Raises IncompleteError where data ends first and ValueError, with the reason, for a broken
    header.
    """
    if len(data) < start + 10:
        raise IncompleteError
    magic, method, flags = struct.unpack_from("<2sBB", data, start)
    if magic != MAGIC:
        raise ValueError("no gzip member starts here")
    if method != 8:
        raise ValueError(
            f"the gzip member has the compression method {method}; only 8, deflate, exists"
        )
    if flags & _RESERVED:
        raise ValueError(f"the gzip member sets reserved flags ({flags:#04x})")
    end, extra = start + 10, b""
    if flags & _FEXTRA:
        if len(data) < end + 2:
            raise IncompleteError
        size = struct.unpack_from("<H", data, end)[0]
        extra = bytes(data[end + 2 : end + 2 + size])
        end += 2 + size
    for flag in (_FNAME, _FCOMMENT):
        if flags & flag:
            end = _zero_from(data, end) + 1
    if flags & _FHCRC:
        if len(data) < end + 2:
            raise IncompleteError
        stated = struct.unpack_from("<H", data, end)[0]
        if stated != inflate.crc32(data[start:end]) & 0xFFFF:
            raise ValueError("the checksum of the gzip member's header is wrong")
        end += 2
    if len(data) < end:
        raise IncompleteError
    return MemberHeader(end, extra)


def parse_trailer(data: memoryview, start: int) -> Trailer:
    """The trailer at data[start:]; the caller knows that it is there."""
    return Trailer(*struct.unpack_from("<II", data, start))


def skip_zeros(data: memoryview, start: int) -> int:
    """The first position from start on whose byte is not zero, or the end."""
    while start < len(data):
        buffer = bytes(data[start : start + 4096])
        rest = buffer.lstrip(b"\0")
        start += len(buffer) - len(rest)
        if rest:
            break
    return start


def _zero_from(data: memoryview, start: int) -> int:
    """Where the zero-terminated text that starts at start ends."""
    while start < len(data):
        buffer = bytes(data[start : start + 4096])
        at = buffer.find(0)
        if at >= 0:
            return start + at
        start += len(buffer)
    raise IncompleteError
