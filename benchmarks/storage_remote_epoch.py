"""A shuffled epoch in windows over a file of 2 GB at a URL: how long its consumer waits, and for how
many bytes. The server gives 200 MB/s in all, 40 MB/s a connection, after 30 ms.

``python -m benchmarks.storage_remote_epoch``. The file is Fashion-MNIST with noise, many times over.
Making it takes a minute, so it stays in the folder that --folder names.
"""

from __future__ import annotations

import argparse
import gzip
import io
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import platformdirs

import idxio

from .files import DEFAULT_DATA, IMAGES, Array
from .harness import WrongError
from .loader_batches import SIZE, Work, waiting
from .remote_server import RemoteServer
from .targets import Target

NBYTES = 2_000_000_000  # of the compressed file, at the least
NAME = f"noisy-{NBYTES}-idx3-ubyte.gz"
IN_ALL = 200e6  # bytes/s
WAITS = Target("remote-epoch", "waits, % of the epoch", 10)
BYTES = Target("remote-epoch", "bytes, times the file", 1.02)


def make_file(path: Path, images: Array) -> None:
    """Write the images with other noise each time, until the file is large enough."""
    noisy = _noisy(images)
    packed = io.BytesIO()
    idxio.write(packed, next(noisy), compression="gzip")
    path.parent.mkdir(parents=True, exist_ok=True)
    with idxio.Writer(path, "uint8", images.shape[1:]) as writer:
        for _ in range(-(-NBYTES // len(packed.getvalue()))):
            writer.append(next(noisy))


def _noisy(images: Array) -> Iterator[Array]:
    random = np.random.default_rng(0)
    while True:
        yield images ^ random.integers(0, 4, images.shape, np.uint8)


def digest(blocks: Iterable[Array]) -> tuple[int, int]:
    """How many records there are, and a sum over them that is the same in any order."""
    weights = np.random.default_rng(0).integers(1, 1 << 20, 28 * 28).astype(np.float64)
    count = total = 0
    for block in blocks:
        told = (block.reshape(len(block), -1) @ weights).astype(np.uint64)  # exact: below 2**53
        total += int((told * told).sum())  # modulo 2**64
        count += len(block)
    return count, total % (1 << 64)


def by_gzip(path: Path) -> Iterator[Array]:
    """The records by the standard library, for the oracle."""
    with gzip.open(path) as file:
        file.read(16)
        while data := file.read(10_000 * 28 * 28):
            yield np.frombuffer(data, np.uint8).reshape(-1, 28, 28)


def epoch(url: str, seed: int) -> Iterator[tuple[Array, Array]]:
    """The batches of an epoch, opened for it."""
    with idxio.open(url) as images:
        dataset = idxio.Dataset(images, np.zeros(len(images), np.uint8))
        yield from dataset.batches(SIZE, shuffle=True, seed=seed)


def main() -> int:
    """0 when it was measured, also if a target is missed; 1 for a wrong result."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storage_remote_epoch")
    parser.add_argument("--folder", type=Path, help="where the file of 2 GB is kept")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="Fashion-MNIST's folder")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    folder = options.folder or Path(platformdirs.user_cache_dir("idxio-benchmarks"))
    path = folder / NAME
    if not path.exists():
        print(f"make {path}", flush=True)
        make_file(path, idxio.read(options.data / f"{IMAGES}.gz"))
    server = RemoteServer(folder, IN_ALL)
    try:
        url, work, size = server.url(NAME), Work(), path.stat().st_size / 1e6
        if digest(images for images, _ in epoch(url, 0)) != digest(by_gzip(path)):
            raise WrongError("the epoch has other records than gzip reads")
        for seed in range(1, options.rounds + 1):
            server.counts()
            waits = waiting(lambda seed=seed: epoch(url, seed), work)  # type: ignore[misc]
            counts = server.counts()
            print(
                f"{_verdict(WAITS, waits)}; {_verdict(BYTES, counts.megabytes / size)};"
                f" {counts.requests} requests, {counts.most_in_flight} at once,"
                f" {counts.megabytes:.1f} MB",
                flush=True,
            )
    except WrongError as error:
        print(f"WRONG RESULT, nothing is reported: {error}", file=sys.stderr)
        return 1
    finally:
        server.close()
    return 0


def _verdict(target: Target, value: float) -> str:
    verdict = "met" if target.is_met(value) else "MISSED"
    return f"{target.ours} {value:.3g} ({target.sign} {target.limit:g}: {verdict})"


if __name__ == "__main__":
    sys.exit(main())
