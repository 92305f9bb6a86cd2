"""The IDX files of a folder, for commands that take a folder as well."""

from __future__ import annotations

import errno
import os

from ..core.info import info
from ..errors import IdxError
from ..storage.regular import FoundPath


def files_of(path: str) -> list[str]:
    """Return the path itself, or of a folder the IDX files in it, by name; OSError if it has none.

    A file belongs to them by its content. One that a name calls images or labels does too: it may
    be damaged.
    """
    if not os.path.isdir(path):
        return [path]
    from ..datasets.names import named_role

    files: list[str] = []
    for name in sorted(os.listdir(path)):
        file = FoundPath(os.path.join(path, name))
        if name.startswith(".") or os.path.isdir(file):
            continue
        if named_role(name) or _is_idx(file):
            files.append(file)
    if not files:
        text = f"holds no IDX file{_inner_folder(path)}"
        raise FileNotFoundError(errno.ENOENT, text, path)
    return files


def _inner_folder(path: str) -> str:
    """The end of an error that a folder has no IDX file: the first folder in it that has one."""
    from ..datasets.beside import paths_around

    for inner in paths_around(path):
        folder = os.path.join(path, os.path.dirname(inner))
        if os.path.dirname(inner) and _is_idx(os.path.join(path, inner)):
            return f" itself; the folder {folder} does: name that one"
    return ""


def _is_idx(file: str) -> bool:
    if not os.path.isfile(file):  # a pipe would be waited for
        return False
    try:
        info(file)
    except (IdxError, OSError):
        return False
    return True
