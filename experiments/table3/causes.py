"""The rows that are not the paper's, run again with one thing changed: ``python -m
experiments.table3.causes``.

Each with the seeds of the first repetitions, so that the change alone makes the difference. Results
are added to causes.jsonl; a run goes on where the last one ended.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.files import DEFAULT_DATA

from .comparing import apart, repetitions
from .estimators import MODULES, describe, make
from .fits import Data, Watch
from .results import Record, Results, read
from .rows import Row, select, table
from .running import raw, scaled, versions

RESULTS = Path(__file__).with_name("causes.jsonl")

OLD = {"scikit-learn": "0.19.2", "numpy": "1.13.3", "scipy": "0.19.1"}
"""Of the paper's time."""
OLD_NAME = f"scikit-learn {OLD['scikit-learn']}"

REPETITIONS = 5
"""With these, of the classifiers that draw otherwise from a seed since; of the others one."""
LONG = 100
"""Seconds; a row that takes longer is run with these alone, and with no other change."""

_OLD_FIT = Path(__file__).with_name("fit_019.py")
_PASSES = ("PassiveAggressiveClassifier", "Perceptron", "SGDClassifier")


def main(arguments: list[str] | None = None) -> int:
    """Run what is left."""
    options = _parser().parse_args(arguments)
    records = read(options.results)
    rows = select(table(), options.rows)
    if not options.rows:
        rows = apart(rows, repetitions(records[-1]["versions"], records))
    rows.sort(key=lambda row: row.seconds)
    data = raw(options.data)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the environment is removed
    with closing(Results(options.causes)) as results:
        if options.python36:
            with tempfile.TemporaryDirectory(prefix="table3-") as folder:
                run_old(
                    rows, data, results, _old_python(options.python36, Path(folder)), Path(folder)
                )
        run_changed(rows, data, results)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.table3.causes", description=__doc__
    )
    parser.add_argument(
        "rows", nargs="*", metavar="ROW", help="those that the page sets bold if none is given"
    )
    parser.add_argument(
        "--python36",
        metavar="PROGRAM",
        help=f"a Python 3.6, to run {OLD_NAME} with too, in an environment of its own",
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=DEFAULT_DATA,
        help="the folder of Fashion-MNIST's four .gz files",
    )
    parser.add_argument(
        "--results",
        type=Path,
        default=RESULTS.with_name("results.jsonl"),
        help="the page's results",
    )
    parser.add_argument(
        "--causes", type=Path, default=RESULTS, help="the file that the results are added to"
    )
    return parser


def _old_python(python: str, folder: Path) -> Path:
    """A Python that has the packages of then, in an environment in the folder."""
    subprocess.run([python, "-m", "venv", folder / "environment"], check=True)
    made = folder / "environment" / "bin" / "python"
    pinned = [f"{name}=={version}" for name, version in OLD.items()]
    subprocess.run(
        [made, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *pinned], check=True
    )
    return made


def run_old(rows: Sequence[Row], data: Data, results: Results, python: Path, folder: Path) -> None:
    """With a Python that has the scikit-learn of then, as many rows as are left."""
    for name, values in vars(data).items():
        np.save(folder / f"{name}.npy", values)
    # numpy of then doesn't know the processors of today, whose kernels its OpenBLAS may mistake.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OPENBLAS_CORETYPE": "Haswell"}
    process = subprocess.Popen(
        [python, _OLD_FIT, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        about = _answer(process)
        for row, repetition, pixels in _old_jobs(rows):
            identity = {
                "row": row.name,
                "estimator": f"{row.classifier}(**{row.parameters})",
                "versions": about,
                "repetition": repetition,
                "changed": f"{OLD_NAME}, {pixels}",
            }
            if results.has(identity):
                continue
            job = {
                "module": MODULES[row.classifier],
                "classifier": row.classifier,
                "parameters": row.parameters,  # the rest are 0.19's defaults
                "seed": repetition,
                "pixels": pixels,
            }
            assert process.stdin
            print(json.dumps(job), file=process.stdin, flush=True)
            _add(results, identity, _answer(process))
    finally:
        process.kill()  # it would end its fit first
        process.communicate()


def _answer(process: subprocess.Popen[str]) -> Record:
    assert process.stdout
    if not (line := process.stdout.readline()):
        raise SystemExit(f"{_OLD_FIT.name} ended with {process.wait()}; its own words are above")
    answer: Record = json.loads(line)
    return answer


def _old_jobs(rows: Sequence[Row]) -> list[tuple[Row, int, str]]:
    """Each row once, then again those that hang on chance, then the long ones."""

    def once(long: bool) -> list[tuple[Row, int, str]]:
        return [
            (row, 0, pixels)
            for row in rows
            for pixels in ("scaled", "raw")
            if (row.seconds > LONG) == long
        ]

    again = [row for row in rows if row.classifier in _PASSES]
    return (
        once(False)
        + [(row, seed, "scaled") for seed in range(1, REPETITIONS) for row in again]
        + once(True)
    )


def run_changed(rows: Sequence[Row], data: Data, results: Results) -> None:
    """With the scikit-learn of today, one option or the split of the images changed."""
    from threadpoolctl import threadpool_limits

    about = versions()
    short = [row for row in rows if row.seconds <= LONG]
    with threadpool_limits(1):
        as_published = scaled(data)
        for row in short:
            for changed, options in _changes(row):
                _measure(results, row, about, changed, options, as_published)
        for split in range(1, 5):
            other = scaled(_split(data, split))
            for row in short:
                _measure(results, row, about, f"split {split}", {}, other)


def _changes(row: Row) -> list[tuple[str, dict[str, Any]]]:
    if row.classifier in _PASSES:
        return [(f"passes {count}", {"max_iter": count}) for count in (1, 2, 10)]
    if row.classifier == "GaussianNB":
        return [
            (f"smoothing {part:g}", {"var_smoothing": part}) for part in (1e-15, 1e-12, 1e-6, 1e-3)
        ]
    return []


def _split(data: Data, seed: int) -> Data:
    """All images, at random again in training and test data."""
    images = np.concatenate([data.train, data.test])
    labels = np.concatenate([data.train_labels, data.test_labels])
    train, test = np.split(np.random.default_rng(seed).permutation(len(images)), [len(data.train)])
    return Data(images[train], labels[train], images[test], labels[test])


def _measure(
    results: Results,
    row: Row,
    about: dict[str, str],
    changed: str,
    options: dict[str, Any],
    data: Data,
) -> None:
    from sklearn.utils import shuffle

    identity = {
        "row": row.name,
        "estimator": describe(row),
        "versions": about,
        "repetition": 0,
        "changed": changed,
    }
    if results.has(identity):
        return
    watch = Watch()
    images, labels = shuffle(data.train, data.train_labels, random_state=0)
    fitted = make(row, 0).set_params(**options).fit(images, labels)
    accuracy = float(fitted.score(data.test, data.test_labels))
    _add(results, identity, {"accuracy": accuracy, **watch.read()})


def _add(results: Results, identity: Record, outcome: Record) -> None:
    results.add({**identity, **outcome})
    print(
        f"{identity['row']}, {identity['changed']}, {identity['repetition'] + 1}:"
        f" {outcome['accuracy']:.4f}",
        flush=True,
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
