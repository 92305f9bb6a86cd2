"""A folder that appears when all in it is there, or not at all."""

from __future__ import annotations

import errno
import os
import shutil

from .target import sync_folder


class NewFolder:
    """A temporary folder beside the target; commit() puts it in the target's place.

    The target is new or an empty folder. Use it in a ``with`` block: without a commit, nothing is left.
    """

    def __init__(self, target: str | os.PathLike[str]) -> None:
        self.target = os.fsdecode(target)
        self._real = os.path.realpath(self.target)
        if os.path.isdir(self._real) and os.listdir(self._real):
            raise FileExistsError(errno.ENOTEMPTY, "is not empty; name a new folder", self.target)
        if os.path.lexists(self._real) and not os.path.isdir(self._real):
            raise FileExistsError(errno.EEXIST, "is there and is no folder; name a new folder", self.target)
        if os.path.ismount(self._real):
            raise OSError(errno.EBUSY, "is a mount point; name a new folder inside it", self.target)
        parent, name = os.path.split(self._real)
        self.path = os.path.join(parent, f".{name[:50]}.{os.urandom(6).hex()}.tmp")
        try:
            os.makedirs(parent, exist_ok=True)
            os.mkdir(self.path)
        except OSError as error:
            error.filename = self.target  # as the caller named it
            raise

    def commit(self) -> None:
        """Put the folder in place."""
        sync_folder(self.path)
        os.rename(self.path, self._real)  # an empty folder is replaced
        sync_folder(os.path.dirname(self._real))

    def __enter__(self) -> NewFolder:
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)  # gone if it was put in place
        if isinstance(error, OSError) and str(error.filename or "").startswith(self.path):
            error.filename = self.target + str(error.filename)[len(self.path) :]
