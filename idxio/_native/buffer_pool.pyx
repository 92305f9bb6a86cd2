"""Memory of batches, given out again when nobody holds it: warm, and its pages there."""

cimport cython
from cpython.buffer cimport PyBuffer_FillInfo
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from libc.stdint cimport uintptr_t

cdef enum:
    KEPT = 8  # blocks at most that wait to be used again
    ALIGNMENT = 64


cdef class BufferPool:
    """Blocks of one size.

    Free blocks go when the pool does; those that are held go when nobody holds them any more.
    """

    cdef void *free[KEPT]
    cdef int count
    cdef size_t nbytes

    def __cinit__(self, size_t nbytes):
        self.nbytes = nbytes

    def __dealloc__(self):
        while self.count:
            self.count -= 1
            PyMem_RawFree(self.free[self.count])

    def take(self):
        """A block that nobody else has, not set: a buffer, whose last view lets go of it."""
        cdef Block block = Block.__new__(Block)
        if self.count:
            self.count -= 1
            block.start = self.free[self.count]  # the one that was used last
        else:
            block.start = PyMem_RawMalloc(self.nbytes + ALIGNMENT)
            if block.start == NULL:
                raise MemoryError(f"no memory for {self.nbytes} bytes of a batch")
        block.pool = self
        return block


@cython.no_gc  # which would clear what __dealloc__ needs; it can't be part of a cycle
cdef class Block:
    """Memory of a `BufferPool`, which gets it back when this and every view of it is gone."""

    cdef BufferPool pool
    cdef void *start

    def __getbuffer__(self, Py_buffer *view, int flags):
        cdef uintptr_t start = <uintptr_t>self.start
        if self.start == NULL:
            raise BufferError("a block comes from BufferPool.take")
        start += -start % ALIGNMENT
        PyBuffer_FillInfo(view, self, <void *>start, self.pool.nbytes, 0, flags)

    def __dealloc__(self):
        if self.start == NULL:
            return
        if self.pool.count < KEPT:
            self.pool.free[self.pool.count] = self.start
            self.pool.count += 1
        else:
            PyMem_RawFree(self.start)
