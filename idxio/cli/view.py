"""idxio view: all records of a dataset in the browser, from this machine or on any static host."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from ..errors import naming
from ..storage.source import is_url
from ..storage.targets import write_file
from . import exit_codes
from .options import Commands, add_dataset
from .output import STDOUT, name_of, written
from .text import printable

if TYPE_CHECKING:
    from .viewer.dataset import Viewed

_PAGE = "index.html"


def add_parser(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "view", help="look at all records in the browser, or make a page for that"
    )
    parser.description = (
        "Show the classes of a dataset and all of its records in the browser, from a server on this"
        " machine that runs until Ctrl-C. Only the records that are shown are read. With -o, write"
        " the page to lie beside the four files on any host; it needs nothing else."
    )
    parser.add_argument(
        "-o",
        dest="output",
        metavar="OUT",
        help=(
            "write the page and end: index.html into the folder OUT, or the file OUT.html;"
            " - for standard output"
        ),
    )
    parser.add_argument(
        "--port", type=_port, default=0, metavar="N", help="of the server; a free one if not given"
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="print the address, and open no browser"
    )
    add_dataset(parser, "where the four files lie, or the URL of that")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve the page until it is interrupted, or write it."""
    from .viewer import dataset, render, server

    folder = arguments.directory
    base = ""
    if arguments.output is not None:
        exit_codes.refuse_url(arguments.output)
        base = _base(folder) if is_url(folder) else ""
    with exit_codes.naming(folder):
        viewed = dataset.find(folder, arguments.dataset)
    if arguments.output is not None:
        return _write(viewed, base, arguments.output)
    try:
        serving = server.ViewServer(arguments.port, render.render(viewed), viewed.paths)
    except OSError as error:
        raise exit_codes.UsageError(f"--port {arguments.port}: {error.strerror}") from None
    with serving:
        print(f"{printable(viewed.title)}: {serving.url} until Ctrl-C", flush=True)
        if not arguments.no_browser:
            _open_browser(serving.url)
        serving.serve_forever()
    return exit_codes.FINE


def _write(viewed: Viewed, base: str, output: str) -> int:
    """Write the page. Made of a URL, it reads the files there, wherever it lies itself."""
    from .viewer.render import render

    page = render(viewed, base)
    if output != STDOUT and not output.lower().endswith((".html", ".htm")):
        with exit_codes.naming(output):
            os.makedirs(output, exist_ok=True)
        output = os.path.join(output, _PAGE)
        _refuse_foreign(output)
    with exit_codes.naming(name_of(output)), written(output) as path:
        write_file(path, page)
    if output != STDOUT:
        beside = ", ".join(name for split in viewed.splits for name in split[1:])
        where = "" if base else f"; belongs beside {beside}"
        print(printable(f"{output}: {len(page):,} bytes{where}"))
    return exit_codes.FINE


def _refuse_foreign(path: str) -> None:
    """Raise UsageError if there is a page of another program, which nobody named."""
    from .viewer.render import GENERATOR

    if os.path.lexists(path):
        with naming(path), open(path, "rb") as file:
            if GENERATOR.encode() not in file.read(4096):
                raise exit_codes.UsageError(
                    f"{path}: is there already, and not by idxio view; name the page with -o"
                    f" {os.path.join(os.path.dirname(path), 'view.html')}"
                )


def _base(url: str) -> str:
    """Return the URL at which a page finds the files; UsageError where no page may or can."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise exit_codes.UsageError(
            f"{url}: no browser reads such URLs; make the page of the folder on this machine, or of"
            " the files' https URL"
        )
    if parts.query or "@" in parts.netloc:
        raise exit_codes.UsageError(
            "the URL has a query or a password, which all who see the page would read; make the"
            " page of the folder on this machine"
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/"


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 0 to 65535")
    return int(text)


def _open_browser(url: str) -> None:
    """Open the browser of the desktop, if there is one: another would take over the terminal."""
    if sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        import webbrowser

        webbrowser.open(url)
