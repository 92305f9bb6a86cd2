"""Files that only this user or root could have written: no others are trusted."""

from __future__ import annotations

import contextlib
import errno
import os
import stat

from .temporary import ignoring_refusals

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def owners() -> tuple[int, ...]:
    """The users whose files are trusted: this one, and root, who can write everything anyway."""
    return os.geteuid(), 0


def claim(folder: str) -> None:
    """Create a folder for this user alone; PermissionError if others can write to an old one."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    status = os.stat(folder)
    if status.st_uid not in owners():
        problem = f"belongs to the user {status.st_uid}"
    elif status.st_mode & _OTHERS_WRITE:
        problem = f"can be written to by others (mode {stat.S_IMODE(status.st_mode):04o})"
    else:
        return
    remedy = "chmod 700 your own cache folder, or name another one in IDXIO_CACHE_DIR"
    what = f"{problem}, so that copies in it can't be trusted: {remedy}"
    raise PermissionError(errno.EPERM, what, folder)


def is_own(path: str) -> bool:
    """Whether this is a regular file that nobody else could have written."""
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode):
        return False
    return status.st_uid in owners() and not status.st_mode & _OTHERS_WRITE


def make_way(path: str) -> None:
    """Remove a path that is no file of this user: writing through a link would hit its target."""
    with contextlib.suppress(FileNotFoundError):
        if not is_own(path):
            os.unlink(path)


def mode_of_copy(source: os.stat_result) -> int:
    """The permissions of a copy, which no user may read who may not read the source."""
    readers = stat.S_IROTH | (stat.S_IRGRP if source.st_gid == os.getegid() else 0)
    return stat.S_IRUSR | stat.S_IWUSR | (source.st_mode & readers)


def copy_owner_and_mode(old: os.stat_result, fd: int) -> None:
    """Give a new file or folder the owner and permissions of the old one, as far as this process
    may.
    """
    mode = stat.S_IMODE(old.st_mode)
    new = os.fstat(fd)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        try:
            os.chown(fd, old.st_uid, old.st_gid)
        except OSError:
            mode &= 0o777  # only the old owner could grant set-user-ID and set-group-ID
            with ignoring_refusals():
                os.chown(fd, -1, old.st_gid)
    os.chmod(fd, mode)
