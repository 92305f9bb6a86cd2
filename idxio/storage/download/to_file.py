"""download(): a file, or a section of one, from a web server to a path of this machine."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable
from typing import NamedTuple

from ...errors import naming
from .http import Answer, BrokenOffError, NoRangesError, RefusedError, ReplacedError, get

# Pauses in seconds before a request is sent again; then the server is given up.
_PAUSES = (0.2, 1.0)
# A try that brought so many bytes counts for nothing: a long file may break off often.
_WORTH = 1 << 20


class Section(NamedTuple):
    """The bytes [start, stop) of a file."""

    start: int
    stop: int


class _Part(NamedTuple):
    """What has arrived of a file, in PATH.part, and of which file it is, in PATH.part.json."""

    path: str
    url: str
    section: Section | None

    @property
    def _note(self) -> str:
        return f"{self.path}.json"

    @property
    def _digest(self) -> str:
        """Of the URL, which may have a password, and of the section."""
        return hashlib.sha256(repr((self.url, self.section)).encode()).hexdigest()

    def here(self) -> tuple[int, str | None, int | None]:
        """The number of bytes that are here of this file, its tag, and how many it takes."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            with naming(self._note), open(self._note, encoding="utf-8") as file:
                note = json.load(file)
            if note["file"] == self._digest and note["tag"]:
                return os.path.getsize(self.path), str(note["tag"]), note["length"]
        return 0, None, None

    def note(self, tag: str | None, length: int | None) -> None:
        """Write which file this is, before the first of its bytes."""
        note = {"file": self._digest, "tag": tag, "length": length}
        with naming(self._note), open(self._note, "w", encoding="utf-8") as file:
            json.dump(note, file)

    def forget(self) -> None:
        """Remove what is here."""
        for path in (self._note, self.path):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)


def download(
    url: str,
    path: str,
    arrived: Callable[[int, int | None], None],
    *,
    section: Section | None = None,
    most: int,
) -> bool:
    """Write what lies at a URL to a path; True if a part of it was here before.

    What has arrived stays beside the path when this is interrupted or fails, and is not asked for
    again as long as the server's file has the same tag.

    arrived : called with the number of bytes that are here, and how many it takes if that is known.
    most : bytes that the file may have; a server that sends more is not listened to.

    Raises
    ------
    RefusedError
        The server does not give it. The text says why.
    OSError
        The file can't be written here.
    """
    part = _Part(f"{path}.part", url, section)
    resumed = part.here()[0] > 0
    pauses = iter(_PAUSES)
    was_replaced = False
    while True:
        before = part.here()[0]
        try:
            _go_on(part, arrived, most)
            break
        except ReplacedError:
            part.forget()
            resumed = False
            was_replaced = True
            reason = "replaced the file each time while it was fetched"
        except BrokenOffError as error:
            reason = str(error)
        if part.here()[0] - before >= _WORTH and not was_replaced:
            pauses = iter(_PAUSES)
        pause = next(pauses, None)
        if pause is None:
            raise RefusedError(reason)
        time.sleep(pause)
    os.replace(part.path, path)
    part.forget()
    return resumed


def _go_on(part: _Part, arrived: Callable[[int, int | None], None], most: int) -> None:
    """Fetch what is missing of a part."""
    have, tag, length = part.here()
    if length is not None and have == length:
        return
    first, stop = part.section or (0, None)
    with get(part.url, first + have, stop, tag=tag) as answer:
        if part.section is not None and not answer.is_range:
            raise NoRangesError("gives no ranges")
        if not answer.is_range:  # all of it, though the rest may have been asked for
            have = 0
        if answer.start != (first + have if answer.is_range else 0):
            raise RefusedError("gives other ranges than it is asked for")
        wanted = _length(answer, part.section)
        if have and wanted != length:
            raise ReplacedError
        if wanted is not None and wanted > most:
            raise RefusedError(f"gives {wanted:,} bytes, more than this file can have")
        part.note(answer.tag, wanted)
        with naming(part.path), open(part.path, "ab" if have else "wb") as file:
            arrived(have, wanted)
            for block in answer.blocks():
                file.write(block)
                have += len(block)
                if have > most:
                    part.forget()
                    raise RefusedError(f"gives more than {most:,} bytes")
                arrived(have, wanted)
    if wanted is not None and have < wanted:
        raise BrokenOffError(f"gave {have:,} bytes, where {wanted:,} were promised")
    if wanted is not None and have > wanted:
        raise ReplacedError


def _length(answer: Answer, section: Section | None) -> int | None:
    """The bytes that are to be here in the end."""
    if section is None:
        return answer.size
    stop = section.stop if answer.size is None else min(section.stop, answer.size)
    return stop - section.start
