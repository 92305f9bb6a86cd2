# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Gathers rows by index, with byte order, cast and scaling in the same pass.

It also copies parts of a decoded span.
"""

cimport cython
from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memcpy

cdef extern from "bounds.h" nogil:
    bint idxio_is_inside(int64_t, int64_t, int64_t)

cdef extern from "gather.h" nogil:
    idxio_affine idxio_affine_of(int, int, int)
    void idxio_gather_some(const void *, size_t, size_t)

KINDS = ("u1", "i1", "i2", "i4", "f4", "f8")
"""The types of a source, in numpy's letters."""

# Bytes of the output that a thread makes at a time: some us of work.
cdef size_t TURN = 1 << 15

cdef size_t MOST = <size_t>-1


cdef bint outside(const int64_t[::1] ids, size_t rows) noexcept nogil:
    cdef Py_ssize_t k
    cdef bint result = False
    for k in range(ids.shape[0]):
        result |= <size_t>ids[k] >= rows  # a negative one is huge
    return result


@cython.no_gc  # what it holds never points back to it, and threads use it
cdef class Gather:
    """Rows to be gathered: all is checked, nothing done. A `ThreadPool` does it, or `run`."""

    def run(self):
        """Do it, here. Raises MemoryError where a transform gets no memory."""
        with nogil:
            if self.task.front < self.task.back:
                idxio_gather_some(&self.what, 0, self.task.back)
        self.check()

    cdef check(self):
        """Raise if rows of a gather that is done were not made."""
        if self.what.lacks_memory:
            raise MemoryError(f"no memory to transform images of {self.what.row} bytes")


cdef Gather prepare(
    const uint8_t[::1] source,
    size_t row,
    const int64_t[::1] ids,
    uint8_t[::1] out,
    size_t out_row,
    Kernel transforms,
    const int64_t[::1] positions,
):
    """A gather of which the memory is checked and set; there is a row at least.

    row: bytes of a row that becomes one of out. Raises IndexError.
    """
    cdef Gather g = Gather.__new__(Gather)
    cdef size_t source_row = row
    if transforms is not None:
        source_row = transforms.what.row
        if (transforms.result != row or source_row == 0 or positions is None
                or positions.shape[0] != ids.shape[0]):
            raise IndexError(
                "transforms are for images of another size,"
                " or there are not as many positions as rows"
            )
        g.transforms, g.positions = transforms, positions
        g.what.transforms, g.what.positions = transforms.what, &positions[0]
    if (outside(ids, source.shape[0] // source_row) or out.shape[0] % out_row
            or out.shape[0] // out_row != <size_t>ids.shape[0]):
        raise IndexError("a row lies outside the source, or out has another size")
    g.source, g.ids, g.out = source, ids, out
    g.what.source, g.what.ids, g.what.out = &source[0], &ids[0], &out[0]
    g.what.row, g.what.out_row = row, out_row
    g.task.rows, g.task.what = idxio_gather_some, &g.what
    g.task.back = ids.shape[0]
    g.task.turn = max(<size_t>1, TURN // out_row)
    return g


def gather(
    const uint8_t[::1] source not None,
    size_t row,
    const int64_t[::1] ids not None,
    uint8_t[::1] out not None,
    int swapped=0,
    Kernel transforms=None,
    const int64_t[::1] positions=None,
):
    """Copies of the rows of `row` bytes with these indices, in out.

    The bytes of items of `swapped` bytes, 2, 4 or 8, are reversed. transforms come first: a row is
    what they make of the image at that index, which stands at its place of positions. Raises
    IndexError.
    """
    cdef Gather g
    if row == 0 or ids.shape[0] == 0:
        return Gather()
    if swapped and (swapped not in (2, 4, 8) or row % <size_t>swapped):
        raise ValueError(f"cannot reverse items of {swapped} bytes in rows of {row}")
    g = prepare(source, row, ids, out, row, transforms, positions)
    g.what.swapped = swapped
    return g


def gather_affine(
    const uint8_t[::1] source not None,
    int kind,
    bint swapped,
    const int64_t[::1] ids not None,
    uint8_t[::1] out not None,
    bint to_double,
    size_t elements,
    const uint8_t[::1] scale not None,
    const uint8_t[::1] shift not None,
    Kernel transforms=None,
    const int64_t[::1] positions=None,
):
    """Rows of `elements` items as x * scale + shift in float32, or in float64 for to_double.

    kind is the place of the source's type in KINDS. scale and shift hold one factor of the output's
    type, or one for each element of a row. All memory is aligned to its items, but for the source.
    transforms come first, as in `gather`. Raises IndexError.
    """
    cdef Gather g
    cdef size_t itemsize = 8 if to_double else 4
    cdef size_t row
    cdef int step = <size_t>scale.shape[0] != itemsize
    if not 0 <= kind < 6:
        raise ValueError("no such type")
    if elements == 0 or ids.shape[0] == 0:
        return Gather()
    if elements > MOST // 8:
        raise IndexError("a row is larger than memory")
    row = elements * <size_t>(1, 1, 2, 4, 4, 8)[kind]
    if scale.shape[0] != shift.shape[0] or (
            step and <size_t>scale.shape[0] != itemsize * elements):
        raise IndexError("there is not a factor for each element")
    g = prepare(source, row, ids, out, itemsize * elements, transforms, positions)
    if (<size_t>&out[0] | <size_t>&scale[0] | <size_t>&shift[0]) % itemsize:
        raise ValueError(f"the memory is not aligned to {itemsize} bytes")
    g.scale, g.shift = scale, shift
    g.what.scale, g.what.shift = &scale[0], &shift[0]
    g.what.elements, g.what.step = elements, step
    g.what.affine = idxio_affine_of(swapped, kind, to_double)
    return g


def copy_parts(
    const uint8_t[::1] data not None,
    const int64_t[::1] offsets not None,
    const int64_t[::1] sizes not None,
    const int64_t[::1] targets not None,
    uint8_t[::1] out not None,
):
    """Copy sizes[i] bytes of data from offsets[i] on to out[targets[i]:], for each i."""
    cdef Py_ssize_t n = offsets.shape[0], i
    if sizes.shape[0] != n or targets.shape[0] != n:
        raise ValueError("a part lacks something")
    for i in range(n):
        if not idxio_is_inside(offsets[i], sizes[i], data.shape[0]):
            raise IndexError("the part lies outside the data")
        if not idxio_is_inside(targets[i], sizes[i], out.shape[0]):
            raise IndexError("the part lies outside out")
    with nogil:
        for i in range(n):
            if sizes[i]:
                memcpy(&out[targets[i]], &data[offsets[i]], sizes[i])
