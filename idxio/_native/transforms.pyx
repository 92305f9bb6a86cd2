"""Transforms of images, which a `Gather` applies to each row on its way into a batch."""

cimport cython
from libc.stdint cimport uint8_t, uint64_t
from libc.stdlib cimport calloc, free

cdef extern from "flip.h" nogil:
    ctypedef struct idxio_flip:
        idxio_transform base
        uint64_t below
        size_t groups, items, size
    const uint8_t *idxio_flip_apply(const idxio_transform *, const uint8_t *, uint8_t *, uint64_t)


@cython.no_gc  # it is made once, behind those that follow it
cdef class Kernel:
    """A transform for one shape of image and one key of random numbers, and those behind it.

    `idxio.transforms` has the classes that users see; each makes one of these.
    """

    def __cinit__(self):
        self.what = &self.none

    def __dealloc__(self):
        if self.what != &self.none:
            free(self.what)


cdef Kernel prepare(size_t size, uint64_t key, size_t row, Kernel then):
    """A transform in memory of this size; `apply` and fields behind `base` are still to be set."""
    cdef Kernel t = Kernel.__new__(Kernel)
    if then is not None and then.what.row != row:
        raise ValueError(f"images of {row} bytes go to a transform of {then.what.row}")
    cdef idxio_transform *what = <idxio_transform *>calloc(1, size)
    if what == NULL:
        raise MemoryError()
    t.what = what
    what.key, what.row = key, row
    if then is not None:
        t.then = then
        what.next = then.what
    return t


def flip(uint64_t key, uint64_t below, groups, items, size, Kernel then=None):
    """Turns round the items, of `size` bytes, in each group of an image.

    The probability is below / 2^53. `then` gets what it made. Raises OverflowError for images that
    no memory holds.
    """
    # The product is one of Python's integers, which does not wrap around.
    cdef Kernel t = prepare(sizeof(idxio_flip), key, groups * items * size, then)
    cdef idxio_flip *what = <idxio_flip *>t.what
    what.base.apply = idxio_flip_apply
    what.below = below
    what.groups, what.items, what.size = groups, items, size
    return t
