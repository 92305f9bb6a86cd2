#!/usr/bin/env bash
# obstore 0.12.1 asks a web server for another path than the one it was given, if that has a query or is escaped.
#
# HTTPStore escapes what it takes for the name of an object: the mark of a query becomes %3F, and what was escaped is
# escaped once more. So a signed URL that is cut into store and path is refused by its server, and a name with a blank
# is not found. The whole URL given to HTTPStore.from_url, with an empty path, is sent as it is.
#
# Seen on 28 November 2026 with Python 3.11.7:
#   x.gz?signature=1 -> /x.gz%3Fsignature=1
#   a%20b.gz -> /a%2520b.gz
#   as a store: x.gz?signature=1 -> /x.gz?signature=1
#   as a store: a%20b.gz -> /a%20b.gz
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${1:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/pip" -q --disable-pip-version-check install obstore==0.12.1

cat >"$folder/expected" <<'END'
x.gz?signature=1 -> /x.gz%3Fsignature=1
a%20b.gz -> /a%2520b.gz
as a store: x.gz?signature=1 -> /x.gz?signature=1
as a store: a%20b.gz -> /a%20b.gz
END
(cd "$folder" && venv/bin/python -W error -) <<'END' | tee "$folder/seen"
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import obstore
from obstore.store import HTTPStore

asked = []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
root = f"http://127.0.0.1:{server.server_address[1]}/"
options = {"allow_http": True}
for name in "x.gz?signature=1", "a%20b.gz":
    assert bytes(obstore.get(HTTPStore.from_url(root, client_options=options), name).bytes()) == b"hello"
    print(name, "->", asked.pop())
for name in "x.gz?signature=1", "a%20b.gz":
    obstore.get(HTTPStore.from_url(root + name, client_options=options), "").bytes()
    print("as a store:", name, "->", asked.pop())
END
diff "$folder/expected" "$folder/seen"
