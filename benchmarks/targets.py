"""What idxio promises, in one table. A verdict compares medians of one run."""

from __future__ import annotations

from dataclasses import dataclass

from .harness import MIN_ROUNDS, Measured


@dataclass(frozen=True)
class Target:
    """ours <= limit x peer, or, without a peer, ours <= limit in the unit of the group."""

    group: str
    ours: str
    limit: float
    peer: str | None = None
    is_least: bool = False  # ours >= limit

    @property
    def sign(self) -> str:
        return ">=" if self.is_least else "<="

    def is_met(self, value: float) -> bool:
        return value >= self.limit if self.is_least else value <= self.limit


@dataclass(frozen=True)
class Verdict:
    target: Target
    value: float | None  # the ratio, or the median where there is no peer
    unit: str
    verdict: str  # "met", "MISSED" or why it can't be told


TARGETS = (
    Target("read-gz", "idxio.read", 0.84, "deflate.gzip_decompress"),
    Target("read-gz", "idxio.read", 1.03, "C floor: read + call"),
    Target("roads-bgzip", "in lanes", 0.70, "IDXIO_LANES=off"),
    Target("roads-class", "in lanes", 0.68, "IDXIO_LANES=off"),
    Target("roads-ids", "in lanes", 0.68, "IDXIO_LANES=off"),
    Target("roads-epoch", "in lanes", 0.68, "IDXIO_LANES=off"),
    Target("read-zst", "idxio.read", 1.10, "zstd.decompress + frombuffer"),
    Target("memory", "idxio.read", 1.00, "array + compressed file + 8 MB"),
    Target("read-raw", "idxio.read", 1.05, "numpy.fromfile"),
    Target("open", "idxio.open, f[0]", 1.00, "numpy.load(mmap_mode='r')[0], copied"),
    Target("read-int32", "idxio.read", 1.15, "numpy.fromfile (not swapped)"),
    Target("read-float32", "idxio.read", 1.15, "numpy.fromfile (not swapped)"),
    Target("take-images", "numpy.from_dlpack", 1.30, "numpy.asarray"),
    Target("take-images", "torch.as_tensor", 1.30, "numpy.asarray"),
    Target("take-images", "pyarrow.array", 1.30, "numpy.asarray"),
    Target("take-images", "polars.Series", 1.30, "numpy.asarray"),
    Target("take-labels", "numpy.from_dlpack", 1.30, "numpy.asarray"),
    Target("take-labels", "torch.as_tensor", 1.30, "numpy.asarray"),
    Target("take-labels", "pyarrow.array", 1.30, "numpy.asarray"),
    Target("take-labels", "polars.Series", 1.30, "numpy.asarray"),
    Target("write-raw", "idxio.write", 1.10, "ndarray.tofile + fsync"),
    Target("import", "import idxio", 15.0),
    Target("fetch", "idxio.fetch", 1000.0),
    Target("read-gz", "idxio.read", 0.72, "C floor: libdeflate call"),
    Target("read-gz", "idxio.read", 0.25, "gzip + frombuffer"),
    Target("read-gz", "idxio.read", 0.38, "rapidgzip, 2 threads"),
    Target("read-spans", "idxio.read, stock with index", 0.62, "C floor: libdeflate call"),
    Target("read-spans", "idxio.read, own file", 0.62, "C floor: libdeflate call"),
    Target("stream", "idxio iter_records", 0.92, "isal igzip.open"),
    Target("size", "idxio level 6", 26_421_856),
    Target("size", "idxio level 12", 25_950_000),
    Target("write-gz", "idxio.write, level 6", 0.30, "gzip.compress, level 6"),
    Target("write-gz", "idxio.write, level 9", 0.15, "gzip.open, level 9"),
    Target("record-own", "idxio.open, f[i]", 0.5),
    Target("record-own", "idxio.open, f[i]", 0.06, "rapidgzip with its index"),
    Target("loop-own", "idxio.open, f[i]", 0.5, "rapidgzip with its index"),
    Target("record-stock", "idxio.open, f[i]", 1.5),
    Target("record-stock", "idxio.open, f[i]", 0.17, "rapidgzip with its index"),
    Target("record-pickled", "pickle.loads, f[i]", 5.0),
    Target("pickle-size", "idxio", 1 << 20),
    Target("ids-stock", "idxio.open, f[ids]", 0.6, "rapidgzip with its index, sorted"),
    Target("index-size", "idxio", 4.0),
    Target("build", "idxio.build", 0.5, "Pillow loop + gzip.compress, level 6"),
    Target("build", "idxio.build", 0.5, "Pillow loop + gzip.open"),
    Target("build-memory", "idxio.build", 200),
    Target("pipeline", "idxio.build(pipeline='fashion')", 0.2, "mogrify, once"),
    Target("pipeline-difference", "whole", 2.0),
    Target("cached", "idxio.open(cache=True), f[0]", 1.0),
    Target("write-sorted", "idxio.write_sorted", 0.35, "argsort + take + gzip.compress"),
    Target("sort-memory", "idxio.write_sorted", 67.1),  # 64 MiB
    Target("label-files", "idxio, train", 115),
    Target("label-files", "idxio, t10k", 69),
    Target("of-class", "Dataset(file).of_class", 0.15, "idxio.read, whole"),
    Target("of-class", "load(directory).of_class", 0.15, "idxio.read, whole"),
    Target("epoch-uint8", "idxio, made ahead", 0.95, "numpy permutation + take(out=)"),
    Target("epoch-uint8", "idxio, 1 thread", 0.95, "numpy permutation + take(out=)"),
    Target("epoch-float32", "idxio, 1 thread", 0.42, "numpy"),
    Target("epoch-float32", "idxio, 1 thread", 0.06, "torch DataLoader(TensorDataset)"),
    Target("epoch-float32", "idxio, 1 thread", 1.4, "C floor"),
    Target("epoch-float32", "idxio, 2 threads", 0.28, "numpy"),
    Target("epoch-float32", "idxio, torch tensors", 1.1, "idxio, 1 thread"),
    Target("epoch-augmented", "idxio, 1 thread", 2.2, "idxio, plain, 1 thread"),
    Target("epoch-augmented", "idxio, 2 threads", 2.2, "idxio, plain, 2 threads"),
    Target("epoch-augmented", "idxio, 1 thread", 1.3, "C, fused loop"),
    # numpy works on batches that two threads make.
    Target("epoch-augmented", "idxio, 2 threads", 0.2, "numpy on top"),
    Target("epoch-augmented", "idxio, 1 thread", 0.05, "FFCV, 1 worker"),
    Target("waiting", "idxio", 3.0),
    Target("windows-memory", "idxio, own .gz", 64.3),  # 1.2 x 32 MiB + 24 MB
    Target("windows-memory", "idxio, stock .gz", 64.3),
    Target("windows-ranks", "idxio", 14.4),  # 1.15 / 8
    Target("resume", "idxio", 5.0),
    Target("check", "idxio.check", 2.2, "idxio.read, all four"),
    Target("stats", "Dataset.stats", 1.2, "idxio.read"),
    Target("csv-write", "idxio.export_dataset", 0.20, "read + numpy.savetxt"),
    Target("csv-read", "idxio.import_dataset", 0.80, "numpy.loadtxt + write"),
    Target("remote-requests", "open: idxio.open", 2),
    Target("remote-bytes", "open: idxio.open", 0.070),
    Target("remote-open", "idxio.open", 80),
    Target("remote-requests", "record: idxio.open, f[i]", 5),
    Target("remote-bytes", "record: idxio.open, f[i]", 0.150),
    Target("remote-record", "idxio.open, f[i]", 180),
    Target("remote-requests", "ids: idxio.open, f[ids]", 45),
    Target("remote-bytes", "ids: idxio.open, f[ids]", 8),
    Target("remote-ids", "idxio.open, f[ids]", 320),
    Target("remote-requests", "class: of_class", 6),
    Target("remote-bytes", "class: of_class", 1.05, "class: a file of it alone"),
    Target("remote-class", "of_class", 250),
    Target("remote-bytes", "whole: idxio.read, own", 1.01, "whole: the own file"),
    Target("remote-bytes", "whole: idxio.read, stock", 1.01, "whole: the stock file"),
    Target("remote-in-flight", "whole: idxio.read, own", 8, is_least=True),
    Target("remote-in-flight", "whole: idxio.read, stock", 8, is_least=True),
    Target("remote-whole", "idxio.read, own", 400),
    Target("remote-whole", "idxio.read, stock", 400),
    Target("remote-whole", "idxio.read, own", 0.45, "zarr, chunks of 256"),
    Target("remote-whole", "idxio.read, stock", 0.45, "zarr, chunks of 256"),
    Target("remote-whole", "idxio.read, own", 0.15, "rapidgzip, fsspec's file, stock"),
    Target("remote-whole", "idxio.read, stock", 0.15, "rapidgzip, fsspec's file, stock"),
    Target("remote-stream", "iter_records, own", 1.3, "idxio.read, own"),
    Target("remote-stream", "iter_records, stock", 1.3, "idxio.read, own"),
    Target("remote-memory", "753 MB of records", 1.3, "376 MB of records"),
)


def judge(measured: list[Measured]) -> list[Verdict]:
    """A verdict on each target whose group was measured."""
    by_name = {m.group.name: m for m in measured}
    return [_judge(t, by_name[t.group]) for t in TARGETS if t.group in by_name]


def _judge(target: Target, measured: Measured) -> Verdict:
    unit = "x" if target.peer else measured.group.unit
    ours = measured.row(target.ours)
    peer = measured.row(target.peer) if target.peer else None
    if ours is None or (target.peer and peer is None):
        return Verdict(
            target, None, unit, f"not judged: {target.peer if ours else target.ours} is missing"
        )
    value = ours.median / peer.median if peer else ours.median
    if measured.rounds < (measured.group.most or MIN_ROUNDS):
        return Verdict(target, value, unit, f"not judged: {measured.rounds} rounds are too few")
    return Verdict(target, value, unit, "met" if target.is_met(value) else "MISSED")
