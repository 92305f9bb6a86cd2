"""Which pictures there are, and the class of each: by the folders that they lie in, or by a CSV file."""

from __future__ import annotations

import os
from typing import NamedTuple

from ..errors import FormatError


class Found(NamedTuple):
    """Pictures and their classes."""

    class_names: list[str]
    """Label 0, 1, …"""
    paths: list[str]
    """Below the folder of the pictures, ordered by class and then by name, or as the CSV has them."""
    labels: list[int]
    """Of each path."""
    bad: list[tuple[str, str]]
    """What lies there and can't be a picture of a class, and why."""


def by_folder(folder: str) -> Found:
    """Each subfolder is a class. Names that start with a dot are left out; so is anything that is no file."""
    names = []
    bad = []
    for entry in _entries(folder):
        if entry.is_dir():
            names.append(entry.name)
        else:
            bad.append((entry.name, "lies in no class folder"))
    found = Found(_in_order(names), [], [], bad)
    for label, name in enumerate(found.class_names):
        entries = _entries(os.path.join(folder, name))
        for entry in entries:
            path = f"{name}{os.sep}{entry.name}"  # os.path.join takes a second longer for a million
            if entry.is_file():
                found.paths.append(path)
                found.labels.append(label)
            else:
                bad.append((path, "is a folder inside a class folder" if entry.is_dir() else "is no file"))
        if not entries:
            bad.append((name, "holds no picture"))
    return found


def by_csv(file: str) -> Found:
    """Lines of path and label, UTF-8; a first line `path,label` (or filename, file_name, file, image) is a heading.

    Raises
    ------
    FormatError
        A line that has not two fields, or is not UTF-8.
    OSError
        The file can't be read.
    """
    import csv

    paths: list[str] = []
    classes: list[str] = []
    with open(file, encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines)
        try:
            for row in reader:
                if not row:
                    continue
                if len(row) != 2 or not all(row):
                    raise FormatError(
                        f"line {reader.line_num} has the fields {row}; expected a path and a label", file=file
                    )
                if not paths and [field.strip().lower() for field in row] in _HEADINGS:
                    continue
                paths.append(row[0])
                classes.append(row[1])
        except (UnicodeDecodeError, csv.Error) as error:
            raise FormatError(f"is no CSV file in UTF-8, after line {reader.line_num}: {error}", file=file) from None
    names = _in_order(sorted(set(classes)))
    label_of = {name: label for label, name in enumerate(names)}
    return Found(names, paths, [label_of[name] for name in classes], [])


_HEADINGS = [
    [path, label] for path in ("path", "file", "filename", "file_name", "image") for label in ("label", "class")
]


def _entries(folder: str) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name)


def _in_order(names: list[str]) -> list[str]:
    """Sorted; by their value if all are numbers, so that 10 comes after 9."""
    if all(name.isascii() and name.isdecimal() for name in names):
        return sorted(names, key=lambda name: (int(name), name))
    return sorted(names)
