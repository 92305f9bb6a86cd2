"""Several files replaced together, by a journal on the disk: whoever comes next can finish what a killed process began.

The journal is a file in the folder of the targets, locked while its writer lives. Its first line names the folders, its
second the files; that one counts when it is whole. There is one way only, in steps that may be repeated:

| on the disk | what is done next |
|---|---|
| a journal without its second line | nothing was touched; it is removed |
| a journal, and new files with hidden names | each old file gets a hidden name, then each new one its own |
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

_MOST = 1 << 20
# Size and time of writing, which a file keeps when it is renamed.
_Identity = tuple[int, int]
# A new file, the path that it replaces, and the name of that path in errors.
Replacement = tuple[Temporary, str, str]


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


def replace_all(files: Sequence[Replacement]) -> None:
    """Put files in the place of paths; each comes with the path and its name in errors.

    If this raises an OSError, all old files are in place; if it raises anything else, all old or all new ones.
    """
    for temporary, _, _ in files:
        temporary.give_name()
    journal = _Journal(sorted({os.path.dirname(path) for _, path, _ in files}))
    try:
        journal.begin(files)
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


def settle(folder: str) -> None:
    """`complete`, for who is about to look for files: FileNotFoundError where one is out of its place all the same.

    Its writer lives, or this process may not finish for it. Without this, the file would be left out without a word.
    """
    complete(folder)
    for move in _told(folder):
        if _identity(move.path) is not None or _identity(move.aside) is None:
            continue
        what = (
            f"is not in its place: {JOURNAL} tells that it is being replaced. Try again; if the process that did it "
            "was killed, do so as a user who may write to the folder, and idxio finishes or takes back what was begun"
        )
        raise FileNotFoundError(errno.ENOENT, what, move.path)


def _told(folder: str) -> list[Move]:
    """What the journal in a folder says of files in it; nothing where it can't be read."""
    real = os.path.realpath(os.path.join(folder, JOURNAL))
    with ignoring_refusals():
        fd = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb", buffering=0) as file:
            if stat.S_ISREG(os.fstat(fd).st_mode):
                moves = _parse(os.path.dirname(real), file.read(_MOST))[1] or []
                here = os.path.realpath(folder)
                return [move for move in moves if os.path.realpath(os.path.dirname(move.path)) == here]
    return []


class _Journal:
    """What is to be done, and the file that says it."""

    def __init__(self, folders: list[str], moves: list[Move] | None = None, file: IO[bytes] | None = None) -> None:
        """moves are None until the journal says them."""
        self._folders = folders
        self._path = os.path.join(folders[0], JOURNAL)
        self._moves = moves or []
        self._is_begun = moves is not None
        self._file = file

    def begin(self, files: Sequence[Replacement]) -> None:
        """Write the journal. From here on another process can finish."""
        self._file = file = _acquire(self._path)
        _write_line(file, [os.path.relpath(folder, self._folders[0]) for folder in self._folders])
        for folder in self._folders[1:]:
            _link(self._path, folder)
            sync_folder(folder)
        # Now nobody else moves these files.
        self._moves = [_move(*one) for one in files]
        _write_line(file, [_row(self._folders, move) for move in self._moves])
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
                self.drop()
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
        self.drop()

    def remove(self) -> None:
        """Remove the old files, and the journal."""
        if not self._is_there():
            return
        for move in self._moves:
            if move.old is not None and _identity(move.aside) == move.old:
                os.unlink(move.aside)
        self.drop()

    def drop(self) -> None:
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
    with os.fdopen(fd, "r+b", buffering=0) as file:
        folder, name = os.path.split(real)
        status = os.fstat(fd)
        owners = (os.geteuid(), os.stat(folder).st_uid)
        if name != JOURNAL or not stat.S_ISREG(status.st_mode) or status.st_uid not in owners:
            raise OSError(errno.EPERM, "is no journal of yours; remove it if nobody writes here", path)
        if not lock(fd, wait=wait) or not is_at(real, fd):
            return
        folders, moves = _parse(folder, file.read(_MOST))
        journal = _Journal(folders, moves, file)
        # The links go last: without them all is done but the end.
        if moves is None or not all(_leads_to(other, real) for other in folders[1:]):
            journal.drop()
            return
        try:
            journal.forward()
        except OSError as error:
            if not is_refusal(error):
                raise
            try:
                journal.back()
            except OSError as second:
                if not is_refusal(second):
                    raise
                raise OSError(
                    second.errno,
                    f"tells how files are replaced, which a process began that was killed, and can't be finished: "
                    f"{second.filename}: {second.strerror}. If the files there are as they should be, remove it",
                    path,
                ) from second
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


def _move(temporary: Temporary, path: str, name: str) -> Move:
    assert temporary.name is not None
    status = os.fstat(temporary.file.fileno())
    return Move(temporary.name, path, _identity(path), (status.st_size, status.st_mtime_ns), name)


def _row(folders: list[str], move: Move) -> list[object]:
    folder, name = os.path.split(move.path)
    return [folders.index(folder), os.path.basename(move.temporary), name, move.old, move.new]


def _write_line(file: IO[bytes], what: object) -> None:
    import json  # slow to import

    file.write(f"{json.dumps(what)}\n".encode())
    file.flush()


def _parse(folder: str, data: bytes) -> tuple[list[str], list[Move] | None]:
    """The folders and the moves of a journal in this folder; None where it does not say them."""
    import json

    folders, moves = [folder], []
    try:
        first, second, _ = data.decode().split("\n")
        places = json.loads(first)
        folders += [os.path.normpath(os.path.join(folder, place)) for place in places[1:]]
        for place, temporary, name, old, new in json.loads(second):
            if not _is_name(name) or not _is_name(temporary) or not temporary.endswith(".tmp"):
                return folders, None
            path = os.path.join(folders[range(len(folders))[place]], name)
            hidden_path = os.path.join(os.path.dirname(path), temporary)
            before = None if old is None else (int(old[0]), int(old[1]))
            moves.append(Move(hidden_path, path, before, (int(new[0]), int(new[1])), path))
    except (ValueError, TypeError, IndexError, KeyError, OverflowError, RecursionError):
        return folders, None
    return folders, moves


def _is_name(text: object) -> bool:
    """Whether this can be the name of a file in a folder. ValueError if no file system has such a name."""
    if not isinstance(text, str) or os.path.basename(text) != text or text in ("", ".", ".."):
        return False
    return b"\0" not in os.fsencode(text)
