"""Recognise files that are not IDX by their first bytes, and name the likely remedy.

The compressions that are read add what is theirs: `compression/registry.likely_cause`.
"""

from __future__ import annotations

import re

_STARTS = (
    (
        b"version https://git-lfs.github.com/spec/",
        "a Git LFS pointer: fetch the data with `git lfs pull`",
    ),
    (b"/annex/objects/", "a git-annex pointer: fetch the data with `git annex get`"),
    (b".git/annex/", "a git-annex pointer: fetch the data with `git annex get`"),
    (b"PK\x03\x04", "a zip archive (or .npz): unpack it first"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x93NUMPY", "a .npy file: read it with numpy.load"),
    (b"\x04\x22\x4d\x18", "lz4-compressed data: unpack it first with `lz4 -d`"),
    (b"\x1f\x9d", "data of the old Unix compress: unpack it first with `uncompress`"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"),
    (b"Rar!", "a rar archive: unpack it first"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"%PDF", "a PDF document"),
    (b"\x89HDF\r\n", "an HDF5 file"),
    (b"PAR1", "a parquet file"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
)
_MARKUP = (b"<!doctype", b"<html", b"<head", b"<body", b"<?xml", b"<error")


def likely_cause(head: bytes) -> str | None:
    """Name the format of a file with this start and the remedy; None for IDX or if unknown."""
    if head[:2] == b"\0\0":
        return None
    linked = re.sub(rb"^(\.\./)+", b"", head)  # from a folder inside a repository
    for start, cause in _STARTS:
        if linked.startswith(start):
            return cause
    if head[257:262] == b"ustar":
        return "a tar archive: unpack it first with `tar -xf`"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:16].lower()
    if text.startswith(_MARKUP):
        return (
            "an HTML or XML page, as a server sends for a login, an error or a moved file: download"
            " it again"
        )
    if text.startswith(b'{"'):
        return "JSON, as a server sends for an error: download it again"
    # 03 08 00 00: the magic number written by a little-endian machine without a swap.
    if head[2:4] == b"\0\0" and len(head) >= 4 and head[1] in (0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E):
        return "one whose header was written little-endian; IDX is big-endian"
    return None
