"""Arguments that several commands take."""

from __future__ import annotations

import argparse
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What `add_subparsers` returns; each command adds its parser to it."""


STDIN = "an IDX file, packed in any way, or its URL; - for standard input"
"""The help of a file that `exit_codes.file_or_stdin` opens."""

STDIN_OR_FOLDER = f"{STDIN}; or the directory of a dataset"


def add_dataset(parser: argparse.ArgumentParser, where: str = "where the four files lie") -> None:
    """Add the directory of a dataset and the name that chooses one of several in it."""
    parser.add_argument("directory", metavar="DIRECTORY", help=where)
    add_dataset_name(parser)


def add_dataset_name(parser: argparse.ArgumentParser) -> None:
    """Add the name that chooses one of several datasets in a directory."""
    parser.add_argument(
        "--dataset",
        metavar="NAME",
        help="which of several there: what its names start with",
    )


def add_level(parser: argparse.ArgumentParser, *, most: int = 12) -> None:
    """Add the level of the files that a command writes: of gzip, or what else has more of them."""
    parser.add_argument(
        "--level",
        type=int,
        choices=range(most + 1),
        default=6,
        metavar=f"0..{most}",
        help="6 if not given",
    )
