"""Decode an IDX file: check its header against the bytes that exist, then fill arrays."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .._native import byteorder, inflate
from .._util.memory import allocate
from .._util.sizes import record_nbytes, records_in
from .._util.threads import check_threads, on_threads
from .._util.types import Array, Bytes
from ..compression.base import READ_SIZE
from ..compression.registry import Compression, open_compressed
from ..errors import FormatError, TruncatedError
from ..storage.file_object import PIECE
from ..storage.signatures import AS_CR_LF, has_cr_lf
from ..storage.source import File, StorageOptions, open_source
from .causes import why_wrong_size
from .header import START, Header, parse, rest_of
from .indexing import Rows

# A thread takes a multiple of this, a huge page, and at most PIECE at a time. Less is not worth a
# thread.
_PART = 2 << 20
# Records of one iteration that share memory, in bytes.
_SHARED = 1 << 20
# Records that are read at once when all are read in order, in bytes.
_BLOCK_OF_RECORDS = 4 << 20


@contextlib.contextmanager
def opened(
    file: File, storage_options: StorageOptions = None
) -> Iterator[tuple[Compression, Header]]:
    """Open a file and read its header; the file is closed at the end of the block."""
    source = open_source(file, storage_options=storage_options)
    try:
        compressed = open_compressed(source)
        yield compressed, read_header(compressed)
    finally:
        source.close()


def read_header(compressed: Compression) -> Header:
    """Read the header and check that the file is large enough for the elements it promises."""
    head = compressed.head(START, rest_of)
    header = parse(head, file=compressed.name, start=compressed.source.start)
    _check_size(compressed, header)
    return header


def _check_size(compressed: Compression, header: Header) -> None:
    """Raise if the file is too small for the promised elements, before memory is allocated."""
    limit = compressed.limit()
    expected = header.size + header.nbytes
    if limit is None:
        return
    if compressed.is_plain:
        check_found(compressed, header, limit)
    elif limit < expected:
        check_found(compressed, header, _count(compressed, header))


def check_out(out: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Raise unless out is a writable array of this shape and dtype."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out is a numpy array, not {type(out).__name__}")
    if out.shape != shape or out.dtype != dtype:
        raise ValueError(
            f"out has shape {out.shape} and dtype {out.dtype}; the data have {shape} and {dtype}"
        )
    if not out.flags.writeable:
        raise ValueError("out is read-only")


def read_whole(
    compressed: Compression, header: Header, out: Array | None, threads: int | None
) -> Array:
    """Read all elements, in native byte order, into a new writable array or into out."""
    threads = check_threads(threads)
    if out is not None:
        check_out(out, header.shape, header.native)
    if (
        compressed.is_plain
        and compressed.source.size is not None
        and (out is None or (out.flags.c_contiguous and out.flags.aligned))
    ):
        result = _allocate(compressed, header, 0) if out is None else out.reshape(-1).view(np.uint8)
        itemsize = _swapped(header)

        def fill(start: int, part: memoryview) -> None:
            if itemsize:
                compressed.read_swapped(header.size + start, part, itemsize)
            else:
                compressed.read_at(header.size + start, part, 1)

        _in_parts(result, threads, fill)
    else:
        buffer = _allocate(compressed, header, header.size)
        found = _unpack(compressed, header, buffer.data, threads)
        check_found(compressed, header, found)
        result = buffer[header.size :]
        _to_native(header, result, threads)
    array = result.view(header.native).reshape(header.shape)
    if out is None:
        return array
    if not np.may_share_memory(out, array):
        _copy(array, out)
    return out


def _copy(array: Array, out: Array) -> None:
    """Copy array to out, of the same shape, in steps; Python handles interrupts in between."""
    if not array.ndim:
        out[...] = array
        return
    step = records_in(PIECE, record_nbytes(array.shape, array.dtype))
    for start in range(0, len(array), step):
        out[start : start + step] = array[start : start + step]


def read_rows(compressed: Compression, header: Header, rows: Rows, threads: int | None) -> Array:
    """Read the records of an ascending range or index array into a new native-endian array."""
    if not header.shape:
        return read_whole(compressed, header, None, 1)
    count = len(rows)
    size = header.record_nbytes
    result = allocate(0, count * size)
    # For one record, counting the processors would take longer than reading.
    threads = 1 if count == 1 else check_threads(threads)
    if count and size:
        try:
            if isinstance(rows, range) and (rows.step == 1 or count == 1):
                compressed.read_at(header.size + rows[0] * size, result.data, threads)
            else:
                compressed.gather(header.size, size, np.asarray(rows, np.int64), result, threads)
        except TruncatedError as error:
            raise cut_short(compressed, header, error.found, error) from error
    _to_native(header, result, 1)
    return result.view(header.native).reshape(count, *header.shape[1:])


def read_block(compressed: Compression, header: Header, start: int, out: Bytes) -> None:
    """Read consecutive records, from start on, in native byte order into the bytes of an array."""
    if not len(out):
        return
    try:
        compressed.read_block(
            header.size + start * header.record_nbytes, out.data, check_threads(None)
        )
    except TruncatedError as error:
        raise cut_short(compressed, header, error.found, error) from error
    _to_native(header, out, 1)


def iterate(compressed: Compression, header: Header, n: int) -> Iterator[Array]:
    """Yield blocks of n records in order, decoded ahead by a thread; the last may be shorter."""
    from ..compression.read_ahead import ReadAhead  # with queue, slow to import

    resources = contextlib.ExitStack()
    resources.enter_context(compressed.source.expect_all())
    stream = ReadAhead(compressed.stream(), can_wait=compressed.source.size is None)
    resources.callback(stream.close)
    count = header.shape[0]
    size = header.record_nbytes
    found = 0
    try:
        found += stream.readinto(memoryview(bytearray(header.size)))
        # Several small blocks share one allocation, which saves system calls.
        many = n * records_in(_SHARED, n * size)
        for start in range(0, count, many):
            records = min(many, count - start)
            memory = allocate(0, records * size)
            found += stream.readinto(memory.data)
            if found < header.size + (start + records) * size:
                break
            _to_native(header, memory, 1)
            array = memory.view(header.native).reshape(records, *header.shape[1:])
            for k in range(0, records, n):
                yield array[k : k + n]
        while extra := stream.readinto(memoryview(bytearray(READ_SIZE))):
            found += extra
    except TruncatedError as error:
        raise cut_short(compressed, header, error.found, error) from error
    else:
        check_found(compressed, header, found)
    finally:
        resources.close()


def records_per_block(header: Header) -> int:
    """The number of records to read at once in a loop over all records."""
    return records_in(_BLOCK_OF_RECORDS, header.record_nbytes)


def check_whole(
    compressed: Compression, header: Header, progress: Callable[[int, int], None] | None = None
) -> int:
    """Decode the whole file, raise any error in it, and return the CRC-32 of the unpacked bytes.

    progress is called with the unpacked bytes so far and the number that the header tells.
    """
    crc = 0
    done = 0

    def update(piece: memoryview) -> None:
        nonlocal crc, done
        crc = inflate.crc32(piece, crc)
        done += len(piece)
        if progress is not None:
            progress(done, header.size + header.nbytes)

    check_found(compressed, header, _count(compressed, header, update))
    return crc


def _allocate(compressed: Compression, header: Header, before: int) -> Array:
    try:
        return allocate(before, header.nbytes)
    except (MemoryError, ValueError):
        # If the file does not state its size, the header may promise too much: check that first.
        check_found(compressed, header, _count(compressed, header))
        raise


def _unpack(compressed: Compression, header: Header, out: memoryview, threads: int) -> int:
    try:
        return compressed.read_whole(out, threads)
    except TruncatedError as error:
        raise cut_short(compressed, header, error.found, error) from error


def _count(
    compressed: Compression, header: Header, use: Callable[[memoryview], None] | None = None
) -> int:
    """Decode the file to count its unpacked bytes, and call use with each block of them."""
    stream = compressed.stream()
    scratch = memoryview(bytearray(READ_SIZE))
    found = 0
    try:
        with compressed.source.expect_all():
            while n := stream.readinto(scratch):
                found += n
                if use is not None:
                    use(scratch[:n])
    except TruncatedError as error:
        raise cut_short(compressed, header, error.found, error) from error
    return found


def check_found(compressed: Compression, header: Header, found: int) -> None:
    """Raise unless the number of unpacked bytes is what the header promises."""
    expected = header.size + header.nbytes
    if found < expected:
        raise cut_short(compressed, header, found)
    if found > expected:
        cause = why_wrong_size(compressed, header, found)
        hint = f". The likely cause is {cause}" if cause else ""
        raise FormatError(
            f"has {found - expected:,} bytes behind the {expected:,} that its header {header.shape}"
            f" promises{hint}",
            file=compressed.name,
            offset=expected if compressed.is_plain else None,
        )


def cut_short(
    compressed: Compression, header: Header, found: int, error: TruncatedError | None = None
) -> TruncatedError:
    """The error for a file with only `found` unpacked bytes; error is that of its compression."""
    expected = header.size + header.nbytes
    whole = max(0, found - header.size) // header.record_nbytes if header.record_nbytes else 0
    records = f"; {whole:,} of {header.shape[0]:,} records are whole" if header.shape else ""
    before = f"{error.message}: " if error else ""
    if error:
        why = AS_CR_LF if has_cr_lf(compressed.source) else None
    else:
        why = why_wrong_size(compressed, header, found)
    why = why or "a download or copy that broke off"
    offset = found if compressed.is_plain else None
    if error is not None:
        offset = error.offset
    return TruncatedError(
        f"{before}{found:,} of the {expected:,} bytes are there that its header {header.shape} "
        f"promises{records}. The likely cause is {why}",
        file=compressed.name,
        offset=offset,
        found=found,
    )


def _swapped(header: Header) -> int:
    """The item size if the bytes of each item must be reversed, else 0."""
    return header.dtype.itemsize if header.dtype != header.native else 0


def _to_native(header: Header, data: Array, threads: int) -> None:
    """Convert elements to native byte order, in place."""
    itemsize = _swapped(header)
    if itemsize:
        _in_parts(data, threads, lambda start, part: byteorder.swap_bytes(part, itemsize))


def _in_parts(data: Array, threads: int, do: Callable[[int, memoryview], None]) -> None:
    """Call do with the offset and the bytes of each part of data, on threads."""
    size = max(1, len(data))
    if len(data) >= 2 * _PART:
        size = -(-len(data) // threads // _PART) * _PART
    size = min(size, PIECE)
    starts = range(0, len(data), size)
    on_threads(lambda start: do(start, data[start : start + size].data), starts, threads)
