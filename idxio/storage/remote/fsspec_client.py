"""Ranges by fsspec: whatever it has a file system for."""

from __future__ import annotations

from typing import Any

from .client import Answer, NoRangesError
from .url import Url


def open_file_system(url: Url) -> tuple[Any, str]:
    """fsspec's file system of a URL, and the path in it."""
    import fsspec

    if url.scheme not in fsspec.available_protocols():
        known = ", ".join(sorted(fsspec.available_protocols()))
        raise ValueError(f"{url.name}: nothing reads URLs of {url.scheme}; known are {known}")
    fs, path = fsspec.core.url_to_fs(url.text, **url.options)
    return fs, path


class FsspecClient:
    """Fetches ranges of a file of one of fsspec's file systems."""

    def __init__(self, fs: Any, path: str, name: str) -> None:
        self._fs, self._path, self._name = fs, path, name
        self._size: int | None = None
        self._tag: str | None = None

    def get(self, start: int, stop: int, tag: str | None) -> Answer:
        if self._size is None:
            self._look()
        size = self._size
        if size is None:
            raise NoRangesError
        stop = min(stop, size)
        if start >= stop:
            return Answer(memoryview(b""), start, size, self._tag)
        data = self._call(self._fs.cat_file, start=start, end=stop)
        if len(data) == size and stop - start < size:  # the server ignores ranges
            data = data[start:stop]
        return Answer(memoryview(data), start, size, self._tag)

    def get_all(self) -> Answer:
        data = self._call(self._fs.cat_file)
        return Answer(memoryview(data), 0, len(data), self._tag)

    def _look(self) -> None:
        """Ask for the size and the mark of the file."""
        found = self._call(self._fs.info)
        if found.get("type") == "directory":
            raise IsADirectoryError(21, "is a directory", self._name)
        self._size = found.get("size")
        marks = (found.get(key) for key in ("ETag", "etag", "mtime", "LastModified", "created"))
        self._tag = next((str(mark) for mark in marks if mark is not None), None)

    def _call(self, function: Any, **options: Any) -> Any:
        try:
            return function(self._path, **options)
        except FileNotFoundError:
            raise FileNotFoundError(2, "no such file at this URL", self._name) from None
        except PermissionError:
            raise PermissionError(13, "the server refuses this file", self._name) from None
        except (ImportError, IsADirectoryError):
            raise
        except Exception as error:  # of any library; its text may have a secret
            raise OSError(5, f"can't be fetched: {type(error).__name__}", self._name) from None
