"""The mirrors of a dataset, asked one after the other until one gives the right file."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Sequence
from typing import Protocol

from ...storage.download.http import RefusedError, shown
from ...storage.download.to_file import download
from ...storage.remote.url import Url
from . import proof
from .on_this_machine import Found
from .table import Published, PublishedFile
from .zip_mirror import ZipMirror

Arrived = Callable[[int, int | None], None]


class _Mirror(Protocol):
    url: str

    def bring(self, file: PublishedFile, path: str, arrived: Arrived) -> bool: ...

    def close(self, *, keep: bool) -> None: ...


class _FolderMirror:
    """Files in a folder of a web server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def bring(self, file: PublishedFile, path: str, arrived: Arrived) -> bool:
        """Write a file to a path; True if a part of it was here before."""
        url = Url(self.url, {}).inside(file.name).text
        return download(url, path, arrived, most=file.most)

    def close(self, *, keep: bool) -> None:
        """Nothing to do."""


class Mirrors:
    """Servers that have a dataset. Use it in a ``with`` block."""

    def __init__(
        self, dataset: Published, urls: Sequence[str], folder: str, tell: Callable[[str], None]
    ) -> None:
        """tell: is called with a sentence for each mirror that did not give a file."""
        self._dataset = dataset
        self._folder = folder
        self._tell = tell
        self._mirrors: list[tuple[int, _Mirror]] = [
            (number, self._mirror(url)) for number, url in enumerate(urls, 1)
        ]

    def _mirror(self, url: str) -> _Mirror:
        if Url(url, {}).path.endswith(".zip"):
            dataset = self._dataset
            return ZipMirror(url, self._folder, dataset.archive_size, dataset.archive_sha256)
        return _FolderMirror(url)

    def bring(self, file: PublishedFile, arrived: Arrived) -> Found:
        """Fetch a file into the folder.

        The mirror that gave a file is the first that is asked for the next one.

        Raises
        ------
        OSError
            No mirror gave it: the text says what each did. Or it can't be written.
        """
        path = os.path.join(self._folder, file.name)
        reasons = []
        for place, (number, mirror) in enumerate(self._mirrors):
            try:
                inside = self._proved(mirror, file, path, arrived)
            except (RefusedError, proof.WrongFileError) as error:
                gave = "gave " if isinstance(error, proof.WrongFileError) else ""
                reasons.append(f"mirror {number} ({shown(mirror.url)}) {gave}{error}")
                if place + 1 < len(self._mirrors):
                    self._tell(f"{self._dataset.name}: {file.name}: {reasons[-1]}")
                continue
            self._mirrors.insert(0, self._mirrors.pop(place))
            return Found(path, inside, shown(mirror.url))
        text = f"{file.name} could not be fetched: {'; '.join(reasons)}"
        raise OSError(errno.EIO, text, self._dataset.name)

    def _proved(
        self, mirror: _Mirror, file: PublishedFile, path: str, arrived: Arrived
    ) -> proof.Inside:
        """Fetch a file of one mirror, and prove it."""
        while True:
            resumed = mirror.bring(file, path, arrived)
            # Of emnist-mnist no checksum is known: a member of the published archive that has the
            # right length is it.
            is_vouched = (
                file.packed_md5 is None and isinstance(mirror, ZipMirror) and mirror.is_published
            )
            try:
                return proof.prove(path, file, is_vouched=is_vouched)
            except proof.WrongFileError:
                os.unlink(path)
                if not resumed:  # else the part that was here may have been another file's
                    raise

    def __enter__(self) -> Mirrors:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        is_interrupt = kind is not None and not issubclass(kind, Exception)
        for _, mirror in self._mirrors:
            with contextlib.suppress(OSError):
                mirror.close(keep=is_interrupt)
