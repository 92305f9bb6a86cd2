from libc.stdint cimport int64_t


cdef inline bint is_inside(int64_t place, int64_t size, int64_t length) noexcept nogil:
    """Whether size bytes at a place lie in memory of this length."""
    return place >= 0 and size >= 0 and place <= length and size <= length - place
