"""Images and labels that are opened together are of one time: another process may replace both in
between.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import ChangedError
from ..storage.as_read import AsRead, states
from ..storage.journal import ensure_complete
from .classes import naming_places
from .metadata import DESCRIPTION


@contextmanager
def opened_together(images: str, labels: str) -> Iterator[None]:
    """Raise ChangedError if a pair, or the names of its classes, is replaced inside the block."""
    found = states_of_pair(images, labels)
    yield
    check_together(found)


def states_of_pair(images: str, labels: str) -> AsRead:
    """What images, labels and the descriptions that may name the classes are now."""
    folders = [os.path.dirname(path) for path in naming_places(labels)]
    folders += [os.path.dirname(folder) for folder in folders]
    descriptions = (os.path.join(folder, DESCRIPTION) for folder in folders)
    return states([images, labels, *descriptions])


def check_together(found: AsRead) -> None:
    """Raise ChangedError unless all files are what they were when they were found, and
    FileNotFoundError if one is being replaced.
    """
    folders = (os.path.dirname(path) for path, state in found.items() if state is not None)
    for folder in dict.fromkeys(folders):
        ensure_complete(folder)
    check_same(found)


def check_same(found: AsRead) -> None:
    """Raise ChangedError unless all files are what they were when they were found."""
    now = states(found)
    for path, state in found.items():
        if now[path] != state:
            raise ChangedError(
                "was replaced or written to by another process while the dataset was opened, so"
                " that images and labels may be no pair; open it again",
                file=path,
            )
