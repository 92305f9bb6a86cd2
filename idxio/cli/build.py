"""idxio build: a folder of pictures to a dataset."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Literal

from ..errors import PictureError
from . import complaints, exit_codes
from .options import Commands, add_level
from .output import new_folder
from .progress import bar
from .text import dimensions, first_few, printable

if TYPE_CHECKING:
    from ..convert.build import Built

# What about= takes, as metadata.ABOUT lists it.
_ABOUT = {
    "licence": "what dataset.json tells: CC-BY-4.0, CC0-1.0, …",
    "source": "where the pictures come from",
    "citation": "how to cite the dataset",
    "description": "what it is",
}


def add_parser(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "build", help="make the four files of a dataset of a folder of pictures"
    )
    parser.description = (
        "Each subfolder of IMAGES_DIR is a class, or a split (train, test, val) with the classes in"
        " it.\nThe files appear in OUT_DIR, all or none."
    )
    parser.add_argument("images", metavar="IMAGES_DIR", help="the folder of the pictures")
    parser.add_argument(
        "directory",
        metavar="OUT_DIR",
        type=new_folder,
        help="a new folder, or an empty one; with --add the dataset",
    )
    parser.add_argument(
        "--add",
        action="store_true",
        help="add pictures to the dataset in OUT_DIR, which keeps its splits and options",
    )
    parser.add_argument(
        "--pipeline",
        choices=("fashion", "fit", "none"),
        default="none",
        help=(
            "fashion: as Fashion-MNIST was made; fit: scaled into a square on black; none: as they"
            " are, if not given"
        ),
    )
    parser.add_argument(
        "--size", type=int, default=28, metavar="N", help="the edge that fashion and fit make; 28"
    )
    parser.add_argument(
        "--colour", choices=("grey", "rgb"), help="as the first picture, if not given"
    )
    parser.add_argument(
        "--range",
        type=_range,
        metavar="auto|LOW:HIGH",
        help="values of 16-bit grey that become black and white; 0:65535, if not given",
    )
    parser.add_argument(
        "--labels",
        metavar="FILE.csv",
        help="lines of path,label or path,label,split instead of the subfolders",
    )
    parser.add_argument(
        "--allow-outside",
        action="store_true",
        help=(
            "take pictures outside IMAGES_DIR too, to which paths or links lead; else they are bad"
        ),
    )
    parser.add_argument(
        "--test-per-class",
        type=int,
        metavar="N",
        help="so many of each class test, those of the smallest SHA-256; a seventh, if not given",
    )
    parser.add_argument(
        "--val-per-class", type=int, metavar="N", help="so many more are to validate with; none"
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="of the order; 0 if not given",
    )
    parser.add_argument("--sort", action="store_true", help="order by label; else shuffled")
    parser.add_argument(
        "--skip-bad", action="store_true", help="leave bad pictures out; else they stop the run"
    )
    for name in _ABOUT:
        others = ["--license"] if name == "licence" else []
        parser.add_argument(f"--{name}", *others, metavar="TEXT", help=_ABOUT[name])
    add_level(parser)
    parser.set_defaults(run=run)


def _range(text: str) -> Literal["auto"] | tuple[int, int]:
    if text == "auto":
        return "auto"
    low, colon, high = text.partition(":")
    if not (colon and low.isdecimal() and high.isdecimal()):
        raise argparse.ArgumentTypeError(f"expected auto or LOW:HIGH as 0:4095, not {text!r}")
    return int(low), int(high)


def run(arguments: argparse.Namespace) -> int:
    """Build the dataset; print a line for each file, on stderr for each kind of bad pictures."""
    from ..convert.build import build

    about = {name: text for name in _ABOUT if (text := getattr(arguments, name)) is not None}
    try:
        with exit_codes.usage_errors(), bar(arguments.images, unit=" steps") as progress:
            built = build(
                arguments.images,
                arguments.directory,
                pipeline=arguments.pipeline,
                size=arguments.size,
                colour=arguments.colour,
                range=arguments.range,
                labels=arguments.labels,
                add=arguments.add,
                allow_outside=arguments.allow_outside,
                test_per_class=arguments.test_per_class,
                val_per_class=arguments.val_per_class,
                seed=arguments.seed,
                sort=arguments.sort,
                skip_bad=arguments.skip_bad,
                about=about,
                level=arguments.level,
                progress=progress,
            )
    except PictureError as error:
        _report_bad(error.bad)
        exit_codes.report(error)
        print("idxio: nothing was written; --skip-bad leaves bad pictures out", file=sys.stderr)
        return exit_codes.exit_code(error)
    _report_bad(built.skipped)
    for note in built.notes:
        print(f"idxio: {printable(note)}", file=sys.stderr)
    _print_files(built)
    return exit_codes.FINE


def _print_files(built: Built) -> None:
    """Print what each of the files holds that were written."""
    from ..datasets.metadata import DESCRIPTION
    from ..datasets.sources import SOURCES

    for file in built.files:
        size = f"{file.packed_size:,} bytes"
        print(f"{printable(file.file)}: {dimensions(file.shape)} {file.dtype.name}, {size}")
    description = printable(os.path.join(built.directory, DESCRIPTION))
    names = printable(first_few(built.class_names, 10))
    skipped = f"; {len(built.skipped):,} bad pictures left out" if built.skipped else ""
    print(f"{description}: {len(built.class_names)} classes: {names}{skipped}")
    print(f"{printable(os.path.join(built.directory, SOURCES))}: the picture of each record")


def _report_bad(bad: list[tuple[str, str]]) -> None:
    """Print a line for each kind of complaint."""
    for line in complaints.lines(bad):
        print(f"idxio: {printable(line)}", file=sys.stderr)
