"""What the figures of a survey mean: findings, each an error or a warning."""

from __future__ import annotations

import itertools
import math
import os
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..._util.types import Array
from ..discovery import named_role
from .duplicates import Duplicates
from .statistics import Statistics, counts_up

_MOST_RECORDS = 20  # that a finding lists
# How much wider than tall pictures are that look transposed. Measured, wide / tall: MNIST 0.76, Fashion-MNIST 0.83,
# so transposed 1.32 and 1.21.
_TRANSPOSED = 1.1
# Fewer labels may well be one of each class.
_COUNTING = 11
_BIG_ENDIAN = "IDX is big-endian, header and body (fwrite of Octave and MATLAB needs 'ieee-be')"


class Finding(NamedTuple):
    """Something that is wrong, or may be."""

    level: str
    """"error": a program that reads this dataset stops or learns nonsense. "warning": it may be meant so."""
    kind: str
    """One word for programs; docs/looking.md lists them."""
    split: str
    """"train", "t10k" or another."""
    message: str
    """What was found, for people."""
    pictures: int = 0
    """How many pictures are concerned, where it is about single ones."""
    records: tuple[int, ...] = ()
    """The first of them."""


class Frame(NamedTuple):
    """Figures of a mean picture that tell how the pictures lie on their ground."""

    border: float
    """The mean of the outermost pixels."""
    inner: float
    """The mean of all others."""
    tall: float
    """The standard deviation of where the ink is from top to bottom, as a share of the height."""
    wide: float
    """The same from left to right, as a share of the width."""

    @property
    def on_bright(self) -> bool:
        """Whether the border is bright, with less than half of the ink of the inside."""
        return self.border > 127.5 and 255 - self.border < (255 - self.inner) / 2

    @property
    def on_dark(self) -> bool:
        """Whether the border is dark, with less than half of the ink of the inside."""
        return self.border <= 127.5 and self.border < self.inner / 2


def frame(mean: Array) -> Frame | None:
    """The figures of a mean picture of shape (height, width); None if it has no inside."""
    if min(mean.shape) < 3:
        return None
    inside = mean[1:-1, 1:-1]
    border, inner = float((mean.sum() - inside.sum()) / (mean.size - inside.size)), float(inside.mean())
    ink = 255 - mean if border > 127.5 else mean
    return Frame(border, inner, _spread(ink.sum(axis=1)), _spread(ink.sum(axis=0)))


def ranges_of(splits: dict[str, Statistics]) -> dict[str, tuple[int, int]]:
    """The numbers, start and stop, that the pictures of each split have in `Duplicates`."""
    stops = np.cumsum([0, *(seen.shape[0] for seen in splits.values())]).tolist()
    return dict(zip(splits, itertools.pairwise(stops), strict=True))


def judge_labels(
    split: str, seen: Statistics, names: dict[int, str] | None, trained: Array | None
) -> Iterator[Finding]:
    """Labels outside the class list, and classes without a picture. Without names, the list is what train has."""
    yield from _judge_values(split, seen)
    negative = np.flatnonzero(seen.labels < 0)
    if len(negative):
        text = f"labels below 0 ({_some(np.unique(seen.labels[negative]).tolist())}), which no class has"
        yield _about("error", "labels", split, text, negative)
    if names is not None:
        what, known = "the class list", np.array(sorted(names), np.int64)
    elif trained is not None:
        what, known = "the classes of train", trained
    else:
        return
    outside = np.flatnonzero(~np.isin(seen.labels, known))
    if len(outside):
        text = f"labels outside {what} ({_some(np.unique(seen.labels[outside]).tolist())})"
        yield _about("error", "labels", split, text, outside)
    empty = np.setdiff1d(known, seen.classes).tolist()
    if empty:
        named = [f"{k} {names[k]}" if names else str(k) for k in empty]
        yield Finding("warning", "empty", split, f"no picture of these classes: {_some(named)}")


def _judge_values(split: str, seen: Statistics) -> Iterator[Finding]:
    """Labels that can hardly be meant so, whatever the classes are."""
    if seen.reversed[1]:
        step = f"{math.gcd(*seen.classes.tolist()):,}"
        text = f"labels are multiples of {step}, and small with the bytes of each reversed: written little-endian?"
        yield Finding("error", "order", split, f"{text} {_BIG_ENDIAN}")
    count = len(seen.labels)
    if len(seen.classes) == 1 and count > 1:
        yield Finding("warning", "single", split, f"all {count:,} labels are {seen.classes[0]}")
    if count >= _COUNTING and counts_up(seen.labels):
        text = f"labels count up from 0 to {count - 1:,}: numbers of records in the place of classes?"
        yield Finding("warning", "counting", split, text)


def judge_pixels(split: str, seen: Statistics) -> Iterator[Finding]:
    """Constant pictures, and pixels that are not as in MNIST."""
    constant = np.flatnonzero(seen.constant)
    if len(constant):
        yield _about("warning", "constant", split, "pictures of one colour", constant)
    if seen.reversed[0]:
        # Of floats nothing usual is left; a range of whole numbers may be meant so.
        level, why = ("warning", "lie in a far smaller range") if seen.finite is None else ("error", "make sense")
        text = f"pixels {why} with the bytes of each reversed: written little-endian? {_BIG_ENDIAN}"
        yield Finding(level, "order", split, text)
    elif seen.finite is not None and not seen.finite.all():
        yield _about("error", "nan", split, "pictures with NaN or infinity", np.flatnonzero(~seen.finite))
    if seen.mean_picture is None or seen.histogram is None:
        text = f"pixels are {seen.dtype.name}; the format of MNIST has uint8, and other loaders expect it"
        yield Finding("warning", "type", split, text)
        return
    if not seen.histogram[2:].any():
        yield Finding("warning", "range", split, "no pixel is above 1; the format of MNIST has 0 to 255")
    about = frame(seen.mean_picture)
    if about is None:
        return
    if about.on_bright:
        text = f"border {about.border:.0f} on the mean, inside {about.inner:.0f}: negated? MNIST has a black ground"
        yield Finding("warning", "negated", split, text)
    square = seen.shape[1] == seen.shape[2]
    if square and (about.on_bright or about.on_dark) and about.wide > _TRANSPOSED * about.tall:
        text = (
            f"pictures {about.wide / about.tall:.2f} x as wide as tall on the mean: transposed, as EMNIST's are? "
            "Digits, letters and clothes are taller than wide"
        )
        yield Finding("warning", "transposed", split, text)


def judge_files(splits: dict[str, Statistics]) -> Iterator[Finding]:
    """Files that don't belong together."""
    shapes = {split: f"{seen.shape[1:]} {seen.dtype.name}" for split, seen in splits.items()}
    first, *others = shapes or [""]
    for split in others:
        if shapes[split] != shapes[first]:
            yield Finding("error", "shape", split, f"pictures are {shapes[split]}; those of {first} {shapes[first]}")
    datasets: dict[str, str] = {}
    for split, seen in splits.items():
        for file, known in zip((seen.images_file, seen.labels_file), seen.known, strict=True):
            if known is None:
                continue
            dataset, place = re.split(r" (?=train |t10k |test )", known)
            datasets[dataset] = split
            if place.split()[0].replace("test", "t10k") != split:
                yield Finding("error", "mixed", split, f"{os.path.basename(file)} is the published {known}")
    if len(datasets) > 1:
        text = f"files of several published datasets: {', '.join(datasets)}"
        yield Finding("error", "mixed", list(datasets.values())[-1], text)


def judge_names(split: str, seen: Statistics) -> Iterator[Finding]:
    """Files whose names say that they are something else."""
    for file, role in ((seen.images_file, "image"), (seen.labels_file, "label")):
        if named_role(file) not in (role, ""):
            text = f"{os.path.basename(file)} holds {role}s; other programs go by its name"
            yield Finding("error", "name", split, text)


def judge_stated(split: str, seen: Statistics, stated: dict[str, int]) -> Iterator[Finding]:
    """Files that are not those of which dataset.json states the CRC-32."""
    for file, crc in zip((seen.images_file, seen.labels_file), seen.crc32, strict=True):
        name = os.path.basename(file)
        if stated.get(name, crc) != crc:
            text = f"{name} has the CRC-32 {crc:08x}; dataset.json says {stated[name]:08x}: another file, or changed"
            yield Finding("error", "changed", split, text)


def judge_duplicates(splits: dict[str, Statistics], duplicates: Duplicates) -> Iterator[Finding]:
    """Equal pictures within a split, in two of them, and under different labels."""
    ranges = ranges_of(splits)
    for split, (start, stop) in ranges.items():
        copies = duplicates.copies(start, stop)
        if len(copies):
            yield _about("warning", "copies", split, f"copies of earlier pictures of {split}", copies - start)
    for one, other in itertools.combinations(ranges, 2):
        shared = duplicates.shared(ranges[one], ranges[other])
        if len(shared):
            yield _about("warning", "leak", other, f"pictures that {one} has too", shared - ranges[other][0])
    if not len(duplicates.records):
        return
    labels = np.concatenate([seen.labels for seen in splits.values()])[duplicates.records]
    conflicts = duplicates.records[duplicates.disagree(labels)]
    for split, (start, stop) in ranges.items():
        inside = conflicts[(conflicts >= start) & (conflicts < stop)]
        if len(inside):
            text = "pictures that equal others with another label"
            yield _about("warning", "conflict", split, text, inside - start)


def _about(level: str, kind: str, split: str, text: str, records: Array) -> Finding:
    """A finding about single pictures, with the numbers of the first."""
    text = f"{text}: {len(records):,} (record {_some(records[:6].tolist(), 5)})"
    return Finding(level, kind, split, text, len(records), tuple(records[:_MOST_RECORDS].tolist()))


def _some(values: list[Any], most: int = 10) -> str:
    return ", ".join(map(str, values[:most])) + (", …" if len(values) > most else "")


def _spread(ink: Array) -> float:
    """The standard deviation of the place of ink, as a share of the length."""
    if not ink.sum():
        return 0.0
    places = np.arange(len(ink)) / len(ink)
    mean = np.average(places, weights=ink)
    return float(np.sqrt(np.average((places - mean) ** 2, weights=ink)))
