"""From paths of pictures to the records of a dataset, and what is wrong with those that give none."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from . import pipeline
from .decoding import BadPictureError, decode

Array = np.ndarray[Any, np.dtype[Any]]


class Recipe(NamedTuple):
    """How a picture becomes a record."""

    pipeline: str
    size: int
    colour: str | None
    """"grey", "rgb", or None for what the first picture has."""
    shape: tuple[int, ...] | None
    """The shape of every record; None until there is one."""


class Batch(NamedTuple):
    """What became of some pictures."""

    data: bytes
    """The records of the good ones, one after the other."""
    shape: tuple[int, ...] | None
    """That of each record; None if there is none."""
    bad: list[tuple[int, str]]
    """Which of the pictures are bad, and why."""


def convert(paths: list[str], recipe: Recipe) -> Batch:
    """The records of the pictures at paths, uint8."""
    parts = []
    bad = []
    for i, path in enumerate(paths):
        try:
            record = _record(path, recipe)
        except BadPictureError as error:
            bad.append((i, str(error)))
            continue
        recipe = recipe._replace(shape=record.shape)
        parts.append(record.tobytes())
    return Batch(b"".join(parts), recipe.shape, bad)


def _record(path: str, recipe: Recipe) -> Array:
    record = pipeline.step(recipe.pipeline, recipe.size)(_coloured(decode(path), recipe))
    if recipe.shape not in (None, record.shape):
        raise BadPictureError(
            f"is {_size(record.shape)}, the pictures before it {_size(recipe.shape)}; "
            "the pipeline 'fit' scales them to one size"
        )
    return record


def _coloured(picture: Array, recipe: Recipe) -> Array:
    """The picture in grey or RGB, as the records are to be."""
    if recipe.pipeline == "fashion":
        return picture  # makes it grey itself
    colour = recipe.colour
    if colour is None and recipe.shape is not None:
        colour = "rgb" if len(recipe.shape) == 3 else "grey"
        if colour == "grey" and picture.ndim == 3:
            raise BadPictureError("is in colour, the first picture is grey; ask for the colour 'grey' or 'rgb'")
    if colour == "grey":
        return pipeline.grey(picture)
    if colour == "rgb" and picture.ndim == 2:
        return np.repeat(picture[..., None], 3, axis=2)
    return picture


def _size(shape: tuple[int, ...] | None) -> str:
    return "nothing" if shape is None else f"{shape[0]} x {shape[1]}"
