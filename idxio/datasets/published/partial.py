"""The folder that keeps what has arrived of a dataset, for one process at a time."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator

from ...storage.ownership import owners
from ...storage.temporary import hidden, is_at, lock, remove_folder


@contextlib.contextmanager
def partial_folder(target: str) -> Iterator[str]:
    """The hidden folder beside a target, locked: another process waits until this one leaves it.

    What is in it stays there when the block fails or the process dies, and goes when it succeeds.
    """
    path = hidden(os.path.realpath(target), "part")
    fd = _enter(path)
    try:
        yield path
        remove_folder(path)
    except BaseException:
        with contextlib.suppress(OSError):  # nothing has arrived
            os.rmdir(path)
        raise
    finally:
        os.close(fd)


def _enter(path: str) -> int:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    while True:
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            owner = os.fstat(fd).st_uid
            if owner not in owners():  # who could have put links there
                what = f"belongs to the user {owner}; remove it, or name another folder"
                raise PermissionError(errno.EPERM, what, path)
            lock(fd, wait=True)
            if is_at(path, fd):  # whoever had the lock did not remove it
                return fd
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
