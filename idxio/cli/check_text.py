"""The result of a check as text and as JSON."""

from __future__ import annotations

import json
import math
import os
from typing import Any

import numpy as np
import numpy.typing as npt

from .._util.types import Array
from ..datasets.validation import summary
from ..datasets.validation.check import Check
from ..datasets.validation.rules import Finding, frame, ranges_of
from ..datasets.validation.statistics import Statistics
from .text import dimensions, printable


def as_text(result: Check, *, strict: bool = False) -> str:
    """Describe the dataset: facts of each split, a table of the classes, the findings and the
    verdict.
    """
    return "\n".join(_lines(result, strict))


def as_json(result: Check, *, strict: bool = False) -> str:
    """Return one JSON object."""
    return json.dumps(_document(result, strict), indent=2)


def facts(statistics: Statistics) -> list[tuple[str, str]]:
    """List the facts of a split, right or wrong, as names and values for people."""
    files = [os.path.basename(file) for file in (statistics.images_file, statistics.labels_file)]
    runs = statistics.runs
    order = (
        "sorted by label"
        if statistics.is_sorted
        else f"not sorted: {len(runs):,} runs of one label"
    )
    lines = [
        ("pictures", f"{dimensions(statistics.shape)} {statistics.dtype.name}"),
        ("files", " + ".join(files)),
        ("known", ", ".join(name for name in statistics.known if name)),
        ("order", f"{order}, the longest {runs.max():,}"),
    ]
    is_bytes = statistics.mean_picture is not None
    low, high = statistics.span
    mean, std = statistics.stats
    form = ".1f" if is_bytes else ".4g"
    pixels = f"{low:.6g} to {high:.6g}, mean {_each(mean, form)}, std {_each(std, form)}"
    if statistics.mean_picture is not None and (about := frame(statistics.mean_picture)):
        pixels += f", border {about.border:.1f}, inside {about.inner:.1f}"
    lines.append(("pixels", pixels))
    if is_bytes:
        scaled = f"mean {_each(mean / 255, '.4f')}, std {_each(std / 255, '.4f')}"
        lines.append(("scaled", f"{scaled} with scale=1/255"))
    return [(name, printable(value)) for name, value in lines if value]


def class_rows(result: Check) -> list[tuple[int, str, list[int]]]:
    """List the classes: label, name or "", and the number of pictures in each split."""
    counts = [
        dict(zip(s.classes.tolist(), s.counts.tolist(), strict=True))
        for s in result.splits.values()
    ]
    names = result.class_names or {}
    labels = sorted(set(names).union(*counts))
    return [
        (k, printable(names.get(k, "")), [of_split.get(k, 0) for of_split in counts])
        for k in labels
    ]


def verdict(result: Check, *, strict: bool = False) -> str:
    """Count the errors and the warnings in one line; strict: warnings are wrong too."""
    return summary.verdict(result.findings, strict=strict)


def _numbers(values: npt.ArrayLike) -> list[float | None]:
    """Numbers for JSON, which has no NaN and no infinity."""
    return [value if math.isfinite(value) else None for value in np.ravel(values).tolist()]


def _each(values: float | Array, form: str) -> str:
    """A number, or those of all channels, as text."""
    return " ".join(f"{value:{form}}" for value in np.ravel(values).tolist())


def _lines(result: Check, strict: bool) -> list[str]:
    lines = [printable(result.directory)]
    column = max([6, *(len(split) + 1 for split in result.splits)])
    for split, statistics in result.splits.items():
        lines.append("")
        heading = split
        for name, value in facts(statistics):
            lines.append(f"{heading:<{column}}{name:<9} {value}")
            heading = ""
    lines += _class_table(result)
    lines.append("")
    for finding in result.findings:
        lines += map(printable, summary.finding_lines(finding, result.class_names or {}))
    lines.append(verdict(result, strict=strict))
    return lines


def _class_table(result: Check) -> list[str]:
    rows = class_rows(result)
    if not rows:
        return []
    width = max(len("class"), *(len(f"{k} {name}") for k, name, _ in rows))
    heading = "".join(f" {split:>9}" for split in result.splits)
    lines = ["", f"{'class':<{width}}{heading}"]
    columns = [max(9, len(split)) for split in result.splits]
    for k, name, counts in rows:
        cells = "".join(f" {n:>{column},}" for n, column in zip(counts, columns, strict=True))
        lines.append(f"{f'{k} {name}':<{width}}{cells}")
    return lines


def _document(result: Check, strict: bool) -> dict[str, Any]:
    ranges = ranges_of(result.splits)
    in_both = 0
    if "train" in ranges and "t10k" in ranges:
        in_both = len(result.duplicates.shared(ranges["train"], ranges["t10k"]))
    splits = {}
    for split, statistics in result.splits.items():
        copies = result.duplicates.copies(*ranges[split])
        splits[split] = _split(statistics, len(copies))
    return {
        "directory": result.directory,
        "ok": result.ok and not (strict and result.findings),
        "findings": [_finding(finding) for finding in result.findings],
        "class_names": result.class_names,
        "splits": splits,
        "test_pictures_in_train": in_both,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    pairs = [[picture._asdict() for picture in pair] for pair in finding.pairs]
    return {**finding._asdict(), "pairs": pairs}


def _split(statistics: Statistics, copies: int) -> dict[str, Any]:
    mean = statistics.mean_picture
    about = None if mean is None else frame(mean)
    runs = statistics.runs
    return {
        "images": statistics.images_file,
        "labels": statistics.labels_file,
        "shape": statistics.shape,
        "dtype": statistics.dtype.name,
        "crc32": [f"{crc:08x}" for crc in statistics.crc32],
        "known": statistics.known,
        "counts": dict(zip(statistics.classes.tolist(), statistics.counts.tolist(), strict=True)),
        "sorted": statistics.is_sorted,
        "runs": len(runs),
        "longest_run": int(runs.max()),
        "constant": int(statistics.constant.sum()),
        "copies": copies,
        "mean": None if mean is None else float(mean.mean()),
        "channel_mean": _numbers(statistics.stats.mean),
        "channel_std": _numbers(statistics.stats.std),
        "span": _numbers(statistics.span),
        "frame": None if about is None else about._asdict(),
    }
