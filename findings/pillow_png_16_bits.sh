#!/usr/bin/env bash
# Pillow 13.0.0 opens PNG pictures of 16 bits per channel with colour or alpha as 8 bits per channel, without a
# warning.
#
# Each sample becomes its upper byte, so 1000 becomes 3, and grey with alpha becomes RGBA. Grey alone keeps its 16
# bits. The mode says nothing of it ("RGB", "RGBA"); only the last field of `image.tile[0]` does ("RGB;16B"), and only
# before the picture is loaded. Whoever makes a dataset of such pictures loses half of each sample unasked.
#
# Seen on 28 November 2026 with Python 3.11.7:
#   grey of 16 bits: mode I;16, tile I;16B, uint16, first sample 1000 of 1000
#   RGB of 16 bits: mode RGB, tile RGB;16B, uint8, first sample 3 of 1000
#   LA of 16 bits: mode RGBA, tile LA;16B, uint8, first sample 3 of 1000
#   RGBA of 16 bits: mode RGBA, tile RGBA;16B, uint8, first sample 3 of 1000
#   after loading: tile []
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${1:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/pip" -q --disable-pip-version-check install --no-deps pillow==13.0.0 numpy==2.4.6

cat >"$folder/expected" <<'END'
grey of 16 bits: mode I;16, tile I;16B, uint16, first sample 1000 of 1000
RGB of 16 bits: mode RGB, tile RGB;16B, uint8, first sample 3 of 1000
LA of 16 bits: mode RGBA, tile LA;16B, uint8, first sample 3 of 1000
RGBA of 16 bits: mode RGBA, tile RGBA;16B, uint8, first sample 3 of 1000
after loading: tile []
END
"$folder/venv/bin/python" -W error - <<'END' | tee "$folder/seen"
import io
import struct
import zlib

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 4, 2


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(colour_type, samples):
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, colour_type, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


for name, colour_type, channels in (("grey", 0, 1), ("RGB", 2, 3), ("LA", 4, 2), ("RGBA", 6, 4)):
    samples = np.arange(1000, 1000 + HEIGHT * WIDTH * channels).reshape(HEIGHT, WIDTH, channels)
    image = Image.open(io.BytesIO(png(colour_type, samples)))
    raw_mode = image.tile[0][3]
    pixels = np.asarray(image)
    print(
        f"{name} of 16 bits: mode {image.mode}, tile {raw_mode}, {pixels.dtype},"
        f" first sample {pixels.flat[0]} of {samples.flat[0]}"
    )
print(f"after loading: tile {image.tile}")
END
diff "$folder/expected" "$folder/seen"
