/* One whole-stream inflate and one CRC-32, over libdeflate and ISA-L or, where these are not built
 * in, over zlib. */
#ifndef IDXIO_CODEC_H
#define IDXIO_CODEC_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

enum {
    IDXIO_MORE = 0,      /* no error; the stream has not ended */
    IDXIO_END = 1,       /* the stream ended; consumed and produced are exact */
    IDXIO_BAD = 2,       /* invalid data, or the input ended early */
    IDXIO_NO_SPACE = 3,  /* the output is full and the stream has not ended */
    IDXIO_NO_MEMORY = 4,
    IDXIO_EDGE = 5       /* stopped between two blocks */
};

/* z_stream counts in unsigned int; a buffer may be longer. */
static inline uInt idxio_clamp(size_t n) { return n > UINT_MAX ? UINT_MAX : (uInt)n; }

/* Inflates as far as input and output go, and no further than the first edge between two blocks at
 * or behind edge bytes of output, which it answers with IDXIO_EDGE. A raw deflate stream must be
 * open in *z. */
static inline int idxio_zlib_inflate(z_stream *z, const uint8_t *in, size_t in_size, uint8_t *out,
                                     size_t out_size, size_t edge, size_t *consumed,
                                     size_t *produced) {
    size_t in_done = 0, out_done = 0;
    for (;;) {
        int by_block = out_done >= edge;
        z->next_in = (z_const Bytef *)in + in_done;
        z->avail_in = idxio_clamp(in_size - in_done);
        z->next_out = out + out_done;
        z->avail_out = idxio_clamp((by_block || edge > out_size ? out_size : edge) - out_done);
        uInt in_before = z->avail_in, out_before = z->avail_out;
        int status = inflate(z, by_block ? Z_BLOCK : Z_NO_FLUSH);
        in_done += in_before - z->avail_in;
        out_done += out_before - z->avail_out;
        *consumed = in_done;
        *produced = out_done;
        if (status == Z_STREAM_END) return IDXIO_END;
        if (status == Z_MEM_ERROR) return IDXIO_NO_MEMORY;
        if (status != Z_OK && status != Z_BUF_ERROR) return IDXIO_BAD;
        /* 128: at an edge or behind a header; 64: in the last block. */
        if (by_block && (z->data_type & 192) == 128) return IDXIO_EDGE;
        if (in_before == z->avail_in && out_before == z->avail_out && (by_block || out_done < edge))
            return IDXIO_MORE; /* no progress */
    }
}

#ifdef IDXIO_LIBDEFLATE
#include <libdeflate.h>

typedef struct libdeflate_decompressor idxio_decoder;

static inline idxio_decoder *idxio_decoder_new(void) { return libdeflate_alloc_decompressor(); }
static inline void idxio_decoder_free(idxio_decoder *d) { libdeflate_free_decompressor(d); }

static inline int idxio_inflate(idxio_decoder *d, const uint8_t *in, size_t in_size, uint8_t *out,
                                size_t out_size, size_t *consumed, size_t *produced) {
    switch (libdeflate_deflate_decompress_ex(d, in, in_size, out, out_size, consumed, produced)) {
    case LIBDEFLATE_SUCCESS: return IDXIO_END;
    case LIBDEFLATE_INSUFFICIENT_SPACE: return IDXIO_NO_SPACE;
    default: return IDXIO_BAD;
    }
}

typedef struct libdeflate_compressor idxio_encoder;

static inline idxio_encoder *idxio_encoder_new(int level) {
    return libdeflate_alloc_compressor(level);
}
static inline void idxio_encoder_free(idxio_encoder *e) { libdeflate_free_compressor(e); }

static inline size_t idxio_deflate_bound(idxio_encoder *e, size_t size) {
    return libdeflate_deflate_compress_bound(e, size);
}

/* One whole raw deflate stream; 0 if it does not fit. */
static inline size_t idxio_deflate(idxio_encoder *e, const uint8_t *in, size_t in_size,
                                   uint8_t *out, size_t out_size) {
    return libdeflate_deflate_compress(e, in, in_size, out, out_size);
}

static inline const char *idxio_libdeflate_version(void) { return LIBDEFLATE_VERSION_STRING; }

#else

typedef z_stream idxio_decoder;

static inline idxio_decoder *idxio_decoder_new(void) {
    z_stream *z = (z_stream *)calloc(1, sizeof *z);
    if (z != NULL && inflateInit2(z, -MAX_WBITS) != Z_OK) {
        free(z);
        return NULL;
    }
    return z;
}

static inline void idxio_decoder_free(idxio_decoder *d) {
    if (d != NULL) {
        inflateEnd(d);
        free(d);
    }
}

static inline int idxio_inflate(idxio_decoder *d, const uint8_t *in, size_t in_size, uint8_t *out,
                                size_t out_size, size_t *consumed, size_t *produced) {
    inflateReset(d);
    int status = idxio_zlib_inflate(d, in, in_size, out, out_size, SIZE_MAX, consumed, produced);
    if (status != IDXIO_MORE) return status;
    return *produced == out_size && *consumed < in_size ? IDXIO_NO_SPACE : IDXIO_BAD;
}

typedef z_stream idxio_encoder;

static inline idxio_encoder *idxio_encoder_new(int level) {
    z_stream *z = (z_stream *)calloc(1, sizeof *z);
    if (z == NULL) return NULL;
    if (level > 9) level = 9;
    if (deflateInit2(z, level, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(z);
        return NULL;
    }
    return z;
}

static inline void idxio_encoder_free(idxio_encoder *e) {
    if (e != NULL) {
        deflateEnd(e);
        free(e);
    }
}

static inline size_t idxio_deflate_bound(idxio_encoder *e, size_t size) {
    return deflateBound(e, size) + 64;
}

static inline size_t idxio_deflate(idxio_encoder *e, const uint8_t *in, size_t in_size,
                                   uint8_t *out, size_t out_size) {
    deflateReset(e);
    e->next_in = (z_const Bytef *)in;
    e->avail_in = (uInt)in_size;
    e->next_out = out;
    e->avail_out = idxio_clamp(out_size);
    uInt space = e->avail_out;
    return deflate(e, Z_FINISH) == Z_STREAM_END ? space - e->avail_out : 0;
}

static inline const char *idxio_libdeflate_version(void) { return NULL; }

#endif

/* Four times as fast as that of libdeflate < 1.20, where the processor has VPCLMULQDQ. */
#if defined IDXIO_ISAL
#include <isa-l.h>

static inline uint32_t idxio_crc32(uint32_t crc, const uint8_t *data, size_t size) {
    return crc32_gzip_refl(crc, data, size);
}

#elif defined IDXIO_LIBDEFLATE

static inline uint32_t idxio_crc32(uint32_t crc, const uint8_t *data, size_t size) {
    return libdeflate_crc32(crc, data, size);
}

#else

static inline uint32_t idxio_crc32(uint32_t crc, const uint8_t *data, size_t size) {
    while (size > UINT_MAX) {
        crc = (uint32_t)crc32(crc, data, UINT_MAX);
        data += UINT_MAX;
        size -= UINT_MAX;
    }
    return (uint32_t)crc32(crc, data, (uInt)size);
}

#endif

/* A version as three numbers, or NULL. */
static inline const char *idxio_isal_version(void) {
#ifdef IDXIO_ISAL
#define IDXIO_TEXT_(x) #x
#define IDXIO_TEXT(x) IDXIO_TEXT_(x)
    return IDXIO_TEXT(ISAL_MAJOR_VERSION) "." IDXIO_TEXT(ISAL_MINOR_VERSION) "."
           IDXIO_TEXT(ISAL_PATCH_VERSION);
#else
    return NULL;
#endif
}
#endif
