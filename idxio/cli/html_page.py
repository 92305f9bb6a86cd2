"""One HTML page about a dataset: it needs no other file, no network and no script."""

from __future__ import annotations

import base64
import math
import os
from html import escape

import numpy as np

from .._util.types import Array
from ..core.array import open_array
from ..datasets import contact_sheet
from ..datasets.preview import png
from ..datasets.split_names import KNOWN
from ..datasets.validation.check import Check
from ..datasets.validation.rules import Finding
from ..datasets.validation.statistics import Statistics
from .check_text import class_rows, facts, verdict
from .text import printable

_SAMPLES = 10  # of each class
_MOST_CLASSES = 100  # that pictures are shown of: a thousand rows are no overview
_SIDE = 64  # pixels of the longest edge of a picture; larger ones are made smaller

_LEVELS = {"error": "bad", "warning": "doubt"}  # the CSS class of a finding's level
_STYLE = """
:root { color-scheme: light dark; --ground: #fff; --text: #1c1c1e; --faint: #6a6a70; --line: #dcdce0;
  --train: #2f6fd0; --t10k: #d9822b; --val: #2a9d8f; --other: #8a63b8;
  --good: #1a7f37; --bad: #c0272d; --doubt: #8a6100; }
@media (prefers-color-scheme: dark) { :root { --ground: #17171a; --text: #ececf0; --faint: #a0a0a8; --line: #3a3a40;
  --train: #6ea8ff; --t10k: #f0a558; --val: #5cc9bb; --other: #b596e0;
  --good: #57c878; --bad: #ff7b72; --doubt: #e0b341; } }
body { margin: 2rem auto; max-width: 62rem; padding: 0 1rem; background: var(--ground); color: var(--text);
  font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem; }
p, li, figcaption, .faint { color: var(--faint); }
table { border-collapse: collapse; }
th { font-weight: 600; text-align: left; }
th, td { padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: middle; }
td.name { white-space: nowrap; }
.wide { overflow-x: auto; }
img { image-rendering: pixelated; display: block; }
ul { padding: 0; list-style: none; }
li { margin: .6rem 0; }
li img { margin-top: .3rem; }
.good, .bad, .doubt { font-weight: 600; }
.good { color: var(--good); } .bad { color: var(--bad); } .doubt { color: var(--doubt); }
.bars { min-width: 11rem; font-variant-numeric: tabular-nums; }
.bars div { display: grid; grid-template-columns: minmax(2.2rem, max-content) 3.6rem 1fr; gap: .4rem;
  align-items: center; font-size: .85rem;
  line-height: 1.3; }
.bars b { font-weight: normal; text-align: right; }
.bars i { display: block; height: .6rem; border-radius: 0 2px 2px 0; }
.train { background: var(--train); fill: var(--train); } .t10k { background: var(--t10k); fill: var(--t10k); }
.val { background: var(--val); fill: var(--val); } .other { background: var(--other); fill: var(--other); }
.key { display: inline-block; width: .7rem; height: .7rem; margin: 0 .3rem 0 .8rem; }
.charts { display: flex; flex-wrap: wrap; gap: 1.5rem; }
figure { margin: 0; flex: 1 1 24rem; }
svg { width: 100%; height: auto; } svg text { fill: var(--faint); font-size: 12px; }
svg line { stroke: var(--line); }
"""


def render(result: Check) -> str:
    """Return the page as HTML."""
    name = _text(os.path.basename(os.path.abspath(result.directory)))
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<link rel="icon" href="data:,"><title>{name}</title><style>{_STYLE}</style>'
    )
    body = [
        f"<h1>{name}</h1>",
        _findings(result),
        _facts(result),
        _classes(result),
        _histograms(result),
    ]
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body>\n'
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def _findings(result: Check) -> str:
    items = [
        f'<li><span class="{_LEVELS[finding.level]}">{finding.level}</span> '
        f"{_text(finding.split)}: {_text(finding.message)}{_pictures_of(result, finding)}</li>"
        for finding in result.findings
    ]
    style = "good" if result.ok else "bad"
    line = f'<p><span class="{style}">{_text(verdict(result))}</span> {_text(result.directory)}</p>'
    return f"{line}<ul>{''.join(items)}</ul>" if items else line


def _pictures_of(result: Check, finding: Finding) -> str:
    """Draw the first records of a finding."""
    statistics = result.splits.get(finding.split)
    if statistics is None or not finding.records or not _can_draw(statistics.shape):
        return ""
    with open_array(statistics.images_file) as f:
        pictures = _images(f[list(finding.records[:_SAMPLES])])
    return _img(
        _row(pictures),
        f"records {', '.join(map(str, finding.records[:_SAMPLES]))} of {_text(finding.split)}",
    )


def _facts(result: Check) -> str:
    columns = {split: dict(facts(statistics)) for split, statistics in result.splits.items()}
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    rows = [
        f'<tr><th scope="row">{name}</th>'
        + "".join(f"<td>{_text(column.get(name, ''))}</td>" for column in columns.values())
        + "</tr>"
        for name in names
    ]
    top = "".join(f'<th scope="col">{_text(split)}</th>' for split in columns)
    return (
        "<h2>Files</h2><div"
        f' class="wide"><table><tr><td></td>{top}</tr>{"".join(rows)}</table></div>'
        if rows
        else ""
    )


def _classes(result: Check) -> str:
    """Make a table row for each class: counts, mean picture and first pictures."""
    rows = class_rows(result)
    if not rows:
        return ""
    most = [max(1, *(counts[i] for _, _, counts in rows)) for i in range(len(result.splits))]
    split, statistics = next(iter(result.splits.items()))
    means = _means(statistics)
    samples = _samples(statistics)
    lines = []
    for k, name, counts in rows:
        bars = "".join(
            f"<div><span>{_text(s)}</span><b>{n:,}</b>"
            f'<i class="{_colour(s)}" style="width:{100 * n / m:.1f}%"></i></div>'
            for s, n, m in zip(result.splits, counts, most, strict=True)
        )
        drawn = [
            _img(pictures[k], f"{what} of class {k}") if k in pictures else ""
            for what, pictures in (("mean", means), ("first pictures", samples))
        ]
        lines.append(
            f'<tr><td class="name">{k} {_text(name)}</td><td class="bars">{bars}</td>'
            f"<td>{drawn[0]}</td><td>{drawn[1]}</td></tr>"
        )
    top = "".join(
        f'<th scope="col">{_text(title)}</th>'
        for title in ("class", "pictures", "mean", f"first of {split}")
    )
    few = (
        f"<p>Pictures of the first {_MOST_CLASSES} classes.</p>"
        if len(statistics.classes) > _MOST_CLASSES
        else ""
    )
    return (
        f"<h2>Classes</h2>{few}<div"
        f' class="wide"><table><tr>{top}</tr>{"".join(lines)}</table></div>'
    )


def _means(statistics: Statistics) -> dict[int, Array]:
    """Return the mean picture of each class."""
    means = statistics.class_means
    if means is None or not _can_draw(statistics.shape):
        return {}
    pictures = _images(means[:_MOST_CLASSES].round().astype(np.uint8))
    return dict(zip(statistics.classes.tolist(), pictures, strict=False))


def _samples(statistics: Statistics) -> dict[int, Array]:
    """Return the first pictures of each class, side by side."""
    if not _can_draw(statistics.shape):
        return {}
    with open_array(statistics.images_file) as f:
        # One class at a time: large pictures become small ones before the next are read.
        return {
            k: _row(_images(f[np.flatnonzero(statistics.labels == k)[:_SAMPLES]]))
            for k in statistics.classes[:_MOST_CLASSES].tolist()
        }


def _histograms(result: Check) -> str:
    charts = [
        f"<figure>{_chart(statistics.histogram, split)}<figcaption>{_text(split)}: "
        "share of the pixels that have a value, logarithmic</figcaption></figure>"
        for split, statistics in result.splits.items()
        if statistics.histogram is not None
    ]
    return f'<h2>Pixel values</h2><div class="charts">{"".join(charts)}</div>' if charts else ""


def _chart(histogram: Array, split: str) -> str:
    """Draw a bar for each of the 256 values, over lines for powers of ten."""
    left = 64
    width = 512
    height = 160
    shares = histogram / histogram.sum()
    lowest = max(-8, math.floor(math.log10(shares[shares > 0].min()) - 1e-9))
    marks = []
    bars = []
    for power in range(lowest, 1):
        y = height * power / lowest + 8
        label = f"{100 * 10.0**power:.6f}".rstrip("0").rstrip(".")
        marks.append(
            f'<line x1="{left}" x2="{left + width}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{label} %</text>'
        )
    for value, share in enumerate(shares.tolist()):
        if share > 0:
            top = height * max(math.log10(share), lowest) / lowest
            bars.append(f"M{left + 2 * value} {height + 8}V{top + 8:.1f}h2V{height + 8}")
    ticks = [
        f'<text x="{left + 2 * value + 1}" y="{height + 24}" text-anchor="middle">{value}</text>'
        for value in (0, 64, 128, 192, 255)
    ]
    return (
        f'<svg viewBox="0 0 {left + width + 16} {height + 30}" role="img" aria-label="pixel values'
        f' of {_text(split)}">{"".join(marks)}<path class="{_colour(split)}"'
        f' d="{"".join(bars)}z"/>{"".join(ticks)}</svg>'
    )


def _can_draw(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 or shape[3] in (1, 3)


def _images(records: Array) -> Array:
    """Convert records to uint8 pictures, none larger than _SIDE."""
    images = contact_sheet.as_images(records)
    return contact_sheet.shrink(images, -(-max(images.shape[1:3]) // _SIDE))


def _row(pictures: Array) -> Array:
    return contact_sheet.tile(pictures, len(pictures), gap=1, fill=128)


def _img(pixels: Array, alt: str) -> str:
    """Embed the pixels as PNG, enlarged to some 48 pixels unless they are that high."""
    height, width = pixels.shape[:2]
    scale = max(1, round(48 / height))
    data = base64.b64encode(png(pixels)).decode()
    return (
        f'<img src="data:image/png;base64,{data}" width="{width * scale}" height="{height * scale}"'
        f' alt="{alt}">'
    )


def _colour(split: str) -> str:
    """Return the CSS class for the colour of a split."""
    return split if split in KNOWN else "other"


def _text(text: str) -> str:
    return escape(printable(text))
