"""Hidden names beside a target for what is not whole yet, each held by a lock while its writer lives.

The lock is that of flock on the open file or folder, which ends with the process, however that ends. What has such a
name and no lock was left by a writer that was killed: the next writer of the same target removes it. Where the file
system has no such locks, nothing is removed.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import stat
import zlib
from collections.abc import Iterator
from typing import IO

JOURNAL = ".idxio-journal"
"""The name of what says which files of a folder are being replaced together; see journal.py."""

# So many writers of one target at a time have names that others find; further ones have names of chance.
_NAMES = 8


def is_refusal(error: BaseException) -> bool:
    """Whether the system refused something. What a signal handler raises, as a TimeoutError, has no number."""
    return isinstance(error, OSError) and error.errno is not None


class ignoring_refusals:
    """Go on where the system refuses something inside; what a signal handler raises there is not lost."""

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        return error is not None and is_refusal(error)


def hidden(path: str, end: str) -> str:
    """A hidden name beside a path, not too long and no other path's."""
    folder, name = os.path.split(path)
    if len(name) > 50:
        name = f"{name[:50]}-{zlib.crc32(os.fsencode(name)):08x}"
    return os.path.join(folder, f".{name}.{end}")


def _names(path: str) -> Iterator[str]:
    for number in range(_NAMES):
        yield hidden(path, f"{number}.tmp")
    while True:
        yield hidden(path, f"{os.urandom(6).hex()}.tmp")


def lock(fd: int, *, wait: bool = False) -> bool:
    """Lock what is open. False if somebody else has it locked; True also where there are no locks."""
    return _lock(fd, wait=wait) is not False


def _lock(fd: int, *, wait: bool = False) -> bool | None:
    with ignoring_refusals():
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True
    return None  # the file system has no locks


def is_at(path: str, fd: int) -> bool:
    """Whether this is the name of what is open."""
    try:
        return os.path.samestat(os.lstat(path), os.fstat(fd))
    except FileNotFoundError:
        return False


def sweep(path: str) -> None:
    """Remove what writers of this target left that were killed."""
    for name in itertools.islice(_names(path), _NAMES):
        if os.access(name, os.F_OK):
            clear(name)


def clear(name: str) -> None:
    """Remove the file or folder with a hidden name, unless its writer lives or a journal counts on it."""
    with ignoring_refusals():
        fd = _open(name)
        try:
            # A journal that is not there now will not come: its writer would hold the lock.
            journal = os.path.join(os.path.dirname(name), JOURNAL)
            if not _lock(fd) or not is_at(name, fd) or os.access(journal, os.F_OK):
                return
            if stat.S_ISDIR(os.fstat(fd).st_mode):
                remove_folder(name)
            else:
                os.unlink(name)
        finally:
            os.close(fd)


def _open(name: str) -> int:
    flags = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        return os.open(name, os.O_RDWR | flags)  # NFS locks only what may be written
    except (IsADirectoryError, PermissionError):
        return os.open(name, os.O_RDONLY | flags)


def remove_folder(path: str) -> None:
    """Remove a folder with all that it holds, as far as that is possible."""
    import shutil  # slow to import

    shutil.rmtree(path, ignore_errors=True)


class Temporary:
    """A new file beside its target, under a hidden name, or under none where there is no old file to replace."""

    def __init__(self, target: str, *, is_new: bool) -> None:
        self._target = target
        self.name: str | None = None
        """None: the file system forgets it with the process, until it is put in place."""
        file = _unnamed_file(os.path.dirname(target)) if is_new else None
        if file is None:
            self.name, file = _named_file(target)
        self.file = file

    def give_name(self) -> None:
        """Let it be found after the end of the process."""
        if self.name is None:
            for name in _names(self._target):
                self.name = name  # before it is true: `remove` looks
                with contextlib.suppress(FileExistsError):
                    self._link(name)
                    return

    def place(self, path: str) -> None:
        """Put it in the place of a path of the same folder, at one moment."""
        if self.name is None:
            try:
                self._link(path)
                return
            except FileExistsError:  # since a moment ago
                self.give_name()
        assert self.name is not None
        os.replace(self.name, path)

    def _link(self, path: str) -> None:
        fd = self.file.fileno()
        # With a folder's descriptor, which is not looked at, Python tells the system to follow the link.
        os.link(_proc(fd), path, src_dir_fd=fd)

    def remove(self) -> None:
        """Remove its hidden name, if it has one still, and close it. Once it is in place, it stays."""
        if self.file.closed:
            return
        try:
            if self.name is not None:
                with ignoring_refusals():  # the next writer will do it
                    if is_at(self.name, self.file.fileno()):
                        os.unlink(self.name)
        finally:
            with ignoring_refusals():  # what it held is on the disk, or nobody wants it
                self.file.close()


def _named_file(target: str) -> tuple[str, IO[bytes]]:
    for name in _names(target):
        file = None
        try:
            file = open(name, "x+b")  # as open() creates it, so that the umask counts
            if lock(file.fileno()) and is_at(name, file.fileno()):
                return name, file
        except FileExistsError:
            continue
        except BaseException:
            if file is not None:
                file.close()
            clear(name)
            raise
        file.close()  # somebody took it for left over, in the moment before the lock
    raise AssertionError


def _unnamed_file(folder: str) -> IO[bytes] | None:
    """None where the system or the file system has no such files."""
    if not hasattr(os, "O_TMPFILE"):
        return None
    try:
        fd = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if not is_refusal(error):
            raise
        return None
    file = os.fdopen(fd, "w+b")
    if os.access(_proc(fd), os.F_OK):
        lock(fd)
        return file
    file.close()
    return None


def _proc(fd: int) -> str:
    return f"/proc/self/fd/{fd}"


def make_folder(target: str) -> tuple[str, int]:
    """A new folder with a hidden name beside its target, and a descriptor that holds its lock."""
    for name in _names(target):
        fd = None
        try:
            os.mkdir(name)
            fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            if lock(fd) and is_at(name, fd):
                return name, fd
        except FileExistsError:
            continue
        except BaseException as error:
            if fd is not None:
                os.close(fd)
            clear(name)
            if fd is None and isinstance(error, FileNotFoundError) and os.access(os.path.dirname(name), os.F_OK):
                continue  # somebody took it for left over, in the moment before the lock
            raise
        os.close(fd)
    raise AssertionError


def sync_folder(folder: str) -> None:
    """Make new names last; some file systems can't sync a folder and need not."""
    with ignoring_refusals():
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
