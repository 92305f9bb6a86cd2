/* Transforms of one image, applied while its row is gathered.
 *
 * They move elements whole, so they take every type in every byte order; byte order, cast and
 * scaling come behind them. What is random in them is a function of key and position alone. */
#ifndef IDXIO_TRANSFORM_H
#define IDXIO_TRANSFORM_H

#include <stddef.h>
#include <stdint.h>

#include "mix.h"

typedef struct idxio_transform {
    /* The image, changed, in `room`, which has as many bytes; or the image itself where nothing
     * changes. */
    const uint8_t *(*apply)(const struct idxio_transform *transform, const uint8_t *image,
                            uint8_t *room, uint64_t state);
    uint64_t key;                       /* of seed, epoch and the transform's number */
    size_t row;                         /* bytes of an image */
    const struct idxio_transform *next; /* which gets what this one made */
} idxio_transform;

/* The state of a transform for the sample at a position, and the numbers that it draws there. */
static inline uint64_t idxio_state(uint64_t key, int64_t position) {
    return idxio_key_add(key, (uint64_t)position);
}

static inline uint64_t idxio_draw(uint64_t state, uint64_t k) { return idxio_key_add(state, k); }

#endif
