"""The records of all pictures of a list, converted by helper processes into one IDX file."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Generator
from typing import IO, NoReturn

import numpy as np

from ..._util.types import Array
from ...core.write import Writer
from ...errors import PictureError
from ..process_pool import run
from .discovery import PictureList, ordered
from .existing import Existing
from .records import Batch, ConversionSpec, Deep, convert

Progress = Callable[[int, int], None]

# Pictures converted before the shape of the records is known.
_FIRST = 8
# Pictures in a batch, and the bytes that their records may have.
_BATCH = 256
_BATCH_BYTES = 1 << 20
# Without skip_bad, the run stops after so many bad pictures.
_MOST_BAD = 100


class PictureReader:
    """Converts the pictures of a list to records, and collects the bad ones."""

    def __init__(
        self,
        folder: str,
        pictures: PictureList,
        spec: ConversionSpec,
        skip_bad: bool,
        progress: Progress | None,
        existing: Existing | None = None,
    ) -> None:
        """existing: a dataset whose records come first; its pictures are not taken once more."""
        self.labels: Array = np.empty(0, np.int32)
        """The label of each record."""
        self.kept: Array = np.empty(0, np.intp)
        """The place in the list of the picture of each new record."""
        self.files: list[str] = []
        """The picture of each record."""
        self.already = 0
        """How many pictures are in the existing dataset."""
        self.sha256: Array = np.empty((0, 32), np.uint8)
        """That of the file of each record."""
        self.digests: Array = np.empty(0, np.uint64)
        """Equal for equal records."""
        self.class_names: list[str] = []
        """The name of each label: those of the existing dataset, and behind them the others that
        have a good picture.
        """
        self.bad = list(pictures.bad)
        """The paths of the bad pictures, and what is wrong with each."""
        self.deep = Deep()
        """The counts of pictures that lost bits."""
        self._folder = folder
        self._pictures = pictures
        self._spec = spec
        self._skip_bad = skip_bad
        self._progress = progress
        self._existing = existing
        # The label in the existing dataset and the place there of each picture.
        self._known: dict[bytes, int] = {}
        if existing is not None:
            self._known = {sha256.tobytes(): i for i, sha256 in enumerate(existing.sha256)}
            self._spec = spec._replace(shape=existing.shape)

    def write_records(self, spool: IO[bytes], threads: int) -> None:
        """Write the records of all good pictures to spool, an IDX file, in the list's order."""
        paths = self._pictures.paths
        good = np.ones(len(paths), bool)
        done = 0
        writer = None
        sums = bytearray()
        digests = bytearray()
        if self._existing is not None:
            writer = Writer(spool, "uint8", self._existing.shape)
            digests += self._existing.copy_to(writer)
            sums += self._existing.sha256.tobytes()
        # ends the helper processes, also after an error
        with contextlib.closing(self._batches(threads)) as batches:
            for batch, count in batches:
                for i, reason in batch.bad:
                    good[done + i] = False
                    self.bad.append((paths[done + i], reason))
                if self._known:
                    batch = self._new(batch, done + np.flatnonzero(good[done : done + count]), good)
                if not self._skip_bad and len(self.bad) >= _MOST_BAD:
                    self._stop(done + count)
                if batch.data:
                    assert batch.shape is not None
                    writer = writer or Writer(spool, "uint8", batch.shape)
                    writer.append(np.frombuffer(batch.data, np.uint8).reshape(-1, *batch.shape))
                sums += batch.sha256
                digests += batch.digests
                self.deep = self.deep.with_others(batch.deep)
                done += count
                if self._progress is not None:
                    self._progress(done, 2 * len(paths))
        if writer is None or (self.bad and not self._skip_bad):
            self._stop(done)
        writer.close()
        self.sha256 = np.frombuffer(sums, np.uint8).reshape(-1, 32)
        self.digests = np.frombuffer(digests, np.uint64)
        self.kept = np.flatnonzero(good)
        self.files = [paths[place] for place in self.kept.tolist()]
        self._number()

    def _new(self, batch: Batch, places: Array, good: Array) -> Batch:
        """The batch without the pictures that are in the existing dataset.

        places: those of its records in the list. good: of all pictures in the list, changed.
        """
        existing = self._existing
        assert existing is not None
        is_new = np.ones(len(places), bool)
        for k, place in enumerate(places.tolist()):
            known = self._known.get(batch.sha256[32 * k : 32 * k + 32])
            if known is None:
                continue
            is_new[k] = good[place] = False
            old = existing.class_names[existing.labels[known]]
            if self._pictures.class_names[self._pictures.labels[place]] != old:
                reason = f"is {existing.files[known]} of the dataset, where its class is {old!r}"
            elif self._pictures.splits and self._pictures.splits[place] != (
                split := existing.splits[existing.split_of[known]]
            ):
                reason = f"is {existing.files[known]} of the dataset, where its split is {split}"
            else:
                self.already += 1
                continue
            path = self._pictures.paths[place]
            self.bad.append((path, f"{reason}; to change that, build a new dataset"))
        if is_new.all():
            return batch
        assert batch.shape is not None
        data = np.frombuffer(batch.data, np.uint8).reshape(-1, *batch.shape)[is_new]
        sums = np.frombuffer(batch.sha256, np.uint8).reshape(-1, 32)[is_new]
        digests = np.frombuffer(batch.digests, np.uint64)[is_new]
        return batch._replace(data=data.tobytes(), sha256=sums.tobytes(), digests=digests.tobytes())

    def _number(self) -> None:
        """Give labels to the classes that have a good picture, and to all records."""
        listed = np.array(self._pictures.labels, np.int32)[self.kept]
        used = [self._pictures.class_names[label] for label in np.unique(listed).tolist()]
        labels = [np.empty(0, np.int32)]
        if self._existing is not None:
            self.files = [*self._existing.files, *self.files]
            self.class_names = [*self._existing.class_names]
            labels = [self._existing.labels]
        self.class_names += [name for name in used if name not in set(self.class_names)]
        ordered(self.class_names, self._folder)  # raises if two are one number
        label_of = {name: label for label, name in enumerate(self.class_names)}
        names = self._pictures.class_names
        numbers = np.array([label_of.get(name, -1) for name in names], np.int32)
        self.labels = np.concatenate([*labels, numbers[listed]])

    def _stop(self, done: int) -> NoReturn:
        """Raise PictureError for the bad pictures among those that are done."""
        path, reason = self.bad[0]
        others = len(self._pictures.bad)
        total = len(self._pictures.paths) + others
        raise PictureError(
            f"{len(self.bad):,} bad among the first {done + others:,} of {total:,} pictures, "
            f"the first: {path} {reason}",
            file=self._folder,
            bad=self.bad,
        )

    def _batches(self, threads: int) -> Generator[tuple[Batch, int], None, None]:
        """Convert the pictures batch by batch; each comes with the number of its pictures.

        This process converts the first ones, which tell the shape of a record and the time that one
        takes; helper processes convert the others if that pays.
        """
        total = len(self._pictures.paths)
        start = 0
        seconds = 0.0
        while start < total and (not start or self._spec.shape is None):
            count = _BATCH if start else _FIRST
            paths = self._some(start, count)
            begin = time.perf_counter()
            batch = convert(paths, self._spec)
            seconds += time.perf_counter() - begin
            self._spec = self._spec._replace(shape=batch.shape)
            start += len(paths)
            yield batch, len(paths)
        nbytes = int(np.prod(self._spec.shape or (1,)))
        size = max(1, min(_BATCH, _BATCH_BYTES // nbytes))
        jobs = ((self._some(i, size), self._spec) for i in range(start, total, size))
        counts = (min(size, total - i) for i in range(start, total, size))
        expected = (total - start) * seconds / max(1, start)
        batches = run(convert, jobs, threads, expected)
        yield from zip(batches, counts, strict=True)

    def _some(self, start: int, count: int) -> list[str]:
        return [
            os.path.join(self._folder, path) for path in self._pictures.paths[start : start + count]
        ]
