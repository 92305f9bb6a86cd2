"""What fetches ranges of one object in a store, and what it says of the object."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from ...errors import ChangedError

# Requests of one object that are under way at the same time.
CONNECTIONS = 12
INSTALL = 'pip install "idxio[remote]"'


class Answer(NamedTuple):
    """Bytes of an object from `start` on, as many as were asked for unless it ends."""

    data: memoryview
    start: int
    size: int
    """Of the whole object, in bytes."""
    tag: str | None
    """The ETag, or another mark that changes with the object."""


class Client(Protocol):
    """Fetches ranges of one object. Shared by threads."""

    def get(self, start: int, stop: int, tag: str | None) -> Answer:
        """The bytes [start, stop); with a tag, of the object that had this one.

        Raises FileNotFoundError, PermissionError, ChangedError for another tag, NoRangesError where
        the server gives no ranges or not this one, else OSError. No message has a secret.
        """

    def get_all(self) -> Answer:
        """All bytes, by one request."""


class NoRangesError(Exception):
    """The server gives objects only whole."""


class NoSuchRangeError(NoRangesError):
    """The object has no byte in this range: it is empty, or shorter than it was."""


class NoLengthError(OSError):
    """The server sends what it does not know the length of, as pages and listings."""


class NoCredentialsError(PermissionError):
    """The store was not asked: nothing tells who asks."""


class BrokenOffError(OSError):
    """An answer that ended early; the next one may be whole."""


def changed(name: str) -> ChangedError:
    """The error for an object that was replaced while it is read."""
    return ChangedError("was replaced since it was opened; open it again", file=name)
