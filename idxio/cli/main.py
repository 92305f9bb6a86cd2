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
from typing import Any, NamedTuple

from ..core.show_config import show_config
from . import exit_codes
from .help_text import HelpFormatter
from .options import Commands
from .signals import Stopped, stopping
from .text import printable
from .warnings_once import warnings_once


class _Command(NamedTuple):
    """A command: the module that has its `add_parser`, and an example of its use."""

    module: str
    example: str


# In the order of `idxio --help`.
_COMMANDS = {
    "info": _Command("info", "idxio info train-images-idx3-ubyte.gz"),
    "verify": _Command("info", "idxio verify DIRECTORY"),
    "show": _Command("show", "idxio show train-images-idx3-ubyte.gz --class Bag --rows 0:20"),
    "check": _Command("check", "idxio check DIRECTORY"),
    "report": _Command("report", "idxio report DIRECTORY -o report.html"),
    "view": _Command("view", "idxio view DIRECTORY"),
    "repack": _Command("repack", "idxio repack foreign.gz indexed.gz --level 9"),
    "sort": _Command("sort", "idxio sort images labels sorted-images.gz sorted-labels.gz"),
    "build": _Command("build", "idxio build pictures/ dataset/ --pipeline fashion"),
    "index": _Command("index", "idxio index foreign.gz"),
    "cache": _Command("cache", "idxio cache clear"),
    "export": _Command("export", "idxio export dataset/ mnist.npz"),
    "import": _Command("import_", "idxio import mnist_train.csv dataset/"),
    "fetch": _Command("fetch", "idxio fetch fashion-mnist"),
    "demo": _Command("demo.command", "idxio demo DIRECTORY"),
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

`idxio COMMAND --help` tells the options of a command, with an example.
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
    try:
        arguments = _parse(argv)
    except SystemExit as stop:  # --help, --version or a usage error, already printed
        return int(stop.code or 0)
    with warnings_once():
        code: int = arguments.run(arguments)
    return code


def _parse(argv: list[str]) -> argparse.Namespace:
    """Parse the arguments of one command; print the list of commands if there are none."""
    parser, commands = _parser(argv)
    if not argv:
        parser.print_help(sys.stderr)
        parser.exit(exit_codes.USAGE)
    if not argv[0].startswith("-") and argv[0] not in _COMMANDS:
        import difflib  # slow to import, and seldom used

        alike = difflib.get_close_matches(argv[0], _COMMANDS, 1)
        hint = f"did you mean {alike[0]}?" if alike else f"they are {', '.join(_COMMANDS)}"
        parser.error(f"there is no command {printable(argv[0])!r}; {hint}")
    arguments, unknown = parser.parse_known_args(argv)
    if unknown:  # argparse would show the usage of `idxio` alone
        words = " ".join(map(printable, unknown))
        commands.choices[arguments.command].error(f"unrecognized arguments: {words}")
    return arguments


def _parser(argv: list[str]) -> tuple[argparse.ArgumentParser, Commands]:
    """Make the parser: of one command if argv names it first, else of all.

    The modules of all commands take 6 ms of CPU time more than that of one.
    """
    parser = argparse.ArgumentParser(
        prog="idxio",
        description="Look at IDX files, the format of MNIST, and check them.",
        epilog=_CODES,
        formatter_class=HelpFormatter,
    )
    parser.add_argument(
        "--version", action=_Version, help="what is installed, with the codec libraries"
    )
    parser.add_argument(
        "--print-completion",
        action=_Completion,
        choices=("bash", "zsh"),
        help="a script that completes commands, options and file names in that shell",
    )
    commands = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", required=True
    )
    names = [argv[0]] if argv and argv[0] in _COMMANDS else list(_COMMANDS)
    for module in dict.fromkeys(_COMMANDS[name].module for name in names):
        importlib.import_module(f".{module}", __package__).add_parser(commands)
    for name, command in commands.choices.items():
        command.epilog = f"example:\n  {_COMMANDS[name].example}"
        command.formatter_class = HelpFormatter
    return parser, commands


class _Version(argparse.Action):
    def __init__(self, option_strings: list[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **options)

    def __call__(self, parser: argparse.ArgumentParser, *args: object) -> None:
        print(show_config())
        parser.exit()


class _Completion(argparse.Action):
    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, value: Any, *_: Any
    ) -> None:
        from .completion import script

        print(script(parser, value))
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
