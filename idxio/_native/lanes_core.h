/* Several pieces of deflate data decoded at once on one core. docs/lanes.md explains it. */
#ifndef IDXIO_LANES_CORE_H
#define IDXIO_LANES_CORE_H

#include <stddef.h>
#include <stdint.h>

#include "codec.h"

enum { IDXIO_WINDOW = 32768 };

/* A piece of a deflate stream: from a bit where a block starts to a bit where one ends, or the
 * stream does.
 *
 * No byte of `in` is read outside those that hold a bit of [start, stop), no byte is written
 * outside out[:room], and none read that is outside the window and out. Pieces that are decoded in
 * one call are decoded in any order and at once: what one of them writes is not part of what
 * another one reads. */
typedef struct {
    const uint8_t *in;
    size_t start, stop;    /* bits of in */
    const uint8_t *window; /* what came before, or NULL: it lies before out */
    size_t window_size;    /* at most IDXIO_WINDOW; more is left out */
    uint8_t *out;
    size_t room; /* bytes; whatever is behind `produced` is garbage in the end */

    /* The result: IDXIO_END, the stream ended; IDXIO_EDGE, a block ended at stop; IDXIO_BAD,
     * neither did, or room was too small; or IDXIO_NO_MEMORY. */
    int status;
    size_t end;      /* the bit of in behind the piece; of a stream that ended, the next byte's */
    size_t produced; /* bytes */
} idxio_piece;

typedef enum {
    IDXIO_LANES_OFF,  /* one piece after the other, by libdeflate or, without it, by zlib */
    IDXIO_LANES_AUTO, /* lanes where they are faster */
    IDXIO_LANES_ON    /* lanes for every piece, for tests; as AUTO where the processor has none */
} idxio_lanes_mode;

/* Whether this processor and this build can. */
int idxio_lanes_supported(void);

/* Decodes n pieces and writes their results. Keeps nothing, allocates nothing in lanes, and can be
 * called by any number of threads at once.
 *
 * Without lanes, bits from behind stop that would end a block just there can pass for IDXIO_EDGE:
 * the caller's CRC-32 decides, as it does about everything else. */
void idxio_lanes_decode(idxio_piece *pieces, size_t n, idxio_lanes_mode mode);

#endif
