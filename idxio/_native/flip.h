/* Flips of an image, left to right or top to bottom. */
#ifndef IDXIO_FLIP_H
#define IDXIO_FLIP_H

#include <string.h>

#include "transform.h"

/* Turns round the order of the items in each of some groups, with a probability. */
typedef struct {
    idxio_transform base;
    uint64_t below;             /* the probability, times 2^53 */
    size_t groups, items, size; /* of an item, in bytes */
} idxio_flip;

static inline void idxio_reverse_bytes(const uint8_t *restrict x, size_t n, uint8_t *restrict y) {
    size_t i = 0;
    uint64_t v;
    if (n >= 8) {
        for (; i + 8 <= n; i += 8) {
            memcpy(&v, x + n - 8 - i, 8);
            v = __builtin_bswap64(v);
            memcpy(y + i, &v, 8);
        }
        memcpy(&v, x, 8); /* the rest, and some bytes before it again */
        v = __builtin_bswap64(v);
        memcpy(y + n - 8, &v, 8);
        return;
    }
    for (; i < n; i++) y[i] = x[n - 1 - i];
}

/* With a size that the compiler knows, memcpy is a load and a store. */
#define IDXIO_REVERSE_ITEMS(size) \
    for (size_t i = 0; i < n; i++) memcpy(y + i * (size), x + (n - 1 - i) * (size), size)

static inline void idxio_reverse_items(const uint8_t *restrict x, size_t n, size_t size,
                                       uint8_t *restrict y) {
    if (size == 2) IDXIO_REVERSE_ITEMS(2);
    else if (size == 3) IDXIO_REVERSE_ITEMS(3);
    else if (size == 4) IDXIO_REVERSE_ITEMS(4);
    else if (size == 8) IDXIO_REVERSE_ITEMS(8);
    else IDXIO_REVERSE_ITEMS(size);
}

static const uint8_t *idxio_flip_apply(const idxio_transform *transform, const uint8_t *image,
                                       uint8_t *room, uint64_t state) {
    const idxio_flip *flip = (const idxio_flip *)transform;
    const size_t group = flip->items * flip->size;
    if (idxio_draw(state, 0) >> 11 >= flip->below) return image;
    for (size_t k = 0; k < flip->groups; k++) {
        if (flip->size == 1) idxio_reverse_bytes(image + k * group, flip->items, room + k * group);
        else idxio_reverse_items(image + k * group, flip->items, flip->size, room + k * group);
    }
    return room;
}

#endif
