"""The command ``python -m benchmarks.compression_levels``: size and time of compressors, levels and
chunk lengths.

One thread, the first 12 MB of the Fashion-MNIST train images, the best of 5 interleaved rounds (of
one for writing at level 8 and above), as a table in Markdown. "Write" is encoding, and for
libdeflate also the decoding and comparing that every chunk goes through; "read" is decoding chunk
by chunk.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable

import numpy as np

import idxio
from idxio._native import deflate, inflate
from idxio.compression.gzip.chunk_encoder import CHUNK

from .files import DEFAULT_DATA

SIZE = 12_000_000
ROUNDS = 5
Chunks = list[bytes]


def libdeflate(data: bytes, level: int, chunk: int) -> Chunks:
    encoder = deflate.Encoder(level, chunk)
    out = np.empty(encoder.bound(len(data)), np.uint8)
    sizes = np.empty(-(-len(data) // chunk), np.uint32)
    packed = out[: encoder.encode(data, out, sizes)].tobytes()
    stops = np.cumsum(sizes).tolist()
    # The encoder's chunks end behind an empty stored block; an empty last block makes each a
    # stream.
    return [
        packed[stop - size : stop] + b"\x03\x00"
        for stop, size in zip(stops, sizes.tolist(), strict=True)
    ]


def zlib_streams(data: bytes, level: int, chunk: int) -> Chunks:
    def one(piece: bytes) -> bytes:
        deflater = zlib.compressobj(level, zlib.DEFLATED, -15)
        return deflater.compress(piece) + deflater.flush()

    return [one(data[start : start + chunk]) for start in range(0, len(data), chunk)]


def main() -> None:
    payload = idxio.read(f"{DEFAULT_DATA}/train-images-idx3-ubyte.gz").tobytes()[:SIZE]
    whole = len(zlib.compress(payload, 6))
    kinds: list[tuple[str, Callable[[bytes, int, int], Chunks], int, int]] = [
        *(("libdeflate", libdeflate, level, CHUNK) for level in range(10)),
        *(("libdeflate", libdeflate, level, 6 * CHUNK) for level in (10, 11, 12)),
        *(
            ("libdeflate", libdeflate, level, chunk)
            for chunk in (2 * CHUNK, 6 * CHUNK)
            for level in (1, 6, 9)
        ),
        *(("libdeflate", libdeflate, 12, chunk) for chunk in (CHUNK, 2 * CHUNK)),
        *(
            ("zlib", zlib_streams, level, chunk)
            for chunk in (CHUNK, 2 * CHUNK, 6 * CHUNK)
            for level in (1, 6, 9)
        ),
    ]
    writes: list[list[float]] = [[] for _ in kinds]
    reads: list[list[float]] = [[] for _ in kinds]
    packed: list[Chunks] = [[] for _ in kinds]
    decoder, out = inflate.Decoder(), np.empty(6 * CHUNK, np.uint8)
    for number in range(ROUNDS):
        for k, (_, compress, level, chunk) in enumerate(kinds):
            if number == 0 or level < 8:  # the slow ones once
                start = time.perf_counter()
                packed[k] = compress(payload, level, chunk)
                writes[k].append(time.perf_counter() - start)
            start = time.perf_counter()
            produced = [decoder.inflate(data, 0, out, 0)[2] for data in packed[k]]
            reads[k].append(time.perf_counter() - start)
            if sum(produced) != SIZE:
                raise SystemExit("a chunk does not decode to what it was made of")
    print("| compressor | level | chunk | size, % of `gzip -6` | write, ms a MB | read, ms a MB |")
    print("|---|---|---|---|---|---|")
    for k, (name, _, level, chunk) in enumerate(kinds):
        write, read = (min(times[k]) * 1e9 / SIZE for times in (writes, reads))
        size = 100 * sum(map(len, packed[k])) / whole
        print(f"| {name} | {level} | {chunk:,} | {size:.2f} | {write:.2f} | {read:.2f} |")


if __name__ == "__main__":
    main()
