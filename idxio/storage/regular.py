"""Open regular files only: reading a pipe or device in place of one may block or never end."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import sys

from ..errors import FormatError, naming
from .signatures import likely_cause

_SPECIAL = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}


class FoundPath(str):
    """The path of a file that discovery found by its name.

    The caller did not name it, so only a regular file is opened there, never a pipe or device.
    """


def status_of(path: str) -> os.stat_result:
    """Do what os.stat() does; the error for a dangling link names the target of the link."""
    try:
        return os.stat(path)
    except FileNotFoundError:
        if not os.path.islink(path):
            raise
        target = os.readlink(path)
        cause = likely_cause(os.fsencode(target))
        what = f"is a link to {target!r}, which is not there"
        if cause:
            what += f"; it is {cause}"
        raise FileNotFoundError(errno.ENOENT, what, path) from None


def open_regular(path: str, flags: int = os.O_RDONLY | os.O_CLOEXEC) -> int:
    """Open a regular file and return its descriptor; also serves as the opener of open().

    Nothing else is opened, and no call blocks on a pipe.

    Raises
    ------
    OSError
        As os.open(), and for a directory.
    FormatError
        It is a named pipe, a socket or a device.
    """
    with naming(path):
        return open_checked(path, status_of(path), flags)[0]


def open_checked(
    path: str, before: os.stat_result, flags: int = os.O_RDONLY | os.O_CLOEXEC
) -> tuple[int, os.stat_result]:
    """Do what open_regular() does after status_of(); return what fstat() says of the file too."""
    _check(before, path)
    try:
        fd = os.open(path, flags | os.O_NONBLOCK)
    except BlockingIOError:  # another process holds a lease on the file, and will release it
        fd = os.open(path, flags)
    try:
        status = os.fstat(fd)
        _check(status, path)  # the path may have been replaced since the first check
        fcntl.fcntl(fd, fcntl.F_SETFL, flags)  # blocking; os.set_blocking() takes two calls
    except BaseException:
        os.close(fd)
        raise
    return fd, status


def read_regular(path: str, most: int | None = None) -> bytes:
    """Read all bytes of a regular file; FormatError if there are more than `most`."""
    with naming(path):
        fd, status = open_checked(path, status_of(path))
        try:
            data = _read_all(fd, max(status.st_size + 1, 4096), most)
        finally:
            os.close(fd)
    if most is not None and len(data) > most:
        what = f"is longer than {most:,} bytes, the most that such a file is read of"
        raise FormatError(what, file=path)
    return data


def _read_all(fd: int, at_once: int, most: int | None) -> bytes:
    """Read to the end, or one byte more than `most`.

    Measured for a picture of 28 x 28: 11 us with all that comes before, by open() 16.
    """
    left = sys.maxsize if most is None else most + 1
    parts = []
    while left and (part := os.read(fd, min(at_once, left))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _check(status: os.stat_result, path: str) -> None:
    """Raise unless it is a regular file."""
    if stat.S_ISREG(status.st_mode):
        return
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "Is a directory; idxio reads one file", path)
    what = _SPECIAL.get(stat.S_IFMT(status.st_mode), "no regular file")
    raise FormatError(f"is {what}, expected a regular file; it was not opened", file=path)
