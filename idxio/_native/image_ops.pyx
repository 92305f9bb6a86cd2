# cython: boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Loops over the pixels of one picture, without the GIL.

They find where its edges end, sharpen it adaptively, and undo the filters of PNG. A picture is
C-contiguous, (height, width, channels), with 1 or 3 channels.
"""

from libc.math cimport ceil, exp
from libc.stdint cimport int64_t, uint8_t, uint16_t
from libc.stdlib cimport abs

cdef double MOST = 65535
# Rec. 709 luma, with the digits that ImageMagick has.
cdef double RED = 0.212656, GREEN = 0.715158, BLUE = 0.072186
cdef double PI = 3.14159265358979323846

ctypedef fused Pixel:
    uint8_t
    uint16_t

cdef extern from *:
    """
    /* Neighbours outside the picture are its nearest pixels. */
    #define IDXIO_BEFORE(i) ((i) ? (i) - 1 : 0)
    #define IDXIO_BEHIND(i, n) ((i) + 1 < (n) ? (i) + 1 : (i))
    """
    Py_ssize_t before "IDXIO_BEFORE"(Py_ssize_t) noexcept nogil
    Py_ssize_t behind "IDXIO_BEHIND"(Py_ssize_t, Py_ssize_t) noexcept nogil


cdef inline bint differs(
    const Pixel *a, const Pixel *b, Py_ssize_t channels, int64_t limit
) noexcept nogil:
    """Whether the squared distance of two colours in RGB space is more than limit.

    Grey counts three times.
    """
    cdef int64_t d = <int64_t>a[0] - b[0], e, f
    if channels == 1:
        return 3 * d * d > limit
    e = <int64_t>a[1] - b[1]
    f = <int64_t>a[2] - b[2]
    return d * d + e * e + f * f > limit


cdef inline bint row_differs(
    const Pixel *row, const Pixel *corner, Py_ssize_t width, Py_ssize_t channels, int64_t limit
) noexcept nogil:
    """Whether any pixel of a row differs from a corner."""
    cdef Py_ssize_t x
    for x in range(width):
        if differs(row + x * channels, corner, channels, limit):
            return True
    return False


def inner_box(const Pixel[:, :, ::1] picture not None, int64_t limit):
    """(top, bottom, left, right) of what differs from the corners, as slices take them.

    (0, 0, 0, 0) stands for nothing.
    The top and left edges are held against the top left corner, the right edge against the top
    right one, the bottom edge against the bottom left one (magick/attribute.c,
    GetImageBoundingBox). The picture has a pixel or more.
    """
    cdef Py_ssize_t height = picture.shape[0], width = picture.shape[1], channels = picture.shape[2]
    cdef Py_ssize_t top = height, bottom = 0, left = width, right = 0, x, y
    cdef const Pixel *corner
    cdef const Pixel *top_right
    cdef const Pixel *bottom_left
    cdef const Pixel *row
    if not height or not width or channels not in (1, 3):
        raise ValueError("a picture is (height, width, 1 or 3) and not empty")
    corner = &picture[0, 0, 0]
    top_right = &picture[0, width - 1, 0]
    bottom_left = &picture[height - 1, 0, 0]
    with nogil:
        for y in range(height):
            row = &picture[y, 0, 0]
            # Only columns that can still widen the box are looked at.
            for x in range(left):
                if differs(row + x * channels, corner, channels, limit):
                    left = x
                    break
            for x in range(width - 1, right - 1, -1):
                if differs(row + x * channels, top_right, channels, limit):
                    right = x + 1
                    break
        for y in range(height):
            if row_differs(&picture[y, 0, 0], corner, width, channels, limit):
                top = y
                break
        for y in range(height - 1, -1, -1):
            if row_differs(&picture[y, 0, 0], bottom_left, width, channels, limit):
                bottom = y + 1
                break
    if top >= bottom or left >= right:
        return 0, 0, 0, 0
    return top, bottom, left, right


cdef inline uint16_t quantum(double value) noexcept nogil:
    """Rounded, and cut to 16 bits."""
    if not value > 0:
        return 0
    return 65535 if value >= MOST else <uint16_t>(value + 0.5)


cdef void edges(
    const uint16_t *a, uint16_t *out, Py_ssize_t height, Py_ssize_t width, Py_ssize_t n
) noexcept nogil:
    """Eight times each value less its eight neighbours."""
    cdef Py_ssize_t x, y, c, left, right
    cdef const uint16_t *above
    cdef const uint16_t *here
    cdef const uint16_t *below
    cdef int sum
    for y in range(height):
        above = a + before(y) * width * n
        here = a + y * width * n
        below = a + behind(y, height) * width * n
        for x in range(width):
            left = before(x) * n
            right = behind(x, width) * n
            for c in range(n):
                sum = (9 * here[x * n + c]
                       - above[left + c] - above[x * n + c] - above[right + c]
                       - here[left + c] - here[x * n + c] - here[right + c]
                       - below[left + c] - below[x * n + c] - below[right + c])
                out[(y * width + x) * n + c] = <uint16_t>min(max(sum, 0), 65535)


cdef void stretch(uint16_t *a, Py_ssize_t size) noexcept nogil:
    """The least value of all channels to 0, the most to 65535; equal values stay."""
    cdef uint16_t least = 65535, most = 0
    cdef double scale
    cdef Py_ssize_t i
    for i in range(size):
        least = min(least, a[i])
        most = max(most, a[i])
    if least >= most:
        return
    scale = 1.0 / (most - least)
    for i in range(size):
        a[i] = quantum(MOST * (scale * (a[i] - least)))


cdef void blur(
    uint16_t *a, uint16_t *between, Py_ssize_t height, Py_ssize_t width, Py_ssize_t n
) noexcept nogil:
    """A Gaussian of radius 1 and sigma 1 along rows, then along columns; rounded between.

    Each of its three weights sums a Gaussian of sigma 3 at three points (magick/morphology.c,
    BlurKernel).
    """
    cdef double side = exp(-16 / 18.0) + exp(-9 / 18.0) + exp(-4 / 18.0)
    cdef double centre = 1 + 2 * exp(-1 / 18.0)
    cdef double whole = 2 * side + centre
    cdef Py_ssize_t x, y, c, i, left, right, above, below
    side /= whole
    centre /= whole
    for y in range(height):
        for x in range(width):
            i = (y * width + x) * n
            left = (y * width + before(x)) * n
            right = (y * width + behind(x, width)) * n
            for c in range(n):
                between[i + c] = quantum(
                    side * a[left + c] + centre * a[i + c] + side * a[right + c]
                )
    for y in range(height):
        for x in range(width):
            i = (y * width + x) * n
            above = (before(y) * width + x) * n
            below = (behind(y, height) * width + x) * n
            for c in range(n):
                a[i + c] = quantum(
                    side * between[above + c] + centre * between[i + c] + side * between[below + c]
                )


cdef void sharpen_edges(
    const uint16_t *a,
    const uint16_t *edge,
    uint16_t *out,
    Py_ssize_t height,
    Py_ssize_t width,
    Py_ssize_t n,
) noexcept nogil:
    """Filter the picture with a kernel that sharpens, where the edges are strong.

    The kernel is minus a Gaussian of radius 1 and sigma 1, with twice its sum at the centre.
    """
    cdef double[9] weights
    cdef double norm = 0, gain = 0, sum, strength
    cdef Py_ssize_t[3] rows
    cdef Py_ssize_t[3] columns
    cdef Py_ssize_t x, y, c, i, u, v, last = n - 1
    for v in range(3):
        for u in range(3):
            weights[3 * v + u] = -exp(-((u - 1) * (u - 1) + (v - 1) * (v - 1)) / 2.0) / (2 * PI)
            norm += weights[3 * v + u]
    weights[4] = -2 * norm
    for i in range(9):
        gain += weights[i]
    gain = 1 / gain
    for y in range(height):
        rows[0] = before(y) * width
        rows[1] = y * width
        rows[2] = behind(y, height) * width
        for x in range(width):
            i = (y * width + x) * n
            strength = RED * edge[i] + GREEN * edge[i + (1 if last else 0)] + BLUE * edge[i + last]
            strength /= MOST
            # ImageMagick picks a kernel 3 - k wide, for k = ceil(3 (1 - strength) - 0.5) made even;
            # of radius 1 there are two, of which the narrow one changes nothing (magick/effect.c,
            # AdaptiveSharpenImageChannel).
            if ceil(3 * (1.0 - strength) - 0.5) >= 2:
                for c in range(n):
                    out[i + c] = a[i + c]
                continue
            columns[0] = before(x)
            columns[1] = x
            columns[2] = behind(x, width)
            for c in range(n):
                sum = 0
                for v in range(3):
                    for u in range(3):
                        sum += weights[3 * v + u] * a[(rows[v] + columns[u]) * n + c]
                out[i + c] = quantum(gain * sum)


def sharpen(
    const uint16_t[:, :, ::1] picture not None,
    uint16_t[:, :, ::1] out not None,
    uint16_t[:, :, :, ::1] scratch not None,
):
    """Sharpen into out, which is another picture of the same shape; scratch is two more."""
    cdef Py_ssize_t height = picture.shape[0], width = picture.shape[1], n = picture.shape[2], i
    cdef const uint16_t *a
    cdef uint16_t *edge
    cdef uint16_t *between
    if n not in (1, 3) or scratch.shape[0] != 2:
        raise ValueError("a picture is (height, width, 1 or 3), and scratch two of them")
    for i in range(3):
        if out.shape[i] != picture.shape[i] or scratch.shape[i + 1] != picture.shape[i]:
            raise ValueError("picture, out and scratch differ in shape")
    if not height or not width:
        return
    a = &picture[0, 0, 0]
    edge = &scratch[0, 0, 0, 0]
    between = &scratch[1, 0, 0, 0]
    with nogil:
        edges(a, edge, height, width, n)
        stretch(edge, height * width * n)
        blur(edge, between, height, width, n)
        stretch(edge, height * width * n)
        sharpen_edges(a, edge, &out[0, 0, 0], height, width, n)


cdef inline uint8_t paeth(int left, int above, int corner) noexcept nogil:
    """The neighbour that is closest to left + above - corner (the PNG specification, 9.4)."""
    cdef int a = abs(above - corner), b = abs(left - corner), c = abs(above + left - 2 * corner)
    cdef int nearer = above if b <= c else corner
    return <uint8_t>(left if a <= b and a <= c else nearer)


cdef void unfilter_row(
    int kind,
    const uint8_t *a,
    const uint8_t *above,
    uint8_t *out,
    Py_ssize_t size,
    Py_ssize_t pixel,
) noexcept nogil:
    """Undo the filter of one row, kind 0 to 4; above is the row before it."""
    cdef Py_ssize_t i
    for i in range(min(pixel, size)):  # which has nothing on its left
        if kind == 2 or kind == 4:
            out[i] = <uint8_t>(a[i] + above[i])
        elif kind == 3:
            out[i] = <uint8_t>(a[i] + above[i] // 2)
        else:
            out[i] = a[i]
    if kind == 0:
        for i in range(pixel, size):
            out[i] = a[i]
    elif kind == 1:
        for i in range(pixel, size):
            out[i] = <uint8_t>(a[i] + out[i - pixel])
    elif kind == 2:
        for i in range(pixel, size):
            out[i] = <uint8_t>(a[i] + above[i])
    elif kind == 3:
        for i in range(pixel, size):
            out[i] = <uint8_t>(a[i] + (out[i - pixel] + above[i]) // 2)
    else:
        for i in range(pixel, size):
            out[i] = <uint8_t>(a[i] + paeth(out[i - pixel], above[i], above[i - pixel]))


def unfilter(const uint8_t[::1] rows not None, uint8_t[:, ::1] out not None, Py_ssize_t pixel):
    """Undo the filters of a PNG's rows, of which each begins with the number of its filter.

    pixel is the bytes of one. The first row of out is zeros, what stands above those of the
    picture. False: a row has a number that no filter has, and out is not whole.
    """
    cdef Py_ssize_t height = out.shape[0] - 1, width = out.shape[1], y
    cdef const uint8_t *row
    if pixel < 1 or height < 1 or width < 1 or rows.shape[0] != height * (width + 1):
        raise ValueError("rows has a byte and the pixels of each row of out but the first")
    with nogil:
        for y in range(height):
            row = &rows[0] + y * (width + 1)
            if row[0] > 4:
                with gil:
                    return False
            unfilter_row(row[0], row + 1, &out[y, 0], &out[y + 1, 0], width, pixel)
    return True
