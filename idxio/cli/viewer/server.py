"""A server on this machine alone: the page, and the files that it reads, whole or in ranges."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from ...storage.source import Source, open_source

HOST = "127.0.0.1"
# A page of another site that calls itself this machine by its DNS comes with the name of the site.
_HERE = re.compile(r"(localhost|127\.0\.0\.1)(:\d+)?", re.IGNORECASE)
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
# Bytes that are read and sent at a time.
_BLOCK = 1 << 20


class ViewServer(ThreadingHTTPServer):
    """Serves a page at /, and files by their names. Files at URLs are passed through, so that the
    page needs no CORS and no credentials.
    """

    daemon_threads = True

    def __init__(self, port: int, page: bytes, paths: Mapping[str, str]) -> None:
        """paths: the path or URL of each file by its name; it is opened when it is asked for."""
        self.page = page
        self._paths = paths
        self._sources: dict[str, Source] = {}
        self._lock = threading.Lock()
        super().__init__((HOST, port), _Handler)

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{HOST}:{self.server_address[1]}/"

    def source(self, name: str) -> Source | None:
        """Return the open file with this name; None if the page has no such file."""
        if name not in self._paths:
            return None
        with self._lock:
            if name not in self._sources:
                self._sources[name] = open_source(self._paths[name])
            return self._sources[name]

    def server_close(self) -> None:
        """Close the socket and the files."""
        super().server_close()
        for source in self._sources.values():
            source.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that went away."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ViewServer

    def do_GET(self) -> None:
        """Answer with the page, a file, or a part of one."""
        if not _HERE.fullmatch(self.headers["Host"] or ""):
            self._send_text(403, "this server answers to 127.0.0.1 and localhost alone")
            return
        name = unquote(urlsplit(self.path).path).lstrip("/")
        if name in ("", "index.html"):
            self._begin(200, len(self.server.page), {"Content-Type": "text/html; charset=utf-8"})
            self._write(self.server.page)
            return
        try:
            source = self.server.source(name)
            if source is None:
                self._send_text(404, "no such file")
                return
            source.check()
            size = source.size or 0
            start, stop = self._asked(size)
            if start >= size > 0:
                self._begin(416, 0, {"Content-Range": f"bytes */{size}"})
                return
            # The first block comes before the head, which tells whether all is well.
            block = _read(source, start, stop)
        except (OSError, ValueError, ImportError) as error:
            self._send_text(502, str(error))
            return
        self._send_file(source, start, stop, block)

    do_HEAD = do_GET

    def _asked(self, size: int) -> tuple[int, int]:
        """Return the bytes that the request is for: all of them where it has no range."""
        asked = _RANGE.fullmatch(self.headers["Range"] or "")
        if asked is None:
            return 0, size
        stop = int(asked[2]) + 1 if asked[2] else size
        return int(asked[1]), min(size, stop)

    def _send_file(self, source: Source, start: int, stop: int, block: bytearray) -> None:
        headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes"}
        if self.headers["Range"] and _RANGE.fullmatch(self.headers["Range"]):
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{source.size}"
            self._begin(206, stop - start, headers)
        else:
            self._begin(200, stop - start, headers)
        while self.command != "HEAD" and block:
            self._write(block)
            start += len(block)
            try:
                block = _read(source, start, stop)
            except (OSError, ValueError):
                break
        if self.command != "HEAD" and start < stop:
            self.close_connection = True  # which tells that the answer is not whole

    def _send_text(self, status: int, text: str) -> None:
        body = f"{text}\n".encode()
        self._begin(status, len(body), {"Content-Type": "text/plain; charset=utf-8"})
        self._write(body)

    def _begin(self, status: int, length: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for key, value in {**headers, "Cache-Control": "no-store"}.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def _write(self, body: bytes | bytearray) -> None:
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing of each request."""


def _read(source: Source, start: int, stop: int) -> bytearray:
    """Read the next block before stop."""
    block = bytearray(max(0, min(_BLOCK, stop - start)))
    n = source.read_at(start, memoryview(block))
    return block[:n]
