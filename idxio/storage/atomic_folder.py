"""AtomicFolder: a folder that appears at once, when all of its files are written."""

from __future__ import annotations

import errno
import os
import stat
import weakref

from .._util.fork import ForkGuard
from ..errors import set_name
from .ownership import copy_owner_and_mode
from .temporary import TemporaryFolder, sweep, sync_folder


class AtomicFolder:
    """A temporary folder beside the target; commit() renames it to the target.

    The target is new or an empty folder. Use it in a ``with`` block: without a commit, nothing is
    left.
    """

    def __init__(self, target: str | os.PathLike[str]) -> None:
        self.target = target = os.fsdecode(target)
        if "://" in target:
            what = (
                "is a URL, at which no folder is written; name a folder of this machine and copy"
                " its files, the labels last, or use write_sorted, which takes URLs"
            )
            raise OSError(errno.EINVAL, what, target)
        real = os.path.realpath(target)
        if os.path.isdir(real) and os.listdir(real):
            raise FileExistsError(errno.ENOTEMPTY, "is not empty; name a new folder", target)
        if os.path.lexists(real) and not os.path.isdir(real):
            what = "is there and is no folder; name a new folder"
            raise FileExistsError(errno.EEXIST, what, target)
        if os.path.ismount(real):
            raise OSError(errno.EBUSY, "is a mount point; name a new folder inside it", target)
        old = os.stat(real) if os.path.isdir(real) else None
        if old is not None and os.path.samestat(old, os.stat(".")):
            what = (
                "is the working directory, in whose place a new folder would be, so that nothing"
                " would be in this one; name a new folder"
            )
            raise OSError(errno.EBUSY, what, target)
        self._real = real
        self._old = old
        temporary = TemporaryFolder(real)
        try:
            os.makedirs(os.path.dirname(real), exist_ok=True)
            sweep(real)
            self.path = temporary.create()
            if old is not None:  # what others may not see, they may not see yet either
                os.chmod(self.path, stat.S_IMODE(old.st_mode) | stat.S_IRWXU)
            self._unfinished = weakref.finalize(self, _abandon, temporary, ForkGuard())
        except BaseException as error:
            temporary.remove()
            if isinstance(error, OSError):
                error.filename = target  # as the caller named it
            raise

    def commit(self) -> None:
        """Rename the temporary folder to the target; it gets the permissions of an old one."""
        if self._old is not None:
            _copy_owner_and_mode(self._old, self.path)
        sync_folder(self.path)
        os.rename(self.path, self._real)  # replaces an empty folder
        sync_folder(os.path.dirname(self._real))

    def __enter__(self) -> AtomicFolder:
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        self._unfinished()
        if not isinstance(error, OSError):
            return
        if error.filename is None:
            set_name(error, self.target)
        elif str(error.filename).startswith(self.path):
            error.filename = self.target + str(error.filename)[len(self.path) :]


def _copy_owner_and_mode(old: os.stat_result, path: str) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        copy_owner_and_mode(old, fd)
    finally:
        os.close(fd)


def _abandon(temporary: TemporaryFolder, guard: ForkGuard) -> None:
    """Remove a temporary folder, unless commit() renamed it or the parent process still writes."""
    if guard.in_child():
        temporary.release()
    else:
        temporary.remove()
