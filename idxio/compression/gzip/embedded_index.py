"""Tables of spans that files carry themselves: dictzip's RA field, idxio's long form of it, and
BGZF's BC field.

What a table claims is checked against the size of the file here, and against every byte that is
decoded later.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from ...storage.source import Source
from .members import (
    TRAILER,
    IncompleteError,
    MemberHeader,
    parse_member_header,
    parse_trailer,
    skip_zeros,
)
from .span_cache import CACHE
from .span_index import SpanIndex

# dictzip(1): version 1, chunk length, chunk count, and the compressed size of each chunk, all of 16
# bits.
RA = b"RA"
# docs/gzip.md: the same with 32 bits for everything behind the version.
LONG = b"IX"
# SAM/BAM format specification, section 4.1: the size of the member less one, 16 bits.
_BC = b"BC"
_FORMS = {RA: (struct.Struct("<HHH"), "<u2"), LONG: (struct.Struct("<HII"), "<u4")}


def embedded_index(source: Source) -> SpanIndex | None:
    """The table that the file carries; None where it has none, or one that can't be true."""
    if source.size is None:
        return None
    first = _member_header(source, 0)
    if first is None:
        return None
    for name, data in subfields(first.extra):
        if name in _FORMS:
            return _chunks(source, source.size, first.end, *_FORMS[name], data)
        if name == _BC and len(data) == 2:
            return _blocks(source, source.size)
    return None


def chunk_length(source: Source) -> int | None:
    """The unpacked bytes of a chunk as the table of one member states them; None without one."""
    first = None if source.size is None else _member_header(source, 0)
    for name, data in () if first is None else subfields(first.extra):
        if name in _FORMS and len(data) >= _FORMS[name][0].size:
            chunk = int(_FORMS[name][0].unpack_from(data)[1])
            return chunk if 0 < chunk <= CACHE else None
    return None


def subfields(extra: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The subfields of a member's extra field (RFC 1952, 2.3.1.1); stops at one that is broken."""
    position = 0
    while position + 4 <= len(extra):
        name = extra[position : position + 2]
        size = struct.unpack_from("<H", extra, position + 2)[0]
        position += 4
        if position + size > len(extra):
            return
        yield name, extra[position : position + size]
        position += size


def field(form: bytes, chunk_length: int, sizes: np.ndarray) -> bytes:
    """The subfield that describes chunks of chunk_length unpacked bytes (the last may be shorter)
    and these sizes.
    """
    head, dtype = _FORMS[form]
    data = head.pack(1, chunk_length, len(sizes)) + sizes.astype(dtype).tobytes()
    return form + struct.pack("<H", len(data)) + data


def _chunks(
    source: Source, size: int, begin: int, head: struct.Struct, dtype: str, data: bytes
) -> SpanIndex | None:
    """One member whose data are chunks that need no window."""
    if len(data) < head.size or (len(data) - head.size) % np.dtype(dtype).itemsize:
        return None
    version, chunk, count = head.unpack_from(data)
    sizes = np.frombuffer(data[head.size :], dtype)
    # Only what is decoded in one go shows its length.
    if (
        version != 1
        or not 0 < chunk <= CACHE
        or not count
        or len(sizes) != count
        or np.count_nonzero(sizes) != count
    ):
        return None
    edges = np.empty(count + 1, np.int64)  # bytes of the file
    edges[0] = begin
    np.cumsum(sizes, dtype=np.int64, out=edges[1:])
    edges[1:] += begin
    trailer = bytearray(TRAILER)
    # What comes behind the chunks: at the most an empty last block and the trailer. Anything else
    # is not ours.
    if (
        not 0 <= size - TRAILER - int(edges[-1]) <= 16
        or source.read_at(size - TRAILER, memoryview(trailer)) < TRAILER
    ):
        return None
    length = parse_trailer(memoryview(trailer), 0).length
    last = (length - (count - 1) * chunk) % (1 << 32)
    if not 0 < last <= chunk:
        return None
    edges *= 8
    stops = edges[1:].copy()
    stops[-1] = 0
    starts = np.arange(count, dtype=np.int64) * chunk
    end = (count - 1) * chunk + last
    return SpanIndex.of_columns(edges[:-1], stops, starts, end, size)


def _blocks(source: Source, size: int) -> SpanIndex | None:
    """Members that each state their own size; all of them must."""
    bits: list[int] = []
    edges = [0]  # of the unpacked bytes of each
    position = 0
    trailer = bytearray(TRAILER)
    while position < size:
        header = _member_header(source, position)
        if header is None:
            if not _is_padding(source, position):
                return None
            break
        stated = dict(subfields(header.extra)).get(_BC, b"")
        if len(stated) != 2:
            return None
        end = position + int.from_bytes(stated, "little") + 1
        if (
            end - TRAILER < header.end
            or end > size
            or source.read_at(end - TRAILER, memoryview(trailer)) < TRAILER
        ):
            return None
        length = parse_trailer(memoryview(trailer), 0).length
        if length > 65536:  # the same section: a block unpacks to at most 2^16 bytes
            return None
        if length:
            bits.append(8 * header.end)
            edges.append(edges[-1] + length)
        position = end
    if not bits:
        return None
    return SpanIndex.of_columns(bits, np.zeros(len(bits)), edges[:-1], edges[-1], position)


# An extra field of the largest size, with a name and comment of usual length.
_LARGEST_EXTRA = 68 << 10


def _member_header(source: Source, position: int) -> MemberHeader | None:
    """The member header at a byte of the file, in the file's own counting; None where there is
    none.
    """
    size = 1 << 9
    while True:
        data = memoryview(bytearray(min(size, (source.size or 0) - position)))
        n = source.read_at(position, data)
        try:
            header = parse_member_header(data[:n], 0)
        except ValueError:
            return None
        except IncompleteError:
            if n < size:
                return None
            size = max(16 * size, _LARGEST_EXTRA)
            continue
        return MemberHeader(position + header.end, header.extra)


def _is_padding(source: Source, position: int) -> bool:
    data = memoryview(bytearray(1 << 16))
    while n := source.read_at(position, data):
        if skip_zeros(data[:n], 0) < n:
            return False
        position += n
    return True
