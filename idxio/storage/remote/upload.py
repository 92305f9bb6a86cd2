"""Upload: a file on its way to a store; and several that replace others together."""

from __future__ import annotations

import errno
import io
import warnings
import weakref
from collections.abc import Mapping, Sequence
from typing import IO, Any, TypeAlias

from ..._util.fork import ForkGuard
from ...errors import naming
from ..temporary import ignoring_refusals
from .fsspec_object import FsspecObject
from .obstore_object import ObstoreObject
from .opening import by_library
from .url import Url

Stored: TypeAlias = ObstoreObject | FsspecObject


class Upload:
    """A temporary file of this machine, which commit() uploads: a target like AtomicFile.

    Whatever happens before commit(), the store has not heard of it. After it the object is the new
    one, whole; after an error of it, or a kill at any moment, the old one.
    """

    folder = None

    def __init__(self, stored: Stored) -> None:
        import tempfile  # slow to import

        self.name = stored.name
        self.stored = stored
        stored.tag()  # a host that can't be reached is told now, not after all work is done
        self.file: IO[bytes] = tempfile.TemporaryFile()
        self._unfinished = weakref.finalize(self, _abandon, self.name, self.file, ForkGuard())

    def commit(self) -> None:
        """Upload the file. On failure the old object stays."""
        try:
            self.finish_writing()
            self.stored.put(self.file)
        finally:
            self.discard()

    def finish_writing(self) -> None:
        """Flush the file."""
        with naming(self.name):
            self.file.flush()

    def discard(self) -> None:
        """Close the file, which removes it."""
        self._unfinished.detach()
        with ignoring_refusals():
            self.file.close()


def _abandon(name: str, file: Any, guard: ForkGuard) -> None:
    """Close the file of an Upload that was neither committed nor discarded."""
    if file.closed:
        return
    if guard.in_child():
        file.raw.close()  # not the buffer, which the child shares with its parent
        return
    with ignoring_refusals():
        file.close()
    warnings.warn(f"{name}: not closed, nothing was written", ResourceWarning, stacklevel=2)


def open_stored(target: Any, options: Mapping[str, Any]) -> Stored:
    """What is to be written at a URL, or in a file system of fsspec."""
    if not isinstance(target, str):
        if options:
            raise ValueError("storage_options are for URLs; this target has a file system already")
        name = str(target.fs.unstrip_protocol(target.path)).partition("?")[0]
        return FsspecObject(target.fs, target.path, name)
    url = Url(target, options)
    if url.is_http:
        raise io.UnsupportedOperation(
            f"{url.name}: a web server takes no uploads; write to the bucket behind it by its own"
            " URL (s3://, gs://, az://), or to a path, and copy the file to the server"
        )
    return by_library(url, ObstoreObject, FsspecObject, "written")


def put_together(files: Sequence[tuple[IO[bytes], Stored]]) -> None:
    """Upload files that belong together, so that no new one ever stands beside an old one.

    A store replaces one object at a time. So the old objects but the first are hidden before the
    first new one appears, and the others follow it, the last one last. After an error that comes
    before the first has appeared, all old ones are in place; an interrupt after it is raised when
    all new ones are.
    """
    (file, first), *others = files
    before = first.tag()

    def hide_others() -> None:
        for _, stored in reversed(others):
            stored.hide()

    try:
        first.put(file, hide_others)
    except BaseException as error:
        if not first.is_put:
            _put_back(files, before, error)
            raise
        _put_others(others)
        raise
    try:
        _put_others(others)
    except Exception:
        raise
    except BaseException:  # an interrupt
        _put_others(others)
        raise


def _put_back(
    files: Sequence[tuple[IO[bytes], Stored]], before: str | None, error: BaseException
) -> None:
    """Put the old objects back, if the first one is still the old one."""
    hidden = [stored for _, stored in files if stored.is_hidden]
    if not hidden:
        return
    first = files[0][1]
    with ignoring_refusals():
        if first.tag() == before:
            for stored in hidden:
                stored.put_back()
            return
    names = ", ".join(stored.name for stored in hidden)
    raise OSError(
        getattr(error, "errno", None) or errno.EIO,
        "may or may not have been replaced, as the store stopped to answer; write it again. Until"
        f" then the old ones of {names} are kept beside them, as .NAME.old",
        first.name,
    ) from error


def _put_others(others: Sequence[tuple[IO[bytes], Stored]]) -> None:
    for file, stored in others:
        try:
            stored.put(file)
        except OSError as error:
            error.strerror = (
                f"{error.strerror}; files that belong to it were replaced already: write all of"
                " them again. The old one, if there was one, is kept beside it as .NAME.old"
            )
            raise
    for _, stored in others:
        stored.forget()
