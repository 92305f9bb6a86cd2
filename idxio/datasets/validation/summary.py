"""The result of a check in a few lines: text for a prompt, HTML for a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..._util.printable import printable
from ...core.array import open_array
from ...errors import IdxError
from ..preview import html
from .rules import Finding, Picture
from .statistics import Statistics

_MOST_PAIRS = 5  # lines of equal pictures under a finding
_MOST_FINDINGS = 20


def verdict(findings: Iterable[Finding], *, strict: bool = False) -> str:
    """Count the errors and the warnings in one line; strict: warnings are wrong too."""
    levels = [finding.level for finding in findings]
    errors = levels.count("error")
    warnings = len(levels) - errors
    word = "NOT OK" if errors or (strict and warnings) else "OK"
    return f"{word}: {_count(errors, 'error')}, {_count(warnings, 'warning')}"


def finding_lines(finding: Finding, names: Mapping[int, str]) -> Iterator[str]:
    """A line for the finding, and one for each of the first equal pictures."""
    yield f"{finding.level}: {finding.split}: {finding.message} [{finding.kind}]"
    for one, other in finding.pairs[:_MOST_PAIRS]:
        yield f"    {picture_text(one, names)} = {picture_text(other, names)}"
    if finding.pairs and finding.pictures > _MOST_PAIRS:
        yield f"    and {finding.pictures - _MOST_PAIRS:,} more"


def picture_text(picture: Picture, names: Mapping[int, str]) -> str:
    """A picture in words: split, record, label with its name, file."""
    label = f"{picture.label} {names.get(picture.label, '')}".strip()
    file = f", {picture.file}" if picture.file else ""
    return f"{picture.split} {picture.record} (label {label}{file})"


def as_text(
    directory: str,
    splits: Mapping[str, Statistics],
    names: Mapping[int, str] | None,
    findings: list[Finding],
) -> str:
    """The splits in a line each, the findings, and the verdict."""
    lines = [f"<idxio.Check of {directory}: {verdict(findings)}"]
    lines += [f"{split}: {stats.title}" for split, stats in splits.items()]
    for finding in findings[:_MOST_FINDINGS]:
        lines += finding_lines(finding, names or {})
    if len(findings) > _MOST_FINDINGS:
        lines.append(f"and {len(findings) - _MOST_FINDINGS} findings more")
    return "\n  ".join(printable(line) for line in lines) + ">"


def as_html(
    directory: str,
    splits: Mapping[str, Statistics],
    names: Mapping[int, str] | None,
    findings: list[Finding],
) -> str:
    """The findings, and the classes of each split with their first pictures."""
    from html import escape  # slow to import

    items = [
        "<br>".join(escape(printable(line)) for line in finding_lines(finding, names or {}))
        for finding in findings
    ]
    parts = [f"<p>{escape(printable(directory))}: <b>{verdict(findings)}</b></p>"]
    if items:
        parts.append(f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>")
    for split, stats in splits.items():
        counts = dict(zip(stats.classes.tolist(), stats.counts.tolist(), strict=True))
        title = f"{split}: {stats.title}"
        try:
            with open_array(stats.images_file) as images:
                parts.append(html(title, images, stats.labels, counts, names or {}))
        except (OSError, IdxError) as error:  # the file is no longer there, or needs credentials
            parts.append(f"<p>{escape(printable(f'{title}. No pictures: {error}'))}</p>")
    return f"<div>{''.join(parts)}</div>"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
