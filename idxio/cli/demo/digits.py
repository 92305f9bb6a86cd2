"""Digits 0 to 9 drawn with a shaky pen: a dataset in the MNIST format that needs no download."""

from __future__ import annotations

import numpy as np

from ..._util.types import Array

_SIDE = 28
_BATCH = 256  # images drawn at once: their distances stay in the cache


def draw(labels: Array, seed: int) -> Array:
    """An image of shape (28, 28) for each label, uint8 as in MNIST: 0 is paper and 255 ink."""
    rng = np.random.default_rng(seed)
    images = np.empty((len(labels), _SIDE, _SIDE), np.uint8)
    for digit, (points, starts) in enumerate(_STROKES):
        places = np.flatnonzero(labels == digit)
        for start in range(0, len(places), _BATCH):
            batch = places[start : start + _BATCH]
            images[batch] = _ink(_shake(points, len(batch), rng), starts, rng)
    return images


def _shake(points: Array, n: int, rng: np.random.Generator) -> Array:
    """Distort the points n times: shake, shear, turn, scale and move; in pixels, (n, points, 2)."""
    shaky = points - 0.5 + rng.normal(0, 0.035, (n, *points.shape))
    turn = rng.normal(0, 0.18, n)  # radians
    width = rng.normal(13, 1.3, n)
    height = rng.normal(18, 1.3, n)
    shaky[..., 0] *= width[:, None]
    shaky[..., 1] *= height[:, None]
    shaky[..., 0] -= rng.normal(0.1, 0.15, n)[:, None] * shaky[..., 1]  # people slant to the right
    c = np.cos(turn)
    s = np.sin(turn)
    turned = np.einsum("nij,npj->npi", np.stack((c, -s, s, c), 1).reshape(n, 2, 2), shaky)
    moved = turned + (_SIDE - 1) / 2 + rng.normal(0, 1.2, (n, 1, 2)).clip(-2, 2)
    pixels: Array = moved.astype(np.float32)
    return pixels


def _ink(points: Array, starts: list[int], rng: np.random.Generator) -> Array:
    """Draw images, (n, 28, 28): lines from each start to the next point."""
    n = len(points)
    y, x = np.indices((_SIDE, _SIDE), np.float32).reshape(2, -1)
    nearest = np.full((n, _SIDE * _SIDE), np.inf, np.float32)  # squared distance to the pen's way
    for i in starts:
        x0, y0 = points[:, i, :, None].swapaxes(0, 1)
        dx, dy = (points[:, i + 1] - points[:, i]).T[..., None]
        length = dx * dx + dy * dy + np.float32(1e-6)
        t = np.clip(((x - x0) * dx + (y - y0) * dy) / length, 0, 1)
        np.minimum(nearest, (x - x0 - t * dx) ** 2 + (y - y0 - t * dy) ** 2, out=nearest)
    pen = rng.normal(1.3, 0.25, (n, 1)).clip(0.7).astype(np.float32)  # half the width of the line
    shade = np.clip(pen + 0.5 - np.sqrt(nearest), 0, 1) * rng.uniform(200, 255, (n, 1)).astype(
        np.float32
    )
    # paper stays clean, as in MNIST
    noise = rng.normal(0, 14, shade.shape).astype(np.float32) * (shade > 0)
    images: Array = np.clip(shade + noise, 0, 255).astype(np.uint8)
    return images.reshape(n, _SIDE, _SIDE)


def _arc(
    x: float, y: float, rx: float, ry: float, start: float, stop: float
) -> list[tuple[float, float]]:
    """Points about 30 degrees apart on an ellipse; 0 degrees is right, 90 is down."""
    angles = np.radians(np.linspace(start, stop, max(3, round(abs(stop - start) / 30) + 1)))
    return [(x + rx * float(np.cos(a)), y + ry * float(np.sin(a))) for a in angles]


def _strokes(*lines: list[tuple[float, float]]) -> tuple[Array, list[int]]:
    """Join the points of all lines; return them, and those that have a line to the next."""
    starts: list[int] = []
    count = 0
    for line in lines:
        starts += range(count, count + len(line) - 1)
        count += len(line)
    return np.array([point for line in lines for point in line]), starts


# In a square of side 1; y grows downwards.
_STROKES = (
    _strokes(_arc(0.5, 0.5, 0.4, 0.5, -90, 270)),
    _strokes([(0.25, 0.2), (0.55, 0), (0.55, 1)]),
    _strokes([*_arc(0.5, 0.28, 0.38, 0.28, -170, 30), (0.1, 1), (0.95, 1)]),
    _strokes([*_arc(0.45, 0.25, 0.38, 0.25, -150, 90), *_arc(0.45, 0.74, 0.43, 0.26, -80, 150)]),
    _strokes([(0.6, 0), (0.08, 0.65), (0.95, 0.65)], [(0.7, 0.35), (0.7, 1)]),
    _strokes([(0.85, 0), (0.25, 0), (0.18, 0.42), *_arc(0.48, 0.68, 0.4, 0.32, -110, 150)]),
    _strokes([(0.7, 0), (0.4, 0.2), (0.17, 0.5), *_arc(0.5, 0.7, 0.37, 0.3, -180, 180)]),
    _strokes([(0.08, 0), (0.92, 0), (0.6, 0.5), (0.4, 1)]),
    _strokes(_arc(0.5, 0.25, 0.32, 0.25, 90, 450), _arc(0.5, 0.75, 0.4, 0.25, -90, 270)),
    _strokes(_arc(0.5, 0.3, 0.37, 0.3, 0, 360), [(0.87, 0.3), (0.8, 0.65), (0.6, 1)]),
)
