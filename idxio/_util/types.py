"""The array types that annotations name in every package."""

from __future__ import annotations

from collections.abc import Sequence
from types import EllipsisType
from typing import Any, TypeAlias, TypeVar

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
"""An array of any shape and dtype."""

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
"""An array of uint8, as a buffer of bytes."""

Ids = np.ndarray[Any, np.dtype[np.int64]]
"""Record or span numbers."""

A = TypeVar("A", bound=Array)
"""The type of an array that is filled and returned."""

Rows: TypeAlias = slice | Sequence[int] | Sequence[bool] | Array
"""What picks some records: a slice, their numbers, or a mask."""

ArrayKey: TypeAlias = slice | EllipsisType | list[Any] | range | Array | None
"""An index that gives an array of any array with an axis; an int gives an element of one axis."""
