"""hint(): what lies in a folder where a dataset was looked for, and what to do with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from ..core.info import info
from ..errors import IdxError
from ..storage.regular import FoundPath
from .sources import SOURCES

_MOST_LOOKED_AT = 1000
_MOST_LISTED = 6
_TABLES = (".csv", ".csv.gz", ".npz", ".parquet")
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")


def hint(directory: str, is_named: Callable[[str, str], bool]) -> str:
    """The end of an error that no images and labels were found: what is there, and the remedy.

    "" if nothing there is of use. Files that is_named tells to be found by their names are left
    out.
    """
    paths = [path for path in paths_around(directory) if not is_named(directory, path)]
    found = []
    for path in paths:
        try:
            about = info(FoundPath(os.path.join(directory, path)))
        except IdxError as error:
            if "pointer" in error.message:  # what git or DVC would fetch
                return f". {path} {error.message}"
        except OSError:
            continue
        else:
            shape = " x ".join(f"{n:,}" for n in about.shape) or "one number"
            found.append(f"{path} ({shape} {about.dtype.name})")
    if found:
        listed = ", ".join(found[:_MOST_LISTED])
        if len(found) > _MOST_LISTED:
            listed += f" and {len(found) - _MOST_LISTED} more"
        return (
            f". There are IDX files under other names: {listed}. idxio.Dataset(images, labels)"
            " takes any two"
        )
    tables = [path for path in paths if path.lower().endswith(_TABLES)]
    tables = [path for path in tables if os.path.basename(path) != SOURCES]
    if tables:
        return f". There is {tables[0]}, which idxio.import_dataset takes"
    if any(path.lower().endswith(_PICTURES) for path in paths):
        return ". There are pictures, which idxio.build takes"
    return ""


def paths_around(directory: str) -> list[str]:
    """The first files of a folder and of those in it, as paths from it on."""
    own = sorted(os.listdir(directory))
    inner = _inner(directory, own)
    files = [name for name in own if not name.startswith(".")]
    return [*files, *inner][:_MOST_LOOKED_AT]


def _inner(directory: str, names: list[str]) -> Iterator[str]:
    for folder in names:
        path = os.path.join(directory, folder)
        if folder.startswith(".") or not os.path.isdir(path):
            continue
        try:
            inner = sorted(os.listdir(path))
        except OSError:  # what can't be looked at is no hint
            continue
        yield from (os.path.join(folder, name) for name in inner[:_MOST_LOOKED_AT])
