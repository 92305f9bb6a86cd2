"""One GET of a file by HTTP, from some byte on, by the standard library."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from ..._util.version import __version__

# Seconds for which a server may be silent.
PATIENCE = 15.0
# Bytes per second below which a server counts as silent.
_SLOWEST = 1 << 10
_BLOCK = 1 << 16
# What a server says that may soon do better.
_BUSY = frozenset((408, 425, 429, 500, 502, 503, 504))


class RefusedError(Exception):
    """The server will not give this file, however often it is asked. The text says why."""


class NoRangesError(RefusedError):
    """The server gives files only whole."""


class BrokenOffError(Exception):
    """An answer that did not come, or ended early; the next one may be whole."""


class ReplacedError(Exception):
    """The file is not the one any more of which a part is here."""


class Answer:
    """What a server gives of a file: bytes from `start` on. Use it in a ``with`` block."""

    def __init__(self, response: Any) -> None:
        self._response = response
        headers = response.headers
        self.tag: str | None = headers["ETag"] or headers["Last-Modified"]
        """What tells the file from the one that replaces it."""
        self.is_range = response.status == 206
        self.start = 0
        self.size: int | None = None
        """Bytes of the whole file; None if the server does not know."""
        self.stop: int | None = None
        """Where the bytes of this answer end in the file."""
        if self.is_range:
            self._set_range(headers["Content-Range"] or "")
        else:
            self.size = self.stop = _number(headers["Content-Length"] or "")

    def _set_range(self, text: str) -> None:
        """Read `bytes 0-99/200`."""
        unit, _, rest = text.strip().partition(" ")
        span, _, size = rest.partition("/")
        first, last = map(_number, span.partition("-")[::2])
        if unit != "bytes" or first is None or last is None:
            raise RefusedError(f"answers with a range that can't be understood: {text!r:.60}")
        self.start, self.stop = first, last + 1
        self.size = _number(size)

    def blocks(self) -> Iterator[bytes]:
        """The bytes as they come.

        Raises
        ------
        BrokenOffError
            The connection ended early, or was silent for too long.
        """
        position = self.start
        since = time.monotonic()
        came = 0
        while True:
            with _telling():
                block = self._response.read1(_BLOCK)
            if not block:
                break
            position += len(block)
            yield block
            came += len(block)
            passed = time.monotonic() - since
            if passed > PATIENCE:
                if came < passed * _SLOWEST:
                    raise BrokenOffError(f"sends less than {_SLOWEST:,} bytes in a second")
                since += passed
                came = 0
        if self.stop is not None and position < self.stop:
            raise BrokenOffError(
                f"closed the connection at byte {position:,}, where {self.stop:,} were promised"
            )

    def __enter__(self) -> Answer:
        return self

    def __exit__(self, *error: object) -> None:
        self._response.close()


def _number(text: str) -> int | None:
    """A number of bytes; None for what is none, or more than any file has."""
    return int(text) if text.isdecimal() and len(text) < 20 else None


def get(url: str, start: int = 0, stop: int | None = None, *, tag: str | None = None) -> Answer:
    """Ask for the bytes [start, stop) of a file, or those from start on; negative: its last ones.

    A server that gives no ranges answers with the whole file: `Answer.start` tells.

    Raises
    ------
    RefusedError
        The server refuses, for good.
    BrokenOffError
        It can't be reached now, or is busy.
    ReplacedError
        The file does not have this tag any more, or is shorter than start.
    """
    request = _request(url)
    if start < 0:
        request.add_header("Range", f"bytes={start}")
    elif start or stop is not None:
        request.add_header("Range", f"bytes={start}-{'' if stop is None else stop - 1}")
    if tag is not None and tag.startswith('"'):  # weak ones and dates never match
        request.add_header("If-Match", tag)
    with _telling():
        answer = Answer(_OPENER.open(request, timeout=PATIENCE))
    if tag is not None and answer.tag != tag:
        answer.__exit__()
        raise ReplacedError
    return answer


def check_url(url: str) -> None:
    """Raise ValueError for what is no URL of a web server."""
    try:
        parts = urlsplit(url)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port
    except ValueError:  # whose message may have a password
        is_web = False
    if not is_web:
        raise ValueError(f"a mirror is a URL with http:// or https://, not {shown(url)!r:.80}")


def shown(url: str) -> str:
    """A URL without user, password and query, which may be secret."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "…"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _request(url: str) -> urllib.request.Request:
    """A request with the password that a URL has, which goes to no other server."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    request = urllib.request.Request(urlunsplit((*parts[:1], host, *parts[2:4], "")))
    request.add_header("User-Agent", f"idxio/{__version__}")
    request.add_header("Accept-Encoding", "identity")
    if at:
        words = base64.b64encode(unquote(user).encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {words}")
    return request


def _opener() -> urllib.request.OpenerDirector:
    """urllib's opener for HTTP alone: no redirect leads to a file or to FTP."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.UnknownHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    return opener


_OPENER = _opener()


class _telling:
    """Raise what urllib raises inside as the errors of this file, in one sentence each."""

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, (OSError, http.client.HTTPException, ValueError)):
            raise _in_a_sentence(error) from None


def _in_a_sentence(error: Exception) -> Exception:
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        return _of_status(error)
    is_early = isinstance(error, urllib.error.URLError)  # before the request was sent
    if isinstance(error, urllib.error.URLError):
        if not isinstance(error.reason, Exception):
            return RefusedError(f"can't be reached: {error.reason}")
        error = error.reason
    if isinstance(error, TimeoutError):
        if is_early:
            return RefusedError(f"can't be reached within {PATIENCE:g} s")
        return BrokenOffError(f"gave nothing for {PATIENCE:g} s")
    if isinstance(error, ssl.SSLCertVerificationError):
        return RefusedError(f"has a certificate that is not valid: {error.verify_message}")
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return RefusedError("has a host name that is not known here; is the network up?")
    if isinstance(error, ValueError):  # urllib's, of a URL that it is redirected to
        return RefusedError("redirects to what is no URL")
    if isinstance(error, ConnectionRefusedError):
        return RefusedError("refuses the connection")
    if isinstance(error, ConnectionError):
        return BrokenOffError("closed the connection")
    if isinstance(error, http.client.IncompleteRead):
        return BrokenOffError("closed the connection in the midst of its answer")
    if isinstance(error, http.client.HTTPException):
        return BrokenOffError(f"gives an answer that is no HTTP ({type(error).__name__})")
    return BrokenOffError(f"can't be reached: {getattr(error, 'strerror', None) or error}")


def _of_status(error: urllib.error.HTTPError) -> Exception:
    if error.code in (412, 416):
        return ReplacedError()
    if error.code in (301, 302, 303, 307, 308):
        return RefusedError("redirects in a circle, or to what is no web page")
    text = f"answers with {error.code} {http.client.responses.get(error.code, '')}".rstrip()
    return BrokenOffError(text) if error.code in _BUSY else RefusedError(text)
