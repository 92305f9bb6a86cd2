"""The text of a journal: a line that lists the folders, and a line that lists the files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import IO

from .move import Move

_MOST = 1 << 20  # bytes of a journal that are read


def write_folders(file: IO[bytes], folders: list[str]) -> None:
    """Write the first line."""
    _write_line(file, [os.path.relpath(folder, folders[0]) for folder in folders])


def write_moves(file: IO[bytes], folders: list[str], moves: Sequence[Move]) -> None:
    """Write the second line, which makes the journal valid."""
    _write_line(file, [_row(folders, move) for move in moves])


def _row(folders: list[str], move: Move) -> list[object]:
    folder, name = os.path.split(move.path)
    return [folders.index(folder), os.path.basename(move.temporary), name, move.old, move.new]


def _write_line(file: IO[bytes], what: object) -> None:
    import json  # slow to import

    file.write(f"{json.dumps(what)}\n".encode())
    file.flush()


def read_journal(folder: str, file: IO[bytes]) -> tuple[list[str], list[Move] | None]:
    """Read a journal in this folder: its folders, and its moves or None if they are incomplete."""
    import json

    data = file.read(_MOST)
    folders = [folder]
    moves: list[Move] = []
    try:
        first, second, _ = data.decode().split("\n")
        places = json.loads(first)
        folders += [os.path.normpath(os.path.join(folder, place)) for place in places[1:]]
        for place, temporary, name, old, new in json.loads(second):
            if not _is_name(name) or not _is_name(temporary) or not temporary.endswith(".tmp"):
                return folders, None
            path = os.path.join(folders[range(len(folders))[place]], name)
            hidden_path = os.path.join(os.path.dirname(path), temporary)
            before = None if old is None else (int(old[0]), int(old[1]))
            moves.append(Move(hidden_path, path, before, (int(new[0]), int(new[1])), path))
    except (ValueError, TypeError, IndexError, KeyError, OverflowError, RecursionError):
        return folders, None
    return folders, moves


def _is_name(text: object) -> bool:
    """Whether this can be the name of a file in a folder.

    ValueError if no file system has such a name.
    """
    if not isinstance(text, str) or os.path.basename(text) != text or text in ("", ".", ".."):
        return False
    return b"\0" not in os.fsencode(text)
