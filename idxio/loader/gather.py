"""Gathers rows into a batch; transforms, byte order, cast and scaling are one native pass."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from .._native import gather as kernels
from .._native.transforms import Kernel
from .._util.memory import allocate
from .._util.types import Array, Ids

Job = Callable[[Ids, Ids, Array], kernels.Gather]
"""Makes the native job that gathers rows, of samples at some positions, into an array."""


class RowGatherer:
    """Gathers rows: as they are, or as ``float(x) * a + b`` with

        a = scale / std        b = -mean / std

    computed in float64 and rounded to the output's type; the product and the sum are rounded one
    after the other. So mean and std are those of the scaled values.
    """

    def __init__(
        self,
        source: np.dtype[Any],
        row_shape: tuple[int, ...],
        dtype: Any = None,
        scale: Any = None,
        mean: Any = None,
        std: Any = None,
    ) -> None:
        """source: the dtype of the rows, in any byte order.

        row_shape: the shape of one row of a batch; transforms may make it of another.
        """
        native = source.newbyteorder("=")
        scaled = scale is not None or mean is not None or std is not None
        if dtype is not None:
            self.dtype = np.dtype(dtype).newbyteorder("=")
        elif scaled:
            self.dtype = np.dtype(np.float32)
        else:
            self.dtype = native
        self.row_shape = row_shape
        self._stored = native
        self._elements = int(np.prod(row_shape, dtype=np.int64))
        self.row_nbytes: int = self._elements * self.dtype.itemsize
        """Bytes of a row of a batch."""
        self._factors: tuple[Array, Array] | None = None
        self._transforms: Kernel | None = None
        is_float = self.dtype in (np.float32, np.float64)
        if self.dtype.hasobject:
            raise ValueError(f"batches hold numbers, not {self.dtype}")
        if scaled and not is_float:
            raise ValueError(
                f"scale, mean and std give float32 or float64, not {self.dtype}: leave dtype out",
            )
        if not is_float and self.dtype != native and not np.can_cast(native, self.dtype):
            possible = f"float32, float64 or what holds every {native}"
            raise ValueError(f"batches of {native} can be {possible}: {self.dtype}")
        if is_float and (scaled or self.dtype != native) and source.str[1:] in kernels.KINDS:
            self._factors = self._fold(scale, mean, std)
        elif scaled:
            raise ValueError(f"scale, mean and std need elements of an IDX type, not {native}")

    def transformed(self, transforms: Kernel) -> RowGatherer:
        """The same, but it applies these transforms, which make rows of its shape, first."""
        gatherer = copy.copy(self)
        gatherer._transforms = transforms
        return gatherer

    def gather(
        self, source: Array, ids: Array, out: Array | None = None, positions: Ids | None = None
    ) -> Array:
        """The rows of an array with these indices, as a new array or in out.

        From a C-contiguous array, rows are read and written once. positions: those of the samples
        in an epoch, which transforms need.

        Raises
        ------
        IndexError
            There is no such row.
        """
        if out is None:
            out = self.shape(allocate(0, len(ids) * self.row_nbytes), len(ids))
        ids = np.ascontiguousarray(ids, np.int64)
        if positions is None:
            assert self._transforms is None
            positions = ids
        if self.is_native(source):
            self.job_for(source)(ids, positions, out).run()
            return out
        rows = np.ascontiguousarray(source[ids])
        if self._is_one_pass(source):
            self.job_for(rows)(np.arange(len(ids)), positions, out).run()
        elif self._transforms is None:
            out[...] = rows
        else:
            as_stored = RowGatherer(rows.dtype, self.row_shape).transformed(self._transforms)
            out[...] = as_stored.gather(rows, np.arange(len(ids)), positions=positions)
        return out

    def shape(self, memory: Any, count: int) -> Array:
        """A view of aligned memory as count rows."""
        return np.ndarray((count, *self.row_shape), self.dtype, memory)

    def unconverted(self) -> RowGatherer:
        """The same for rows in the type in which they are stored."""
        return RowGatherer(self._stored, self.row_shape)

    @property
    def factors(self) -> tuple[Array, Array] | None:
        """a and b, each a number or one for each element of a row; None where they stay as cast."""
        if self._factors is None:
            return None
        a, b = (factors.view(self.dtype) for factors in self._factors)
        shape = () if a.size == 1 else self.row_shape
        return a.reshape(shape), b.reshape(shape)

    def job_for(self, source: Array) -> Job:
        """Makes jobs that gather rows of this array.

        It must be `is_native`, rows and positions contiguous int64.
        """
        records = _flat(source)
        transforms = self._transforms
        is_swapped = not source.dtype.isnative
        if self._factors is None:
            swapped = self.dtype.itemsize if is_swapped else 0
            return lambda rows, positions, out: kernels.gather(
                records, self.row_nbytes, rows, _flat(out), swapped, transforms, positions
            )
        a, b = self._factors
        kind = kernels.KINDS.index(source.dtype.str[1:])
        to_double = self.dtype.itemsize == 8
        return lambda rows, positions, out: kernels.gather_affine(
            records,
            kind,
            is_swapped,
            rows,
            _flat(out),
            to_double,
            self._elements,
            a,
            b,
            transforms,
            positions,
        )

    def is_native(self, source: Array) -> bool:
        """Whether native threads can gather rows of this array."""
        return source.flags.c_contiguous and self._is_one_pass(source)

    def _is_one_pass(self, source: Array) -> bool:
        """Whether native code exists for the elements of this array."""
        if self._factors is not None:
            return True
        is_same = source.dtype.newbyteorder("=") == self.dtype
        return is_same and (source.dtype.isnative or self.dtype.kind in "biuf")

    def check_out(self, out: Any, count: int) -> None:
        """Raise unless out has room for batches of up to count rows."""
        shape = (count, *self.row_shape)
        if not isinstance(out, np.ndarray):
            raise TypeError(f"out holds numpy arrays, not {type(out).__name__}")
        if out.shape != shape or out.dtype != self.dtype:
            actual = f"out has shape {out.shape} and dtype {out.dtype}"
            raise ValueError(f"{actual}; batches have {shape} and {self.dtype}")
        if not out.flags.c_contiguous or not out.flags.writeable or not out.flags.aligned:
            raise ValueError("out must be writable, aligned and C-contiguous")

    def _fold(self, scale: Any, mean: Any, std: Any) -> tuple[Array, Array]:
        """a and b as bytes: a single factor each, or one for each element of a row."""
        for name, value in (("scale", scale), ("mean", mean), ("std", std)):
            if value is not None:
                self._check_factor(name, value)
        divisor = _float64(std, 1.0)
        if not divisor.all():
            raise ValueError("std is 0 somewhere; where an element never varies, say 1")
        a = _float64(scale, 1.0) / divisor
        # Without a mean b is -0.0, which leaves a zero its sign.
        b = -_float64(mean, 0.0) / divisor
        if a.ndim or b.ndim:
            a = np.broadcast_to(a, self.row_shape)
            b = np.broadcast_to(b, self.row_shape)
        return self._as_bytes(a), self._as_bytes(b)

    def _check_factor(self, name: str, value: Any) -> None:
        """Raise unless a scale, mean or std is finite, and of a shape for one record."""
        try:
            factor = _float64(value, 0.0)
        except (TypeError, ValueError):
            raise ValueError(f"{name} is a number or an array of numbers, not {value!r}") from None
        try:
            np.broadcast_to(factor, self.row_shape)
        except ValueError:
            raise ValueError(
                f"{name} has shape {factor.shape}, which numpy can't broadcast to one record of "
                f"shape {self.row_shape}; for channels that come first it is (channels, 1, 1)"
            ) from None
        if not np.isfinite(factor).all():
            raise ValueError(f"{name} is NaN or infinite somewhere, as would be all that it scales")

    def _as_bytes(self, factors: Array) -> Array:
        """Factors in the type of the batches, as bytes."""
        return _flat(np.ascontiguousarray(factors, self.dtype))


def _float64(value: Any, default: float) -> Array:
    """A number or array of a caller's as float64; the default for None."""
    return np.asarray(default if value is None else value, np.float64)


def _flat(array: Array) -> Array:
    """The bytes of a C-contiguous array, as a view."""
    return array.reshape(-1).view(np.uint8)
