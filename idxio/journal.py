"""Several files replaced together, by a journal on the disk: whoever comes next can finish what a killed process began.

The journal is a file in the folder of the targets, locked while its writer lives. What it says counts from its last
line on. There is one way only, in steps that may be repeated:

| on the disk | what is done next |
|---|---|
| a journal without its last line | nothing was touched; it is removed |
| a journal, and new files with hidden names | each old file is renamed to a hidden name, then each new one to the target |
| a journal, and all new files in place | the old files are removed, then the journal |

An interrupt is raised after the last step, not in between. Only where the system refuses a step, or somebody else
wrote to a target meanwhile, the old files are put back. So a target may be missing for a moment, or after a kill until
somebody comes, but no new file ever stands beside an old one.

Where the targets lie in several folders, the journal is in the first in the order of their paths, and in each other
one a symbolic link of the same name leads to it.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from typing import IO, NamedTuple

from .temporary import JOURNAL, Temporary, clear, hidden, ignoring_refusals, is_at, is_refusal, lock, sync_folder

_LAST_LINE = "go"
_MOST = 1 << 20
# Size and time of writing, which a file keeps when it is renamed.
_Identity = tuple[int, int]


class Move(NamedTuple):
    """A file to be replaced."""

    temporary: str
    """Where the new file is, until it is in place."""
    path: str
    old: _Identity | None
    """None: there is no old file."""
    new: _Identity
    name: str
    """As the caller named it."""

    @property
    def aside(self) -> str:
        """Where the old file is meanwhile."""
        return hidden(self.path, "old")

    def rename(self, source: str, target: str) -> None:
        try:
            os.rename(source, target)
        except OSError as error:
            error.filename, error.filename2 = self.name, None
            raise

    def has_old(self) -> bool:
        """Whether the old file can be put back, or is where it was."""
        return self.old is None or self.old in (_identity(self.aside), _identity(self.path))

    def changed(self) -> OSError:
        return OSError(errno.ESTALE, "was changed by another process while it was replaced", self.name)


def replace_all(files: Sequence[tuple[Temporary, str, str]]) -> None:
    """Put files in the place of paths; each comes with the path and its name in errors.

    If this raises an OSError, all old files are in place; if it raises anything else, all old or all new ones.
    """
    moves = []
    for temporary, path, name in files:
        temporary.give_name()
        assert temporary.name is not None
        status = os.fstat(temporary.file.fileno())
        moves.append(Move(temporary.name, path, _identity(path), (status.st_size, status.st_mtime_ns), name))
    journal = _Journal(_first_folder(moves), moves)
    try:
        journal.begin()
        journal.finish()
    except BaseException as error:
        journal.settle(undo=is_refusal(error))
        raise
    finally:
        journal.close()


def complete(folder: str) -> None:
    """Finish what the journal in a folder says, if its writer was killed, or put the old files back."""
    path = os.path.join(folder, JOURNAL)
    if os.path.lexists(path):
        with ignoring_refusals():  # a folder that this process can only read, say
            _recover(path)


class _Journal:
    """What is to be done, and the file that says it."""

    def __init__(self, folder: str, moves: list[Move], file: IO[bytes] | None = None, *, is_begun: bool = False):
        self._path = os.path.join(folder, JOURNAL)
        self._moves = moves
        self._file = file
        self._is_begun = is_begun
        self._folders = [folder, *sorted({os.path.dirname(move.path) for move in moves} - {folder})]

    def begin(self) -> None:
        """Write the journal. From here on another process can finish."""
        self._file = file = _acquire(self._path)
        file.write(_format(self._folders[0], self._moves))
        file.flush()
        for folder in self._folders[1:]:
            _link(self._path, folder)
        for folder in self._folders[1:]:
            sync_folder(folder)
        file.write(f"{_LAST_LINE}\n".encode())
        file.flush()
        os.fsync(file.fileno())
        if len(self._folders) > 1:  # in one folder, no later name is on the disk before an earlier one
            sync_folder(self._folders[0])
        self._is_begun = True

    def finish(self) -> None:
        """Take all steps that are left."""
        self.forward()
        with ignoring_refusals():  # the next writer will do it
            self.remove()

    def settle(self, *, undo: bool) -> None:
        """Come to an end after an exception, however often this is interrupted."""
        try:
            if not self._is_begun:
                self._drop()
            elif undo:
                self.back()
            else:
                self.finish()
        except BaseException as error:
            if not is_refusal(error):
                self.settle(undo=undo)
                raise
            if not undo:
                self.settle(undo=True)
            # Else what is left is for the next writer.

    def forward(self) -> None:
        """Put the new files in place, once all old ones are out of the way."""
        for move in self._moves:
            there = _identity(move.path)
            if _identity(move.temporary) is None:
                if there != move.new:
                    raise move.changed()
            elif there is not None:
                if there != move.old:
                    raise move.changed()
                move.rename(move.path, move.aside)
        for move in self._moves:
            if _identity(move.temporary) is not None:
                move.rename(move.temporary, move.path)
        for folder in self._folders:
            sync_folder(folder)

    def back(self) -> None:
        """Put the old files back, once all new ones are out of the way."""
        if not self._is_there():
            return
        if not all(move.has_old() for move in self._moves):  # all new ones are in place, and some old ones removed
            self.finish()
            return
        for move in self._moves:
            if _identity(move.temporary) is None and _identity(move.path) == move.new:
                move.rename(move.path, move.temporary)
        for move in self._moves:
            if move.old is not None and _identity(move.aside) == move.old and _identity(move.path) is None:
                move.rename(move.aside, move.path)
        for folder in self._folders:
            sync_folder(folder)
        self._drop()

    def remove(self) -> None:
        """Remove the old files, and the journal."""
        if not self._is_there():
            return
        for move in self._moves:
            if move.old is not None and _identity(move.aside) == move.old:
                os.unlink(move.aside)
        self._drop()

    def _drop(self) -> None:
        """Remove the journal, and the links to it first."""
        if self._file is None:  # interrupted while it was created
            complete(self._folders[0])
        elif self._is_there():
            for folder in self._folders[1:]:
                if _leads_to(folder, self._path):
                    os.unlink(os.path.join(folder, JOURNAL))
            os.unlink(self._path)

    def _is_there(self) -> bool:
        return self._file is not None and is_at(self._path, self._file.fileno())

    def close(self) -> None:
        """Let go of the lock."""
        if self._file is not None:
            with ignoring_refusals():
                self._file.close()


def _first_folder(moves: list[Move]) -> str:
    return min(os.path.dirname(move.path) for move in moves)


def _acquire(path: str) -> IO[bytes]:
    """A new journal, once there is no other."""
    while True:
        file = None
        try:
            file = open(path, "x+b")
            if lock(file.fileno()) and is_at(path, file.fileno()):
                return file
        except FileExistsError:
            _recover(path, wait=True)
            continue
        except BaseException:
            if file is not None:
                file.close()
            raise
        file.close()  # somebody took it for left over, in the moment before the lock


def _link(path: str, folder: str) -> None:
    """Let a link lead from a folder to the journal at path."""
    link = os.path.join(folder, JOURNAL)
    while True:
        try:
            os.symlink(os.path.relpath(path, folder), link)
            return
        except FileExistsError:
            # Folders are taken in the order of their paths, so that nobody waits for whoever waits for him.
            _recover(link, wait=True)


def _leads_to(folder: str, path: str) -> bool:
    link = os.path.join(folder, JOURNAL)
    return os.path.islink(link) and os.path.realpath(link) == os.path.realpath(path)


def _recover(path: str, *, wait: bool = False) -> None:
    """Do what a journal says whose writer is gone. Wait for one who lives, or leave it alone.

    A journal comes from nobody but this user or who owns the folder, and moves nothing but files of folders that hold
    it or a link to it, so that a data set from elsewhere can't bring one that does harm.
    """
    real = os.path.realpath(path)
    try:
        fd = os.open(real, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        if os.path.islink(path):
            os.unlink(path)
        return
    with os.fdopen(fd, "r+b") as file:
        folder, name = os.path.split(real)
        status = os.fstat(fd)
        owners = (os.geteuid(), os.stat(folder).st_uid)
        if name != JOURNAL or not stat.S_ISREG(status.st_mode) or status.st_uid not in owners:
            raise OSError(errno.EPERM, "is no journal of yours; remove it if nobody writes here", path)
        if not lock(fd, wait=wait) or not is_at(real, fd):
            return
        moves, is_begun = _parse(folder, file.read(_MOST))
        journal = _Journal(folder, moves, file, is_begun=is_begun)
        # The links go last: without them all is done but the end.
        if not is_begun or not all(_leads_to(other, real) for other in journal._folders[1:]):
            journal._drop()
            return
        try:
            journal.forward()
        except OSError as error:
            if not is_refusal(error):
                raise
            journal.back()
        else:
            journal.remove()
        for move in moves:
            clear(move.temporary)


def _identity(path: str) -> _Identity | None:
    """What tells a file from another one that is put in its place; None if there is none."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return None
    return status.st_size, status.st_mtime_ns


def _format(folder: str, moves: list[Move]) -> bytes:
    """One line of JSON: the folder of each file, its hidden name, its name, the old file and the new one."""
    import json  # slow to import

    rows = []
    for move in moves:
        place, name = os.path.split(move.path)
        rows.append([os.path.relpath(place, folder), os.path.basename(move.temporary), name, move.old, move.new])
    return f"{json.dumps(rows)}\n".encode()


def _parse(folder: str, data: bytes) -> tuple[list[Move], bool]:
    """The moves of a journal and whether it has its last line; none for what is no journal."""
    import json

    moves = []
    try:
        line, *rest = data.decode().split("\n")
        for place, temporary, name, old, new in json.loads(line):
            if not _is_name(name) or not _is_name(temporary) or not temporary.endswith(".tmp"):
                return [], False
            path = os.path.normpath(os.path.join(folder, place, name))
            hidden_path = os.path.join(os.path.dirname(path), temporary)
            before = None if old is None else (int(old[0]), int(old[1]))
            moves.append(Move(hidden_path, path, before, (int(new[0]), int(new[1])), path))
    except (ValueError, TypeError, IndexError, RecursionError):
        return [], False
    return moves, rest[:1] == [_LAST_LINE]


def _is_name(text: object) -> bool:
    return isinstance(text, str) and os.path.basename(text) == text and text not in ("", ".", "..")
