"""The pictures below a folder, and their classes by subfolder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ...datasets.classes import in_order, same_numbers, tidy
from ...errors import FormatError
from .given_splits import folder_splits, split_word

# What systems leave in folders: macOS's archiver, Synology, ext4, QNAP, Windows.
_SYSTEM = {
    "__macosx", "@eadir", "lost+found", "@recycle", "#recycle", "$recycle.bin",
    "system volume information", "thumbs.db", "desktop.ini",
}  # fmt: skip
_STRAY = "lies in no class folder"
_NESTED = "is a folder inside a class folder"
_EMPTY = "holds no picture"


class PictureList(NamedTuple):
    """Pictures and their classes."""

    class_names: list[str]
    """Label 0, 1, …"""
    paths: list[str]
    """Below the folder of the pictures, ordered by class and then by name, or as the CSV has them.
    """
    labels: list[int]
    """Of each path."""
    bad: list[tuple[str, str]]
    """What lies there and can't be a picture of a class, and why."""
    unlisted: int = 0
    """Pictures in the folder that the CSV does not have."""
    notes: tuple[str, ...] = ()
    """What else may be meant otherwise."""
    splits: list[str] | None = None
    """Of each path, as the files are called (train, t10k, val); None if they have none yet."""


class Bounds:
    """The boundary of a folder: tells whether a path stays below it once all links are followed."""

    def __init__(self, folder: str, *, allow_outside: bool) -> None:
        self._folder = folder
        self._root = os.path.realpath(folder)
        self._below = os.path.join(self._root, "")
        self._allow = allow_outside
        self._parents: dict[str, str] = {}  # thousands of pictures lie in one folder

    def resolve(self, path: str) -> str:
        """Follow the links of a path but for its last name: equal for all spellings of one path."""
        end = path.rfind(os.sep) + 1
        above = path[:end]
        parent = self._parents.get(above)
        if parent is None:
            parent = os.path.join(self._folder, above)
            with contextlib.suppress(ValueError):  # a path with a zero
                parent = os.path.realpath(parent)
            parent = self._parents[above] = os.path.join(parent, "")
        return parent + path[end:]

    def refusal(self, resolved: str) -> str | None:
        """Say why the file at a resolved path is not taken; None if it is."""
        if self._allow:
            return None
        if os.path.islink(resolved) or resolved.endswith((os.sep, f"{os.sep}.", f"{os.sep}..")):
            resolved = os.path.realpath(resolved)
        if resolved == self._root or resolved.startswith(self._below):
            return None
        return (
            f"leads out of the folder of the pictures, to {resolved}; "
            "allow_outside=True (--allow-outside) takes such pictures"
        )


def by_folder(folder: str, bounds: Bounds) -> PictureList:
    """List the pictures of each subfolder as a class; system files and dot files are left out.

    Where the subfolders are splits, as train and test, the classes are the folders in them.

    Raises
    ------
    FormatError
        There are no pictures in class folders; or some folders are splits and some are not, or two
        of them one number.
    """
    bad: list[tuple[str, str]] = []
    tops = _folders(folder, "", bounds, bad)
    is_split = any(split_word(name) for name in tops)
    splits = folder_splits(folder, _inside(folder, tops)) if is_split else {}
    # The folders of each class, with their splits.
    members: dict[str, list[tuple[str, str]]] = {}
    if not splits:
        for name, paths in tops.items():
            members[name] = [(path, "") for path in paths]
    for top, split in splits.items():
        for above in tops[top]:
            for name, paths in _folders(folder, above, bounds, bad).items():
                members.setdefault(name, []).extend((path, split) for path in paths)
    pictures = PictureList(ordered(members, folder), [], [], bad)
    split_of = []
    for label, name in enumerate(pictures.class_names):
        for member, split in sorted(members[name]):
            inside = entries(os.path.join(folder, member))
            for entry in inside:
                # os.path.join takes a second longer for a million
                path = f"{member}{os.sep}{entry.name}"
                if not entry.is_file():
                    bad.append((path, _NESTED if entry.is_dir() else "is no file"))
                elif reason := _refusal(entry, path, bounds):
                    bad.append((path, reason))
                else:
                    pictures.paths.append(path)
                    pictures.labels.append(label)
                    split_of.append(split)
            if not inside:
                bad.append((member, _EMPTY))
    if not pictures.paths and all(reason in (_STRAY, _NESTED, _EMPTY) for _, reason in bad):
        raise FormatError(_none(folder, bad), file=folder)
    return pictures._replace(splits=split_of) if splits else pictures


def _folders(
    folder: str, above: str, bounds: Bounds, bad: list[tuple[str, str]]
) -> dict[str, list[str]]:
    """List the paths of the folders in one of them by their tidy names; the rest goes to bad."""
    found: dict[str, list[str]] = {}
    for entry in entries(os.path.join(folder, above)):
        name = tidy(entry.name)
        path = os.path.join(above, entry.name)
        if not entry.is_dir():
            bad.append((path, _STRAY))
        elif not name:
            bad.append((path, "is a folder without a name, which a class needs"))
        elif reason := _refusal(entry, path, bounds):
            bad.append((path, reason))
        else:
            found.setdefault(name, []).append(path)
    return found


def _inside(folder: str, tops: dict[str, list[str]]) -> dict[str, tuple[int, list[str]]]:
    """Count the files in each folder and list the folders in it, by the folder's name."""
    found = {}
    for name, paths in tops.items():
        inside = [entry for path in paths for entry in entries(os.path.join(folder, path))]
        folders = [entry.name for entry in inside if entry.is_dir()]
        found[name] = (len(inside) - len(folders), folders)
    return found


def check_links(pictures: PictureList, folder: str) -> None:
    """Raise if one file is a picture of two classes, by hard or symbolic links."""
    seen: dict[tuple[int, int], int] = {}
    for i, path in enumerate(pictures.paths):
        try:
            about = os.stat(os.path.join(folder, path))
        except (OSError, ValueError):  # told when it is opened
            continue
        other = seen.setdefault((about.st_dev, about.st_ino), i)
        if pictures.labels[other] != pictures.labels[i]:
            one, two = (pictures.class_names[pictures.labels[k]] for k in (other, i))
            raise FormatError(
                f"has one picture under two names, by a link, with the labels {one!r} and {two!r}: "
                f"{pictures.paths[other]} and {path}; leave one of them",
                file=folder,
            )


def ordered(names: Iterable[str], file: str) -> list[str]:
    """Sort class names by label; FormatError if two are the same number."""
    names = list(names)
    if same := same_numbers(names):
        raise FormatError(
            f"has the classes {same[0]!r} and {same[1]!r}, which are one number; write it in"
            " one way",
            file=file,
        )
    return in_order(names)


def entries(folder: str) -> list[os.DirEntry[str]]:
    """List a folder by name, without system files and dot files."""
    with os.scandir(folder) as scan:
        kept = (entry for entry in scan if not is_system(entry.name))
        return sorted(kept, key=lambda entry: entry.name)


def is_system(name: str) -> bool:
    """Tell whether a file or folder of this name is a system's, or hidden."""
    return name.startswith(".") or name.lower() in _SYSTEM


def files_below(folder: str) -> Iterator[str]:
    """List all files in and below a folder; links to folders are not followed."""
    for entry in entries(folder):
        if entry.is_dir(follow_symlinks=False):
            yield from (f"{entry.name}{os.sep}{path}" for path in files_below(entry.path))
        elif entry.is_file():
            yield entry.name


def _refusal(entry: os.DirEntry[str], path: str, bounds: Bounds) -> str | None:
    return bounds.refusal(bounds.resolve(path)) if entry.is_symlink() else None


def _none(folder: str, bad: list[tuple[str, str]]) -> str:
    """Write the message for a folder without pictures in class folders."""
    itself = sum(reason == _STRAY for _, reason in bad)
    deeper = [path for path, reason in bad if reason == _NESTED]
    csv = "or name a CSV file of paths and labels: labels= (--labels FILE.csv)"
    if deeper:
        above = os.path.dirname(deeper[0])
        return (
            f"holds no pictures in its subfolders, but folders in them, as {deeper[0]}; "
            f"where those are the classes, name {os.path.join(folder, above)}, {csv}"
        )
    if itself:
        noun = "file" if itself == 1 else "files"
        return (
            f"holds no pictures in subfolders, but {itself:,} {noun} itself; "
            f"put each into a folder named as its class, {csv}"
        )
    reason = f": {bad[0][0]} {bad[0][1]}" if bad else ""
    return f"holds no pictures{reason}"
