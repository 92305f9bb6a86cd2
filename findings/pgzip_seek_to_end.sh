#!/usr/bin/env bash
# A file object of pgzip 0.4.0 or mgzip 0.2.5 gives nothing any more after a seek to its end and back.
#
# `seekable()` is True, and seek(0, 2) with tell() gives the right size. After seek(0), however, read() returns b"",
# without an error, so a sound file looks empty to whoever asks for its size before reading it. Read from front to back,
# both give all bytes. gzip.open and igzip.open of the same file give the size and then the bytes.
#
# Seen on 28 November 2026 with Python 3.11.7 on x86-64:
#   gzip: seekable True, size 1000, then 1000 bytes; front to back 1000
#   isal.igzip: seekable True, size 1000, then 1000 bytes; front to back 1000
#   pgzip: seekable True, size 1000, then 0 bytes; front to back 1000
#   mgzip: seekable True, size 1000, then 0 bytes; front to back 1000
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${1:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/pip" -q --disable-pip-version-check install --no-deps pgzip==0.4.0 mgzip==0.2.5 isal==1.9.1

cat >"$folder/expected" <<'END'
gzip: seekable True, size 1000, then 1000 bytes; front to back 1000
isal.igzip: seekable True, size 1000, then 1000 bytes; front to back 1000
pgzip: seekable True, size 1000, then 0 bytes; front to back 1000
mgzip: seekable True, size 1000, then 0 bytes; front to back 1000
END
(cd "$folder" && venv/bin/python -) <<'END' | tee "$folder/seen"
import gzip
import os

import mgzip
import pgzip
from isal import igzip

with gzip.open("x.gz", "wb") as file:
    file.write(bytes(range(250)) * 4)
for name, open in (("gzip", gzip.open), ("isal.igzip", igzip.open), ("pgzip", pgzip.open), ("mgzip", mgzip.open)):
    with open("x.gz", "rb") as file:
        whole = len(file.read())
    with open("x.gz", "rb") as file:
        can = file.seekable()
        file.seek(0, os.SEEK_END)
        size = file.tell()
        file.seek(0)
        print(f"{name}: seekable {can}, size {size}, then {len(file.read())} bytes; front to back {whole}")
END
diff "$folder/expected" "$folder/seen"
