# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""A random order of n things that needs no memory: a keyed permutation, evaluated at any position.

A Feistel network of 8 rounds over the smallest power of two that holds n (at least 256), its round
function being the finaliser of MurmurHash3 (Appleby 2011, public domain) over half and round key.
Results of n or more are sent through again until one is not (cycle walking: Black, Rogaway 2002):
less than once more on average, or 256 times in all for a smaller n. The order is frozen: tests
hold vectors of it.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

cdef extern from "mix.h" nogil:
    uint64_t idxio_mix(uint64_t)
    uint64_t idxio_key_add(uint64_t, uint64_t)

cdef extern from *:
    """
    #include "dispatch.h"

    #define IDXIO_ROUNDS 8
    #define IDXIO_LANES 16

    static inline uint32_t idxio_fmix32(uint32_t v) {
        v = (v ^ (v >> 16)) * 0x85ebca6bu;
        v = (v ^ (v >> 13)) * 0xc2b2ae35u;
        return v ^ (v >> 16);
    }

    #define IDXIO_NETWORK(count, left, right, KEY)                                                 \
        for (int r = 0; r < IDXIO_ROUNDS; r += 2) {                                                \
            for (int j = 0; j < count; j++)                                                        \
                left[j] ^= idxio_fmix32(right[j] + KEY(r, j)) & high_mask;                         \
            for (int j = 0; j < count; j++)                                                        \
                right[j] ^= idxio_fmix32(left[j] + KEY(r + 1, j)) & low_mask;                      \
        }
    #define IDXIO_LANE_KEY(r, j) keys[r][j]
    #define IDXIO_ONE_LANE_KEY(r, j) keys[r][lane]

    /* Element k is the one at positions[k] of order which[k], whose round keys and length are those
       with that number; if which is NULL, of order 0. Returns 0 if it has none. LANES positions at
       a time, in loops that the compiler vectorises; those beyond n go through again alone. */
    IDXIO_INLINE int idxio_permute_lanes(
        const uint32_t (*round_keys)[IDXIO_ROUNDS], const int64_t *counts, size_t orders, int bits,
        const uint8_t *which, const int64_t *positions, size_t count, int64_t *out
    ) {
        const int low = bits / 2;
        const uint32_t low_mask = (uint32_t)(((uint64_t)1 << low) - 1);
        const uint32_t high_mask = (uint32_t)(((uint64_t)1 << (bits - low)) - 1);
        uint32_t keys[IDXIO_ROUNDS][IDXIO_LANES];
        for (int r = 0; r < IDXIO_ROUNDS; r++)
            for (int j = 0; j < IDXIO_LANES; j++) keys[r][j] = round_keys[0][r];
        for (size_t k = 0; k < count; k += IDXIO_LANES) {
            const int lanes = count - k < IDXIO_LANES ? (int)(count - k) : IDXIO_LANES;
            uint32_t left[IDXIO_LANES] = {0}, right[IDXIO_LANES] = {0};
            for (int j = 0; j < lanes; j++) {
                const size_t order = which ? which[k + (size_t)j] : 0;
                const uint64_t position = (uint64_t)positions[k + (size_t)j];
                if (order >= orders || position >= (uint64_t)counts[order]) return 0;
                left[j] = (uint32_t)(position >> low);
                right[j] = (uint32_t)position & low_mask;
                if (which)
                    for (int r = 0; r < IDXIO_ROUNDS; r++) keys[r][j] = round_keys[order][r];
            }
            IDXIO_NETWORK(IDXIO_LANES, left, right, IDXIO_LANE_KEY)
            for (int lane = 0; lane < lanes; lane++) {
                const uint64_t n = (uint64_t)counts[which ? which[k + (size_t)lane] : 0];
                uint32_t *l = left + lane, *r1 = right + lane;
                uint64_t value;
                while ((value = (uint64_t)*l << low | *r1) >= n) {
                    IDXIO_NETWORK(1, l, r1, IDXIO_ONE_LANE_KEY)
                }
                out[k + (size_t)lane] = (int64_t)value;
            }
        }
        return 1;
    }
    /* Inlined twice, so that one order costs no question about `which`. */
    #define IDXIO_PERMUTE(suffix, target)                                                          \
        target static int idxio_permute##suffix(                                                   \
            const uint32_t (*round_keys)[IDXIO_ROUNDS], const int64_t *counts, size_t orders,      \
            int bits, const uint8_t *which, const int64_t *positions, size_t count,                \
            int64_t *out) {                                                                        \
            if (which)                                                                             \
                return idxio_permute_lanes(                                                        \
                    round_keys, counts, orders, bits, which, positions, count, out);               \
            return idxio_permute_lanes(round_keys, counts, 1, bits, NULL, positions, count, out);  \
        }
    IDXIO_PERMUTE(_plain, )
    #ifdef IDXIO_AVX2
    IDXIO_PERMUTE(_avx2, IDXIO_AVX2)
    #endif
    #define idxio_permute(...) IDXIO_BEST(idxio_permute)(__VA_ARGS__)
    """
    enum: IDXIO_ROUNDS
    int idxio_permute(
        const uint32_t (*)[8], const int64_t *, size_t, int, const uint8_t *, const int64_t *,
        size_t, int64_t *
    ) noexcept nogil

VERSION = 1
"""Of the order: another number, other orders for the same seed."""

MAX = 1 << 62
"""The most things that can be put in order: halves of 31 bits."""


def key(*numbers):
    """A key from numbers of 64 bits.

    Each passes the mixer alone, so that (1, 0) and (0, 1) have nothing in common.
    """
    cdef uint64_t value = 0, number
    for number in numbers:
        value = idxio_key_add(value, number)
    return value


def key_each(uint64_t key, const uint64_t[::1] numbers not None, uint64_t[::1] out not None):
    """The key of the numbers of `key` and of each of these."""
    cdef Py_ssize_t k
    if numbers.shape[0] != out.shape[0]:
        raise ValueError("out has another size than numbers")
    with nogil:
        for k in range(numbers.shape[0]):
            out[k] = idxio_key_add(key, numbers[k])


cdef int bits_for(uint64_t n) noexcept:
    """The bits of the network for n things."""
    cdef int bits = 8
    while <uint64_t>1 << bits < n:
        bits += 1
    return bits


cdef void set_round_keys(uint64_t key, uint32_t *keys) noexcept:
    cdef int r
    for r in range(IDXIO_ROUNDS):
        key += <uint64_t>0x9e3779b97f4a7c15
        keys[r] = <uint32_t>(idxio_mix(key) >> 32)


def permute(
    uint64_t key, uint64_t n, const int64_t[::1] positions not None, int64_t[::1] out not None
):
    """The things at these positions, from 0 to n - 1, in the order of this key.

    Raises IndexError.
    """
    cdef uint32_t[1][IDXIO_ROUNDS] keys
    cdef int64_t count = <int64_t>n
    cdef int bits
    cdef bint good
    if positions.shape[0] != out.shape[0] or n > <uint64_t>1 << 62:
        raise ValueError("out has another size than positions, or n is too large")
    if positions.shape[0] == 0:
        return
    bits = bits_for(n)
    set_round_keys(key, keys[0])
    with nogil:
        good = idxio_permute(
            keys, &count, 1, bits, NULL, &positions[0], positions.shape[0], &out[0]
        )
    if not good:
        raise IndexError("a position lies outside the order")


def permute_each(
    uint64_t key,
    const int64_t[::1] counts not None,
    const uint8_t[::1] which not None,
    const int64_t[::1] positions not None,
    int64_t[::1] out not None,
):
    """Do what permute() does for several orders, of counts[i] things each: the key of number i is
    that of `key` and i. which: the number of the order of each position. The network is over the
    power of two that holds the longest.

    Raises IndexError.
    """
    cdef uint32_t[256][IDXIO_ROUNDS] keys
    cdef int64_t most = 0
    cdef int bits
    cdef Py_ssize_t i
    cdef bint good
    if positions.shape[0] != out.shape[0] or positions.shape[0] != which.shape[0]:
        raise ValueError("out, which and positions have different sizes")
    if not 0 < counts.shape[0] <= 256:
        raise ValueError("there are 1 to 256 orders")
    for i in range(counts.shape[0]):
        if not 0 <= counts[i] <= <int64_t>1 << 62:
            raise ValueError("a count is negative or too large")
        most = max(most, counts[i])
        set_round_keys(idxio_key_add(key, i), keys[i])
    if positions.shape[0] == 0:
        return
    bits = bits_for(most)
    with nogil:
        good = idxio_permute(
            keys, &counts[0], counts.shape[0], bits, &which[0], &positions[0], positions.shape[0],
            &out[0],
        )
    if not good:
        raise IndexError("a position lies outside its order")
