"""idxio build: a folder of pictures to a dataset."""

from __future__ import annotations

import argparse
import os
import sys

from ..convert.build import build
from ..description import DESCRIPTION
from ..errors import PictureError
from . import report
from .progress import bar


def run(args: argparse.Namespace) -> int:
    """Build the dataset; a line for each file, and on stderr for each bad picture."""
    try:
        with report.using(), bar(args.images, unit=" steps") as progress:
            built = build(
                args.images,
                args.directory,
                pipeline=args.pipeline,
                size=args.size,
                colour=args.colour,
                labels=args.labels,
                test_per_class=args.test_per_class,
                seed=args.seed,
                sort=args.sort,
                skip_bad=args.skip_bad,
                level=args.level,
                progress=progress,
            )
    except PictureError as error:
        _tell(error.bad)
        report.report(error)
        print("idxio: nothing was written; --skip-bad leaves bad pictures out", file=sys.stderr)
        return report.exit_code(error)
    _tell(built.skipped)
    for file in built.files:
        size = f"{file.packed_size:,} bytes"
        print(f"{report.printable(file.file)}: {report.dimensions(file.shape)} {file.dtype.name}, {size}")
    names = ", ".join(built.class_names[:10]) + (", …" if len(built.class_names) > 10 else "")
    description = os.path.join(built.directory, DESCRIPTION)
    skipped = f"; {len(built.skipped):,} bad pictures left out" if built.skipped else ""
    print(f"{report.printable(description)}: {len(built.class_names)} classes: {report.printable(names)}{skipped}")
    return report.FINE


def _tell(bad: list[tuple[str, str]]) -> None:
    for path, reason in bad:
        print(f"idxio: {report.printable(path)}: {report.printable(reason)}", file=sys.stderr)
