"""Which arrays of NumPy's files are the images and which the labels of a split, by their names."""

from __future__ import annotations

import os
from typing import NamedTuple

from ...datasets.split_names import KNOWN, known_split, split_named
from ...errors import FormatError
from . import layout, npz
from .common import Blocks, agreed_names, tell
from .names import CLASS_LABELS, CLASS_NAMES, Role, Wanted, pick, role_of, some


class NumpySource(NamedTuple):
    """What arrays hold: the blocks of each split, and the names of the classes."""

    splits: dict[str, Blocks]
    class_names: dict[int, str] | None


class _Member(NamedTuple):
    """An array with what its name says."""

    name: str
    array: npz.Stored
    role: Role


def archive_source(path: str, wanted: Wanted) -> NumpySource:
    """Read an .npz: Keras' x_train, MedMNIST's train_images, scikit-learn's data and target, …"""
    names = [name for name in npz.array_names(path) if name not in (CLASS_NAMES, CLASS_LABELS)]
    stem = os.path.splitext(os.path.basename(path))[0]
    wanted = _by_name(wanted, names, path)
    members = []
    for name in names:
        role = _role(name, wanted, path)
        if names == ["arr_0"] and not role.kind:  # numpy's own name: that of the file tells
            role = role_of(stem, Wanted())
            role = Role(role.kind or "images", role.split, "")
        if role.rest:
            role = Role("", role.split, role.rest)
        members.append(_Member(name, npz.Stored(path, name), role))
    others = npz.other_members(path)
    pairs = _pairs(members, others, wanted, path)
    if None in pairs:
        pairs = {layout.split_alone(os.path.dirname(path), stem, path): pairs[None]}
    return _source(pairs, [path])


def folder_source(folder: str, files: list[str], wanted: Wanted, config: str | None) -> NumpySource:
    """Read a folder of .npy and .npz files, whose names say what their arrays are."""
    arrays: dict[str, npz.Stored] = {}
    for file in files:
        path = os.path.join(folder, file)
        stem, suffix = os.path.splitext(file)
        if suffix.lower() == ".npy":
            found = {stem: npz.Stored(path, None)}
        else:
            inside = [
                name for name in npz.array_names(path) if name not in (CLASS_NAMES, CLASS_LABELS)
            ]
            found = {
                (stem if len(inside) == 1 else f"{stem} {name}"): npz.Stored(path, name)
                for name in inside
            }
        if twice := [name for name in found if name in arrays]:
            raise FormatError(f"has two files called {twice[0]}; leave one", file=folder)
        arrays |= found
    wanted = _by_name(wanted, [*arrays], folder)
    members = [_Member(name, array, role_of(name, wanted)) for name, array in arrays.items()]
    tables = [
        layout.TableFile(member.name, member.role.rest, member.role.split, member.name)
        for member in members
        if member.role.kind
    ]
    kept = {table.path for table in layout.chosen(folder, tables, config)} if tables else set()
    members = [member for member in members if member.name in kept or not member.role.kind]
    pairs = _pairs(members, [], wanted, folder)
    if None in pairs:
        name = os.path.basename(os.path.abspath(folder))
        pairs = {known_split(name) or "train": pairs[None]}
    layout.check_unread(
        folder,
        {
            os.path.basename(array.path): split
            for split, pair in pairs.items()
            for array in pair.values()
            if split
        },
        files,
    )
    archives = [os.path.join(folder, file) for file in files if not file.lower().endswith(".npy")]
    return _source(pairs, archives)


def _by_name(wanted: Wanted, names: list[str], path: str) -> Wanted:
    """Replace numbers of arrays by their names."""
    numbers = {
        kind: names[pick(names, number, kind, path, "array") or 0]
        for kind, number in wanted._asdict().items()
        if isinstance(number, int) and not isinstance(number, bool)
    }
    return wanted._replace(**numbers)


def _role(name: str, wanted: Wanted, path: str) -> Role:
    """Tell what an array of an archive is; x_ and y_ stand before a split of any name."""
    for letter, kind, is_wanted in (
        ("x_", "images", wanted.images),
        ("y_", "labels", wanted.labels),
    ):
        if name.startswith(letter) and not isinstance(is_wanted, str):
            split = split_named(name[2:])
            if split is None:
                raise FormatError(
                    f"has the array {name}; {name[2:]!r} is no name for a split: train, test, val"
                    " or another of a-z, 0-9, _ and -",
                    file=path,
                )
            return Role(kind, split, "")
    return role_of(name, wanted)


def _pairs(
    members: list[_Member], others: list[str], wanted: Wanted, path: str
) -> dict[str | None, dict[str, npz.Stored]]:
    """Bring together the images and the labels of each split."""
    named: dict[str | None, dict[str, _Member]] = {}
    for member in members:
        role = member.role
        if not role.kind:
            others = [*others, member.name]
            continue
        pair = named.setdefault(role.split, {})
        if role.kind in pair:
            both = f"{pair[role.kind].name} and {member.name}"
            raise FormatError(
                f"has both {both}, which are {role.kind} of one split; leave one, or choose:"
                f" {role.kind}={member.name!r} (--{role.kind} {member.name})",
                file=path,
            )
        pair[role.kind] = member
    _check_others(others, list(named.values()), wanted, path)
    _check_whole(named, wanted, path)
    return {
        split: {
            kind: member.array
            for kind, member in pair.items()
            if kind == "images" or wanted.labels is not False
        }
        for split, pair in named.items()
    }


def _check_others(
    others: list[str], pairs: list[dict[str, _Member]], wanted: Wanted, path: str
) -> None:
    """Raise if something would be left out, and the caller did not say what to take."""
    if not others and pairs:
        return
    if not pairs:
        raise FormatError(
            f"has the arrays {some(others)}; expected x_train, y_train, x_test, y_test, or other"
            " names that tell images from labels. images='name' and labels='name' say which they"
            " are (--images, --labels)",
            file=path,
        )
    if wanted.images is None:
        first = next(iter(pairs[0].values())).name
        raise FormatError(
            f"has {', '.join(others)} beside {first}; nothing tells what that is. Save an archive"
            " without it, name it like x_val and y_val if it is a split, or say what to take:"
            " images='name' and labels='name' (--images, --labels)",
            file=path,
        )
    tell(f"{path}: left out what is no image or label: {', '.join(others)}")


def _check_whole(named: dict[str | None, dict[str, _Member]], wanted: Wanted, path: str) -> None:
    """Raise if images or labels lack the other half; a source without any labels is whole."""
    if len(named) > 1 and None in named:
        one = next(iter(named[None].values())).name
        raise FormatError(
            f"has {one}, whose name says no split, beside others: name it like x_val and y_val",
            file=path,
        )
    has_labels = any("labels" in pair for pair in named.values())
    for split, pair in named.items():
        if "images" not in pair:
            raise FormatError(f"has no array {_partner(pair['labels'].name)}", file=path)
        # A name that is no usual split may mean something else.
        is_due = has_labels or split not in (None, *KNOWN)
        if wanted.labels is not None:
            is_due = wanted.labels is not False
        if is_due and "labels" not in pair:
            raise FormatError(
                f"has no array {_partner(pair['images'].name)}; labels=False takes the images"
                " alone (--labels none)",
                file=path,
            )


def _partner(name: str) -> str:
    """What the other half of images or labels would be called, as far as that can be told."""
    for one, other in (("x_", "y_"), ("y_", "x_")):
        if name.startswith(one):
            return other + name[2:]
    return f"that belongs to {name}"


def _check_widths(pairs: dict[str | None, dict[str, npz.Stored]], listed: int | None) -> None:
    """Raise if one-hot rows have another number of columns than those of another split, or than
    there are names.

    Where a split lacks a class, some programs leave its column out, and all behind it mean other
    classes.
    """
    first = None if listed is None else (CLASS_NAMES, listed)
    for pair in pairs.values():
        labels = pair.get("labels")
        width = npz.one_hot_width(labels) if labels is not None else None
        if labels is None or width is None:
            continue
        first = first or (labels.shown, width)
        if width != first[1]:
            raise FormatError(
                f"has {width:,} columns in {labels.shown} and {first[1]:,} in"
                f" {first[0]}: a column of one may be another class than that of the other."
                " Save the number of each class: labels.argmax(axis=1), where the columns are"
                " those of all classes",
                file=labels.path,
            )


def _source(pairs: dict[str | None, dict[str, npz.Stored]], archives: list[str]) -> NumpySource:
    """Open the arrays of each split, with the names of the classes that archives have."""
    names = agreed_names([(path, npz.npz_class_names(path)) for path in archives])
    is_listed = any(npz.has_listed_names(path) for path in archives)
    listed = len(names) if names and is_listed else None
    _check_widths(pairs, listed)
    blocks = {
        split: npz.pair_blocks(pair["images"], pair.get("labels"), listed)
        for split, pair in pairs.items()
        if split is not None
    }
    return NumpySource(blocks, names)
