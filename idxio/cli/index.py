"""idxio index: seek indexes beside gzip files."""

from __future__ import annotations

import argparse
import os

from ..core.build_index import build_index
from ..core.decode import opened
from ..storage.source import is_url
from . import exit_codes
from .options import Commands
from .progress import bar
from .text import printable


def add_parser(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("index", help="build the seek index of gzip files, beside them")
    parser.description = (
        "Write FILE.seek beside each gzip file, with which idxio finds any record at once. The file"
        " stays as it is; one that idxio wrote needs no such index."
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="the file that gets one")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Build the seek index of each file; go on after a bad one."""
    code = exit_codes.FINE
    for file in arguments.files:
        try:
            if os.path.isdir(file):
                raise exit_codes.UsageError(
                    f"{file}: is a directory; index takes files, as the .gz in it"
                )
            with exit_codes.naming(file), bar(file) as progress:
                if _carries_index(file):
                    print(f"{printable(file)}: needs no index, it carries its own")
                    continue
                if is_url(file):
                    raise exit_codes.UsageError(
                        f"{file}: is a URL, beside which no index is written; index the file on"
                        " this machine and upload both"
                    )
                path = build_index(file, progress=progress)
            size = os.path.getsize(path)
            share = size / os.path.getsize(file)
            print(f"{printable(path)}: {size:,} bytes, {100 * share:.1f} % of the file")
        except exit_codes.ERRORS as error:
            code = max(code, exit_codes.report(error))
    return code


def _carries_index(file: str) -> bool:
    with opened(file) as (compressed, _):
        return compressed.carries_index()
