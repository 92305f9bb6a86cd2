# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Batch assembly: rows gathered by index, with cast and scaling in the same pass."""

from libc.stdint cimport int64_t, uint8_t

cdef extern from "batch.h" nogil:
    ctypedef void (*idxio_affine)(const uint8_t *, size_t, size_t, const int64_t *, size_t, void *, const void *,
                                  const void *, int)
    const idxio_affine idxio_affines[2][6][2]
    void idxio_gather(const uint8_t *, size_t, const int64_t *, size_t, uint8_t *)

# The order of idxio_affines.
cdef enum:
    FROM = 6
    TO = 2


cdef bint outside(const int64_t[::1] ids, size_t rows) noexcept nogil:
    cdef Py_ssize_t k
    cdef bint result = False
    for k in range(ids.shape[0]):
        result |= <size_t>ids[k] >= rows  # a negative one is huge
    return result


def gather(const uint8_t[::1] source not None, size_t row, const int64_t[::1] ids not None, uint8_t[::1] out not None):
    """Copy the rows of `row` bytes with these indices, which are not negative, to out. Raises IndexError."""
    if row == 0 or ids.shape[0] == 0:
        return
    if outside(ids, source.shape[0] // row) or <size_t>out.shape[0] != row * <size_t>ids.shape[0]:
        raise IndexError("a row lies outside the source, or out has another size")
    with nogil:
        idxio_gather(&source[0], row, &ids[0], ids.shape[0], &out[0])


def gather_affine(const uint8_t[::1] source not None, size_t row, size_t elements, int kind, bint swapped,
                  const int64_t[::1] ids not None, uint8_t[::1] out not None, bint double,
                  const uint8_t[::1] scale not None, const uint8_t[::1] shift not None):
    """Rows as x * scale + shift in float32, or in float64 for double.

    kind is the place of the source's type among u1 i1 i2 i4 f4 f8. scale and shift hold one factor of the output's
    type, or one for each element of a row. All memory is aligned to its items, but for the source.
    """
    cdef size_t itemsize = 8 if double else 4
    cdef int step = <size_t>scale.shape[0] != itemsize
    cdef idxio_affine function
    if not 0 <= kind < FROM:
        raise ValueError("no such type")
    if row == 0 or ids.shape[0] == 0:
        return
    if (scale.shape[0] != shift.shape[0] or (step and <size_t>scale.shape[0] != itemsize * elements)
            or outside(ids, source.shape[0] // row)
            or <size_t>out.shape[0] != itemsize * elements * <size_t>ids.shape[0]
            or elements * (1, 1, 2, 4, 4, 8)[kind] != row):
        raise IndexError("a row lies outside the source, or a size is wrong")
    function = idxio_affines[swapped][kind][double]
    with nogil:
        function(&source[0], row, elements, &ids[0], ids.shape[0], &out[0], &scale[0], &shift[0], step)
