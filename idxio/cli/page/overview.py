"""The head of the page: what the dataset is, how it is loaded, its splits and files."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from ..._util.types import Array
from ...datasets.discovery import datasets_beside
from ...datasets.metadata import read_description
from ...datasets.validation.check import Check
from ...datasets.validation.statistics import Statistics
from ...errors import IdxError
from ..check_text import class_rows, facts, verdict
from ..text import dimensions
from .pictures import can_draw, img, text, thumbnails
from .selection import SIDE

# What a dataset.json says to people, and the words for it.
_ABOUT = {
    "description": "description",
    "licence": "licence",
    "license": "licence",
    "source": "source",
    "citation": "citation",
    "version": "version",
}


def title(result: Check) -> str:
    """Return the name of the dataset: that in dataset.json, or else that of the folder."""
    name = _description(result.directory).get("name")
    return name if isinstance(name, str) and name else _folder(result.directory)


def head(result: Check) -> str:
    """Make the heading, the verdict, what dataset.json says, and a tile for each main figure."""
    style = "good" if result.ok else "bad"
    description = _description(result.directory)
    about = "".join(
        f"<dt>{word}</dt><dd>{text(description[key])}</dd>"
        for key, word in _ABOUT.items()
        if isinstance(description.get(key), str)
    )
    return (
        f"<h1>{text(title(result))}</h1>"
        f'<p><span class="{style}">{text(verdict(result))}</span> {text(result.directory)}</p>'
        + (f"<dl>{about}</dl>" if about else "")
        + _tiles(result)
    )


def _tiles(result: Check) -> str:
    splits = result.splits
    if not splits:
        return ""
    first = next(iter(splits.values()))
    tiles = {
        "pictures": f"{sum(statistics.shape[0] for statistics in splits.values()):,}",
        "classes": f"{len(class_rows(result)):,}",
        f"pixels, {first.dtype.name}": dimensions(first.shape[1:]),
        "bytes on disk": f"{sum(map(_stored, splits.values())):,}",
        "largest class / smallest": f"{first.counts.max() / first.counts.min():.3g}",
    }
    items = "".join(f"<div><b>{value}</b>{text(name)}</div>" for name, value in tiles.items())
    return f'<div class="tiles">{items}</div>'


def code(result: Check) -> str:
    """Write the lines that load the dataset and make batches of it, ready to paste."""
    if not result.splits:
        return ""
    split, statistics = next(iter(result.splits.items()))
    if datasets_beside(result.directory):
        split = os.path.basename(statistics.images_file).lower().partition("-images")[0]
    options = ["128, shuffle=True, seed=0,"]
    if statistics.histograms is not None:
        mean, std = (_literal(value) for value in _scaled(statistics))
        options += ["scale=1 / 255,", f"mean={mean},", f"std={std},"]
    lines = [
        "import idxio",
        "",
        f"ds = idxio.load({_folder(result.directory)!r}, split={split!r})",
        "batches = ds.batches(",
        *(f"    {option}" for option in options),
        ")",
        "for images, labels in batches:",
        "    ...  # your step",
    ]
    escaped = "\n".join(map(text, lines))
    return f"<h2>Load it</h2><pre>{escaped}</pre>"


def splits(result: Check) -> str:
    """Compare the splits: sizes, classes, pixels by channel, and the shares of the classes."""
    if not result.splits:
        return ""
    rows: dict[str, list[str]] = {}
    shares = _shares(result)
    for i, statistics in enumerate(result.splits.values()):
        column = {
            "pictures": f"{statistics.shape[0]:,}",
            "classes": f"{len(statistics.classes):,}",
            "largest class / smallest": f"{statistics.counts.max() / statistics.counts.min():.3g}",
        }
        if statistics.histograms is not None:
            mean, std = _scaled(statistics)
            column["mean, of 0 to 1"] = _numbers(mean)
            column["standard deviation"] = _numbers(std)
        column["mean picture"] = _mean_picture(statistics)
        if len(result.splits) > 1:
            column["classes differ most"] = _difference(result, shares, i)
        for name, value in column.items():
            rows.setdefault(name, []).append(value)
    rows = {name: values for name, values in rows.items() if any(values)}
    return f"<h2>Splits</h2>{_table(list(result.splits), rows)}"


def files(result: Check) -> str:
    """Make the table of files: names, sizes, checksums, and what else is known of them."""
    if not result.splits:
        return ""
    columns = []
    for statistics in result.splits.values():
        column = dict(facts(statistics))
        column["on disk"] = f"{_stored(statistics):,} bytes"
        column["unpacked"] = f"{_unpacked(statistics):,} bytes"
        column["CRC-32"] = " + ".join(f"{crc:08x}" for crc in statistics.crc32)
        columns.append({name: text(value) for name, value in column.items()})
    names = dict.fromkeys(name for column in columns for name in column)
    rows = {name: [column.get(name, "") for column in columns] for name in names}
    return f"<h2>Files</h2>{_table(list(result.splits), rows)}"


def _table(columns: list[str], rows: dict[str, list[str]]) -> str:
    """Make a table of HTML cells, in a frame that scrolls where it is too wide."""
    top = "".join(f'<th scope="col">{text(column)}</th>' for column in columns)
    lines = "".join(
        f'<tr><th scope="row">{text(name)}</th>'
        + "".join(f"<td>{cell}</td>" for cell in cells)
        + "</tr>"
        for name, cells in rows.items()
    )
    return f'<div class="wide"><table><tr><td></td>{top}</tr>{lines}</table></div>'


def _mean_picture(statistics: Statistics) -> str:
    if statistics.sums is None or not can_draw(statistics.shape):
        return ""
    mean = statistics.sums.sum(axis=0) / statistics.shape[0]
    return img(thumbnails(mean.round().astype(np.uint8)[None], SIDE)[0], "mean of all pictures")


def _shares(result: Check) -> Array:
    """Return the share of each class in each split, float64 of shape (classes, splits)."""
    counts = np.array([counts for _, _, counts in class_rows(result)], np.float64)
    shares: Array = counts / counts.sum(axis=0)
    return shares


def _difference(result: Check, shares: Array, i: int) -> str:
    """Name the class whose share differs most from that in the first split."""
    if i == 0:
        return ""
    distances = np.abs(shares[:, i] - shares[:, 0])
    row = int(distances.argmax())
    if distances[row] < 0.0005:
        return "none"
    k, name, _ = class_rows(result)[row]
    first = next(iter(result.splits))
    return text(
        f"{k} {name}".strip()
        + f": {100 * shares[row, i]:.1f} %, {100 * shares[row, 0]:.1f} % of {first}"
    )


def _scaled(statistics: Statistics) -> tuple[list[float], list[float]]:
    """Return mean and standard deviation by channel, of pixels from 0 to 1."""
    mean, std = statistics.stats
    return np.ravel(mean / 255).tolist(), np.ravel(std / 255).tolist()


def _literal(values: list[float]) -> str:
    """Write a number, or a list of several, as Python does."""
    texts = [f"{value:.4f}" for value in values]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def _numbers(values: list[float]) -> str:
    return " ".join(f"{value:.4f}" for value in values)


def _stored(statistics: Statistics) -> int:
    return sum(map(os.path.getsize, (statistics.images_file, statistics.labels_file)))


def _unpacked(statistics: Statistics) -> int:
    """Return the bytes of the elements of the images."""
    return int(np.prod(statistics.shape, dtype=np.int64)) * statistics.dtype.itemsize


def _folder(directory: str) -> str:
    return os.path.basename(os.path.abspath(directory))


def _description(directory: str) -> dict[str, Any]:
    """Return dataset.json, or nothing where it is damaged, of which a finding tells."""
    try:
        return read_description(directory)
    except (IdxError, OSError):
        return {}
