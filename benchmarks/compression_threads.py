"""The command ``python -m benchmarks.compression_threads``: how the work of a read
at first sight grows with the threads.

Counts, not times: how many spans the stock train images are cut into, and how many unpacked bytes
are decoded a second time because they stood behind a guessed window. As a table in Markdown.
"""

from __future__ import annotations

import numpy as np

import idxio
from idxio.compression.gzip.speculative import SMALLEST_PART, read_speculatively
from idxio.storage.source import PathSource

from .files import DEFAULT_DATA


def main() -> None:
    path = f"{DEFAULT_DATA}/train-images-idx3-ubyte.gz"
    with idxio.open(path) as images:
        size = 16 + images.nbytes
    print(
        "| threads | spans | MB decoded | of these, again | share of one thread's work that each"
        " does |"
    )
    print("|---|---|---|---|---|")
    for threads in (2, 3, 4, 6, 8, 12, 16):
        out = np.empty(size, np.uint8)
        result = read_speculatively(PathSource(path), out, threads)
        if result is None or bytes(out[:4]) != b"\0\0\x08\x03":
            raise SystemExit("the guess failed")
        total = size + result.again
        print(
            f"| {threads} | {len(result.spans)} | {total / 1e6:.1f} | {result.again / 1e6:.1f} | "
            f"{total / size / min(threads, (PathSource(path).size or 0) // SMALLEST_PART):.2f} |"
        )


if __name__ == "__main__":
    main()
