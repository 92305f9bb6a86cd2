"""AtomicFile: a file that replaces the old one at once, when it is whole."""

from __future__ import annotations

import errno
import os
import stat
import warnings
import weakref
from typing import IO

from .._util.fork import ForkGuard
from ..errors import naming, set_name
from . import journal
from .ownership import copy_owner_and_mode
from .temporary import Temporary, ignoring_refusals, is_hidden, sweep, sync_folder


class AtomicFile:
    """A temporary file beside the target; commit() flushes it to disk and renames it to the target.

    Killed at any moment, the process leaves the old file or the new one, whole. Where there is no
    old file the temporary one has no name, if the file system allows that; else the next writer of
    the target removes what is left. A path that is no regular file (a pipe, /dev/stdout) is written
    to directly.
    """

    def __init__(self, path: str) -> None:
        if not os.path.basename(path):
            code = errno.EISDIR if path else errno.ENOENT
            raise OSError(code, os.strerror(code), path)
        self.name = path
        self._path = os.path.realpath(path)
        if is_hidden(path) or is_hidden(self._path):
            raise ValueError(
                f"{path}: is a name that idxio gives to hidden files of its own while it replaces"
                " others, and removes; name another file"
            )
        self.folder: str | None = None
        """The folder for further temporary files; None for the system's default."""
        self.temporary: Temporary | None = None
        folder = os.path.dirname(self._path)
        journal.complete(folder)
        old = _status_of(path)  # /dev/stdout has no real path when it is a pipe
        if old is not None and stat.S_ISDIR(old.st_mode):
            raise IsADirectoryError(errno.EISDIR, "Is a directory", path)
        if old is not None and not stat.S_ISREG(old.st_mode):
            with naming(path):
                self.file: IO[bytes] = open(path, "wb")
            return
        self.folder = folder
        sweep(self._path)
        self.temporary = temporary = Temporary(self._path)
        try:
            temporary.create(is_new=old is None)
            self.file = temporary.file
            # Not __del__: it would also run after a commit, and swallow the KeyboardInterrupt of a
            # signal that arrives in it.
            self._unfinished = weakref.finalize(self, _abandon, path, temporary, ForkGuard())
            if old is not None:
                copy_owner_and_mode(old, self.file.fileno())
        except BaseException as error:
            temporary.remove()
            if isinstance(error, OSError):
                set_name(error, path)  # as the caller named it
            raise

    def move_to(self, path: str) -> None:
        """Change the target to another path in the same folder."""
        self._path = os.path.realpath(path)

    @property
    def path(self) -> str:
        """The target, with all symbolic links resolved."""
        return self._path

    def commit(self) -> None:
        """Rename the temporary file to the target in one step. On failure the old file stays."""
        try:
            self.finish_writing()
            if self.temporary is not None:
                try:
                    self.temporary.place(self._path)
                except OSError as error:
                    error.filename = self.name  # as the caller named it
                    error.filename2 = None
                    raise
                sync_folder(os.path.dirname(self._path))
        finally:
            self.discard()

    def finish_writing(self) -> None:
        """Flush a temporary file to disk; close a pipe or device."""
        with naming(self.name):
            self.file.flush()
            if self.temporary is not None:
                os.fsync(self.file.fileno())
            else:
                self.file.close()

    def discard(self) -> None:
        """Remove the temporary file, unless commit() renamed it."""
        if self.temporary is not None:
            try:
                self.temporary.remove()
            finally:
                self._unfinished.detach()
        else:
            with ignoring_refusals():
                self.file.close()


def _abandon(name: str, temporary: Temporary, guard: ForkGuard) -> None:
    """Remove the temporary file of an AtomicFile that was neither committed nor discarded."""
    if temporary.file.closed:
        return
    if guard.in_child():
        # The child must not remove the file that its parent still writes, nor flush the buffer
        # that it shares with the parent.
        temporary.file.raw.close()  # type: ignore[attr-defined]
        return
    temporary.remove()
    warnings.warn(f"{name}: not closed, nothing was written", ResourceWarning, stacklevel=2)


def _status_of(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None
