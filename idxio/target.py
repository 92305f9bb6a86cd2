"""Where written bytes go: a file that replaces the old one only when it is whole, or the caller's file object."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import warnings
from collections.abc import Iterator, Sequence
from typing import IO, Any, TypeAlias, Union

from .errors import naming

Target: TypeAlias = Union[str, "os.PathLike[str]", IO[bytes]]


class Replacement:
    """A temporary file beside the target. commit() flushes it to disk and puts it in the target's place.

    Killed at any moment, the process leaves the old file or the new one, whole; it may leave the temporary file.
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
        self._temporary: str | None = None
        self._old: str | None = None  # where the old file is while several are replaced
        self._is_placed = False
        self._process = os.getpid()
        old = _status_of(path)  # /dev/stdout has no real path when it is a pipe
        mode = None if old is None else old.st_mode
        if mode is not None and stat.S_ISDIR(mode):
            raise IsADirectoryError(21, "Is a directory", path)
        if mode is not None and not stat.S_ISREG(mode):
            self.file: IO[bytes] = open(path, "wb")
            return
        folder, name = os.path.split(self._path)
        self.folder = folder
        temporary = os.path.join(folder, f".{name[:50]}.{os.urandom(6).hex()}.tmp")
        # Created as open() would create it, so that the umask counts; an old file's owner and permissions are kept.
        try:
            fd = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        except OSError as error:
            error.filename = path  # as the caller named it
            raise
        self._temporary = temporary
        self.file = os.fdopen(fd, "w+b")
        if old is not None:
            _pass_on(old, temporary)

    def move_to(self, path: str) -> None:
        """Aim at another file of the same folder."""
        self._path = os.path.realpath(path)

    def commit(self) -> None:
        """Put the file in place, at one moment. On failure the old file stays."""
        try:
            self.settle()
            self._replace()
        except BaseException:
            self.discard()
            raise
        sync_folder(os.path.dirname(self._path))

    def settle(self) -> None:
        """Flush the file to disk, and close it."""
        with naming(self.name):
            self.file.flush()
            if self._temporary is not None:
                os.fsync(self.file.fileno())
            self.file.close()

    def move_aside(self) -> None:
        """Move the old file out of the way, to a name of its own beside it."""
        if self._temporary is not None and os.path.exists(self._path):
            old = f"{self._temporary[:-4]}.old"
            os.rename(self._path, old)
            self._old = old

    def place(self) -> None:
        """Put the settled file in the target's place; `discard` can still take it away."""
        if self._temporary is not None:
            self._replace()
            self._is_placed = True

    def keep(self) -> None:
        """Let the placed file stay, and remove the old one."""
        if self._is_placed:
            self._is_placed = False
            if self._old is not None:
                os.unlink(self._old)
                self._old = None
            sync_folder(os.path.dirname(self._path))

    def _replace(self) -> None:
        if self._temporary is not None:
            try:
                os.replace(self._temporary, self._path)
            except OSError as error:
                error.filename, error.filename2 = self.name, None  # as the caller named it
                raise
            self._temporary = None

    def discard(self) -> None:
        """Remove the new file, wherever it is, unless it is to stay; the old file is in its place."""
        try:
            with naming(self.name):
                self.file.close()
        finally:
            if self._temporary is not None:
                os.unlink(self._temporary)
            if self._old is not None:
                os.replace(self._old, self._path)
            elif self._is_placed:
                os.unlink(self._path)
            self._temporary, self._old, self._is_placed = None, None, False

    def __del__(self) -> None:
        """Leave no temporary file behind where nobody finished or gave up."""
        # A fork has the object too, and must not remove what its parent still writes.
        if getattr(self, "_temporary", None) is not None and os.getpid() == self._process:
            with contextlib.suppress(Exception):
                self.discard()
            warnings.warn(f"{self.name}: not closed, nothing was written", ResourceWarning, stacklevel=2, source=self)


class NewFolder:
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
        parent, name = os.path.split(real)
        self.path = os.path.join(parent, f".{name[:50]}.{os.urandom(6).hex()}.tmp")
        try:
            os.makedirs(parent, exist_ok=True)
            os.mkdir(self.path)
        except OSError as error:
            error.filename = target  # as the caller named it
            raise

    def commit(self) -> None:
        """Put the folder in place."""
        sync_folder(self.path)
        os.rename(self.path, self._real)  # an empty folder is replaced
        sync_folder(os.path.dirname(self._real))

    def __enter__(self) -> NewFolder:
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        import shutil  # slow to import

        shutil.rmtree(self.path, ignore_errors=True)  # gone if it was put in place
        if not isinstance(error, OSError) or error.errno is None:
            return
        if error.filename is None:
            error.filename = self.target
        elif str(error.filename).startswith(self.path):
            error.filename = self.target + str(error.filename)[len(self.path) :]


class Given:
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

    def move_aside(self) -> None:
        """There is no old file."""

    place = keep = move_aside

    def discard(self) -> None:
        """What was written to a file object can't be taken back."""


def open_target(target: Target) -> Replacement | Given:
    """The place to write to for a path or a binary file object."""
    if isinstance(target, (str, os.PathLike)):
        path: Any = os.fspath(target)
        return Replacement(os.fsdecode(path))
    if hasattr(target, "write"):
        return Given(target)
    raise TypeError(f"file is a path or a binary file object, not {type(target).__name__}")


def commit_all(targets: Sequence[Replacement | Given]) -> None:
    """Put several files in place. If this raises, discard() of each brings all the old ones back.

    Killed between the first and the last, the process leaves less than all, but never new files beside old ones: the
    old ones are moved aside, to names that end in .old, before the first new one comes.
    """
    for target in targets:
        target.settle()
    for target in targets:
        target.move_aside()
    for target in targets:
        target.place()
    for target in targets:
        target.keep()


@contextlib.contextmanager
def replacing(target: Target) -> Iterator[IO[bytes]]:
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
    with replacing(path) as file:
        file.write(data)


def _status_of(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _pass_on(old: os.stat_result, path: str) -> None:
    """Give a new file the owner and permissions of an old one, as far as this process may."""
    mode, new = stat.S_IMODE(old.st_mode), os.stat(path)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        try:
            os.chown(path, old.st_uid, old.st_gid)
        except OSError:
            mode &= 0o777  # to run as somebody else was the old owner's to grant
            with contextlib.suppress(OSError):
                os.chown(path, -1, old.st_gid)
    os.chmod(path, mode)


def sync_folder(folder: str) -> None:
    """Make the new name last; some file systems can't sync a folder and need not."""
    try:
        fd = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(fd)
    except OSError:
        pass
    finally:
        os.close(fd)
