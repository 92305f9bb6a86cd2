/* An image turned, scaled and shifted, drawn anew for each: what lies outside of it is 0.
 *
 * Angle and scale become whole numbers, of 24 bits behind the point, and shifts whole pixels; where
 * a pixel comes from is worked out with these alone. */
#ifndef IDXIO_WARP_H
#define IDXIO_WARP_H

#include "exact.h"
#include "transform.h"

struct idxio_map;

typedef struct {
    idxio_transform base;
    size_t planes, height, width, channels, itemsize; /* of the image */
    double angle, angles, zoom, zooms;                /* the least, and how far above it */
    double shift_x, shift_y;                          /* pixels in each direction, at most */
    int swapped;                                      /* whether items have the other byte order */
    /* A pixel of a plane at a place, between its neighbours; NULL for the nearest one. */
    void (*pick)(const struct idxio_map *map, const uint8_t *plane, int64_t x, int64_t y,
                 uint8_t *out);
} idxio_warp;

/* What was drawn for an image. */
typedef struct idxio_map {
    const idxio_warp *warp;
    int64_t sine, cosine; /* over the scale, times 2^24 */
    int64_t shift_x, shift_y;
} idxio_map;

/* Places are halves of 2^-24 pixels from the corner of the image. */
#define IDXIO_PLACES (INT64_C(1) << 25)

static inline idxio_map idxio_warp_map(const idxio_warp *warp, uint64_t state) {
    const double x = 2 * idxio_share(idxio_draw(state, 1)) - 1;
    const double y = 2 * idxio_share(idxio_draw(state, 2)) - 1;
    const double zoom = warp->zoom + warp->zooms * idxio_share(idxio_draw(state, 3));
    double sine, cosine;
    idxio_sine(warp->angle + warp->angles * idxio_share(idxio_draw(state, 0)), &sine, &cosine);
    const idxio_map map = {
        warp,
        idxio_floor(sine / zoom * 0x1p24 + 0.5),
        idxio_floor(cosine / zoom * 0x1p24 + 0.5),
        idxio_floor(x * warp->shift_x + 0.5),
        idxio_floor(y * warp->shift_y + 0.5),
    };
    return map;
}

/* The pixel at a place. */
static inline void idxio_warp_nearest(const idxio_map *map, const uint8_t *plane, int64_t x,
                                      int64_t y, uint8_t *out) {
    const idxio_warp *warp = map->warp;
    const size_t pixel = warp->channels * warp->itemsize;
    const size_t i = (size_t)(y / IDXIO_PLACES), j = (size_t)(x / IDXIO_PLACES);
    const int is_inside = x >= 0 && y >= 0 && i < warp->height && j < warp->width;
    if (pixel == 1) *out = is_inside ? plane[i * warp->width + j] : 0;
    else if (is_inside) memcpy(out, plane + (i * warp->width + j) * pixel, pixel);
    else memset(out, 0, pixel);
}

static const uint8_t *idxio_warp_apply(const idxio_transform *transform, const uint8_t *image,
                                       uint8_t *room, uint64_t state) {
    const idxio_warp *warp = (const idxio_warp *)transform;
    const idxio_map map = idxio_warp_map(warp, state);
    const int64_t height = (int64_t)warp->height, width = (int64_t)warp->width;
    const size_t pixel = warp->channels * warp->itemsize;
    const size_t plane = warp->height * warp->width * pixel;
    uint8_t *out = room;
    for (size_t k = 0; k < warp->planes; k++, image += plane)
        for (int64_t y = 0; y < height; y++)
            for (int64_t x = 0; x < width; x++, out += pixel) {
                /* Twice the way from the middle, before the shift. */
                const int64_t u = 2 * (x - map.shift_x) + 1 - width;
                const int64_t v = 2 * (y - map.shift_y) + 1 - height;
                const int64_t from_x = u * map.cosine + v * map.sine + width * (IDXIO_PLACES / 2);
                const int64_t from_y = v * map.cosine - u * map.sine + height * (IDXIO_PLACES / 2);
                if (warp->pick != NULL) warp->pick(&map, image, from_x, from_y, out);
                else idxio_warp_nearest(&map, image, from_x, from_y, out);
            }
    return room;
}

/* The mean of the four pixels around a place, weighted by how near they are, in 256ths. */
#define IDXIO_BILINEAR(name, type, word, swap, mean)                                              \
    static inline type idxio_item_##name(const idxio_warp *warp, const uint8_t *plane, int64_t i, \
                                         int64_t j, size_t c) {                                   \
        word bits;                                                                                \
        type item;                                                                                \
        if (i < 0 || j < 0 || (size_t)i >= warp->height || (size_t)j >= warp->width) return 0;    \
        memcpy(&bits, plane + (((size_t)i * warp->width + (size_t)j) * warp->channels + c) *      \
                                  sizeof bits, sizeof bits);                                      \
        if (warp->swapped) bits = swap(bits);                                                     \
        memcpy(&item, &bits, sizeof item);                                                        \
        return item;                                                                              \
    }                                                                                             \
    static void idxio_warp_##name(const idxio_map *map, const uint8_t *plane, int64_t x,          \
                                  int64_t y, uint8_t *out) {                                      \
        const idxio_warp *warp = map->warp;                                                       \
        /* From the middle of the first pixel, moved by one so that no neighbour is below 0. */   \
        x += IDXIO_PLACES / 2 + IDXIO_PLACES / 512, y += IDXIO_PLACES / 2 + IDXIO_PLACES / 512;   \
        const int is_near = x >= 0 && y >= 0;                                                     \
        const int64_t i = is_near ? y / IDXIO_PLACES - 1 : -2;                                    \
        const int64_t j = is_near ? x / IDXIO_PLACES - 1 : -2;                                    \
        const int down = is_near ? (int)(y % IDXIO_PLACES / (IDXIO_PLACES / 256)) : 0;            \
        const int right = is_near ? (int)(x % IDXIO_PLACES / (IDXIO_PLACES / 256)) : 0;           \
        for (size_t c = 0; c < warp->channels; c++) {                                             \
            const type item = mean(type, idxio_item_##name(warp, plane, i, j, c),                 \
                                   idxio_item_##name(warp, plane, i, j + 1, c),                   \
                                   idxio_item_##name(warp, plane, i + 1, j, c),                   \
                                   idxio_item_##name(warp, plane, i + 1, j + 1, c));              \
            word bits;                                                                            \
            memcpy(&bits, &item, sizeof bits);                                                    \
            if (warp->swapped) bits = swap(bits);                                                 \
            memcpy(out + c * sizeof bits, &bits, sizeof bits);                                    \
        }                                                                                         \
    }

/* Rounded to the nearest, a half upwards: shifts of gcc and clang round down. */
#define IDXIO_WHOLE_MEAN(type, a, b, c, d)                                         \
    (type)((((int64_t)(a) * (256 - right) + (int64_t)(b) * right) * (256 - down) + \
            ((int64_t)(c) * (256 - right) + (int64_t)(d) * right) * down + 32768) >> 16)
#define IDXIO_PART(type, n) ((type)(n) / 256)
#define IDXIO_REAL_MEAN(type, a, b, c, d)                                               \
    (((a) * IDXIO_PART(type, 256 - right) + (b) * IDXIO_PART(type, right)) *            \
         IDXIO_PART(type, 256 - down) +                                                 \
     ((c) * IDXIO_PART(type, 256 - right) + (d) * IDXIO_PART(type, right)) *            \
         IDXIO_PART(type, down))
#define IDXIO_SAME(bits) (bits)

IDXIO_BILINEAR(u1, uint8_t, uint8_t, IDXIO_SAME, IDXIO_WHOLE_MEAN)
IDXIO_BILINEAR(i1, int8_t, uint8_t, IDXIO_SAME, IDXIO_WHOLE_MEAN)
IDXIO_BILINEAR(i2, int16_t, uint16_t, __builtin_bswap16, IDXIO_WHOLE_MEAN)
IDXIO_BILINEAR(i4, int32_t, uint32_t, __builtin_bswap32, IDXIO_WHOLE_MEAN)
IDXIO_BILINEAR(f4, float, uint32_t, __builtin_bswap32, IDXIO_REAL_MEAN)
IDXIO_BILINEAR(f8, double, uint64_t, __builtin_bswap64, IDXIO_REAL_MEAN)

/* By kind as in KINDS of gather.pyx; nearest for none. */
static void idxio_warp_choose(idxio_warp *warp, int kind) {
    static void (*const picks[])(const idxio_map *, const uint8_t *, int64_t, int64_t,
                                 uint8_t *) = {
        idxio_warp_u1, idxio_warp_i1, idxio_warp_i2, idxio_warp_i4, idxio_warp_f4, idxio_warp_f8};
    warp->pick = kind < 0 ? NULL : picks[kind];
}

#endif
