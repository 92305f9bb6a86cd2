"""The files of each split in a source, by their names; ambiguous names are errors."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from ...compression.registry import SUFFIX_PATTERN
from ...datasets.metadata import DESCRIPTION, read_description
from ...datasets.split_names import has_word_inside, known_split, part_of, split_named, words_in
from ...errors import FormatError

# The shards of Hugging Face's datasets: train-00000-of-00002.parquet, with a hash behind it in
# older ones.
_SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})(?:-[0-9a-f]+)?\.parquet", re.IGNORECASE)
# The same count in the name of a table of any kind, in other programs' ways too: train_1_of_3.
_COUNTED = re.compile(
    r"(.+[-_])(\d+)([-_]of[-_](\d+))(?:-[0-9a-f]+)?(\.(?:parquet|csv))", re.IGNORECASE
)
# Those of the Hub's own conversion, which count from 0 and don't say how many they are.
_NUMBER = re.compile(r"(\d{4})\.parquet", re.IGNORECASE)
_NOT_YET = rf"(\.({SUFFIX_PATTERN}|zip|part|partial|crdownload|download|incomplete|tmp))?"
_SUFFIXES = {
    # A packed or half downloaded table is not left out: reading it raises, and says what it is.
    "Parquet": re.compile(rf".*\.parquet{_NOT_YET}", re.IGNORECASE),
    "CSV": re.compile(rf".*\.csv{_NOT_YET}", re.IGNORECASE),
    "NumPy": re.compile(r".*\.np[yz]", re.IGNORECASE),
    # Other programs' tables, which are not read here and may be a split.
    "another format": re.compile(
        r".*\.(tsv|jsonl|ndjson|arrow|ipc|feather|orc|avro|arff|pq|parq|xlsx?|ods|tfrecords?"
        r"|h5|hdf5|mat|pkl|pickle|pt)"
        rf"{_NOT_YET}",
        re.IGNORECASE,
    ),
    "IDX": re.compile(r".*[-_.](images?|labels?)[-_.]idx\d.*", re.IGNORECASE),
}
_TABLES = ("Parquet", "CSV")
# Files beside the splits of a dataset that may have the name of a split and have no records.
_NO_DATA = {
    ".py", ".ipynb", ".sh", ".r", ".log", ".md", ".html", ".pdf",
    ".yaml", ".yml", ".toml", ".png", ".jpg", ".jpeg",
}  # fmt: skip
PNG = "PNG folders"


class FolderFiles(NamedTuple):
    """The kind of files in a folder, and their names."""

    kind: str
    """ "Parquet", "CSV", "NumPy", `PNG`, or "" for nothing that becomes a dataset."""
    names: list[str]
    """The files, or folders of pictures, as paths below the folder."""


class TableFile(NamedTuple):
    """A table, or an array of NumPy's, with what its name says."""

    path: str
    config: str
    """What stands before the split: the name of a configuration or of a dataset."""
    split: str | None
    """None where the name says none."""
    group: str
    """The same for files that can be parts of one split."""


def look(folder: str, stated: dict[str, int]) -> FolderFiles:
    """Find the kind of a folder's files; FormatError if two kinds could be the dataset."""
    by_kind: dict[str, list[str]] = {}
    for name in _files(folder):
        for kind, pattern in _SUFFIXES.items():
            if pattern.fullmatch(os.path.basename(name)) and (
                kind in _TABLES or os.path.dirname(name) == ""
            ):
                by_kind.setdefault(kind, []).append(name)
    with_tables = {
        name.split(os.sep)[0]
        for kind in _TABLES
        for name in by_kind.get(kind, [])
        if os.sep in name
    }
    folders = [name for name in _entries(folder) if _is_folder(os.path.join(folder, name))]
    folders = [name for name in folders if name not in with_tables]
    if any(known_split(name) or name in stated for name in folders):
        by_kind[PNG] = folders
    by_kind = {kind: by_kind[kind] for kind in (*_SUFFIXES, PNG) if kind in by_kind}
    if len(by_kind) > 1:
        kinds = " and ".join(f"{kind} ({names[0]})" for kind, names in by_kind.items())
        raise FormatError(
            f"has {kinds}; move away what is not to be imported, or name one file", file=folder
        )
    kind = next(iter(by_kind), "")
    if kind in (*_TABLES, "NumPy", PNG):
        return FolderFiles(kind, by_kind[kind])
    return FolderFiles("", [])


def _is_folder(path: str) -> bool:
    """Tell whether to read a path as a folder.

    A dead link or a pipe counts, so that reading it fails.
    """
    return not os.path.isfile(path)


def _entries(folder: str) -> list[str]:
    return sorted(name for name in os.listdir(folder) if not name.startswith("."))


def _files(folder: str) -> list[str]:
    """List the files in and below a folder as relative paths, ordered by their numbers."""
    paths = []
    for path, folders, names in os.walk(folder):
        below = os.path.relpath(path, folder)
        parts = [] if below == "." else below.split(os.sep)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths += [os.path.join(*parts, name) for name in names if not name.startswith(".")]
    return sorted(
        paths, key=lambda name: [int(x) if x.isdecimal() else x for x in re.split(r"(\d+)", name)]
    )


def described_folder(folder: str, table: str) -> str:
    """Return the folder whose description is about a table: the nearest one that has one."""
    above = os.path.dirname(table)
    while above and not os.path.lexists(os.path.join(folder, above, DESCRIPTION)):
        above = os.path.dirname(above)
    return os.path.join(folder, above) if above else folder


def stated_records(folder: str) -> dict[str, int]:
    """Read from the description how many records each exported split has."""
    records = read_description(folder).get("records", {})
    if not isinstance(records, dict) or not all(isinstance(n, int) for n in records.values()):
        path = os.path.join(folder, DESCRIPTION)
        raise FormatError(
            f'has "records" that are no object of numbers: {records!r:.80}', file=path
        )
    return records


def folders_of(folder: str, names: list[str], stated: dict[str, int]) -> dict[str, str]:
    """Return the folder of each split."""
    splits: dict[str, str] = {}
    for name in names:
        split = split_named(name)
        if split is None:
            raise FormatError(
                f"has the folder {name!r}, which names no split; {_NAMING}", file=folder
            )
        if split in splits:
            raise FormatError(
                f"has both {splits[split]} and {name}, which are one split; leave one", file=folder
            )
        splits[split] = name
    check_stated(folder, "folder", splits, stated)
    check_unread(folder, {name: split for split, name in splits.items()}, names)
    if pictures := [name for name in _entries(folder) if name.lower().endswith(".png")]:
        raise FormatError(
            f"has the picture {pictures[0]} beside the folders {', '.join(names)}, expected it in"
            " the folder of a class; it would be left out: move it there, or away",
            file=folder,
        )
    return splits


def check_unread(folder: str, split_of: dict[str, str], known: list[str]) -> None:
    """Raise if something would be left out whose name says a split that is not read: test.txt,
    mnist_test.dat, test.csv~, test.zip.

    split_of has the split of each table or folder of pictures that is read; known are also those
    that the caller did not choose.
    """
    for place in sorted({"", *(above for name in split_of for above in _folders_above(name))}):
        there = {split for name, split in split_of.items() if _is_in(name, place)}
        for entry in _entries(os.path.join(folder, place)):
            name = os.path.join(place, entry)
            words = words_in(entry)
            is_no_data = os.path.splitext(entry)[1].lower() in _NO_DATA
            if not words or is_no_data or there & {split for _, split in words}:
                continue
            if not any(one == name or _is_in(one, name) for one in known):
                raise FormatError(
                    f"has {name}, which would be left out, and by its name is of a split that"
                    f" nothing else is of ({words[-1][0]}); expected .csv or .parquet files, or"
                    " folders of PNG files, of all splits. Unpack or convert it, or move it away",
                    file=folder,
                )


def _folders_above(path: str) -> list[str]:
    parts = path.split(os.sep)
    return [os.sep.join(parts[:i]) for i in range(1, len(parts))]


def _is_in(path: str, folder: str) -> bool:
    return not folder or path.startswith(folder + os.sep)


def check_stated(folder: str, what: str, splits: dict[str, str], stated: dict[str, int]) -> None:
    """Raise if an exported split is missing, or there is one that was not exported with the others:
    its labels may mean other classes.

    splits has the name of what each is read from.
    """
    there = {split_named(name) for name in stated}
    if stated and (other := [name for split, name in splits.items() if split not in there]):
        raise FormatError(
            f"has the {what} {other[0]}, of which {DESCRIPTION} does not tell, so that its labels"
            " may mean other classes; move it away, or add its records there",
            file=folder,
        )
    if lacking := [name for name in stated if split_named(name) not in splits]:
        raise FormatError(f"has no {what} {lacking[0]}, of which {DESCRIPTION} tells", file=folder)


_NAMING = "name it train, test, val, or another name of a-z, 0-9, _ and -"


def tables_of(
    folder: str,
    names: list[str],
    config: str | None,
    stated: dict[str, dict[str, int]],
    *,
    is_whole: bool,
) -> dict[str, list[str]]:
    """The files of each split among tables, all of one suffix, in their order; stated has the
    records that the description of each states, is_whole if they are all of a folder.

    Raises
    ------
    FormatError
        A name leaves open which split it is; there are several configurations and none, or another,
        was chosen; files are no parts of one split, or one is missing.
    """
    tables = chosen(folder, [_table(folder, name, stated[name]) for name in names], config)
    split_of = {table.path: table.split or _unnamed(folder, table, len(tables)) for table in tables}
    splits: dict[str, list[TableFile]] = {}
    for table in tables:
        splits.setdefault(split_of[table.path], []).append(table)
    for split, parts in splits.items():
        if len({part.group for part in parts}) > 1:
            some = ", ".join(dict.fromkeys(os.path.basename(part.path) for part in parts))
            raise FormatError(
                f"has more than one file for the split {split}, and no shards of one: {some}. Name"
                " one of them, or move away what is not to be imported",
                file=folder,
            )
    if is_whole:
        _check_shards(folder, [table.path for table in tables])
        check_unread(folder, split_of, names)
    return {
        split: [os.path.join(folder, part.path) for part in parts]
        for split, parts in splits.items()
    }


def _table(folder: str, path: str, stated: dict[str, int]) -> TableFile:
    """Derive configuration, split and group from the names of a table and of its folders."""
    *above, file = path.split(os.sep)
    above = [name for name in above if name.lower() != "data"]  # of the Hub, where it means nothing
    stem = _stem(file)
    whole = os.path.join(folder, path)
    before = ""
    split = None
    # A CSV file is a whole split.
    group = (
        os.path.dirname(path) + re.sub(r"\d+", "#", stem)
        if _SUFFIXES["Parquet"].fullmatch(file)
        else path
    )
    if match := _SHARD.fullmatch(file):
        before, split = part_of(match[1])
        split = split or split_named(match[1])
        group = f"{os.path.dirname(path)}{match[1]} of {match[3]}"
        if split is None:
            raise FormatError(
                f"has a name that tells no split: {match[1]!r}; {_NAMING}", file=whole
            )
    elif stem in stated:
        split = split_named(stem)
    elif words := words_in(stem):
        if len({meant for _, meant in words}) > 1:
            both = " and ".join(word for word, _ in words)
            raise FormatError(f"has {both} in its name; {_NAMING}", file=whole)
        word, split = words[-1]
        before = stem[: stem.rindex(word)]
    if above and (split is None or known_split(above[-1])):
        place = split_named(above[-1])
        if place is None or split not in (None, place):
            raise FormatError(f"does not say which split it is of; {_NAMING}", file=whole)
        split = place
        above.pop()
    config = "/".join([*above, *([before.strip("-_. ")] if before.strip("-_. ") else [])])
    return TableFile(path, config, split, group)


def _stem(file: str) -> str:
    return re.sub(rf"\.(parquet|csv){_NOT_YET}$", "", file, flags=re.IGNORECASE)


def chosen(folder: str, tables: list[TableFile], config: str | None) -> list[TableFile]:
    """Select the tables of the chosen configuration, or of the only one."""
    named = sorted({table.config for table in tables} - {""})
    if config is not None:
        if not (chosen := [table for table in tables if table.config == config]):
            has = f"; it has {', '.join(named)}" if named else ""
            raise FormatError(
                f"has no configuration {config!r}{has}", file=folder or tables[0].path
            )
        return chosen
    in_named = {table.split for table in tables if table.config}
    if len(named) > 1 or in_named & {table.split for table in tables if not table.config}:
        has = ", ".join(named) + (" and files of none" if len(named) == 1 else "")
        raise FormatError(
            f"has several configurations or datasets: {has}. Choose one: config={named[0]!r}"
            f" (--config {named[0]})",
            file=folder,
        )
    return tables


def _unnamed(folder: str, table: TableFile, count: int) -> str:
    """Return the split of a table whose name has none: train if it is alone, else its name."""
    stem = _stem(os.path.basename(table.path))
    path = os.path.join(folder, table.path)
    if count > 1 and re.search(r"[a-zA-Z]", stem) and not has_word_inside(stem):
        return _said(split_named(stem), path)
    return split_alone(folder, stem, path)


def split_alone(folder: str, stem: str, path: str) -> str:
    """Return the split of a file that is alone, by its name: train if that says none."""
    if not re.search(r"[a-zA-Z]", stem):  # as 0000.parquet of the Hub lies in a folder of its split
        return _said(known_split(os.path.basename(os.path.abspath(folder))), path)
    words = {split for _, split in words_in(stem)}
    if len(words) > 1 or (not words and has_word_inside(stem)):
        return _said(None, path)
    return words.pop() if words else "train"


def _said(split: str | None, path: str) -> str:
    if split is None:
        raise FormatError(f"does not say which split it is of; {_NAMING}", file=path)
    return split


def _check_shards(folder: str, paths: list[str]) -> None:
    """Raise if a shard that the names count is missing or doubled."""
    there: dict[tuple[str, str, str], set[int]] = {}
    in_folder: dict[str, set[int]] = {}
    for path in paths:
        above, name = os.path.split(path)
        if match := _NUMBER.fullmatch(name):
            in_folder.setdefault(above, set()).add(int(match[1]))
        if match := _COUNTED.fullmatch(name):
            numbers = there.setdefault((match[1], match[3], match[5].lower()), set())
            if int(match[2]) in numbers:
                raise FormatError(
                    f"has the same shard twice: {path} and another name of it", file=folder
                )
            numbers.add(int(match[2]))
    for (before, behind, suffix), numbers in there.items():
        width = len(behind.lower().partition("of")[2]) - 1
        count = int(behind[-width:])
        # The Hub counts from 0, in five digits; of others some count from 1.
        first = int(count in numbers or (width < 5 and 0 not in numbers))
        if missing := [i for i in range(first, first + count) if i not in numbers]:
            raise FormatError(
                f"has no {before}{missing[0]:0{width}}{behind}{suffix}; {len(numbers)} of {count}"
                " such files are there",
                file=folder,
            )
    for above, numbers in in_folder.items():
        if missing := [i for i in range(max(numbers)) if i not in numbers]:
            raise FormatError(
                f"has no {os.path.join(above, f'{missing[0]:04}.parquet')}, and one that counts"
                f" on, {max(numbers):04}.parquet; fetch it, or name the others so that they don't"
                " count from 0",
                file=folder,
            )
