#!/usr/bin/env bash
# deflate 0.9.0 gives the first member of a gzip file alone, and nothing at all of one that zeros follow.
#
# Files of several members are what `cat a.gz b.gz`, bgzip and appending writers make, and zeros, which RFC
# 1952 does not speak of, are what block devices and tape leave behind; Python's gzip reads both whole.
# `gzip_decompress` raised an error only where the last member is smaller than the first, so a file that was read
# yesterday may be refused once something short is appended.
#
# Seen on 28 November 2026 with Python 3.11.7:
#   one member of 784: gzip 784 bytes, deflate 784
#   784, then 784: gzip 1568 bytes, deflate 784
#   10, then 784: gzip 794 bytes, deflate 10
#   784, then 10: gzip 794 bytes, deflate DeflateError
#   784, then 512 zeros: gzip 784 bytes, deflate 0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${1:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/pip" -q --disable-pip-version-check install --no-deps deflate==0.9.0

cat >"$folder/expected" <<'END'
one member of 784: gzip 784 bytes, deflate 784
784, then 784: gzip 1568 bytes, deflate 784
10, then 784: gzip 794 bytes, deflate 10
784, then 10: gzip 794 bytes, deflate DeflateError
784, then 512 zeros: gzip 784 bytes, deflate 0
END
"$folder/venv/bin/python" -W error - <<'END' | tee "$folder/seen"
import gzip

import deflate


def read(file):
    try:
        return len(deflate.gzip_decompress(file))
    except deflate.DeflateError:
        return "DeflateError"


long = gzip.compress(bytes(784))
short = gzip.compress(bytes(10))
for name, file in (
    ("one member of 784", long),
    ("784, then 784", long + long),
    ("10, then 784", short + long),
    ("784, then 10", long + short),
    ("784, then 512 zeros", long + bytes(512)),
):
    print(f"{name}: gzip {len(gzip.decompress(file))} bytes, deflate {read(file)}")
END
diff "$folder/expected" "$folder/seen"
