"""Where written bytes go: a file that replaces the old one only when it is whole, or the caller's file object."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import warnings
import weakref
from collections.abc import Iterator, Sequence
from typing import IO, Any, TypeAlias, Union

from ..errors import naming
from . import journal
from .file_object import write_all
from .temporary import Temporary, ignoring_refusals, is_at, make_folder, remove_folder, sweep, sync_folder

Target: TypeAlias = Union[str, "os.PathLike[str]", IO[bytes]]


class AtomicFile:
    """A temporary file beside the target. commit() flushes it to disk and puts it in the target's place.

    Killed at any moment, the process leaves the old file or the new one, whole. Where there is no old file the
    temporary one has no name, if the file system allows that; else the next writer of the target removes what is left.
    A path that is no regular file (a pipe, /dev/stdout) is written to as it is.
    """

    def __init__(self, path: str) -> None:
        if not os.path.basename(path):
            code = errno.EISDIR if path else errno.ENOENT
            raise OSError(code, os.strerror(code), path)
        self.name = path
        self._path = os.path.realpath(path)
        self.folder: str | None = None
        """Where other temporary files for this one can lie; None for the system's own place."""
        self.temporary: Temporary | None = None
        folder = os.path.dirname(self._path)
        journal.complete(folder)
        old = _status_of(path)  # /dev/stdout has no real path when it is a pipe
        mode = None if old is None else old.st_mode
        if mode is not None and stat.S_ISDIR(mode):
            raise IsADirectoryError(21, "Is a directory", path)
        if mode is not None and not stat.S_ISREG(mode):
            self.file: IO[bytes] = open(path, "wb")
            return
        self.folder = folder
        sweep(self._path)
        temporary = None
        try:
            temporary = Temporary(self._path, is_new=old is None)
            self.temporary, self.file = temporary, temporary.file
            # Not __del__: it would also run at a good end, where the KeyboardInterrupt of a signal would be lost in it.
            self._unfinished = weakref.finalize(self, _abandon, path, temporary, os.getpid())
            if old is not None:
                _pass_on(old, self.file.fileno())
        except BaseException as error:
            if temporary is not None:
                temporary.remove()
            else:
                sweep(self._path)  # an interrupt may have come behind the creation and before the assignment
                if isinstance(error, OSError):
                    error.filename = path  # as the caller named it
            raise

    def move_to(self, path: str) -> None:
        """Aim at another file of the same folder."""
        self._path = os.path.realpath(path)

    @property
    def path(self) -> str:
        """The target, behind all links."""
        return self._path

    def commit(self) -> None:
        """Put the file in place, at one moment. On failure the old file stays."""
        try:
            self.settle()
            if self.temporary is not None:
                try:
                    self.temporary.place(self._path)
                except OSError as error:
                    error.filename, error.filename2 = self.name, None  # as the caller named it
                    raise
                sync_folder(os.path.dirname(self._path))
        finally:
            self.discard()

    def settle(self) -> None:
        """Flush the file to disk; close it where it is no file."""
        with naming(self.name):
            self.file.flush()
            if self.temporary is not None:
                os.fsync(self.file.fileno())
            else:
                self.file.close()

    def discard(self) -> None:
        """Remove the new file, unless it is in place."""
        if self.temporary is not None:
            try:
                self.temporary.remove()
            finally:
                self._unfinished.detach()
        else:
            with ignoring_refusals():
                self.file.close()


def _abandon(name: str, temporary: Temporary, process: int) -> None:
    """Leave no temporary file behind where nobody finished or gave up."""
    if temporary.file.closed:
        return
    if os.getpid() != process:
        # A fork has the file too. It must not remove what its parent still writes, nor write what waits in the buffer.
        temporary.file.raw.close()  # type: ignore[attr-defined]
        return
    temporary.remove()
    warnings.warn(f"{name}: not closed, nothing was written", ResourceWarning, stacklevel=2)


class AtomicFolder:
    """A temporary folder beside the target; commit() puts it in the target's place.

    The target is new or an empty folder. Use it in a ``with`` block: without a commit, nothing is left.
    """

    def __init__(self, target: str | os.PathLike[str]) -> None:
        self.target = target = os.fsdecode(target)
        real = os.path.realpath(target)
        if os.path.isdir(real) and os.listdir(real):
            raise FileExistsError(errno.ENOTEMPTY, "is not empty; name a new folder", target)
        if os.path.lexists(real) and not os.path.isdir(real):
            raise FileExistsError(errno.EEXIST, "is there and is no folder; name a new folder", target)
        if os.path.ismount(real):
            raise OSError(errno.EBUSY, "is a mount point; name a new folder inside it", target)
        self._real = real
        parent = os.path.dirname(real)
        try:
            os.makedirs(parent, exist_ok=True)
            sweep(real)
            self.path, self._fd = make_folder(real)
        except OSError as error:
            error.filename = target  # as the caller named it
            raise
        try:
            self._unfinished = weakref.finalize(self, _abandon_folder, self.path, self._fd, os.getpid())
        except BaseException:  # an interrupt
            _abandon_folder(self.path, self._fd, os.getpid())
            raise

    def commit(self) -> None:
        """Put the folder in place."""
        sync_folder(self.path)
        os.rename(self.path, self._real)  # an empty folder is replaced
        sync_folder(os.path.dirname(self._real))

    def __enter__(self) -> AtomicFolder:
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        self._unfinished()
        if not isinstance(error, OSError) or error.errno is None:
            return
        if error.filename is None:
            error.filename = self.target
        elif str(error.filename).startswith(self.path):
            error.filename = self.target + str(error.filename)[len(self.path) :]


def _abandon_folder(path: str, fd: int, process: int) -> None:
    """Remove a temporary folder, unless it is in place or belongs to the parent of this process."""
    try:
        with ignoring_refusals():  # the next writer will do it
            if os.getpid() == process and is_at(path, fd):
                remove_folder(path)
    finally:
        with ignoring_refusals():
            os.close(fd)


class OpenFile:
    """A file object of the caller's: written to from where it stands, never closed."""

    def __init__(self, file: IO[bytes]) -> None:
        self.name = name if isinstance(name := getattr(file, "name", None), str) else f"<{type(file).__name__}>"
        self.file = file
        self.folder = None

    def commit(self) -> None:
        if hasattr(self.file, "flush"):
            with naming(self.name):
                self.file.flush()

    settle = commit

    def discard(self) -> None:
        """What was written to a file object can't be taken back."""


def open_target(target: Target) -> AtomicFile | OpenFile:
    """The place to write to for a path or a binary file object."""
    if isinstance(target, (str, os.PathLike)):
        path: Any = os.fspath(target)
        return AtomicFile(os.fsdecode(path))
    if hasattr(target, "write"):
        return OpenFile(target)
    raise TypeError(f"file is a path or a binary file object, not {type(target).__name__}")


def commit_all(targets: Sequence[AtomicFile | OpenFile]) -> None:
    """Put several files in place, all or none; see journal.py. discard() of each is still to be called."""
    for target in targets:
        target.settle()
    files = [target for target in targets if isinstance(target, AtomicFile) and target.temporary is not None]
    if len(files) > 1:
        journal.replace_all([(file.temporary, file.path, file.name) for file in files if file.temporary is not None])
    else:
        for target in files:
            target.commit()


@contextlib.contextmanager
def atomic_write(target: Target) -> Iterator[IO[bytes]]:
    """A file to write to, which takes the target's place at the end of the block, unless that raises."""
    output = open_target(target)
    try:
        with naming(output.name):
            yield output.file
    except BaseException:
        output.discard()
        raise
    output.commit()


def write_file(path: str, data: bytes) -> None:
    """Replace a file by one with these bytes."""
    with atomic_write(path) as file:
        write_all(file, data)


def _status_of(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _pass_on(old: os.stat_result, fd: int) -> None:
    """Give a new file the owner and permissions of an old one, as far as this process may."""
    mode, new = stat.S_IMODE(old.st_mode), os.fstat(fd)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        try:
            os.chown(fd, old.st_uid, old.st_gid)
        except OSError:
            mode &= 0o777  # to run as somebody else was the old owner's to grant
            with ignoring_refusals():
                os.chown(fd, -1, old.st_gid)
    os.chmod(fd, mode)
