"""import_dataset(): what other programs write to a dataset in IDX files."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable

import numpy as np

from ..classes import described
from ..description import DESCRIPTION, read_description
from ..errors import FormatError, naming
from ..finding import SPLITS
from ..header import CODES
from ..parallel import check_threads
from ..progress import counter
from ..regular import open_regular
from ..target import NewFolder
from ..writing import Writer, write
from . import arrays, parquet, png, png_folders, table_csv
from .parts import Array, Blocks, describe

# The word for each type in the names of files: MNIST's ubyte, QMNIST's int, the others as MNIST's description has them.
_WORDS = {
    "uint8": "ubyte", "int8": "byte", "int16": "short", "int32": "int", "float32": "float", "float64": "double",
}  # fmt: skip
# The shards of Hugging Face's datasets: train-00000-of-00002.parquet, with a hash behind it in older ones.
_SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})(?:-[0-9a-f]+)?\.parquet", re.IGNORECASE)
_TEST = re.compile(r"(?:^|[^a-z0-9])(test|t10k)(?:[^a-z0-9]|$)")
Progress = Callable[[int], None]


def import_dataset(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    shape: tuple[int, ...] | list[int] | None = None,
    level: int = 6,
    threads: int | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> None:
    """Make IDX files of what `export_dataset` or another program wrote.

    All files appear in the target's place at once, or nothing does. Memory stays constant, but for the labels (and for
    .npy arrays in Fortran order, whose records are scattered).

    Parameters
    ----------
    source : path
        Its content says what it is:

        - a folder with `train` and `test`, which hold PNG files as `export_dataset` wrote them;
        - a folder with `.csv` or `.parquet` files; those with the word "test" or "t10k" in their names are to test
          with, the others to train with; or one such file;
        - an .npz file with x_train, y_train, x_test and y_test, or the arrays of one split;
        - a .npy file of any type that IDX has, which becomes one IDX file.
    target : path
        A new folder or an empty one: `train-images-idx3-ubyte.gz` and so on are written there, and a `dataset.json` if
        the source has names for its classes. For a .npy file the IDX file, gzip if its name ends in .gz.
    shape : tuple of int, optional
        The shape of an image of a CSV file; a square, grey or RGB, if not given.
    level, threads
        As in `idxio.write`. As many helper processes decode PNG files, if that pays; threads those in Parquet.
    progress : callable, optional
        Called with the records so far, and None for their number, which is not known.

    Raises
    ------
    OSError
        No such file; the target can't be written, or is a folder that holds something.
    IdxError
        What is wrong in the source, and in which file and row.
    ImportError
        Pillow or pyarrow is missing.

    Notes
    -----
    Labels stay as they are if IDX has their type. Others, as those of CSV, PNG and Parquet, become uint8 if all are
    below 256, else int32.

    Examples
    --------
    >>> import idxio, numpy as np, os, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> np.savez(f"{folder.name}/a.npz", x_test=np.zeros((2, 28, 28), np.uint8), y_test=np.array([300, 7]))
    >>> idxio.import_dataset(f"{folder.name}/a.npz", f"{folder.name}/a")
    >>> sorted(os.listdir(f"{folder.name}/a"))
    ['t10k-images-idx3-ubyte.gz', 't10k-labels-idx1-int.gz']
    >>> folder.cleanup()
    """
    source, target = os.fspath(source), os.fspath(target)
    threads = check_threads(threads)
    step = counter(progress, None)
    if not os.path.isdir(source) and _starts_with(source, b"\x93NUMPY"):
        _import_npy(source, target, level, threads, step)
        return
    splits, names = _splits(source, tuple(shape) if shape is not None else None, threads)
    with NewFolder(target) as folder:
        for split, blocks in splits.items():
            _write_split(folder.path, split, blocks, source, level, threads, step)
        if names:
            describe(folder.path, {"class_names": names})
        folder.commit()


def _import_npy(source: str, target: str, level: int, threads: int, step: Progress) -> None:
    with arrays.open_npy(source) as (shape, dtype, blocks):
        if not shape:
            write(target, next(blocks), level=level)
            return
        with Writer(target, dtype, shape[1:], level=level, threads=threads) as writer:
            for block in blocks:
                writer.append(block)
                step(len(block))


def _splits(
    source: str, shape: tuple[int, ...] | None, threads: int
) -> tuple[dict[str, Blocks], dict[int, str] | None]:
    """The blocks of each split of the source, and the names of its classes if it has them."""
    if os.path.isdir(source):
        names = sorted(name for name in os.listdir(source) if not name.startswith("."))
        for suffix in (".parquet", ".csv"):
            if files := [os.path.join(source, name) for name in names if name.lower().endswith(suffix)]:
                if suffix == ".parquet":
                    _check_shards(files)
                return _tables(suffix, files, shape, threads)
        # A link named test that leads nowhere is a split, too.
        folders = [name for name in names if os.path.isdir(os.path.join(source, name)) or _split_of(name)]
        if folders and all(_split_of(name) for name in folders):
            return _pictures(source, folders, threads)
        some = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
        raise FormatError(
            f"has {some or 'nothing'}; expected .csv or .parquet files, or the folders train and test with PNG files "
            "as idxio export writes them. idxio build takes pictures of your own",
            file=source,
        )
    for magic, what in ((b"\0\0", "is an IDX file already"), (b"\x1f\x8b", "is packed with gzip; unpack it first")):
        if _starts_with(source, magic):
            raise FormatError(f"{what}; idxio reads IDX files as they are, packed or not", file=source)
    if _starts_with(source, b"PK"):
        return arrays.npz_splits(source), None
    return _tables(".parquet" if _starts_with(source, b"PAR1") else ".csv", [source], shape, threads)


def _tables(
    suffix: str, files: list[str], shape: tuple[int, ...] | None, threads: int
) -> tuple[dict[str, Blocks], dict[int, str] | None]:
    """CSV files, one for each split, or the shards of Parquet."""
    of_split: dict[str, list[str]] = {}
    for file in files:
        of_split.setdefault("t10k" if _TEST.search(os.path.basename(file).lower()) else "train", []).append(file)
    if suffix == ".parquet":
        png.need_pillow()
        parquet.need_pyarrow()
        splits = {split: parquet.parquet_blocks(paths, threads) for split, paths in of_split.items()}
        return splits, parquet.parquet_names(files[0])
    for split, paths in of_split.items():
        if len(paths) > 1:
            names = ", ".join(os.path.basename(path) for path in paths)
            raise FormatError(
                f"has more than one CSV file for the {SPLITS[split]} split: {names}. Name one of them, or put the "
                "word test into the name of the one to test with",
                file=os.path.dirname(files[0]),
            )
    return {split: table_csv.csv_blocks(paths[0], shape) for split, paths in of_split.items()}, None


def _check_shards(files: list[str]) -> None:
    """Raise if one of the files that their names count is missing."""
    there: dict[tuple[str, int], set[int]] = {}
    for file in files:
        if match := _SHARD.fullmatch(os.path.basename(file)):
            there.setdefault((match[1], int(match[3])), set()).add(int(match[2]))
    for (name, count), numbers in there.items():
        if missing := [i for i in range(count) if i not in numbers]:
            raise FormatError(
                f"has no {name}-{missing[0]:05}-of-{count:05}.parquet; {len(numbers)} of {count} such files are there",
                file=os.path.dirname(files[0]),
            )


def _pictures(source: str, folders: list[str], threads: int) -> tuple[dict[str, Blocks], dict[int, str] | None]:
    png.need_pillow()
    names, records = described(source), _stated_records(source)
    splits: dict[str, Blocks] = {}
    for name in folders:
        if (split := _split_of(name)) in splits:
            raise FormatError(f"has both {SPLITS[split]} and {split}, which are one split; leave one", file=source)
        splits[split] = png_folders.png_blocks(os.path.join(source, name), records.get(name), threads)
    if lacking := [name for name in records if _split_of(name) and _split_of(name) not in splits]:
        raise FormatError(f"has no folder {lacking[0]}, of which {DESCRIPTION} tells", file=source)
    return splits, names


def _stated_records(source: str) -> dict[str, int]:
    """How many records each split had when it was exported."""
    records = read_description(source).get("records", {})
    if not isinstance(records, dict) or not all(isinstance(n, int) for n in records.values()):
        path = os.path.join(source, DESCRIPTION)
        raise FormatError(f'has "records" that are no object of numbers: {records!r:.80}', file=path)
    return records


def _split_of(name: str) -> str:
    """ "train" or "t10k" for the name of a folder; "" for any other."""
    return {**{split: split for split in SPLITS}, **{other: split for split, other in SPLITS.items()}}.get(name, "")


def _write_split(
    folder: str, split: str, blocks: Blocks, source: str, level: int, threads: int, step: Progress
) -> None:
    """Write the images and the labels of a split."""
    parts = []
    writer = None
    try:
        with contextlib.closing(blocks):  # ends helper processes, whatever happens
            for images, labels in blocks:
                if writer is None:
                    name = f"{split}-images-idx{images.ndim}-{_WORDS[images.dtype.name]}.gz"
                    path = os.path.join(folder, name)
                    writer = Writer(path, images.dtype, images.shape[1:], level=level, threads=threads)
                writer.append(images)
                parts.append(labels)
                step(len(images))
    except BaseException:
        if writer is not None:
            writer.discard()
        raise
    assert writer is not None
    writer.close()
    labels = _as_labels(np.concatenate(parts), split, source)
    name = f"{split}-labels-idx{labels.ndim}-{_WORDS[labels.dtype.name]}.gz"
    write(os.path.join(folder, name), labels, level=level, threads=threads)


def _as_labels(labels: Array, split: str, source: str) -> Array:
    """The labels as they are if IDX has the type, else as uint8 or int32."""
    if labels.dtype.newbyteorder(">") in CODES:
        return labels
    limits = np.iinfo(np.int32)
    bad = np.argwhere((labels < 0) | (labels > limits.max))
    if len(bad):
        raise FormatError(
            f"has the label {labels[tuple(bad[0])]} at record {bad[0][0]:,} of the {SPLITS[split]} split, "
            f"expected 0 to {limits.max:,}",
            file=source,
        )
    return labels.astype(np.uint8 if labels.max(initial=0) < 256 else np.int32)


def _starts_with(path: str, magic: bytes) -> bool:
    with naming(path), open(path, "rb", opener=open_regular) as file:
        return file.read(len(magic)) == magic
