/* Functions of float64 made of sums, products, quotients and square roots alone, in one order: IEEE
 * 754 rounds each in one way, so they have the same bits on every machine. setup.py forbids the
 * compiler to fuse two of them. */
#ifndef IDXIO_EXACT_H
#define IDXIO_EXACT_H

#include <stdint.h>

/* From 0 to 1, without 1: the upper 53 bits of a number that was drawn. */
static inline double idxio_share(uint64_t drawn) { return (double)(drawn >> 11) * 0x1p-53; }

static inline int64_t idxio_floor(double v) {
    const int64_t whole = (int64_t)v;
    return whole - (v < (double)whole);
}

/* e^x: Taylor's series for x / 4096, squared 12 times. */
static inline double idxio_exp(double x) {
    const double y = x / 4096;
    double sum = 1;
    for (int k = 8; k > 0; k--) sum = 1 + y * sum / k;
    for (int k = 0; k < 12; k++) sum = sum * sum;
    return sum;
}

/* Taylor's series 1 - z / (2 * 3) * (1 - z / (4 * 5) * (...)) up to this factor if it is odd, and
 * 1 - z / (1 * 2) * (1 - z / (3 * 4) * (...)) if it is even. */
static inline double idxio_alternating(double z, int last) {
    double sum = 1;
    for (int k = last; k > 1; k -= 2) sum = 1 - z * sum / (k * (k - 1));
    return sum;
}

/* Sine and cosine of an angle in degrees: of what is left of the nearest quarter turn. */
static inline void idxio_sine(double degrees, double *sine, double *cosine) {
    const int64_t quarters = idxio_floor(degrees / 90 + 0.5);
    const double y = (degrees / 90 - (double)quarters) * 1.5707963267948966;
    const double s = y * idxio_alternating(y * y, 17), c = idxio_alternating(y * y, 16);
    *sine = quarters & 1 ? c : s;
    *cosine = quarters & 1 ? s : c;
    if (quarters & 2) *sine = -*sine;
    if ((quarters + 1) & 2) *cosine = -*cosine;
}

#endif
