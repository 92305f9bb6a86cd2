"""idxio fetch: a published dataset, by its name."""

from __future__ import annotations

import argparse
import warnings

from . import exit_codes
from .options import Commands
from .progress import bar
from .text import printable


def add_parser(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("fetch", help="find or download a published dataset, as mnist")
    parser.description = (
        "Find a published dataset on this machine, or download it, and print its folder, licence"
        " and citation. Its names: mnist, fashion-mnist, kmnist, qmnist, and emnist- with"
        " balanced, byclass, bymerge, digits, letters or mnist behind it.\n\nChecksums of what is"
        " inside decide. A download that was interrupted goes on where it stopped."
    )
    parser.add_argument("name", metavar="NAME", help="the name of the dataset")
    parser.add_argument(
        "directory",
        nargs="?",
        metavar="DIR",
        help="a new folder for it; without one, Debian's, or one in your cache folder",
    )
    parser.add_argument(
        "--mirror",
        action="append",
        metavar="URL",
        help=(
            "a folder or zip with its files, asked in the place of the known ones; may be given"
            " several times"
        ),
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the folder first, then what there is to know of the dataset."""
    from ..datasets.published import fetch, table

    if arguments.directory is not None:
        exit_codes.refuse_url(arguments.directory)
    with exit_codes.usage_errors():
        dataset = table.named(arguments.name)
        with bar(dataset.name) as progress:
            fetched = fetch.find_or_fetch(
                dataset, arguments.directory, arguments.mirror, progress, warnings.warn
            )
    print(printable(fetched.folder))
    print(f"{dataset.title}, {_origin(fetched.sources)}")
    print(f"licence: {dataset.licence}")
    print(f"cite: {dataset.citation}")
    return exit_codes.FINE


def _origin(sources: list[str]) -> str:
    if not sources:
        return "found on this machine"
    return f"from {', '.join(map(printable, sources))}"
