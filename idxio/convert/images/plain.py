"""Which sizes the readers of plain pictures take; any other picture is left to Pillow."""

from __future__ import annotations


def takes(width: int, height: int, shape: tuple[int, ...] | None) -> bool:
    """Whether there are pixels, no more than Pillow takes for harmless, and the edges are those of
    a shape, if there is one. What is wrong otherwise Pillow says.
    """
    from PIL import Image

    most = Image.MAX_IMAGE_PIXELS
    if not width or not height or (most is not None and width * height > most):
        return False
    return shape is None or sorted((width, height)) == sorted(shape[:2])
