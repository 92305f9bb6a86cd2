"""Files that this user alone could have written: what others could have put there is not believed."""

from __future__ import annotations

import contextlib
import errno
import os
import stat

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def owners() -> tuple[int, ...]:
    """Whose files are believed: this user's, and root's, who could do anything."""
    return os.geteuid(), 0


def claim(folder: str) -> None:
    """Make a folder for this user alone. PermissionError if it is there and others can write to it."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    status = os.stat(folder)
    if status.st_uid not in owners():
        problem = f"belongs to the user {status.st_uid}"
    elif status.st_mode & _OTHERS_WRITE:
        problem = f"can be written to by others (mode {stat.S_IMODE(status.st_mode):04o})"
    else:
        return
    remedy = "chmod 700 your own cache folder, or name another one in IDXIO_CACHE_DIR"
    raise PermissionError(errno.EPERM, f"{problem}, so that copies in it can't be trusted: {remedy}", folder)


def is_own(path: str) -> bool:
    """Whether this is a regular file that nobody else could have written."""
    status = os.lstat(path)
    return stat.S_ISREG(status.st_mode) and status.st_uid in owners() and not status.st_mode & _OTHERS_WRITE


def make_way(path: str) -> None:
    """Remove what is no file of this user's: a link in its place would be written through."""
    with contextlib.suppress(FileNotFoundError):
        if not is_own(path):
            os.unlink(path)


def mode_of_copy(source: os.stat_result) -> int:
    """The permissions of a copy: who may not read the file may not read its copy either."""
    readers = stat.S_IROTH | (stat.S_IRGRP if source.st_gid == os.getegid() else 0)
    return stat.S_IRUSR | stat.S_IWUSR | (source.st_mode & readers)
