"""Where bytes come from: a path, a buffer, or a file object. No knowledge of what they mean."""

from __future__ import annotations

import io
import mmap
import os
import stat
from typing import IO, Any, Protocol, TypeAlias, Union, cast

from ._native import kernels
from .errors import ChangedError
from .fileobject import PIECE, TEXT, PipeSource, SeekableSource, pread_full

File: TypeAlias = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, IO[bytes]]


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
            done = pread_full(self._fd, out, offset)
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
        data = self.view[offset : offset + len(out)]
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE]
            out[start : start + len(piece)] = piece
        return len(data)

    def check(self) -> None:
        """Whoever changes the buffer knows it."""

    def close(self) -> None:
        pass

    def __reduce__(self) -> tuple[Any, ...]:
        return BufferSource, (bytes(self.view), self.name)


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
        raise TypeError(TEXT)
    try:
        seekable = file.seekable()
    except AttributeError:
        seekable = False
    if not seekable:
        return PipeSource(file)
    try:
        return SeekableSource(file)
    except Exception:  # some say so and raise at a seek: a stream of a server, a gzip file without its index
        return PipeSource(file)


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return status.st_size, status.st_mtime_ns, status.st_ino
