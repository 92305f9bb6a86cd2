"""File objects of the caller: seekable ones and pipes as sources, and writing all of some bytes."""

from __future__ import annotations

import errno
import io
import os
import stat
import threading
from functools import partial
from typing import IO, Any

from .._util.fork import ForkGuard
from ..errors import naming
from .base import Source

TEXT = "the file object is open for text; open it in binary mode, 'rb'"

# Bytes that one call of the system or of a file object in C reads at the most: an interrupt is
# noticed between two. On a file of 512 MB in memory no size from 2 to 32 MiB, nor one call for
# everything, was faster beyond the noise.
PIECE = 8 << 20


class SeekableSource(Source):
    """A seekable file object; a lock lets one reader at a time move its cursor.

    A plain file is read by position instead, and shared with forked processes. Any other file
    object is refused after a fork, since parent and child would move the same cursor. An error that
    seek() raises in the constructor passes through; the result of seek() is ignored.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.name = name_of(file)
        self._file = file
        raw = file.raw if type(file) is io.BufferedReader else file
        self._guard = ForkGuard()
        with naming(self.name):
            self._is_plain = type(raw) is io.FileIO and stat.S_ISREG(os.fstat(raw.fileno()).st_mode)
            self.start = self._end = file.tell()
            end = _stated_size(file)
            if end is None:
                file.seek(0, io.SEEK_END)
                end = file.tell()
            else:
                file.seek(self.start)  # raises where seekable() is not true
            self.size: int | None = max(0, end - self.start)
        self._lock = threading.Lock()

    def read_at(self, offset: int, out: memoryview) -> int:
        if self._is_plain:
            with naming(self.name):
                done = pread_full(self._file.fileno(), out, self.start + offset)
            self._end = max(self._end, self.start + offset + done)
            return done
        # Checked before the lock is taken: another thread may have held it at the fork.
        if self._guard.in_child():
            what = "a file object can't be read after a fork; open the file by its path"
            raise RuntimeError(f"{self.name}: {what}")
        with self._lock, naming(self.name):
            position = self.start + offset
            self._file.seek(position)
            n = _read_full(self._file, out)
            self._end = max(self._end, position + n)
        if n < min(len(out), (self.size or 0) - offset):
            raise OSError(
                f"{self.name}: the file object says that it has {self.size:,} bytes, but gave only"
                f" {offset + n:,}: it can't go back after a seek to its end, or its file was cut"
                " short meanwhile. Open the file by its path, or wrap the file object so that it"
                " has read() alone"
            )
        return n

    def close(self) -> None:
        """Move the cursor behind the last byte that was read; the file object stays open."""
        with self._lock:
            end = self._end
            self._end = 0
            if end and not getattr(self._file, "closed", False):
                self._file.seek(end)

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError(f"{self.name}: a file object can't be pickled; open the file by its path")


class PipeSource(Source):
    """Bytes that come once, in order; the first KEPT stay in memory, to detect the compression."""

    KEPT = 1 << 20

    def __init__(self, file: IO[bytes], *, owned: bool = False) -> None:
        self.name = name_of(file)
        self.size: int | None = None
        self._file = file
        self._owned = owned
        self._head = bytearray()
        self._position = 0

    def read_at(self, offset: int, out: memoryview) -> int:
        with naming(self.name):
            return self._read_at(offset, out)

    def _read_at(self, offset: int, out: memoryview) -> int:
        end = offset + len(out)
        while (missing := min(end, self.KEPT) - len(self._head)) > 0:
            more = bytearray(missing)
            n = _read_full(self._file, memoryview(more))
            self._head += more[:n]
            self._position += n
            if n < missing:
                break
        piece = self._head[offset:end]
        done = len(piece)
        out[:done] = piece
        if end > self.KEPT and done < len(out):
            if offset + done != self._position:
                what = "a pipe can be read once only, from front to end"
                raise io.UnsupportedOperation(f"{self.name}: {what}")
            n = _read_full(self._file, out[done:])
            self._position += n
            done += n
        return done

    def close(self) -> None:
        if self._owned:
            self._file.close()

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError(f"{self.name}: a pipe can't be pickled")


def pread_full(fd: int, out: memoryview, offset: int) -> int:
    """Fill out from an offset of a file; return the number of bytes, smaller only at the end."""
    done = 0
    while done < len(out) and (n := _pread(fd, out[done : done + PIECE], offset + done)):
        done += n
    return done


def _pread(fd: int, out: memoryview, offset: int) -> int:
    if hasattr(os, "preadv"):
        return os.preadv(fd, [out], offset)
    data = os.pread(fd, len(out), offset)  # macOS before 11
    out[: len(data)] = data
    return len(data)


def name_of(file: IO[bytes]) -> str:
    """Return the name of a file object, or that of its type."""
    name = getattr(file, "name", None)
    return name if isinstance(name, str) else f"<{type(file).__name__}>"


def is_trusted(file: IO[bytes]) -> bool:
    """Whether a file object that calls itself seekable can be moved to its end and back.

    Python's own can. Others need not, once they state their size.
    """
    return type(file) in _OWN or _stated_size(file) is not None


def _stated_size(file: IO[bytes]) -> int | None:
    """The size of a file object that states it without a call, as fsspec's do."""
    size = getattr(file, "size", None)
    return size if type(size) is int and size >= 0 else None


_OWN = (io.FileIO, io.BufferedReader, io.BufferedRandom, io.BytesIO)
_IN_C = (io.FileIO, io.BufferedReader, io.BytesIO)


def _read_full(file: IO[bytes], out: memoryview) -> int:
    """Fill out from a file object that may give short reads; return the number of bytes."""
    readinto = getattr(file, "readinto", None) or partial(_read_into, file)
    # A file object in Python may ask a server at each call, so it is asked for everything at once.
    most = len(out)
    if isinstance(file, _IN_C):
        most = PIECE
    done = 0
    while done < len(out):
        wanted = min(len(out) - done, most)
        try:
            n = readinto(out[done : done + wanted])
        except NotImplementedError:
            if isinstance(readinto, partial):
                raise
            readinto = partial(_read_into, file)
            continue
        if n is None:
            what = "the file object is non-blocking and has no data yet"
            raise BlockingIOError(f"{name_of(file)}: {what}")
        if not 0 <= n <= wanted:
            what = f"asked for {wanted} bytes, the file object returned {n}"
            raise OSError(f"{name_of(file)}: {what}")
        if n == 0:
            break
        done += n
    return done


def _read_into(file: IO[bytes], out: memoryview) -> int | None:
    """Do what readinto() does, for a file object that has read() only."""
    data: bytes | str | None = file.read(len(out))
    if data is None:
        return None
    if isinstance(data, str):
        raise TypeError(TEXT)
    out[: len(data)] = data[: len(out)]
    return len(data)


def write_all(file: IO[bytes], data: bytes | memoryview) -> None:
    """Write all of data, in several calls if the file object takes only a part."""
    view = memoryview(data)
    while len(view):
        n: Any = file.write(view)
        if n is None:
            if isinstance(file, io.RawIOBase):
                raise BlockingIOError("the file object is non-blocking and takes no more data now")
            return  # None from a file object in Python: it has taken everything
        if isinstance(n, bool) or not 0 < n <= len(view):
            raise OSError(
                errno.EIO, f"the file object was given {len(view)} bytes to write and returned {n}"
            )
        view = view[n:]
