# cython: boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Finds places in deflate data where a block with Huffman codes of its own could start.

RFC 1951, 3.2.7.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>

    #define idxio_ctz(x) __builtin_ctzll(x)

    static inline uint64_t idxio_load_little(const uint8_t *p) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
    #if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
    #endif
        return word;
    }
    """
    int idxio_ctz(uint64_t) noexcept nogil
    uint64_t idxio_load_little(const uint8_t *) noexcept nogil

# The order in which the lengths of the code length code are stored (RFC 1951, 3.2.7).
cdef uint8_t[19] ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
# Bytes that a header can take: 17 + 19 * 3 bits and (286 + 30) codes of up to 7 + 7 bits, with room
# for loads.
cdef enum:
    HEADER_BYTES = 640
MARGIN = HEADER_BYTES
"""How many bytes before the end of its data find_block stops looking."""

# For four code lengths of three bits: the sum of 128 >> length over those that are not zero.
cdef uint16_t[4096] kraft

cdef void fill_kraft() noexcept:
    cdef int lengths, i, length
    for lengths in range(4096):
        kraft[lengths] = 0
        for i in range(4):
            length = lengths >> (3 * i) & 7
            if length:
                kraft[lengths] += 128 >> length

fill_kraft()


cdef inline uint64_t load(const uint8_t *data, size_t bit) noexcept nogil:
    """The 57 bits or more from bit on, the first one lowest."""
    return idxio_load_little(data + (bit >> 3)) >> (bit & 7)


cdef bint is_header(const uint8_t *data, size_t bit) noexcept nogil:
    """Whether the bits behind the block's type describe complete codes with an end-of-block."""
    cdef uint64_t word = load(data, bit + 3)
    cdef int literals = <int>(word & 31) + 257
    cdef int distances = <int>(word >> 5 & 31) + 1
    cdef int stored = <int>(word >> 10 & 15) + 4
    cdef uint64_t lengths
    cdef uint8_t[19] code_lengths
    cdef uint8_t[128] symbols
    cdef uint8_t[128] widths
    cdef uint16_t[8] count
    cdef uint16_t[8] next_code
    cdef int i, j, length, code, reverse, total, symbol, repeat, previous = 0, done = 0
    cdef uint32_t literal_space = 0, distance_space = 0, distance_codes = 0
    cdef bint has_end = False
    bit += 17
    lengths = load(data, bit) & ((<uint64_t>1 << (3 * stored)) - 1)
    if (kraft[lengths & 4095] + kraft[lengths >> 12 & 4095] + kraft[lengths >> 24 & 4095]
            + kraft[lengths >> 36 & 4095] + kraft[lengths >> 48 & 4095]) != 128:
        return False
    bit += 3 * stored
    for i in range(8):
        count[i] = 0
    for i in range(19):
        length = <int>(lengths >> (3 * i) & 7)
        code_lengths[ORDER[i]] = length
        count[length] += 1
    code = 0
    count[0] = 0
    for i in range(1, 8):
        code = (code + count[i - 1]) << 1
        next_code[i] = code
    for i in range(19):
        length = code_lengths[i]
        if length == 0:
            continue
        code = next_code[length]
        next_code[length] += 1
        reverse = 0
        for j in range(length):
            reverse |= (code >> j & 1) << (length - 1 - j)
        while reverse < 128:
            symbols[reverse] = i
            widths[reverse] = length
            reverse += 1 << length
    total = literals + distances
    while done < total:
        word = load(data, bit)
        symbol = symbols[word & 127]
        length = widths[word & 127]
        bit += length
        word >>= length
        if symbol < 16:
            repeat = 1
            previous = symbol
        elif symbol == 16:
            if done == 0:
                return False
            repeat = 3 + <int>(word & 3)
            bit += 2
        elif symbol == 17:
            repeat = 3 + <int>(word & 7)
            bit += 3
            previous = 0
        else:
            repeat = 11 + <int>(word & 127)
            bit += 7
            previous = 0
        if done + repeat > total:
            return False
        for i in range(repeat):
            if previous:
                if done < literals:
                    literal_space += 32768 >> previous
                    has_end |= done == 256
                else:
                    distance_space += 32768 >> previous
                    distance_codes += 1
            done += 1
    if not has_end or literal_space != 32768:
        return False
    # One distance code of one bit, or none, is legal too.
    if distance_codes == 0 or (distance_codes == 1 and distance_space == 16384):
        return True
    return distance_space == 32768


def find_block(const uint8_t[::1] data not None, size_t start, size_t stop):
    """The first bit in [start, stop) where such a block could start; -1 if there is none.

    The block is not the last of its stream. Looks only where MARGIN bytes of data follow. What it
    finds is a hypothesis: any data can look like a header.
    """
    cdef size_t size = data.shape[0], bit = start, base
    cdef Py_ssize_t header = -1
    cdef uint64_t word, hits
    cdef const uint8_t *p
    if size <= HEADER_BYTES:
        return -1
    stop = min(stop, 8 * (size - HEADER_BYTES))
    if start >= stop:
        return -1
    p = &data[0]
    with nogil:
        while bit < stop and header < 0:
            word = load(p, bit)
            # Not last (0), type 2 (0 1); at most 286 literal codes and 30 distance codes: not 1111
            # in their upper bits.
            hits = ~word & ~(word >> 1) & (word >> 2)
            hits &= ~((word >> 4) & (word >> 5) & (word >> 6) & (word >> 7))
            hits &= ~((word >> 9) & (word >> 10) & (word >> 11) & (word >> 12))
            # 57 bits are loaded and 13 make a hit.
            hits &= (<uint64_t>1 << 44) - 1
            base = bit
            while hits:
                bit = base + idxio_ctz(hits)
                hits &= hits - 1
                if is_header(p, bit):
                    if bit < stop:
                        header = bit
                    break
            bit = base + 44
    return header
