"""idxio repack, idxio index and idxio cache."""

from __future__ import annotations

import os
import time

from ..core import disk_cache, read
from ..core.build_index import build_index
from ..core.repack import repack
from . import exit_codes
from .progress import bar


def run_repack(file: str, target: str, level: int) -> int:
    """Write the file again as indexed gzip; a line for before and one for after."""
    with exit_codes.naming(file), bar(file) as progress:
        repack(exit_codes.given(file), target, level=level, progress=progress)
    # A pipe can't be read again.
    for name in (file, target) if file != "-" and os.path.isfile(file) else (target,):
        start = time.perf_counter()
        read.read(name)
        seconds = time.perf_counter() - start
        print(f"{exit_codes.printable(name)}: {os.path.getsize(name):,} bytes, read in {1000 * seconds:.1f} ms")
    return exit_codes.FINE


def run_index(files: list[str]) -> int:
    """Build the seek index of each file; go on after a bad one."""
    code = exit_codes.FINE
    for file in files:
        try:
            with exit_codes.naming(file), bar(file) as progress:
                path = build_index(file, progress=progress)
            share = os.path.getsize(path) / os.path.getsize(file)
            print(f"{exit_codes.printable(path)}: {os.path.getsize(path):,} bytes, {100 * share:.1f} % of the file")
        except exit_codes.ERRORS as error:
            code = max(code, exit_codes.report(error))
    return code


def run_cache(*, clear: bool) -> int:
    """List the unpacked files that are kept, or remove them."""
    try:
        folder = disk_cache.folder()
    except ImportError as error:
        raise exit_codes.UsageError(str(error)) from None
    if clear:
        print(f"{exit_codes.printable(folder)}: {disk_cache.clear():,} bytes freed")
        return exit_codes.FINE
    entries = disk_cache.entries()
    for entry in entries:
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used))
        print(f"{used}  {entry.size:>15,}  {exit_codes.printable(entry.path)}")
    print(f"{exit_codes.printable(folder)}: {len(entries)} files, {sum(entry.size for entry in entries):,} bytes")
    return exit_codes.FINE
