"""A file that is written in one of fsspec's file systems."""

from __future__ import annotations

import contextlib
import errno
import posixpath
import shutil
from collections.abc import Callable, Iterator
from typing import IO, Any

from ..file_object import write_all
from ..temporary import hidden, ignoring_refusals

_PART = 8 << 20


class FsspecObject:
    """One file of a file system of fsspec, whether it is there or not.

    Whether it is replaced at one moment is up to the file system.
    """

    def __init__(self, fs: Any, path: str, name: str) -> None:
        self._fs = fs
        self._path = path
        self.name = name
        self.is_put = False
        self.is_hidden = False
        if not posixpath.basename(path):
            raise IsADirectoryError(errno.EISDIR, "names no file", name)

    def sibling(self, name: str) -> FsspecObject:
        """The file of this name beside it."""
        folder = posixpath.dirname(self._path)
        shown = posixpath.join(posixpath.dirname(self.name), name)
        return FsspecObject(self._fs, posixpath.join(folder, name), shown)

    def tag(self) -> str | None:
        """What tells the file from its replacement; None if there is none or it is not told."""
        try:
            with self._telling():
                self._fs.invalidate_cache(posixpath.dirname(self._path))
                found = self._fs.info(self._path)
        except (FileNotFoundError, PermissionError):
            return None
        marks = ("ETag", "etag", "mtime", "LastModified", "created", "size")
        return str([found.get(mark) for mark in marks])

    def put(self, file: IO[bytes], before_end: Callable[[], object] = bool) -> None:
        """Replace the file by all bytes of another one; before_end is called before it appears."""
        file.seek(0)
        with self._telling():
            new = self._fs.open(self._path, "wb", block_size=_PART, autocommit=False)
        try:
            with self._telling():
                while piece := file.read(_PART):
                    write_all(new, piece)
            before_end()
            with self._telling():
                new.close()
                new.commit()
        except BaseException:
            with contextlib.suppress(Exception):
                new.discard()
            raise
        self.is_put = True

    def hide(self) -> None:
        """Move the file to a hidden name beside it; nothing if there is none."""
        try:
            with self._telling():
                self._fs.cp_file(self._path, self._aside)
        except FileNotFoundError:
            return
        self.is_hidden = True
        with self._telling():
            self._fs.rm_file(self._path)

    def put_back(self) -> None:
        """Move what `hide` has moved back to its place."""
        if self.is_hidden:
            with self._telling():
                self._fs.mv(self._aside, self._path)

    def forget(self) -> None:
        """Remove what `hide` has moved, or one whose writer was killed."""
        with ignoring_refusals(), self._telling():  # the next writer will do it
            self._fs.rm_file(self._aside)

    @property
    def _aside(self) -> str:
        return hidden(self._path, "old")

    def fetch(self, file: IO[bytes]) -> None:
        """Write it to a file of this machine."""
        with self._telling(), self._fs.open(self._path, "rb") as old:
            shutil.copyfileobj(old, file, _PART)

    def beside(self) -> list[str]:
        """The names of the files beside it, and its own; none if they can't be told."""
        try:
            with self._telling():
                self._fs.invalidate_cache(posixpath.dirname(self._path))
                found = self._fs.ls(posixpath.dirname(self._path), detail=False)
        except (FileNotFoundError, PermissionError):
            return []
        return sorted(posixpath.basename(one) for one in found)

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """Raise errors of any library without their text, which may have a secret."""
        try:
            yield
        except FileNotFoundError:
            raise FileNotFoundError(errno.ENOENT, "there is no such file", self.name) from None
        except PermissionError:
            what = "the store refuses it: credentials are missing or wrong, or may not do this"
            raise PermissionError(errno.EACCES, what, self.name) from None
        except NotImplementedError:
            what = f"fsspec's {type(self._fs).__name__} does not write"
            raise OSError(errno.EROFS, what, self.name) from None
        except Exception as error:
            what = f"fsspec's {type(self._fs).__name__} can't write: {type(error).__name__}"
            raise OSError(errno.EIO, what, self.name) from None
