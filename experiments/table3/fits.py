"""What one fit answers: some rows differ in what is asked of a fit, not in the fit."""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .estimators import make
from .results import Record
from .rows import Row

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Data:
    """What is fitted to, and what is scored on: an image a row, a pixel a column."""

    train: Array
    train_labels: Array
    test: Array
    test_labels: Array


def family(row: Row) -> tuple[Any, ...]:
    """Equal for rows that one fit answers."""
    given = row.parameters
    if row.classifier == "GradientBoostingClassifier":
        return row.classifier, given["max_depth"]
    if row.classifier == "KNeighborsClassifier":
        return row.classifier, given["p"]
    if given.get("multi_class") == "crammer_singer":
        return row.classifier, given["C"]
    return (row.name,)


def measure(
    rows: Sequence[Row], seed: int, data: Data, stages: Path
) -> Iterator[tuple[Row, Record]]:
    """One repetition of the rows of a family: shuffle, fit, score; a row's time is what it would
    take alone.
    """
    from sklearn.utils import shuffle

    watch = Watch()
    images, labels = shuffle(data.train, data.train_labels, random_state=seed)
    shuffled = Data(images, labels, data.test, data.test_labels)
    if rows[0].classifier == "GradientBoostingClassifier":
        yield from _in_stages(rows, seed, shuffled, stages, watch)
    elif rows[0].classifier == "KNeighborsClassifier":
        yield from _by_one_search(rows, seed, shuffled, watch)
    else:
        # LinearSVC ignores loss and penalty with crammer_singer; other families are of one row.
        accuracy = _score(make(rows[0], seed).fit(images, labels), shuffled)
        for row in rows:
            yield row, {"accuracy": accuracy, **watch.read()}


class Watch:
    """The time since it was made, and before that, of this process and of those it goes on for."""

    def __init__(self) -> None:
        self._cpu, self._wall = time.process_time(), time.perf_counter()

    def read(self) -> Record:
        return {
            "cpu_seconds": round(time.process_time() - self._cpu, 3),
            "wall_seconds": round(time.perf_counter() - self._wall, 3),
        }

    def add(self, earlier: Record) -> None:
        self._cpu -= earlier["cpu_seconds"]
        self._wall -= earlier["wall_seconds"]


def _score(estimator: Any, data: Data) -> float:
    return float(estimator.score(data.test, data.test_labels))


def _in_stages(
    rows: Sequence[Row], seed: int, data: Data, folder: Path, watch: Watch
) -> Iterator[tuple[Row, Record]]:
    """Trees are added one stage after the other; each is kept in a file, so that a run that is
    stopped goes on.
    """
    wanted = {row.parameters["n_estimators"]: row for row in rows}
    estimator = make(wanted[max(wanted)], seed).set_params(warm_start=True)
    kept = _Kept(folder, rows[0], seed, data)
    first = 1
    if (found := kept.read()) is not None:
        estimator, earlier = found
        watch.add(earlier)
        first = len(estimator.estimators_)
    for stage in range(first, max(wanted) + 1):
        estimator.set_params(n_estimators=stage)
        if not (found and stage == first):
            estimator.fit(data.train, data.train_labels)
            kept.write(estimator, watch.read())
        if row := wanted.get(stage):
            yield row, {"accuracy": _score(estimator, data), **watch.read()}
    kept.remove()


class _Kept:
    """The file of an estimator that is not finished, with the time it took."""

    def __init__(self, folder: Path, row: Row, seed: int, data: Data) -> None:
        import sklearn

        depth = row.parameters["max_depth"]
        self._path = folder / f"{row.classifier}-{depth}-{seed}-{sklearn.__version__}.pickle"
        # Half of a repetition of something else is of no use.
        self._about = (np.__version__, data.train.shape, float(data.train[:100].sum()))

    def read(self) -> tuple[Any, Record] | None:
        if not self._path.exists():
            return None
        about, estimator, taken = pickle.loads(self._path.read_bytes())  # our own file
        return (estimator, taken) if about == self._about else None

    def write(self, estimator: Any, taken: Record) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_suffix(".part")
        with part.open("wb") as file:
            pickle.dump((self._about, estimator, taken), file)
        os.replace(part, self._path)

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)


def _by_one_search(
    rows: Sequence[Row], seed: int, data: Data, watch: Watch
) -> Iterator[tuple[Row, Record]]:
    """The nearest of the most neighbours that a row asks for are the neighbours of the others."""
    from scipy.sparse import identity
    from sklearn.neighbors import NearestNeighbors

    most = max(row.parameters["n_neighbors"] for row in rows)
    search = NearestNeighbors(n_neighbors=most, p=rows[0].parameters["p"]).fit(data.train)
    graph = search.kneighbors_graph(data.test, mode="distance")
    any_distances = identity(len(data.train), format="csr")
    for row in rows:
        # fit() takes nothing from the distances between training images but how many there are.
        voters = (
            make(row, seed).set_params(metric="precomputed").fit(any_distances, data.train_labels)
        )
        yield row, {"accuracy": float(voters.score(graph, data.test_labels)), **watch.read()}
