"""An HTTP server of byte ranges on loopback: it counts, is as slow as it is told to be, and errs.

Tests run it in a thread (`RangeServer`), benchmarks in a process of its own, which serves a folder
and tells its counts at /-/counts, where they begin anew:
`python tests/support/range_server.py FOLDER --latency 0.03 --bandwidth 40e6`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import mmap
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

STEP = 1 << 16
"""Bytes that are sent at once; the server sleeps between such pieces to be slow."""


@dataclass
class Resource:
    """What lies at a path, and what its server does wrong."""

    data: Any = b""
    """Bytes, or anything that memoryview() takes."""
    etag: str | None = '"1"'
    """None for none."""
    headers: dict[str, str] = field(default_factory=dict)
    """Further ones, as Content-Encoding and Content-Type."""
    times: int = 1 << 30
    """So many requests meet the faults from here to `is_silent`; later ones go well."""
    status: int = 0
    """Answer with this status."""
    location: str = ""
    """Where a redirect leads."""
    ignores_range: bool = False
    """Send all of it, with 200."""
    closes_at: int | None = None
    """Close the connection after so many bytes of a body."""
    cut_by: int = 0
    """Send so many bytes fewer than asked for, in a body that is whole."""
    is_silent: bool = False
    """Send the head of an answer, and no body ever."""
    ignores_if_match: bool = False
    refuses_head: bool = False
    changes_after: int = 1 << 30
    """So many requests see `data` and `etag`; those behind them see the two that follow."""
    later: Any = b""
    later_etag: str | None = '"2"'
    count: int = 0
    """The requests so far."""


@dataclass
class Counts:
    """What was asked of a server."""

    requests: int = 0
    bytes: int = 0
    """Of the bodies that it sent."""
    most_in_flight: int = 0
    log: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Method, path with query, and Range of each request."""


class RangeServer:
    """Serves `resources` by path while it is entered; latency in seconds, bandwidths in bytes/s."""

    def __init__(
        self,
        resources: dict[str, Any] | None = None,
        *,
        latency: float = 0,
        bandwidth: float = 0,
        bandwidth_in_all: float = 0,
        find: Callable[[str], Resource | None] | None = None,
    ) -> None:
        """find: gives what lies at a path that `resources` lacks."""
        self.resources: dict[str, Resource] = {}
        self.latency = latency
        self.bandwidth = bandwidth
        self.bandwidth_in_all = bandwidth_in_all
        self.counts = Counts()
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        self._find = find
        self._in_flight = 0
        self._free_at = 0.0
        for path, data in (resources or {}).items():
            self.add(path, data)
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def add(self, path: str, data: Any = b"", **faults: Any) -> str:
        """Serve bytes, or a Resource, at a path that begins with a slash; return the URL."""
        self.resources[path] = data if isinstance(data, Resource) else Resource(data, **faults)
        return self.url + path if hasattr(self, "url") else path

    def __enter__(self) -> RangeServer:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._server.close_connections()

    def serve_forever(self) -> None:
        """Serve in this thread, until it is interrupted."""
        self._server.serve_forever()

    def reset(self) -> Counts:
        """Return the counts so far, and begin new ones."""
        with self.lock:
            counts, self.counts = self.counts, Counts()
            return counts

    def begin(self, path: str, request: tuple[str, str, str | None]) -> Resource | None:
        """Count a request, and find what it is for."""
        with self.lock:
            self._in_flight += 1
            self.counts.requests += 1
            self.counts.most_in_flight = max(self.counts.most_in_flight, self._in_flight)
            self.counts.log.append(request)
            return self.resources.get(path) or (self._find(path) if self._find else None)

    def end(self) -> None:
        """A request was answered."""
        with self.lock:
            self._in_flight -= 1

    def wait_to_send(self, size: int, sent: int, since: float) -> None:
        """Wait as long as this many more bytes take on a connection that sent some already."""
        due = since + (sent + size) / self.bandwidth if self.bandwidth else 0.0
        with self.lock:
            self.counts.bytes += size
            if self.bandwidth_in_all:
                self._free_at = max(self._free_at, time.perf_counter())
                self._free_at += size / self.bandwidth_in_all
                due = max(due, self._free_at)
        if due:
            time.sleep(max(0.0, due - time.perf_counter()))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    owner: RangeServer

    def __init__(self, *arguments: Any) -> None:
        self._connections: set[socket.socket] = set()
        super().__init__(*arguments)

    def process_request(self, request: Any, address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """End what clients keep open, so that no thread waits for their next request."""
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, address: Any) -> None:
        """Be silent: a client may go at any time."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *arguments: Any) -> None:
        """Be silent."""

    def do_GET(self) -> None:
        owner = self.server.owner
        if self.path == "/-/counts":
            counts = vars(owner.reset())
            return self._send(200, json.dumps(counts).encode(), {})
        path = unquote(urlsplit(self.path).path)
        resource = owner.begin(path, (self.command, self.path, self.headers["Range"]))
        try:
            time.sleep(owner.latency)
            self._answer(resource)
        finally:
            owner.end()
        return None

    do_HEAD = do_GET

    def _answer(self, resource: Resource | None) -> None:
        if resource is None:
            return self._send(404, b"no such file\n", {"Content-Type": "text/plain"})
        with self.server.owner.lock:
            is_first = resource.count < resource.changes_after
            resource.count += 1
            faults = resource if resource.count <= resource.times else Resource()
        etag = resource.etag if is_first else resource.later_etag
        data = memoryview(resource.data if is_first else resource.later).cast("B")
        headers = {**({} if etag is None else {"ETag": etag}), **resource.headers}
        wanted = self.headers["If-Match"]
        if faults.status:
            if faults.location:
                headers["Location"] = faults.location
            return self._send(faults.status, b"refused\n", headers)
        if resource.refuses_head and self.command == "HEAD":
            return self._send(405, b"", headers)
        if wanted not in (None, etag, "*") and not resource.ignores_if_match:
            return self._send(412, b"", headers)
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers["Range"] or "")
        if asked is None or faults.ignores_range:
            return self._send(200, data, headers, faults)
        first, last = asked.groups()
        start = int(first) if first else max(0, len(data) - int(last))
        stop = min(len(data), int(last) + 1) if first and last else len(data)
        if start >= stop:
            return self._send(416, b"", {**headers, "Content-Range": f"bytes */{len(data)}"})
        headers.setdefault("Content-Range", f"bytes {start}-{stop - 1}/{len(data)}")
        return self._send(206, data[start : stop - faults.cut_by], headers, faults)

    def _send(
        self, status: int, body: Any, headers: dict[str, str], faults: Resource | None = None
    ) -> None:
        owner = self.server.owner
        self.send_response(status)
        for name, value in {"Accept-Ranges": "bytes", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if faults is not None and faults.is_silent:
            owner.stopped.wait(60)
        if faults is not None and faults.closes_at is not None and faults.closes_at < len(body):
            body = body[: faults.closes_at]
            self.close_connection = True
        since = time.perf_counter()
        for start in range(0, len(body), STEP):
            piece = body[start : start + STEP]
            owner.wait_to_send(len(piece), start, since)
            self.wfile.write(piece)


def folder(root: Path) -> Callable[[str], Resource | None]:
    """A function that finds the files of a folder, mapped once."""
    known: dict[str, Resource] = {}

    def find(path: str) -> Resource | None:
        file = root / path.lstrip("/")
        if path not in known and file.is_file():
            with open(file, "rb") as opened:
                known[path] = Resource(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))
        return known.get(path)

    return find


def main() -> None:
    """Serve a folder; the first line of the output is the URL."""
    parser = argparse.ArgumentParser(
        description="Serve a folder by byte ranges, slowly, on loopback"
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--latency", type=float, default=0, help="seconds a request")
    parser.add_argument("--bandwidth", type=float, default=0, help="bytes/s a connection")
    parser.add_argument("--bandwidth-in-all", type=float, default=0, help="bytes/s")
    options = vars(parser.parse_args())
    server = RangeServer(find=folder(options.pop("folder")), **options)
    print(server.url, flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()


if __name__ == "__main__":
    main()
