"""idxio cache: the unpacked copies that `idxio.open(file, cache=True)` keeps."""

from __future__ import annotations

import argparse
import time

from . import exit_codes
from .options import Commands
from .text import printable


def add_parser(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "cache", help="list the unpacked files that open(cache=True) keeps, or remove them"
    )
    parser.description = (
        "List the unpacked copies that idxio.open(file, cache=True) keeps in your cache folder,"
        " with when each was used last, or remove them all."
    )
    parser.add_argument(
        "what", nargs="?", choices=("list", "clear"), default="list", help="list, if not given"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """List the unpacked files, or remove them."""
    from ..core import disk_cache

    folder = disk_cache.folder()
    if arguments.what == "clear":
        print(f"{printable(folder)}: {disk_cache.clear():,} bytes freed")
        return exit_codes.FINE
    entries = disk_cache.entries()
    for entry in entries:
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used))
        print(f"{used}  {entry.size:>15,}  {printable(entry.path)}")
    total = sum(entry.size for entry in entries)
    print(f"{printable(folder)}: {len(entries)} files, {total:,} bytes")
    return exit_codes.FINE
