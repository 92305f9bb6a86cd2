"""idxio show: labels as numbers, images as a contact sheet in the terminal or in a PNG file."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from .._util.types import Array
from ..core.array import IdxArray, open_array
from . import exit_codes
from .options import STDIN_OR_FOLDER, Commands, add_dataset_name
from .output import STDOUT, check_no_idx, name_of, written
from .text import dimensions, first_few, print_sizes, printable

if TYPE_CHECKING:
    from .select_class import OfClass


# A record of up to this many numbers is no line of an image: QMNIST's labels have 8.
_FEW = 16
# Records shown where no rows are asked for and the screen sets no limit.
_NUMBERS = 200
_IMAGE_LINES = 64


def add_parser(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "show", help="a contact sheet of the images, or the labels as numbers"
    )
    parser.description = (
        "Draw images in the terminal, or write them as a PNG file; of a file of labels or other"
        " numbers, print those. Of the directory of a dataset, show its classes; with --rows,"
        " --class, --split or -o the images of train or of another split. Only the records that are"
        " shown are read."
    )
    parser.add_argument("file", metavar="FILE", help=STDIN_OR_FOLDER)
    parser.add_argument(
        "--rows",
        type=_rows,
        metavar="A:B",
        help="the records to show: a slice or one number; --rows=-9: for the last nine",
    )
    parser.add_argument(
        "-o",
        dest="output",
        type=_png,
        metavar="OUT.png",
        help="write a PNG file instead; - for standard output",
    )
    parser.add_argument(
        "--class",
        dest="of_class",
        metavar="K",
        help=(
            "only the images of a class, by its number or else its name; --rows then counts among"
            " them"
        ),
    )
    parser.add_argument(
        "--labels",
        metavar="FILE",
        help="their labels, where they don't lie beside under the usual name",
    )
    add_dataset_name(parser)
    parser.add_argument(
        "--split", metavar="NAME", help="of a directory, the images of this split: train, test, …"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Show the records that --rows selects, or as many as fit the screen; only those are read."""
    from . import drawing

    file = arguments.file
    output = arguments.output
    if output is not None:
        check_no_idx(output)
    if arguments.labels is not None and arguments.of_class is None:
        raise exit_codes.UsageError("--labels tells which images are of --class K; say which class")
    if os.path.isdir(file):
        from . import show_folder

        if arguments.split is not None:
            from ..datasets.discovery import find_split

            with exit_codes.naming(file):
                file = find_split(file, arguments.split, arguments.dataset)[0]
        elif arguments.rows is None and arguments.of_class is None and output is None:
            return show_folder.show(file, arguments.dataset)
        else:
            file = show_folder.images_of(file, arguments.dataset)
    elif arguments.dataset is not None:
        raise exit_codes.UsageError(
            "--dataset names one of several datasets in a directory; this is one file"
        )
    elif arguments.split is not None:
        raise exit_codes.UsageError("--split names a split of a directory; this is one file")
    with exit_codes.naming(file), open_array(exit_codes.file_or_stdin(file)) as f:
        rows = arguments.rows
        if rows is None:
            rows = slice(_default_count(f.shape, output))
        if arguments.of_class is None:
            records, numbers, title = _read_rows(f, file, rows)
        else:
            records, numbers, title = _read_class(
                f, file, rows, arguments.of_class, arguments.labels
            )
    are_images = not _are_numbers(f.shape)
    if output is not None:
        if not are_images or not records.size:
            raise exit_codes.UsageError(f"{file}: holds no images to draw ({dimensions(f.shape)})")
        with exit_codes.naming(name_of(output)), written(output) as path:
            drawing.write_png(records, _captions(file, f.shape, numbers), path)
        if output != STDOUT:
            print_sizes(output)
        return exit_codes.FINE
    print(title)
    if not records.size:
        return exit_codes.FINE
    if are_images:
        lines = drawing.image_lines(records, _captions(file, f.shape, numbers))
    else:
        columns, _ = drawing.screen_size()
        lines = number_lines(records, columns)
    for line in lines:
        print(line)
    return exit_codes.FINE


def _captions(file: str, shape: tuple[int, ...], numbers: Array) -> list[str] | None:
    """Return a caption for each image of these records; None where a record is a line of one."""
    from . import drawing, select_class

    if len(shape) == 2:
        return None
    captions = select_class.captions(file, shape[0], numbers)
    planes = drawing.planes_of(shape)
    if planes == 1:
        return captions
    return [f"{caption} [{plane}]" for caption in captions for plane in range(planes)]


def _read_rows(f: IdxArray, file: str, rows: slice) -> tuple[Array, Array, str]:
    """Read the rows; return them, their numbers and their title."""
    records = f[rows] if f.shape else f[()].reshape(1)
    title = _title(f, rows)
    if not len(records) and f.shape[0]:
        raise exit_codes.UsageError(f"{file}: --rows picks none of its {f.shape[0]:,} records")
    numbers = np.arange(*rows.indices(len(records) if not f.shape else f.shape[0]))
    return records, numbers, title


def _read_class(
    f: IdxArray, file: str, rows: slice, name: str, labels: str | None
) -> tuple[Array, Array, str]:
    """Read the rows among the images of a class; return them, their numbers and their title."""
    from . import select_class

    if _are_numbers(f.shape):
        raise exit_codes.UsageError(f"{file}: holds no images that --class could pick")
    chosen = select_class.of_class(file, len(f), name, labels)
    picked = chosen.records[rows]
    records = f[picked]
    if not len(records):
        raise exit_codes.UsageError(
            f"{file}: --rows picks none of the {len(chosen.records):,} of {chosen.name}"
        )
    return records, picked, _class_title(f, chosen, picked)


def number_lines(records: Array, columns: int) -> Iterator[str]:
    """Write numbers right-aligned: as many on a line as fit, or one record."""
    texts = [str(value) for value in records.ravel().tolist()]
    width = max(map(len, texts))
    across = records.shape[1] if records.ndim == 2 else max(1, (columns + 1) // (width + 1))
    for start in range(0, len(texts), across):
        yield " ".join(text.rjust(width) for text in texts[start : start + across])


def _are_numbers(shape: tuple[int, ...]) -> bool:
    return len(shape) < 2 or (len(shape) == 2 and shape[1] <= _FEW)


def _default_count(shape: tuple[int, ...], output: str | None) -> int:
    """Return how many records to show where no rows are asked for."""
    from . import drawing

    if _are_numbers(shape):
        return _NUMBERS
    if len(shape) == 2:
        return _IMAGE_LINES
    if output is not None:
        return drawing.count_in_png(shape)
    return drawing.count_on_screen(shape)


def _about(f: IdxArray) -> str:
    return f"{printable(f.name)}: {dimensions(f.shape)} {f.dtype.name}, {f.packing}"


def _title(f: IdxArray, rows: slice) -> str:
    about = _about(f)
    if not f.shape or not f.shape[0]:
        return about
    shown = range(f.shape[0])[rows]
    step = "" if shown.step == 1 else f":{shown.step}"
    return f"{about}; records {shown.start}:{shown.stop}{step} of {f.shape[0]:,}"


def _class_title(f: IdxArray, chosen: OfClass, picked: Array) -> str:
    some = first_few([str(record) for record in picked[:9].tolist()], 8)
    return f"{_about(f)}; {len(picked):,} of the {len(chosen.records):,} of {chosen.name}: {some}"


def _rows(text: str) -> slice:
    """Parse `7`, `10:20`, `:5` or `::100` as a slice."""
    try:
        parts = [int(part) if part else None for part in text.split(":")]
        if len(parts) == 1:
            first = int(text)
            return slice(first, first + 1 or None)
        range(0)[slice(*parts)]  # refuses a step of 0 and more than three parts
        return slice(*parts)
    except (TypeError, ValueError):
        raise argparse.ArgumentTypeError(f"{text!r} is no slice like 10:20 and no number") from None


def _png(text: str) -> str:
    """Check that the name has no suffix of another format than PNG."""
    if text == STDOUT:
        return text
    if os.path.splitext(text)[1].lower() not in ("", ".png"):
        raise argparse.ArgumentTypeError(f"{text!r}: only PNG is written; name it OUT.png")
    return text
