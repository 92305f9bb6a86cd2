"""The findings of a check: each with the first records that it is about, and their partners."""

from __future__ import annotations

from collections import Counter

from ...core.array import open_array
from ...datasets.validation.check import Check
from ...datasets.validation.rules import Finding, Picture
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
    """Draw the first records of a finding, of equal ones one that stands for all."""
    statistics = result.splits.get(finding.split)
    if statistics is None or not finding.records or not can_draw(statistics.shape):
        return ""
    captions = _paired(result, finding) if finding.pairs else _alone(result, finding)
    records = list(captions)[:_MOST]
    with open_array(statistics.images_file) as f:
        pictures = thumbnails(f[records], SIDE)
    alt = f"records {', '.join(map(str, records))} of {text(finding.split)}"
    return strip(pictures, [captions[record] for record in records], alt)


def _alone(result: Check, finding: Finding) -> dict[int, str]:
    """Return a caption for each record: its number and its label."""
    labels = result.splits[finding.split].labels
    return {
        record: f"<b>{record}: {_name(result, int(labels[record]))}</b>"
        for record in finding.records
    }


def _paired(result: Check, finding: Finding) -> dict[int, str]:
    """Return a caption for the first record that equals another, for each such other one: both with
    their labels and files.
    """
    equal = Counter(_key(other) for _, other in finding.pairs)
    captions: dict[int, str] = {}
    for one, other in finding.pairs:
        count = equal.pop(_key(other), 0)
        if not count:
            continue
        more = f" and {count - 1:,} more" if count > 1 else ""
        captions[one.record] = (
            f"<b>{one.record}: {_about(result, one)}</b>"
            f"= {text(other.split)} {other.record}: {_about(result, other)}{more}"
        )
    return captions


def _key(picture: Picture) -> tuple[str, int]:
    return picture.split, picture.record


def _about(result: Check, picture: Picture) -> str:
    """Return the label of a picture and its file, if that is known."""
    file = f", {text(picture.file)}" if picture.file else ""
    return f"{_name(result, picture.label)}{file}"


def _name(result: Check, label: int) -> str:
    return text((result.class_names or {}).get(label, str(label)))
