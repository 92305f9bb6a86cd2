"""find_pair(): the images and labels of a dataset in a directory, by their names and headers."""

from __future__ import annotations

import errno
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from ..compression.registry import speed_rank
from ..core.info import Info, info
from ..errors import FormatError, IdxError
from ..storage.journal import ensure_complete
from ..storage.regular import FoundPath
from . import names
from .beside import hint
from .copies import check_copies
from .published.table import how_to_fetch
from .split_names import KNOWN, known_split, part_of, synonyms

_MOST_FOLDERS = 1000
_MOST_LISTED = 6

# The name of each split in MNIST's files, and its common name.
SPLITS = {"train": "train", "t10k": "test"}


class NoSplitError(FileNotFoundError):
    """Neither images nor labels of the split exist."""


class HalfPairError(FileNotFoundError):
    """Either images or labels of the split are missing."""


class _File(NamedTuple):
    """A file of a split; its role is "image" or "label"."""

    path: str
    role: str
    about: Info


def find_pair(directory: str | os.PathLike[str], split: str = "train") -> tuple[str, str]:
    """The images and the labels of one split of a dataset.

    Parameters
    ----------
    directory : path
        Where the files lie.
    split : str
        As for `load`.

    Returns
    -------
    tuple of str
        The path of the images and that of the labels. The names are those of `names`, and folders
        those of `home` or called as splits, beside other splits by any name; the files may be raw,
        gzip, zstd, xz or bz2, whatever their suffix says. Where names leave a doubt, the headers
        decide: labels have one axis (QMNIST's two), images more, and their counts agree. Of copies
        of one file the raw one is taken, of labels with one axis and with two those with one.

    Raises
    ------
    FileNotFoundError
        No such directory, or no pair in it: the message says which names were looked for. A link
        that leads nowhere: it is named, and no other pair is taken in its stead.
    OSError, IdxError
        There is more than one such pair, the counts differ, or what should be of the pair is
        damaged, can't be read, or is no regular file.
    """
    if not isinstance(split, str):
        raise TypeError(f"split is a name, as 'train' or 'test', not {split!r:.40}")
    directory, stems_here = look_around(folder_path(directory))
    # An equal name comes first: else "train" beside "emnist-letters-train" could not be named.
    wanted = synonyms(split)
    stems = _matching(stems_here, wanted)
    pairs: dict[str, tuple[str, str]] = {}
    half: HalfPairError | None = None
    for stem in stems:
        try:
            pairs[stem] = _pair(directory, stems_here[stem])
        except HalfPairError as error:
            half = half or error
    if len(pairs) == 1:
        return next(iter(pairs.values()))
    if not pairs and half is not None:
        raise HalfPairError(errno.ENOENT, f"{half.strerror}{hint(directory, _is_named)}", directory)
    looked = " or ".join(
        f"[*-]{word}-images-idx3-ubyte[.gz] with -labels-idx1-ubyte[.gz]" for word in wanted[:2]
    )
    if pairs:
        listed = ", ".join(repr(stem) for stem in pairs)
        if len({part_of(stem)[0] for stem in pairs}) == 1:
            text = f"has {listed}, which are names of one split: rename or remove one"
        else:
            text = f"has more than one dataset with {looked}: name one of {listed} as the split"
        raise IdxError(text, file=directory)
    others = ", ".join(repr(stem) for stem in stems_here)
    has = f"; it has the splits {others}" if others else ""
    remedy = _folders_with(directory, wanted) or hint(directory, _is_named)
    if not os.listdir(directory):
        remedy = how_to_fetch(os.fsdecode(directory))
    text = f"has no {looked}{has}{remedy}"
    raise NoSplitError(errno.ENOENT, text, directory)


def _matching(stems: Iterable[str], wanted: list[str]) -> list[str]:
    """The stems that are one of the wanted words; if none is, those that end in one."""
    stems = list(stems)
    return [stem for stem in stems if stem in wanted] or [
        stem
        for stem in stems
        if any(re.search(rf"[-_.]{re.escape(word)}$", stem) for word in wanted)
    ]


def _folders_with(directory: str, wanted: list[str]) -> str:
    """The end of an error that nothing was found: the folders inside that have what is wanted.

    "" if none has.
    """
    found = []
    for name in sorted(os.listdir(directory))[:_MOST_FOLDERS]:
        folder = os.path.join(directory, name)
        if name.startswith(".") or not os.path.isdir(folder):
            continue
        with suppress(OSError):  # what can't be looked at is no hint
            if _matching(_stems(folder), wanted):
                found.append(folder)
    if not found:
        return ""
    if len(found) == 1:
        return f". The folder {found[0]} has such files: name that one"
    listed = ", ".join(found[:_MOST_LISTED])
    more = f" and {len(found) - _MOST_LISTED} more" if len(found) > _MOST_LISTED else ""
    return f". These folders have such files: {listed}{more}; name one of them"


def folder_path(directory: str | os.PathLike[str]) -> str:
    """The path of a folder as the caller gave it; TypeError for what is no path, as a Dataset."""
    try:
        return os.fspath(directory)
    except TypeError:
        what = type(directory).__name__
        raise TypeError(f"directory is the path of a folder, not {what}") from None


def find_split(directory: str, split: str, dataset: str | None) -> tuple[str, str]:
    """The images and labels of a split; dataset: its name, if the directory has several."""
    if dataset is None:
        return find_pair(directory, split)
    return find_pair(directory, f"{dataset}-{split}")


def split_names(directory: str, dataset: str | None) -> list[str]:
    """The splits in the names of files, also of half a pair: train, t10k, val, then others.

    Those are what `find_split` takes with the same dataset. A split of a name of its own has "idx"
    in the names of its files or is a whole pair of IDX files, or any other files with "images" or
    "labels" in their names would be one.
    """
    directory, stems = look_around(directory)
    if dataset is not None:
        before = re.compile(rf"(?:.*[-_.])?{re.escape(dataset.lower())}[-_.](?=.)")
        matches = [(before.match(stem), files) for stem, files in stems.items()]
        stems = {match.string[match.end() :]: files for match, files in matches if match}
    parts = {stem: part_of(stem) for stem in stems}
    known = {split for _, split in parts.values() if split}
    others = [
        stem
        for stem, (_, split) in parts.items()
        if not split
        and (
            all(names.has_idx(os.path.basename(path)) for path in stems[stem])
            or _is_pair(directory, stems[stem])
        )
    ]
    return [split for split in KNOWN if split in known] + sorted(others)


def _is_pair(directory: str, paths: list[str]) -> bool:
    """Whether there are images and labels in IDX files among paths."""
    axes = {names.parse(os.path.basename(path)): axes_of(directory, path) for path in paths}
    return {name.role for name, count in axes.items() if name and count} == {"image", "label"}


def axes_of(directory: str, path: str) -> int:
    """The number of axes of an IDX file; 0 for any other file."""
    try:
        return len(info(FoundPath(os.path.join(directory, path))).shape)
    except (IdxError, OSError):
        return 0


def datasets_beside(directory: str) -> list[str]:
    """The names of the datasets whose splits lie here, if there are several, or one beside splits
    without a name.

    A caller must name one of them, because it is not clear which is meant.
    """
    parts = [part_of(stem) for stem in look_around(directory)[1]]
    datasets = {before.rstrip("-_.") for before, split in parts if split}
    return sorted(datasets - {""}) if len(datasets) > 1 else []


def home(directory: str) -> str:
    """The folder itself, or the one in it where torchvision puts files: raw, or MNIST/raw.

    Raises
    ------
    OSError
        There is no such folder.
    IdxError
        It has none of the files itself, and several such folders have.
    """
    return look_around(directory)[0]


def look_around(directory: str) -> tuple[str, dict[str, list[str]]]:
    """The folder that `home` has, and the files in it by their stems."""
    ensure_complete(os.fsdecode(directory))  # what a killed `write_sorted` left
    if stems := _stems(directory):
        return directory, stems
    inner = [name for name in sorted(os.listdir(directory)) if not name.startswith(".")]
    found = {}
    for folder in ["raw", *(os.path.join(name, "raw") for name in inner)]:
        path = os.path.join(directory, folder)
        if os.path.isdir(path) and (some := _stems(path)):
            found[folder] = path, some
    if len(found) > 1:
        text = f"has several datasets: name one of the folders {', '.join(found)}"
        raise IdxError(text, file=directory)
    return next(iter(found.values()), (directory, stems))


def _stems(directory: str) -> dict[str, list[str]]:
    """The paths, from a folder on, of images and labels, by their stems.

    The folder of a split is left out where the split has files beside it. A folder of any other
    name is that of a split only beside other splits.
    """
    paths: dict[str, list[str]] = defaultdict(list)
    for path in listing(directory):
        stem = part_stem(directory, path)
        if stem is not None:
            paths[stem].append(path)
    datasets = {part_of(stem)[0].rstrip("-_.") for stem in paths}
    for path in _in_other_folders(directory) if paths else ():
        folder, name = os.path.split(path)
        stem = names.own_stem(name, folder, datasets)
        if stem is not None:
            paths[stem].append(path)
    outer = {
        part_of(stem)[1] or stem for stem, some in paths.items() if not os.path.dirname(some[0])
    }
    return {
        stem: some
        for stem, some in paths.items()
        if not os.path.dirname(some[0]) or (part_of(stem)[1] or stem) not in outer
    }


def _in_other_folders(directory: str) -> Iterator[str]:
    """The paths of IDX files in folders that are not called as a known split."""
    with os.scandir(directory) as entries:
        folders = [
            entry.name
            for entry in entries
            if entry.is_dir(follow_symlinks=False)
            # `entry.is_dir` raises at a link that leads to itself
            or (entry.is_symlink() and os.path.isdir(entry.path))
        ]
    for folder in sorted(folders):
        if folder.startswith(".") or known_split(folder):
            continue
        try:
            inner = sorted(os.listdir(os.path.join(directory, folder)))
        except OSError:  # what can't be looked at is no split
            continue
        yield from (os.path.join(folder, name) for name in inner if names.has_idx(name))


def part_stem(directory: str, path: str) -> str | None:
    """The stem of a file of `listing`; None if it is none of images or labels."""
    folder, name = os.path.split(path)
    if folder:
        return names.inner_stem(name, folder)
    return names.stem_of(name, os.path.basename(os.path.abspath(directory)))


def _is_named(directory: str, path: str) -> bool:
    """Whether the name of a file says that it is one of images or labels."""
    return part_stem(directory, path) is not None


def listing(directory: str) -> list[str]:
    """The names in a folder, and behind them those in its folders that are called as splits.

    Short names come first.
    """
    try:
        # A set: a name may be listed twice while another process puts a new file there.
        own = sorted(set(os.listdir(directory)), key=lambda name: (len(name), name))
    except (FileNotFoundError, NotADirectoryError) as error:
        remedy = how_to_fetch(os.fsdecode(directory)) if error.errno == errno.ENOENT else ""
        text = (
            f"{error.strerror}; name the folder that holds train-images-idx3-ubyte[.gz] and its"
            f" other files{remedy}"
        )
        raise type(error)(error.errno, text, directory) from None
    inner = []
    for folder in own:
        if known_split(folder) and os.path.isdir(os.path.join(directory, folder)):
            some = sorted(os.listdir(os.path.join(directory, folder)))
            inner += [os.path.join(folder, name) for name in some if names.has_idx(name)]
    return own + inner


def _pair(directory: str, paths: list[str]) -> tuple[str, str]:
    """The images and labels of one split whose counts agree; of copies, those read fastest."""
    files = []
    problems = []
    for inner in paths:
        path = FoundPath(os.path.join(directory, inner))
        try:
            files.append(_look(path))
        except (IdxError, OSError) as error:
            problems.append(error)
    files.sort(key=_preference)
    images = [file for file in files if file.role == "image"]
    labels = [file for file in files if file.role == "label"]
    pairs = [(i, k) for i in images for k in labels if i.about.shape[0] == k.about.shape[0]]
    if pairs:
        check_copies(i.about for i, _ in pairs)
        check_copies(k.about for _, k in pairs)
        best_images, best_labels = pairs[0]
        return best_images.path, best_labels.path
    if problems:
        raise problems[0]
    if not images or not labels:
        has = ", ".join(
            f"{os.path.basename(file.path)} of shape {file.about.shape}" for file in files
        )
        missing = "images" if not images else "labels"
        alone = "; idxio.open(file) takes images alone" if images else ""
        raise HalfPairError(
            errno.ENOENT, f"has no {missing} that belong to {has}{alone}", directory
        )
    raise FormatError(
        f"has {labels[0].about.shape[0]:,} labels for the {images[0].about.shape[0]:,} images of"
        f" {images[0].path}",
        file=labels[0].path,
    )


def _preference(file: _File) -> tuple[int, int]:
    """The key that sorts labels with one axis before those with two, then by speed."""
    axes = len(file.about.shape) if file.role == "label" else 0
    return axes, speed_rank(file.about.packing)


def _look(path: str) -> _File:
    """A file with its role: by its number of axes, or by its name if it has two axes."""
    about = info(path)
    ndim = len(about.shape)
    role = names.named_role(path)
    if ndim == 0:
        raise FormatError("holds one number, expected images or labels", file=path)
    if ndim == 1:
        role = "label"
    elif ndim > 2:
        role = "image"
    if role == "label" and about.dtype.kind not in "iu":
        raise FormatError(
            f"holds {about.dtype.name}, expected labels, which are integers", file=path
        )
    return _File(path, role, about)
