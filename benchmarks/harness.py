"""Contestants, checked against an oracle and then measured in turns."""

from __future__ import annotations

import gc
import importlib
import random
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

MIN_ROUNDS = 15  # a median of fewer says too little to judge a target by


class MissingError(Exception):
    """What a contestant needs is not on this machine."""


class WrongError(Exception):
    """A contestant's result is not the oracle's."""


@dataclass(frozen=True)
class Contestant:
    """One way to do a group's job.

    ``run`` does the job once and returns the result for the check. ``sample`` measures the job
    once, in the group's unit; if it is not given, ``run`` is timed.
    """

    name: str
    run: Callable[[], Any]
    module: str | None = None  # imported before anything is measured
    package: str | None = None  # what to install for it
    sample: Callable[[], float] | None = None


@dataclass(frozen=True)
class Group:
    """A job, and the contestants that do it."""

    name: str
    title: str
    oracle: str  # in words: what a result is compared with
    check: Callable[[Contestant], None]  # raises WrongError
    contestants: list[Contestant]
    ours: str  # the contestant that the others are compared with; "" for none
    unit: str = "ms"
    repeat: int = 1  # runs per sample, for jobs that are short beside the clock
    most: int | None = None  # rounds at most, for what hardly varies
    before: Callable[[], None] = lambda: None  # before each sample, not measured


@dataclass
class Row:
    """What a contestant measured, or why it did not."""

    name: str
    samples: list[float] = field(default_factory=list)
    missing: str | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def min(self) -> float:
        return min(self.samples)

    @property
    def max(self) -> float:
        return max(self.samples)


@dataclass(frozen=True)
class Measured:
    """A group after its rounds."""

    group: Group
    rounds: int
    rows: list[Row]

    def row(self, name: str) -> Row | None:
        """The row of a contestant that measured something."""
        return next((row for row in self.rows if row.name == name and row.samples), None)


def check(group: Group, progress: Callable[[str], None]) -> list[Row]:
    """Run every contestant once and compare its result: a row for each, still empty, or saying what
    is missing.

    Raises
    ------
    WrongError
        A result differs from the oracle's.
    """
    rows = []
    for contestant in group.contestants:
        progress(f"{group.name}: check {contestant.name}")
        row = Row(contestant.name)
        try:
            _import(contestant)
            group.check(contestant)
        except MissingError as error:
            row.missing = str(error)
        rows.append(row)
    return rows


def measure(
    group: Group, checked: list[Row], rounds: int, progress: Callable[[str], None]
) -> Measured:
    """Measure all contestants that `check` found present once per round, in an order that changes
    every round.
    """
    rounds = min(rounds, group.most or rounds)
    rows = {row.name: row for row in checked}
    present = [
        contestant for contestant in group.contestants if rows[contestant.name].missing is None
    ]
    order = random.Random(group.name)
    for number in range(rounds):
        progress(f"{group.name}: round {number + 1} of {rounds}")
        # Nobody always follows the same neighbour, with what that leaves in caches and allocator.
        order.shuffle(present)
        for contestant in present:
            group.before()
            rows[contestant.name].samples.append(_sample(contestant, group.repeat))
    return Measured(group, rounds, checked)


def equal_to(
    expected: np.ndarray[Any, Any], exact: Iterable[str] = ()
) -> Callable[[Contestant], None]:
    """A check that a run returns the elements of expected.

    Contestants named in exact must return a writable array of its very dtype and shape; the others
    may return another byte order, rows in place of images, or a view.
    """
    exact = tuple(exact)

    def check(contestant: Contestant) -> None:
        found = contestant.run()
        if contestant.name in exact and (
            found.dtype.str != expected.dtype.str
            or found.shape != expected.shape
            or not found.flags.writeable
            or not found.flags.aligned
        ):
            raise WrongError(
                f"{contestant.name} returned {found.dtype.str} {found.shape}, writable"
                f" {found.flags.writeable}; expected {expected.dtype.str} {expected.shape},"
                " writable"
            )
        if found.size != expected.size or not np.array_equal(
            found.reshape(expected.shape), expected
        ):
            raise WrongError(f"{contestant.name} returned other values than the oracle")

    return check


def _import(contestant: Contestant) -> None:
    if contestant.module is None:
        return
    try:
        importlib.import_module(contestant.module)
    except Exception as error:  # torchvision beside another torch raises RuntimeError
        raise MissingError(
            f"{error} (pip install {contestant.package or contestant.module})"
        ) from error


def _sample(contestant: Contestant, repeat: int) -> float:
    if contestant.sample is not None:
        return contestant.sample()
    run = contestant.run
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter()
        for _ in range(repeat - 1):
            run()
        # The last result is freed when the clock has stopped.
        result = run()
        elapsed = time.perf_counter() - start
        del result
    finally:
        gc.enable()
    return elapsed * 1e3 / repeat
