"""Zip archives: opened, with errors that say what is wrong; and what one holds that is no .npz."""

from __future__ import annotations

import errno
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from ...errors import ChecksumError, FormatError, IdxError, naming
from ...storage.regular import open_regular

DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError)
"""What zipfile raises for an archive that is damaged."""
# What it raises besides where lengths and places in an archive are wrong.
_LOST = (ValueError, OverflowError, struct.error)
# The end of an archive: a record of 22 bytes and a comment.
_MOST_END = 22 + 0xFFFF

# A member by which programs' own files are known, which are zip archives inside.
_PROGRAMS = (
    (
        "data.pkl",
        "is a file of torch.save, whose objects are pickled; idxio never loads these, for they can"
        " run code. Save arrays: np.savez(file, images=images.numpy(), labels=labels.numpy())",
    ),
    ("workbook.xml", "is an Excel workbook: save the sheet as CSV UTF-8"),
    ("content.xml", "is a document of an office program: save the sheet as CSV in UTF-8"),
)


@contextmanager
def open_archive(path: str) -> Iterator[zipfile.ZipFile]:
    """Open an archive; turn the errors of zipfile into those of idxio."""
    try:
        with (
            naming(path),
            open(path, "rb", opener=open_regular) as file,
            zipfile.ZipFile(file) as archive,
        ):
            _check_count(file, archive)
            yield archive
    except IdxError:
        raise
    except (*DAMAGED, *_LOST) as error:
        raise ChecksumError(f"is damaged: {error}", file=path) from error
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        # zipfile went to a place before the start of the file.
        raise ChecksumError("is damaged: it states places that it has not", file=path) from error
    except (NotImplementedError, RuntimeError) as error:  # a method that Python has not; a password
        raise FormatError(f"can't be unpacked: {error}", file=path) from error


def _check_count(file: IO[bytes], archive: zipfile.ZipFile) -> None:
    """Raise BadZipFile if an archive states another number of members than its table has: zipfile
    reads as much of a table as the end of the file says, and no more.

    https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.16
    """
    file.seek(0, os.SEEK_END)
    file.seek(-min(file.tell(), _MOST_END), os.SEEK_END)
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    (stated,) = struct.unpack_from("<H", tail, at + 10)
    found = len(archive.infolist())
    if stated not in (found, 0xFFFF):  # which says that another record has the number
        raise zipfile.BadZipFile(f"it states {stated:,} members, and its table has {found:,}")


def not_an_npz(members: list[str], path: str) -> FormatError:
    """The error for an archive without an array; members are the names inside."""
    names = [os.path.basename(name) for name in members]
    for member, what in _PROGRAMS:
        if member in names:
            return FormatError(what, file=path)
    files = [name for name in members if not name.endswith("/")]
    if not files:
        return FormatError("is an empty zip archive", file=path)
    more = f" and {len(files) - 1:,} more" if len(files) > 1 else ""
    return FormatError(
        f"is a zip with {files[0]}{more}, and no arrays as an .npz has them: unpack it first, and"
        " name what comes out",
        file=path,
    )
