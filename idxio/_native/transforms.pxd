from libc.stdint cimport uint8_t, uint64_t

cdef extern from "transform.h" nogil:
    ctypedef const uint8_t *(*idxio_apply)(
        const idxio_transform *, const uint8_t *, uint8_t *, uint64_t
    )
    ctypedef struct idxio_transform:
        idxio_apply apply
        uint64_t key
        size_t row, made, room
        const idxio_transform *next


cdef class Kernel:
    # Where the memory of a kernel begins, or `none`, for images of no bytes.
    cdef idxio_transform *what
    cdef idxio_transform none
    cdef Kernel then
    # Bytes of an image that the last of the kernels makes.
    cdef size_t result
