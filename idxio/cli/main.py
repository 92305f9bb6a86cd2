"""The command `idxio`: look at IDX files, check them, and see the library at work.

Exit codes: 0 everything is fine; 1 something is wrong with a file; 2 the command line is wrong, or
asks for what is not installed; 3 a file can't be read or written; 129 and 143 ended by SIGHUP or
SIGTERM; 130 interrupted; 141 the reader of the output went away. Of several files the highest code
counts.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
import warnings
from typing import Any

from ..core.config import show_config
from . import exit_codes
from .signals import Stopped, stopping
from .text import printable

# The module of each command, in the order of `idxio --help`.
_COMMANDS = {
    "info": "info",
    "verify": "info",
    "show": "show",
    "check": "check",
    "report": "report",
    "repack": "repack",
    "sort": "sort",
    "build": "build",
    "index": "index",
    "cache": "cache",
    "export": "export",
    "import": "import_",
    "demo": "demo.command",
}
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
  Of several files, the highest code counts.
  info, verify, show and repack take - for standard input.
"""


def main(argv: list[str] | None = None) -> int:
    """Run one command and return the exit code.

    Bad input gives a line on stderr and never a traceback.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # a name or a symbol that the encoding has not
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with stopping():
            code = _run(argv)
            print(end="", flush=True)
        return code
    except Stopped as stopped:
        code = 128 + stopped.number
    except KeyboardInterrupt:
        code = exit_codes.INTERRUPTED
    except BrokenPipeError:
        code = exit_codes.PIPE_CLOSED
    except exit_codes.ERRORS as error:
        code = exit_codes.report(error)
    _settle_stdout()
    return code


def _run(argv: list[str] | None) -> int:
    if argv is None:
        argv = sys.argv[1:]
    parser = _parser(argv)
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as stop:  # --help, --version or a usage error, already printed
        return int(stop.code or 0)
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = _show_warning
        code: int = arguments.run(arguments)
    return code


def _show_warning(message: Warning | str, *where: Any, **more: Any) -> None:
    print(f"idxio: {printable(str(message))}", file=sys.stderr)


def _parser(argv: list[str]) -> argparse.ArgumentParser:
    """Make the parser: of one command if argv names it first, else of all.

    The modules of all commands take 6 ms of CPU time more than that of one.
    """
    parser = _Parser(
        prog="idxio", description="Look at IDX files, the format of MNIST, and check them."
    )
    parser.add_argument(
        "--version", action=_Version, help="what is installed, with the codec libraries"
    )
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=_Parser
    )
    modules = list(dict.fromkeys(_COMMANDS.values()))  # info and verify share one
    if argv and argv[0] in _COMMANDS:
        modules = [_COMMANDS[argv[0]]]
    for module in modules:
        importlib.import_module(f".{module}", __package__).add_parser(commands)
    return parser


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        super().__init__(
            epilog=_CODES, formatter_class=argparse.RawDescriptionHelpFormatter, **options
        )


class _Version(argparse.Action):
    def __init__(self, option_strings: list[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **options)

    def __call__(self, parser: argparse.ArgumentParser, *args: object) -> None:
        print(show_config())
        parser.exit()


def _settle_stdout() -> None:
    """Flush stdout; where that fails, point it to nowhere, or Python would complain once more at
    exit.
    """
    try:
        print(end="", flush=True)
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
