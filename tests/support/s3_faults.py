"""A server between a client and a store, where requests go wrong as a test says."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import socket
import threading
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit


class Request(NamedTuple):
    """What a client asks for."""

    method: str
    path: str
    """With the query."""
    length: int

    @property
    def writes(self) -> bool:
        return self.method not in ("GET", "HEAD")


class Between:
    """Passes requests on to a store.

    `fault` is asked at each request, with it and those that came before. It returns
    the status to answer with, "cut" to close the connection, "lost" to do what is asked and deny it,
    or None to pass the request on.
    """

    def __init__(self, endpoint: str) -> None:
        self.seen: list[Request] = []
        self.fault: Callable[[Request, list[Request]], int | str | None] = lambda request, before: (
            None
        )
        self._store = urlsplit(endpoint).netloc
        self._lock = threading.Lock()
        between = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments: Any) -> None:
                pass

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except OSError:  # the client has gone
                    self.close_connection = True

            def answer(self) -> None:
                between.answer(self)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        """Answer one request of a connection."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        request = Request(handler.command, handler.path, len(body))
        with self._lock:
            before = list(self.seen)
            self.seen.append(request)
        fault = self.fault(request, before)
        if fault == "cut":
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        if isinstance(fault, int):
            handler.send_response(fault)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        with contextlib.closing(http.client.HTTPConnection(self._store, timeout=60)) as connection:
            connection.request(request.method, request.path, body, dict(handler.headers.items()))
            answer = connection.getresponse()
            data = answer.read()
        length = answer.getheader("Content-Length") if request.method == "HEAD" else None
        handler.send_response(403 if fault == "lost" else answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                handler.send_header(name, value)
        handler.send_header("Content-Length", length or str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def __enter__(self) -> Between:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
