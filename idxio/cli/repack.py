"""idxio repack: a file of any packing becomes gzip with its own index."""

from __future__ import annotations

import argparse
import os
import time

from ..compression.registry import named, of_suffix
from ..core.repack import PACKING, repack
from ..storage.targets import is_remote_target
from . import exit_codes
from .options import STDIN, Commands, add_level
from .output import STDOUT, written
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
    parser.add_argument(
        "target",
        metavar="OUT",
        help="the new file, a path or s3://BUCKET/NAME; - for standard output",
    )
    add_level(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the file again; print its size, also as a share of the old one, and the seconds."""
    file = arguments.file
    target = arguments.target
    promised = of_suffix(target)
    if not promised.is_plain and promised.packing != PACKING:
        suffix = named(PACKING).suffixes[0]
        raise exit_codes.UsageError(
            f"{target}: repack writes {PACKING}, and its suffix says {promised.packing}: name it"
            f" {suffix}"
        )
    # A pipe has no size. OUT may be IN, so this is asked first.
    old_size = os.path.getsize(file) if file != "-" and os.path.isfile(file) else 0
    start = time.perf_counter()
    with (
        exit_codes.usage_errors(),
        exit_codes.naming(file),
        written(target) as path,
        bar(file) as progress,
    ):
        repack(exit_codes.file_or_stdin(file), path, level=arguments.level, progress=progress)
    if target == STDOUT:
        return exit_codes.FINE
    seconds = time.perf_counter() - start
    if is_remote_target(target):
        print(f"{printable(target)}: written; {seconds:.1f} s")
        return exit_codes.FINE
    size = os.path.getsize(target)
    ratio = f", {100 * size / old_size:.1f} % of {old_size:,}" if old_size else ""
    print(f"{printable(target)}: {size:,} bytes{ratio}; {seconds:.1f} s")
    return exit_codes.FINE
