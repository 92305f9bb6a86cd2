#!/usr/bin/env bash
# mnists 0.4.1 reads IDX integers and floats of more than one byte in the machine's byte order, not in the format's.
#
# IDX stores them big-endian. On a little-endian machine `read_idx_file` gives other numbers, without an error: its
# table of types names the machine's int16, int32, float32 and float64. mnist 0.2.2 reads the same files rightly.
# Bytes, which the IDX files of its own datasets consist of, are right in both; int32, as QMNIST's labels are, is not.
#
# Seen on 28 November 2026 with Python 3.11.7 on x86-64:
#   uint8 [1, 2, 3]: mnists [1, 2, 3], mnist [1, 2, 3]
#   int16 [1, 2, 3]: mnists [256, 512, 768], mnist [1, 2, 3]
#   int32 [1, 2, 3]: mnists [16777216, 33554432, 50331648], mnist [1, 2, 3]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${1:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/pip" -q --disable-pip-version-check install --no-deps mnists==0.4.1 mnist==0.2.2 numpy==2.4.6

cat >"$folder/expected" <<'END'
uint8 [1, 2, 3]: mnists [1, 2, 3], mnist [1, 2, 3]
int16 [1, 2, 3]: mnists [256, 512, 768], mnist [1, 2, 3]
int32 [1, 2, 3]: mnists [16777216, 33554432, 50331648], mnist [1, 2, 3]
END
(cd "$folder" && venv/bin/python -W error -) <<'END' | tee "$folder/seen"
import mnist
import numpy as np
from mnists.utils import read_idx_file

for code, dtype in ((0x08, "u1"), (0x0B, ">i2"), (0x0C, ">i4")):
    array = np.array([1, 2, 3], dtype)
    with open("three", "wb") as file:
        file.write(bytes([0, 0, code, 1, 0, 0, 0, 3]) + array.tobytes())
    with open("three", "rb") as file:
        right = mnist.parse_idx(file)
    print(f"{array.dtype.name} {array.tolist()}: mnists {read_idx_file('three').tolist()}, mnist {right.tolist()}")
END
diff "$folder/expected" "$folder/seen"
