"""idxio.read timed beside the plain Python that one would write without it."""

from __future__ import annotations

import importlib
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..._util.types import Array
from ...compression.registry import named
from ...core.info import info
from ...core.read import read
from ...errors import IdxError


class Times(NamedTuple):
    """Medians in seconds."""

    ours: float
    plain: float
    plain_name: str
    repeats: int


def time_reading(file: str, *, repeats: int = 5, seconds: float = 4.0) -> Times:
    """Medians of reading a uint8 file in turns, repeats times or as often as seconds allow.

    Raises IdxError if the two ways return different arrays.
    """
    about = info(file)
    module = named(about.packing).module
    opener = importlib.import_module(module).open

    def plain() -> Array:
        with opener(file, "rb") as f:
            return np.frombuffer(f.read(), np.uint8, offset=4 + 4 * len(about.shape)).reshape(
                about.shape
            )

    def ours() -> Array:
        return read(file)

    if not np.array_equal(ours(), plain()):
        raise IdxError(f"is read differently by idxio and by Python's {module}", file=file)
    times: list[tuple[float, float]] = []
    end = time.perf_counter() + seconds
    while not times or (len(times) < repeats and time.perf_counter() < end):
        times.append((_time(ours), _time(plain)))
    first, second = (statistics.median(column) for column in zip(*times, strict=True))
    return Times(first, second, f"{module}.open + numpy.frombuffer", len(times))


def _time(function: Callable[[], Array]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start
