"""The command `idxio demo`."""

from __future__ import annotations

import argparse

from .. import exit_codes
from ..options import Commands


def add_parser(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "demo", help="read a dataset, time that, look at it and train on it"
    )
    parser.description = (
        "Read the four MNIST-format files of a directory, time that, show some images and train a"
        " classifier. Without a directory: Debian's Fashion-MNIST if it is there, else digits that"
        " the demo draws itself."
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "directory", nargs="?", metavar="DIRECTORY", help="where the four files lie"
    )
    source.add_argument("--drawn", action="store_true", help="take the drawn digits")
    source.add_argument(
        "--keep", metavar="DIR", help="draw digits and leave their four files in DIR"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the demo on a directory or on drawn digits."""
    from . import demo

    exit_codes.refuse_url(arguments.directory or "")
    return demo.run(arguments.directory, drawn=arguments.drawn, keep=arguments.keep)
