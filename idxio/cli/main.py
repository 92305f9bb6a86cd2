"""The command `idxio`: look at IDX files, check them, and see the library at work.

Exit codes: 0 everything is fine; 1 something is wrong with a file; 2 the command line is wrong, or asks for what
is not installed; 3 a file can't be read or written; 129 and 143 ended by SIGHUP or SIGTERM; 130 interrupted; 141 the
reader of the output went away. Of several files the highest code counts.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from typing import Any

from ..core.config import show_config
from . import exit_codes
from .signals import Stopped, stopping

_CODES = """\
exit codes:
  0    everything is fine
  1    something is wrong with a file
  2    the command line is wrong, or asks for what is not installed
  3    a file can't be read or written
  129  ended by SIGHUP: the terminal was closed
  130  interrupted
  141  the reader of the output went away
  143  ended by SIGTERM
  Of several files, the highest code counts. info, verify, show and repack take - for standard input.
"""


def main(argv: list[str] | None = None) -> int:
    """Run one command; the exit code. Bad input gives a line on stderr and never a traceback."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name or a symbol that the encoding has not
    try:
        with stopping():
            code = _command(argv)
            print(end="", flush=True)
        return code
    except KeyboardInterrupt:
        code = exit_codes.INTERRUPTED
    except Stopped as stopped:
        code = 128 + stopped.number
    except BrokenPipeError:
        code = exit_codes.PIPE_CLOSED
    except exit_codes.ERRORS as error:
        code = exit_codes.report(error)
    _settle_stdout()
    return code


def _command(argv: list[str] | None) -> int:
    parser = _parser()
    try:
        args = parser.parse_args(argv)
    except SystemExit as stop:  # --help, --version or a usage error, already printed
        return int(stop.code or 0)
    # Imported here: each command pays for what it needs.
    if args.command in ("info", "verify"):
        from . import info

        return info.run(args.command, args.files, as_json=args.json)
    if args.command == "show":
        from . import show

        return show.run(args.file, args.rows, args.output, of_class=args.of_class, labels=args.labels)
    if args.command == "check":
        from . import check

        return check.run(args.directory, args.dataset, as_json=args.json)
    if args.command == "report":
        from . import report

        return report.run(args.directory, args.dataset, args.output)
    if args.command == "repack":
        from . import repack

        return repack.run_repack(args.file, args.target, args.level)
    if args.command == "build":
        from . import build

        return build.run(args)
    if args.command == "index":
        from . import repack

        return repack.run_index(args.files)
    if args.command == "sort":
        from . import sort

        return sort.run(args.files, args.order, args.level)
    if args.command == "cache":
        from . import repack

        return repack.run_cache(clear=args.what == "clear")
    if args.command == "export":
        from . import export

        return export.run_export(args.source, args.target, args.to, args.dataset)
    if args.command == "import":
        from . import export

        return export.run_import(args.source, args.target, args.shape, args.labels, args.config)
    from .demo import demo

    return demo.run(args.directory, drawn=args.drawn, keep=args.keep)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="idxio", description="Look at IDX files, the format of MNIST, and check them.")
    parser.add_argument("--version", action=_Version, help="what is installed, with the codec libraries")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)

    info = commands.add_parser("info", help="shape, type, packing and checksum, without unpacking")
    verify = commands.add_parser("verify", help="read everything; check the size and every checksum")
    info.description = (
        "Say what each file holds and how it is packed. Sizes and checksums are those that the file states; nothing\n"
        "is unpacked to check them, for which there is idxio verify."
    )
    verify.description = (
        "Read each file from its first byte to its last, and check its size and every checksum. A line says that it\n"
        "is sound, or what is wrong and where."
    )
    for command in (info, verify):
        command.add_argument("files", nargs="+", metavar="FILE")
        command.add_argument("--json", action="store_true", help="one JSON list with an object for each file")

    show = commands.add_parser("show", help="a contact sheet of the images, or the labels as numbers")
    show.description = (
        "Draw images in the terminal, or write them as a PNG file; of a file of labels or other numbers, print those.\n"
        "Only the records that are shown are read."
    )
    show.add_argument("file", metavar="FILE")
    rows = "the records to show: a slice or one number; --rows=-9: for the last nine"
    show.add_argument("--rows", type=_rows, metavar="A:B", help=rows)
    show.add_argument("-o", dest="output", type=_png, metavar="OUT.png", help="write a PNG file instead")

    one = "only the images of a class, by its number or else its name; --rows then counts among them"
    show.add_argument("--class", dest="of_class", metavar="K", help=one)
    show.add_argument("--labels", metavar="FILE", help="their labels, where they don't lie beside under the usual name")

    check = commands.add_parser("check", help="look for what is wrong with the four files of a dataset")
    check.description = (
        "Read the four files of a dataset once, check them, count the classes, and look for copies, pictures of one\n"
        "colour, negated or transposed ones, and labels outside the class list. Errors give exit code 1, warnings 0."
    )
    check.add_argument("--json", action="store_true", help="one JSON object, for programs")

    page = commands.add_parser("report", help="the same and pictures on one HTML page, in one file")
    page.description = (
        "Write one HTML file with all that idxio check finds, the number of pictures of each class, and pictures. It\n"
        "needs no other file and no network."
    )
    page.add_argument("-o", dest="output", default="report.html", metavar="OUT.html", help="report.html if not given")
    for command in (check, page):
        command.add_argument("directory", metavar="DIRECTORY", help="where the four files lie")
        command.add_argument("--dataset", metavar="NAME", help="which of several there: what its names start with")

    repack = commands.add_parser("repack", help="write a file again as gzip that carries its own index")
    repack.description = (
        "Write IN, packed in any way or not at all, as gzip that every reader takes, and that idxio reads on all\n"
        "cores and from any record on. OUT may be IN."
    )
    repack.add_argument("file", metavar="IN")
    repack.add_argument("target", metavar="OUT")
    repack.add_argument("--level", type=int, choices=range(13), default=6, metavar="0..12", help="6 if not given")

    sort = commands.add_parser("sort", help="write images and labels in the order of their labels")
    sort.description = (
        "Write images and labels sorted by label, each class in its old order: label files shrink to about a hundred\n"
        "bytes, and a class is one range. Several pairs are merged, by the names of their classes where dataset.json\n"
        "tells them. All files appear, or none does."
    )
    sort.add_argument("files", nargs="+", metavar="FILE", help="pairs, images and labels; the last pair is written")
    sort.add_argument("--order", metavar="FILE", help="where to keep the permutation")
    sort.add_argument("--level", type=int, choices=range(13), default=6, metavar="0..12", help="6 if not given")
    build = commands.add_parser("build", help="make the four files of a dataset of a folder of pictures")
    build.description = "Each subfolder of IMAGES_DIR is a class; the files appear in OUT_DIR, all or none."
    build.add_argument("images", metavar="IMAGES_DIR")
    build.add_argument("directory", metavar="OUT_DIR", help="a new folder, or an empty one")
    how = "fashion: as Fashion-MNIST was made; fit: scaled into a square on black; none: as they are, if not given"
    build.add_argument("--pipeline", choices=("fashion", "fit", "none"), default="none", help=how)
    build.add_argument("--size", type=int, default=28, metavar="N", help="the edge that fashion and fit make; 28")
    build.add_argument("--colour", choices=("grey", "rgb"), help="as the first picture, if not given")
    build.add_argument("--labels", metavar="FILE.csv", help="lines of path,label instead of the subfolders")
    outside = "take pictures outside IMAGES_DIR too, to which paths or links lead; else they are bad"
    build.add_argument("--allow-outside", action="store_true", help=outside)
    test = "pictures of each class to test with; a seventh, if not given"
    build.add_argument("--test-per-class", type=int, metavar="N", help=test)
    build.add_argument("--seed", type=int, default=0, metavar="N", help="of the split and the order; 0 if not given")
    build.add_argument("--sort", action="store_true", help="order by label; else shuffled")
    build.add_argument("--skip-bad", action="store_true", help="leave bad pictures out; else they stop the run")
    build.add_argument("--level", type=int, choices=range(13), default=6, metavar="0..12", help="6 if not given")

    index = commands.add_parser("index", help="build the seek index of gzip files, beside them")
    index.description = (
        "Write FILE.seek beside each gzip file, with which idxio finds any record at once. The file stays as it is;\n"
        "one that idxio wrote needs no such index."
    )
    index.add_argument("files", nargs="+", metavar="FILE")

    cache = commands.add_parser("cache", help="list the unpacked files that open(cache=True) keeps, or remove them")
    cache.description = (
        "List the unpacked copies that idxio.open(file, cache=True) keeps in your cache folder, with when each was\n"
        "used last, or remove them all."
    )
    cache.add_argument("what", nargs="?", choices=("list", "clear"), default="list")

    export = commands.add_parser("export", help="write a dataset as npz, CSV, PNG folders, Parquet or npy")
    export.description = (
        "Write the four files of a dataset in a format that other programs read; one IDX file as npy. All of OUT\n"
        "appears at once, or nothing does."
    )
    export.add_argument("source", metavar="DIR", help="the directory of the dataset; for npy one file")
    export.add_argument("target", metavar="OUT", help="a new folder; for npz and npy a file")
    to = "what to write, if the suffix of OUT does not say it"
    export.add_argument("--to", choices=("npz", "csv", "png", "parquet", "npy"), help=to)
    export.add_argument("--dataset", metavar="NAME", help="one of several in DIR, as emnist-letters")

    importing = commands.add_parser("import", help="make a dataset of what export or another program wrote")
    importing.description = (
        "Make the IDX files of a dataset of what idxio export or another program wrote; its content says what it is.\n"
        "All of OUT appears at once, or nothing does. For pictures of your own there is idxio build."
    )
    importing.add_argument(
        "source",
        metavar="IN",
        help="an npz, npy, CSV or Parquet file, a folder of the last two, or PNG folders of export",
    )
    importing.add_argument("target", metavar="OUT", help="a new folder; for npy a file")
    shape = "the shape of the images of a CSV file, as 28x28 or 32x32x3, if they are no grey squares; of flat ones"
    importing.add_argument("--shape", type=_shape, metavar="HxW", help=shape)
    column = "the column of a CSV file with the labels, by number (0: first, -1: last) or name; none: no labels"
    importing.add_argument("--labels", type=_column, metavar="COLUMN", help=column)
    config = "one of several configurations or datasets: what stands before the splits in the names of tables"
    importing.add_argument("--config", metavar="NAME", help=config)

    demo = commands.add_parser("demo", help="read a dataset, time that, look at it and train on it")
    demo.description = (
        "Read the four MNIST-format files of a directory, time that, show some images and train a classifier.\n"
        "Without a directory: Debian's Fashion-MNIST if it is there, else digits that the demo draws itself."
    )
    what = demo.add_mutually_exclusive_group()
    what.add_argument("directory", nargs="?", metavar="DIRECTORY", help="where the four files lie")
    what.add_argument("--drawn", action="store_true", help="take the drawn digits")
    what.add_argument("--keep", metavar="DIR", help="draw digits and leave their four files in DIR")
    return parser


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        super().__init__(epilog=_CODES, formatter_class=argparse.RawDescriptionHelpFormatter, **options)


class _Version(argparse.Action):
    def __init__(self, option_strings: list[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **options)

    def __call__(self, parser: argparse.ArgumentParser, *args: object) -> None:
        print(show_config())
        parser.exit()


def _rows(text: str) -> slice:
    """`7`, `10:20`, `:5`, `::100`, as numpy reads them."""
    try:
        parts = [int(part) if part else None for part in text.split(":")]
        if len(parts) == 1:
            first = int(text)
            return slice(first, first + 1 or None)
        range(0)[slice(*parts)]  # refuses a step of 0 and more than three parts
        return slice(*parts)
    except (TypeError, ValueError):
        raise argparse.ArgumentTypeError(f"{text!r} is no slice like 10:20 and no number") from None


def _shape(text: str) -> tuple[int, ...]:
    """`28x28`."""
    parts = text.lower().split("x")
    if not all(part.isascii() and part.isdecimal() and int(part) for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no shape like 28x28 or 32x32x3")
    return tuple(map(int, parts))


def _column(text: str) -> int | str | bool:
    """`0`, `-1`, `digit`, or `none`."""
    if text.lower() in ("none", "false"):
        return False
    return int(text) if text.lstrip("-").isdecimal() else text


def _png(text: str) -> str:
    """Any other suffix would promise another format."""
    if os.path.splitext(text)[1].lower() not in ("", ".png"):
        raise argparse.ArgumentTypeError(f"{text!r}: only PNG is written; name it OUT.png")
    return text


def _settle_stdout() -> None:
    """Flush stdout; where that fails, point it to nowhere, or Python would complain once more at exit."""
    try:
        print(end="", flush=True)
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
