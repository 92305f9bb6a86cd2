"""idxio repack, idxio index and idxio cache."""

from __future__ import annotations

import os
import time

from .. import cache, reading
from ..indexfile import build_index
from ..repacking import repack
from . import report
from .progress import bar


def run_repack(file: str, target: str, level: int) -> int:
    """Write the file again as indexed gzip; a line for before and one for after."""
    with report.naming(file), bar(file) as progress:
        repack(report.given(file), target, level=level, progress=progress)
    # A pipe can't be read again.
    for name in (file, target) if file != "-" and os.path.isfile(file) else (target,):
        start = time.perf_counter()
        reading.read(name)
        seconds = time.perf_counter() - start
        print(f"{report.printable(name)}: {os.path.getsize(name):,} bytes, read in {1000 * seconds:.1f} ms")
    return report.FINE


def run_index(files: list[str]) -> int:
    """Build the seek index of each file; go on after a bad one."""
    code = report.FINE
    for file in files:
        try:
            with report.naming(file), bar(file) as progress:
                path = build_index(file, progress=progress)
            share = os.path.getsize(path) / os.path.getsize(file)
            print(f"{report.printable(path)}: {os.path.getsize(path):,} bytes, {100 * share:.1f} % of the file")
        except report.ERRORS as error:
            code = max(code, report.report(error))
    return code


def run_cache(*, clear: bool) -> int:
    """List the unpacked files that are kept, or remove them."""
    try:
        folder = cache.folder()
    except ImportError as error:
        raise report.UsageError(str(error)) from None
    if clear:
        print(f"{report.printable(folder)}: {cache.clear():,} bytes freed")
        return report.FINE
    entries = cache.entries()
    for entry in entries:
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used))
        print(f"{used}  {entry.size:>15,}  {report.printable(entry.path)}")
    print(f"{report.printable(folder)}: {len(entries)} files, {sum(entry.size for entry in entries):,} bytes")
    return report.FINE
