"""scale, mean and std of batches: numbers of the caller's, or those of the dataset itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..loader.channels import ChannelLayout
from .moments import Moments

_OWN = "dataset"
"""In the place of a mean or std: that of the dataset."""


class Scaling(NamedTuple):
    """What makes numbers of pixels, for records as they are stored."""

    scale: Any
    mean: Any
    std: Any


def scaling_of(
    moments: Callable[[], Moments], layout: ChannelLayout, scale: Any, mean: Any, std: Any
) -> Scaling:
    """What a caller asks for; mean and std may be "dataset", those of its moments.

    Raises ValueError for other words, and where the dataset has none.
    """
    given = {"mean": mean, "std": std}
    for name, value in given.items():
        if isinstance(value, str) and value != _OWN:
            raise ValueError(f"{name} is a number, an array or {_OWN!r}, not {value!r}")
    scale = layout.stored_factor("scale", scale)
    own = {name for name, value in given.items() if isinstance(value, str)}
    stats = moments().stats(scale) if own else None
    stored = {}
    for name, value in given.items():
        if name not in own:
            stored[name] = layout.stored_factor(name, value)
            continue
        stored[name] = getattr(stats, name)
        if not np.isfinite(stored[name]).all():
            raise ValueError(
                f"the {name} of the dataset is {np.ravel(stored[name])}: it has no pixels, or some"
                f" that are NaN or infinite; give {name} as a number"
            )
    return Scaling(scale, **stored)
