# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Pieces of deflate data decoded several at a time on one core."""

from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport calloc, free

import os

cdef extern from "lanes_core.h" nogil:
    ctypedef struct idxio_piece:
        const uint8_t *data "in"
        size_t start, stop
        const uint8_t *window
        size_t window_size
        uint8_t *out
        size_t room
        int status
        size_t end, produced
    ctypedef enum idxio_lanes_mode:
        IDXIO_LANES_OFF, IDXIO_LANES_AUTO, IDXIO_LANES_ON
    const int IDXIO_NO_MEMORY, IDXIO_WINDOW
    int idxio_lanes_supported()
    void idxio_lanes_decode(idxio_piece *, size_t, idxio_lanes_mode)

WORDS = {"off": IDXIO_LANES_OFF, "auto": IDXIO_LANES_AUTO, "on": IDXIO_LANES_ON}


def mode():
    """What IDXIO_LANES says: "auto", "on" or "off"."""
    word = os.environ.get("IDXIO_LANES", "auto")
    if word not in WORDS:
        raise ValueError(f"IDXIO_LANES is {word!r}; it takes auto, on or off")
    return word


def supported():
    """Whether this processor has the instructions (BMI2 and AVX2) and this build the code."""
    return bool(idxio_lanes_supported())


def decode(
    const uint8_t[::1] data not None,
    const int64_t[:, ::1] pieces not None,
    uint8_t[::1] out not None,
    int64_t[:, ::1] results not None,
    const uint8_t[::1] windows=None,
):
    """Decode pieces of deflate data, in any order and at once.

    A row of pieces: the bits of data where it starts and stops, at edges of blocks; the bytes of
    out where it goes to and how many; where its window starts in windows, or -1 for the bytes
    before it in out; and the window's length. Its row of results: IDXIO_END where the stream ended,
    EDGE where a block ended at stop, or BAD; the bit behind it, which is the next byte's where the
    stream ended; and how many bytes came out. What lies behind those is overwritten too, up to the
    end of its room.

    The caller sees to it that no piece is given what another one reads or writes.
    """
    cdef Py_ssize_t n = pieces.shape[0], k
    cdef int64_t size = data.shape[0], room = out.shape[0]
    cdef int64_t kept = 0 if windows is None else windows.shape[0]
    cdef idxio_lanes_mode how = WORDS[mode()]
    cdef idxio_piece *all
    cdef bint starved = False
    if pieces.shape[1] != 6 or results.shape[1] != 3 or results.shape[0] != n:
        raise ValueError("a piece has 6 numbers, a result 3")
    for k in range(n):
        if not 0 <= pieces[k, 0] <= pieces[k, 1] or pieces[k, 1] > 8 * size:
            raise IndexError("the piece lies outside the data")
        if pieces[k, 2] < 0 or pieces[k, 3] < 0 or pieces[k, 3] > room - pieces[k, 2]:
            raise IndexError("no room for the piece")
        if not 0 <= pieces[k, 5] <= IDXIO_WINDOW:
            raise IndexError("no room for the window")
        if pieces[k, 4] < 0 and pieces[k, 5] > pieces[k, 2]:
            raise IndexError("no room for the window")
        if pieces[k, 4] >= 0 and pieces[k, 5] > kept - pieces[k, 4]:
            raise IndexError("the window lies outside the windows")
    if n <= 0:
        return
    all = <idxio_piece *>calloc(n, sizeof(idxio_piece))
    if all == NULL:
        raise MemoryError("no memory for the pieces")
    for k in range(n):
        all[k].data = &data[0] if size else NULL
        all[k].start = pieces[k, 0]
        all[k].stop = pieces[k, 1]
        all[k].out = (&out[0] if room else NULL) + pieces[k, 2]
        all[k].room = pieces[k, 3]
        all[k].window_size = pieces[k, 5]
        if pieces[k, 4] >= 0 and pieces[k, 5]:
            all[k].window = &windows[pieces[k, 4]]
    with nogil:
        idxio_lanes_decode(all, n, how)
    for k in range(n):
        starved |= all[k].status == IDXIO_NO_MEMORY
        results[k, 0] = all[k].status
        results[k, 1] = all[k].end
        results[k, 2] = all[k].produced
    free(all)
    if starved:
        raise MemoryError("no memory for a deflate decoder")
