/* What the threads of a pool do, and what a gather is: types that both modules know. */
#ifndef IDXIO_TASK_H
#define IDXIO_TASK_H

#include <stddef.h>
#include <stdint.h>

struct idxio_transform;

/* Rows that can be made in any order, some at a time. */
typedef struct idxio_task {
    void (*rows)(const void *what, size_t first, size_t count);
    const void *what;
    size_t turn;              /* rows that a thread takes at a time */
    size_t front, back;       /* the rows that nobody took yet */
    int busy;                 /* threads of the pool that work on some */
    struct idxio_task *after; /* in the line */
} idxio_task;

typedef void (*idxio_affine)(const uint8_t *source, size_t row, size_t elements, const int64_t *ids,
                             size_t count, void *out, const void *a, const void *b, int step);

/* Rows with these ids, copied or made by affine; transforms come first. */
typedef struct {
    const uint8_t *source, *scale, *shift;
    const int64_t *ids;
    uint8_t *out;
    size_t row, elements, out_row; /* of a row behind transforms, in bytes, items; in bytes */
    idxio_affine affine;           /* NULL: items stay as they are */
    int swapped, step;
    const struct idxio_transform *transforms; /* NULL: none */
    const int64_t *positions;                 /* of each row, for what is random in transforms */
    int lacks_memory; /* set where a transform got none: the rows are not made */
} idxio_gathering;

#endif
