"""idxio check: a dataset's facts and what is wrong with it."""

from __future__ import annotations

import argparse

from . import exit_codes
from .options import Commands, add_dataset
from .progress import bar


def add_parser(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "check", help="look for what is wrong with the four files of a dataset"
    )
    parser.description = (
        "Read the four files of a dataset once, check them, count the classes, and look for copies,"
        " pictures of one\ncolour, negated or transposed ones, and labels outside the class list."
        " Errors give exit code 1,\nwarnings 0, or 1 with --strict."
    )
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
    parser.add_argument("--strict", action="store_true", help="exit with 1 for warnings too")
    add_dataset(parser, "where the four files lie, or the URL of that")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check the dataset and print the result; BAD_FILE if there is an error."""
    from ..datasets.validation.check import check
    from .check_text import as_json, as_text

    directory = arguments.directory
    with exit_codes.naming(directory), bar(directory) as progress:
        result = check(directory, dataset=arguments.dataset, progress=progress)
    strict = arguments.strict
    print(as_json(result, strict=strict) if arguments.json else as_text(result, strict=strict))
    is_fine = result.ok and not (strict and result.findings)
    return exit_codes.FINE if is_fine else exit_codes.BAD_FILE
