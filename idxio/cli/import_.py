"""idxio import: IDX files of what another program wrote."""

from __future__ import annotations

import argparse
import os
import sys

from ..errors import naming
from . import exit_codes
from .options import Commands
from .output import new_folder
from .progress import bar
from .text import print_sizes, printable


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
        help="an npz, npy, CSV or Parquet file, a folder of such, or PNG folders of export",
    )
    parser.add_argument(
        "target", metavar="OUT", type=new_folder, help="a new folder; for npy a file"
    )
    parser.add_argument(
        "--shape",
        type=_shape,
        metavar="HxW",
        help=(
            "the shape of an image, as 28x28 or 3x32x32, where rows of pixels do not tell it and"
            " are no grey squares"
        ),
    )
    parser.add_argument(
        "--layout",
        choices=("chw", "hwc"),
        help="where the channels are in IN: first or last; they are written last",
    )
    parser.add_argument(
        "--images",
        type=_number_or_name,
        metavar="NAME",
        help="the column or array that holds the images, by name or number",
    )
    parser.add_argument(
        "--labels",
        type=_labels,
        metavar="NAME",
        help=(
            "the column or array that holds the labels, by name or number (0: first, -1: last);"
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
            layout=arguments.layout,
            images=arguments.images,
            labels=arguments.labels,
            config=arguments.config,
            progress=progress,
        )
    print_sizes(target)
    if arguments.labels is None:
        _print_unlabelled(source, target)
    return exit_codes.FINE


def _print_unlabelled(source: str, target: str) -> None:
    """Tell of splits for which no labels were found."""
    if not os.path.isdir(target):
        return
    written = sorted(os.listdir(target))
    for name in written:
        split, mark, _ = name.rpartition("-images-")
        if mark and not any(other.startswith(f"{split}-labels-") for other in written):
            print(
                printable(
                    f"idxio: {source}: has no labels for {split}, so only its images were written:"
                    " idxio show and idxio.open read them, check and load need labels"
                    " (--labels NAME says which column or array they are)"
                ),
                file=sys.stderr,
            )


def _shape(text: str) -> tuple[int, ...]:
    """Parse `28x28`."""
    parts = text.lower().split("x")
    if not all(part.isascii() and part.isdecimal() and int(part) for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no shape like 28x28 or 32x32x3")
    return tuple(map(int, parts))


def _labels(text: str) -> int | str | bool:
    """Parse `0`, `-1`, `digit`, or `none`."""
    if text.lower() in ("none", "false"):
        return False
    return _number_or_name(text)


def _number_or_name(text: str) -> int | str:
    return int(text) if text.removeprefix("-").isdecimal() else text
