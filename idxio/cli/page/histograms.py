"""Charts of how often each pixel value occurs, by split and channel, on one scale."""

from __future__ import annotations

import math

from ..._util.types import Array
from ...datasets.validation.check import Check
from .pictures import colour, text

_LEFT = 64
_WIDTH = 512
_HEIGHT = 160
_CHANNELS = ("red", "green", "blue")


def section(result: Check) -> str:
    """Draw a chart for each split of uint8 pixels."""
    shares = {
        split: statistics.histograms / statistics.histograms.sum(axis=1, keepdims=True)
        for split, statistics in result.splits.items()
        if statistics.histograms is not None
    }
    if not shares:
        return ""
    smallest = min(float(some[some > 0].min()) for some in shares.values())
    lowest = min(-1, max(-8, math.floor(math.log10(smallest) - 1e-9)))
    charts = []
    for split, some in shares.items():
        by = f" by channel: {', '.join(_CHANNELS)}" if len(some) == 3 else ""
        charts.append(
            f"<figure>{_chart(some, split, lowest)}<figcaption>{text(split)}: "
            f"share of the pixels that have a value, logarithmic{by}</figcaption></figure>"
        )
    return f'<h2>Pixel values</h2><div class="charts">{"".join(charts)}</div>'


def _chart(shares: Array, split: str, lowest: int) -> str:
    """Draw the shares of the 256 values over lines for powers of ten: bars, or of three channels a
    line each.
    """
    marks = []
    for power in range(lowest, 1):
        y = _height(10.0**power, lowest)
        label = f"{100 * 10.0**power:.6f}".rstrip("0").rstrip(".")
        marks.append(
            f'<line x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label} %</text>'
        )
    if len(shares) == 3:
        paths = [
            f'<path class="{name}" d="{_line(channel, lowest)}"/>'
            for name, channel in zip(_CHANNELS, shares, strict=True)
        ]
    else:
        paths = [f'<path class="{colour(split)}" d="{_bars(shares.mean(axis=0), lowest)}z"/>']
    ticks = [
        f'<text x="{_LEFT + 2 * value + 1}" y="{_HEIGHT + 24}" text-anchor="middle">{value}</text>'
        for value in (0, 64, 128, 192, 255)
    ]
    return (
        f'<svg viewBox="0 0 {_LEFT + _WIDTH + 16} {_HEIGHT + 30}" role="img" '
        f'aria-label="pixel values of {text(split)}">'
        f"{''.join(marks)}{''.join(paths)}{''.join(ticks)}</svg>"
    )


def _bars(shares: Array, lowest: int) -> str:
    bottom = _HEIGHT + 8
    return "".join(
        f"M{_LEFT + 2 * value} {bottom}V{_height(share, lowest):.1f}h2V{bottom}"
        for value, share in enumerate(shares.tolist())
        if share > 0
    )


def _line(shares: Array, lowest: int) -> str:
    points = [
        f"{_LEFT + 2 * value + 1} {_height(share, lowest):.1f}"
        for value, share in enumerate(shares.tolist())
    ]
    return f"M{'L'.join(points)}"


def _height(share: float, lowest: int) -> float:
    """Return the y of a share on the logarithmic scale; any below the lowest is on the ground."""
    power = max(math.log10(share), lowest) if share > 0 else lowest
    return _HEIGHT * power / lowest + 8
