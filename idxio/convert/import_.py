"""import_dataset(): what other programs write to a dataset in IDX files."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

import numpy as np

from .._util.progress import counter
from .._util.public import public
from .._util.threads import check_threads
from .._util.types import Array
from ..core.coerce import simple_labels
from ..core.header import CODES
from ..core.info import is_idx
from ..core.write import Writer, write
from ..datasets.classes import described
from ..datasets.metadata import (
    DESCRIPTION,
    about_of,
    merged_about,
    read_description,
    write_description,
)
from ..datasets.split_names import common_name, split_named
from ..errors import FormatError, naming
from ..storage.atomic_folder import AtomicFolder
from ..storage.regular import open_regular
from .formats import csv_table, layout, npz, numpy_names, parquet, png, png_folder
from .formats.common import Blocks, agreed_names, check_no_source
from .formats.image_shape import Form, shaped
from .formats.names import Wanted
from .formats.text_classes import numbered

# The word for each type in the names of files: MNIST's ubyte, QMNIST's int, the others as MNIST's
# description has them.
_WORDS = {
    "uint8": "ubyte", "int8": "byte", "int16": "short", "int32": "int",
    "float32": "float", "float64": "double",
}  # fmt: skip
# What the options choose.
_SAYS = {
    "images": "which column or array holds the images",
    "labels": "which column or array holds the labels",
    "config": "which one of several datasets in a folder",
}
Progress = Callable[[int], None]


class _Content(NamedTuple):
    """The splits and class names of a source."""

    splits: dict[str, Blocks]
    names: dict[int, str] | None
    """The names of the classes, by label."""
    records: dict[str, int]
    """The expected records of each split, where the source states them."""
    about: Mapping[str, str] = MappingProxyType({})
    """Licence, source, citation and description."""


class _Options(NamedTuple):
    form: Form
    wanted: Wanted
    config: str | None
    threads: int


@public
def import_dataset(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    shape: tuple[int, ...] | list[int] | None = None,
    layout: Literal["chw", "hwc"] | None = None,
    images: int | str | None = None,
    labels: int | str | bool | None = None,
    config: str | None = None,
    level: int = 6,
    threads: int | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> None:
    """Make IDX files of what `export_dataset` or another program wrote.

    All files appear in the target's place at once, or nothing does. Memory stays constant, but for
    the labels (and for .npy arrays in Fortran order, whose records are scattered).

    Parameters
    ----------
    source : path
        Its content says what it is:

        - a folder with a folder for each split, which holds PNG files as `export_dataset` wrote
          them;
        - a folder of `.csv` or `.parquet` files, or one such file;
        - an .npz file with x_train, y_train, x_test and y_test, or the arrays of any other splits
          and names in use (train_images, data and target), or a folder of .npy or .npz files with
          such names;
        - a .npy file of any type that IDX has, which becomes one IDX file.

        What stands where the name of a split does says which one it is: train or training; test,
        testing or t10k; val, validation, valid or dev, which become val; any other keeps its name.
        A table alone without such a word is to train with. docs/converting.md tells more.
    target : path
        A new folder or an empty one: `train-images-idx3-ubyte.gz` and so on are written there, and
        a `dataset.json` if the source names its classes, or has one that tells its licence. For a
        .npy file the IDX file, gzip if its name ends in .gz.
    shape : tuple of int, optional
        The shape of an image as it lies in the source, where a row of pixels does not tell it: of a
        CSV file whose heading says nothing and whose images are no grey squares, of flat arrays.
        Images of another shape are an error.
    layout : {"chw", "hwc"}, optional
        Where the channels of the source are: first, as torch has them, or last. They are written
        last, and one channel as grey. Rows of 3 * n * n pixels are then squares of red, green and
        blue.
    images : int or str, optional
        The column or array that holds the images, by name or number (-1 is the last). Of arrays,
        `"x"` means x_train, test_x and so on. If not given, it has a name in use: image, img, x,
        data, …
    labels : int, str or False, optional
        The same for the labels, which are called label, y, target, … False: there are none, and the
        images alone are written. Without a heading, the first or the last column of a CSV file is
        it, if the numbers in it, and not in the other one, bear that out.
    config : str, optional
        Which one of several configurations or datasets, by what stands before the splits in the
        names of files and folders of tables.
    level, threads
        As in `idxio.write`. As many helper processes decode PNG files, if that pays; threads those
        in Parquet.
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
    Labels stay as they are if IDX has their type. Others, as those of CSV, PNG and Parquet, become
    uint8 if all are below 256, else int32. Texts are numbered in the order of the alphabet, over
    all splits, and become the names of the classes, by the rules of `build`; names that may be
    mistakes are told by a UserWarning. Where the source names its classes, texts are these names.

    Examples
    --------
    >>> import idxio, numpy as np, os, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> images = np.zeros((2, 28, 28), np.uint8)
    >>> np.savez(f"{folder.name}/a.npz", x_test=images, y_test=np.array([300, 7]))
    >>> idxio.import_dataset(f"{folder.name}/a.npz", f"{folder.name}/a")
    >>> sorted(os.listdir(f"{folder.name}/a"))
    ['t10k-images-idx3-ubyte.gz', 't10k-labels-idx1-int.gz']
    >>> folder.cleanup()
    """
    source = os.fspath(source)
    target = os.fspath(target)
    if isinstance(images, bool) or not isinstance(images, (int, str, type(None))):
        raise ValueError(f"images is the number or the name of a column or array, not {images!r}")
    if labels is True or not isinstance(labels, (int, str, bool, type(None))):
        raise ValueError(
            "labels is the number or the name of a column or array, or False for none, not"
            f" {labels!r}"
        )
    if layout not in (None, "chw", "hwc"):
        raise ValueError(f"layout is 'chw' or 'hwc', not {layout!r}")
    form = Form(tuple(shape) if shape is not None else None, layout)
    options = _Options(form, Wanted(images, labels), config, check_threads(threads))
    step = counter(progress, None)
    if not os.path.isdir(source) and _starts_with(source, b"\x93NUMPY"):
        _refuse(source, "this is one array", options, "images", "labels", "config")
        check_no_source(target, [source])
        _import_npy(source, target, options, level, step)
        return
    content = _content(source, options)
    with contextlib.ExitStack() as stack:
        for blocks in content.splits.values():
            stack.callback(blocks.close)  # ends helper processes, whatever happens
        # What the beginning of each split tells is found before anything is written.
        begun = {split: (next(blocks), blocks) for split, blocks in content.splits.items()}
        folder = stack.enter_context(AtomicFolder(target))
        found: dict[str, Array] = {}
        for split, (first, rest) in begun.items():
            count, split_labels = _write_images(
                folder.path, split, first, rest, source, options, level, step
            )
            if count != content.records.get(split, count):
                raise FormatError(
                    f"holds {count:,} records of the {common_name(split)} split, expected"
                    f" {content.records[split]:,}",
                    file=source,
                )
            if split_labels is not None:
                found[split] = split_labels
        found, names = numbered(found, content.names, source)
        for split, split_labels in found.items():
            _write_labels(folder.path, split, split_labels, source, options, level)
        if names or content.about:
            told = {"class_names": names} if names else {}
            write_description(folder.path, {**content.about, **told})
        folder.commit()


def _import_npy(source: str, target: str, options: _Options, level: int, step: Progress) -> None:
    with npz.open_npy(source) as (shape, dtype, blocks):
        if not shape:
            shaped(np.empty((1,)), options.form, source)
            write(target, next(blocks), level=level)
            return
        record = shaped(np.empty((0, *shape[1:]), dtype), options.form, source).shape[1:]
        with Writer(target, dtype, record, level=level, threads=options.threads) as writer:
            for block in blocks:
                writer.append(shaped(block, options.form, source))
                step(len(block))


def _refuse(source: str, why: str, options: _Options, *names: str) -> None:
    """Raise ValueError if the caller gave an option that would be ignored."""
    given = {**options.wanted._asdict(), "config": options.config}
    for name in names:
        if given[name] is not None:
            raise ValueError(f"{source}: {name} says {_SAYS[name]}; {why}")


def _content(source: str, options: _Options) -> _Content:
    """Open the source: blocks of each split, class names and stated records."""
    if os.path.isdir(source):
        stated = layout.stated_records(source)
        inside = layout.look(source, stated)
        if inside.kind == layout.PNG:
            _refuse(source, "its folders say it", options, "images", "labels", "config")
            return _pictures(source, inside.names, stated, options.threads)
        if inside.kind == "NumPy":
            arrays = numpy_names.folder_source(source, inside.names, options.wanted, options.config)
            path = os.path.join(source, DESCRIPTION)
            named = [(source, arrays.class_names), (path, described(source))]
            about = about_of(read_description(source))
            splits = {split: common_name(split) for split in arrays.splits}
            layout.check_stated(source, "arrays", splits, stated)
            records = {split_named(name) or name: count for name, count in stated.items()}
            return _Content(arrays.splits, agreed_names(named), records, about)
        if inside.kind:
            return _tables(source, inside.names, inside.kind, options, is_whole=True)
        names = sorted(name for name in os.listdir(source) if not name.startswith("."))
        some = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
        if any(is_idx(os.path.join(source, name)) for name in names):
            raise FormatError(
                f"has {some}, IDX files already: idxio.load reads them as they are, and idxio"
                " export writes them in another format",
                file=source,
            )
        raise FormatError(
            f"has {some or 'nothing'}; expected .csv or .parquet files, or the folders train and"
            " test with PNG files as idxio export writes them. idxio build takes pictures of"
            " your own",
            file=source,
        )
    if _starts_with(source, b"\0\0"):
        raise csv_table.is_idx(source)
    if _starts_with(source, b"PK"):
        _refuse(source, "this is one file", options, "config")
        return _Content(*numpy_names.archive_source(source, options.wanted), {})
    folder, name = os.path.split(source)
    kind = "Parquet" if _starts_with(source, b"PAR1") else "CSV"
    return _tables(folder, [name], kind, options, is_whole=False)


def _is_about_all(folder: str) -> bool:
    """Whether a description names no files, so that it is about any beside it."""
    return read_description(folder).keys().isdisjoint(("records", "files"))


def _tables(
    folder: str, names: list[str], kind: str, options: _Options, *, is_whole: bool
) -> _Content:
    """Open CSV files, one for each split, or Parquet shards: all of a folder, or one."""
    if kind == "Parquet":
        png.require_pillow()
        parquet.need_pyarrow()
    homes = {name: layout.described_folder(folder, name) for name in names}
    stated = {home: layout.stated_records(home) for home in homes.values()}
    files = layout.tables_of(
        folder,
        names,
        options.config,
        {name: stated[home] for name, home in homes.items()},
        is_whole=is_whole,
    )
    home_of = {os.path.join(folder, name): home for name, home in homes.items()}
    described_names, records, about = _descriptions(files, home_of, stated, is_whole=is_whole)
    if kind == "Parquet":
        paths = [path for shards in files.values() for path in shards]
        return _Content(
            {
                split: parquet.parquet_blocks(
                    shards, split, options.wanted, options.form, options.threads
                )
                for split, shards in files.items()
            },
            parquet.parquet_names(paths, options.wanted, options.form) or described_names,
            records,
            about,
        )
    splits: dict[str, Blocks] = {}
    for split, (path,) in files.items():
        splits |= csv_table.csv_splits(
            path, split, options.wanted, options.form, is_alone=len(files) == 1
        )
    return _Content(splits, described_names, records, about)


def _descriptions(
    files: dict[str, list[str]],
    home_of: dict[str, str],
    stated: dict[str, dict[str, int]],
    *,
    is_whole: bool,
) -> tuple[dict[int, str] | None, dict[str, int], dict[str, str]]:
    """Return the class names, the records of each split, and licence, source and so on, that the
    descriptions of tables state.

    home_of has the folder of the description for each file, stated the records in each of these.
    """
    splits_in: dict[str, list[str]] = {}
    for split, paths in files.items():
        splits_in.setdefault(home_of[paths[0]], []).append(split)  # shards lie in one folder
    named = []
    told = []
    records: dict[str, int] = {}
    for home, splits in splits_in.items():
        if is_whole:
            names = {split: os.path.relpath(files[split][0], home) for split in splits}
            layout.check_stated(home, "file", names, stated[home])
        counts = {split_named(name): count for name, count in stated[home].items()}
        here = {split: counts[split] for split in splits if split in counts}
        records |= here
        if here or is_whole or _is_about_all(home):  # else it is about other files
            named.append((os.path.join(home, DESCRIPTION), described(home)))
            told.append(about_of(read_description(home)))
    return agreed_names(named), records, merged_about(told)


def _pictures(source: str, folders: list[str], stated: dict[str, int], threads: int) -> _Content:
    png.require_pillow()
    splits = {
        split: png_folder.png_blocks(os.path.join(source, name), stated.get(name), threads)
        for split, name in layout.folders_of(source, folders, stated).items()
    }
    return _Content(splits, described(source), {}, about_of(read_description(source)))


def _write_images(
    folder: str,
    split: str,
    first: tuple[Array, Array | None],
    rest: Blocks,
    source: str,
    options: _Options,
    level: int,
    step: Progress,
) -> tuple[int, Array | None]:
    """Write the images of a split; return the number of records, and the labels, if it has some."""
    images = shaped(first[0], options.form, source)
    if images.ndim < 2:
        raise FormatError(
            f"has one number for each image of the {common_name(split)} split, expected pixels: a"
            " shape (n, …)",
            file=source,
        )
    name = f"{split}-images-idx{images.ndim}-{_WORDS[images.dtype.name]}.gz"
    path = os.path.join(folder, name)
    parts = []
    count = 0
    with Writer(
        path, images.dtype, images.shape[1:], level=level, threads=options.threads
    ) as writer:
        for block, labels in itertools.chain([first], rest):
            writer.append(shaped(block, options.form, source))
            count += len(block)
            if labels is not None:
                parts.append(labels)
            step(len(block))
    if parts and sum(map(len, parts)) != count:
        raise FormatError(
            f"has labels in some files of the {common_name(split)} split and none in others",
            file=source,
        )
    return count, np.concatenate(parts) if parts else None


def _write_labels(
    folder: str, split: str, labels: Array, source: str, options: _Options, level: int
) -> None:
    labels = _as_labels(simple_labels(labels, source), split, source)
    name = f"{split}-labels-idx{labels.ndim}-{_WORDS[labels.dtype.name]}.gz"
    write(os.path.join(folder, name), labels, level=level, threads=options.threads)


def _as_labels(labels: Array, split: str, source: str) -> Array:
    """Convert labels to uint8 or int32 unless IDX has their type."""
    if labels.dtype.newbyteorder(">") in CODES:
        return labels
    limits = np.iinfo(np.int32)
    bad = np.argwhere((labels < 0) | (labels > limits.max))
    if len(bad):
        raise FormatError(
            f"has the label {labels[tuple(bad[0])]} at record {bad[0][0]:,} of the"
            f" {common_name(split)} split, expected 0 to {limits.max:,}",
            file=source,
        )
    dtype = np.uint8 if labels.max(initial=0) < 256 else np.int32
    return labels.astype(dtype)


def _starts_with(path: str, magic: bytes) -> bool:
    with naming(path), open(path, "rb", opener=open_regular) as file:
        return file.read(len(magic)) == magic
