"""find_pair(): the images and labels of a dataset in a directory, by their names and headers."""

from __future__ import annotations

import errno
import os
import re
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from ..compression.registry import SUFFIX_PATTERN, named, speed_rank
from ..core.info import Info, info, verify
from ..errors import FormatError, IdxError
from ..storage.journal import settle
from ..storage.regular import FoundPath
from .split_names import KNOWN, part_of, synonyms

# What stands before "-images" or "-labels" is the split, with the name of the dataset before it
# where there is one: train, emnist-letters-test, xnist. The end is -idx3-ubyte, .idx3-ubyte as in
# MNIST's own gzip headers, -idx2-int as of QMNIST's labels, .idx, or nothing.
_NAME = re.compile(
    r"(.+?)[-_.](image|label)s?(?:[-_.]idx\d?(?:[-_.]\w+)?)?"
    rf"(?:\.(?:{SUFFIX_PATTERN}))?",
    re.IGNORECASE,
)
# The name of each split in MNIST's files, and its common name.
SPLITS = {"train": "train", "t10k": "test"}
# A name with "idx" in it. Only such files make a split whose name is not a known one.
_IS_IDX = re.compile(r"[-_.]idx\d?(?:[-_.]|$)", re.IGNORECASE)
# A name that someone gave to images or labels.
_IS_LIKE_IDX = re.compile(r"(image|label).*[-_. ]idx\d?(?:[-_. ]|$)", re.IGNORECASE)
_PACKED = re.compile(rf"\.({SUFFIX_PATTERN})$", re.IGNORECASE)
# What browsers and archivers add to a name, as "(1)" of a second download, or ".part" of one that
# has not ended.
_ADDED = re.compile(
    r"( ?\(\d+\)| - copy|"
    r"\.(zip|part|partial|crdownload|download|incomplete|tmp|bak|old|\d+))+"
    rf"(?=\.({SUFFIX_PATTERN})$|$)",
    re.IGNORECASE,
)
# Copies of up to so many bytes are read to compare them: 47 MB of a raw file take 8 ms.
_MOST_RAW = 1 << 26
_MOST_LABELS = 1 << 20


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
        The path of the images and that of the labels. The names may have a dash or a dot before
        idx, a dataset's name in front, any type behind; the files may be raw, gzip, zstd, xz or
        bz2, whatever their suffix says. Where names leave a doubt, the headers decide: labels have
        one axis (QMNIST's two), images more, and their counts agree. Of copies of one file the raw
        one is taken, of labels with one axis and with two those with one.

    Raises
    ------
    FileNotFoundError
        No such directory, or no pair in it: the message says which names were looked for. A link
        that leads nowhere: it is named, and no other pair is taken in its stead.
    OSError, IdxError
        There is more than one such pair, the counts differ, or what should be of the pair is
        damaged, can't be read, or is no regular file.
    """
    directory = os.fspath(directory)
    names = _stems(directory)
    # An equal name comes first: else "train" beside "emnist-letters-train" could not be named.
    wanted = synonyms(split)
    stems = [stem for stem in names if stem in wanted] or [
        stem
        for stem in names
        if any(re.search(rf"[-_.]{re.escape(word)}$", stem) for word in wanted)
    ]
    pairs: dict[str, tuple[str, str]] = {}
    half: HalfPairError | None = None
    for stem in stems:
        try:
            pairs[stem] = _pair(directory, names[stem])
        except HalfPairError as error:
            half = half or error
    if len(pairs) == 1:
        return next(iter(pairs.values()))
    if not pairs and half is not None:
        raise half
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
    others = ", ".join(repr(stem) for stem in names)
    hint = f"; it has the splits {others}" if others else ""
    raise NoSplitError(errno.ENOENT, f"has no {looked}{hint}", directory)


def find_split(directory: str, split: str, dataset: str | None) -> tuple[str, str]:
    """The images and labels of a split; dataset: its name, if the directory has several."""
    if dataset is None:
        return find_pair(directory, split)
    return find_pair(directory, f"{dataset}-{split}")


def split_names(directory: str, dataset: str | None) -> list[str]:
    """The splits in the names of files, also of half a pair: train, t10k, val, then others.

    Those are what `find_split` takes with the same dataset. A split of a name of its own has "idx"
    in the names of its files, or any other files with "images" or "labels" in their names would be
    one.
    """
    names = _stems(directory)
    if dataset is not None:
        before = re.compile(rf"(?:.*[-_.])?{re.escape(dataset.lower())}[-_.](?=.)")
        matches = [(before.match(stem), files) for stem, files in names.items()]
        names = {match.string[match.end() :]: files for match, files in matches if match}
    parts = {stem: part_of(stem) for stem in names}
    known = {split for _, split in parts.values() if split}
    others = [
        stem
        for stem, (_, split) in parts.items()
        if not split and all(_IS_IDX.search(name) for name in names[stem])
    ]
    return [split for split in KNOWN if split in known] + sorted(others)


def misnamed_file(directory: str) -> str | None:
    """A file that is called like one of a split's, and is none because of the rest of its name, as
    what a download adds; None if there is none.

    What begins as a file of a split that is there may be a copy or an index of it.
    """
    stems = _stems(directory)
    split_files = tuple(_PACKED.sub("", name) for names in stems.values() for name in names)
    for name in sorted(os.listdir(directory)):
        if name.startswith(".") or _NAME.fullmatch(name) or not _IS_LIKE_IDX.search(name):
            continue
        match = _NAME.fullmatch(_ADDED.sub("", name))
        if not name.startswith(split_files) and not (match and match[1].lower() in stems):
            return name
    return None


def lost_files(directory: str, stated: Iterable[str]) -> list[str]:
    """The stated names of images and labels of which no file is there, in any packing."""
    there = {_split_and_role(name) for name in os.listdir(directory)}
    return [name for name in stated if (mine := _split_and_role(name)) and mine not in there]


def _split_and_role(name: str) -> tuple[str, str] | None:
    """What a name says before "-images" or "-labels", and which of the two; None for others."""
    match = _NAME.fullmatch(name)
    return (match[1].lower(), match[2].lower()) if match else None


def datasets_beside(directory: str) -> list[str]:
    """The names of the datasets whose splits lie here, if there are several, or one beside splits
    without a name.

    A caller must name one of them, because it is not clear which is meant.
    """
    parts = [part_of(stem) for stem in _stems(directory)]
    datasets = {before.rstrip("-_.") for before, split in parts if split}
    return sorted(datasets - {""}) if len(datasets) > 1 else []


def _stems(directory: str) -> dict[str, list[str]]:
    """The names of images and labels, by the part of a name before "-images" or "-labels"."""
    settle(os.fsdecode(directory))  # what a killed `write_sorted` left
    stems: dict[str, list[str]] = defaultdict(list)
    # A set: a name may be listed twice while another process puts a new file there.
    for name in sorted(set(os.listdir(directory)), key=lambda name: (len(name), name)):
        if (match := _NAME.fullmatch(name)) and not name.startswith("."):
            stems[match[1].lower()].append(name)
    return dict(stems)


def _pair(directory: str, names: list[str]) -> tuple[str, str]:
    """The images and labels of one split whose counts agree; of copies, those read fastest."""
    files = []
    problems = []
    for name in names:
        path = FoundPath(os.path.join(directory, name))
        try:
            files.append(_look(path, name))
        except (IdxError, OSError) as error:
            problems.append(error)
    files.sort(key=_preference)
    images = [file for file in files if file.role == "image"]
    labels = [file for file in files if file.role == "label"]
    pairs = [(i, k) for i in images for k in labels if i.about.shape[0] == k.about.shape[0]]
    if pairs:
        _check_copies([i for i, _ in pairs])
        _check_copies([k for _, k in pairs])
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


def named_role(path: str) -> str:
    """The role in the name of a file: "image" or "label"; "" for any other name."""
    match = _NAME.fullmatch(os.path.basename(path))
    return match[2].lower() if match else ""


def _look(path: str, name: str) -> _File:
    """A file with its role: by its number of axes, or by its name if it has two axes."""
    about = info(path)
    ndim = len(about.shape)
    role = named_role(name)
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


def _crc32(file: _File, other: _File) -> int | None:
    """The CRC-32 that a file states or has; None where comparing it would take long."""
    is_labels = file.role == "label"
    most = _MOST_LABELS if is_labels else 0
    if named(file.about.packing).is_plain:
        most = _MOST_RAW
    is_wanted = is_labels or other.about.crc32 is not None
    if file.about.crc32 is not None or not is_wanted or file.about.size > most:
        return file.about.crc32
    return verify(file.path).crc32


def copies_of(path: str) -> list[str]:
    """All files of the same split and role in the folder of a file, itself among them."""
    folder, name = os.path.split(path)
    mine = _split_and_role(name)
    others = sorted(os.listdir(folder or ".")) if mine else []
    return [os.path.join(folder, other) for other in others if _split_and_role(other) == mine]


def _check_copies(files: list[_File]) -> None:
    """Raise if files of the same split can't be copies of one array."""
    first = files[0]
    for other in files:
        if other is first:  # once for each file that it may belong to
            continue
        mine = first.about
        its = other.about
        if other.role == "label" and len(mine.shape) != len(its.shape):
            continue  # QMNIST's labels come with and without who wrote them
        sums = _crc32(first, other), _crc32(other, first)
        differ = None not in sums and sums[0] != sums[1]
        if mine.shape != its.shape or mine.dtype != its.dtype or differ:
            raise IdxError(
                f"is not the same as {other.path}; leave one of the two", file=first.path
            )
