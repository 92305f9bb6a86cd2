# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Loops over array memory, without the GIL: byte order."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from *:
    """
    static inline uint16_t idxio_swap16(uint16_t v) { return (uint16_t)(v << 8 | v >> 8); }
    static inline uint32_t idxio_swap32(uint32_t v) { return __builtin_bswap32(v); }
    static inline uint64_t idxio_swap64(uint64_t v) { return __builtin_bswap64(v); }
    """
    uint16_t idxio_swap16(uint16_t) noexcept nogil
    uint32_t idxio_swap32(uint32_t) noexcept nogil
    uint64_t idxio_swap64(uint64_t) noexcept nogil


def swap_bytes(uint8_t[::1] data not None, int itemsize):
    """Reverse, in place, the bytes of each item of 2, 4 or 8 bytes. data is aligned to its items."""
    cdef size_t size = data.shape[0], i
    cdef uint8_t *start
    if itemsize not in (2, 4, 8) or size % itemsize:
        raise ValueError(f"cannot swap items of {itemsize} bytes in {size} bytes")
    if size == 0:
        return
    start = &data[0]
    if <size_t>start % itemsize:
        raise ValueError(f"the memory is not aligned to {itemsize} bytes")
    with nogil:
        if itemsize == 2:
            for i in range(size // 2):
                (<uint16_t *>start)[i] = idxio_swap16((<uint16_t *>start)[i])
        elif itemsize == 4:
            for i in range(size // 4):
                (<uint32_t *>start)[i] = idxio_swap32((<uint32_t *>start)[i])
        else:
            for i in range(size // 8):
                (<uint64_t *>start)[i] = idxio_swap64((<uint64_t *>start)[i])
