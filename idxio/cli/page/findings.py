"""The findings of a check: each with the first records that it is about, and their partners."""

from __future__ import annotations

import numpy as np

from ...core.array import open_array
from ...datasets.validation.check import Check
from ...datasets.validation.rules import Finding, ranges_of
from .pictures import can_draw, strip, text, thumbnails
from .selection import SIDE

_MOST = 10  # records of a finding
_LEVELS = {"error": "bad", "warning": "doubt"}  # the CSS class of a finding's level


def section(result: Check) -> str:
    """List the findings."""
    if not result.findings:
        return ""
    items = [
        f'<li><span class="{_LEVELS[finding.level]}">{finding.level}</span> '
        f"{text(finding.split)}: {text(finding.message)}{_pictures(result, finding)}</li>"
        for finding in result.findings
    ]
    return f"<h2>Findings</h2><ul>{''.join(items)}</ul>"


def _pictures(result: Check, finding: Finding) -> str:
    """Draw the first records of a finding, one of each group of equal ones."""
    statistics = result.splits.get(finding.split)
    if statistics is None or not finding.records or not can_draw(statistics.shape):
        return ""
    start = ranges_of(result.splits)[finding.split][0]
    captions: dict[int, str] = {}
    groups: set[int] = set()
    for record in finding.records:
        group = _group(result, start + record)
        if group is not None and group in groups:
            continue
        caption = f"<b>{record}: {_label(result, finding.split, record)}</b>"
        if group is not None:
            groups.add(group)
            caption += _partner(result, finding, record, group)
        captions[record] = caption
    records = list(captions)[:_MOST]
    with open_array(statistics.images_file) as f:
        pictures = thumbnails(f[records], SIDE)
    alt = f"records {', '.join(map(str, records))} of {text(finding.split)}"
    return strip(pictures, [captions[record] for record in records], alt)


def _group(result: Check, number: int) -> int | None:
    """Return the group of equal pictures of a picture, which is numbered through the splits."""
    duplicates = result.duplicates
    i = int(np.searchsorted(duplicates.records, number))
    if i == len(duplicates.records) or duplicates.records[i] != number:
        return None
    return int(duplicates.groups[i])


def _partner(result: Check, finding: Finding, record: int, group: int) -> str:
    """Name the record that this one equals: of a leak that in the earlier split, of a conflict one
    with another label.
    """
    if finding.kind not in ("leak", "copies", "conflict"):
        return ""
    duplicates = result.duplicates
    mine = _label(result, finding.split, record)
    others = []
    for number in duplicates.records[duplicates.groups == group].tolist():
        split, other = _place(result, number)
        if (split, other) == (finding.split, record):
            continue
        label = _label(result, split, other)
        is_wanted = {
            "leak": split != finding.split,
            "copies": split == finding.split,
            "conflict": label != mine,
        }
        if is_wanted[finding.kind]:
            others.append(f"{text(split)} {other}: {label}")
    if not others:
        return ""
    more = f" and {len(others) - 1:,} more" if len(others) > 1 else ""
    return f"= {others[0]}{more}"


def _place(result: Check, number: int) -> tuple[str, int]:
    """Return the split of a picture that is numbered through the splits, and its record there."""
    for split, (start, stop) in ranges_of(result.splits).items():
        if start <= number < stop:
            return split, number - start
    raise IndexError(number)


def _label(result: Check, split: str, record: int) -> str:
    k = int(result.splits[split].labels[record])
    return text((result.class_names or {}).get(k, str(k)))
