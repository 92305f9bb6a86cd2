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
    uint8_t *margin;      /* a line of the part that holds nothing else, and 16 bytes more */
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

/* n bytes of margin; returns their end. `line` is where a line of it ends. */
static inline uint8_t *idxio_crop_fill(const idxio_crop *crop, uint8_t *y, size_t n, size_t line) {
    for (; n > line; n -= line, y += line) memcpy(y, crop->margin, line);
    memcpy(y, crop->margin, n);
    return y + n;
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
    const size_t n = columns.count * crop->pixel, before = columns.first * crop->pixel;
    const uint8_t *end = image + transform->row;
    uint8_t *y = room;
    for (size_t plane = 0; plane < crop->planes; plane++) {
        if (rows.count == 0 || n == 0) {
            y = idxio_crop_fill(crop, y, crop->out_height * out_line, out_line);
            continue;
        }
        const uint8_t *x = image + (plane * crop->height + rows.source) * line +
                           columns.source * crop->pixel;
        y = idxio_crop_fill(crop, y, rows.first * out_line + before, out_line);
        /* What is written too far is written again by what comes behind it, line by line. */
        for (size_t k = 0; k < rows.count; k++, x += line, y += out_line) {
            if (((n + 15) & ~(size_t)15) <= (size_t)(end - x)) idxio_copy_over(y, x, n);
            else memcpy(y, x, n);
            if (k + 1 < rows.count) idxio_copy_over(y + n, crop->margin, out_line - n);
        }
        y -= out_line - n; /* behind the last line */
        y = idxio_crop_fill(crop, y,
                            (crop->out_height - rows.first - rows.count) * out_line + out_line -
                                n - before,
                            out_line);
    }
    return room;
}

#endif
