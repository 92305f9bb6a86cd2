/* Transforms of one image, applied while its row is gathered.
 *
 * They work on images as they are stored, in either byte order; byte order, cast and scaling come
 * behind them. What is random in them is a function of key and position alone. */
#ifndef IDXIO_TRANSFORM_H
#define IDXIO_TRANSFORM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "mix.h"

struct idxio_transform;

/* What a transform makes of an image, in `room`, which holds `made` bytes; or the image itself
 * where nothing changes. */
typedef const uint8_t *(*idxio_apply)(const struct idxio_transform *transform,
                                      const uint8_t *image, uint8_t *room, uint64_t state);

typedef struct idxio_transform {
    idxio_apply apply;
    uint64_t key;                       /* of seed, epoch and the transform's number */
    size_t row, made;                   /* bytes of an image that it gets, and that it makes */
    size_t room;                        /* bytes that it or one behind it makes, at the most */
    const struct idxio_transform *next; /* which gets what this one made */
} idxio_transform;

/* The state of a transform for the sample at a position, and the numbers that it draws there. */
static inline uint64_t idxio_state(uint64_t key, int64_t position) {
    return idxio_key_add(key, (uint64_t)position);
}

static inline uint64_t idxio_draw(uint64_t state, uint64_t k) { return idxio_key_add(state, k); }

/* floor(drawn * n / 2^64), for n up to 2^32: a number from 0 to n - 1. Each comes as often as the
 * others but for n parts in 2^64. */
static inline uint64_t idxio_below(uint64_t drawn, uint64_t n) {
    return ((drawn >> 32) * n + ((drawn & 0xffffffff) * n >> 32)) >> 32;
}

#endif
