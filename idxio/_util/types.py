"""The array types that annotations name in every package."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
"""An array of any shape and dtype."""

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
"""An array of uint8, as a buffer of bytes."""

Ids = np.ndarray[Any, np.dtype[np.int64]]
"""Record or span numbers."""
