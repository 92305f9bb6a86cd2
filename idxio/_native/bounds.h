/* Whether a part lies inside memory; safe against overflow for every argument. */
#ifndef IDXIO_BOUNDS_H
#define IDXIO_BOUNDS_H

#include <stdint.h>

static inline int idxio_is_inside(int64_t offset, int64_t size, int64_t length) {
    return offset >= 0 && size >= 0 && offset <= length && size <= length - offset;
}
#endif
