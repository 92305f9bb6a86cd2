"""idxio repack: a file of any packing becomes gzip with its own index."""

from __future__ import annotations

import argparse
import os
import time

from ..core import read
from ..core.repack import repack
from . import exit_codes
from .options import STDIN, Commands, add_level
from .progress import bar
from .text import printable


def add_parser(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "repack", help="write a file again as gzip that carries its own index"
    )
    parser.description = (
        "Write IN, packed in any way or not at all, as gzip that every reader takes, and that idxio"
        " reads on all cores and from any record on. OUT may be IN."
    )
    parser.add_argument("file", metavar="IN", help=STDIN)
    parser.add_argument("target", metavar="OUT", help="a gzip file")
    add_level(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the file again; print size and reading time of both files."""
    file = arguments.file
    target = arguments.target
    with exit_codes.naming(file), bar(file) as progress:
        repack(exit_codes.file_or_stdin(file), target, level=arguments.level, progress=progress)
    if file != "-" and os.path.isfile(file):  # a pipe can't be read again
        _print_reading(file)
    _print_reading(target)
    return exit_codes.FINE


def _print_reading(file: str) -> None:
    start = time.perf_counter()
    read.read(file)
    milliseconds = 1000 * (time.perf_counter() - start)
    print(f"{printable(file)}: {os.path.getsize(file):,} bytes, read in {milliseconds:.1f} ms")
