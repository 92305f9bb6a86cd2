/* Rows of one type gathered into rows of another: byte order, cast, and y = x * a + b in between.
 *
 * One function for each pair of types. The factors are float32 for float32 output and float64 for
 * float64; they come one for all elements (step 0) or one for each element of a row (step 1).
 * Products and sums are rounded one by one: setup.py forbids the compiler to fuse them. */
#ifndef IDXIO_GATHER_H
#define IDXIO_GATHER_H

#include <stdlib.h>

#include "dispatch.h"
#include "platform.h"
#include "task.h"
#include "transform.h"

/* Rows of the sizes at hand lie apart: the cache is told of one while another is worked on. */
#define IDXIO_AHEAD 4

static inline void idxio_prefetch(const uint8_t *row, size_t size) {
    for (size_t i = 0; i < size && i < 4096; i += 64) __builtin_prefetch(row + i);
}

/* For the row k of these: the one that comes IDXIO_AHEAD behind it. */
static inline void idxio_prefetch_ahead(const uint8_t *source, size_t row, const int64_t *ids,
                                        size_t count, size_t k) {
    if (k + IDXIO_AHEAD < count) idxio_prefetch(source + row * (size_t)ids[k + IDXIO_AHEAD], row);
}

static void idxio_gather(const uint8_t *source, size_t row, const int64_t *ids, size_t count,
                         uint8_t *out) {
    for (size_t k = 0; k < count; k++) {
        idxio_prefetch_ahead(source, row, ids, count, k);
        memcpy(out + row * k, source + row * (size_t)ids[k], row);
    }
}

/* The same with the bytes of each item reversed. */
#define IDXIO_GATHER_SWAPPED(bits, suffix, target)                                           \
    target static void idxio_gather_swapped##bits##suffix(const uint8_t *source, size_t row, \
                                                          const int64_t *ids, size_t count,  \
                                                          uint8_t *out) {                    \
        for (size_t k = 0; k < count; k++) {                                                 \
            const uint8_t *restrict x = source + row * (size_t)ids[k];                       \
            uint8_t *restrict y = out + row * k;                                             \
            idxio_prefetch_ahead(source, row, ids, count, k);                                \
            for (size_t i = 0; i < row; i += bits / 8) {                                     \
                uint##bits##_t v;                                                            \
                memcpy(&v, x + i, bits / 8);                                                 \
                v = __builtin_bswap##bits(v);                                                \
                memcpy(y + i, &v, bits / 8);                                                 \
            }                                                                                \
        }                                                                                    \
    }

static inline float idxio_f32(uint32_t v) { float f; memcpy(&f, &v, 4); return f; }
static inline double idxio_f64(uint64_t v) { double f; memcpy(&f, &v, 8); return f; }

#define IDXIO_LOAD_u1(p, i) ((p)[i])
#define IDXIO_LOAD_i1(p, i) ((int8_t)(p)[i])
#define IDXIO_WORD(bits, p, i)                        \
    __extension__({                                   \
        uint##bits##_t v;                             \
        memcpy(&v, (p) + (i) * (bits / 8), bits / 8); \
        v;                                            \
    })
#define IDXIO_LOAD_i2(p, i) ((int16_t)IDXIO_WORD(16, p, i))
#define IDXIO_LOAD_i4(p, i) ((int32_t)IDXIO_WORD(32, p, i))
#define IDXIO_LOAD_f4(p, i) idxio_f32(IDXIO_WORD(32, p, i))
#define IDXIO_LOAD_f8(p, i) idxio_f64(IDXIO_WORD(64, p, i))
#define IDXIO_LOAD_s2(p, i) ((int16_t)__builtin_bswap16(IDXIO_WORD(16, p, i)))
#define IDXIO_LOAD_s4(p, i) ((int32_t)__builtin_bswap32(IDXIO_WORD(32, p, i)))
#define IDXIO_LOAD_sf4(p, i) idxio_f32(__builtin_bswap32(IDXIO_WORD(32, p, i)))
#define IDXIO_LOAD_sf8(p, i) idxio_f64(__builtin_bswap64(IDXIO_WORD(64, p, i)))

#define IDXIO_AFFINE(name, from, to, target)                                                      \
    target static void idxio_affine_##name(const uint8_t *source, size_t row, size_t elements,    \
                                           const int64_t *ids, size_t count, void *out,           \
                                           const void *a, const void *b, int step) {              \
        const to *scale = (const to *)a, *shift = (const to *)b;                                  \
        for (size_t k = 0; k < count; k++) {                                                      \
            const uint8_t *restrict x = source + row * (size_t)ids[k];                            \
            to *restrict y = (to *)out + elements * k;                                            \
            idxio_prefetch_ahead(source, row, ids, count, k);                                     \
            if (step) {                                                                           \
                for (size_t i = 0; i < elements; i++)                                             \
                    y[i] = (to)IDXIO_LOAD_##from(x, i) * scale[i] + shift[i];                     \
            } else {                                                                              \
                const to s = scale[0], t = shift[0];                                              \
                for (size_t i = 0; i < elements; i++) y[i] = (to)IDXIO_LOAD_##from(x, i) * s + t; \
            }                                                                                     \
        }                                                                                         \
    }

/* Each function, and the table of them: [swapped][from: u1 i1 i2 i4 f4 f8][to: f4 f8]. */
#define IDXIO_BOTH(from, suffix, target)                 \
    IDXIO_AFFINE(from##_f4##suffix, from, float, target) \
    IDXIO_AFFINE(from##_f8##suffix, from, double, target)
#define IDXIO_PAIR(from, suffix) \
    {idxio_affine_##from##_f4##suffix, idxio_affine_##from##_f8##suffix}
#define IDXIO_AFFINES(suffix, target)                                                             \
    IDXIO_BOTH(u1, suffix, target) IDXIO_BOTH(i1, suffix, target) IDXIO_BOTH(i2, suffix, target)  \
    IDXIO_BOTH(i4, suffix, target) IDXIO_BOTH(f4, suffix, target) IDXIO_BOTH(f8, suffix, target)  \
    IDXIO_BOTH(s2, suffix, target) IDXIO_BOTH(s4, suffix, target) IDXIO_BOTH(sf4, suffix, target) \
    IDXIO_BOTH(sf8, suffix, target)                                                               \
    static const idxio_affine idxio_affines##suffix[2][6][2] = {                                  \
        {IDXIO_PAIR(u1, suffix), IDXIO_PAIR(i1, suffix), IDXIO_PAIR(i2, suffix),                  \
         IDXIO_PAIR(i4, suffix), IDXIO_PAIR(f4, suffix), IDXIO_PAIR(f8, suffix)},                 \
        {IDXIO_PAIR(u1, suffix), IDXIO_PAIR(i1, suffix), IDXIO_PAIR(s2, suffix),                  \
         IDXIO_PAIR(s4, suffix), IDXIO_PAIR(sf4, suffix), IDXIO_PAIR(sf8, suffix)},               \
    };

#define IDXIO_ALL(suffix, target)                                                     \
    IDXIO_GATHER_SWAPPED(16, suffix, target) IDXIO_GATHER_SWAPPED(32, suffix, target) \
    IDXIO_GATHER_SWAPPED(64, suffix, target) IDXIO_AFFINES(suffix, target)

IDXIO_ALL(_plain, )
/* Eight floats at a time where the processor has them. */
#ifdef IDXIO_AVX2
IDXIO_ALL(_avx2, IDXIO_AVX2)
#endif
#ifdef IDXIO_AVX512
IDXIO_AFFINES(_avx512, IDXIO_AVX512)
#endif

static idxio_affine idxio_affine_of(int swapped, int kind, int to_double) {
    return IDXIO_WIDEST(idxio_affines)[swapped][kind][to_double];
}

static void idxio_gather_swapped(const uint8_t *source, size_t row, const int64_t *ids,
                                 size_t count, uint8_t *out, int itemsize) {
    if (itemsize == 2) IDXIO_BEST(idxio_gather_swapped16)(source, row, ids, count, out);
    else if (itemsize == 4) IDXIO_BEST(idxio_gather_swapped32)(source, row, ids, count, out);
    else IDXIO_BEST(idxio_gather_swapped64)(source, row, ids, count, out);
}

/* The rows of a source with these ids, without transforms. */
static void idxio_gather_rows(const idxio_gathering *g, const uint8_t *source, const int64_t *ids,
                              size_t count, uint8_t *out) {
    if (g->affine != NULL)
        g->affine(source, g->row, g->elements, ids, count, out, g->scale, g->shift, g->step);
    else if (g->swapped)
        idxio_gather_swapped(source, g->row, ids, count, out, g->swapped);
    else
        idxio_gather(source, g->row, ids, count, out);
}

/* An image that all transforms changed: in one of two rooms, or in its place if none did. */
static const uint8_t *idxio_transform_all(const idxio_transform *first, const uint8_t *image,
                                          int64_t position, uint8_t *rooms) {
    uint8_t *room = rooms;
    for (const idxio_transform *t = first; t != NULL; t = t->next) {
        const uint8_t *made = t->apply(t, image, room, idxio_state(t->key, position));
        if (made == room) room = room == rooms ? rooms + first->room : rooms;
        image = made;
    }
    return image;
}

/* Some rows of an idxio_gathering. */
static void idxio_gather_some(const void *what, size_t first, size_t count) {
    const idxio_gathering *g = (const idxio_gathering *)what;
    const idxio_transform *transforms = g->transforms;
    const int64_t *ids = g->ids + first;
    uint8_t *out = g->out + g->out_row * first;
    if (transforms == NULL) {
        idxio_gather_rows(g, g->source, ids, count, out);
        return;
    }
    const int64_t here = 0;
    uint8_t *rooms = (uint8_t *)malloc(2 * transforms->room);
    if (rooms == NULL) {
        IDXIO_POKE(((idxio_gathering *)what)->lacks_memory, 1);
        return;
    }
    for (size_t k = 0; k < count; k++) {
        const uint8_t *image = g->source + transforms->row * (size_t)ids[k];
        idxio_prefetch_ahead(g->source, transforms->row, ids, count, k);
        image = idxio_transform_all(transforms, image, g->positions[first + k], rooms);
        idxio_gather_rows(g, image, &here, 1, out + g->out_row * k);
    }
    free(rooms);
}

#endif
