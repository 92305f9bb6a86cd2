/* A part of an image with a margin of one value around it, at a place drawn anew for each. */
#ifndef IDXIO_CROP_H
#define IDXIO_CROP_H

#include "transform.h"

typedef struct {
    idxio_transform base;
    size_t planes, height, width, pixel; /* of the image; a pixel in bytes */
    size_t out_height, out_width;
    size_t top, left;     /* lines and pixels of the margin */
    uint64_t tops, lefts; /* places that can be drawn along each axis */
    uint8_t *margin;      /* a plane of a part that has nothing else */
} idxio_crop;

/* What a part has of an axis of the image: `count` lines or pixels from `source` on, at `first`. */
typedef struct {
    size_t first, count, source;
} idxio_overlap;

/* The part begins at `begin` of an axis with a margin before and behind it. */
static inline idxio_overlap idxio_overlap_of(size_t begin, size_t margin, size_t length,
                                             size_t out_length) {
    idxio_overlap o = {begin < margin ? margin - begin : 0, 0, begin < margin ? 0 : begin - margin};
    if (o.first < out_length && o.source < length) {
        const size_t room = out_length - o.first, there = length - o.source;
        o.count = room < there ? room : there;
    }
    return o;
}

/* The lines of a plane, `n` bytes of each and then, but behind the last, `gap` bytes of margin. */
static inline void idxio_crop_lines(uint8_t *restrict y, const uint8_t *restrict x, size_t line,
                                    size_t count, size_t n, size_t gap,
                                    const uint8_t *restrict margin) {
    if (line != n + gap) {
        for (size_t k = 0; k < count; k++, y += n + gap) {
            memcpy(y, x + k * line, n);
            if (k + 1 < count) memcpy(y + n, margin, gap);
        }
        return;
    }
    memcpy(y, x, (count - 1) * line + n); /* at once, with the gaps */
    if (gap == 0) return;
    if (gap > 8 || line < 8) {
        for (size_t k = 0; k + 1 < count; k++) memcpy(y + k * line + n, margin, gap);
        return;
    }
    /* Words of the gap and what is behind it, from where it was not just written. */
    uint8_t is_gap[8] = {0};
    uint64_t mask, fill, word;
    memset(is_gap, 255, gap);
    memcpy(&mask, is_gap, 8);
    memcpy(&fill, margin, 8);
    for (size_t k = 0; k + 1 < count; k++) {
        memcpy(&word, x + k * line + n, 8);
        word = (word & ~mask) | (fill & mask);
        memcpy(y + k * line + n, &word, 8);
    }
}

static const uint8_t *idxio_crop_apply(const idxio_transform *transform, const uint8_t *image,
                                       uint8_t *room, uint64_t state) {
    const idxio_crop *crop = (const idxio_crop *)transform;
    const idxio_overlap rows = idxio_overlap_of(idxio_below(idxio_draw(state, 0), crop->tops),
                                                crop->top, crop->height, crop->out_height);
    const idxio_overlap columns = idxio_overlap_of(idxio_below(idxio_draw(state, 1), crop->lefts),
                                                   crop->left, crop->width, crop->out_width);
    if (rows.count == crop->height && rows.count == crop->out_height &&
        columns.count == crop->width && columns.count == crop->out_width)
        return image;
    const size_t line = crop->width * crop->pixel, out_line = crop->out_width * crop->pixel;
    const size_t plane = crop->out_height * out_line, n = columns.count * crop->pixel;
    const size_t before = rows.first * out_line + columns.first * crop->pixel;
    const size_t inside = (rows.count - 1) * out_line + n;
    for (size_t k = 0; k < crop->planes; k++) {
        const uint8_t *x = image + (k * crop->height + rows.source) * line;
        uint8_t *y = room + k * plane;
        if (rows.count == 0 || n == 0) {
            memcpy(y, crop->margin, plane);
            continue;
        }
        memcpy(y, crop->margin, before);
        idxio_crop_lines(y + before, x + columns.source * crop->pixel, line, rows.count, n,
                         out_line - n, crop->margin);
        memcpy(y + before + inside, crop->margin, plane - before - inside);
    }
    return room;
}

#endif
