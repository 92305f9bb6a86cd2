"""A card for each class: counts on one scale, mean pictures, random and unusual records."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..._util.types import Array
from ...datasets.validation.check import Check
from ..check_text import class_rows
from .pictures import can_draw, colour, img, reduced, strip, text, thumbnails
from .selection import MOST_CLASSES, SIDE, Chosen, Selection


class Amount(NamedTuple):
    """How much is shown of each class."""

    random: int
    """Records of the first split."""
    other: int
    """Records of each other split."""
    unusual: int
    side: int
    """The longest edge of a picture."""


# From the fullest page to the smallest.
AMOUNTS = (
    Amount(10, 5, 5, SIDE),
    Amount(6, 3, 3, SIDE),
    Amount(4, 2, 2, 32),
    Amount(2, 1, 1, 32),
    Amount(2, 0, 1, 24),
    Amount(1, 0, 1, 24),
    Amount(1, 0, 0, 16),
)


def section(result: Check, selection: Selection, amount: Amount) -> str:
    """Make the cards of all classes."""
    rows = class_rows(result)
    if not rows:
        return ""
    most = max(1, *(count for _, _, counts in rows for count in counts))
    totals = [max(1, len(statistics.labels)) for statistics in result.splits.values()]
    means = _means(result, amount)
    cards = []
    for k, name, counts in rows:
        bars = "".join(
            f"<div><span>{text(split)}</span><b>{count:,}</b><em>{100 * count / total:.1f} %</em>"
            f'<i class="{colour(split)}" style="width:{100 * count / most:.1f}%"></i></div>'
            for split, count, total in zip(result.splits, counts, totals, strict=True)
        )
        figures = "".join(
            f"<figure>{img(pictures[k], f'mean of class {k} in {text(split)}')}"
            f"<figcaption>mean of {text(split)}</figcaption></figure>"
            for split, pictures in means.items()
            if k in pictures
        )
        shown = f'<div class="means">{figures}</div>' if figures else ""
        chosen = selection.classes.get(k)
        strips = "" if chosen is None else _strips(k, chosen, selection, amount)
        cards.append(
            f'<div class="card"><div><h3>{k} {text(name)}</h3><div class="bars">{bars}</div>'
            f"{shown}</div><div>{strips}</div></div>"
        )
    few = ""
    if selection.classes and len(rows) > MOST_CLASSES:
        few = f"<p>Pictures of the first {MOST_CLASSES} classes.</p>"
    return f"<h2>Classes</h2>{_explained(result, selection)}{few}{''.join(cards)}"


def _explained(result: Check, selection: Selection) -> str:
    words = "Bars of all classes and splits have one scale; a share is that of its split."
    if selection.classes:
        words += " Numbers are those of records, which are drawn at random, the same each time."
    if any(chosen.unusual for chosen in selection.classes.values()):
        words += (
            " Unusual ones are farthest from the mean of their class: some may have the wrong"
            " label."
        )
    return f"<p>{words}</p>"


def _means(result: Check, amount: Amount) -> dict[str, dict[int, Array]]:
    """Return the mean picture of each class by split; of the first alone on a small page."""
    means: dict[str, dict[int, Array]] = {}
    for split, statistics in result.splits.items():
        pixels = statistics.class_means
        if pixels is None or not can_draw(statistics.shape) or (means and not amount.other):
            continue
        pictures = thumbnails(pixels[:MOST_CLASSES].round().astype(np.uint8), SIDE)
        pictures = reduced(pictures, amount.side)
        means[split] = dict(zip(statistics.classes.tolist(), pictures, strict=False))
    return means


def _strips(k: int, chosen: Chosen, selection: Selection, amount: Amount) -> str:
    """Make a row of random records of each split, and one of unusual records of all."""
    first = next(iter(chosen.random), "")
    rows = []
    for split, numbers in chosen.random.items():
        most = amount.random if split == first else amount.other
        records = {(split, number): str(number) for number in numbers[:most]}
        strip_of = _strip(records, f"random pictures of class {k}", selection, amount)
        rows.append(_row(text(split), strip_of))
    unusual = {
        (split, number): str(number) if split == first else f"{text(split)} {number}"
        for split, number in chosen.unusual[: amount.unusual]
    }
    rows.append(
        _row("unusual", _strip(unusual, f"unusual pictures of class {k}", selection, amount))
    )
    return "".join(rows)


def _strip(
    captions: dict[tuple[str, int], str], alt: str, selection: Selection, amount: Amount
) -> str:
    """Draw the pictures of records, given with their captions; nothing if their sizes differ."""
    pictures = [selection.pictures[key] for key in captions]
    if len({picture.shape for picture in pictures}) != 1:
        return ""
    return strip(reduced(np.stack(pictures), amount.side), list(captions.values()), alt)


def _row(title: str, strip_of: str) -> str:
    return f'<div class="row"><span>{title}</span>{strip_of}</div>' if strip_of else ""
