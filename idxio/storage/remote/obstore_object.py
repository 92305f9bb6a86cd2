"""An object of S3's, Google's or Azure's store that is written, by obstore."""

from __future__ import annotations

import errno
import os
import posixpath
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, Any

from ..._util.threads import apart
from ..temporary import hidden, ignoring_refusals
from .obstore_client import NO_BUCKET, is_bucket_missing, open_store
from .url import Url

# Bytes of a part. A file of more is uploaded in parts, so many of which are under way at once.
PART = 8 << 20
_IN_FLIGHT = 4
# S3 takes no more of them.
_MOST_PARTS = 10_000

_STATUS = re.compile(r"status code: (\d{3})")


class ObstoreObject:
    """One object of a store, whether it is there or not.

    Python's signals do not reach a call of obstore, so each is made on another thread.
    """

    def __init__(self, url: Url) -> None:
        self._set(*open_store(url, writing=True), url.name)

    def _set(self, store: Any, key: str, name: str) -> None:
        self._store = store
        self._key = key
        self.name = name
        self.is_put = False
        """Whether `put` has put the new object there, which it may have done when interrupted."""
        self.is_hidden = False
        """Whether `hide` has moved the old object, or has begun to."""
        if not posixpath.basename(key):
            raise IsADirectoryError(errno.EISDIR, "names no object", name)

    def sibling(self, name: str) -> ObstoreObject:
        """The object of this name beside it."""
        other = ObstoreObject.__new__(ObstoreObject)
        key = posixpath.join(posixpath.dirname(self._key), name)
        other._set(self._store, key, posixpath.join(posixpath.dirname(self.name), name))
        return other

    def tag(self) -> str | None:
        """What tells the object from its replacement; None if there is none or it is not told."""
        import obstore

        try:
            tag: str | None = self._call(obstore.head, self._key)["e_tag"]
            return tag
        except (FileNotFoundError, PermissionError):
            return None

    def put(self, file: IO[bytes], before_end: Callable[[], object] = bool) -> None:
        """Replace the object by all bytes of a file, at one moment; on an error the old one stays.

        A long file goes in parts, which the store puts together at the end, or drops after an
        error. before_end is called before that moment: on this thread or another one.
        """
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        if size <= PART:
            before_end()
            data = file.read()
            put = partial(self._put, data, use_multipart=False)
            self._call(put)
            return
        part = max(PART, -(-size // _MOST_PARTS))
        parts = _Parts(file, part, before_end)
        put = partial(self._put, iter(parts), chunk_size=part, max_concurrency=_IN_FLIGHT)
        self._call(put, when_interrupted=parts.stop)

    def _put(self, data: Any, store: Any, **options: Any) -> None:
        import obstore

        obstore.put(store, self._key, data, **options)
        self.is_put = True

    def hide(self) -> None:
        """Move the object to a hidden name beside it; nothing if there is none."""
        import obstore

        try:
            self._call(obstore.copy, self._key, self._aside)
        except FileNotFoundError:
            return
        self.is_hidden = True
        self._call(obstore.delete, self._key)

    def put_back(self) -> None:
        """Move what `hide` has moved back to its place."""
        import obstore

        if self.is_hidden:
            self._call(obstore.rename, self._aside, self._key)

    def forget(self) -> None:
        """Remove what `hide` has moved, or one whose writer was killed."""
        import obstore

        with ignoring_refusals():  # the next writer will do it
            self._call(obstore.delete, self._aside)

    @property
    def _aside(self) -> str:
        return hidden(self._key, "old")

    def fetch(self, file: IO[bytes]) -> None:
        """Write the object to a file."""
        self._call(partial(self._fetch, file))

    def _fetch(self, file: IO[bytes], store: Any) -> None:
        import obstore

        for piece in obstore.get(store, self._key):
            file.write(piece)

    def beside(self) -> list[str]:
        """The names of the objects beside it, and its own; none if the store does not tell them."""
        import obstore

        folder = posixpath.dirname(self._key)
        try:
            found = self._call(obstore.list_with_delimiter, folder or None)
        except (FileNotFoundError, PermissionError):
            return []
        return sorted(posixpath.basename(one["path"]) for one in found["objects"])

    def _call(
        self,
        function: Callable[..., Any],
        *arguments: Any,
        when_interrupted: Callable[[], None] = lambda: None,
    ) -> Any:
        """Call a function of obstore with the store and arguments on another thread."""
        from obstore import exceptions

        try:
            return apart(partial(function, self._store, *arguments), when_interrupted)
        except FileNotFoundError as error:
            what = NO_BUCKET if is_bucket_missing(error) else "there is no such object"
            raise FileNotFoundError(errno.ENOENT, what, self.name) from None
        except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError):
            what = (
                "the store refuses it: credentials are missing or wrong, or may not do this;"
                " storage_options has them, or the environment"
            )
            raise PermissionError(errno.EACCES, what, self.name) from None
        except exceptions.BaseError as error:
            raise OSError(errno.EIO, _what(str(error)), self.name) from None


def _what(text: str) -> str:
    """What went wrong, without the rest of what obstore says: there the URL stands with secrets."""
    status = _STATUS.search(text)
    if status is not None:
        hint = ""
        if status[1] in ("301", "307", "400"):
            hint = (
                ", as it does where the region or endpoint is another one, or a token has expired"
            )
        return f"the store answers with status {status[1]}{hint}"
    return "the store can't be reached, or does not answer in time"


class _Stopped(Exception):
    """The upload is to end without an object."""


class _Parts:
    """The bytes of a file, for obstore, which asks for them on its own thread.

    obstore drops the upload where the iterator raises, before it returns.
    """

    def __init__(self, file: IO[bytes], size: int, before_end: Callable[[], object]) -> None:
        self._file = file
        self._size = size
        self._before_end = before_end
        self._is_stopped = False

    def __iter__(self) -> Iterator[bytes]:
        while piece := self._file.read(self._size):
            self._check()
            yield piece
        # Once more on another thread: obstore can't be called from inside of a call.
        apart(self._before_end, self.stop)
        self._check()

    def stop(self) -> None:
        """Raise where obstore asks for more."""
        self._is_stopped = True

    def _check(self) -> None:
        if self._is_stopped:
            raise _Stopped
