"""Regular files and nothing else: a pipe or device in the place of one would hang, or never end."""

from __future__ import annotations

import errno
import os
import stat

from ..errors import FormatError, naming
from .signatures import likely_cause

_SPECIAL = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}


class FoundPath(str):
    """The path of a file that was found by its name.

    Nobody asked for a pipe there, so only a regular file is read, whatever takes its place.
    """


def status_of(path: str) -> os.stat_result:
    """os.stat(), which says of a link that leads nowhere where it leads."""
    try:
        return os.stat(path)
    except FileNotFoundError:
        if not os.path.islink(path):
            raise
        target = os.readlink(path)
        cause = likely_cause(os.fsencode(target))
        what = f"is a link to {target!r}, which is not there" + (f"; it is {cause}" if cause else "")
        raise FileNotFoundError(errno.ENOENT, what, path) from None


def open_regular(path: str, flags: int = os.O_RDONLY | os.O_CLOEXEC) -> int:
    """A descriptor to read a regular file, also as the opener of open().

    Nothing else is opened or waited for.

    Raises
    ------
    OSError
        As os.open(), and for a directory.
    FormatError
        It is a named pipe, a socket or a device.
    """
    with naming(path):
        _check(status_of(path), path)
        try:
            fd = os.open(path, flags | os.O_NONBLOCK)
        except BlockingIOError:  # a regular file that another process has a lease on, and gives back
            fd = os.open(path, flags)
        try:
            _check(os.fstat(fd), path)  # it may be another one by now
            os.set_blocking(fd, True)
        except BaseException:
            os.close(fd)
            raise
        return fd


def read_regular(path: str, most: int | None = None) -> bytes:
    """All bytes of a regular file. FormatError where they are more than `most`."""
    with naming(path), open(path, "rb", opener=open_regular) as file:
        data = file.read() if most is None else file.read(most + 1)
    if most is not None and len(data) > most:
        raise FormatError(f"is longer than {most:,} bytes, the most that such a file is read of", file=path)
    return data


def _check(status: os.stat_result, path: str) -> None:
    """Raise unless it is a regular file."""
    if stat.S_ISREG(status.st_mode):
        return
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "Is a directory; idxio reads one file", path)
    what = _SPECIAL.get(stat.S_IFMT(status.st_mode), "no regular file")
    raise FormatError(f"is {what}, expected a regular file; it was not opened", file=path)
