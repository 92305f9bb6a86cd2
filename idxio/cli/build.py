"""idxio build: a folder of pictures to a dataset."""

from __future__ import annotations

import argparse
import os
import re
import sys

from ..convert.build import build
from ..datasets.metadata import DESCRIPTION
from ..errors import PictureError
from . import exit_codes
from .progress import bar

# Of pictures with one complaint, so many are named; dataset.json has them all.
_NAMED = 5


def run(args: argparse.Namespace) -> int:
    """Build the dataset; a line for each file, and on stderr for each kind of bad pictures."""
    try:
        with exit_codes.using(), bar(args.images, unit=" steps") as progress:
            built = build(
                args.images,
                args.directory,
                pipeline=args.pipeline,
                size=args.size,
                colour=args.colour,
                labels=args.labels,
                allow_outside=args.allow_outside,
                test_per_class=args.test_per_class,
                seed=args.seed,
                sort=args.sort,
                skip_bad=args.skip_bad,
                level=args.level,
                progress=progress,
            )
    except PictureError as error:
        _tell(error.bad)
        exit_codes.report(error)
        print("idxio: nothing was written; --skip-bad leaves bad pictures out", file=sys.stderr)
        return exit_codes.exit_code(error)
    _tell(built.skipped)
    for note in built.notes:
        print(f"idxio: {exit_codes.printable(note)}", file=sys.stderr)
    for file in built.files:
        size = f"{file.packed_size:,} bytes"
        print(f"{exit_codes.printable(file.file)}: {exit_codes.dimensions(file.shape)} {file.dtype.name}, {size}")
    names = ", ".join(built.class_names[:10]) + (", …" if len(built.class_names) > 10 else "")
    description = os.path.join(built.directory, DESCRIPTION)
    skipped = f"; {len(built.skipped):,} bad pictures left out" if built.skipped else ""
    print(
        f"{exit_codes.printable(description)}: {len(built.class_names)} classes: {exit_codes.printable(names)}{skipped}"
    )
    return exit_codes.FINE


def _tell(bad: list[tuple[str, str]]) -> None:
    """A line for each kind of complaint: those that differ in their numbers only are of one kind."""
    kinds: dict[str, list[tuple[str, str]]] = {}
    for path, reason in bad:
        kinds.setdefault(re.sub(r"\d[\d,.]*", "0", reason), []).append((path, reason))
    for alike in kinds.values():
        path, reason = alike[0]
        line = f"{path}: {reason}"
        if len(alike) > 1:
            others = [path for path, _ in alike[1:_NAMED]] + (["…"] if len(alike) > _NAMED else [])
            line = f"{len(alike):,} alike, as {line}; {', '.join(others)}"
        print(f"idxio: {exit_codes.printable(line)}", file=sys.stderr)
