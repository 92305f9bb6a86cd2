#!/usr/bin/env bash
# MNIST-data-processor 1.0 gives the last four bytes of an IDX file's header as data, and never the file's last four.
#
# Its generators go to byte 4 x (number of dimensions), where the header is four bytes longer. So every image is moved
# by four pixels, over the edge into the next one, and labels begin with the bytes of their number: each image has the
# label of the image four before. Shapes and counts are right, and nothing is raised.
#
# Seen on 28 November 2026 with Python 3.11.7:
#   labels written: 5 0 4 1 9 2 1 3
#   labels read: 0 0 0 8 5 0 4 1
#   first pixels written: 1 2 3 4 5 6
#   first pixels read: 0 0 0 28 1 2
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${1:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/pip" -q --disable-pip-version-check install --no-deps MNIST-data-processor==1.0 numpy==2.4.6

cat >"$folder/expected" <<'END'
labels written: 5 0 4 1 9 2 1 3
labels read: 0 0 0 8 5 0 4 1
first pixels written: 1 2 3 4 5 6
first pixels read: 0 0 0 28 1 2
END
(cd "$folder" && venv/bin/python -W error -) <<'END' | tee "$folder/seen"
import struct

import numpy as np
from mnistdp import IdxFile

labels = np.array([5, 0, 4, 1, 9, 2, 1, 3], np.uint8)
images = np.resize(np.arange(1, 252, dtype=np.uint8), (8, 28, 28))
for name, array in (("labels", labels), ("images", images)):
    with open(name, "wb") as file:
        file.write(bytes([0, 0, 0x08, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes())

read_labels = next(IdxFile.from_file("labels").generator(batch_size=8))
read_images = next(IdxFile.from_file("images").generator(batch_size=8))
assert read_labels.shape == labels.shape
assert read_images.shape == images.shape
print("labels written:", *labels)
print("labels read:", *read_labels)
print("first pixels written:", *images.flat[:6])
print("first pixels read:", *read_images.flat[:6])
END
diff "$folder/expected" "$folder/seen"
