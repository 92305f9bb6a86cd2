"""The repetitions that were run: a file of JSON lines, one a repetition, that only grows."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any

Record = dict[str, Any]
"""row, estimator, versions, repetition, and in causes.jsonl what was changed; then accuracy,
cpu_seconds and wall_seconds, or an error.
"""


def read(path: Path) -> list[Record]:
    """What a file holds; nothing if there is none.

    Half a line at its end, of a run that was killed, does not count.
    """
    if not path.exists():
        return []
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    records = []
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            record = json.loads(line)
            key(record)
        except (ValueError, TypeError, KeyError) as error:
            raise SystemExit(
                f"{path}, line {number}: no result of a repetition ({error!r}). Remove the line."
            ) from None
        records.append(record)
    return records


def key(record: Record) -> tuple[Any, ...]:
    """What a repetition is told by: another version, or another estimator for the row, is another
    experiment.
    """
    versions = tuple(sorted(record["versions"].items()))
    return record["row"], record["estimator"], versions, record["repetition"], record.get("changed")


class Results:
    """A file that is added to; one run at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open()
        self.records = read(path)
        self._done = {key(record) for record in self.records if "accuracy" in record}

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("ab")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise SystemExit(
                f"{self._path}: another run is adding to it; wait for it or name another with"
                " --results"
            ) from None
        # Half a line would spoil the next one.
        self._file.truncate(self._path.read_bytes().rfind(b"\n") + 1)

    def has(self, record: Record) -> bool:
        """Whether this repetition was run."""
        return key(record) in self._done

    def add(self, record: Record) -> None:
        """Put it on disk."""
        if self.has(record):
            raise ValueError(f"{record['row']}: repetition {record['repetition']} is there already")
        if not self._in_place():  # git puts another file there when it merges or switches
            self._file.close()
            self._open()
        self._file.write(json.dumps(record).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.records.append(record)
        if "accuracy" in record:
            self._done.add(key(record))

    def _in_place(self) -> bool:
        return self._path.exists() and os.path.samestat(
            self._path.stat(), os.fstat(self._file.fileno())
        )

    def close(self) -> None:
        """Let another run have it."""
        self._file.close()
