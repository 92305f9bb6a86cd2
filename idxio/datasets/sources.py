"""sources.csv: of which picture each record of a dataset was made."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Iterator
from typing import IO, NamedTuple

from ..errors import FormatError, naming
from ..storage.regular import open_regular

SOURCES = "sources.csv"
_SPECIAL = re.compile(r'[,"\r\n]')
_HEADING = ["split", "record", "file", "label", "sha256"]


class PictureFile(NamedTuple):
    """The picture file of which a record was made: a row of sources.csv."""

    file: str
    """Relative to the folder of the pictures."""
    label: int
    sha256: str
    """Of the bytes of the file, 64 hexadecimal digits."""


Sources = dict[str, dict[int, PictureFile]]
"""By the split, as its files are called, and the number of the record."""


def read_sources(folder: str) -> Sources:
    """The `sources.csv` in a folder; empty if there is none.

    Raises
    ------
    FormatError
        It is no such list, has a record twice, or is a pipe or device.
    OSError
        It can't be read, or is a link that leads nowhere.
    """
    path = os.path.join(folder, SOURCES)
    sources: Sources = {}
    if not os.path.lexists(path):
        return sources
    with naming(path), open(path, "rb", opener=open_regular) as raw:
        # Names of files need not be text.
        text = io.TextIOWrapper(raw, encoding="utf-8", errors="surrogateescape", newline="")
        reader = csv.reader(text, strict=True)
        try:
            if next(reader, None) != _HEADING:
                raise ValueError(f"expected the heading {','.join(_HEADING)}")
            for split, record, file, label, sha256 in reader:
                if len(bytes.fromhex(sha256)) != 32:
                    raise ValueError(f"{sha256!r:.80} is no SHA-256")
                source = PictureFile(file, int(label), sha256.lower())
                if sources.setdefault(split, {}).setdefault(int(record), source) is not source:
                    raise ValueError(f"record {record} of {split} is there twice")
        except (ValueError, csv.Error) as error:
            raise FormatError(
                f"is no list of the pictures of records, at line {reader.line_num} ({error});"
                " rename it if it is a list of yours, or make it anew with idxio build",
                file=path,
            ) from None
    return sources


def rows_of(sources: Sources) -> Iterator[tuple[str, int, PictureFile]]:
    """The rows of a file: the splits as they come, and the records of each in order."""
    for split, records in sources.items():
        for record in sorted(records):
            yield split, record, records[record]


def write_sources(file: IO[bytes], rows: Iterable[tuple[str, int, PictureFile]]) -> None:
    """Write a list, row by row."""
    file.write(f"{','.join(_HEADING)}\n".encode())
    for split, record, source in rows:
        fields = [_field(split), str(record), _field(source.file), str(source.label), source.sha256]
        file.write(f"{','.join(fields)}\n".encode("utf-8", "surrogateescape"))


def _field(text: str) -> str:
    """A field of a CSV file. The csv module writes a carriage return bare before Python 3.13."""
    return '"' + text.replace('"', '""') + '"' if _SPECIAL.search(text) else text
