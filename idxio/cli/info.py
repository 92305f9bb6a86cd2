"""idxio info and idxio verify."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import IO, Any

from ..compression.registry import named
from ..core.info import Info, info, verify
from . import exit_codes
from .idx_files import files_of
from .options import STDIN_OR_FOLDER, Commands
from .progress import bar
from .text import dimensions, message, printable


def add_parser(commands: Commands) -> None:
    """Add both commands."""
    stated = commands.add_parser(
        "info", help="shape, type, packing and checksum, without unpacking"
    )
    checked = commands.add_parser(
        "verify", help="read everything; check the size and every checksum"
    )
    stated.description = (
        "Say what each file holds and how it is packed. Sizes and checksums are those that the file"
        " states; nothing is unpacked to check them, for which there is idxio verify."
    )
    checked.description = (
        "Read each file from its first byte to its last, and check its size and every checksum. A"
        " line says that it is sound, or what is wrong and where."
    )
    for command in (stated, checked):
        command.add_argument("files", nargs="+", metavar="FILE", help=STDIN_OR_FOLDER)
        command.add_argument(
            "--json", action="store_true", help="one JSON list with an object for each file"
        )
        command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Describe or check each file, the bad ones too; the highest exit code."""
    if arguments.command == "info":
        return _run(arguments, info, _info_text)
    return _run(arguments, _verify, _verify_text)


def _verify(file: str | IO[bytes]) -> Info:
    name = file if isinstance(file, str) else "standard input"
    with bar(name) as progress:
        return verify(file, progress=progress)


def _run(
    arguments: argparse.Namespace, inspect: Callable[..., Info], as_text: Callable[[Info], str]
) -> int:
    code = exit_codes.FINE
    documents: list[dict[str, Any]] = []
    for file, about in _inspected(arguments.files, inspect):
        if not isinstance(about, Info):
            code = max(code, exit_codes.report(about))
            documents.append(_error_document(file, about))
            continue
        documents.append(_document(about))
        if not arguments.json:
            print(as_text(about))
    if arguments.json:
        import json

        print(json.dumps(documents, indent=2))
    return code


def _inspected(
    paths: list[str], inspect: Callable[..., Info]
) -> Iterator[tuple[str, Info | BaseException]]:
    """Yield what each file is, also of those in folders, or the error that it raises."""
    for path in paths:
        try:
            with exit_codes.naming(path):
                files = files_of(path)
        except exit_codes.ERRORS as error:
            yield path, error
            continue
        for file in files:
            try:
                with exit_codes.naming(file):
                    about = inspect(exit_codes.file_or_stdin(file))
            except exit_codes.ERRORS as error:
                yield file, error
            else:
                yield file, about


def _info_text(about: Info) -> str:
    sizes = f"{about.size:,} bytes"
    if not named(about.packing).is_plain:
        packed = "" if about.packed_size is None else f" in {about.packed_size:,}"
        sizes = f"{sizes}{packed}, {about.packing}"
    lines = {
        "shape": dimensions(about.shape),
        "type": about.dtype.name,
        "size": sizes,
        "CRC-32": None if about.crc32 is None else f"{about.crc32:08x}, as the file states it",
        "known": about.known,
    }
    text = "\n".join(f"  {name:<7} {value}" for name, value in lines.items() if value)
    return f"{printable(about.file)}\n{text}"


def _verify_text(about: Info) -> str:
    known = f" ({about.known})" if about.known else ""
    # Said because an OK promises more elsewhere: a raw file holds nothing to check its bytes
    # against.
    promise = named(about.packing).checked
    checked = f", {promise}" if promise and not known else ""
    what = f"{dimensions(about.shape)} {about.dtype.name}, CRC-32 {about.crc32:08x}"
    return f"{printable(about.file)}: OK, {what}{known}{checked}"


def _document(about: Info) -> dict[str, Any]:
    return {
        **about._asdict(),
        "dtype": about.dtype.name,
        "crc32": None if about.crc32 is None else f"{about.crc32:08x}",
    }


def _error_document(file: str, error: BaseException) -> dict[str, Any]:
    offset = getattr(error, "offset", None)
    return {"file": file, "error": message(error), "kind": type(error).__name__, "offset": offset}
