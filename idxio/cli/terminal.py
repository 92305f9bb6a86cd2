"""Pixels as text: coloured half blocks for a terminal that has them, else characters of growing
density.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator
from typing import Literal

import numpy as np

from .._util.types import Array

Style = Literal["24-bit", "256", "blocks", "ascii"]

_RAMPS = {"blocks": " ░▒▓█", "ascii": " .:-=+*#%@"}
_RESET = "\x1b[0m"


def style() -> Style:
    """Choose the style for stdout by its encoding, TERM, COLORTERM and NO_COLOR."""
    try:
        "▀░▒▓█".encode(sys.stdout.encoding or "ascii")
    except (AttributeError, UnicodeEncodeError, LookupError):
        return "ascii"
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        term = os.environ.get("TERM", "")
        if os.environ.get("COLORTERM") in ("truecolor", "24bit") or term.endswith("-direct"):
            return "24-bit"
        if "256" in term:
            return "256"
    return "blocks"


def gap_shade(style: Style) -> int:
    """Return the grey between images: 0 for styles that show grey as characters."""
    return 0 if style in _RAMPS else 60


def lines(pixels: Array, style: Style) -> Iterator[str]:
    """Draw two rows of uint8 pixels a line, grey (height, width) or RGB (height, width, 3)."""
    if len(pixels) % 2:
        pixels = np.concatenate((pixels, np.zeros_like(pixels[:1])))
    if style in _RAMPS:
        yield from _ramp(pixels, _RAMPS[style])
        return
    colours = _codes_24(pixels) if style == "24-bit" else _codes_256(pixels)
    for top, bottom in zip(colours[::2], colours[1::2], strict=True):
        yield _half_blocks(top, bottom)


def _ramp(pixels: Array, ramp: str) -> Iterator[str]:
    grey = pixels if pixels.ndim == 2 else pixels.mean(axis=2)
    cells = (grey[::2].astype(np.float32) + grey[1::2]) / 2
    for row in (cells * len(ramp) / 256).astype(np.intp).tolist():
        yield "".join(ramp[i] for i in row).rstrip()


def _half_blocks(top: list[str], bottom: list[str]) -> str:
    """Upper half blocks: the foreground is the top pixel, the background the bottom one."""
    parts = []
    before = ("", "")
    for cell in zip(top, bottom, strict=True):
        if cell != before:
            parts.append(f"\x1b[38;{cell[0]};48;{cell[1]}m")
        parts.append("▀")
        before = cell
    return "".join(parts) + _RESET


def _codes_24(pixels: Array) -> list[list[str]]:
    rgb = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    return [[f"2;{r};{g};{b}" for r, g, b in row] for row in rgb.tolist()]


def _codes_256(pixels: Array) -> list[list[str]]:
    """Colours of xterm's palette: 232 to 255 are greys from 8 to 238, 16 to 231 a cube with six
    steps a channel.
    """
    if pixels.ndim == 2:
        codes = np.array((16, *range(232, 256), 231))[
            _nearest(pixels, (0, *range(8, 239, 10), 255))
        ]
    else:
        codes = 16 + _nearest(pixels, (0, 95, 135, 175, 215, 255)) @ np.array((36, 6, 1))
    return [[f"5;{code}" for code in row] for row in codes.tolist()]


def _nearest(values: Array, levels: tuple[int, ...]) -> Array:
    """The index of the nearest of ascending levels for each value."""
    half_way = [(a + b) / 2 for a, b in itertools.pairwise(levels)]
    return np.digitize(values, half_way)
