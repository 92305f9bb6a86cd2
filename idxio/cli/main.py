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
from . import build, cache, check, exit_codes, export, import_, index, info, repack, report, show, sort
from .demo import command as demo
from .signals import Stopped, stopping

# In the order of `idxio --help`. A command imports in its `run` what only it needs: building the
# parsers of all commands loads neither datasets nor convert.
_COMMANDS = (info, show, check, report, repack, sort, build, index, cache, export, import_, demo)
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
    """Run one command and return the exit code. Bad input gives a line on stderr and never a traceback."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name or a symbol that the encoding has not
    try:
        with stopping():
            code = _run(argv)
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


def _run(argv: list[str] | None) -> int:
    parser = _parser()
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as stop:  # --help, --version or a usage error, already printed
        return int(stop.code or 0)
    code: int = arguments.run(arguments)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="idxio", description="Look at IDX files, the format of MNIST, and check them.")
    parser.add_argument("--version", action=_Version, help="what is installed, with the codec libraries")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    for module in _COMMANDS:
        module.add_parser(commands)
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


def _settle_stdout() -> None:
    """Flush stdout; where that fails, point it to nowhere, or Python would complain once more at exit."""
    try:
        print(end="", flush=True)
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
