"""dataset.json: the description of a dataset, beside its files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import FormatError
from ..storage.regular import read_regular
from ..storage.targets import write_file

DESCRIPTION = "dataset.json"
ABOUT = ("licence", "source", "citation", "description")
"""What a person tells of a dataset; it goes along into whatever is made of it."""
LICENSE = "license"
"""How others spell the key of the licence; it counts where there is no "licence"."""
_MAX_BYTES = 16 << 20  # 100,000 classes with names of 100 letters take 12 MB


def read_description(folder: str) -> dict[str, Any]:
    """The `dataset.json` in a folder; empty if there is none.

    Raises
    ------
    FormatError
        It is no JSON object, has a key twice, is longer than 16 MiB, or a pipe or device.
    OSError
        It can't be read, or is a link that leads nowhere.
    """
    path = os.path.join(folder, DESCRIPTION)
    if not os.path.lexists(path):
        return {}
    data = read_regular(path, _MAX_BYTES)
    try:
        description = from_json(data)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"is no JSON object ({error})", file=path) from error
    if not isinstance(description, dict):
        raise FormatError(f"is no JSON object, but {description!r:.80}", file=path)
    return description


def from_json(data: bytes) -> Any:
    """What JSON text holds; ValueError or RecursionError if it can't be read, or an object has a
    key twice, of which json takes the last without a word.
    """
    import json  # slow to import

    return json.loads(data.decode(), object_pairs_hook=_without_doubles)


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key, value in pairs:
        if key in members:
            raise ValueError(
                f"the key {key!r:.80} is there twice, and nothing tells which one counts; remove"
                " one of them"
            )
        members[key] = value
    return members


def write_description(folder: str, description: dict[str, Any]) -> None:
    """Write or replace the `dataset.json` in a folder."""
    write_file(os.path.join(folder, DESCRIPTION), as_json(description))


def as_json(description: dict[str, Any]) -> bytes:
    """The content of a `dataset.json`."""
    import json  # slow to import

    return f"{json.dumps(description, indent=2)}\n".encode()


def about_of(description: Mapping[str, Any]) -> dict[str, str]:
    """What a `dataset.json` tells of licence, source, citation and description."""
    values = {key: description.get(key) for key in ABOUT}
    values["licence"] = values["licence"] or description.get(LICENSE)
    return {key: value for key, value in values.items() if isinstance(value, str) and value}


def checked_about(about: Mapping[str, str] | None) -> dict[str, str]:
    """What a caller tells of a dataset; ValueError or TypeError for anything else."""
    for key, value in (about or {}).items():
        if key not in ABOUT:
            raise ValueError(f"about has the keys {', '.join(ABOUT)}, not {key!r}")
        if not isinstance(value, str):
            raise TypeError(f"about has texts, and {key} is {value!r:.40}")
    return about_of(about or {})


def merged_about(parts: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """What is to be told of data that were merged: all that is told of a part, once.

    A licence that is not told of a part is unknown.
    """
    parts = list(parts)
    merged = {}
    for key in ABOUT:
        joint = " AND " if key == "licence" else "\n\n"
        told = [part.get(key, "unknown" if key == "licence" else "") for part in parts]
        texts = dict.fromkeys(text for one in told for text in one.split(joint) if text)
        if texts.keys() - {"unknown"}:
            merged[key] = joint.join(texts)
    return merged
