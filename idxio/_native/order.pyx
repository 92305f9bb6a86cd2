# cython: boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""A random order of n things that needs no memory: a keyed permutation, evaluated at any position.

A Feistel network of ROUNDS rounds over the smallest power of two that holds n (at least 2^MIN_BITS), its round function
being the finaliser of splitmix64 (Steele, Lea, Flood 2014) over half and round key; values that are n or more are sent
through again until one is not (cycle walking: Black, Rogaway 2002), less than twice on average. Frozen: tests hold
vectors of it.
"""

from libc.stdint cimport int64_t, uint64_t

cdef enum:
    ROUNDS = 8
    MIN_BITS = 8

VERSION = 1
"""Of the order: another number, other orders for the same seed."""


cdef inline uint64_t mix(uint64_t v) noexcept nogil:
    v = (v ^ (v >> 30)) * <uint64_t>0xbf58476d1ce4e5b9
    v = (v ^ (v >> 27)) * <uint64_t>0x94d049bb133111eb
    return v ^ (v >> 31)


def permute(uint64_t seed, uint64_t epoch, uint64_t n, const int64_t[::1] positions not None, int64_t[::1] out not None):
    """The things at these positions, from 0 to n - 1, in the order of seed and epoch."""
    cdef uint64_t[ROUNDS] keys
    cdef uint64_t left, right, low_mask, high_mask, value
    cdef int bits = MIN_BITS, low, r
    cdef Py_ssize_t k
    cdef bint good = True
    if positions.shape[0] != out.shape[0] or n > <uint64_t>1 << 62:
        raise ValueError("out has another size than positions, or n is too large")
    with nogil:
        while <uint64_t>1 << bits < n:
            bits += 1
        low = bits // 2
        low_mask = (<uint64_t>1 << low) - 1
        high_mask = (<uint64_t>1 << (bits - low)) - 1
        # Seed and epoch each pass the finaliser, so that (1, 0) and (0, 1) have nothing in common.
        value = mix(mix(seed + <uint64_t>0x9e3779b97f4a7c15) + epoch + <uint64_t>0x6a09e667f3bcc909)
        for r in range(ROUNDS):
            value += <uint64_t>0x9e3779b97f4a7c15
            keys[r] = mix(value)
        for k in range(positions.shape[0]):
            value = <uint64_t>positions[k]
            if value >= n:
                good = False
                break
            while True:
                left = value >> low
                right = value & low_mask
                for r in range(0, ROUNDS, 2):
                    left ^= mix(right + keys[r]) & high_mask
                    right ^= mix(left + keys[r + 1]) & low_mask
                value = left << low | right
                if value < n:
                    break
            out[k] = <int64_t>value
    if not good:
        raise IndexError("a position lies outside the order")
