"""The pictures and classes that a CSV file of paths and labels lists."""

from __future__ import annotations

import errno
import os
import re
from typing import NamedTuple

from ...datasets.classes import tidy
from ...datasets.split_names import common_name, known_split, split_named
from ...errors import FormatError, naming
from .discovery import Bounds, PictureList, files_below, ordered
from .given_splits import path_splits

_HEADINGS = [
    [path, label]
    for path in ("path", "file", "filename", "file_name", "image")
    for label in ("label", "class")
]
# Headings of a third column, under which a split may have any name.
_SPLIT_HEADINGS = {"split", "set", "subset", "partition"}
_EXPECTED = {2: "a path and a label", 3: "a path, a label and a split"}
# Suffixes by which unlisted files count as pictures, beside those of the listed ones.
_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm"}
# Characters of a line, which a device as /dev/zero never ends; csv refuses fields of an eighth.
_LONGEST = 1 << 20
# Lines examined for a fault that all lines share.
_SAMPLE = 100


class _Line(NamedTuple):
    number: int
    path: str
    label: str
    split: str | None
    """None without a third column."""


def by_csv(file: str, folder: str, bounds: Bounds) -> PictureList:
    """Read lines of path, label and, if there is a third field, split, in UTF-8.

    A first line whose path is no file is a heading. Without a third field, paths that begin with
    the folders of train and other splits have these splits.

    Raises
    ------
    FormatError
        A line that has not two or three fields, or is not UTF-8; a third one that is no split; a
        picture that is listed twice; columns or paths that are all wrong in the same way; two
        classes that are one number.
    OSError
        The file can't be read.
    """
    lines = _lines(file, folder)
    _check_columns(lines, folder, file)
    split_of = _splits(lines, file)
    bad = []
    notes = []
    first = None
    if lines and (doubt := _heading(lines, folder)) is not None:
        first = lines.pop(0)
        if doubt:
            bad.append((first.path, doubt))
        elif not _is_usual(first):
            notes.append(
                f"line {first.number} of the CSV file was taken for a heading:"
                f" {','.join(filter(None, first[1:]))}"
            )
    if not lines and not bad:
        heading = f"; line {first.number} is a heading, as {first.path} is no file" if first else ""
        raise FormatError(f"lists no pictures{heading}", file=file)
    _check_paths(lines, folder, file)
    resolved = [bounds.resolve(line.path) for line in lines]
    _check_once(lines, resolved, file)
    taken = []
    for line, path in zip(lines, resolved, strict=True):
        if reason := bounds.refusal(path):
            bad.append((line.path, reason))
        else:
            taken.append(line)
    names = ordered({line.label for line in taken}, file)
    label_of = {name: label for label, name in enumerate(names)}
    unlisted = _unlisted(lines, folder, bounds, set(resolved)) if taken else 0
    labels = [label_of[line.label] for line in taken]
    paths = [line.path for line in taken]
    splits = [split_of[line.split] for line in taken if line.split is not None] or None
    if not splits and (splits := path_splits(paths)):
        words = " and ".join(sorted({common_name(split) for split in splits}))
        notes.append(f"the first folder of each path was taken for its split: {words}")
    return PictureList(names, paths, labels, bad, unlisted, tuple(notes), splits)


def _lines(file: str, folder: str) -> list[_Line]:
    import csv

    lines: list[_Line] = []
    with naming(file), open(file, encoding="utf-8-sig", newline="") as text:
        some = iter(lambda: text.readline(_LONGEST), "")
        reader = csv.reader(some, skipinitialspace=True, strict=True)  # of quotes
        try:
            for row in reader:
                if not any(field.strip() for field in row) and len(row) < 2:
                    continue
                count = len(row) if not lines else 2 + (lines[0].split is not None)
                if len(row) != count or count not in _EXPECTED or not all(map(str.strip, row)):
                    expected = _EXPECTED[count] if lines else " or ".join(_EXPECTED.values())
                    raise FormatError(
                        f"line {reader.line_num} has the fields {row}; expected {expected},"
                        " with commas between",
                        file=file,
                    )
                path = row[0]
                if path != path.strip() and not os.path.isfile(os.path.join(folder, path)):
                    path = path.strip()
                split = row[2].strip() if len(row) == 3 else None
                lines.append(_Line(reader.line_num, path, tidy(row[1]), split))
        except (UnicodeDecodeError, csv.Error) as error:
            raise FormatError(
                f"is no CSV file in UTF-8, after line {reader.line_num}: {error}", file=file
            ) from None
    return lines


def _splits(lines: list[_Line], file: str) -> dict[str, str]:
    """The split that each word of the third column means; empty without one.

    Raises FormatError for a word that is no split. A heading that calls the column so allows any
    name; else it could be a column of something else.
    """
    split_of: dict[str, str] = {}
    if not lines or lines[0].split is None:
        return split_of
    is_named = lines[0].split.lower() in _SPLIT_HEADINGS
    for line in lines:
        assert line.split is not None
        if line.split in split_of:
            continue
        split = split_named(line.split) if is_named else known_split(line.split)
        if split is None:
            hint = "" if is_named else ", or with the heading path,label,split any name"
            if known_split(line.label):
                hint = "; the split comes third, behind the label"
            raise FormatError(
                f"line {line.number} has the fields {[*line[1:]]}; expected a path, a label and a"
                f" split, which is train, test or val{hint}",
                file=file,
            )
        split_of[line.split] = split
    return split_of


def _heading(lines: list[_Line], folder: str) -> str | None:
    """Return None if the first line is a picture, "" for a heading, and the doubt if it may be
    both.
    """
    first = lines[0]
    picture = os.path.join(folder, first.path)
    if os.path.lexists(picture) and not os.path.isdir(picture):
        return None
    if _is_usual(first):
        return ""
    suffix = os.path.splitext(first.path)[1].lower()
    if suffix in _SUFFIXES or suffix in {
        os.path.splitext(line.path)[1].lower() for line in lines[1:]
    } - {""}:
        return None
    if (
        not suffix
        and os.sep not in first.path
        and first.label not in {line.label for line in lines[1:]}
    ):
        return ""
    reason = f"can't be read: {os.strerror(errno.ENOENT)}"
    return f"{reason}; if line {first.number} of the CSV file is a heading, write it as path,label"


def _is_usual(heading: _Line) -> bool:
    return [heading.path.lower(), heading.label.lower()] in _HEADINGS


def _check_columns(lines: list[_Line], folder: str, file: str) -> None:
    """Raise if the labels come first."""
    some = lines[:_SAMPLE]
    if any(_is_file(folder, line.path) for line in some):
        return
    for line in some:
        if _is_file(folder, line.label):
            raise FormatError(
                f"has its columns exchanged: {line.label} in line {line.number} is a picture,"
                f" {line.path} is none; write the path first, then the label",
                file=file,
            )


def _check_paths(lines: list[_Line], folder: str, file: str) -> None:
    """Raise if all paths are wrong in the same way."""
    some = lines[:_SAMPLE]
    if not some or any(_is_file(folder, line.path) for line in some):
        return
    path = some[0].path
    name = re.split(r"[\\/]", path)[-1]
    remedy = None
    if "\\" in path and _is_file(folder, path.replace("\\", "/")):
        remedy = f"write {path.replace(chr(92), '/')}, with /"
    elif suffix := next((s for s in sorted(_SUFFIXES) if _is_file(folder, path + s)), None):
        remedy = f"write {path}{suffix}, with the suffix"
    elif name != path and _is_file(folder, name):
        remedy = f"write {name}: paths start in the folder of the pictures"
    elif _is_file(os.getcwd(), path):
        remedy = (
            "there is such a file in the current folder, but paths start in the folder of the"
            " pictures"
        )
    if remedy is not None:
        count = (
            f"none of the {len(some):,} paths that were tried leads"
            if len(some) > 1
            else "no path leads"
        )
        raise FormatError(
            f"{count} to a file below {folder}; the first, in line {some[0].number}, is {path}:"
            f" {remedy}",
            file=file,
        )


def _is_file(folder: str, path: str) -> bool:
    return os.path.isfile(os.path.join(folder, path))


def _check_once(lines: list[_Line], resolved: list[str], file: str) -> None:
    """Raise if two lines list the same picture."""
    line_of: dict[str, _Line] = {}
    firsts = [line_of.setdefault(path, line) for path, line in zip(resolved, lines, strict=True)]
    again = [(first, line) for first, line in zip(firsts, lines, strict=True) if first is not line]
    if again:
        one, other = again[0]
        labels = f"with the label {one.label!r}"
        if one.label != other.label:
            labels = f"with the labels {one.label!r} and {other.label!r}"
        more = f", and {len(again) - 1:,} more" if len(again) > 1 else ""
        raise FormatError(
            f"lists {other.path} twice, in the lines {one.number} and {other.number},"
            f" {labels}{more}; a picture stands on one line",
            file=file,
        )


def _unlisted(lines: list[_Line], folder: str, bounds: Bounds, listed: set[str]) -> int:
    """Count the pictures in the folder that no line lists."""
    suffixes = _SUFFIXES | {os.path.splitext(line.path)[1].lower() for line in lines} - {""}
    return sum(
        os.path.splitext(path)[1].lower() in suffixes and bounds.resolve(path) not in listed
        for path in files_below(folder)
    )
