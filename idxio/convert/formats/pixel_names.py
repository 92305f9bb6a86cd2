"""The names of pixels in a heading: pixel0, 1x1, r0c0; the shape and the order that they tell."""

from __future__ import annotations

import math
import re
from collections import Counter

import numpy as np

from ...errors import FormatError

# Names of pixels, with # for each number: columns of such names alone hold no label.
PIXEL_KIND = re.compile(r"p(ix|ixel|x)?[-_ ]?#([-_x ]#)*|r(ow)?[-_ ]?#[-_ ]?c(ol)?[-_ ]?#|#x#(x#)?")


def pixel_names(shape: tuple[int, ...]) -> list[str]:
    """Name the pixels: pixel0, pixel1, … in a grey square, as Kaggle does; else 1x1, 1x2, …"""
    if len(shape) == 2 and shape[0] == shape[1]:
        return [f"pixel{i}" for i in range(math.prod(shape))]
    return _pixel_positions(shape)


def _pixel_positions(shape: tuple[int, ...]) -> list[str]:
    return ["x".join(str(i + 1) for i in position) for position in np.ndindex(*shape)]


def has_pixel_names(names: list[str]) -> bool:
    """Whether most names are of one kind, with a number in each."""
    return usual_kind(names)[1]


def usual_kind(names: list[str]) -> tuple[str, bool]:
    """Return the kind of name that is there most often, and whether such names have numbers."""
    ((usual, count),) = Counter(map(kind_of, names)).most_common(1)
    return usual, "#" in usual and count > 1


def kind_of(name: str) -> str:
    """Return a name with # for each number in it, and nothing else."""
    return re.sub(r"\d+", "#", name.lower().replace("#", "\ufffd"))


def shape_of(names: list[str]) -> tuple[int, ...] | None:
    """Derive the shape from pixels called 1x1, 1x2, … in this order; None for other names."""
    if re.fullmatch(r"[1-9]\d{0,8}(x[1-9]\d{0,8}){1,7}", names[-1]) is None:
        return None
    shape = tuple(map(int, names[-1].split("x")))
    return shape if math.prod(shape) == len(names) and _pixel_positions(shape) == names else None


def check_order(names: list[str], shape: tuple[int, ...] | None, path: str) -> None:
    """Raise if the numbers in the pixels' names contradict the order or the shape."""
    if any(re.search(r"\d{10}", name) for name in names):
        raise FormatError(
            "has names of pixels with numbers of ten digits and more; none has so many", file=path
        )
    numbers = np.array([[int(number) for number in re.findall(r"\d+", name)] for name in names])
    positions = (numbers - numbers.min(axis=0))[:, (numbers != numbers[0]).any(axis=0)]
    sizes = [int(size) + 1 for size in positions.max(axis=0)]
    for i, position in enumerate(positions.tolist()):
        if position != _position(i, sizes):
            where = f"behind {names[i - 1]!r}" if i else "first"
            raise FormatError(
                f"has the pixel {names[i]!r} {where}; pixels are read row by row as their names"
                " count, each of them once: put the columns into this order",
                file=path,
            )
    edge = math.isqrt(len(names))
    if shape is None and len(sizes) > 1 and sizes != [edge, edge]:
        named_shape = " x ".join(map(str, sizes))
        raise FormatError(
            f"has names of pixels that tell of {named_shape}: give the shape (--shape)", file=path
        )


def _position(index: int, sizes: list[int]) -> list[int] | None:
    """Return the indices of a pixel in an image of these sizes, row by row; None behind its end."""
    position = []
    for size in reversed(sizes):
        index, last = divmod(index, size)
        position.append(last)
    return None if index else position[::-1]
