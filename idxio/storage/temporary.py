"""Temporary files and folders beside a target, hidden and locked while their writer lives.

The lock is taken with flock on the open file or folder, and ends with the process, however that
ends. A hidden name without a lock was left by a writer that was killed: the next writer of the same
target removes it. On a file system without such locks, nothing is removed.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import re
import stat
import zlib
from collections.abc import Iterator
from typing import IO

from ..errors import naming

JOURNAL = ".idxio-journal"
"""The file that lists which files of a folder are being replaced together; see journal.py."""
_HIDDEN = re.compile(r"\..+\.(old|[0-9a-f]+\.tmp)", re.DOTALL)

# Number of concurrent writers of one target whose names a later writer tries one by one; further
# writers get random names, for which it lists the folder.
_NAMES = 8
_RANDOM = re.compile(r"[0-9a-f]{12}\.tmp")


def is_refusal(error: BaseException) -> bool:
    """Whether the system refused an operation.

    An OSError that a signal handler raises, such as TimeoutError, has no errno.
    """
    return isinstance(error, OSError) and error.errno is not None


class ignoring_refusals:
    """Ignore errors of the system inside the block, but not what a signal handler raises there."""

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        return error is not None and is_refusal(error)


def hidden(path: str, end: str) -> str:
    """Return a hidden name beside a path, of limited length and unique to the path."""
    folder, name = os.path.split(path)
    if len(name) > 50:
        name = f"{name[:50]}-{zlib.crc32(os.fsencode(name)):08x}"
    return os.path.join(folder, f".{name}.{end}")


def is_hidden(path: str) -> bool:
    """Whether a path has a name that `hidden` could have given, or that of the journal."""
    name = os.path.basename(path)
    return name == JOURNAL or _HIDDEN.fullmatch(name) is not None


def _names(path: str) -> Iterator[str]:
    for number in range(_NAMES):
        yield hidden(path, f"{number}.tmp")
    while True:
        yield hidden(path, f"{os.urandom(6).hex()}.tmp")


def lock(fd: int, *, wait: bool = False) -> bool:
    """Lock an open file; False if another process holds the lock. True also without locks."""
    return _lock(fd, wait=wait) is not False


def _lock(fd: int, *, wait: bool = False) -> bool | None:
    with ignoring_refusals():
        try:
            fcntl.flock(fd, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
    return None  # the file system has no locks


def is_at(path: str, fd: int) -> bool:
    """Whether path names the open file fd."""
    try:
        with naming(path):
            return os.path.samestat(os.lstat(path), os.fstat(fd))
    except FileNotFoundError:
        return False


def sweep(path: str) -> None:
    """Remove the temporary files that killed writers of this target left."""
    names = itertools.islice(_names(path), _NAMES)
    left = [name for name in names if os.access(name, os.F_OK)]
    # Only where the first names were taken, a writer took a random one.
    for name in [*left, *(_random_names(path) if left else ())]:
        clear(name)


def _random_names(path: str) -> list[str]:
    """The temporary files and folders of random names beside a target."""
    folder, start = os.path.split(hidden(path, ""))
    names: list[str] = []
    with ignoring_refusals():
        names = os.listdir(folder or ".")
    return [
        os.path.join(folder, name)
        for name in names
        if name.startswith(start) and _RANDOM.fullmatch(name, len(start))
    ]


def clear(name: str) -> None:
    """Remove the file or folder name, unless its writer lives or a journal may list it."""
    with ignoring_refusals():
        fd = _open(name)
        try:
            # No journal can appear after this check: its writer would hold the lock.
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
    """Remove a folder and its contents, as far as the system allows."""
    import shutil  # slow to import

    try:
        shutil.rmtree(path, ignore_errors=True)
    except BaseException as error:
        shutil.rmtree(path, ignore_errors=True)  # the rest
        # An interrupt while it closes the folder makes it close that twice: the error of the second
        # time would hide the interrupt.
        first = error.__context__
        if isinstance(error, OSError) and not isinstance(first, (Exception, type(None))):
            raise first from None
        raise


class Temporary:
    """A new file beside its target: unnamed if there is no old file to replace, else hidden.

    create() comes after the constructor, so that whoever holds the object can remove() what an
    interrupt at any line of create() left.
    """

    def __init__(self, target: str) -> None:
        self._target = target
        self.name: str | None = None
        """None: the file system frees the file with the process, unless place() names it."""
        self.file: IO[bytes]

    def create(self, *, is_new: bool) -> None:
        """Create the file and lock it; is_new tells that there is no old file."""
        if is_new and self._create_unnamed():
            return
        for name in _names(self._target):
            self.name = name  # set before the file exists, as in give_name()
            with contextlib.suppress(FileExistsError), naming(self._target):
                self.file = open(name, "x+b")  # open() applies the umask
                if lock(self.file.fileno()) and is_at(name, self.file.fileno()):
                    return
                self.file.close()  # another writer swept it in the moment before the lock
                del self.file

    def _create_unnamed(self) -> bool:
        """Create a file without a name; False if the system or file system can't."""
        if not hasattr(os, "O_TMPFILE"):
            return False
        try:
            fd = os.open(
                os.path.dirname(self._target), os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o666
            )
        except OSError as error:
            if not is_refusal(error):
                raise
            return False
        self.file = os.fdopen(fd, "w+b")
        if os.access(_proc(fd), os.F_OK):
            lock(fd)
            return True
        self.file.close()
        del self.file
        return False

    def give_name(self) -> None:
        """Give an unnamed file a hidden name, so that it outlives the process."""
        if self.name is None:
            for name in _names(self._target):
                self.name = name  # set before the link exists: remove() checks whether it does
                with contextlib.suppress(FileExistsError):
                    self._link(name)
                    return

    def place(self, path: str) -> None:
        """Rename the file to a path in the same folder, in one step."""
        if self.name is None:
            try:
                self._link(path)
                return
            except FileExistsError:  # created since is_new was determined
                self.give_name()
        assert self.name is not None
        os.replace(self.name, path)

    def _link(self, path: str) -> None:
        fd = self.file.fileno()
        # With src_dir_fd, whose value is ignored for an absolute path, Python calls linkat() with
        # AT_SYMLINK_FOLLOW.
        os.link(_proc(fd), path, src_dir_fd=fd)

    def remove(self) -> None:
        """Remove the hidden name, if there is one, and close the file; a placed file stays."""
        if not hasattr(self, "file"):
            if self.name is not None:
                clear(self.name)  # an interrupt came behind the creation
            return
        if self.file.closed:
            return
        try:
            if self.name is not None:
                with ignoring_refusals():  # the next writer will do it
                    if is_at(self.name, self.file.fileno()):
                        os.unlink(self.name)
        finally:
            with ignoring_refusals():  # its data are on the disk already, or not wanted
                self.file.close()


def _proc(fd: int) -> str:
    return f"/proc/self/fd/{fd}"


class TemporaryFolder:
    """A hidden folder beside its target; create() comes after the constructor, as in Temporary."""

    def __init__(self, target: str) -> None:
        self._target = target
        self.path: str | None = None
        self._fd: int | None = None

    def create(self) -> str:
        """Create the folder and lock it; return its path."""
        for name in _names(self._target):
            self.path = name  # set before the folder exists
            try:
                os.mkdir(name)
                self._fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except FileExistsError:
                continue
            except FileNotFoundError:
                if not os.access(os.path.dirname(name), os.F_OK):
                    raise
                continue  # another writer swept it in the moment before the lock
            if lock(self._fd) and is_at(name, self._fd):
                return name
            self.release()
        raise AssertionError

    def remove(self) -> None:
        """Remove the folder and what is in it, unless it was renamed."""
        if self.path is None:
            return
        if self._fd is None:
            clear(self.path)  # an interrupt came behind the creation
            return
        try:
            self._remove(self.path, self._fd)
        except BaseException:  # an interrupt, before it was gone
            self._remove(self.path, self._fd)
            raise
        finally:
            self.release()

    def _remove(self, path: str, fd: int) -> None:
        with ignoring_refusals():  # the next writer will do it
            if is_at(path, fd):
                remove_folder(path)

    def release(self) -> None:
        """Give up the lock."""
        if self._fd is not None:
            fd, self._fd = self._fd, None
            with ignoring_refusals():
                os.close(fd)


def sync_folder(folder: str) -> None:
    """Flush the names in a folder to disk; some file systems can't, and need not."""
    with ignoring_refusals():
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
