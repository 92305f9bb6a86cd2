"""idxio report: the result of a check, with pictures, as one HTML file."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import TypeAlias

from ..storage.targets import write_file
from . import exit_codes
from .options import Commands, add_dataset
from .output import STDOUT, check_no_idx, name_of, written
from .progress import bar
from .text import printable

Progress: TypeAlias = Callable[[int, int], None] | None


def add_parser(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "report", help="the same and pictures on one HTML page, in one file"
    )
    parser.description = (
        "Write one HTML file with all that idxio check finds, the number of pictures of each class,"
        " and pictures. It needs no other file and no network."
    )
    parser.add_argument(
        "-o",
        dest="output",
        type=_html,
        default="report.html",
        metavar="OUT.html",
        help="report.html if not given; - for standard output",
    )
    add_dataset(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the page of the dataset; BAD_FILE if there is an error."""
    from ..datasets.validation.check import check
    from .check_text import verdict
    from .page.render import render

    directory = arguments.directory
    exit_codes.refuse_url(directory)
    output = arguments.output
    check_no_idx(output)
    with exit_codes.naming(directory), bar(directory) as progress:
        checking, choosing = _halves(progress)
        result = check(directory, dataset=arguments.dataset, progress=checking)
        page = render(result, progress=choosing).encode()
    with exit_codes.naming(name_of(output)), written(output) as path:
        write_file(path, page)
    if output != STDOUT:
        print(f"{printable(output)}: {len(page):,} bytes; {verdict(result)}")
    return exit_codes.FINE if result.ok else exit_codes.BAD_FILE


def _html(text: str) -> str:
    """Check that the name has no suffix of another format than HTML."""
    if text == STDOUT:
        return text
    if os.path.splitext(text)[1].lower() not in ("", ".html", ".htm"):
        raise argparse.ArgumentTypeError(f"{text!r}: only HTML is written; name it OUT.html")
    return text


def _halves(progress: Progress) -> tuple[Progress, Progress]:
    """Make one progress of two passes over the same bytes."""
    if progress is None:
        return None, None

    def first(done: int, total: int) -> None:
        progress(done, 2 * total)

    def second(done: int, total: int) -> None:
        progress(total + done, 2 * total)

    return first, second
