"""Members of a zip archive, by the last part of their names."""

from __future__ import annotations

import zipfile
import zlib

DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError)
"""What zipfile raises for an archive that is damaged, or packed in a way that it does not know."""


def member_named(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo | None:
    """The member of this name in any folder; None if there is none."""
    for member in archive.infolist():
        if member.filename.rpartition("/")[2] == name:
            return member
    return None


def oddity(member: zipfile.ZipInfo, most: int) -> str | None:
    """What is wrong with a member before it is unpacked; None if nothing is.

    zipfile raises whatever bzip2 and lzma do for damaged ones, so these are not unpacked.
    """
    if member.flag_bits & 1:
        return "is encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is packed with another method than deflate"
    if member.file_size > most:
        return f"has {member.file_size:,} bytes, more than this file can have"
    return None


def end_of(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    """The byte of the archive before which a member ends: where the next one begins, or the list of
    all members.
    """
    starts = [other.header_offset for other in archive.infolist()]
    behind = [start for start in starts if start > member.header_offset]
    return min(behind, default=archive.start_dir)
