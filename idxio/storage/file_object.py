"""File objects: sources that have a cursor or are read once from front to end; bytes written to the last one."""

from __future__ import annotations

import io
import os
import stat
import threading
from functools import partial
from typing import IO, Any

from ..errors import naming

TEXT = "the file object is open for text; open it in binary mode, 'rb'"

# Bytes that one call of the system or of a file object in C reads at the most: an interrupt is noticed between two.
# On a file of 512 MB in memory no size from 2 to 32 MiB, nor one call for everything, was faster beyond the noise.
PIECE = 8 << 20


class SeekableSource:
    """A file object with a cursor: one reader at a time moves it.

    A plain file is read by position instead. Of others, processes that fork would move each other's cursor. What its
    seek() raises comes through from here, with the cursor where it was; what seek() returns is not looked at.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.name = _name_of(file)
        self._file = file
        raw = file.raw if type(file) is io.BufferedReader else file
        self._process = os.getpid()
        with naming(self.name):
            self._is_plain = type(raw) is io.FileIO and stat.S_ISREG(os.fstat(raw.fileno()).st_mode)
            self._start = self._end = file.tell()
            file.seek(0, io.SEEK_END)
            self.size: int | None = file.tell() - self._start
        self._lock = threading.Lock()

    def read_at(self, offset: int, out: memoryview) -> int:
        if self._is_plain:
            with naming(self.name):
                done = pread_full(self._file.fileno(), out, self._start + offset)
            self._end = max(self._end, self._start + offset + done)
            return done
        if os.getpid() != self._process:  # where another thread may have held the lock, too
            raise RuntimeError(f"{self.name}: a file object can't be read after a fork; open the file by its path")
        with self._lock, naming(self.name):
            position = self._start + offset
            self._file.seek(position)
            n = _read_full(self._file, out)
            self._end = max(self._end, position + n)
        if n < min(len(out), (self.size or 0) - offset):
            raise OSError(
                f"{self.name}: the file object says that it has {self.size:,} bytes, but gave only {offset + n:,}: it "
                "can't go back after a seek to its end, or its file was cut short meanwhile. Open the file by its "
                "path, or wrap the file object so that it has read() alone"
            )
        return n

    def check(self) -> None:
        """Nothing tells."""

    def close(self) -> None:
        """Leave the caller's file open, behind all that was read."""
        with self._lock:
            end, self._end = self._end, 0
            if end and not getattr(self._file, "closed", False):
                self._file.seek(end)

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError(f"{self.name}: a file object can't be pickled; open the file by its path")


class PipeSource:
    """Bytes that come once, in order. The first ones are kept, so that a container can be told by them."""

    KEPT = 1 << 20

    def __init__(self, file: IO[bytes], *, owned: bool = False) -> None:
        self.name = _name_of(file)
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
                raise io.UnsupportedOperation(f"{self.name}: a pipe can be read once only, from front to end")
            n = _read_full(self._file, out[done:])
            self._position += n
            done += n
        return done

    def check(self) -> None:
        """Nothing tells."""

    def close(self) -> None:
        if self._owned:
            self._file.close()

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError(f"{self.name}: a pipe can't be pickled")


def pread_full(fd: int, out: memoryview, offset: int) -> int:
    """Fill out from a place of a file; the number of bytes, fewer only at the end."""
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


def _name_of(file: IO[bytes]) -> str:
    name = getattr(file, "name", None)
    return name if isinstance(name, str) else f"<{type(file).__name__}>"


_IN_C = (io.FileIO, io.BufferedReader, io.BytesIO)


def _read_full(file: IO[bytes], out: memoryview) -> int:
    """Fill out from a file object that may return less than asked for; the number of bytes."""
    readinto = getattr(file, "readinto", None) or partial(_read_into, file)
    # Other file objects may ask a server at each call.
    most = PIECE if isinstance(file, _IN_C) else len(out)
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
            raise BlockingIOError(f"{_name_of(file)}: the file object is non-blocking and has no data yet")
        if not 0 <= n <= wanted:
            raise OSError(f"{_name_of(file)}: asked for {wanted} bytes, the file object returned {n}")
        if n == 0:
            break
        done += n
    return done


def _read_into(file: IO[bytes], out: memoryview) -> int | None:
    """readinto() for a file object that has read() only."""
    data: bytes | str | None = file.read(len(out))
    if data is None:
        return None
    if isinstance(data, str):
        raise TypeError(TEXT)
    out[: len(data)] = data[: len(out)]
    return len(data)


def write_all(file: IO[bytes], data: bytes | memoryview) -> None:
    """Write all of data, also to a raw file object that takes less than it is given."""
    view = memoryview(data)
    while len(view):
        n: Any = file.write(view)
        if n is None:
            if isinstance(file, io.RawIOBase):
                raise BlockingIOError("the file object is non-blocking and takes no more data now")
            return  # a file object that says nothing has taken everything
        if not 0 < n <= len(view):
            raise OSError(f"the file object was given {len(view)} bytes to write and returned {n}")
        view = view[n:]
