"""What files were when they were read, to tell whether they are still so when they are replaced."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping

from ..errors import ChangedError

# Size, modification time and inode: a rename keeps them, and a replacement has others.
State = tuple[int, int, int]
AsRead = Mapping[str, State | None]
"""By path; None where there was no regular file."""


def states(paths: Iterable[str]) -> dict[str, State | None]:
    """What files are now: to be asked before they are read."""
    return {path: _state(path) for path in paths}


def check_unchanged(as_read: AsRead) -> None:
    """Raise ChangedError unless all files are as they were when they were read."""
    for path, state in as_read.items():
        if _state(path) != state:
            raise ChangedError(
                "was changed by another process since it was read, so that its changes would be"
                " lost; nothing was written: run it again",
                file=path,
            )


def _state(path: str) -> State | None:
    try:
        status = os.stat(path)
    except OSError:  # reading it raises the error
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino
