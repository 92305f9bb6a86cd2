"""Where bytes come from: a path, a buffer, or a file object. No knowledge of what they mean."""

from __future__ import annotations

import io
import mmap
import os
import stat
from typing import IO, Any, Protocol, TypeAlias, Union, cast

from .._native import byteorder
from ..errors import ChangedError, naming
from .file_object import PIECE, TEXT, PipeSource, SeekableSource, pread_full
from .regular import FoundPath, open_regular, status_of

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
        self.name = str(path)
        self._fd = open_regular(path)
        try:
            self.identity = identity or _identity(self.status())
            self.size: int | None = self.identity[0]
            if identity is not None:
                self.check()
        except BaseException:
            self.close()
            raise

    def status(self) -> os.stat_result:
        """What the system knows of the file."""
        if self._fd < 0:
            raise self._closed()
        try:
            return os.fstat(self._fd)
        except OSError as error:
            raise self._named(error) from None

    def check(self) -> None:
        """Raise ChangedError if the file is no longer the one that was opened, or was written to."""
        identity = _identity(self.status())
        if identity == self.identity:
            return
        if identity[:3] != self.identity[:3]:
            raise ChangedError("was replaced or written to since it was opened; open it again", file=self.name)
        if identity[4] == self.identity[4]:
            raise ChangedError(
                "was written to and its time put back, or renamed, or given to another owner or permissions, since it "
                "was opened; open it again",
                file=self.name,
            )
        self.identity = identity  # it was linked, replaced or removed: what is open is as it was

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
            done = byteorder.read_swapped(self._fd, offset, out, itemsize)
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
        with naming(self.name):
            return mmap.mmap(self._fd, 0, access=mmap.ACCESS_READ)

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with naming(self.name):
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
    FormatError
        A path that was found (`FoundPath`) is no regular file.
    TypeError
        For anything that is not a path, bytes or a binary file object.
    """
    if isinstance(file, (str, os.PathLike)):
        path = os.fsdecode(os.fspath(file))
        mode = status_of(path).st_mode
        if stat.S_ISREG(mode) or stat.S_ISDIR(mode) or isinstance(path, FoundPath):
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
    # The time of the last change of the inode can't be put back as that of writing can. A link more
    # or less changes it too, as where a file is replaced while it is read; their number tells that.
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns, status.st_nlink
