"""idxio export: a dataset for programs that do not read IDX."""

from __future__ import annotations

import argparse
import os

from ..errors import naming
from . import exit_codes
from .options import Commands
from .output import STDOUT, written
from .progress import bar
from .text import print_sizes


def add_parser(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "export", help="write a dataset as npz, CSV, PNG folders, Parquet or npy"
    )
    parser.description = (
        "Write the four files of a dataset in a format that other programs read; one IDX file as"
        " npy. All of OUT\nappears at once, or nothing does."
    )
    parser.add_argument(
        "source", metavar="DIR", help="the directory of the dataset; for npy one file"
    )
    parser.add_argument(
        "target", metavar="OUT", help="a new folder; for npz and npy a file, - for standard output"
    )
    parser.add_argument(
        "--to",
        choices=("npz", "csv", "png", "parquet", "npy"),
        help="what to write, if the suffix of OUT does not say it",
    )
    parser.add_argument(
        "--dataset", metavar="NAME", help="one of several in DIR, as emnist-letters"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the dataset; print the size of each file or folder."""
    from ..convert.export import FORMATS, export_dataset

    source = arguments.source
    exit_codes.refuse_url(source)
    target = arguments.target
    dataset = arguments.dataset
    to = arguments.to or os.path.splitext(target)[1][1:].lower()
    if to not in FORMATS:
        raise exit_codes.UsageError(f"{target}: say what to write: --to {', '.join(FORMATS)}")
    if to != "npy" and os.path.isfile(source):
        raise exit_codes.UsageError(
            f"{source}: name the directory of the dataset; one file becomes --to npy"
        )
    if to == "npy" and dataset is not None:
        raise exit_codes.UsageError(
            "--dataset names one of several datasets in a directory; this is one file"
        )
    if target == STDOUT and to not in ("npz", "npy"):
        raise exit_codes.UsageError(f"--to {to} writes several files, for which - is no place")
    with (
        exit_codes.usage_errors(),
        naming(source),
        written(target) as path,
        bar(source, " records") as progress,
    ):
        export_dataset(source, path, to=to, dataset=dataset, progress=progress)
    if target != STDOUT:
        print_sizes(target)
    return exit_codes.FINE
