/* Flips of an image, left to right or top to bottom. */
#ifndef IDXIO_FLIP_H
#define IDXIO_FLIP_H

#include "dispatch.h"
#include "transform.h"

/* Turns round the order of the items in each of some groups, with a probability. */
typedef struct {
    idxio_transform base;
    uint64_t below;             /* the probability, times 2^53 */
    size_t groups, items, size; /* of an item, in bytes */
} idxio_flip;

/* Sixteen bytes at a time where the processor can shuffle them, else eight. */
typedef uint8_t idxio_bytes16 __attribute__((vector_size(16)));
#if defined(__clang__)
#define IDXIO_REVERSED(v) \
    __builtin_shufflevector(v, v, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#else
#define IDXIO_REVERSED(v) \
    __builtin_shuffle(v, (idxio_bytes16){15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0})
#endif

/* The rest of fewer comes first, with some bytes behind it that are written again. */
#define IDXIO_REVERSE_BY(type, reversed)            \
    {                                               \
        size_t done = n % sizeof(type);             \
        type v;                                     \
        memcpy(&v, x + n - sizeof(type), sizeof v); \
        v = reversed(v);                            \
        memcpy(y, &v, sizeof v);                    \
        for (; done < n; done += sizeof v) {        \
            memcpy(&v, x + n - sizeof v - done, sizeof v); \
            v = reversed(v);                        \
            memcpy(y + done, &v, sizeof v);         \
        }                                           \
        return;                                     \
    }

IDXIO_INLINE void idxio_reverse_bytes(const uint8_t *restrict x, size_t n, uint8_t *restrict y,
                                      int shuffles) {
    if (shuffles && n >= 16) IDXIO_REVERSE_BY(idxio_bytes16, IDXIO_REVERSED)
    if (n >= 8) IDXIO_REVERSE_BY(uint64_t, __builtin_bswap64)
    for (size_t i = 0; i < n; i++) y[i] = x[n - 1 - i];
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

IDXIO_INLINE const uint8_t *idxio_flip_image(const idxio_transform *transform,
                                             const uint8_t *image, uint8_t *room, uint64_t state,
                                             int shuffles) {
    const idxio_flip *flip = (const idxio_flip *)transform;
    const size_t group = flip->items * flip->size;
    if (idxio_draw(state, 0) >> 11 >= flip->below) return image;
    for (size_t k = 0; k < flip->groups; k++) {
        const uint8_t *x = image + k * group;
        uint8_t *y = room + k * group;
        if (flip->size == 1) idxio_reverse_bytes(x, flip->items, y, shuffles);
        else idxio_reverse_items(x, flip->items, flip->size, y);
    }
    return room;
}

#define IDXIO_FLIP_APPLY(suffix, target, shuffles)                                             \
    target static const uint8_t *idxio_flip_apply##suffix(                                     \
        const idxio_transform *transform, const uint8_t *image, uint8_t *room, uint64_t state) { \
        return idxio_flip_image(transform, image, room, state, shuffles);                        \
    }

IDXIO_FLIP_APPLY(_plain, , IDXIO_SHUFFLES)
#ifdef IDXIO_AVX2
IDXIO_FLIP_APPLY(_avx2, IDXIO_AVX2, 1)
#endif

static idxio_apply idxio_flip_apply_of(void) { return IDXIO_BEST(idxio_flip_apply); }

#endif
