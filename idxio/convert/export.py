"""export_dataset(): a dataset in IDX files to what other programs read."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Literal

from .._util.progress import counter
from .._util.public import public
from .._util.threads import check_threads
from ..core.array import open_array
from ..core.info import is_idx
from ..datasets.classes import Names, class_names
from ..datasets.dataset import Dataset
from ..datasets.discovery import datasets_beside, find_split, split_names
from ..datasets.left_out import lost_files, misnamed_file, unread_folders
from ..datasets.metadata import DESCRIPTION, about_of, read_description, write_description
from ..datasets.split_names import common_name, known_split, split_named
from ..datasets.together import check_together, states_of_pair
from ..errors import FormatError
from ..storage.as_read import State
from ..storage.atomic_folder import AtomicFolder
from ..storage.targets import write_file
from .formats import csv_table, npz, parquet, png, png_folder
from .formats.card import CARD, card
from .formats.common import Split, check_no_source, tell

FORMATS = ("npz", "csv", "png", "parquet", "npy")


@public
def export_dataset(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    to: Literal["npz", "csv", "png", "parquet", "npy"] | None = None,
    dataset: str | None = None,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write a dataset, or one IDX file, for programs that don't read IDX; `import_dataset` is the
    way back.

    All of it appears in the target's place at once, or nothing does. Memory stays constant, but for
    the labels.

    Parameters
    ----------
    source : path
        The directory of the IDX files: the images and labels of each split. For "npy" one IDX file.
    target : path
        A new folder or an empty one; for "npz" and "npy" a file, which is replaced.
    to : {"npz", "csv", "png", "parquet", "npy"}, optional
        What the suffix of target says, if not given.

        - "npz": one file of x_train, y_train, x_test and y_test, as Keras has it. Keeps every type
          and shape.
        - "csv": `train.csv` and `test.csv`, the label and then the pixels of a uint8 image on each
          line. The heading tells the shape of images that are no grey squares.
        - "png": `train/3/00017.png` is record 17, of class 3. For grey or RGB uint8 images. Needs
          Pillow.
        - "parquet": `train-00000-of-00001.parquet` and so on, with PNG bytes, as on the Hugging
          Face Hub, and its dataset card, `README.md`. Needs pyarrow and Pillow.
        - "npy": one IDX file, of any type and shape.
    dataset : str, optional
        Which one, where the directory has several: "emnist-letters".
    threads : int, optional
        How many threads may encode pictures.
    progress : callable, optional
        Called with the records so far and their number.

    Raises
    ------
    OSError
        No such file; the target can't be written, or is a folder that holds something.
    IdxError
        Something is wrong with a file, or the format can't hold its type or shape without a loss.
    ValueError, ImportError
        A wrong option; Pillow or pyarrow is missing.

    Examples
    --------
    >>> import idxio, numpy as np, os, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> idxio.write(f"{folder.name}/train-images-idx3-ubyte", np.zeros((3, 2, 2), np.uint8))
    >>> idxio.write(f"{folder.name}/train-labels-idx1-ubyte", np.array([1, 0, 1], np.uint8))
    >>> idxio.export_dataset(folder.name, f"{folder.name}/mnist.npz")
    >>> np.load(f"{folder.name}/mnist.npz")["y_train"]
    array([1, 0, 1], dtype=uint8)
    >>> folder.cleanup()
    """
    if isinstance(source, Dataset):
        raise TypeError(
            "source is the directory of a dataset, not a Dataset in memory: name the directory that"
            " it was loaded from, or write its images and its labels to one with idxio.write first"
        )
    source = os.fspath(source)
    target = os.fspath(target)
    chosen: str = to or os.path.splitext(target)[1][1:].lower()
    if not chosen:
        raise ValueError(
            f"to is one of {', '.join(FORMATS)}; name it, as {target} has no suffix that says it"
        )
    if chosen not in FORMATS:
        raise ValueError(f"to is one of {', '.join(FORMATS)}, not {chosen!r}")
    threads = check_threads(threads)
    if chosen in ("png", "parquet"):
        png.require_pillow()
    if chosen == "parquet":
        parquet.need_pyarrow()
    if chosen == "npy":
        _check_target(target, [source])
        with open_array(source) as file:
            total = len(file) if file.shape else 1
            npz.write_npy(target, file, counter(progress, total))
        return
    with ExitStack() as stack:
        splits = _open(source, dataset, stack)
        names = _names_of(splits)
        step = counter(progress, sum(len(split.images) for split in splits))
        if chosen == "npz":
            _check_target(
                target, [file.name for split in splits for file in (split.images, split.labels)]
            )
            npz.write_npz(target, splits, names, step)
            return
        write = {
            "csv": csv_table.write_csv,
            "png": png_folder.write_pngs,
            "parquet": parquet.write_parquet,
        }[chosen]
        folder = stack.enter_context(AtomicFolder(target))
        for split in splits:
            write(folder.path, split, threads, step)
        about = about_of(read_description(source))
        if chosen == "parquet":
            title = os.path.basename(os.path.abspath(target))
            write_file(os.path.join(folder.path, CARD), card(title, splits, names, about))
        # A CSV file has no place for names of classes, and a name of its own does not say that it
        # is a split's.
        if chosen == "png" or (
            chosen == "csv"
            and (names or about or any(known_split(split.name) is None for split in splits))
        ):
            counts = {split.name: len(split.images) for split in splits}
            write_description(folder.path, {**about, "class_names": names, "records": counts})
        folder.commit()


def _check_target(target: str, sources: Sequence[str]) -> None:
    """Raise if the file to write is one of those that are read, or another IDX file."""
    check_no_source(target, sources)
    if is_idx(target):
        raise ValueError(
            f"{target}: is an IDX file, which would be replaced by one of another format; name"
            " another target"
        )


def _names_of(splits: list[Split]) -> Names | None:
    """Return the class names that all splits share; None if no split has any."""
    named = [split for split in splits if split.class_names]
    for split in named:
        if split.class_names != named[0].class_names:
            raise FormatError(
                f"has classes of other names than {named[0].labels.name}, so that they are no"
                " splits of one dataset",
                file=split.labels.name,
            )
    return named[0].class_names if named else None


def _open(directory: str, dataset: str | None, stack: ExitStack) -> list[Split]:
    """Open the splits of the directory."""
    if not stat.S_ISDIR(os.stat(directory).st_mode):
        raise NotADirectoryError(
            errno.ENOTDIR,
            "is no directory; name that of the dataset's files (one file alone becomes .npy)",
            directory,
        )
    if dataset is None and (others := datasets_beside(directory)):
        raise FormatError(
            f"has more than one dataset, and one is {others[0]}: name it"
            f" (dataset={others[0]!r}, --dataset {others[0]}), or move its files away",
            file=directory,
        )
    if name := misnamed_file(directory):
        raise FormatError(
            f"has {name}, which would be left out: a download in part, or a second one. Rename it"
            " as the others are, or move it away",
            file=directory,
        )
    for text, is_split in unread_folders(directory):
        if is_split:
            raise FormatError(text, file=directory)
        tell(f"{directory}: {text}")
    stated = read_description(directory).get("files")
    if isinstance(stated, dict) and (lost := lost_files(directory, stated)):
        raise FormatError(
            f"has no {lost[0]}, of which {DESCRIPTION} tells; put it back, or remove it from there",
            file=directory,
        )
    splits = []
    found: dict[str, State | None] = {}
    # where there is none, that tells what was looked for
    for split in split_names(directory, dataset) or ["train"]:
        images, labels = find_split(directory, split, dataset)
        if split_named(split) is None:
            raise FormatError(
                f"is of the split {split!r}; other formats take names of a-z, 0-9, _ and -: rename"
                " its files",
                file=images,
            )
        found |= states_of_pair(images, labels)
        x, y = (stack.enter_context(open_array(path)) for path in (images, labels))
        splits.append(Split(common_name(split), x, y, class_names(labels)))
    check_together(found)
    return splits
