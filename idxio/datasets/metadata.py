"""dataset.json: the description of a dataset, beside its files."""

from __future__ import annotations

import os
from typing import Any

from ..errors import FormatError
from ..storage.regular import read_regular
from ..storage.targets import write_file

DESCRIPTION = "dataset.json"
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
