"""idxio import: IDX files of what another program wrote."""

from __future__ import annotations

import argparse

from ..errors import naming
from . import exit_codes
from .options import Commands
from .output import new_folder
from .progress import bar
from .text import print_sizes


def add_parser(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "import", help="make a dataset of what export or another program wrote"
    )
    parser.description = (
        "Make the IDX files of a dataset of what idxio export or another program wrote; its content"
        " says what it is.\nAll of OUT appears at once, or nothing does. For pictures of your own"
        " there is idxio build."
    )
    parser.add_argument(
        "source",
        metavar="IN",
        help="an npz, npy, CSV or Parquet file, a folder of the last two, or PNG folders of export",
    )
    parser.add_argument(
        "target", metavar="OUT", type=new_folder, help="a new folder; for npy a file"
    )
    parser.add_argument(
        "--shape",
        type=_shape,
        metavar="HxW",
        help=(
            "the shape of the images of a CSV file, as 28x28 or 32x32x3, if they are no grey"
            " squares; of flat ones"
        ),
    )
    parser.add_argument(
        "--labels",
        type=_column,
        metavar="COLUMN",
        help=(
            "the column of a CSV file with the labels, by number (0: first, -1: last) or name;"
            " none: no labels"
        ),
    )
    parser.add_argument(
        "--config",
        metavar="NAME",
        help=(
            "one of several configurations or datasets: what stands before the splits in the names"
            " of tables"
        ),
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make the IDX files; print the size of each."""
    from ..convert.import_ import import_dataset

    source = arguments.source
    target = arguments.target
    with exit_codes.usage_errors(), naming(source), bar(source, " records") as progress:
        import_dataset(
            source,
            target,
            shape=arguments.shape,
            labels=arguments.labels,
            config=arguments.config,
            progress=progress,
        )
    print_sizes(target)
    return exit_codes.FINE


def _shape(text: str) -> tuple[int, ...]:
    """Parse `28x28`."""
    parts = text.lower().split("x")
    if not all(part.isascii() and part.isdecimal() and int(part) for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no shape like 28x28 or 32x32x3")
    return tuple(map(int, parts))


def _column(text: str) -> int | str | bool:
    """Parse `0`, `-1`, `digit`, or `none`."""
    if text.lower() in ("none", "false"):
        return False
    return int(text) if text.lstrip("-").isdecimal() else text
