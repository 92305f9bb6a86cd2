"""build(): a folder of pictures to the four files of a dataset."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np

from .._util.public import public
from .._util.threads import check_threads
from .._util.types import Array
from ..core.info import Info
from ..datasets.metadata import DESCRIPTION, about_of, checked_about, write_description
from ..datasets.sources import SOURCES
from ..datasets.split_names import KNOWN
from ..errors import naming
from ..storage.atomic_folder import AtomicFolder
from .build_files import replace_files, write_files, write_sources_of
from .build_options import BuildOptions, as_before, check_size, check_splits, conversion_of
from .formats.png import require_pillow
from .images.discovery import Bounds, PictureList, by_folder, check_links
from .images.existing import Existing, read_existing
from .images.listing import by_csv
from .images.notes import changed_notes, notes_of, side_notes
from .images.reader import PictureReader, Progress
from .images.records import ConversionSpec
from .images.sides import Sides, check_counts, decided, given
from .images.value_range import find_range
from .pipeline import Pipeline


class Built(NamedTuple):
    """The result of `build`."""

    directory: str
    """The folder of the files."""
    class_names: list[str]
    """The name of label 0, 1, …"""
    files: list[Info]
    """Images and labels to train with, then those of the other splits: as a rule four files."""
    skipped: list[tuple[str, str]]
    """The paths of the bad pictures, and what is wrong with each."""
    unlisted: int
    """How many pictures lie in the folder that the CSV file of labels does not have."""
    notes: list[str]
    """Other losses and doubts, a line each."""


@public
def build(
    images: str | os.PathLike[str],
    directory: str | os.PathLike[str],
    *,
    pipeline: Pipeline = "none",
    size: int = 28,
    colour: Literal["grey", "rgb"] | None = None,
    range: Literal["auto"] | tuple[int, int] | None = None,
    labels: str | os.PathLike[str] | None = None,
    add: bool = False,
    allow_outside: bool = False,
    test_per_class: int | None = None,
    val_per_class: int | None = None,
    seed: int = 0,
    sort: bool = False,
    skip_bad: bool = False,
    about: Mapping[str, str] | None = None,
    level: int = 6,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Built:
    """Make a dataset in MNIST's format of a folder of pictures: four files that every MNIST loader
    reads.

    Pictures that are already split, in folders as train/cat and test/cat or by the CSV file, keep
    their splits. Of others, those test whose SHA-256 is below a seventh of all that there may be:
    so a picture stays on its side whatever is added. Equal pictures go to one side.

    All of it appears in `directory` at once, or nothing does. The same pictures and options give
    the same bytes. Memory stays constant; the unpacked records lie in a temporary file beside
    `directory` meanwhile.

    Parameters
    ----------
    images : path
        A folder with a subfolder for each class, or with one for each split (train, test, val and
        their like, in any case) and those of the classes in them. Names that are numbers come
        first, by value, then the others; those that have a good picture are label 0, 1, … Blanks
        around a name do not count.
    directory : path
        Where to put the dataset: a new folder or an empty one; with `add` the dataset.
    pipeline : {"none", "fashion", "fit"}
        What is done to each picture. ``"none"`` takes pictures of one size as they are,
        ``"fashion"`` converts as Fashion-MNIST did (grey, light on black), ``"fit"`` scales into a
        square on black.
    size : int
        The edge of the pictures that ``"fashion"`` and ``"fit"`` make; ``"none"`` takes none.
    colour : {"grey", "rgb"}, optional
        What ``"none"`` and ``"fit"`` make; what the first picture is, if not given. RGB files are
        idx4.
    range : "auto" or (int, int), optional
        Which values of grey pictures of 16 bits become black and white: those given, or the
        smallest and the largest of all pictures, which are read twice then. If not given, 0 and
        65,535, of which pictures of 12 bits use a sixteenth.
    labels : path, optional
        A CSV file of lines ``path,label`` or ``path,label,split``, with paths below `images`, that
        says the classes instead of the folders. A first line whose path is no file is a heading.
    add : bool
        Add pictures to the dataset in `directory`, which `build` made. Its records keep their
        splits and their classes their labels; a picture that it has already is left out, wherever
        it lies now. The pipeline, size, seed and numbers for each class are those of the dataset;
        the latter may be given anew, and then a class is filled up. All files are replaced at once.
    allow_outside : bool
        Take pictures outside `images` too, to which paths of the CSV file or links lead. Else they
        are bad.
    test_per_class, val_per_class : int, optional
        How many pictures of each class are to test with, those of the smallest SHA-256, and how
        many of the others to validate with. If not given, about a seventh tests, of each class one
        or more, and none validate. Pictures that are already split take no such numbers.
    seed : int
        The order in which the pictures come follows from it.
    sort : bool
        Order the files by label, and by name within a class, as the paper has them. Else they are
        shuffled.
    skip_bad : bool
        Leave out bad pictures and tell of them in the result and in ``dataset.json``. Else they
        stop the run.
    about : mapping, optional
        Texts under "licence" (an identifier as "CC-BY-4.0" is best), "source", "citation" and
        "description", for ``dataset.json``; what is made of the dataset has them too.
    level, threads
        As in `idxio.write`. As many helper processes decode pictures, if that pays.
    progress : callable, optional
        Called with the pictures read so far plus those written, and twice their number.

    Returns
    -------
    Built
        A named tuple. The same and more is in ``dataset.json`` beside the files.

    Raises
    ------
    PictureError
        Some pictures are bad; its attribute `bad` lists the first hundred or more.
    FormatError
        There are no pictures in class folders, or the CSV file has a picture twice or can't be
        understood.
    ValueError
        A wrong option, or one that differs from that of the dataset to add to; a class with too
        few pictures.
    ImportError
        Pillow is missing.
    ChangedError
        The dataset to add to was changed meanwhile, as by another `build`; it is as that left it.
    OSError
        The folder can't be read, or `directory` can't be written or is not empty.

    Examples
    --------
    >>> import idxio, os, tempfile
    >>> from PIL import Image
    >>> folder = tempfile.TemporaryDirectory()
    >>> for i in range(14):
    ...     os.makedirs(f"{folder.name}/pictures/class {i % 2}", exist_ok=True)
    ...     Image.new("L", (28, 28), i).save(f"{folder.name}/pictures/class {i % 2}/{i}.png")
    >>> pictures, dataset = f"{folder.name}/pictures", f"{folder.name}/dataset"
    >>> built = idxio.build(pictures, dataset, test_per_class=1)
    >>> built.class_names, [file.shape for file in built.files]
    (['class 0', 'class 1'], [(12, 28, 28), (12,), (2, 28, 28), (2,)])
    >>> folder.cleanup()
    """
    for name, count in (("test_per_class", test_per_class), ("val_per_class", val_per_class)):
        if count is not None and count < 0:
            raise ValueError(f"{name} is 0 or more, not {count}")
    if not 0 <= seed < 1 << 32:
        raise ValueError(f"seed is 0 to 2^32 - 1, not {seed}")
    texts = checked_about(about)
    threads = check_threads(threads)
    require_pillow()
    images = os.fspath(images)
    directory = os.fsdecode(directory)
    options = BuildOptions(pipeline, size, colour, range, test_per_class, val_per_class, seed, sort)
    spec = conversion_of(options)
    if not stat.S_ISDIR(os.stat(images).st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "is no folder of pictures", images)
    existing = None
    if add:
        existing = read_existing(directory)
        texts = {**about_of(existing.description), **texts}
        options = as_before(options, existing)
        spec = conversion_of(options)
    else:
        check_size(options)
    bounds = Bounds(images, allow_outside=allow_outside)
    pictures = (
        by_folder(images, bounds) if labels is None else by_csv(os.fspath(labels), images, bounds)
    )
    check_links(pictures, images)
    check_splits(pictures, options, existing)
    if options.range == "auto":
        spec = spec._replace(range=find_range(images, pictures.paths, threads))

    with (
        _temporary_folder(directory, existing) as folder,
        naming(directory),
        open(os.path.join(folder.path, "spool"), "w+b") as spool,
    ):
        os.unlink(spool.name)
        reader = PictureReader(images, pictures, spec, skip_bad, progress, existing)
        reader.write_records(spool, threads)
        class_names = reader.class_names
        sides = _sides(pictures, reader, options, existing)
        rows = {
            split: _in_order(part, reader.labels, sort=options.sort, seed=options.seed)
            for split, part in sides.parts.items()
        }
        files = write_files(
            folder.path, spool, reader.labels, rows, len(class_names), level, threads, progress
        )
        counts = {
            split: np.bincount(reader.labels[part], minlength=len(class_names)).tolist()
            for split, part in rows.items()
        }
        description = _description(texts, counts, files, spec, options, pictures, reader)
        write_description(folder.path, description)
        write_sources_of(folder.path, images, reader, rows)
        spool.close()
        if existing is None:
            folder.commit()
        else:
            replace_files(directory, folder.path, [*files, DESCRIPTION, SOURCES], existing)
    notes = notes_of(pictures, class_names, counts, reader.deep, spec.range)
    notes += side_notes(sides, reader.files, reader.labels, reader.digests, class_names)
    if existing is not None:
        notes += changed_notes(existing.files, reader.files[len(existing.files) :])
        notes.append(
            f"{len(reader.kept):,} added to the {len(existing.labels):,} pictures of the dataset,"
            f" which had {reader.already:,} of them already"
        )
    in_place = [file._replace(file=os.path.join(directory, name)) for name, file in files.items()]
    return Built(directory, class_names, in_place, reader.bad, pictures.unlisted, notes)


def _sides(
    pictures: PictureList, reader: PictureReader, options: BuildOptions, existing: Existing | None
) -> Sides:
    """The side of each record: the one that it has, or the one that its bytes decide."""
    if pictures.splits is not None:
        names = np.array(pictures.splits)[reader.kept]
        if existing is not None:
            names = np.concatenate([np.array(existing.splits)[existing.split_of], names])
        return given(names)
    check_counts(reader.labels, reader.class_names, options.test_per_class, options.val_per_class)
    old = np.full(len(reader.labels), -1)
    if existing is not None:
        places = np.array([KNOWN.index(split) for split in existing.splits])
        old[: len(existing.labels)] = places[existing.split_of]
    return decided(
        reader.sha256,
        reader.digests,
        reader.labels,
        reader.class_names,
        options.test_per_class,
        options.val_per_class,
        old,
    )


def _in_order(rows: Array, labels: Array, *, sort: bool, seed: int) -> Array:
    """Sort ascending rows by label, or shuffle them."""
    if sort:
        return rows[np.argsort(labels[rows], kind="stable")]
    shuffled: Array = np.random.RandomState(seed).permutation(rows)
    return shuffled


def _description(
    texts: dict[str, str],
    counts: dict[str, list[int]],
    files: dict[str, Info],
    spec: ConversionSpec,
    options: BuildOptions,
    pictures: PictureList,
    reader: PictureReader,
) -> dict[str, Any]:
    """The content of dataset.json: what the caller says of it, what was made, and how."""
    return {
        **texts,
        "class_names": reader.class_names,
        "counts": counts,
        "files": {
            name: {"shape": file.shape, "dtype": file.dtype.name, "crc32": f"{file.crc32:08x}"}
            for name, file in files.items()
        },
        "pipeline": spec.pipeline,
        "size": spec.size if spec.pipeline != "none" else None,
        "range": spec.range,
        "split_by": "pictures" if pictures.splits is not None else "sha256",
        "test_per_class": options.test_per_class,
        "val_per_class": options.val_per_class,
        "seed": options.seed,
        "sorted": options.sort,
        "skipped": [{"file": path, "reason": reason} for path, reason in reader.bad],
    }


def _temporary_folder(directory: str, existing: Existing | None) -> AtomicFolder:
    """Where the files are written: beside a new dataset, or in an existing one."""
    if existing is None:
        if os.path.lexists(os.path.join(directory, SOURCES)):
            text = "is not empty, but a dataset; name a new folder, or add to it: add=True (--add)"
            raise FileExistsError(errno.ENOTEMPTY, text, directory)
        return AtomicFolder(directory)
    return AtomicFolder(os.path.join(directory, ".added"))  # never committed
