from libc.stdint cimport uint8_t, uint64_t

cdef extern from "transform.h" nogil:
    ctypedef struct idxio_transform:
        const uint8_t *(*apply)(const idxio_transform *, const uint8_t *, uint8_t *, uint64_t)
        uint64_t key
        size_t row
        const idxio_transform *next


cdef class Kernel:
    # Where the memory of a kernel begins, or `none`, for images of no bytes.
    cdef idxio_transform *what
    cdef idxio_transform none
    cdef Kernel then
