/* Keys from numbers of 64 bits: each number passes the mixer alone. Frozen: orders and transforms
 * hang on it. */
#ifndef IDXIO_MIX_H
#define IDXIO_MIX_H

#include <stdint.h>

/* The finaliser of splitmix64 (Steele, Lea, Flood 2014). */
static inline uint64_t idxio_mix(uint64_t v) {
    v = (v ^ (v >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    v = (v ^ (v >> 27)) * UINT64_C(0x94d049bb133111eb);
    return v ^ (v >> 31);
}

/* The key of the numbers of `key` and of one more. */
static inline uint64_t idxio_key_add(uint64_t key, uint64_t number) {
    return idxio_mix(key + number + UINT64_C(0x9e3779b97f4a7c15));
}

#endif
