"""The page's part on the rows that are not the paper's: what was changed, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean
from typing import Any

from .comparing import TARGET
from .markdown import code, pipes, wrapped
from .results import Record
from .rows import Row

_INTRODUCTION = (
    "Each row set bold was run again with one thing changed (`python -m experiments.table3.causes"
    " --python36 python3.6`, into `experiments/table3/causes.jsonl`), with the seeds of its first"
    " repetitions, which stand beside as *without the change*. scikit-learn 0.19.2 with numpy 1.13"
    " and scipy 0.19, of the paper's time, runs on Python 3.6. Rows of over 100 seconds were run"
    " with it alone. SGD, PassiveAggressive and Perceptron draw otherwise from a seed since then,"
    " so that as many of their repetitions are compared as ran. Of the rows that a change was tried"
    " on so far:"
)
_FILES = (
    "Not tried, since they are not to be had here: the dataset's files of before the end of August"
    " 2017. They were replaced then, as images were in both the training and the test data ([issue"
    " 44](https://github.com/zalandoresearch/fashion-mnist/issues/44); the date is from [another"
    " project's issue](https://github.com/zhunzhong07/Random-Erasing/issues/9)). The paper is of"
    " that month, and does not say which files its table is of."
)


def parts(
    bold: Sequence[Row], by_row: dict[str, list[Record]], causes: Sequence[Record]
) -> list[str]:
    """A table of the changes, and one of the rows."""
    ours = {
        (row.name, record["repetition"]): record["accuracy"]
        for row in bold
        for record in by_row[row.name]
    }
    paper = {row.name: row.paper for row in bold}
    # By change and row: the accuracy with the change and without.
    tried: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for record in causes:
        without = ours.get((record["row"], record["repetition"]))
        if without is not None and "accuracy" in record:
            tried.setdefault(record["changed"], {}).setdefault(record["row"], []).append(
                (record["accuracy"], without)
            )
    means = {
        changed: {name: _means(pairs) for name, pairs in found.items()}
        for changed, found in tried.items()
    }
    summary = [_summary(changed, found, paper) for changed, found in sorted(means.items())]
    columns = (
        "changed",
        "rows",
        "mean difference to the paper",
        "without the change",
        f"within {TARGET}",
    )
    splits = [changed for changed in means if changed.startswith("split ")]
    head = (
        "classifier",
        "parameters",
        "paper",
        "ours",
        *_versions(means),
        f"{len(splits)} other splits",
    )
    lines = [
        _line(row, mean(record["accuracy"] for record in by_row[row.name]), means) for row in bold
    ]
    return [
        "### The rows set bold",
        wrapped(_INTRODUCTION),
        pipes(columns, summary, words=1),
        *map(wrapped, [*_shifts(means), _FILES]),
        pipes(head, lines),
    ]


def _means(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return mean(accuracy for accuracy, _ in pairs), mean(without for _, without in pairs)


def _summary(
    changed: str, found: dict[str, tuple[float, float]], paper: dict[str, float]
) -> tuple[str, ...]:
    return (
        changed,
        str(len(found)),
        f"{mean(accuracy - paper[name] for name, (accuracy, _) in found.items()):+.3f}",
        f"{mean(without - paper[name] for name, (_, without) in found.items()):+.3f}",
        str(
            sum(
                abs(round(round(accuracy, 3) - paper[name], 3)) <= TARGET
                for name, (accuracy, _) in found.items()
            )
        ),
    )


def _shifts(means: dict[str, dict[str, tuple[float, float]]]) -> list[str]:
    """How far the version moves a row."""
    found = []
    for changed in _versions(means):
        moved = {name: accuracy - without for name, (accuracy, without) in means[changed].items()}
        most = max(moved, key=lambda name: abs(moved[name]))
        found.append(
            f"{changed}, moves a row by {mean(moved.values()):+.3f} in the mean; most, `{most}`, by"
            f" {moved[most]:+.3f}."
        )
    return [" ".join(found)] if found else []


def _versions(means: dict[str, Any]) -> list[str]:
    return sorted(
        (changed for changed in means if changed.startswith("scikit-learn")), reverse=True
    )


def _line(
    row: Row, ours: float, means: dict[str, dict[str, tuple[float, float]]]
) -> tuple[str, ...]:
    found = {changed: rows[row.name][0] for changed, rows in means.items() if row.name in rows}
    splits = [accuracy for changed, accuracy in found.items() if changed.startswith("split ")]
    return (
        row.classifier,
        code(row),
        f"{row.paper:.3f}",
        f"{ours:.3f}",
        *[f"{found[changed]:.3f}" if changed in found else "" for changed in _versions(means)],
        f"{min(splits):.3f} to {max(splits):.3f}" if splits else "",
    )
