"""The options of `build`: checked before anything is done, and held against those of a dataset that
is added to.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .images.discovery import PictureList
from .images.existing import Existing
from .images.records import ConversionSpec
from .images.sides import check_counts
from .images.value_range import Range
from .pipeline import step


class BuildOptions(NamedTuple):
    """What a dataset.json tells of how its dataset was made."""

    pipeline: str
    size: int
    colour: str | None
    range: str | Range | None
    test_per_class: int | None
    val_per_class: int | None
    seed: int
    sort: bool


_DEFAULTS = BuildOptions("none", 28, None, None, None, None, 0, False)


def as_before(options: BuildOptions, existing: Existing) -> BuildOptions:
    """The options by which an existing dataset was made; those that the caller may give anew."""
    description = existing.description
    before = BuildOptions(
        description["pipeline"],
        description["size"] or _DEFAULTS.size,
        "rgb" if len(existing.shape) == 3 else "grey",
        _range_of(description.get("range")),
        description.get("test_per_class"),
        description.get("val_per_class"),
        description["seed"],
        description["sorted"],
    )
    for name in ("pipeline", "size", "colour", "range", "seed", "sort"):
        wanted, was = getattr(options, name), getattr(before, name)
        wanted = tuple(wanted) if isinstance(wanted, list) else wanted
        if wanted not in (getattr(_DEFAULTS, name), was):
            raise ValueError(
                f"{name} is {wanted!r}, and the dataset was made with {was!r}; leave it out, or"
                " build a new dataset"
            )
    if options.test_per_class is not None:
        before = before._replace(test_per_class=options.test_per_class)
    if options.val_per_class is not None:
        before = before._replace(val_per_class=options.val_per_class)
    return before


def check_splits(pictures: PictureList, options: BuildOptions, existing: Existing | None) -> None:
    """Raise for what could not be split as asked for, while nothing is done yet."""
    if existing is not None:
        was_split = existing.description["split_by"] == "pictures"
        if was_split != (pictures.splits is not None):
            one, other = ("have their splits", "have none") if was_split else ("had none", "have")
            raise ValueError(
                f"the pictures of the dataset {one}, and those to add {other}; put those to add"
                f" into {'train/, test/ and so on' if was_split else 'class folders alone'}, or"
                " build a new dataset"
            )
    if pictures.splits is not None:
        for name, count in (("test", options.test_per_class), ("val", options.val_per_class)):
            if count is not None:
                raise ValueError(
                    f"the pictures are split already, so that none are drawn; leave"
                    f" {name}_per_class (--{name}-per-class) out"
                )
    elif pictures.paths and existing is None:
        check_counts(
            np.array(pictures.labels, np.int32),
            pictures.class_names,
            options.test_per_class,
            options.val_per_class,
        )


def conversion_of(options: BuildOptions) -> ConversionSpec:
    """Check the options of the conversion and put them together."""
    name, colour = options.pipeline, options.colour
    step(name, options.size)  # raises for a wrong one
    if colour not in (None, "grey", "rgb"):
        raise ValueError(f"colour is 'grey' or 'rgb', not {colour!r}")
    if colour == "rgb" and name == "fashion":
        raise ValueError("the pipeline 'fashion' makes grey pictures; 'fit' and 'none' make RGB")
    if name == "fashion":
        colour = "grey"
    return ConversionSpec(name, options.size, colour, None, _range_of(options.range))


def check_size(options: BuildOptions) -> None:
    """Raise ValueError for a size that the pipeline would not heed."""
    if options.pipeline == "none" and options.size != _DEFAULTS.size:
        raise ValueError(
            f"size is {options.size}, and the pipeline 'none' takes pictures as they are; name"
            " pipeline='fit' or 'fashion' (--pipeline fit), or leave size out"
        )


def _range_of(values: Any) -> Range | None:
    """Check a range; None for that of all pictures, which is found later."""
    if values is None or values == "auto":
        return None
    numbers = [*values] if isinstance(values, (tuple, list)) else []
    if len(numbers) != 2 or not all(isinstance(number, (int, np.integer)) for number in numbers):
        raise ValueError(f"range is 'auto' or two integers, LOW and HIGH, not {values!r:.40}")
    low, high = map(int, numbers)
    if not 0 <= low < high <= 0xFFFF:
        raise ValueError(f"range is from 0 or more to 65,535 or less, not {low:,} to {high:,}")
    return low, high
