/* A rectangle of an image, drawn anew for each, set to one value. */
#ifndef IDXIO_ERASE_H
#define IDXIO_ERASE_H

#include <math.h>

#include "exact.h"
#include "transform.h"

typedef struct {
    idxio_transform base;
    uint64_t below;                      /* the probability, times 2^53 */
    size_t planes, height, width, pixel; /* of the image; a pixel in bytes */
    double share, shares;                /* of the area: the least, and how far above it */
    double ratio, ratios;                /* of height to width: the same of its logarithm */
    uint8_t *value;                      /* a line of it */
} idxio_erase;

enum { IDXIO_ERASE_TRIES = 10 };

static const uint8_t *idxio_erase_apply(const idxio_transform *transform, const uint8_t *image,
                                        uint8_t *room, uint64_t state) {
    const idxio_erase *erase = (const idxio_erase *)transform;
    if (idxio_draw(state, 0) >> 11 >= erase->below) return image;
    for (uint64_t k = 1; k < 4 * IDXIO_ERASE_TRIES; k += 4) {
        const double share = erase->share + erase->shares * idxio_share(idxio_draw(state, k));
        const double area = (double)(erase->height * erase->width) * share;
        const double ratio =
            idxio_exp(erase->ratio + erase->ratios * idxio_share(idxio_draw(state, k + 1)));
        const double h = sqrt(area * ratio) + 0.5, w = sqrt(area / ratio) + 0.5;
        if (!(h < (double)erase->height && w < (double)erase->width)) continue; /* or no number */
        const size_t height = (size_t)h, width = (size_t)w;
        const size_t top = idxio_below(idxio_draw(state, k + 2), erase->height - height + 1);
        const size_t left = idxio_below(idxio_draw(state, k + 3), erase->width - width + 1);
        const size_t line = erase->width * erase->pixel;
        memcpy(room, image, transform->row);
        for (size_t plane = 0; plane < erase->planes; plane++) {
            uint8_t *y = room + (plane * erase->height + top) * line + left * erase->pixel;
            for (size_t i = 0; i < height; i++)
                memcpy(y + i * line, erase->value, width * erase->pixel);
        }
        return room;
    }
    return image;
}

#endif
