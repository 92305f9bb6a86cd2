"""Several files replaced together: a journal on disk lets the next process finish after a kill.

The journal is a file in the folder of the targets, locked while its writer lives. Its first line
lists the folders, its second line the files; the second is valid once it is complete. Each step
below may be repeated:

| on the disk | next step |
|---|---|
| a journal without its second line | no file was touched; remove the journal |
| a journal, and new files with hidden names | hide each old file, then rename each new one |
| a journal, and all new files in place | remove the old files, then the journal |

An interrupt is raised after the last step, not in between. The old files are put back only if the
system refuses a step, or another process wrote to a target meanwhile. So a target may be missing
for a moment, or after a kill until the next process comes, but no new file ever stands beside an
old one.

If the targets lie in several folders, the journal is in the first by the order of their paths, and
each other folder holds a symbolic link of the same name to it.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from typing import IO

from ..errors import naming
from .as_read import AsRead, check_unchanged
from .journal_text import read_journal, write_folders, write_moves
from .move import Move, identity, move_of
from .temporary import (
    JOURNAL,
    Temporary,
    clear,
    ignoring_refusals,
    is_at,
    is_refusal,
    lock,
    sync_folder,
)

# A new file, the path that it replaces, and the name of that path in errors.
Replacement = tuple[Temporary, str, str]


def replace_all(files: Sequence[Replacement], as_read: AsRead) -> None:
    """Replace all files, or none.

    After an OSError all old files are in place; after any other error all old or all new ones. A
    ChangedError tells that a file is no longer as it was read: all old ones are in place.
    """
    for temporary, _, _ in files:
        temporary.give_name()
    journal = _Journal(sorted({os.path.dirname(path) for _, path, _ in files}))
    try:
        journal.begin(files, as_read)
        journal.finish()
    except BaseException as error:
        journal.end_after_error(undo=is_refusal(error))
        raise
    finally:
        journal.close()


def complete(folder: str) -> None:
    """Finish the replacement of a killed writer in a folder, or put the old files back."""
    path = os.path.join(folder, JOURNAL)
    if os.path.lexists(path):
        with ignoring_refusals():  # the folder may be read-only for this process
            _recover(path)


def ensure_complete(folder: str) -> None:
    """Complete a folder before its files are listed; FileNotFoundError if one is still missing.

    A file is missing while its writer lives, or if this process may not finish for a killed writer.
    Without the error a listing would leave the file out silently.
    """
    complete(folder)
    for move in _moves_in(folder):
        if identity(move.path) is not None or identity(move.aside) is None:
            continue
        what = (
            f"is not in its place: {JOURNAL} tells that it is being replaced. Try again; if the"
            " process that did it was killed, do so as a user who may write to the folder, and"
            " idxio finishes or takes back what was begun"
        )
        raise FileNotFoundError(errno.ENOENT, what, move.path)


def _moves_in(folder: str) -> list[Move]:
    """The moves that the journal lists for files in a folder; none if it can't be read."""
    real = os.path.realpath(os.path.join(folder, JOURNAL))
    with ignoring_refusals():
        fd = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb", buffering=0) as file:
            if stat.S_ISREG(os.fstat(fd).st_mode):
                moves = read_journal(os.path.dirname(real), file)[1] or []
                here = os.path.realpath(folder)
                return [
                    move for move in moves if os.path.realpath(os.path.dirname(move.path)) == here
                ]
    return []


class _Journal:
    """The moves of one replacement, and the journal file that lists them.

    | `_file` | `_is_begun` | on the disk | after an error |
    |---|---|---|---|
    | None | False | nothing, or an empty journal, if an interrupt came during `begin` | remove it |
    | open | False | a journal that lists no files: none was touched | remove it |
    | open | True | a journal that lists all files | finish, or put the old files back |

    An error of the system ends in old files, an interrupt in new ones (`end_after_error`). Whatever
    a process leaves behind is the last row's or the second's, and the next process goes on there.
    """

    def __init__(
        self, folders: list[str], moves: list[Move] | None = None, file: IO[bytes] | None = None
    ) -> None:
        """moves is None as long as the journal does not list them."""
        self._folders = folders
        self._path = os.path.join(folders[0], JOURNAL)
        self._moves = moves or []
        self._is_begun = moves is not None
        self._file = file

    def begin(self, files: Sequence[Replacement], as_read: AsRead) -> None:
        """Write the journal; after it, another process can finish."""
        self._file = file = _acquire(self._path)
        with naming(self._path):
            write_folders(file, self._folders)
            for folder in self._folders[1:]:
                _link(self._path, folder)
                sync_folder(folder)
            # With all folders linked, no other idxio process moves these files.
            self._moves = [move_of(*one) for one in files]
            # A change after this is told from the moves, by place_new.
            check_unchanged(as_read)
            write_moves(file, self._folders, self._moves)
            os.fsync(file.fileno())
            if len(self._folders) > 1:  # within one folder, names reach the disk in order
                sync_folder(self._folders[0])
        self._is_begun = True

    def finish(self) -> None:
        """Do all remaining steps."""
        self.place_new()
        with ignoring_refusals():  # the next writer will do it
            self.remove_old()

    def end_after_error(self, *, undo: bool) -> None:
        """Finish or undo after an exception, and start again after each interrupt."""
        try:
            if not self._is_begun:
                self.remove_journal()
            elif undo:
                self.put_back_old()
            else:
                self.finish()
        except BaseException as error:
            if not is_refusal(error):
                self.end_after_error(undo=undo)
                raise
            if not undo:
                self.end_after_error(undo=True)
            # Otherwise the next writer finishes.

    def place_new(self) -> None:
        """Hide all old files, then rename all new ones to their targets."""
        for move in self._moves:
            there = identity(move.path)
            if identity(move.temporary) is None:
                if there != move.new:
                    raise move.changed()
            elif there is not None:
                if there != move.old:
                    raise move.changed()
                move.rename(move.path, move.aside)
        for move in self._moves:
            if identity(move.temporary) is not None:
                move.rename(move.temporary, move.path)
        for folder in self._folders:
            sync_folder(folder)

    def put_back_old(self) -> None:
        """Hide all new files again, then rename all old ones to their targets."""
        if not self._is_there():
            return
        # Once an old file was removed, all new ones are in place: the only way is to finish.
        if not all(move.has_old() for move in self._moves):
            self.finish()
            return
        for move in self._moves:
            if identity(move.temporary) is None and identity(move.path) == move.new:
                move.rename(move.path, move.temporary)
        for move in self._moves:
            if (
                move.old is not None
                and identity(move.aside) == move.old
                and identity(move.path) is None
            ):
                move.rename(move.aside, move.path)
        for folder in self._folders:
            sync_folder(folder)
        self.remove_journal()

    def remove_old(self) -> None:
        """Remove the old files, and the journal."""
        if not self._is_there():
            return
        for move in self._moves:
            if move.old is not None and identity(move.aside) == move.old:
                os.unlink(move.aside)
        self.remove_journal()

    def remove_journal(self) -> None:
        """Remove the links to the journal, then the journal."""
        if self._file is None:  # an interrupt came during its creation
            complete(self._folders[0])
        elif self._is_there():
            for folder in self._folders[1:]:
                if _leads_to(folder, self._path):
                    os.unlink(os.path.join(folder, JOURNAL))
            os.unlink(self._path)

    def _is_there(self) -> bool:
        return self._file is not None and is_at(self._path, self._file.fileno())

    def close(self) -> None:
        """Close the journal file, which releases its lock."""
        if self._file is not None:
            with ignoring_refusals():
                self._file.close()


def _acquire(path: str) -> IO[bytes]:
    """Create and lock a new journal, after recovering from an older one."""
    while True:
        file = None
        try:
            with naming(path):
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
        file.close()  # another process removed it in the moment before the lock


def _link(path: str, folder: str) -> None:
    """Create the symbolic link from a folder to the journal at path."""
    link = os.path.join(folder, JOURNAL)
    while True:
        try:
            os.symlink(os.path.relpath(path, folder), link)
            return
        except FileExistsError:
            # All processes lock folders in the order of their paths: no two wait for each other.
            _recover(link, wait=True)


def _leads_to(folder: str, path: str) -> bool:
    link = os.path.join(folder, JOURNAL)
    return os.path.islink(link) and os.path.realpath(link) == os.path.realpath(path)


def _recover(path: str, *, wait: bool = False) -> None:
    """Finish the journal of a writer that was killed; wait for a living writer, or do nothing.

    Only a journal that belongs to this user or the owner of the folder counts, and it moves only
    files of folders that hold it or a link to it, so that a downloaded dataset can't contain a
    harmful one.
    """
    real = os.path.realpath(path)
    try:
        fd = os.open(real, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        if os.path.islink(path):
            os.unlink(path)
        return
    with naming(path), os.fdopen(fd, "r+b", buffering=0) as file:
        folder, name = os.path.split(real)
        status = os.fstat(fd)
        owners = (os.geteuid(), os.stat(folder).st_uid)
        if name != JOURNAL or not stat.S_ISREG(status.st_mode) or status.st_uid not in owners:
            raise OSError(
                errno.EPERM, "is no journal of yours; remove it if nobody writes here", path
            )
        if not lock(fd, wait=wait) or not is_at(real, fd):
            return
        folders, moves = read_journal(folder, file)
        journal = _Journal(folders, moves, file)
        # The links are removed last: without them only the journal itself is left to remove.
        if moves is None or not all(_leads_to(other, real) for other in folders[1:]):
            journal.remove_journal()
            return
        try:
            journal.place_new()
        except OSError as error:
            if not is_refusal(error):
                raise
            try:
                journal.put_back_old()
            except OSError as second:
                if not is_refusal(second):
                    raise
                raise OSError(
                    second.errno,
                    "tells how files are replaced, which a process began that was killed, and"
                    f" can't be finished: {second.filename}: {second.strerror}. If the files there"
                    " are as they should be, remove it",
                    path,
                ) from second
        else:
            journal.remove_old()
        for move in moves:
            clear(move.temporary)
