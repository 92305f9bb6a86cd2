"""The experiment, after the paper's benchmark/runner.py: one fit in a process of its own, most rows
an hour first.
"""

from __future__ import annotations

import multiprocessing
import platform
import signal
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import numpy as np

import idxio

from .estimators import describe
from .fits import Array, Data, family, measure
from .results import Record, Results
from .rows import Row

REPETITIONS = 5
"""The paper: "each algorithm is repeated 5 times by shuffling the training data"."""
LONG = 20 * 60
"""Seconds; a row that takes longer is run once."""

_PACKAGES = ("scikit-learn", "numpy", "scipy")


@dataclass(frozen=True)
class Job:
    """One repetition of the rows that one fit answers."""

    rows: tuple[Row, ...]
    repetition: int
    identities: dict[str, Record]
    """What the result of each row is known by."""


def load(folder: Path) -> Data:
    """The four files of a folder, scaled."""
    return scaled(raw(folder))


def raw(folder: Path) -> Data:
    """The four files of a folder, an image a row."""

    def read(name: str) -> Array:
        path = folder / f"{name}-ubyte.gz"
        if not path.exists():
            raise SystemExit(
                f"{path} is missing. Install Debian's dataset-fashion-mnist, or name the folder"
                " with --data"
            )
        records = idxio.read(path)
        return records.reshape(len(records), -1) if records.ndim > 1 else records

    return Data(
        read("train-images-idx3"),
        read("train-labels-idx1"),
        read("t10k-images-idx3"),
        read("t10k-labels-idx1"),
    )


def scaled(data: Data) -> Data:
    """Pixels as columns of mean 0 and variance 1 over the training data, as the paper's runner
    scales them.
    """
    from sklearn.preprocessing import StandardScaler

    train, test = data.train.astype(np.float64), data.test.astype(np.float64)
    scaler = StandardScaler(copy=False).fit(train)
    return Data(
        scaler.transform(train), data.train_labels, scaler.transform(test), data.test_labels
    )


def versions() -> dict[str, str]:
    """Of what the accuracy may depend on."""
    return {
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in _PACKAGES},
    }


def jobs(rows: Iterable[Row]) -> list[Job]:
    """All repetitions of the rows."""
    about = versions()
    families: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        families.setdefault(family(row), []).append(row)
    return [
        Job(
            tuple(members),
            repetition,
            {
                row.name: {
                    "row": row.name,
                    "estimator": estimator,
                    "versions": about,
                    "repetition": repetition,
                }
                for row, estimator in estimators
            },
        )
        for members in families.values()
        for estimators in [[(row, describe(row)) for row in members]]
        for repetition in range(REPETITIONS)
    ]


def order(todo: Sequence[Job], results: Results) -> list[Job]:
    """What is left: each row once, most rows an hour first; then again, where a second time costs
    twice as much.
    """
    left = []
    for job in todo:
        rows = tuple(row for row in job.rows if not results.has(job.identities[row.name]))
        if rows and (job.repetition == 0 or _seconds(rows, results) <= LONG):
            left.append(replace(job, rows=rows))
    return sorted(
        left,
        key=lambda job: (
            job.repetition > 0,
            _seconds(job.rows, results) / len(job.rows) * (job.repetition + 1),
        ),
    )


def run(
    todo: Sequence[Job], data: Data, results: Results, stages: Path, processes: int, deadline: float
) -> None:
    """Run them until a time.time(): none is started that should not end by then, and none runs on
    after it.
    """
    waiting = order(todo, results)
    # Each fit sees the data that were loaded once, and gives its memory back.
    context = multiprocessing.get_context("fork")
    running: dict[Connection, tuple[Any, Job]] = {}
    try:
        while True:
            while len(running) < processes and (
                job := _next(waiting, results, deadline - time.time())
            ):
                waiting.remove(job)
                ours, theirs = context.Pipe(duplex=False)
                process = context.Process(
                    target=_child, args=(job, data, stages, theirs), daemon=True
                )
                process.start()
                theirs.close()
                running[ours] = process, job
            if not running:
                break
            left = deadline - time.time()
            # the system's own limit is some days
            ready = wait(list(running), min(max(0, left), 3600))
            if not ready and left <= 0:
                break
            for end in ready:
                process, job = running.pop(end)
                answers = _received(end, process, job)
                for row, outcome in answers:
                    results.add({**job.identities[row.name], **outcome})
                    _say(row, job.repetition, outcome)
                # other repetitions would fail too
                if any("error" in outcome for _, outcome in answers):
                    waiting = [
                        other for other in waiting if family(other.rows[0]) != family(job.rows[0])
                    ]
                answered = [row for row, _ in answers]
                if rows := tuple(row for row in job.rows if row not in answered):
                    running[end] = process, replace(job, rows=rows)
                else:
                    process.join()
                    end.close()
    finally:
        for process, job in running.values():
            process.kill()  # terminate() would wait for native code
            process.join()
            print(f"{job.rows[0].name}: repetition {job.repetition + 1} was stopped", flush=True)
    if count := len(waiting) + len(running):
        print(f"{count} repetitions are left; another run goes on with them", flush=True)


def _child(job: Job, data: Data, stages: Path, end: Connection) -> None:
    """Measure on one thread, and send what comes of it."""
    import warnings

    from threadpoolctl import threadpool_limits

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    warnings.simplefilter("ignore")  # that liblinear did not converge: the paper's neither
    left = list(job.rows)
    with threadpool_limits(1):
        try:
            for row, outcome in measure(job.rows, job.repetition, data, stages):
                left.remove(row)
                end.send([(row, outcome)])
        except Exception as error:
            end.send([(row, {"error": f"{type(error).__name__}: {error}"}) for row in left])


def _received(end: Connection, process: Any, job: Job) -> list[tuple[Row, Record]]:
    """What a child sent, or how it died."""
    try:
        answers: list[tuple[Row, Record]] = end.recv()
    except EOFError:
        process.join()
        error = f"the process died with exit code {process.exitcode}; out of memory?"
        return [(row, {"error": error}) for row in job.rows]
    return answers


def _next(waiting: Sequence[Job], results: Results, seconds: float) -> Job | None:
    return next((job for job in waiting if _seconds(job.rows, results) <= seconds), None)


def _seconds(rows: Sequence[Row], results: Results) -> float:
    """Of the fit that answers them: as it was measured, or else as it is guessed."""
    names = {row.name for row in rows}
    taken: dict[str, float] = {}
    for record in results.records:
        if record["row"] in names and "error" not in record:
            taken[record["row"]] = max(taken.get(record["row"], 0), record["cpu_seconds"])
    return max(taken.get(row.name, row.seconds) for row in rows)


def _say(row: Row, repetition: int, outcome: Record) -> None:
    if "error" in outcome:
        text = f"can't run: {outcome['error']}"
    else:
        text = f"{outcome['accuracy']:.4f}, paper {row.paper:.3f}, {outcome['cpu_seconds']:.1f} s"
    print(
        f"{time.strftime('%H:%M:%S')} {row.name} {repetition + 1}/{REPETITIONS}: {text}", flush=True
    )
