"""Ranges by fsspec: whatever it has a file system for."""

from __future__ import annotations

import contextlib
import re
from email.utils import parsedate_to_datetime
from typing import Any

from ..base import UrlError
from .client import Answer, NoRangesError, changed
from .url import Url

# obstore's words for fsspec's.
_WORDS = {
    "access_key_id": "key",
    "secret_access_key": "secret",
    "session_token": "token",
    "skip_signature": "anon",
    "endpoint": "endpoint_url",
}


def open_file_system(url: Url) -> tuple[Any, str]:
    """fsspec's file system of a URL, and the path in it."""
    import difflib  # slow to import, as fsspec is

    import fsspec

    known = fsspec.available_protocols()
    if url.scheme not in known:
        alike = difflib.get_close_matches(url.scheme, known, 1)
        hint = f"did you mean {alike[0]}?" if alike else "known are https, s3, gs, az and others"
        raise UrlError(f"{url.name}: nothing reads URLs of {url.scheme}; {hint}")
    fs, path = fsspec.core.url_to_fs(url.text, **_options(url))
    return fs, path


def _options(url: Url) -> dict[str, Any]:
    """storage_options in fsspec's words; for HTTP and S3 those of obstore are understood too."""
    if not url.is_http and url.scheme not in ("s3", "s3a"):
        return dict(url.options)
    found: dict[str, Any] = {}
    for key, value in url.options.items():
        key = _WORDS.get(key.removeprefix("aws_"), key)
        if key == "user_agent":
            found["headers"] = {**found.get("headers", {}), "User-Agent": value}
        elif key == "headers":
            found["headers"] = {**found.get("headers", {}), **value}
        elif key in ("region", "region_name"):
            found["client_kwargs"] = {**found.get("client_kwargs", {}), "region_name": value}
        elif key == "client_kwargs":
            found["client_kwargs"] = {**found.get("client_kwargs", {}), **value}
        elif key != "allow_http":
            found[key] = value
    return found


_CONTENT_RANGE = re.compile(r"bytes (\d+)-")


class FsspecClient:
    """Fetches ranges of a file of one of fsspec's file systems."""

    def __init__(self, fs: Any, path: str, name: str) -> None:
        self._fs, self._path, self._name = fs, path, name
        self._seen: tuple[int | None, str | None] | None = None
        """Size and mark of the file, as of some thread's last look at it."""

    def get(self, start: int, stop: int, tag: str | None) -> Answer:
        size, mark = self._seen or self._look()
        if size is None:
            raise NoRangesError
        stop = min(stop, size)
        if start >= stop:
            return Answer(memoryview(b""), start, size, mark)
        told: list[int] = []
        data = self._call(self._fs.cat_file, start=start, end=stop, **self._noting_start(told))
        if len(data) == size and stop - start < size:  # the server ignores ranges
            data = data[start:stop]
            told.clear()
        if self._look() != (size, mark):  # it was replaced since the size was asked for
            raise changed(self._name)
        return Answer(memoryview(data), told[0] if told else start, size, mark)

    def _noting_start(self, told: list[int]) -> dict[str, Any]:
        """Options of cat_file that have a web server's answer note where it begins.

        fsspec itself takes any range for the one that it asked for.
        """
        if "http" not in getattr(self._fs, "protocol", ()):
            return {}

        async def note(response: Any) -> None:  # as aiohttp calls it at the head of an answer
            match = _CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
            if match is not None:
                told[:] = [int(match[1])]

        return {"raise_for_status": note}

    def get_all(self) -> Answer:
        data = self._call(self._fs.cat_file)
        return Answer(memoryview(data), 0, len(data), self._seen[1] if self._seen else None)

    def _look(self) -> tuple[int | None, str | None]:
        """Ask for the size and the mark of the file."""
        # Not what a listing said that the file system keeps. Some keep it by the file, some by its
        # folder; several threads that forget it at once are in each other's way.
        for path in (self._path, self._path.rpartition("/")[0]):
            with contextlib.suppress(Exception):
                self._fs.invalidate_cache(path)
        found = self._call(self._fs.info)
        if found.get("type") == "directory":
            raise IsADirectoryError(21, "is a directory", self._name)
        marks = (found.get(key) for key in ("ETag", "etag", "mtime", "LastModified", "created"))
        tag = next((str(mark) for mark in marks if mark is not None), None)
        if tag is None and "Last-Modified" in found:  # as a web server writes it
            with contextlib.suppress(ValueError):
                tag = parsedate_to_datetime(found["Last-Modified"]).isoformat()
        self._seen = found.get("size"), tag
        return self._seen

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
            if getattr(error, "status", None) in (401, 403):
                raise PermissionError(13, "the server refuses this file", self._name) from None
            raise OSError(5, f"can't be fetched: {type(error).__name__}", self._name) from None
