"""Rules that turn the statistics of the splits into findings, each an error or a warning."""

from __future__ import annotations

import itertools
import math
import os
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..._util.types import Array
from ..names import named_role
from ..sources import SOURCES, Sources
from .duplicates import Duplicates
from .statistics import Statistics, counts_up

_MOST_RECORDS = 20  # that a finding lists
_MOST_PAIRS = 1000
# Pixels of two splits have other units if their standard deviations differ by this factor.
_OTHER_UNITS = 8
# Pictures look transposed if they are wider than tall by this factor. Measured, wide / tall:
# MNIST 0.76, Fashion-MNIST 0.83, so transposed 1.32 and 1.21.
_TRANSPOSED = 1.1
# Labels that count up are suspicious from this many on; fewer may be one of each class.
_COUNTING = 11
_BIG_ENDIAN = "IDX is big-endian, header and body (fwrite of Octave and MATLAB needs 'ieee-be')"


class Picture(NamedTuple):
    """A picture of a dataset."""

    split: str
    record: int
    label: int
    file: str | None
    """What it was made of, if sources.csv beside the dataset tells."""


class Finding(NamedTuple):
    """A fault of a dataset, or what may be one."""

    level: str
    """"error": a program that reads this dataset stops or learns nonsense. "warning": it may be
    meant so."""
    kind: str
    """One word for programs; docs/looking.md lists them."""
    split: str
    """"train", "t10k" or another."""
    message: str
    """The fault, for people."""
    pictures: int = 0
    """The number of pictures concerned; 0 if the fault is none of single pictures."""
    records: tuple[int, ...] = ()
    """The numbers of the first of these pictures."""
    pairs: tuple[tuple[Picture, Picture], ...] = ()
    """Of equal pictures, the first of these and what each equals: for "copies" and "leak" the first
    such picture, for "conflict" the first with another label."""


class Frame(NamedTuple):
    """Brightness and spread of a mean picture: whether pictures look negated or transposed."""

    border: float
    """The mean of the outermost pixels."""
    inner: float
    """The mean of all others."""
    tall: float
    """The standard deviation of where the ink is from top to bottom, as a fraction of the height.
    """
    wide: float
    """The same from left to right, as a fraction of the width."""

    @property
    def on_bright(self) -> bool:
        """Whether the border is bright, with less than half of the ink of the inside."""
        return self.border > 127.5 and 255 - self.border < (255 - self.inner) / 2

    @property
    def on_dark(self) -> bool:
        """Whether the border is dark, with less than half of the ink of the inside."""
        return self.border <= 127.5 and self.border < self.inner / 2


def frame(mean: Array) -> Frame | None:
    """The frame of a mean picture of shape (height, width); None if it has no inside."""
    if min(mean.shape) < 3:
        return None
    inside = mean[1:-1, 1:-1]
    border = float((mean.sum() - inside.sum()) / (mean.size - inside.size))
    inner = float(inside.mean())
    ink = 255 - mean if border > 127.5 else mean
    return Frame(border, inner, _spread(ink.sum(axis=1)), _spread(ink.sum(axis=0)))


def ranges_of(splits: dict[str, Statistics]) -> dict[str, tuple[int, int]]:
    """The range (start, stop) of the pictures of each split in `Duplicates`."""
    stops = np.cumsum([0, *(stats.shape[0] for stats in splits.values())]).tolist()
    return dict(zip(splits, itertools.pairwise(stops), strict=True))


def judge_labels(
    split: str,
    stats: Statistics,
    names: dict[int, str] | None,
    trained: Array | None,
) -> Iterator[Finding]:
    """Labels outside the class list, and classes without a picture.

    The list is that of names, or else the classes of train.
    """
    yield from _judge_values(split, stats)
    negative = np.flatnonzero(stats.labels < 0)
    if len(negative):
        values = _some(np.unique(stats.labels[negative]).tolist())
        text = f"labels below 0 ({values}), which no class has"
        yield _about("error", "labels", split, text, negative)
    if names is not None:
        source = "the class list"
        known = np.array(sorted(names), np.int64)
    elif trained is not None:
        source = "the classes of train"
        known = trained
    else:
        return
    outside = np.flatnonzero(~np.isin(stats.labels, known))
    if len(outside):
        values = _some(np.unique(stats.labels[outside]).tolist())
        text = f"labels outside {source} ({values})"
        yield _about("error", "labels", split, text, outside)
    empty = np.setdiff1d(known, stats.classes).tolist()
    if empty:
        named = [f"{k} {names[k]}" if names else str(k) for k in empty]
        yield Finding("warning", "empty", split, f"no picture of these classes: {_some(named)}")


def _judge_values(split: str, stats: Statistics) -> Iterator[Finding]:
    """Labels that are suspicious for any list of classes."""
    if stats.reversed[1]:
        step = f"{math.gcd(*stats.classes.tolist()):,}"
        text = (
            f"labels are multiples of {step}, and small with the bytes of each reversed: "
            f"written little-endian? {_BIG_ENDIAN}"
        )
        yield Finding("error", "order", split, text)
    count = len(stats.labels)
    if len(stats.classes) == 1 and count > 1:
        yield Finding("warning", "single", split, f"all {count:,} labels are {stats.classes[0]}")
    if count >= _COUNTING and counts_up(stats.labels):
        last = f"{count - 1:,}"
        text = f"labels count up from 0 to {last}: numbers of records in the place of classes?"
        yield Finding("warning", "counting", split, text)


def judge_pixels(split: str, stats: Statistics) -> Iterator[Finding]:
    """Constant pictures, and pixels unlike those of MNIST."""
    constant = np.flatnonzero(stats.constant)
    if len(constant):
        yield _about("warning", "constant", split, "pictures of one colour", constant)
    if stats.reversed[0]:
        if stats.finite is None:  # whole numbers of such a range may be meant so
            level = "warning"
            why = "lie in a far smaller range"
        else:  # floats of such magnitudes are of no use
            level = "error"
            why = "make sense"
        text = f"pixels {why} with the bytes of each reversed: written little-endian? {_BIG_ENDIAN}"
        yield Finding(level, "order", split, text)
    elif stats.finite is not None and not stats.finite.all():
        yield _about(
            "error", "nan", split, "pictures with NaN or infinity", np.flatnonzero(~stats.finite)
        )
    if stats.mean_picture is None or stats.histogram is None:
        expected = "the format of MNIST has uint8, and other loaders expect it"
        low, high = stats.span
        fits = "; they fit into uint8" if stats.finite is None and low >= 0 and high <= 255 else ""
        text = f"pixels are {stats.dtype.name}, {low:.6g} to {high:.6g}; {expected}{fits}"
        yield Finding("warning", "type", split, text)
        return
    if not stats.histogram[2:].any():
        text = "no pixel is above 1; the format of MNIST has 0 to 255"
        yield Finding("warning", "range", split, text)
    about = frame(stats.mean_picture)
    if about is None:
        return
    if about.on_bright:
        text = (
            f"border {about.border:.0f} on the mean, inside {about.inner:.0f}: negated? MNIST has a"
            " black ground"
        )
        yield Finding("warning", "negated", split, text)
    square = stats.shape[1] == stats.shape[2]
    if square and (about.on_bright or about.on_dark) and about.wide > _TRANSPOSED * about.tall:
        text = (
            f"pictures {about.wide / about.tall:.2f} x as wide as tall on the mean: transposed, "
            "as EMNIST's are? Digits, letters and clothes are taller than wide"
        )
        yield Finding("warning", "transposed", split, text)


def judge_files(splits: dict[str, Statistics]) -> Iterator[Finding]:
    """Splits whose pictures differ in shape or type, and files of different published datasets."""
    shapes = {split: f"{stats.shape[1:]} {stats.dtype.name}" for split, stats in splits.items()}
    first, *others = shapes or [""]
    for split in others:
        if shapes[split] != shapes[first]:
            text = f"pictures are {shapes[split]}; those of {first} {shapes[first]}"
            yield Finding("error", "shape", split, text)
    datasets: dict[str, str] = {}
    for split, stats in splits.items():
        for file, known in zip((stats.images_file, stats.labels_file), stats.known, strict=True):
            if known is None:
                continue
            dataset, published = re.split(r" (?=train |t10k |test )", known)
            datasets[dataset] = split
            if published.split()[0].replace("test", "t10k") != split:
                text = f"{os.path.basename(file)} is the published {known}"
                yield Finding("error", "mixed", split, text)
    if len(datasets) > 1:
        text = f"files of several published datasets: {', '.join(datasets)}"
        yield Finding("error", "mixed", list(datasets.values())[-1], text)


def judge_ranges(splits: dict[str, Statistics]) -> Iterator[Finding]:
    """Splits whose pixels have other units than those of the first, though of the same type."""
    for split, stats in splits.items():
        first = next(iter(splits))
        units = splits[first]
        one, other = (float(np.mean(s.stats.std)) for s in (units, stats))
        is_told = stats.dtype == np.uint8 and min(units.span[1], stats.span[1]) <= 1
        if stats.dtype != units.dtype or is_told or not (one > 0 and other > 0):
            continue
        if max(one, other) >= _OTHER_UNITS * min(one, other):
            here, there = (f"{s.span[0]:.6g} to {s.span[1]:.6g}" for s in (stats, units))
            text = (
                f"pixels are {here}, with a standard deviation of {other:.3g}; those of {first}"
                f" {there}, with {one:.3g}: scaled otherwise?"
            )
            yield Finding("warning", "range", split, text)


def judge_names(split: str, stats: Statistics) -> Iterator[Finding]:
    """Images in a file named as labels, and the reverse."""
    for file, role in ((stats.images_file, "image"), (stats.labels_file, "label")):
        if named_role(file) not in (role, ""):
            text = f"{os.path.basename(file)} holds {role}s; other programs go by its name"
            yield Finding("error", "name", split, text)


def judge_stated(split: str, stats: Statistics, stated: dict[str, int]) -> Iterator[Finding]:
    """Files whose CRC-32 differs from that in dataset.json."""
    for file, crc in zip((stats.images_file, stats.labels_file), stats.crc32, strict=True):
        name = os.path.basename(file)
        if stated.get(name, crc) != crc:
            text = (
                f"{name} has the CRC-32 {crc:08x}; dataset.json says {stated[name]:08x}: another"
                " file, or changed"
            )
            yield Finding("error", "changed", split, text)


def judge_duplicates(
    splits: dict[str, Statistics], duplicates: Duplicates, sources: Sources
) -> Iterator[Finding]:
    """Equal pictures within a split, in two splits, and under different labels."""
    ranges = ranges_of(splits)

    def picture(number: int) -> Picture:
        split = next(split for split, (_, stop) in ranges.items() if number < stop)
        record = number - ranges[split][0]
        source = sources.get(split, {}).get(record)
        label = int(splits[split].labels[record])
        return Picture(split, record, label, source.file if source else None)

    def finding(kind: str, split: str, text: str, records: Array, equal: Array) -> Finding:
        about = _about("warning", kind, split, text, records - ranges[split][0])
        numbers = zip(records[:_MOST_PAIRS].tolist(), equal[:_MOST_PAIRS].tolist(), strict=True)
        pairs = ((picture(a), picture(b)) for a, b in numbers)
        return about._replace(pairs=tuple(pairs))

    for split, inside in ranges.items():
        copies = duplicates.copies(*inside)
        if len(copies):
            text = f"copies of earlier pictures of {split}"
            yield finding("copies", split, text, copies, duplicates.firsts_of(copies, *inside))
    for one, other in itertools.combinations(ranges, 2):
        shared = duplicates.shared(ranges[one], ranges[other])
        if len(shared):
            text = f"pictures that {one} has too"
            equal = duplicates.firsts_of(shared, *ranges[one])
            yield finding("leak", other, text, shared, equal)
    if not len(duplicates.records):
        return
    labels = np.concatenate([stats.labels for stats in splits.values()])[duplicates.records]
    conflicts = duplicates.records[duplicates.disagree(labels)]
    for split, (start, stop) in ranges.items():
        some = conflicts[(conflicts >= start) & (conflicts < stop)]
        if len(some):
            text = "pictures that equal others with another label"
            yield finding("conflict", split, text, some, duplicates.others_of(some, labels))


def judge_sources(split: str, stats: Statistics, sources: Sources) -> Iterator[Finding]:
    """A sources.csv that tells of other records, or not of all."""
    if split not in sources:
        return
    mine = sources[split]
    labels = stats.labels.tolist()
    if mine.keys() - range(len(labels)):
        text = f"{SOURCES} has record {max(mine):,}, and there are {len(labels):,} pictures"
        yield Finding("error", "changed", split, f"{text}: it was made of another dataset")
        return
    others = [k for k, source in sorted(mine.items()) if labels[k] != source.label]
    if others:
        text = f"records of which {SOURCES} tells another label: it was made of another dataset"
        yield _about("error", "changed", split, text, np.array(others))
    elif len(mine) < len(labels):
        text = f"{SOURCES} tells of {len(mine):,} of the {len(labels):,} pictures"
        more = "lines are lost, or files that have none were merged in"
        yield Finding("warning", "changed", split, f"{text}: {more}")


def _about(level: str, kind: str, split: str, text: str, records: Array) -> Finding:
    """A finding about single pictures, with the numbers of the first."""
    text = f"{text}: {len(records):,} (record {_some(records[:6].tolist(), 5)})"
    return Finding(level, kind, split, text, len(records), tuple(records[:_MOST_RECORDS].tolist()))


def _some(values: list[Any], most: int = 10) -> str:
    """The first values as text."""
    more = ", …" if len(values) > most else ""
    return ", ".join(map(str, values[:most])) + more


def _spread(ink: Array) -> float:
    """The standard deviation of the position of ink, as a fraction of the length."""
    if not ink.sum():
        return 0.0
    positions = np.arange(len(ink)) / len(ink)
    mean = np.average(positions, weights=ink)
    return float(np.sqrt(np.average((positions - mean) ** 2, weights=ink)))
