"""A folder at a URL: which names are there, and the files of these names, opened or copied."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from ..._util.threads import on_threads
from ...errors import naming
from ..base import UrlError
from . import obstore_client
from .client import CONNECTIONS, NoCredentialsError
from .opening import by_library, open_url
from .source import UrlSource
from .url import Url

# Bytes of a file that are copied at a time.
_BLOCK = 8 << 20
# Bytes that tell a page: less than the first request brings.
_START = 100


class RemoteFolder:
    """The files at the URLs that begin with one URL."""

    def __init__(self, url: str, options: Mapping[str, Any]) -> None:
        self._url = Url(url, options)
        self.name = self._url.name.rstrip("/")
        self._opened: dict[str, UrlSource] = {}
        """What `present` has opened."""
        if self._url.is_http and not urlsplit(url).netloc:
            raise UrlError(f"{self._url.name}: is no URL, as it names no server")

    @property
    def options(self) -> Mapping[str, Any]:
        """What opens it."""
        return self._url.options

    @property
    def place(self) -> str:
        """The name, and a digest of what a query says of which one is meant."""
        return f"{self.name}?{self._url.choice}" if self._url.choice else self.name

    def above(self) -> RemoteFolder | None:
        """The folder that this one is in; None if a host or a bucket is all there is."""
        url = self._url.without_slash().split_name()[0]
        return None if url.name.endswith("/") else RemoteFolder(url.text, url.options)

    def url_of(self, name: str) -> str:
        """The URL of a file, with the query of the folder's."""
        return self._url.inside(name).text

    def open(self, name: str) -> UrlSource:
        """Open a file, or take what `present` has opened.

        What is copied is opened anew: of a pair that is replaced meanwhile, the labels must not be
        older than the images.
        """
        return self._opened.pop(name, None) or self._open_now(name)

    def _open_now(self, name: str) -> UrlSource:
        return open_url(Url(self.url_of(name), self._url.options))

    def present(self, names: Iterable[str]) -> list[str]:
        """Which of some names are there: as the store lists them, or as a web server answers.

        A store that lists nothing for this reader is asked for each name, too. Some servers answer
        with a page, and all is well, where nothing is: pages are only told of if there is nothing
        else, so who asks for what may be missing asks for more than that.
        """
        wanted = list(names)
        if not self._url.is_http:
            try:
                listed = self._listed()
                return [name for name in wanted if name in listed]
            except NoCredentialsError:
                raise
            except PermissionError:
                pass
        found: dict[str, bool] = {}
        pages: dict[str, bool] = {}
        refused: list[PermissionError] = []

        def look(name: str) -> None:
            try:
                source = self._open_now(name)
                (pages if _is_page(source) else found)[name] = True
                self._opened[name] = source
            except FileNotFoundError:
                pass
            except PermissionError as error:  # what a bucket says of a file that is not there
                refused.append(error)

        on_threads(look, wanted, CONNECTIONS)
        if refused and not found:
            raise PermissionError(refused[0].errno, refused[0].strerror, self.name)
        return [name for name in wanted if name in (found or pages)]

    def _listed(self) -> set[str]:
        return by_library(self._url, obstore_client.names_in, _names_in, "read")

    def copy(self, name: str, directory: str) -> str:
        """Copy a file into a folder of this machine; return its path there."""
        path = os.path.join(directory, name)
        source = self._open_now(name)
        try:
            _write(source, path)
        finally:
            source.close()
        return path

    def copy_if_there(self, name: str, directory: str) -> None:
        """Do what copy() does with a file that may be missing; a page in its place is none."""
        try:
            source = self._open_now(name)
        except NoCredentialsError:
            raise
        except (FileNotFoundError, PermissionError):  # the latter is what a bucket may say of it
            return
        try:
            if not _is_page(source):
                _write(source, os.path.join(directory, name))
        finally:
            source.close()


def _is_page(source: UrlSource) -> bool:
    """Whether something begins as a web page does."""
    start = bytearray(_START)
    source.read_at(0, memoryview(start))
    return start.lstrip().startswith(b"<")


def _write(source: UrlSource, path: str) -> None:
    """Write all of a source to a file."""
    with naming(path), open(path, "wb") as file, source.expect_all():
        block = memoryview(bytearray(_BLOCK))
        position = 0
        while n := source.read_at(position, block):
            file.write(block[:n])
            position += n


def _names_in(fs: Any, path: str, name: str) -> set[str]:
    """The names of the files in a folder of a file system of fsspec."""
    fs.invalidate_cache(path)  # another process may have put a file there
    return {os.path.basename(found.rstrip("/")) for found in fs.ls(path, detail=False)}
