"""What a directory has that is not read as a part of its datasets, and would be left out."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Iterable, Iterator

from ..storage.regular import status_of
from . import names
from .beside import paths_around
from .discovery import axes_of, listing, look_around, part_stem
from .split_names import known_split, part_of, split_named, words_in

# Of the files in folders of the folder of a split.
_MOST_LOOKED_AT = 1000


def misnamed_file(directory: str) -> str | None:
    """A file that is called like one of a split's, and is none because of the rest of its name, as
    what a download adds; None if there is none.

    What begins as a file of a split that is there may be a copy or an index of it. So is an IDX
    file that has the word of a split in its name, or lies in the folder of one, of which nothing
    else is there: val/images.gz.
    """
    directory, stems = look_around(directory)
    split_files = tuple(names.unpacked(path) for paths in stems.values() for path in paths)
    for path in listing(directory):
        folder, name = os.path.split(path)
        if part_stem(directory, path) is not None or not names.seems_meant(name):
            continue
        meant = part_stem(directory, os.path.join(folder, names.without_added(name)))
        if not path.startswith(split_files) and meant not in stems:
            return path
    there = {split for _, split in map(part_of, stems)}
    for path in paths_around(directory):
        folder, name = os.path.split(path)
        splits = {split for _, split in words_in(name)} | {known_split(folder)} - {None}
        is_parsed = names.parse(name) is not None
        if splits and not (is_parsed or splits & there) and axes_of(directory, path) > 1:
            return path
    return None


def unread_folders(directory: str) -> Iterator[tuple[str, bool]]:
    """What would be left out with a folder that may be that of a split, as the end of a message;
    and whether its name says that it is.

    Such a folder is a link that leads nowhere, can't be read, or has its IDX files in a folder of
    its own, where they are not looked for.
    """
    directory, stems = look_around(directory)
    there = {part_of(stem)[1] for stem in stems}
    have_folders = any(os.path.dirname(path) for paths in stems.values() for path in paths)
    for name in sorted(os.listdir(directory)):
        split = known_split(name)
        if split is None:
            may_be_split = have_folders and split_named(name) is not None
        else:
            may_be_split = split not in there
        text = _why_unread(directory, name, split) if may_be_split else None
        if text is not None:
            yield text, split is not None


def _why_unread(directory: str, name: str, split: str | None) -> str | None:
    """What is said of a folder that may be that of a split; None if nothing in it is left out."""
    path = os.path.join(directory, name)
    try:
        is_folder = stat.S_ISDIR(status_of(path).st_mode)
        if is_folder:
            os.listdir(path)
    except OSError as error:
        if not os.path.lexists(path):  # removed by another process meanwhile
            return None
        what = f"{error.strerror}; if it is a split, it would be left out"
        return f"has {name}, and it can't be read: {what}. Mend it, or move it away"
    deeper = _idx_below(path) if split is not None and is_folder else None
    if deeper is None:
        return None
    return (
        f"has {os.path.join(name, deeper)}, which would be left out, as files of a split are looked"
        f" for in {name} itself; move them there, or away"
    )


def _idx_below(folder: str) -> str | None:
    """An IDX file in a folder of this folder, however deep; None if none is among the first."""
    files = (
        os.path.relpath(os.path.join(path, name), folder)
        for path, folders, names_here in os.walk(folder)
        for name in sorted(names_here)
        if path != folder
    )
    some = itertools.islice(files, _MOST_LOOKED_AT)
    return next((path for path in some if axes_of(folder, path)), None)


def lost_files(directory: str, stated: Iterable[str]) -> list[str]:
    """The stated names of images and labels of which no file is there, in any packing."""
    there = {names.parse(os.path.basename(path)) for path in listing(directory)}
    return [name for name in stated if (mine := names.parse(name)) and mine not in there]
