#!/usr/bin/env bash
# obstore 0.12.1 gives another object for a key with a slash at its start or end, and lists no bucket with a key of two.
#
# A store of S3 tells the keys x, /x and x/ apart. obstore takes the slashes away, so whoever asks for /x or x/ gets the
# bytes of x, without an error. A key with two slashes in a row is refused, as it is in a listing: one such object, and
# no name in its bucket can be listed at all.
#
# Seen on 29 November 2026 with Python 3.11.7:
#   x: the object x
#   /x: the object x
#   x/: the object x
#   list: InvalidPathError
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${1:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/pip" -q --disable-pip-version-check install obstore==0.12.1

cat >"$folder/expected" <<'END'
x: the object x
/x: the object x
x/: the object x
list: InvalidPathError
END
(cd "$folder" && venv/bin/python -W error -) <<'END' | tee "$folder/seen"
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import obstore
from obstore.store import S3Store

KEYS = ["x", "/x", "x/", "a//b"]


class Bucket(BaseHTTPRequestHandler):
    """As much of S3 as is asked for: objects that hold their keys, and their list."""

    def do_GET(self):
        path, _, query = self.path.partition("?")
        key = path[len("/bucket/") :]
        if "list-type=2" in query:
            rows = "".join(
                f"<Contents><Key>{key}</Key><Size>1</Size><ETag>1</ETag>"
                "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
                for key in KEYS
            )
            body = f"<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>"
        else:
            body = f"the object {key}"
            assert key in KEYS
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
threading.Thread(target=server.serve_forever, daemon=True).start()
store = S3Store(
    "bucket",
    endpoint=f"http://127.0.0.1:{server.server_address[1]}",
    region="us-east-1",
    skip_signature=True,
    client_options={"allow_http": True},
)
for key in KEYS[:3]:
    print(f"{key}: {bytes(obstore.get(store, key).bytes()).decode()}")
try:
    print("list:", [found["path"] for some in obstore.list(store) for found in some])
except Exception as error:
    print("list:", type(error).__name__)
END
diff "$folder/expected" "$folder/seen"
