"""Draws docs/pipeline.png: a picture at each step of the pipeline.

``python docs/draw_pipeline.py``, needs Pillow.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from idxio.convert import pipeline

Array = np.ndarray[Any, np.dtype[Any]]

STEPS = ("trim", "sample", "sharpen", "extend", "negate", "grey")
LARGE = 4  # pixels of the page for one of a picture
CELL = 73 * LARGE + 16


def shirt() -> Array:
    """A drawn T-shirt, RGB, 51 x 73 on #fdfdfd, as the pictures of the paper are."""
    image = Image.new("RGB", (51 * 8, 73 * 8), "#fdfdfd")
    draw = ImageDraw.Draw(image)
    body = [
        (130, 120),
        (175, 140),
        (235, 140),
        (280, 120),
        (365, 215),
        (315, 275),
        (285, 245),
        (285, 480),
        (125, 480),
    ]
    draw.polygon([*body, (125, 245), (95, 275), (45, 215)], fill="#2f6f8f")
    for y in range(200, 480, 56):
        draw.rectangle((126, y, 284, y + 22), fill="#d8c25a")
    draw.ellipse((178, 105, 232, 165), fill="#fdfdfd")
    draw.arc((172, 99, 238, 171), 0, 180, fill="#17384a", width=8)
    draw.line((125, 250, 125, 480), fill="#17384a", width=6)
    draw.line((285, 250, 285, 480), fill="#17384a", width=6)
    return np.asarray(image.resize((51, 73), Image.Resampling.LANCZOS))


def main() -> None:
    picture = shirt().astype(np.uint16) * np.uint16(257)
    shown = [("picture", picture)]
    for name in STEPS:
        picture = getattr(pipeline, name)(picture)
        shown.append((name, picture))
    page = Image.new("RGB", (CELL * len(shown) - 60 * len(STEPS), CELL + 24), "#808080")
    draw = ImageDraw.Draw(page)
    left = 8
    for name, pixels in shown:
        tile = Image.fromarray(pipeline.to_bytes(pixels)).convert("RGB")
        tile = tile.resize((tile.width * LARGE, tile.height * LARGE), Image.Resampling.NEAREST)
        page.paste(tile, (left, 32))
        draw.text(
            (left, 4), f"{name}  {pixels.shape[1]} x {pixels.shape[0]}", fill="white", font_size=14
        )
        left += max(tile.width, 120) + 16
    page = page.crop((0, 0, left - 8, CELL + 24))
    page.quantize(64).save(Path(__file__).with_name("pipeline.png"), optimize=True)


if __name__ == "__main__":
    main()
