"""The experiment, after the paper's benchmark/runner.py: one repetition in a process of its own, cheap ones first."""

from __future__ import annotations

import multiprocessing
import platform
import signal
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import numpy as np

import idxio

from .estimators import describe, make
from .results import Record, Results
from .rows import Row

REPETITIONS = 5
"""The paper: "each algorithm is repeated 5 times by shuffling the training data"."""

_PACKAGES = ("scikit-learn", "numpy", "scipy")

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Data:
    """Pixels as columns of mean 0 and variance 1 over the training data, as the paper's runner scales them."""

    train: Array
    train_labels: Array
    test: Array
    test_labels: Array


@dataclass(frozen=True)
class Job:
    """One repetition of a row."""

    row: Row
    repetition: int
    identity: Record
    """What its result is known by."""


def load(folder: Path) -> Data:
    """The four files of a folder."""
    from sklearn.preprocessing import StandardScaler

    def read(name: str) -> Array:
        path = folder / f"{name}-ubyte.gz"
        if not path.exists():
            raise SystemExit(
                f"{path} is missing. Install Debian's dataset-fashion-mnist, or name the folder with --data"
            )
        records = idxio.read(path)
        return records.reshape(len(records), -1).astype(np.float64) if records.ndim > 1 else records

    train, test = read("train-images-idx3"), read("t10k-images-idx3")
    scaler = StandardScaler(copy=False).fit(train)
    return Data(
        scaler.transform(train),
        read("train-labels-idx1"),
        scaler.transform(test),
        read("t10k-labels-idx1"),
    )


def versions() -> dict[str, str]:
    """Of what the accuracy may depend on."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in _PACKAGES}}


def jobs(rows: Iterable[Row]) -> list[Job]:
    """All repetitions of the rows."""
    about = versions()
    return [
        Job(row, repetition, {"row": row.name, "estimator": estimator, "versions": about, "repetition": repetition})
        for row in rows
        for estimator in [describe(row)]
        for repetition in range(REPETITIONS)
    ]


def order(todo: Sequence[Job], results: Results) -> list[Job]:
    """What is left: one repetition of each classifier, then the cheapest next, where the second costs twice as much."""
    left = [job for job in todo if not results.has(job.identity)]
    cost = {row.name: _seconds(row, results) for row in {job.row.name: job.row for job in left}.values()}
    covered = {job.row.classifier for job in todo if results.has(job.identity)}
    first: dict[str, Job] = {}
    for job in sorted(left, key=lambda job: (job.repetition, cost[job.row.name])):
        if job.row.classifier not in covered:
            first.setdefault(job.row.classifier, job)
    return sorted(left, key=lambda job: (job not in first.values(), cost[job.row.name] * (job.repetition + 1)))


def run(todo: Sequence[Job], data: Data, results: Results, processes: int, deadline: float) -> None:
    """Run them until a time.time(): none is started that should not end by then, and none runs on after it."""
    waiting = order(todo, results)
    # Each repetition sees the data that were loaded once, and gives its memory back.
    context = multiprocessing.get_context("fork")
    running: dict[Connection, tuple[Any, Job]] = {}
    try:
        while True:
            while len(running) < processes and (job := _next(waiting, results, deadline - time.time())):
                waiting.remove(job)
                ours, theirs = context.Pipe(duplex=False)
                process = context.Process(target=_child, args=(job, data, theirs), daemon=True)
                process.start()
                theirs.close()
                running[ours] = process, job
            if not running:
                break
            ready = wait(list(running), max(0, deadline - time.time()))
            if not ready:
                break
            for end in ready:
                process, job = running.pop(end)
                outcome = _received(end, process)
                results.add({**job.identity, **outcome})
                _say(job, outcome)
                if "error" in outcome:  # its other repetitions would fail too
                    waiting = [other for other in waiting if other.row != job.row]
    finally:
        for process, job in running.values():
            process.kill()  # terminate() would wait for native code
            process.join()
            print(f"{job.row.name}: repetition {job.repetition + 1} was stopped", flush=True)
    if left := len(waiting) + len(running):
        print(f"{left} repetitions are left; another run goes on with them", flush=True)


def measure(job: Job, data: Data) -> Record:
    """One repetition: shuffle, fit, score; the time covers all three."""
    from sklearn.utils import shuffle

    wall, cpu = time.perf_counter(), time.process_time()
    estimator = make(job.row, job.repetition)
    images, labels = shuffle(data.train, data.train_labels, random_state=job.repetition)
    accuracy = float(estimator.fit(images, labels).score(data.test, data.test_labels))
    return {
        "accuracy": accuracy,
        "cpu_seconds": round(time.process_time() - cpu, 3),
        "wall_seconds": round(time.perf_counter() - wall, 3),
    }


def _child(job: Job, data: Data, end: Connection) -> None:
    """Measure on one thread, and send what came of it."""
    import warnings

    from threadpoolctl import threadpool_limits

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    warnings.simplefilter("ignore")  # that liblinear did not converge: the paper's neither
    with threadpool_limits(1):
        try:
            outcome = measure(job, data)
        except Exception as error:
            outcome = {"error": f"{type(error).__name__}: {error}"}
    end.send(outcome)


def _received(end: Connection, process: Any) -> Record:
    """What a child sent, or how it died."""
    try:
        outcome: Record = end.recv()
    except EOFError:
        outcome = {}
    process.join()
    end.close()
    return outcome or {"error": f"the process died with exit code {process.exitcode}; out of memory?"}


def _next(waiting: Sequence[Job], results: Results, seconds: float) -> Job | None:
    return next((job for job in waiting if _seconds(job.row, results) <= seconds), None)


def _seconds(row: Row, results: Results) -> float:
    """As it was measured, or else as it is guessed."""
    taken = [record["cpu_seconds"] for record in results.records if record["row"] == row.name and "error" not in record]
    return max(taken) if taken else row.seconds


def _say(job: Job, outcome: Record) -> None:
    if "error" in outcome:
        text = f"can't run: {outcome['error']}"
    else:
        text = f"{outcome['accuracy']:.4f}, paper {job.row.paper:.3f}, {outcome['cpu_seconds']:.1f} s"
    print(f"{time.strftime('%H:%M:%S')} {job.row.name} {job.repetition + 1}/{REPETITIONS}: {text}", flush=True)
