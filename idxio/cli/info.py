"""idxio info and idxio verify."""

from __future__ import annotations

import json
from typing import Any

from ..core.info import Info, info, verify
from . import exit_codes


def run(command: str, files: list[str], *, as_json: bool) -> int:
    """Print what is known of each file, or that it is whole; go on after a bad one."""
    code = exit_codes.FINE
    documents: list[dict[str, Any]] = []
    for file in files:
        try:
            with exit_codes.naming(file):
                about = info(exit_codes.given(file)) if command == "info" else verify(exit_codes.given(file))
        except exit_codes.ERRORS as error:
            code = max(code, exit_codes.report(error))
            documents.append(_error_document(file, error))
            continue
        documents.append(_document(about))
        if not as_json:
            print(_info_text(about) if command == "info" else _verify_text(about))
    if as_json:
        print(json.dumps(documents, indent=2))
    return code


def _info_text(about: Info) -> str:
    sizes = f"{about.size:,} bytes"
    if about.packing != "raw":
        packed = "" if about.packed_size is None else f" in {about.packed_size:,}"
        sizes = f"{sizes}{packed}, {about.packing}"
    lines = {
        "shape": exit_codes.dimensions(about.shape),
        "type": about.dtype.name,
        "size": sizes,
        "CRC-32": None if about.crc32 is None else f"{about.crc32:08x}, as the file states it",
        "known": about.known,
    }
    text = "\n".join(f"  {name:<7} {value}" for name, value in lines.items() if value)
    return f"{exit_codes.printable(about.file)}\n{text}"


def _verify_text(about: Info) -> str:
    known = f" ({about.known})" if about.known else ""
    # Said because an OK promises more elsewhere: a raw file holds nothing to check its bytes against.
    checked = ", size only: a raw file states no checksum" if about.packing == "raw" and not known else ""
    what = f"{exit_codes.dimensions(about.shape)} {about.dtype.name}, CRC-32 {about.crc32:08x}"
    return f"{exit_codes.printable(about.file)}: OK, {what}{known}{checked}"


def _document(about: Info) -> dict[str, Any]:
    return {
        **about._asdict(),
        "dtype": about.dtype.name,
        "crc32": None if about.crc32 is None else f"{about.crc32:08x}",
    }


def _error_document(file: str, error: BaseException) -> dict[str, Any]:
    offset = getattr(error, "offset", None)
    return {"file": file, "error": exit_codes.message(error), "kind": type(error).__name__, "offset": offset}
