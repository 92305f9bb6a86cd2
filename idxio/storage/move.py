"""One of the files that are replaced together: the new one, the old one, and how they are told."""

from __future__ import annotations

import errno
import os
from typing import NamedTuple

from .temporary import Temporary, hidden

# Size and modification time, which a rename keeps.
Identity = tuple[int, int]


class Move(NamedTuple):
    """A file to be replaced."""

    temporary: str
    """The path of the new file before its rename."""
    path: str
    old: Identity | None
    """None if there is no old file."""
    new: Identity
    name: str
    """The target as the caller named it, for errors."""

    @property
    def aside(self) -> str:
        """The path of the old file between the two renames."""
        return hidden(self.path, "old")

    def rename(self, source: str, target: str) -> None:
        try:
            os.rename(source, target)
        except OSError as error:
            error.filename = self.name
            error.filename2 = None
            raise

    def has_old(self) -> bool:
        """Whether the old file can be put back, or was not moved."""
        return self.old is None or self.old in (identity(self.aside), identity(self.path))

    def changed(self) -> OSError:
        """The error for a target that another process wrote to."""
        what = "was changed by another process while it was replaced"
        return OSError(errno.ESTALE, what, self.name)


def identity(path: str) -> Identity | None:
    """Size and modification time of a file, which tell it from its replacement; None if missing."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return None
    return status.st_size, status.st_mtime_ns


def move_of(temporary: Temporary, path: str, name: str) -> Move:
    """The move of a new file to a path, as both are now."""
    assert temporary.name is not None
    status = os.fstat(temporary.file.fileno())
    return Move(temporary.name, path, identity(path), (status.st_size, status.st_mtime_ns), name)
