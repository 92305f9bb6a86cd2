"""What every array-like has whose records are read when they are indexed: its way to other
libraries, and errors that say how to read it.
"""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any

import numpy as np

from .._util.types import Array

# kDLCPU of dlpack.h, and the first device of it.
_CPU = (1, 0)


class Unread:
    """The base of `IdxArray` and `Selection`: reads all records where a library asks for an array.

    Each protocol gives a new array in the byte order of this machine. Nobody else has that memory,
    so a library may take it over without a copy and write to it.

    What an array has and this has not (`mean`, ``==``, ``/``) raises an error that names ``f[:]``.
    Two of these are equal if they are the same object.
    """

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        raise NotImplementedError

    def __dlpack_device__(self) -> tuple[int, int]:
        """The memory of this machine, as DLPack calls it."""
        return _CPU

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        """All records as a DLPack capsule, for `numpy.from_dlpack`, torch and JAX.

        BufferError for copy=False and for another device than the CPU.
        """
        if copy is False:
            raise BufferError("the records are not read yet, so there is nothing to share: copy")
        if dl_device is not None and tuple(dl_device) != _CPU:
            raise BufferError(f"the records are read to the memory of the CPU, not to {dl_device}")
        array: Any = self.__array__(copy=True)
        if max_version is None:
            return array.__dlpack__(stream=stream)
        try:
            return array.__dlpack__(stream=stream, max_version=max_version)
        except TypeError:  # numpy before 2.1 knows no versions
            return array.__dlpack__(stream=stream)

    def __arrow_array__(self, type: Any = None) -> Any:
        """All records for `pyarrow.array`: numbers, or lists of a fixed size, nested."""
        import pyarrow

        array = self.__array__(copy=True)
        result = pyarrow.array(array.reshape(-1))
        for axis in reversed(range(1, array.ndim)):
            length = 1
            for n in array.shape[:axis]:
                length *= n
            # from_arrays would divide by the size of a list, which may be 0.
            kind = pyarrow.list_(result.type, array.shape[axis])
            result = pyarrow.Array.from_buffers(kind, length, [None], children=[result])
        return result if type is None else result.cast(type)

    def __arrow_c_array__(self, requested_schema: Any = None) -> Any:
        """The same for polars and others that take Arrow's C data interface."""
        try:
            import pyarrow  # noqa: F401
        except ImportError as error:
            raise ImportError(
                "Arrow data are made by pyarrow, which is not installed: install it, or read the"
                " file to an array, f[:], and give that"
            ) from error
        return self.__arrow_array__().__arrow_c_array__(requested_schema)

    def _refuse(self, other: object) -> Any:
        """Refuse arithmetic and comparisons with numbers and arrays: Python would say False."""
        is_array = hasattr(other, "__array__") and not isinstance(other, Unread)
        if is_array or isinstance(other, (numbers.Number, list, tuple, range)):
            raise TypeError(
                f"the records of this {type(self).__name__} are read when they are indexed, so it"
                " takes no part in comparisons and arithmetic: read it first, as in f[:] == 9, or"
                " ds.images[:] / 255"
            )
        return NotImplemented

    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __add__ = __sub__ = __mul__ = __truediv__ = __floordiv__ = __mod__ = _refuse

    def __hash__(self) -> int:
        return object.__hash__(self)

    if not TYPE_CHECKING:  # a type checker must not take every attribute to be there

        def __getattr__(self, name: str) -> Any:
            message = f"{type(self).__name__!r} object has no attribute {name!r}"
            if not name.startswith("_") and hasattr(np.ndarray, name):
                call = "(...)" if callable(getattr(np.ndarray, name)) else ""
                message += (
                    ": its records are read when they are indexed. Read it first, as in"
                    f" f[:].{name}{call} or ds.images[:].{name}{call}"
                )
            raise AttributeError(message)
