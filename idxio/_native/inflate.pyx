# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Deflate decoding: whole streams at full speed, any stream piece by piece, and the CRC-32 of gzip."""

from libc.stdint cimport uint8_t, uint32_t

cdef extern from "codec.h" nogil:
    ctypedef struct z_stream:
        const char *msg
    ctypedef struct idxio_decoder:
        pass
    const int IDXIO_MORE, IDXIO_END, IDXIO_BAD, IDXIO_NO_SPACE, IDXIO_NO_MEMORY
    const int Z_OK, MAX_WBITS
    int inflateInit2(z_stream *, int)
    int inflateEnd(z_stream *)
    unsigned long zlib_crc32_combine "crc32_combine"(unsigned long, unsigned long, long)
    const char *zlibVersion()
    idxio_decoder *idxio_decoder_new()
    void idxio_decoder_free(idxio_decoder *)
    int idxio_inflate(idxio_decoder *, const uint8_t *, size_t, uint8_t *, size_t, size_t *, size_t *)
    int idxio_zlib_inflate(z_stream *, const uint8_t *, size_t, uint8_t *, size_t, size_t *, size_t *)
    uint32_t idxio_crc32(uint32_t, const uint8_t *, size_t)
    const char *idxio_libdeflate_version()

MORE = IDXIO_MORE
END = IDXIO_END
BAD = IDXIO_BAD
NO_SPACE = IDXIO_NO_SPACE


def versions():
    """The libraries built in: zlib's version, and libdeflate's or None."""
    cdef const char *libdeflate = idxio_libdeflate_version()
    return zlibVersion().decode(), None if libdeflate == NULL else libdeflate.decode()


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
        """Decode the stream at data[data_start:] into out[out_start:]: (status, consumed, produced)."""
        cdef size_t consumed = 0, produced = 0
        cdef int status
        if data_start > <size_t>data.shape[0] or out_start > <size_t>out.shape[0]:
            raise IndexError("start lies behind the end of its buffer")
        with nogil:
            status = idxio_inflate(self.decoder, pointer(data) + data_start, data.shape[0] - data_start,
                                   out_pointer(out) + out_start, out.shape[0] - out_start,
                                   &consumed, &produced)
        if status == IDXIO_NO_MEMORY:
            raise MemoryError("zlib ran out of memory")
        return status, consumed, produced


cdef class Inflater:
    """Decodes one raw deflate stream piece by piece, with zlib. One thread at a time."""
    cdef z_stream stream
    cdef bint is_open

    def __cinit__(self):
        # Cython zeroes the struct, which is what inflateInit2 wants of zalloc, zfree and next_in.
        if inflateInit2(&self.stream, -MAX_WBITS) != Z_OK:
            raise MemoryError("no memory for a zlib stream")
        self.is_open = True

    def __dealloc__(self):
        if self.is_open:
            inflateEnd(&self.stream)

    @property
    def message(self):
        """What zlib says of the last error."""
        return "invalid deflate data" if self.stream.msg == NULL else self.stream.msg.decode()

    def inflate(self, const uint8_t[::1] data not None, size_t data_start, uint8_t[::1] out not None):
        """Decode data[data_start:] into out as far as they go: (status, consumed, produced)."""
        cdef size_t consumed = 0, produced = 0
        cdef int status
        if data_start > <size_t>data.shape[0]:
            raise IndexError("start lies behind the end of its buffer")
        with nogil:
            status = idxio_zlib_inflate(&self.stream, pointer(data) + data_start, data.shape[0] - data_start,
                                        out_pointer(out), out.shape[0], &consumed, &produced)
        if status == IDXIO_NO_MEMORY:
            raise MemoryError("zlib ran out of memory")
        return status, consumed, produced


def crc32(const uint8_t[::1] data not None, uint32_t crc=0):
    """The CRC-32 of gzip (RFC 1952 section 8) of data, going on from crc."""
    with nogil:
        crc = idxio_crc32(crc, pointer(data), data.shape[0])
    return crc


def crc32_combine(uint32_t first, uint32_t second, long size):
    """The CRC-32 of two pieces one after the other, from that of each and the bytes of the second."""
    return <uint32_t>zlib_crc32_combine(first, second, size)


# zlib and libdeflate take a null pointer as a request of its own, so an empty buffer needs a real address.
cdef uint8_t nothing = 0


cdef inline const uint8_t *pointer(const uint8_t[::1] view) noexcept nogil:
    return &view[0] if view.shape[0] else &nothing


cdef inline uint8_t *out_pointer(uint8_t[::1] view) noexcept nogil:
    return &view[0] if view.shape[0] else &nothing
