"""check(): reads every split once and collects the findings."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from ..._util.progress import counter
from ..._util.public import public
from ...core.info import info, verify
from ...errors import FormatError, IdxError
from ...storage.source import StorageOptions, folder_url
from ..classes import class_names
from ..copies import copies_of
from ..discovery import (
    SPLITS,
    HalfPairError,
    NoSplitError,
    find_split,
    folder_path,
    home,
    split_names,
)
from ..left_out import lost_files, misnamed_file, unread_folders
from ..metadata import DESCRIPTION, read_description
from ..sources import Sources, read_sources
from ..split_names import part_of
from ..together import opened_together
from .duplicates import Duplicates, find_duplicates
from .rules import (
    Finding,
    judge_duplicates,
    judge_files,
    judge_labels,
    judge_names,
    judge_pixels,
    judge_ranges,
    judge_sources,
    judge_stated,
)
from .statistics import Statistics, collect_statistics
from .summary import as_html, as_text

# The remedy where one of the two splits is missing that MNIST has.
_ALONE = (
    ". Programs for MNIST want both train and t10k: Dataset.split makes two parts of one to write;"
    " where one is all that there should be, idxio verify checks its files"
)


@public
class Check(NamedTuple):
    """The result of `check`."""

    directory: str
    splits: dict[str, Statistics]
    """The statistics of "train", "t10k" and all other splits that can be read."""
    class_names: dict[int, str] | None
    """The class list: the name of each label; None if it is not known."""
    duplicates: Duplicates
    """Equal pictures. Numbers count through the splits, in their order."""
    findings: list[Finding]
    """Errors first."""

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return all(finding.level != "error" for finding in self.findings)

    def __repr__(self) -> str:
        return as_text(self.directory, self.splits, self.class_names, self.findings)

    def _repr_html_(self) -> str:
        """For notebooks: the findings, and the classes with their first pictures."""
        return as_html(self.directory, self.splits, self.class_names, self.findings)


@public
def check(
    directory: str | os.PathLike[str],
    *,
    dataset: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    storage_options: StorageOptions = None,
) -> Check:
    """Look for faults of a dataset, in one pass over each file, in constant memory.

    Every checksum is verified; equal and constant pictures, labels outside the class list, pictures
    that look negated or transposed and files of several published datasets are found.
    docs/looking.md lists all findings.

    Parameters
    ----------
    directory : path
        Where the files lie, under any of the names that are in use. All splits that are there are
        checked; train and t10k are expected. A URL will do: what `load` would find there is copied
        to a temporary directory for the time of the check.
    dataset : str, optional
        What the names start with, where there are several datasets: "emnist-letters".
    progress : callable, optional
        Called with the bytes of pixels so far and their number.
    storage_options : mapping, optional
        What opens a URL, as for `open`.

    Returns
    -------
    Check
        Its `findings`, and the statistics of the splits that they come from. `ok` is false if one
        of them is an error: a file that is missing, damaged or of a wrong shape is one, it does not
        raise.

    Raises
    ------
    OSError
        There is no such directory, or no pair of images and labels in it.

    Examples
    --------
    >>> import idxio
    >>> found = idxio.check(".")
    >>> found.ok, [finding.message for finding in found.findings if finding.level == "error"]
    (True, [])
    """
    at_url = folder_url(directory, storage_options)
    if at_url is not None:
        return _check_url(*at_url, dataset, progress)
    directory = home(folder_path(directory))
    findings: list[Finding] = []
    pairs = _pairs(directory, dataset, findings)
    splits: dict[str, Statistics] = {}
    advance = _counter(pairs, progress)
    for split, (images, labels) in pairs.items():
        try:
            if split != "train" and info(images).shape[:1] == info(labels).shape[:1] == (0,):
                findings.append(Finding("warning", "empty", split, "no pictures at all"))
                continue
            with opened_together(images, labels):
                splits[split] = collect_statistics(images, labels, progress=advance)
        except (IdxError, OSError) as error:
            findings.append(_unreadable(split, error))
    files = [stats.images_file for stats in splits.values()]
    hashes = [stats.hashes for stats in splits.values()]
    duplicates = find_duplicates(files, hashes)
    names, stated = _described(directory, splits, findings)
    sources = _sources(directory, findings)
    trained = splits["train"].classes if "train" in splits else None
    for split, stats in splits.items():
        findings += judge_names(split, stats)
        findings += _differing_copies(split, stats)
        findings += judge_stated(split, stats, stated)
        findings += judge_sources(split, stats, sources)
        findings += judge_labels(split, stats, names, trained)
        findings += judge_pixels(split, stats)
    findings += judge_files(splits)
    findings += judge_ranges(splits)
    findings += judge_duplicates(splits, duplicates, sources)
    findings.sort(key=lambda finding: finding.level != "error")
    return Check(directory, splits, names, duplicates, findings)


def _check_url(
    url: str,
    options: Mapping[str, Any],
    dataset: str | None,
    progress: Callable[[int, int], None] | None,
) -> Check:
    """Do what check() does, for files at a URL."""
    from ..remote import copied_dataset, with_urls

    with copied_dataset(url, options) as places:
        directory, *_ = places.values()
        found = check(directory, dataset=dataset, progress=progress)

    told = partial(with_urls, folders=places)
    findings = [finding._replace(message=told(finding.message)) for finding in found.findings]
    splits = {
        split: stats._replace(
            images_file=told(stats.images_file), labels_file=told(stats.labels_file)
        )
        for split, stats in found.splits.items()
    }
    return found._replace(directory=told(found.directory), splits=splits, findings=findings)


def _pairs(
    directory: str,
    dataset: str | None,
    findings: list[Finding],
) -> dict[str, tuple[str, str]]:
    """The images and labels of each split; adds a finding for a split without a pair."""
    pairs: dict[str, tuple[str, str]] = {}
    absent: list[FileNotFoundError] = []
    names = dict.fromkeys((*SPLITS, *split_names(directory, dataset)))
    for split in names:
        try:
            pairs[split] = find_split(directory, split, dataset)
        except (NoSplitError, HalfPairError) as error:
            absent.append(error)
            text = f"{directory}: {error.strerror}"
            if split in SPLITS and isinstance(error, NoSplitError):
                text += _ALONE
            findings.append(Finding("error", "missing", split, text))
        except (IdxError, OSError) as error:
            findings.append(_unreadable(split, error))
    if name := misnamed_file(directory):
        text = (
            f"{directory}: has {name}, a download in part or a backup, left out: rename it or"
            " move it away"
        )
        findings.append(Finding("error", "missing", "train", text))
    for text, is_split in unread_folders(directory):
        level = "error" if is_split else "warning"
        findings.append(Finding(level, "missing", "train", f"{directory}: {text}"))
    if len(absent) == len(names):
        raise next((one for one in absent if isinstance(one, HalfPairError)), absent[0])
    return pairs


def _counter(
    pairs: dict[str, tuple[str, str]], progress: Callable[[int, int], None] | None
) -> Callable[[int], None] | None:
    """A function that adds up bytes of pixels and calls progress with the sum and the total."""
    if progress is None:
        return None
    headers = [info(images) for images, _ in pairs.values()]
    total = sum(about.size - 4 - 4 * len(about.shape) for about in headers)
    return counter(progress, total)


def _described(
    directory: str, splits: dict[str, Statistics], findings: list[Finding]
) -> tuple[dict[int, str] | None, dict[str, int]]:
    """The class names, None if they are not known, and the CRC-32 of files in dataset.json.

    Adds a finding for a dataset.json or a mapping of names that can't be understood, and for each
    file that dataset.json lists and that is gone.
    """
    names: dict[int, str] | None = None
    stated: dict[str, int] = {}
    try:
        stated = _stated(directory)
        for name in lost_files(directory, stated):
            stem = name.rpartition("-images")[0] or name.rpartition("-labels")[0]
            split = part_of(stem)[1] or "train"
            text = f"{directory}: has no {name}, of which {DESCRIPTION} tells"
            findings.append(Finding("error", "missing", split, text))
        for stats in splits.values():
            names = names or class_names(stats.labels_file)
    except (IdxError, OSError) as error:
        findings.append(_unreadable("train", error))
    return names, stated


def _sources(directory: str, findings: list[Finding]) -> Sources:
    """Of what the records were made; adds a finding for a sources.csv that can't be understood."""
    try:
        return read_sources(directory)
    except (IdxError, OSError) as error:
        findings.append(_unreadable("train", error))
        return {}


def _differing_copies(split: str, stats: Statistics) -> Iterator[Finding]:
    """A warning for each copy in another packing whose content has another CRC-32."""
    for file, crc in zip((stats.images_file, stats.labels_file), stats.crc32, strict=True):
        for copy in copies_of(file):
            if os.path.basename(copy) == os.path.basename(file):
                continue
            try:
                # QMNIST's labels come with and without who wrote them
                is_copy = len(info(copy).shape) == len(info(file).shape)
                # gzip states it, others are read
                is_other = is_copy and (info(copy).crc32 or verify(copy).crc32) != crc
            except (IdxError, OSError):
                continue  # nobody reads it while the other is there
            if is_other:
                text = (
                    f"{os.path.basename(copy)} is not the same as {os.path.basename(file)}; leave"
                    " one of the two"
                )
                yield Finding("warning", "copy", split, text)


def _unreadable(split: str, error: IdxError | OSError) -> Finding:
    """The finding for a file that can't be read."""
    text = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
    return Finding("error", "unreadable", split, text)


def _stated(directory: str) -> dict[str, int]:
    """The CRC-32 of each file that dataset.json lists."""
    files = read_description(directory).get("files", {})
    try:
        return {name: int(about["crc32"], 16) for name, about in files.items()}
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        path = os.path.join(directory, DESCRIPTION)
        raise FormatError(f'has "files" that have no "crc32" ({error!r})', file=path) from error
