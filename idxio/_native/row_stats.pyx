# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Loops over the rows of an array of bytes, without the GIL.

They make hashes of rows, find constant ones, sum them by class and count values. They check what
they are given: nothing is read or written outside it.
"""

from libc.stdint cimport int64_t, uint8_t, uint64_t

cdef extern from *:
    """
    #include <string.h>

    /* Shifted before the product too: its upper bits take in all of a word, but the upper bits of
       one hardly change it. */
    #define IDXIO_MIX(h, w) \
        ((h) ^= (w), (h) ^= (h) >> 32, (h) *= 0x9E3779B97F4A7C15u, (h) ^= (h) >> 32)

    /* Four lanes, because one multiplication must wait for the one before. The odd constant is 2^64
       over the golden ratio: Knuth, The Art of Computer Programming, vol. 3, 6.4. */
    static uint64_t idxio_hash(const uint8_t *row, size_t size) {
        uint64_t lane[4] = {1, 2, 3, 4}, word[4], hash = size;
        size_t i;
        for (i = 0; i + 32 <= size; i += 32) {
            memcpy(word, row + i, 32);
            for (int k = 0; k < 4; k++) IDXIO_MIX(lane[k], word[k]);
        }
        memset(word, 0, 32);
        memcpy(word, row + i, size - i);
        for (int k = 0; k < 4; k++) IDXIO_MIX(lane[k], word[k]);
        for (int k = 0; k < 4; k++) IDXIO_MIX(hash, lane[k]);
        return hash;
    }

    static void idxio_add(const uint8_t *row, size_t size, uint64_t *sums) {
        for (size_t i = 0; i < size; i++) sums[i] += row[i];
    }

    /* Four tables, because an increment must wait for one of the same counter. Zeros, the ground of
       most pictures, are counted eight at once. */
    static void idxio_count(const uint8_t *data, size_t size, uint64_t *counts) {
        uint64_t table[4][256] = {{0}}, word, zeros = 0;
        size_t i;
        for (i = 0; i + 8 <= size; i += 8) {
            memcpy(&word, data + i, 8);
            if (word == 0) {
                zeros += 8;
                continue;
            }
            for (int k = 0; k < 8; k++) table[k & 3][(uint8_t)(word >> 8 * k)]++;
        }
        for (; i < size; i++) table[0][data[i]]++;
        counts[0] += zeros;
        for (int v = 0; v < 256; v++)
            counts[v] += table[0][v] + table[1][v] + table[2][v] + table[3][v];
    }

    /* One table for each of 2 to 4 channels: they too keep an increment from waiting for the last. */
    static void idxio_count_channels(const uint8_t *data, size_t pixels, size_t channels, uint64_t *counts) {
        for (size_t i = 0; i < pixels; i++)
            for (size_t k = 0; k < channels; k++) counts[256 * k + data[i * channels + k]]++;
    }
    """
    uint64_t idxio_hash(const uint8_t *, size_t) noexcept nogil
    void idxio_add(const uint8_t *, size_t, uint64_t *) noexcept nogil
    void idxio_count(const uint8_t *, size_t, uint64_t *) noexcept nogil
    void idxio_count_channels(const uint8_t *, size_t, size_t, uint64_t *) noexcept nogil
    int memcmp(const void *, const void *, size_t) noexcept nogil


def hash_rows(const uint8_t[:, ::1] rows not None, uint64_t[::1] hashes not None):
    """Fill hashes with one of each row.

    Equal rows have equal hashes. Someone who wants it can make different rows with equal ones.
    """
    cdef Py_ssize_t i, count = rows.shape[0], size = rows.shape[1]
    if hashes.shape[0] != count:
        raise ValueError(f"there are {hashes.shape[0]} hashes for {count} rows")
    with nogil:
        for i in range(count):
            hashes[i] = idxio_hash(&rows[i, 0], size) if size else 0


def constant_rows(
    const uint8_t[:, ::1] rows not None, Py_ssize_t itemsize, uint8_t[::1] constant not None
):
    """Set constant to 1 for each row whose items of itemsize bytes are all the same, else to 0."""
    cdef Py_ssize_t i, count = rows.shape[0], size = rows.shape[1]
    if constant.shape[0] != count:
        raise ValueError(f"there are {constant.shape[0]} results for {count} rows")
    if itemsize < 1 or size % itemsize:
        raise ValueError(f"rows of {size} bytes are no items of {itemsize} bytes")
    with nogil:
        for i in range(count):
            # Each item equals the one before it.
            constant[i] = (
                size == 0 or memcmp(&rows[i, 0], &rows[i, 0] + itemsize, size - itemsize) == 0
            )


def sum_rows(
    const uint8_t[:, ::1] rows not None,
    const int64_t[::1] classes not None,
    uint64_t[:, ::1] sums not None,
):
    """Add each row to the row of sums that is its class."""
    cdef Py_ssize_t i, count = rows.shape[0], size = rows.shape[1], n = sums.shape[0]
    cdef bint known = True
    if classes.shape[0] != count or sums.shape[1] != size:
        raise ValueError(
            f"{count} rows of {size} bytes don't fit {classes.shape[0]} classes and sums of"
            f" {sums.shape[1]}"
        )
    with nogil:
        for i in range(count):
            if not 0 <= classes[i] < n:
                known = False
                break
            if size:
                idxio_add(&rows[i, 0], size, &sums[classes[i], 0])
    if not known:
        raise ValueError(f"row {i} has the class {classes[i]}; there are {n}")


def count_values(const uint8_t[:, ::1] pixels not None, uint64_t[:, ::1] counts not None):
    """Add how often each byte value occurs in each channel, a column of pixels, to the 256 counts of its row."""
    cdef Py_ssize_t count = pixels.shape[0], channels = pixels.shape[1]
    if counts.shape[0] != channels or counts.shape[1] != 256:
        raise ValueError(
            f"{channels} channels have {channels} x 256 counts, not {counts.shape[0]} x {counts.shape[1]}"
        )
    if count and channels:
        with nogil:
            if channels == 1:
                idxio_count(&pixels[0, 0], count, &counts[0, 0])
            else:
                idxio_count_channels(&pixels[0, 0], count, channels, &counts[0, 0])
