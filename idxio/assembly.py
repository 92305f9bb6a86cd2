"""One batch: rows gathered from memory, with byte order, cast and scaling in one native pass."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._native import batch
from .memory import allocate
from .parallel import on_threads

Array = np.ndarray[Any, np.dtype[Any]]

_KINDS = ["u1", "i1", "i2", "i4", "f4", "f8"]
# Below this many bytes of output a second thread costs more than it saves.
_WORTH_A_THREAD = 1 << 18


class Assembler:
    """Gathers rows of one array: as they are, or as ``float(x) * a + b`` with

        a = scale / std        b = -mean / std

    computed in float64 and rounded to the output's type; the product and the sum are rounded one after the other.
    """

    def __init__(self, source: Array, dtype: Any = None, scale: Any = None, mean: Any = None, std: Any = None) -> None:
        """source is C-contiguous, of the six types of IDX in any byte order. mean and std apply to scaled values."""
        if not source.flags.c_contiguous:
            source = np.ascontiguousarray(source)
        native = source.dtype.newbyteorder("=")
        scaled = scale is not None or mean is not None or std is not None
        self.dtype = np.dtype(dtype) if dtype is not None else np.dtype("float32") if scaled else native
        if scaled and self.dtype.kind != "f":
            raise ValueError(f"scale, mean and std need a floating-point dtype, not {self.dtype}")
        self.row_shape = source.shape[1:]
        self._source = source
        self._bytes = source.reshape(-1).view(np.uint8)
        self._row = source[:1].nbytes if len(source) else 0
        self._elements = int(np.prod(self.row_shape, dtype=np.int64))
        self._factors: tuple[Array, Array] | None = None
        if self.dtype in (np.float32, np.float64) and (scaled or self.dtype != native):
            one = 1.0 if std is None else 1.0 / np.asarray(std, np.float64)
            a = np.asarray(1.0 if scale is None else scale, np.float64) * one
            b = -np.asarray(0.0 if mean is None else mean, np.float64) * one
            self._factors = self._spread(a), self._spread(b)
            if len(self._factors[0]) != len(self._factors[1]):
                size = max(map(len, self._factors))
                self._factors = (
                    np.broadcast_to(self._factors[0], size).copy(),
                    np.broadcast_to(self._factors[1], size).copy(),
                )
        elif scaled or (self.dtype != native and not np.can_cast(native, self.dtype)):
            raise ValueError(f"a batch of {native} can be float32, float64 or a type that holds it, not {self.dtype}")

    def _spread(self, factor: Array) -> Array:
        """One factor, or one for each element of a row; factors for channels stand on the last axis."""
        if factor.ndim:
            factor = np.broadcast_to(factor, self.row_shape)
        return np.ascontiguousarray(factor, self.dtype).reshape(-1)

    def gather(self, ids: Array, out: Array | None, threads: int) -> Array:
        """The rows with these indices, as a new array or in out."""
        shape = (len(ids), *self.row_shape)
        if out is None:
            out = allocate(0, len(ids) * self._elements * self.dtype.itemsize).view(self.dtype).reshape(shape)
        elif out.shape != shape or out.dtype != self.dtype or not out.flags.c_contiguous or not out.flags.writeable:
            raise ValueError(f"out is a writable C-contiguous array of shape {shape} and dtype {self.dtype}")
        target, ids = out, np.ascontiguousarray(ids, np.int64)
        parts = min(threads, out.nbytes // _WORTH_A_THREAD) or 1
        edges = [len(ids) * k // parts for k in range(parts + 1)]
        on_threads(
            lambda k: self._fill(ids[edges[k] : edges[k + 1]], target[edges[k] : edges[k + 1]]), range(parts), parts
        )
        return out

    def _fill(self, ids: Array, out: Array) -> None:
        flat = out.reshape(-1).view(np.uint8)
        if self._factors is not None:
            kind = _KINDS.index(self._source.dtype.str[1:])
            swapped = not self._source.dtype.isnative
            a, b = (factor.view(np.uint8) for factor in self._factors)
            double = self.dtype == np.float64
            batch.gather_affine(self._bytes, self._row, self._elements, kind, swapped, ids, flat, double, a, b)
        elif self._source.dtype == self.dtype:
            batch.gather(self._bytes, self._row, ids, flat)
        else:
            out[...] = self._source[ids]
