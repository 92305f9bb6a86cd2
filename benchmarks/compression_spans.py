"""gzip by spans: whole, streamed, record by record, written; beside the readers and writers that
can do the same.
"""

from __future__ import annotations

import gzip
import importlib
import os
import pickle
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import idxio

from .c_baseline import Floor
from .core_read import rapidgzip_open
from .files import Array, Files
from .harness import Contestant, Group, MissingError, WrongError, equal_to

HEADER = 16
RECORD = 28 * 28
BLOCK_RECORDS = 256  # records in a block of a stream
MANY = 1000  # random records


class SpanFiles:
    """The stock file with the indexes of idxio, rapidgzip and indexed_gzip, and the same data as
    others write them.
    """

    def __init__(self, files: Files) -> None:
        self.files = files
        self.folder = files.folder / "spans"
        self.folder.mkdir()
        self.stock = self.folder / files.gz.name
        shutil.copyfile(files.gz, self.stock)
        idxio.build_index(self.stock)
        self.seek = Path(f"{self.stock}.seek")
        self.own = self.folder / "own.gz"
        idxio.write(self.own, files.images)
        self.bgzip = self.folder / "bgzip.gz"
        if shutil.which("bgzip"):
            with self.bgzip.open("wb") as out:
                subprocess.run(["bgzip", "-c", str(files.raw)], stdout=out, check=True)
        random = np.random.default_rng(0)
        self.ids = random.integers(0, len(files.images), MANY)
        self.cold = random.permutation(len(files.images))
        self.turn = 0
        with idxio.open(files.gz) as f:
            f.read()
            self.pickled = pickle.dumps(f)
            """The stock file without an index, once it was read."""

    def next_id(self) -> int:
        """Another random record each time."""
        self.turn += 1
        return int(self.cold[self.turn % len(self.cold)])

    def rapidgzip_index(self, gz: Path) -> str:
        """rapidgzip's own index of a file, made on first use."""
        path = Path(f"{gz}.rapid")
        if not path.exists():
            _make_rapidgzip_index(gz, path)
        return str(path)

    def indexed_gzip_index(self, gz: Path) -> str:
        """indexed_gzip's own index of a file, made on first use."""
        path = Path(f"{gz}.gzidx")
        if not path.exists():
            _make_indexed_gzip_index(gz, path)
        return str(path)


def _make_rapidgzip_index(gz: Path, path: Path) -> None:
    with importlib.import_module("rapidgzip").open(str(gz), parallelization=2) as file:
        file.block_offsets()  # makes the index
        file.export_index(str(path))


def _make_indexed_gzip_index(gz: Path, path: Path) -> None:
    with importlib.import_module("indexed_gzip").IndexedGzipFile(str(gz)) as file:
        file.build_full_index()
        file.export_index(str(path))


def _rapidgzip(spans: SpanFiles, gz: Path) -> Any:
    index = spans.rapidgzip_index(gz)
    file = importlib.import_module("rapidgzip").open(str(gz), parallelization=2)
    file.import_index(index)
    return file


def _indexed_gzip(spans: SpanFiles, gz: Path) -> Any:
    return importlib.import_module("indexed_gzip").IndexedGzipFile(
        str(gz), index_file=spans.indexed_gzip_index(gz)
    )


def _pick(file: Any, ids: Any) -> Array:
    """Records of a seekable file object, one by one."""
    out = np.empty((len(ids), RECORD), np.uint8)
    for k, i in enumerate(ids):
        file.seek(HEADER + RECORD * int(i))
        out[k] = np.frombuffer(file.read(RECORD), np.uint8)
    return out


def _record(open_file: Callable[[], Any], spans: SpanFiles) -> Any:
    with open_file() as file:
        return _pick(file, [spans.next_id()])


def _own_record(path: Path, spans: SpanFiles) -> Any:
    with idxio.open(path) as f:
        return f[spans.next_id()]


def _pickled_record(spans: SpanFiles) -> Any:
    with pickle.loads(spans.pickled) as f:
        return f[spans.next_id()]


def _own_loop(path: Path, spans: SpanFiles) -> Array:
    with idxio.open(path) as f:
        return np.stack([f[int(i)] for i in spans.ids])


def _own_ids(path: Path, spans: SpanFiles) -> Array:
    with idxio.open(path) as f:
        return np.asarray(f[spans.ids])


def _loop(open_file: Callable[[], Any], spans: SpanFiles) -> Array:
    with open_file() as file:
        return _pick(file, spans.ids)


def _sorted_loop(open_file: Callable[[], Any], spans: SpanFiles) -> Array:
    order = np.argsort(spans.ids, kind="stable")
    out = np.empty((len(order), RECORD), np.uint8)
    with open_file() as file:
        out[order] = _pick(file, spans.ids[order])
    return out


def _own_blocks(path: Path) -> Iterator[Array]:
    with idxio.open(path) as f:
        yield from f.iter_records(BLOCK_RECORDS)


def _blocks(open_file: Callable[[], Any]) -> Iterator[Array]:
    with open_file() as file:
        file.read(HEADER)
        while True:
            block = bytearray(BLOCK_RECORDS * RECORD)
            n = file.readinto(block)
            if not n:
                return
            yield np.frombuffer(block, np.uint8, count=n)


def _drain(blocks: Callable[[], Iterator[Array]]) -> int:
    return sum(block.size for block in blocks())


def _igzip(path: Path) -> Any:
    return importlib.import_module("isal.igzip").open(path)


def _rapid_stream(path: Path) -> Any:
    return importlib.import_module("rapidgzip").open(str(path), parallelization=2)


def _write_gzip_compress(path: Path, payload: bytes, level: int) -> None:
    path.write_bytes(gzip.compress(payload, level))


def _write_gzip_open(path: Path, payload: bytes) -> None:
    with gzip.open(path, "wb") as file:
        file.write(payload)


def _write_program(command: list[str], raw: Path, path: Path) -> None:
    if shutil.which(command[0]) is None:
        raise MissingError(f"there is no {command[0]} on this machine")
    with path.open("wb") as out:
        subprocess.run([*command, str(raw)], stdout=out, check=True)


def groups(files: Files, floor: Floor) -> list[Group]:
    spans = SpanFiles(files)
    flat = files.images.reshape(-1)
    rapid, indexed = ("rapidgzip", "rapidgzip"), ("indexed_gzip", "indexed_gzip")

    def some_record(contestant: Contestant) -> None:
        found = np.asarray(contestant.run()).reshape(RECORD)
        if not np.array_equal(
            found, files.images[spans.cold[spans.turn % len(spans.cold)]].reshape(-1)
        ):
            raise WrongError(f"{contestant.name} returned another record")

    picked = equal_to(files.images[spans.ids].reshape(MANY, RECORD))

    def records(contestant: Contestant) -> None:
        picked(
            Contestant(contestant.name, lambda: np.asarray(contestant.run()).reshape(MANY, RECORD))
        )

    def streamed(contestant: Contestant) -> None:
        if contestant.run() != flat.size:
            raise WrongError(f"{contestant.name} returned another number of bytes")

    written: dict[str, Path] = {}

    def writer(name: str, run: Callable[[Path], None]) -> Contestant:
        written[name] = spans.folder / f"written-{len(written)}.gz"
        return Contestant(name, partial(run, written[name]))

    def wrote(contestant: Contestant) -> None:
        contestant.run()
        if gzip.decompress(written[contestant.name].read_bytes()) != files.payload:
            raise WrongError(f"{contestant.name} wrote other data")

    def size_of(level: int) -> float:
        path = spans.folder / f"level-{level}.gz"
        if not path.exists():
            idxio.write(path, files.images, level=level)
        return path.stat().st_size

    def run_once(contestant: Contestant) -> None:
        contestant.run()

    def openers(gz: Path) -> list[tuple[str, Callable[[], Any], str, str]]:
        return [
            ("rapidgzip with its index", partial(_rapidgzip, spans, gz), *rapid),
            ("indexed_gzip with its index", partial(_indexed_gzip, spans, gz), *indexed),
        ]

    indexless, scratch = spans.folder / "indexless.gz", spans.folder / "scratch.index"
    shutil.copyfile(files.gz, indexless)
    os.environ["IDXIO_CACHE_DIR"] = str(spans.folder / "cache")

    def cached() -> Any:
        with idxio.open(files.gz, cache=True) as f:
            return f[0]

    return [
        Group(
            name="read-spans",
            title="read the train images .gz by spans that are known, 2 threads",
            oracle="gzip.decompress + numpy.frombuffer",
            check=equal_to(files.images),
            contestants=[
                Contestant("idxio.read, stock with index", partial(idxio.read, spans.stock)),
                Contestant("idxio.read, own file", partial(idxio.read, spans.own)),
                Contestant("idxio.read, bgzip's", partial(idxio.read, spans.bgzip)),
                Contestant("idxio.read, stock at first sight", partial(idxio.read, files.gz)),
                Contestant("rapidgzip, stock", partial(rapidgzip_open, files.gz), *rapid),
                floor.contestant("C floor: libdeflate call", HEADER, lambda read, call: call),
            ],
            ours="idxio.read, own file",
        ),
        Group(
            name="stream",
            title=f"stream the stock train images in blocks of {BLOCK_RECORDS} records",
            oracle="the number of bytes",
            check=streamed,
            contestants=[
                Contestant("idxio iter_records", lambda: _drain(partial(_own_blocks, files.gz))),
                Contestant(
                    "isal igzip.open",
                    lambda: _drain(partial(_blocks, partial(_igzip, files.gz))),
                    "isal.igzip",
                    "isal",
                ),
                Contestant(
                    "rapidgzip, 2 threads",
                    lambda: _drain(partial(_blocks, partial(_rapid_stream, files.gz))),
                    *rapid,
                ),
                Contestant(
                    "gzip.open", lambda: _drain(partial(_blocks, partial(gzip.open, files.gz)))
                ),
            ],
            ours="idxio iter_records",
        ),
        Group(
            name="write-gz",
            title="write the train images as .gz",
            oracle="gzip.decompress gives the data back",
            check=wrote,
            contestants=[
                writer("idxio.write, level 6", partial(_own_write, images=files.images, level=6)),
                writer("idxio.write, level 9", partial(_own_write, images=files.images, level=9)),
                writer(
                    "gzip.compress, level 6",
                    partial(_write_gzip_compress, payload=files.payload, level=6),
                ),
                writer("gzip.open, level 9", partial(_write_gzip_open, payload=files.payload)),
                writer(
                    "pigz -6", lambda path: _write_program(["pigz", "-6", "-c"], files.raw, path)
                ),
                writer(
                    "bgzip -l 6 -@ 2",
                    lambda path: _write_program(
                        ["bgzip", "-l", "6", "-@", "2", "-c"], files.raw, path
                    ),
                ),
            ],
            ours="idxio.write, level 6",
            most=5,
        ),
        Group(
            name="size",
            title="size of the train images as .gz",
            oracle="the stock file's size is that of Debian's package",
            check=run_once,
            contestants=[
                *(
                    Contestant(
                        f"idxio level {level}",
                        partial(size_of, level),
                        sample=partial(size_of, level),
                    )
                    for level in (1, 3, 6, 9, 12)
                ),
                Contestant("stock", lambda: None, sample=lambda: float(files.gz.stat().st_size)),
            ],
            ours="idxio level 6",
            unit="bytes",
            most=1,
        ),
        Group(
            name="record-own",
            title="one random record of a file that idxio wrote, opened for it",
            oracle="the published images",
            check=some_record,
            contestants=[
                Contestant("idxio.open, f[i]", partial(_own_record, spans.own, spans)),
                *(
                    Contestant(n, partial(_record, o, spans), m, p)
                    for n, o, m, p in openers(spans.own)
                ),
            ],
            ours="idxio.open, f[i]",
            repeat=5,
        ),
        Group(
            name="loop-own",
            title=f"{MANY} random records of a file that idxio wrote, one by one",
            oracle="the published images",
            check=records,
            contestants=[
                Contestant("idxio.open, f[i]", partial(_own_loop, spans.own, spans)),
                *(
                    Contestant(n, partial(_loop, o, spans), m, p)
                    for n, o, m, p in openers(spans.own)[:1]
                ),
            ],
            ours="idxio.open, f[i]",
        ),
        Group(
            name="record-stock",
            title="one random record of the stock file with an index, opened for it",
            oracle="the published images",
            check=some_record,
            contestants=[
                Contestant("idxio.open, f[i]", partial(_own_record, spans.stock, spans)),
                *(
                    Contestant(n, partial(_record, o, spans), m, p)
                    for n, o, m, p in openers(spans.stock)
                ),
            ],
            ours="idxio.open, f[i]",
            repeat=5,
        ),
        Group(
            name="record-pickled",
            title="one random record of the stock file without an index, unpickled for it",
            oracle="the published images",
            check=some_record,
            contestants=[
                Contestant("pickle.loads, f[i]", partial(_pickled_record, spans)),
                Contestant("idxio.open, f[i]", partial(_own_record, spans.files.gz, spans)),
            ],
            ours="pickle.loads, f[i]",
        ),
        Group(
            name="pickle-size",
            title="the pickle of the stock file, once it was read, in bytes",
            oracle="none: it is a size",
            check=run_once,
            contestants=[
                Contestant("idxio", lambda: None, sample=lambda: float(len(spans.pickled)))
            ],
            ours="idxio",
            unit="bytes",
            most=1,
        ),
        Group(
            name="ids-stock",
            title=f"{MANY} random records of the stock file with an index, at once",
            oracle="the published images",
            check=records,
            contestants=[
                Contestant("idxio.open, f[ids]", partial(_own_ids, spans.stock, spans)),
                *(
                    Contestant(f"{n}, sorted", partial(_sorted_loop, o, spans), m, p)
                    for n, o, m, p in openers(spans.stock)
                ),
            ],
            ours="idxio.open, f[ids]",
        ),
        Group(
            name="index",
            title="make the index of the stock file and write it",
            oracle="none: records are picked by it in other groups",
            check=run_once,
            contestants=[
                Contestant("idxio.build_index", partial(idxio.build_index, indexless)),
                Contestant(
                    "rapidgzip, 2 threads",
                    partial(_make_rapidgzip_index, indexless, scratch),
                    *rapid,
                ),
                Contestant(
                    "indexed_gzip", partial(_make_indexed_gzip_index, indexless, scratch), *indexed
                ),
                Contestant(
                    "gzip.decompress, no index", lambda: gzip.decompress(files.gz.read_bytes())
                ),
            ],
            ours="idxio.build_index",
            most=5,
        ),
        Group(
            name="index-size",
            title="size of the index beside the stock file, in percent of it",
            oracle="none: it is a size",
            check=run_once,
            contestants=[
                Contestant("idxio", lambda: None, sample=lambda: _percent(spans.seek, spans.stock)),
                Contestant(
                    "rapidgzip",
                    lambda: None,
                    rapid[0],
                    rapid[1],
                    lambda: _percent(Path(spans.rapidgzip_index(spans.stock)), spans.stock),
                ),
                Contestant(
                    "indexed_gzip",
                    lambda: None,
                    indexed[0],
                    indexed[1],
                    lambda: _percent(Path(spans.indexed_gzip_index(spans.stock)), spans.stock),
                ),
            ],
            ours="idxio",
            unit="%",
            most=1,
        ),
        Group(
            name="cached",
            title="open(cache=True) of the stock file for the second time, and its first record",
            oracle="the published images",
            check=equal_to(files.images[0]),
            contestants=[Contestant("idxio.open(cache=True), f[0]", cached)],
            ours="idxio.open(cache=True), f[0]",
            repeat=20,
        ),
    ]


def _own_write(path: Path, images: Array, level: int) -> None:
    idxio.write(path, images, level=level)


def _percent(part: Path, whole: Path) -> float:
    return 100 * part.stat().st_size / whole.stat().st_size
