"""Where bytes come from: a path, a buffer, a file object or a pipe. No knowledge of what they mean."""

from __future__ import annotations

import io
import mmap
import os
import stat
import threading
from functools import partial
from typing import IO, Any, Protocol, TypeAlias, Union, cast

from ._native import kernels
from .errors import ChangedError

File: TypeAlias = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, IO[bytes]]


_TEXT = "the file object is open for text; open it in binary mode, 'rb'"


class Source(Protocol):
    """Bytes that can be read at a position; the position 0 is where the file stood when it was taken."""

    name: str
    size: int | None  # None where only reading tells: a pipe

    def read_at(self, offset: int, out: memoryview) -> int:
        """Fill out with the bytes from offset on; fewer only at the end. The number of bytes."""
        ...

    def check(self) -> None:
        """Raise ChangedError if the bytes are known not to be those that were opened."""
        ...

    def close(self) -> None: ...


class PathSource:
    """A regular file, read by position, so that threads and forks share it without a cursor.

    Pickled, it is its path and identity; opened again elsewhere, another file there is noticed.
    """

    def __init__(self, path: str, identity: tuple[int, ...] | None = None) -> None:
        self.path = os.path.abspath(path)
        self.name = path
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.identity = identity or _identity(os.fstat(self._fd))
            self.size: int | None = self.identity[0]
            self.check()
        except BaseException:
            self.close()
            raise

    def check(self) -> None:
        """Raise ChangedError if the file is no longer the one that was opened."""
        if self._fd < 0:
            raise self._closed()
        try:
            identity = _identity(os.fstat(self._fd))
        except OSError as error:
            raise self._named(error) from None
        if identity != self.identity:
            raise ChangedError("was replaced or written to since it was opened; open it again", file=self.name)

    def read_at(self, offset: int, out: memoryview) -> int:
        if self._fd < 0:
            raise self._closed()
        try:
            done = _pread_full(self._fd, out, offset)
        except OSError as error:
            raise self._named(error) from None
        self.check()
        return done

    def read_swapped(self, offset: int, out: memoryview, itemsize: int) -> int:
        """read_at(), and the bytes of each item reversed."""
        self.check()
        try:
            done = kernels.read_swapped(self._fd, offset, out, itemsize)
        except OSError as error:
            raise self._named(error) from None
        self.check()
        return done

    def _named(self, error: OSError) -> Exception:
        """An error of a read: a bad disk, a lost mount; or another thread has closed the file meanwhile."""
        error.filename = self.name
        return self._closed() if self._fd < 0 else error

    def _closed(self) -> ValueError:
        return ValueError(f"{self.name}: the file is closed")

    def map(self) -> mmap.mmap:
        """The file mapped read-only. A file cut short while it is mapped kills the process that looks there."""
        self.check()
        return mmap.mmap(self._fd, 0, access=mmap.ACCESS_READ)

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __del__(self) -> None:
        if hasattr(self, "_fd"):
            self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return PathSource, (self.path, self.identity)


class BufferSource:
    """Bytes in memory. Views of them are copies of nothing."""

    def __init__(self, data: bytes | bytearray | memoryview, name: str = "<bytes>") -> None:
        self.name = name
        self.view = memoryview(data).cast("B")
        self.size: int | None = len(self.view)

    def read_at(self, offset: int, out: memoryview) -> int:
        piece = self.view[offset : offset + len(out)]
        out[: len(piece)] = piece
        return len(piece)

    def check(self) -> None:
        """Whoever changes the buffer knows it."""

    def close(self) -> None:
        pass

    def __reduce__(self) -> tuple[Any, ...]:
        return BufferSource, (bytes(self.view), self.name)


class SeekableSource:
    """A file object with a cursor: one reader at a time moves it.

    A plain file is read by position instead. Of others, processes that fork would move each other's cursor.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.name = _name_of(file)
        self._file = file
        raw = file.raw if type(file) is io.BufferedReader else file
        self._is_plain = type(raw) is io.FileIO and stat.S_ISREG(os.fstat(raw.fileno()).st_mode)
        self._process = os.getpid()
        self._start = self._end = file.tell()
        self.size: int | None = file.seek(0, io.SEEK_END) - self._start
        self._lock = threading.Lock()

    def read_at(self, offset: int, out: memoryview) -> int:
        if self._is_plain:
            done = _pread_full(self._file.fileno(), out, self._start + offset)
            self._end = max(self._end, self._start + offset + done)
            return done
        if os.getpid() != self._process:  # where another thread may have held the lock, too
            raise RuntimeError(f"{self.name}: a file object can't be read after a fork; open the file by its path")
        with self._lock:
            position = self._file.seek(self._start + offset)
            n = _read_full(self._file, out)
            self._end = max(self._end, position + n)
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


def open_source(file: File) -> Source:
    """The source for whatever a caller may name as a file.

    Raises
    ------
    OSError
        As open() does: no such file, no permission, a directory.
    TypeError
        For anything that is not a path, bytes or a binary file object.
    """
    if isinstance(file, (str, os.PathLike)):
        path = os.fsdecode(os.fspath(file))
        mode = os.stat(path).st_mode
        if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
            if stat.S_ISDIR(mode):
                raise IsADirectoryError(21, "Is a directory; idxio reads one file", path)
            return PathSource(path)
        return PipeSource(open(path, "rb", buffering=0), owned=True)
    if isinstance(file, (bytes, bytearray, memoryview)):
        return BufferSource(file)
    if not hasattr(file, "read"):
        raise TypeError(f"file is a path, bytes or a binary file object, not {type(file).__name__}")
    if isinstance(cast("object", file), io.TextIOBase):
        raise TypeError(_TEXT)
    try:
        seekable = file.seekable()
    except AttributeError:
        seekable = False
    return SeekableSource(file) if seekable else PipeSource(file)


def _pread_full(fd: int, out: memoryview, offset: int) -> int:
    """Fill out from a place of a file; the number of bytes, fewer only at the end."""
    done = 0
    while done < len(out) and (n := _pread(fd, out[done:], offset + done)):
        done += n
    return done


def _pread(fd: int, out: memoryview, offset: int) -> int:
    if hasattr(os, "preadv"):
        return os.preadv(fd, [out], offset)
    data = os.pread(fd, len(out), offset)  # macOS before 11
    out[: len(data)] = data
    return len(data)


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return status.st_size, status.st_mtime_ns, status.st_ino


def _name_of(file: IO[bytes]) -> str:
    name = getattr(file, "name", None)
    return name if isinstance(name, str) else f"<{type(file).__name__}>"


def _read_full(file: IO[bytes], out: memoryview) -> int:
    """Fill out from a file object that may return less than asked for; the number of bytes."""
    readinto = getattr(file, "readinto", None) or partial(_read_into, file)
    done = 0
    while done < len(out):
        wanted = len(out) - done
        n = readinto(out[done:])
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
        raise TypeError(_TEXT)
    out[: len(data)] = data[: len(out)]
    return len(data)
