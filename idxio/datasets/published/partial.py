"""The folder that keeps what has arrived of a dataset, for one process at a time."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

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
    while True:
        os.makedirs(path, exist_ok=True)
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            lock(fd, wait=True)
            if is_at(path, fd):  # whoever had the lock did not remove it
                return fd
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
