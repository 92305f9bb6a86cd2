"""Scripts for shells that complete the commands, options and file names of `idxio`."""

from __future__ import annotations

import argparse

from . import exit_codes

# Metavars of arguments that are files, and of those that are folders.
_FILES = ("FILE", "IN", "OUT", "FILE.csv", "OUT.html", "OUT.png")
_FOLDERS = ("DIR", "DIRECTORY", "IMAGES_DIR", "OUT_DIR")


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """Return the script for a shell, bash or zsh; UsageError if shtab is missing."""
    try:
        import shtab
    except ImportError as error:
        raise exit_codes.UsageError(
            f"completion needs shtab: pip install 'idxio[completion]' ({error})"
        ) from None
    for action in _arguments(parser):
        if action.metavar in _FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif action.metavar in _FOLDERS:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    text: str = shtab.complete(parser, shell)
    return text


def _arguments(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """List the arguments of all commands."""
    actions: list[argparse.Action] = []
    for action in parser._actions:
        actions.append(action)
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                actions += _arguments(command)
    return actions
