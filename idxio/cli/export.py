"""idxio export and idxio import."""

from __future__ import annotations

import os

from ..convert.export import FORMATS, export_dataset
from ..convert.import_ import import_dataset
from ..errors import naming
from . import exit_codes
from .progress import bar


def run_export(source: str, target: str, to: str | None, dataset: str | None) -> int:
    """Write a dataset for programs that don't read IDX; a line for each file or folder."""
    to = to or os.path.splitext(target)[1][1:].lower()
    if to not in FORMATS:
        raise exit_codes.UsageError(f"{target}: say what to write: --to {', '.join(FORMATS)}")
    if to != "npy" and os.path.isfile(source):
        raise exit_codes.UsageError(f"{source}: name the directory of the dataset; one file becomes --to npy")
    if to == "npy" and dataset is not None:
        raise exit_codes.UsageError("--dataset names one of several datasets in a directory; this is one file")
    with exit_codes.using(), naming(source), bar(source, " records") as progress:
        export_dataset(source, target, to=to, dataset=dataset, progress=progress)
    _list(target)
    return exit_codes.FINE


def run_import(
    source: str, target: str, shape: tuple[int, ...] | None, labels: int | str | bool | None, config: str | None
) -> int:
    """Make IDX files of what another program wrote; a line for each."""
    with exit_codes.using(), naming(source), bar(source, " records") as progress:
        import_dataset(source, target, shape=shape, labels=labels, config=config, progress=progress)
    _list(target)
    return exit_codes.FINE


def _list(target: str) -> None:
    """What is there now."""
    names = [os.path.join(target, name) for name in sorted(os.listdir(target))] if os.path.isdir(target) else [target]
    for name in names:
        if os.path.isdir(name):
            print(f"{exit_codes.printable(name)}: {sum(len(files) for _, _, files in os.walk(name)):,} files")
        else:
            print(f"{exit_codes.printable(name)}: {os.path.getsize(name):,} bytes")
