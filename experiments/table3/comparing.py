"""Our figures beside the paper's."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

from .results import Record
from .rows import Row

TARGET = 0.01
"""A row that is further from the paper is set bold, and run again by causes.py."""


def repetitions(versions: Record, records: Sequence[Record]) -> dict[str, list[Record]]:
    """What was run of each row with these versions; if its estimator changed, with the last one."""
    ours = [record for record in records if record["versions"] == versions and "accuracy" in record]
    last = {record["row"]: record["estimator"] for record in ours}
    by_row: dict[str, list[Record]] = {}
    for record in ours:
        if record["estimator"] == last[record["row"]]:
            by_row.setdefault(record["row"], []).append(record)
    return by_row


def difference(row: Row, by_row: dict[str, list[Record]]) -> float:
    """Ours less the paper's."""
    # As printed: of figures with three decimals, since the paper has no more.
    return round(round(mean(record["accuracy"] for record in by_row[row.name]), 3) - row.paper, 3)


def apart(rows: Sequence[Row], by_row: dict[str, list[Record]]) -> list[Row]:
    """The rows that are further from the paper."""
    return [row for row in rows if row.name in by_row and abs(difference(row, by_row)) > TARGET]
