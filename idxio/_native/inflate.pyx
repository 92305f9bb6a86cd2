# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Deflate decoding: whole streams at full speed, any stream piece by piece; and CRC-32."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy


import os

cdef enum:
    # A stored block's header, a window, and the blocks between it and the span: 91 + 30 bits.
    ROOM_BYTES = 5 + 32768 + 16
    # The longer of the two terminators: 2 bytes with its header, 4 with lengths, 8 of proof.
    SPARE_BYTES = 14
    PROOF_BYTES = 8
    # A decoder that runs out of room stops before the match that does not fit: of 258 bytes at most
    # (RFC 1951, 3.2.5).
    SLACK_BYTES = 258

cdef extern from "bounds.h" nogil:
    bint idxio_is_inside(int64_t, int64_t, int64_t)

cdef extern from "codec.h" nogil:
    ctypedef struct z_stream:
        const char *msg
        int data_type
    ctypedef struct idxio_decoder:
        pass
    const int IDXIO_MORE, IDXIO_END, IDXIO_BAD, IDXIO_NO_SPACE, IDXIO_NO_MEMORY, IDXIO_EDGE
    const int Z_OK, MAX_WBITS
    int inflateInit2(z_stream *, int)
    int inflateEnd(z_stream *)
    int inflatePrime(z_stream *, int, int)
    int inflateSetDictionary(z_stream *, const uint8_t *, unsigned int)
    unsigned long zlib_crc32_combine "crc32_combine"(unsigned long, unsigned long, long)
    const char *zlibVersion()
    idxio_decoder *idxio_decoder_new()
    void idxio_decoder_free(idxio_decoder *)
    int idxio_inflate(
        idxio_decoder *, const uint8_t *, size_t, uint8_t *, size_t, size_t *, size_t *
    )
    int idxio_zlib_inflate(
        z_stream *, const uint8_t *, size_t, uint8_t *, size_t, size_t, size_t *, size_t *
    )
    uint32_t idxio_crc32(uint32_t, const uint8_t *, size_t)
    const char *idxio_libdeflate_version()
    const char *idxio_isal_version()

MORE = IDXIO_MORE
END = IDXIO_END
BAD = IDXIO_BAD
NO_SPACE = IDXIO_NO_SPACE
EDGE = IDXIO_EDGE
ROOM = ROOM_BYTES
SPARE = SPARE_BYTES
SLACK = SLACK_BYTES
PROOF = PROOF_BYTES

# What a span must leave behind it where nobody knows that it ends there. It is drawn by chance, so
# nobody can have foreseen it.
cdef uint8_t[PROOF_BYTES] proof_bytes
for _i, _byte in enumerate(os.urandom(PROOF_BYTES)):
    proof_bytes[_i] = _byte


def versions():
    """The libraries built in: zlib's version, and those of libdeflate and ISA-L, or None."""
    cdef const char *libdeflate = idxio_libdeflate_version()
    cdef const char *isal = idxio_isal_version()
    return (zlibVersion().decode(), None if libdeflate == NULL else libdeflate.decode(),
            None if isal == NULL else isal.decode())


cdef class Decoder:
    """Decodes whole raw deflate streams from memory to memory. One thread at a time."""
    cdef idxio_decoder *decoder

    def __cinit__(self):
        self.decoder = idxio_decoder_new()
        if self.decoder == NULL:
            raise MemoryError("no memory for a deflate decoder")

    def __dealloc__(self):
        idxio_decoder_free(self.decoder)

    def inflate(self, const uint8_t[::1] data not None, size_t data_start,
                uint8_t[::1] out not None, size_t out_start):
        """Decode the stream at data[data_start:] into out[out_start:].

        Returns (status, consumed, produced).
        """
        cdef size_t consumed = 0, produced = 0
        cdef int status
        if data_start > <size_t>data.shape[0] or out_start > <size_t>out.shape[0]:
            raise IndexError("start lies behind the end of its buffer")
        with nogil:
            status = idxio_inflate(
                self.decoder,
                pointer(data) + data_start, data.shape[0] - data_start,
                out_pointer(out) + out_start, out.shape[0] - out_start,
                &consumed, &produced,
            )
        if status == IDXIO_NO_MEMORY:
            raise MemoryError("zlib ran out of memory")
        return status, consumed, produced

    def inflate_span(self, uint8_t[::1] data not None, size_t start, size_t stop,
                     uint8_t[::1] out not None, size_t out_start, size_t window, bint prove=False):
        """Decode the bits [start, stop) of a deflate stream into out[out_start:].

        Returns (status, end, produced).
        The window bytes before out_start are what came before. stop = 0: the stream ends by itself,
        anywhere in data; end is then the byte behind its last one, as it is where the stream ended
        before stop. END with end = 0: arrived exactly at stop. With prove, a stop that is only
        guessed is believed if what was put there comes out, for which out has PROOF bytes more: a
        block that swallows the end of the span could be made to end just there.

        At least ROOM bytes of data lie before the byte of start, and are overwritten, as are
        the bits of that byte before start; SPARE bytes lie behind the byte of stop.
        """
        cdef size_t consumed = 0, produced = 0, first = start >> 3, end
        cdef uint8_t[SPARE_BYTES] saved
        cdef uint8_t *stream
        cdef uint8_t *base
        cdef int status
        if (first < ROOM_BYTES or window > 32768 or window > out_start
                or out_start > <size_t>out.shape[0]):
            raise IndexError("no room for the window")
        if stop == 0:
            end = data.shape[0]
        else:
            end = (stop >> 3) + SPARE_BYTES
        if end > <size_t>data.shape[0] or (stop and stop < start) or first >= <size_t>data.shape[0]:
            raise IndexError("the span lies outside the data")
        base = out_pointer(out) + out_start - window
        with nogil:
            stream = prefix(&data[0] + first, start & 7, base, window)
            if stop:
                memcpy(saved, &data[0] + (stop >> 3), SPARE_BYTES)
                end = terminate_with_proof(&data[0], stop) if prove else terminate(&data[0], stop)
            status = idxio_inflate(
                self.decoder,
                stream, &data[0] + end - stream,
                base, out.shape[0] - out_start + window,
                &consumed, &produced,
            )
            if stop:
                memcpy(&data[0] + (stop >> 3), saved, SPARE_BYTES)
        if status == IDXIO_NO_MEMORY:
            raise MemoryError("zlib ran out of memory")
        if status != IDXIO_END or produced < window:
            return (IDXIO_BAD if status == IDXIO_END else status), 0, 0
        consumed += stream - &data[0]
        if stop and prove and consumed > stop >> 3:
            # It took bits from behind the stop: all of them, or it is wrong.
            if consumed != end or produced < window + PROOF_BYTES:
                return IDXIO_BAD, 0, 0
            if memcmp(base + produced - PROOF_BYTES, proof_bytes, PROOF_BYTES):
                return IDXIO_BAD, 0, 0
            produced -= PROOF_BYTES
        return status, (0 if stop and consumed == end else consumed), produced - window

    def inflate_fronts(self, uint8_t[::1] data not None, const int64_t[::1] starts not None,
                       const uint8_t[::1] windows not None, const int64_t[::1] edges not None,
                       const int64_t[::1] lengths not None, const uint32_t[::1] crcs not None,
                       uint8_t[::1] scratch not None, const int64_t[::1] counts not None,
                       const int64_t[::1] offsets not None, const int64_t[::1] sizes not None,
                       const int64_t[::1] targets not None, uint8_t[::1] out not None):
        """Decode the front of each span, from the bit starts[k] of data on, and copy parts of it.

        The front is the first lengths[k] bytes. Returns how many spans, from the first on, had
        fronts with the CRC-32 crcs[k]; the parts of these are in out.

        windows[edges[k]:edges[k + 1]] is a deflate stream of what came before the span, or empty.
        The next counts[k] parts are of span k: sizes[i] bytes at offsets[i] in it, which become
        out[targets[i]:]. Before the byte of each start lie at least ROOM bytes of data, which are
        overwritten, as are the bits of that byte before start: starts ascend. scratch is for a
        window, the longest front and SLACK bytes.

        What a decoder leaves where the room runs out is not promised, so the CRC-32 has to be the
        one that was expected. Both stop before the match that does not fit: hence SLACK.
        """
        cdef Py_ssize_t n = starts.shape[0], parts = offsets.shape[0], k, i, j = 0
        cdef size_t consumed = 0, produced = 0, before
        cdef uint8_t *stream
        cdef uint8_t *front
        cdef int status = IDXIO_END
        if (edges.shape[0] != n + 1 or lengths.shape[0] != n or crcs.shape[0] != n
                or counts.shape[0] != n):
            raise ValueError("a span lacks something")
        if sizes.shape[0] != parts or targets.shape[0] != parts:
            raise ValueError("a part lacks something")
        if edges[0] < 0 or edges[n] > windows.shape[0] or scratch.shape[0] < 32768 + SLACK_BYTES:
            raise IndexError("no room for the window")
        for k in range(n):
            if starts[k] >> 3 < ROOM_BYTES or starts[k] >> 3 >= data.shape[0]:
                raise IndexError("the span lies outside the data")
            if k and starts[k] <= starts[k - 1]:
                raise IndexError("the span lies outside the data")
            if edges[k] > edges[k + 1]:
                raise IndexError("the window lies outside the windows")
            if lengths[k] < 0 or lengths[k] > scratch.shape[0] - 32768 - SLACK_BYTES:
                raise IndexError("no room for the span")
            if counts[k] < 0 or counts[k] > parts - j:
                raise IndexError("there are fewer parts")
            for i in range(j, j + counts[k]):
                if not idxio_is_inside(offsets[i], sizes[i], lengths[k]):
                    raise IndexError("the part lies outside the front of its span")
                if not idxio_is_inside(targets[i], sizes[i], out.shape[0]):
                    raise IndexError("the part lies outside out")
            j += counts[k]
        j = 0
        with nogil:
            for k in range(n):
                before = 0
                if edges[k + 1] > edges[k]:
                    status = idxio_inflate(
                        self.decoder,
                        &windows[edges[k]], edges[k + 1] - edges[k],
                        &scratch[0], 32768,
                        &consumed, &before,
                    )
                    if status != IDXIO_END:
                        break
                front = &scratch[0] + before
                stream = prefix(&data[0] + (starts[k] >> 3), starts[k] & 7, &scratch[0], before)
                status = idxio_inflate(
                    self.decoder,
                    stream, &data[0] + data.shape[0] - stream,
                    &scratch[0], before + lengths[k] + SLACK_BYTES,
                    &consumed, &produced,
                )
                if idxio_crc32(0, front, lengths[k]) != crcs[k]:
                    break
                for i in range(j, j + counts[k]):
                    memcpy(out_pointer(out) + targets[i], front + offsets[i], sizes[i])
                j += counts[k]
            else:
                k = n
        if status == IDXIO_NO_MEMORY:
            raise MemoryError("zlib ran out of memory")
        return k


cdef uint8_t *prefix(uint8_t *first, int bit, const uint8_t *window, size_t size) noexcept nogil:
    """Write blocks that leave size bytes of window before the given bit of *first; their start.

    A stored block holds the window and ends at a byte; empty blocks go on from there to the bit:
    one with codes of its own of 91 bits for an odd distance, and of the fixed kind, 10 bits each.
    """
    # Last 0, type 2, 257 + 0 literal codes, 1 + 0 distance codes, 4 + 14 lengths, of which those of
    # 18 and 1 are 1. Then the lengths 1, 138 x 0, 117 x 0, 1 and 1: literal 0, end of block,
    # distance 0. Then the end of block.
    cdef uint8_t[12] dynamic = [
        0x04, 0xc0, 0x81, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0xff, 0xd5, 0x04
    ]
    cdef uint8_t[16] filler
    cdef int bits = 0, tail = 0, i
    cdef uint8_t *stream
    for i in range(16):
        filler[i] = 0
    if bit & 1:
        for i in range(12):
            filler[i] = dynamic[i]
        bits = 91
    while bits & 7 != bit:
        filler[bits >> 3] |= <uint8_t>(2 << (bits & 7))
        if (bits & 7) == 7:
            filler[(bits >> 3) + 1] |= 1
        bits += 10
    tail = bits >> 3
    stream = first - tail
    memcpy(stream, filler, tail)
    first[0] = <uint8_t>((first[0] & (0xff << bit)) | filler[tail])
    if size:
        stream -= size
        memcpy(stream, window, size)
        stream -= 5
        stream[0] = 0
        stream[1] = size & 0xff
        stream[2] = size >> 8
        stream[3] = stream[1] ^ 0xff
        stream[4] = stream[2] ^ 0xff
    return stream


cdef size_t terminate(uint8_t *data, size_t bit) noexcept nogil:
    """Write an empty last block at bit, 1 1 0 0000000 of the fixed kind; the byte behind it."""
    cdef uint8_t *p = data + (bit >> 3)
    cdef int shift = bit & 7
    p[0] = <uint8_t>((p[0] & ((1 << shift) - 1)) | (3 << shift))
    p[1] = 3 >> (8 - shift)
    if shift == 7:
        p[2] = 0
    return (bit + 10 + 7) >> 3


cdef size_t terminate_with_proof(uint8_t *data, size_t bit) noexcept nogil:
    """Write a last block that stores the bytes of proof at bit; the byte behind it."""
    cdef uint8_t *p = data + (bit >> 3)
    cdef int shift = bit & 7
    p[0] = <uint8_t>((p[0] & ((1 << shift) - 1)) | (1 << shift))
    p += 1
    if shift > 5:  # its three bits, 1 00, go on in the next byte
        p[0] = 0
        p += 1
    p[0] = PROOF_BYTES
    p[1] = 0
    p[2] = PROOF_BYTES ^ 0xff
    p[3] = 0xff
    memcpy(p + 4, proof_bytes, PROOF_BYTES)
    return p + 4 + PROOF_BYTES - data


cdef class Inflater:
    """Decodes one raw deflate stream piece by piece, with zlib, from any edge of a block.

    One thread at a time.
    """
    cdef z_stream stream
    cdef bint is_open

    def __cinit__(self, const uint8_t[::1] window not None, int bits, int value):
        """window is what came before. Of the last byte read, `bits` bits are to come: `value`."""
        # Cython zeroes the struct, which is what inflateInit2 wants of zalloc, zfree and next_in.
        if inflateInit2(&self.stream, -MAX_WBITS) != Z_OK:
            raise MemoryError("no memory for a zlib stream")
        self.is_open = True
        if not 0 <= bits < 8:
            raise ValueError("bits is 0 to 7")
        if window.shape[0] > 32768:
            raise ValueError("a window has at most 32768 bytes")
        if bits:
            inflatePrime(&self.stream, bits, value)
        if window.shape[0]:
            inflateSetDictionary(&self.stream, &window[0], window.shape[0])

    def __dealloc__(self):
        if self.is_open:
            inflateEnd(&self.stream)

    @property
    def message(self):
        """What zlib says of the last error."""
        return "invalid deflate data" if self.stream.msg == NULL else self.stream.msg.decode()

    @property
    def unused_bits(self):
        """How many upper bits of the last byte consumed are still to come."""
        return self.stream.data_type & 7

    def inflate(self, const uint8_t[::1] data not None, size_t data_start,
                uint8_t[::1] out not None, size_t out_start, size_t edge):
        """Decode data[data_start:] into out[out_start:] as far as they go.

        Returns (status, consumed, produced). Stops with EDGE between two blocks, at the first such
        place at or behind edge bytes of output.
        """
        cdef size_t consumed = 0, produced = 0
        cdef int status
        if data_start > <size_t>data.shape[0] or out_start > <size_t>out.shape[0]:
            raise IndexError("start lies behind the end of its buffer")
        with nogil:
            status = idxio_zlib_inflate(
                &self.stream,
                pointer(data) + data_start, data.shape[0] - data_start,
                out_pointer(out) + out_start, out.shape[0] - out_start,
                edge, &consumed, &produced,
            )
        if status == IDXIO_NO_MEMORY:
            raise MemoryError("zlib ran out of memory")
        return status, consumed, produced


def crc32(const uint8_t[::1] data not None, uint32_t crc=0):
    """The CRC-32 of gzip (RFC 1952 section 8) of data, going on from crc."""
    with nogil:
        crc = idxio_crc32(crc, pointer(data), data.shape[0])
    return crc


def crc32_combine(uint32_t first, uint32_t second, long size):
    """The CRC-32 of two pieces, one after the other, from that of each and the second's size."""
    return <uint32_t>zlib_crc32_combine(first, second, size)


def crc32_join(const uint32_t[::1] crcs not None, const uint64_t[::1] sizes not None):
    """The CRC-32 of pieces one after the other, from the CRC-32s and the bytes of all."""
    cdef uint32_t crc = 0
    cdef Py_ssize_t i
    if crcs.shape[0] != sizes.shape[0]:
        raise ValueError("crcs and sizes differ in length")
    with nogil:
        for i in range(crcs.shape[0]):
            crc = <uint32_t>zlib_crc32_combine(crc, crcs[i], <long>sizes[i])
    return crc


# An empty buffer needs an address: zlib and libdeflate take a null pointer as a request of its own.
cdef uint8_t nothing = 0


cdef inline const uint8_t *pointer(const uint8_t[::1] view) noexcept nogil:
    return &view[0] if view.shape[0] else &nothing


cdef inline uint8_t *out_pointer(uint8_t[::1] view) noexcept nogil:
    return &view[0] if view.shape[0] else &nothing
