"""open_source(): a path, a buffer, a file object or a URL as a source of bytes."""

from __future__ import annotations

import io
import mmap
import os
import re
import stat
import sys
from collections.abc import Mapping
from typing import IO, Any, Protocol, TypeAlias, Union, cast

from .._native import byteorder
from ..errors import ChangedError, naming
from .base import URL_SCHEME, Source
from .buffer import BufferSource
from .file_object import TEXT, PipeSource, SeekableSource, is_trusted, pread_full
from .regular import FoundPath, open_checked, status_of

__all__ = ["BufferSource", "File", "PathSource", "Source", "open_source"]

if sys.version_info >= (3, 12):
    from collections.abc import Buffer
else:
    Buffer: TypeAlias = bytes | bytearray | memoryview  # what a checker then knows of them


class InFileSystem(Protocol):
    """A UPath, or an OpenFile of fsspec: a path in a file system."""

    @property
    def fs(self) -> Any: ...
    @property
    def path(self) -> str: ...


File: TypeAlias = Union[str, "os.PathLike[str]", Buffer, IO[bytes], InFileSystem]
StorageOptions: TypeAlias = Mapping[str, Any] | None
"""What opens a URL: credentials, an endpoint; the words are those of fsspec or obstore."""

# Packages whose file objects call themselves seekable and give nothing more once they were moved to
# their end.
_FALSELY_SEEKABLE = ("pgzip", "mgzip")
# The formats of buffers of numbers, as struct has them.
_NUMBERS = tuple("cbB?hHiIlLqQnNefd")


class PathSource(Source):
    """A regular file, read by position: threads and forked processes share no cursor.

    A pickle holds the path and identity; unpickling raises ChangedError for another file there.
    """

    def __init__(
        self,
        path: str,
        identity: tuple[int, ...] | None = None,
        status: os.stat_result | None = None,
    ) -> None:
        """status: what `status_of` said of the path a moment ago, if it was asked."""
        self.path: str = os.path.abspath(path)
        self.name = str(path)
        with naming(path):
            self._fd, opened = open_checked(path, status or status_of(path))
        self.identity = identity or _identity(opened)
        self.size: int | None = self.identity[0]
        if identity is not None:
            try:
                self.check()
            except BaseException:
                self.close()
                raise

    def status(self) -> os.stat_result:
        """Return the result of fstat() for the open file."""
        if self._fd < 0:
            raise self._closed()
        try:
            return os.fstat(self._fd)
        except OSError as error:
            raise self._named(error) from None

    def check(self) -> None:
        """Raise ChangedError if the file was replaced or written to since it was opened."""
        identity = _identity(self.status())
        if identity == self.identity:
            return
        if identity[:3] != self.identity[:3]:
            what = "was replaced or written to since it was opened; open it again"
            raise ChangedError(what, file=self.name)
        if identity[4] == self.identity[4]:
            raise ChangedError(
                "was written to and its time put back, or renamed, or given to another owner or "
                "permissions, since it was opened; open it again",
                file=self.name,
            )
        # Another link was made, or the path was replaced or removed: the open file is unchanged.
        self.identity = identity

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
        """Do what read_at() does, and reverse the bytes of each item."""
        self.check()
        try:
            done = byteorder.read_swapped(self._fd, offset, out, itemsize)
        except OSError as error:
            raise self._named(error) from None
        self.check()
        return done

    def _named(self, error: OSError) -> Exception:
        """Name the file in an error of a read; ValueError if another thread closed the file."""
        error.filename = self.name
        return self._closed() if self._fd < 0 else error

    def _closed(self) -> ValueError:
        return ValueError(f"{self.name}: the file is closed")

    def map(self) -> mmap.mmap:
        """Map the file read-only.

        The system kills a process that reads a mapped page that another process has cut off.
        """
        self.check()
        with naming(self.name):
            return mmap.mmap(self._fd, 0, access=mmap.ACCESS_READ)

    def beside(self, suffix: str) -> Source | None:
        path = self.path + suffix
        return PathSource(path) if os.path.isfile(path) else None

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


def open_source(
    file: File, *, in_order: bool = False, storage_options: StorageOptions = None
) -> Source:
    """Open a path, a URL, a buffer or a binary file object as a source.

    in_order: it will be read once, front to back. A file object that may not be what it says is
    then not moved: a pipe.

    Raises
    ------
    OSError
        As open() does: no such file, no permission, a directory.
    FormatError
        A path that was found (`FoundPath`) is no regular file.
    TypeError
        For anything that is not a path, a URL, bytes or a binary file object.
    ModuleNotFoundError
        What reads URLs is not installed.
    """
    if is_remote(file):
        from .remote.opening import open_remote  # not needed for local files

        return open_remote(file, storage_options or {})
    if storage_options:
        raise ValueError(f"storage_options are for URLs; {str(file)[:99]!r} is none")
    if isinstance(file, (str, os.PathLike)):
        path = os.fsdecode(os.fspath(file))
        status = status_of(path)
        mode = status.st_mode
        if stat.S_ISREG(mode) or stat.S_ISDIR(mode) or isinstance(path, FoundPath):
            return PathSource(path, status=status)
        with naming(path):
            return PipeSource(open(path, "rb", buffering=0), owned=True)
    if isinstance(file, (bytes, bytearray, memoryview)):
        return BufferSource(file)
    if not hasattr(file, "read"):
        if hasattr(file, "fs") and hasattr(file, "path"):  # an OpenFile of this machine
            return open_source(file.path, in_order=in_order)
        return _open_buffer(file)
    file = cast("IO[bytes]", file)
    if isinstance(cast("object", file), io.TextIOBase):
        raise TypeError(TEXT)
    try:
        seekable = file.seekable()
    except AttributeError:
        seekable = False
    if type(file).__module__.partition(".")[0] in _FALSELY_SEEKABLE:
        seekable = False
    if not seekable or (in_order and not is_trusted(file)):
        return PipeSource(file)
    try:
        return SeekableSource(file)
    except Exception:
        # Some file objects claim to be seekable and raise at a seek: a stream of a server, say.
        return PipeSource(file)


def is_url(file: object) -> bool:
    """Whether something is a string with a scheme: https://, s3://, memory://."""
    return isinstance(file, str) and "://" in file and re.match(URL_SCHEME, file) is not None


def folder_url(
    folder: Any, storage_options: StorageOptions
) -> tuple[str, Mapping[str, Any]] | None:
    """The URL of a folder, and what opens it; None for a path of this machine."""
    if is_url(folder):
        return folder, storage_options or {}
    if is_upath(folder):
        return str(folder), {**folder.storage_options, **(storage_options or {})}
    if storage_options:
        raise ValueError(f"storage_options are for URLs; {str(folder)[:99]!r} is none")
    return None


def is_upath(file: Any) -> bool:
    """Whether something is a path of universal_pathlib that is none of this machine's."""
    return hasattr(file, "storage_options") and is_remote(file)


def is_remote(file: Any) -> bool:
    """Whether a file is a URL, or lies in a file system of fsspec that is not this machine's."""
    if is_url(file):
        return True
    if not (hasattr(file, "fs") and hasattr(file, "path")):
        return False
    return "local" not in file.fs.protocol


def _open_buffer(data: Any) -> BufferSource:
    """The bytes of an object that is neither of Python's own bytes nor a file, as numpy's uint8."""
    what = type(data).__name__
    try:
        view = memoryview(data)
    except TypeError:
        raise TypeError(f"file is a path, bytes or a binary file object, not {what}") from None
    # Not, say, a view with gaps, and not numpy's array of objects, whose bytes are addresses.
    if not view.c_contiguous or view.format.lstrip("@=<>!") not in _NUMBERS:
        raise TypeError(
            f"file is a buffer of type {what} that is no plain row of bytes; give its bytes or a"
            " copy of uint8"
        )
    return BufferSource(view, f"<{what}>")


def _identity(status: os.stat_result) -> tuple[int, ...]:
    """Size, times, inode and link count: what changes when a file is written to or replaced.

    A program can put back the time of writing, but not the change time of the inode. Adding or
    removing a link sets the change time too, as when the file is replaced while it is open; the
    link count tells that case.
    """
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns, status.st_nlink
