#!/usr/bin/env bash
# obstore 0.12.1 reads nothing from a web server that sends its answer in chunks, without Content-Length.
#
# That is how web servers send what they make on the spot: listings, login pages, files that they pack on the way. The
# error is that of any other failure (GenericError), so a reader can't tell such a page from a broken connection.
# urllib of the same Python reads it.
#
# Seen on 28 November 2026 with Python 3.11.7:
#   with Content-Length: b'hello'
#   in chunks: GenericError Generic HTTP error: Content-Length Header missing from response
#   urllib, in chunks: b'hello'
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${1:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/pip" -q --disable-pip-version-check install obstore==0.12.1

cat >"$folder/expected" <<'END'
with Content-Length: b'hello'
in chunks: GenericError Generic HTTP error: Content-Length Header missing from response
urllib, in chunks: b'hello'
END
(cd "$folder" && venv/bin/python -W error -) <<'END' | tee "$folder/seen"
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import obstore
from obstore.exceptions import GenericError
from obstore.store import HTTPStore


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        if self.path == "/chunks":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"5\r\nhello\r\n0\r\n\r\n")
        else:
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"hello")

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
root = f"http://127.0.0.1:{server.server_address[1]}/"
store = HTTPStore.from_url(root, client_options={"allow_http": True}, retry_config={"max_retries": 0})
print("with Content-Length:", bytes(obstore.get(store, "length").bytes()))
try:
    print("in chunks:", bytes(obstore.get(store, "chunks").bytes()))
except GenericError as error:
    print("in chunks:", type(error).__name__, str(error).splitlines()[0])
with urllib.request.urlopen(root + "chunks") as answer:
    print("urllib, in chunks:", answer.read())
END
diff "$folder/expected" "$folder/seen"
