"""One HTML page about a dataset, of at most some 2 MB for 200 classes."""

from __future__ import annotations

from collections.abc import Callable

from ..._util.version import __version__
from ...datasets.validation.check import Check
from . import classes, findings, histograms, overview
from .pictures import text
from .selection import select
from .style import STYLE

# A page with more bytes is made again with fewer and smaller pictures of each class.
_MOST_BYTES = 1_900_000


def render(result: Check, *, progress: Callable[[int, int], None] | None = None) -> str:
    """Return the page as HTML. progress is called with the bytes of pixels so far and their number,
    while records are chosen.
    """
    name = text(overview.title(result))
    head = (
        '<meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{name}</title><style>{STYLE}</style>'
    )
    before = [
        overview.head(result),
        findings.section(result),
        overview.code(result),
        overview.splits(result),
    ]
    after = [
        histograms.section(result),
        overview.files(result),
        f"<footer>made by idxio {__version__}</footer>",
    ]
    fixed = sum(map(len, (head, *before, *after)))
    selection = select(result, progress)
    cards = ""
    for amount in classes.AMOUNTS:
        cards = classes.section(result, selection, amount)
        if fixed + len(cards) <= _MOST_BYTES:
            break
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body>\n'
        + "\n".join([*before, cards, *after])
        + "\n</body></html>\n"
    )
