"""Members of a zip archive on a server, of which only they are fetched."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import shutil
import zipfile
from collections.abc import Callable
from typing import Any

from ...errors import naming
from ...storage.download.http import (
    BrokenOffError,
    NoRangesError,
    RefusedError,
    ReplacedError,
    get,
)
from ...storage.download.to_file import Section, download
from .archive import DAMAGED, end_of, member_named, oddity
from .proof import digest
from .table import PublishedFile

# Bytes from the end of the archive that are fetched first. The list of EMNIST's 31 members takes
# some 3 KB.
_END = 1 << 16
# Bytes of an archive of a size that is not known, from a server that gives no ranges.
_MOST = 4 << 30


class _Missing(Exception):
    """Bytes of the archive are needed that are not here."""


class _BeforeStartError(OSError):
    """A place before the first byte of the archive."""


class _Pieces(io.RawIOBase):
    """A file of which some pieces are here. What zipfile reads of an archive is among them."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.pieces: list[tuple[Section, Any]] = []
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise _BeforeStartError(errno.EINVAL, "seek before the start")
        self._position = base + offset
        return self._position

    def readinto(self, out: Any) -> int:
        start = self._position
        if start >= self.size:
            return 0
        for section, file in self.pieces:
            if section.start <= start < section.stop:
                file.seek(start - section.start)
                data: bytes = file.read(min(len(out), section.stop - start))
                out[: len(data)] = data
                self._position += len(data)
                return len(data)
        raise _Missing(f"gives an archive without a list of members in its last {_END:,} bytes")


class ZipMirror:
    """An archive at a URL."""

    def __init__(self, url: str, folder: str, size: int | None, sha256: str | None) -> None:
        """folder: where what arrives is kept; size, sha256: of the published archive."""
        self.url = url
        name = hashlib.sha256(url.encode()).hexdigest()[:16]
        self._path = os.path.join(folder, f"{name}.zip")
        self._size = size
        self._sha256 = sha256
        self._archive: _Pieces | None = None
        self._is_whole = False

    def bring(
        self, file: PublishedFile, path: str, arrived: Callable[[int, int | None], None]
    ) -> bool:
        """Write a file, in any folder of the archive, to a path.

        Only its bytes travel, unless the server gives no ranges. True if a part was here before.

        Raises
        ------
        RefusedError
            The server does not give it, or the archive is damaged.
        """
        archive = self._archive or self._open(arrived)
        try:
            with contextlib.closing(zipfile.ZipFile(archive)) as opened:
                return self._unpack(opened, archive, file, path, arrived)
        except (*DAMAGED, _BeforeStartError) as error:
            raise RefusedError(f"gives an archive that is damaged ({error})") from None
        except _Missing as error:
            raise RefusedError(str(error)) from None

    def _open(self, arrived: Callable[[int, int | None], None]) -> _Pieces:
        """Fetch the end of the archive, where its members are listed."""
        if os.path.exists(self._path):
            return self._open_whole()
        try:
            with get(self.url, -_END) as answer:
                if not answer.is_range or answer.size is None:
                    raise NoRangesError("gives no ranges")
                size, section = answer.size, Section(answer.start, answer.size)
                end = b"".join(answer.blocks())
        except NoRangesError:
            download(self.url, self._path, arrived, most=self._size or _MOST)
            return self._open_whole()
        except (BrokenOffError, ReplacedError) as error:
            raise RefusedError(str(error) or "gives no ranges of the archive") from None
        archive = _Pieces(size)
        archive.pieces.append((section, io.BytesIO(end)))
        self._archive = archive
        return archive

    def _open_whole(self) -> _Pieces:
        """Open the archive that was fetched whole, by this call or one that was interrupted."""
        size = os.path.getsize(self._path)
        archive = _Pieces(size)
        with naming(self._path):
            archive.pieces.append((Section(0, size), open(self._path, "rb")))
        self._archive, self._is_whole = archive, True
        return archive

    @property
    def is_published(self) -> bool:
        """Whether the archive is the published one: by its SHA-256 where all of it is here, else by
        its size alone.
        """
        if self._archive is None or self._archive.size != self._size:
            return False
        return not self._is_whole or digest(self._path, "sha256") == self._sha256

    def _unpack(
        self,
        opened: zipfile.ZipFile,
        archive: _Pieces,
        file: PublishedFile,
        path: str,
        arrived: Callable[[int, int | None], None],
    ) -> bool:
        member = member_named(opened, file.name)
        if member is None:
            raise RefusedError(f"gives an archive without {file.name}")
        odd = oddity(member, file.most)
        if odd is not None:
            raise RefusedError(f"gives an archive in which {file.name} {odd}")
        resumed = False
        piece = f"{path}.member"
        if not self._is_whole:
            section = Section(member.header_offset, end_of(opened, member))
            resumed = download(self.url, piece, arrived, section=section, most=file.most)
            with naming(piece):
                archive.pieces.append((section, open(piece, "rb")))
        try:
            with opened.open(member) as packed, naming(path), open(path, "wb") as output:
                shutil.copyfileobj(packed, output, 1 << 20)
        finally:
            if not self._is_whole:
                archive.pieces.pop()[1].close()
                os.unlink(piece)
        return resumed

    def close(self, *, keep: bool) -> None:
        """Close the archive; keep one that was fetched whole, or remove it."""
        if self._archive is not None:
            for _, file in self._archive.pieces:
                file.close()
        if self._is_whole and not keep:
            os.unlink(self._path)
