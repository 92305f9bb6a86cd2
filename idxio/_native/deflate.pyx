# cython: boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Deflate encoding in chunks.

Each chunk is encoded on its own and checked by decoding it. It ends at a byte, and other chunks
can follow it in one stream.
"""

from libc.stdint cimport uint8_t, uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp

cdef extern from "codec.h" nogil:
    ctypedef struct z_stream:
        const uint8_t *next_in
        unsigned int avail_in
        uint8_t *next_out
        unsigned int avail_out
        int data_type
    ctypedef struct idxio_encoder:
        pass
    const int Z_OK, Z_BLOCK, Z_FINISH, Z_STREAM_END, MAX_WBITS
    int inflateInit2(z_stream *, int)
    int inflateReset(z_stream *)
    int inflate(z_stream *, int)
    int inflateEnd(z_stream *)
    int inflatePrime(z_stream *, int, int)
    int inflateSetDictionary(z_stream *, const uint8_t *, unsigned int)
    idxio_encoder *idxio_encoder_new(int)
    void idxio_encoder_free(idxio_encoder *)
    size_t idxio_deflate_bound(idxio_encoder *, size_t)
    size_t idxio_deflate(idxio_encoder *, const uint8_t *, size_t, uint8_t *, size_t)

cdef enum:
    SYNC_BYTES = 6  # up to 10 bits that end the last block's byte, and the stored block's lengths


cdef class Encoder:
    """Encodes chunks at one level. One thread at a time."""
    cdef idxio_encoder *encoder
    cdef z_stream check
    cdef bint can_check
    cdef uint8_t *scratch
    cdef readonly size_t chunk

    def __cinit__(self, int level, size_t chunk):
        """level is 0 to 12; chunk the most bytes in one chunk, up to 2^30."""
        if not 0 <= level <= 12 or not 0 < chunk <= 1 << 30:
            raise ValueError("level is 0 to 12 and chunk 1 to 2^30")
        self.chunk = chunk
        self.encoder = idxio_encoder_new(level)
        self.can_check = inflateInit2(&self.check, -MAX_WBITS) == Z_OK
        self.scratch = <uint8_t *>malloc(chunk + 1)
        if self.encoder == NULL or not self.can_check or self.scratch == NULL:
            raise MemoryError("no memory for a deflate encoder")
        # It takes the memory of its window when it first has one, and keeps it.
        if inflateSetDictionary(&self.check, b"", 0) != Z_OK:
            raise MemoryError("no memory for a deflate encoder")

    def __dealloc__(self):
        idxio_encoder_free(self.encoder)
        if self.can_check:
            inflateEnd(&self.check)
        free(self.scratch)

    def bound(self, size_t size):
        """The most bytes that encode() makes of size bytes."""
        cdef size_t most = idxio_deflate_bound(self.encoder, self.chunk) + SYNC_BYTES
        return (size // self.chunk + 1) * most

    def encode(
        self,
        const uint8_t[::1] data not None,
        uint8_t[::1] out not None,
        uint32_t[::1] sizes not None,
    ):
        """Encode data, chunk after chunk, one behind the other in out; their sizes go to sizes.

        Each ends at a byte, behind an empty stored block, and refers to nothing before it. Returns
        the bytes of all.
        """
        cdef size_t size = data.shape[0], start = 0, done = 0, n, i = 0
        cdef bint good = True
        if size == 0:
            return 0
        if (<size_t>out.shape[0] < self.bound(size)
                or <size_t>sizes.shape[0] < (size - 1) // self.chunk + 1):
            raise IndexError("out or sizes is too small")
        with nogil:
            while start < size and good:
                n = min(self.chunk, size - start)
                sizes[i] = <uint32_t>self.one(&data[start], n, &out[0] + done, out.shape[0] - done)
                good = sizes[i] != 0
                done += sizes[i]
                start += n
                i += 1
        if not good:
            raise RuntimeError(
                "a compressed chunk does not decode to what went in:"
                " the memory or a library is faulty"
            )
        return done

    def whole(self, const uint8_t[::1] data not None, uint8_t[::1] out not None):
        """Encode data, one chunk at most, as a deflate stream of its own; its bytes.

        The last block is marked as such.
        """
        cdef size_t size = data.shape[0], done
        cdef const uint8_t *plain = &data[0] if size else self.scratch
        cdef int status = Z_OK
        if size > self.chunk or <size_t>out.shape[0] < self.bound(size):
            raise IndexError("data is too long or out too small")
        with nogil:
            done = idxio_deflate(self.encoder, plain, size, &out[0], out.shape[0])
            inflateReset(&self.check)
            self.check.next_in = &out[0]
            self.check.avail_in = <unsigned int>done
            self.check.next_out = self.scratch
            self.check.avail_out = <unsigned int>(size + 1)
            status = inflate(&self.check, Z_FINISH)
        if (status != Z_STREAM_END or self.check.next_out != self.scratch + size
                or memcmp(self.scratch, plain, size)):
            raise RuntimeError(
                "a compressed file does not decode to what went in:"
                " the memory or a library is faulty"
            )
        return done

    cdef size_t one(
        self, const uint8_t *plain, size_t n, uint8_t *out, size_t space
    ) noexcept nogil:
        """Encode a chunk; its size, or 0 if it fails the check."""
        cdef size_t size = idxio_deflate(self.encoder, plain, n, out, space - SYNC_BYTES)
        if size == 0:
            return 0
        return open_end(&self.check, out, size, plain, n, self.scratch)


cdef size_t open_end(z_stream *z, uint8_t *data, size_t size, const uint8_t *plain, size_t n,
                     uint8_t *scratch) noexcept nogil:
    """Make a whole deflate stream one that others can follow; its new size, 0 if that fails.

    Its last block is no longer marked as the last, and an empty stored block fills up its last
    byte. Decodes on the way and compares.
    """
    cdef size_t bit = 0, before, done, kept
    cdef bint last = data[0] & 1
    cdef int status
    data[0] &= 0xfe
    inflateReset(z)
    z.next_in = data
    z.avail_in = <unsigned int>size
    z.next_out = scratch
    z.avail_out = <unsigned int>(n + 1)
    while True:
        before = z.avail_in + z.avail_out
        status = inflate(z, Z_BLOCK)
        if status != Z_OK:
            return 0
        if not z.data_type & 128:
            if z.avail_in + z.avail_out == before:
                return 0
            continue
        bit = 8 * (size - z.avail_in) - (z.data_type & 7)
        if last:
            break
        if bit >= 8 * size:
            return 0
        if data[bit >> 3] >> (bit & 7) & 1:
            last = True
            data[bit >> 3] &= <uint8_t>~(1 << (bit & 7))
            if bit & 7:
                # zlib holds the old bits already: start it again at this block.
                done = z.next_out - scratch
                kept = min(done, <size_t>32768)
                inflateReset(z)
                inflatePrime(z, 8 - (bit & 7), data[bit >> 3] >> (bit & 7))
                if kept:
                    inflateSetDictionary(z, z.next_out - kept, <unsigned int>kept)
    if z.next_out != scratch + n or memcmp(scratch, plain, n) != 0:
        return 0
    # The type of the stored block is 000, and so is what fills up its byte.
    done = bit >> 3
    if bit & 7:
        data[done] &= <uint8_t>((1 << (bit & 7)) - 1)
        done += 1
        if (bit & 7) > 5:
            data[done] = 0
            done += 1
    else:
        data[done] = 0
        done += 1
    data[done] = 0
    data[done + 1] = 0
    data[done + 2] = 0xff
    data[done + 3] = 0xff
    return done + 4
