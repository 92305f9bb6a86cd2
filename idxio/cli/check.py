"""idxio check."""

from __future__ import annotations

import json
import os
from typing import Any

from ..datasets.validation.check import Check, check
from ..datasets.validation.rules import Finding, frame, ranges_of
from ..datasets.validation.statistics import Statistics
from . import exit_codes
from .progress import bar


def run(directory: str, dataset: str | None, *, as_json: bool) -> int:
    """Print what is known of the dataset and what is wrong with it; BAD_FILE if that is an error."""
    with exit_codes.naming(directory), bar(directory) as progress:
        found = check(directory, dataset=dataset, progress=progress)
    if as_json:
        print(json.dumps(_document(found), indent=2))
    else:
        print("\n".join(_lines(found)))
    return exit_codes.FINE if found.ok else exit_codes.BAD_FILE


def facts(seen: Statistics) -> list[tuple[str, str]]:
    """What there is to say of a split, right or wrong: names and values for people."""
    files = [os.path.basename(file) for file in (seen.images_file, seen.labels_file)]
    runs = seen.runs
    order = "sorted by label" if seen.is_sorted else f"not sorted: {len(runs):,} runs of one label"
    lines = [
        ("pictures", f"{exit_codes.dimensions(seen.shape)} {seen.dtype.name}"),
        ("files", " + ".join(files)),
        ("known", ", ".join(name for name in seen.known if name)),
        ("order", f"{order}, the longest {runs.max():,}"),
    ]
    if seen.mean_picture is not None and seen.histogram is not None:
        values = seen.histogram.nonzero()[0]
        pixels = f"{values[0]} to {values[-1]}, mean {seen.mean_picture.mean():.1f}"
        if about := frame(seen.mean_picture):
            pixels += f", border {about.border:.1f}, inside {about.inner:.1f}"
        lines.append(("pixels", pixels))
    return [(name, exit_codes.printable(value)) for name, value in lines if value]


def class_rows(found: Check) -> list[tuple[int, str, list[int]]]:
    """Each class: its label, its name or "", and how many pictures each split has."""
    counts = [dict(zip(s.classes.tolist(), s.counts.tolist(), strict=True)) for s in found.splits.values()]
    names = found.class_names or {}
    labels = sorted(set(names).union(*counts))
    return [(k, exit_codes.printable(names.get(k, "")), [of_split.get(k, 0) for of_split in counts]) for k in labels]


def verdict(found: Check) -> str:
    """The last line."""
    errors = sum(finding.level == "error" for finding in found.findings)
    numbers = [
        f"{n} {what}{'s' if n != 1 else ''}"
        for n, what in ((errors, "error"), (len(found.findings) - errors, "warning"))
    ]
    return f"{'OK' if found.ok else 'NOT OK'}: {', '.join(numbers)}"


def _lines(found: Check) -> list[str]:
    lines = [exit_codes.printable(found.directory)]
    column = max([6, *(len(split) + 1 for split in found.splits)])
    for split, seen in found.splits.items():
        lines += [
            "",
            *(f"{split if i == 0 else '':<{column}}{name:<9} {value}" for i, (name, value) in enumerate(facts(seen))),
        ]
    rows = class_rows(found)
    if rows:
        width = max(len("class"), *(len(f"{k} {name}") for k, name, _ in rows))
        lines += ["", f"{'class':<{width}}" + "".join(f" {split:>9}" for split in found.splits)]
        wide = [max(9, len(split)) for split in found.splits]
        lines += [
            f"{f'{k} {name}':<{width}}" + "".join(f" {n:>{most},}" for n, most in zip(counts, wide, strict=True))
            for k, name, counts in rows
        ]
    lines += ["", *(_line(finding) for finding in found.findings), verdict(found)]
    return lines


def _line(finding: Finding) -> str:
    return exit_codes.printable(f"{finding.level}: {finding.split}: {finding.message} [{finding.kind}]")


def _document(found: Check) -> dict[str, Any]:
    ranges = ranges_of(found.splits)
    shared = found.duplicates.shared(ranges["train"], ranges["t10k"]) if {"train", "t10k"} <= set(ranges) else ()
    return {
        "directory": found.directory,
        "ok": found.ok,
        "findings": [finding._asdict() for finding in found.findings],
        "class_names": found.class_names,
        "splits": {
            split: _split(seen, len(found.duplicates.copies(*ranges[split]))) for split, seen in found.splits.items()
        },
        "test_pictures_in_train": len(shared),
    }


def _split(seen: Statistics, copies: int) -> dict[str, Any]:
    mean = seen.mean_picture
    about = None if mean is None else frame(mean)
    runs = seen.runs
    return {
        "images": seen.images_file,
        "labels": seen.labels_file,
        "shape": seen.shape,
        "dtype": seen.dtype.name,
        "crc32": [f"{crc:08x}" for crc in seen.crc32],
        "known": seen.known,
        "counts": dict(zip(seen.classes.tolist(), seen.counts.tolist(), strict=True)),
        "sorted": seen.is_sorted,
        "runs": len(runs),
        "longest_run": int(runs.max()),
        "constant": int(seen.constant.sum()),
        "copies": copies,
        "mean": None if mean is None else float(mean.mean()),
        "frame": None if about is None else about._asdict(),
    }
