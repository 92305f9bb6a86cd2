# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Decimal numbers in text, without the GIL."""

from libc.stdint cimport int64_t, uint8_t


cdef Py_ssize_t digits(
    const uint8_t *text, Py_ssize_t size, Py_ssize_t most, int64_t *value
) noexcept nogil:
    """How many digits text starts with, and the number that they are.

    0 if they are more than `most`, which is 18 or less.
    """
    cdef Py_ssize_t n = 0
    value[0] = 0
    while n < size and text[n] >= 48 and text[n] <= 57:
        if n == most:
            return 0
        value[0] = 10 * value[0] + text[n] - 48
        n += 1
    return n


def parse_lines(
    const uint8_t[::1] text not None,
    int64_t[::1] labels not None,
    uint8_t[:, ::1] pixels not None,
):
    """Read lines of a label and pixels, plain digits between commas; how many there were, or -1.

    -1 is for a line of any other form, a label of more than 18 digits, a pixel beyond 255 or of
    more than 3 digits, or more lines than there is room for. A line ends with a line feed, before
    which may be a carriage return.
    """
    cdef Py_ssize_t size = text.shape[0], room = labels.shape[0], columns = pixels.shape[1]
    cdef Py_ssize_t at = 0, row = 0, column, n
    cdef int64_t value
    cdef const uint8_t *start
    if pixels.shape[0] != room or columns == 0:
        raise ValueError("labels and pixels have one row for each line, and a line has pixels")
    if size == 0:
        return 0
    start = &text[0]
    with nogil:
        while at < size:
            if row == room:
                row = -1
                break
            n = digits(start + at, size - at, 18, &labels[row])
            at += n
            if n == 0 or at == size or start[at] != 44:  # a comma
                row = -1
                break
            for column in range(columns):
                at += 1
                n = digits(start + at, size - at, 3, &value)
                at += n
                if n == 0 or value > 255 or at == size:
                    row = -1
                    break
                if column < columns - 1 and start[at] != 44:
                    row = -1
                    break
                pixels[row, column] = <uint8_t>value
            if row == -1:
                break
            if start[at] == 13 and at + 1 < size:
                at += 1
            if start[at] != 10:
                row = -1
                break
            at += 1
            row += 1
    return row
