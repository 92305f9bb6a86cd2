"""The figures as text, Markdown and JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from .harness import Measured, Row
from .targets import Verdict
from .why import WHY

INTRODUCTION = """\
# Benchmarks

Made with `{command}`. Another run replaces this page.

Each group has a process of its own, which compares every contestant's result with the oracle's before it measures
anything. Then all contestants run once per round, in an order that changes from round to round, in that process where
this is possible; the figures are over the rounds. The files are in the page cache. *idxio / it* compares medians:
below 1, idxio is faster, or smaller. "C floor" is `benchmarks/c_baseline.c`, which reads the file and has libdeflate
decompress it into fresh huge pages, on one thread. The code is in `benchmarks/`, the targets in
`benchmarks/targets.py`."""


def as_text(facts: dict[str, str], measured: list[Measured], verdicts: list[Verdict]) -> str:
    """For a terminal."""
    width = max(map(len, facts))
    parts = ["\n".join(f"{name:{width}}  {value}" for name, value in facts.items())]
    for m in measured:
        head = f"{m.group.name}: {m.group.title}\n{_subtitle(m)}"
        parts.append(
            f"{head}\n{_aligned(_columns(m), [_cells(m, row) for row in m.rows])}{_missing(m)}"
        )
    if verdicts:
        parts.append(
            f"targets\n{_aligned(_VERDICT_COLUMNS, [_verdict_cells(v) for v in verdicts])}"
        )
    return "\n\n".join(parts)


def as_markdown(
    command: str, facts: dict[str, str], measured: list[Measured], verdicts: list[Verdict]
) -> str:
    """For docs/."""
    parts = [INTRODUCTION.format(command=command)]
    if verdicts:
        parts += ["## Targets", _pipes(_VERDICT_COLUMNS, [_verdict_cells(v) for v in verdicts])]
        missed = dict.fromkeys(v.target.group for v in verdicts if v.verdict == "MISSED")
        if missed:
            parts += [
                "### Missed, and why",
                "\n".join(f"* `{group}`: {WHY.get(group, 'not known')}" for group in missed),
            ]
    for m in measured:
        title = m.group.title[0].upper() + m.group.title[1:]
        table = _pipes(_columns(m), [_cells(m, row) for row in m.rows])
        parts += [f"## {title}", f"{_subtitle(m)}.", table + _missing(m)]
    parts += ["## Machine", _pipes(("what", "value"), list(facts.items()))]
    return "\n\n".join(parts) + "\n"


def as_json(
    command: str, facts: dict[str, str], measured: list[Measured], verdicts: list[Verdict]
) -> str:
    """Everything, with all samples."""
    document: dict[str, Any] = {"command": command, "machine": facts, "groups": [], "targets": []}
    for m in measured:
        rows = [
            (
                {"name": r.name, "missing": r.missing}
                if r.missing
                else {
                    "name": r.name,
                    "median": r.median,
                    "min": r.min,
                    "max": r.max,
                    "samples": r.samples,
                }
            )
            for r in m.rows
        ]
        document["groups"].append(
            {
                "name": m.group.name,
                "title": m.group.title,
                "oracle": m.group.oracle,
                "unit": m.group.unit,
                "rounds": m.rounds,
                "ours": m.group.ours,
                "rows": rows,
            }
        )
    for v in verdicts:
        t = v.target
        document["targets"].append(
            {
                "group": t.group,
                "ours": t.ours,
                "peer": t.peer,
                "limit": t.limit,
                "sign": t.sign,
                "value": v.value,
                "verdict": v.verdict,
            }
        )
    return json.dumps(document, indent=1) + "\n"


_VERDICT_COLUMNS = ("group", "what", "beside", "limit", "measured", "verdict")


def _subtitle(m: Measured) -> str:
    runs = f" of {m.group.repeat} runs" if m.group.repeat > 1 else ""
    return f"{m.rounds} rounds{runs}; checked against: {m.group.oracle}"


def _columns(m: Measured) -> tuple[str, ...]:
    unit = m.group.unit
    return ("", f"median {unit}", "min", "max", "idxio / it")


def _cells(m: Measured, row: Row) -> tuple[str, ...]:
    if row.missing is not None:
        return (row.name, "MISSING", "", "", "")
    ours = m.row(m.group.ours)
    ratio = f"{ours.median / row.median:.3f}" if ours and row.median else ""
    return (row.name, _number(row.median), _number(row.min), _number(row.max), ratio)


def _missing(m: Measured) -> str:
    """Why a contestant is missing, below its table."""
    lines = [f"MISSING {row.name}: {row.missing}" for row in m.rows if row.missing is not None]
    return "\n\n" + "\n".join(lines) if lines else ""


def _verdict_cells(v: Verdict) -> tuple[str, ...]:
    value = (
        ""
        if v.value is None
        else f"{v.value:.3f}"
        if v.unit == "x"
        else f"{_number(v.value)} {v.unit}"
    )
    limit = f"{v.target.sign} {v.target.limit:g} {v.unit}"
    return (v.target.group, v.target.ours, v.target.peer or "", limit, value, v.verdict)


def _number(value: float) -> str:
    return f"{value:.4f}" if value < 1 else f"{value:.2f}" if value < 1000 else f"{value:.0f}"


def _aligned(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[k]) for line in [columns, *rows]) for k in range(len(columns))]
    # Words to the left, numbers to the right.
    words = [all(not row[k][:1].isdigit() for row in rows) for k in range(len(columns))]
    lines = [
        "  ".join(
            f"{c:{w}}" if left else f"{c:>{w}}"
            for c, w, left in zip(line, widths, words, strict=True)
        )
        for line in [columns, *rows]
    ]
    return "\n".join(f"  {line.rstrip()}" for line in lines)


def _pipes(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = "|---" * len(columns) + "|"
    body = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"| {' | '.join(columns)} |\n{rule}\n{body}"
