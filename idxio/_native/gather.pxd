from libc.stdint cimport int64_t, uint8_t

from .transforms cimport Kernel, idxio_transform

cdef extern from "task.h" nogil:
    ctypedef struct idxio_task:
        void (*rows)(const void *, size_t, size_t)
        const void *what
        size_t turn, front, back
    ctypedef void (*idxio_affine)(const uint8_t *, size_t, size_t, const int64_t *, size_t, void *,
                                  const void *, const void *, int)
    ctypedef struct idxio_gathering:
        const uint8_t *source
        const uint8_t *scale
        const uint8_t *shift
        const int64_t *ids
        uint8_t *out
        size_t row, elements, out_row
        idxio_affine affine
        int swapped, step
        const idxio_transform *transforms
        const int64_t *positions
        int lacks_memory


cdef class Gather:
    # These views keep the memory that `what` points to.
    cdef const uint8_t[::1] source, scale, shift
    cdef const int64_t[::1] ids, positions
    cdef uint8_t[::1] out
    cdef Kernel transforms
    cdef idxio_gathering what
    cdef idxio_task task
    cdef check(self)
