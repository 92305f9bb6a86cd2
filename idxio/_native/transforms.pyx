"""Transforms of images, which a `Gather` applies to each row on its way into a batch."""

cimport cython
from libc.stdint cimport uint8_t, uint64_t
from libc.stdlib cimport calloc, free

cdef extern from "flip.h" nogil:
    ctypedef struct idxio_flip:
        idxio_transform base
        uint64_t below
        size_t groups, items, size
    idxio_apply idxio_flip_apply_of()

cdef extern from "crop.h" nogil:
    ctypedef struct idxio_crop:
        idxio_transform base
        size_t planes, height, width, pixel, out_height, out_width, top, left
        uint64_t tops, lefts
        uint8_t *margin
    const uint8_t *idxio_crop_apply(const idxio_transform *, const uint8_t *, uint8_t *, uint64_t)

cdef extern from "erase.h" nogil:
    ctypedef struct idxio_erase:
        idxio_transform base
        uint64_t below
        size_t planes, height, width, pixel
        double share, shares, ratio, ratios
        uint8_t *value
    const uint8_t *idxio_erase_apply(const idxio_transform *, const uint8_t *, uint8_t *, uint64_t)

cdef extern from "warp.h" nogil:
    ctypedef struct idxio_warp:
        idxio_transform base
        size_t planes, height, width, channels, itemsize
        double angle, angles, zoom, zooms, shift_x, shift_y
        int swapped
    const uint8_t *idxio_warp_apply(const idxio_transform *, const uint8_t *, uint8_t *, uint64_t)
    void idxio_warp_choose(idxio_warp *, int)


# For `idxio_below`.
MOST_PLACES = 1 << 32


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


cdef Kernel prepare(size_t size, uint64_t key, row, made, Kernel then):
    """A transform in memory of this size; `apply` and fields behind `base` are still to be set.

    row, made: bytes of an image that it gets, and that it makes; integers of Python, which do not
    wrap around.
    """
    cdef Kernel t = Kernel.__new__(Kernel)
    cdef size_t room = made
    if then is not None:
        if then.what.row != made:
            raise ValueError(f"images of {made} bytes go to a transform of {then.what.row}")
        room = max(room, then.what.room)
    if room > <size_t>-1 // 2:
        raise OverflowError(f"two rooms of {room} bytes are more than memory can be")
    cdef idxio_transform *what = <idxio_transform *>calloc(1, size)
    if what == NULL:
        raise MemoryError()
    t.what = what
    t.result = made
    what.key, what.row, what.made, what.room = key, row, made, room
    if then is not None:
        t.then = then
        t.result = then.result
        what.next = then.what
    return t


cdef void repeat(const uint8_t[::1] pixel, uint8_t *out, size_t size):
    """Fill so many bytes with a pixel."""
    cdef size_t i
    for i in range(size):
        out[i] = pixel[i % <size_t>pixel.shape[0]]


def flip(uint64_t key, uint64_t below, groups, items, size, Kernel then=None):
    """Turns round the items, of `size` bytes, in each group of an image.

    The probability is below / 2^53. `then` gets what it made. Raises OverflowError for images that
    no memory holds.
    """
    row = groups * items * size
    cdef Kernel t = prepare(sizeof(idxio_flip), key, row, row, then)
    cdef idxio_flip *what = <idxio_flip *>t.what
    what.base.apply = idxio_flip_apply_of()
    what.below = below
    what.groups, what.items, what.size = groups, items, size
    return t


def crop(
    uint64_t key, shape, size, margins, const uint8_t[::1] fill not None, Kernel then=None
):
    """Cuts a part of this size, (height, width), out of an image with a margin around it.

    shape: planes, height, width and bytes of a pixel. margins: lines and pixels before and behind
    it, (top, bottom, left, right). fill: the bytes of a pixel of the margin. Raises ValueError for
    a part that is larger, and OverflowError for images that no memory holds.
    """
    planes, height, width, pixel = shape
    out_height, out_width = size
    top, bottom, left, right = margins
    tops, lefts = top + height + bottom - out_height + 1, left + width + right - out_width + 1
    if tops < 1 or lefts < 1 or fill.shape[0] != pixel:
        raise ValueError("the part is larger than the image, or fill is no pixel")
    if max(tops, lefts) > MOST_PLACES:
        raise OverflowError(f"there are {tops} x {lefts} places; {MOST_PLACES} can be drawn from")
    line = out_width * pixel
    cdef size_t margin = out_height * line
    cdef Kernel t = prepare(
        sizeof(idxio_crop) + margin, key, planes * height * width * pixel,
        planes * out_height * line, then
    )
    cdef idxio_crop *what = <idxio_crop *>t.what
    what.base.apply = idxio_crop_apply
    what.planes, what.height, what.width, what.pixel = planes, height, width, pixel
    what.out_height, what.out_width = out_height, out_width
    what.top, what.left, what.tops, what.lefts = top, left, tops, lefts
    what.margin = <uint8_t *>(what + 1)
    repeat(fill, what.margin, margin)
    return t


def erase(
    uint64_t key, uint64_t below, shape, share, ratio, const uint8_t[::1] value not None,
    Kernel then=None
):
    """Sets a rectangle of an image to a value, with the probability below / 2^53.

    shape: planes, height, width and bytes of a pixel. share: of the area, the least and how far
    above it; ratio: the same of the logarithm of height / width. value: the bytes of a pixel.
    Raises OverflowError for images that no memory holds.
    """
    planes, height, width, pixel = shape
    if value.shape[0] != pixel:
        raise ValueError("value is no pixel")
    if max(height, width) >= MOST_PLACES:
        raise OverflowError(f"an image has up to {MOST_PLACES} places along a side")
    row = planes * height * width * pixel
    cdef size_t line = width * pixel
    cdef Kernel t = prepare(sizeof(idxio_erase) + line, key, row, row, then)
    cdef idxio_erase *what = <idxio_erase *>t.what
    what.base.apply = idxio_erase_apply
    what.below = below
    what.planes, what.height, what.width, what.pixel = planes, height, width, pixel
    what.share, what.shares = share
    what.ratio, what.ratios = ratio
    what.value = <uint8_t *>(what + 1)
    repeat(value, what.value, line)
    return t


def warp(
    uint64_t key, shape, angle, zoom, shift, int kind, bint swapped, Kernel then=None
):
    """Turns an image about its middle, scales and shifts it.

    shape: planes, height, width, channels and bytes of an item. angle, in degrees, and zoom: the
    least, and how far above it. shift: pixels to the right or left, and down or up, at most. kind:
    the place of the type in `gather.KINDS`, to interpolate, or -1 for the nearest pixel; items are
    swapped if they have the other byte order. The caller sees to sides of up to 2^20 pixels, angles
    of up to 360, zooms from 1 / 1024 up, and shifts of up to a side.
    """
    planes, height, width, channels, itemsize = shape
    if not -1 <= kind < 6 or kind >= 0 and itemsize != (1, 1, 2, 4, 4, 8)[kind]:
        raise ValueError("no such type")
    if max(height, width) > 1 << 20:
        raise OverflowError("places in such an image are no 64 bits")
    row = planes * height * width * channels * itemsize
    cdef Kernel t = prepare(sizeof(idxio_warp), key, row, row, then)
    cdef idxio_warp *what = <idxio_warp *>t.what
    what.base.apply = idxio_warp_apply
    what.planes, what.height, what.width = planes, height, width
    what.channels, what.itemsize, what.swapped = channels, itemsize, swapped
    what.angle, what.angles = angle
    what.zoom, what.zooms = zoom
    what.shift_x, what.shift_y = shift
    idxio_warp_choose(what, kind)
    return t
