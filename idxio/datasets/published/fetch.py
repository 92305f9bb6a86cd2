"""fetch(): the folder of a published dataset, found on this machine or fetched from a mirror."""

from __future__ import annotations

import errno
import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..._util.public import public
from ...core import disk_cache
from ...core.info import info
from ...errors import naming
from ...storage.atomic_folder import AtomicFolder
from ...storage.ownership import claim
from ..metadata import DESCRIPTION, write_description
from . import on_this_machine
from .on_this_machine import Found
from .partial import partial_folder
from .table import Published, PublishedFile, named

Progress = Callable[[int, "int | None"], None]


class Fetched(NamedTuple):
    """Where a dataset is, and where files were copied or fetched from; nowhere if it was there."""

    folder: str
    sources: list[str]


@public
def fetch(
    name: str,
    directory: str | os.PathLike[str] | None = None,
    *,
    mirror: str | Sequence[str] | None = None,
    progress: Progress | None = None,
) -> str:
    """The folder of a published dataset, which is fetched if it is not on this machine.

    Looked for first: in `directory`, in the cache folder, where Debian puts datasets, then what
    Keras and torchvision have fetched. Only then the dataset's mirrors are asked. What a file holds
    inside decides, so a server that gives something else is passed over, with a warning.

    Parameters
    ----------
    name : str
        "mnist", "fashion-mnist", "kmnist", "qmnist", "emnist-balanced", "emnist-byclass",
        "emnist-bymerge", "emnist-digits", "emnist-letters" or "emnist-mnist".
    directory : path, optional
        A new folder, or one that has the files. By default `datasets/NAME` in the cache folder
        (`IDXIO_CACHE_DIR`).
    mirror : str or sequence of str, optional
        URLs that are asked in the place of those that are known: of folders with files of the
        published names, or of a zip with them.
    progress : callable, optional
        Called with the bytes that have arrived, and their number as far as it is known.

    Returns
    -------
    str
        The path of the folder, for `load`. It appears at once, when all files are there, with a
        `dataset.json` that tells the licence, the citation and where the files are from. What has
        arrived when this is interrupted is not fetched again. A second process that wants the same
        waits for the first.

    Raises
    ------
    ValueError
        There is no such name; the message lists them. Or `mirror` is no URL of a web server.
    OSError
        No mirror gave a file: the message says what each one did. Or the folder can't be written,
        or is not empty.

    Examples
    --------
    >>> import idxio
    >>> idxio.fetch("fashion-mnits")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
      ...
    ValueError: there is no published dataset 'fashion-mnits'; did you mean fashion-mnist? ...
    """

    def tell(text: str) -> None:
        warnings.warn(text, stacklevel=_OF_CALLER)

    dataset = named(name)
    return find_or_fetch(dataset, directory, mirror, progress, tell).folder


# From the warning in `tell` up to the caller of `fetch`: find_or_fetch, _fill, Mirrors.bring.
_OF_CALLER = 6


def find_or_fetch(
    dataset: Published,
    directory: str | os.PathLike[str] | None,
    mirror: str | Sequence[str] | None,
    progress: Progress | None,
    tell: Callable[[str], None],
) -> Fetched:
    """Do what fetch() does. tell: is called with what a mirror gave in the place of a file."""
    urls = _checked(mirror) or dataset.mirrors
    if directory is None:
        target = on_this_machine.cache_folder(dataset)
        places = [target, on_this_machine.system_folder(dataset)]
    else:
        target = os.fsdecode(directory)
        places = [target]
    for place in places:
        found = on_this_machine.find_whole(dataset, place)
        if found is not None:
            return Fetched(found, [])
    if directory is None:
        claim(disk_cache.folder())
    try:
        new = AtomicFolder(target)
    except FileExistsError as error:
        found = on_this_machine.find_whole(dataset, target)
        if found is not None:  # another process has just put it there
            return Fetched(found, [])
        raise _not_empty(dataset, target, error) from None
    with new, partial_folder(target) as part:
        found = on_this_machine.find_whole(dataset, target)
        if found is not None:  # this one waited for another process
            return Fetched(found, [])
        files = _fill(dataset, part, target, urls, progress, tell)
        write_description(part, _description(dataset, files))
        for path in (*(file.path for file in files), os.path.join(part, DESCRIPTION)):
            _put(path, os.path.join(new.path, os.path.basename(path)))
        new.commit()
    return Fetched(target, _sources(files))


def _checked(mirror: str | Sequence[str] | None) -> tuple[str, ...]:
    """The URLs of mirrors that a caller gave."""
    if mirror is None:
        return ()
    from ...storage.download.http import check_url

    urls = (mirror,) if isinstance(mirror, str) else tuple(mirror)
    for url in urls:
        check_url(url)
    return urls


def _not_empty(dataset: Published, target: str, error: FileExistsError) -> FileExistsError:
    """The error that a folder has other things in it than the dataset."""
    if error.errno != errno.ENOTEMPTY:
        return error
    lacking = [
        file.name for file in dataset.files if not on_this_machine.find(dataset, file, target)
    ]
    what = f"is not empty, and does not have {dataset.title}'s {', '.join(lacking)}"
    return FileExistsError(errno.ENOTEMPTY, f"{what}; name a new folder", target)


def _fill(
    dataset: Published,
    part: str,
    target: str,
    urls: Sequence[str],
    progress: Progress | None,
    tell: Callable[[str], None],
) -> list[Found]:
    """Bring all files of a dataset into a folder, which may have some from the last time."""
    files = []
    lacking = []
    for file in dataset.files:
        found = on_this_machine.find(dataset, file, part)
        if found is not None:
            found = _with_source(found)
        else:
            found = on_this_machine.copy_to(dataset, file, part, target)
        if found is None:
            lacking.append(file)
        else:
            files.append(found)
    if not lacking:
        return files
    from .mirrors import Mirrors  # urllib is slow to import

    counter = _Counter(lacking, progress)
    with Mirrors(dataset, urls, part, tell) as mirrors:
        for file in lacking:
            fetched = mirrors.bring(file, counter.arrived)
            _note_source(fetched)
            files.append(fetched)
            counter.finish(file)
    return files


def _note_source(file: Found) -> None:
    """Write beside a file where it is from, for the call that goes on after an interrupt."""
    path = f"{file.path}.from"
    with naming(path), open(path, "w", encoding="utf-8") as note:
        note.write(file.source)


def _with_source(file: Found) -> Found:
    """A file that had arrived before, with what `_note_source` wrote."""
    try:
        path = f"{file.path}.from"
        with naming(path), open(path, encoding="utf-8") as note:
            return file._replace(source=note.read())
    except (OSError, ValueError):
        return file


class _Counter:
    """Adds up what arrives of several files."""

    def __init__(self, files: Sequence[PublishedFile], progress: Progress | None) -> None:
        self._progress = progress
        self._here = 0
        self._done = 0
        """Of the files before this one."""
        self._left = {file.name: file.packed_size for file in files}

    def arrived(self, here: int, size: int | None) -> None:
        """So much is here of the file that is fetched, of so many bytes."""
        self._here = here
        others = [*self._left.values()][1:]
        total: int | None = None
        if size is not None and None not in others:
            total = self._done + size + sum(other or 0 for other in others)
        if self._progress is not None:
            self._progress(self._done + here, total)

    def finish(self, file: PublishedFile) -> None:
        """A file is here."""
        del self._left[file.name]
        self._done += self._here
        self._here = 0


def _description(dataset: Published, files: Sequence[Found]) -> dict[str, Any]:
    """The `dataset.json` of a dataset that was fetched."""
    description: dict[str, Any] = {
        "licence": dataset.licence,
        "source": "; ".join(_sources(files)),
        "citation": dataset.citation,
        "published": dataset.name,
    }
    if dataset.classes:
        first = dataset.first_class
        description["class_names"] = {
            str(label): "/".join(letters) for label, letters in enumerate(dataset.classes, first)
        }
    description["files"] = {os.path.basename(file.path): _stated(file) for file in files}
    return description


def _stated(file: Found) -> dict[str, Any]:
    about = info(file.path)
    return {
        "shape": about.shape,
        "dtype": about.dtype.name,
        "crc32": f"{file.inside.crc32:08x}",
        "sha256": file.inside.sha256,
    }


def _sources(files: Sequence[Found]) -> list[str]:
    """Where files are from, each place once; not those of which that is not known."""
    return list(dict.fromkeys(file.source for file in files if file.source != file.path))


def _put(path: str, target: str) -> None:
    """Flush a file to disk, and give it a second name, or else another one."""
    with naming(path), open(path, "rb") as file:
        os.fsync(file.fileno())
    try:
        os.link(path, target)  # an interrupt before the end loses nothing
    except OSError:
        os.rename(path, target)
