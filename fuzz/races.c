/* The thread pool under the thread sanitizer: batches gathered ahead of a loop, as an epoch does,
 * and pools that are shut down with work left. With IDXIO_RACE, the rows count in a variable that
 * nothing guards: that must be reported. */
#include <stdio.h>
#include <unistd.h>

#include "gather.h"
#include "thread_pool.h"

enum { ROWS = 512, ROW = 48, BATCH = 32, AHEAD = 3, THREADS = 3, EPOCHS = 40 };

static uint8_t source[ROWS * ROW], out[AHEAD + 1][BATCH * ROW];
static int64_t ids[ROWS];

#ifdef IDXIO_RACE
static size_t made;
#endif

static void make(const void *what, size_t first, size_t count) {
    usleep(20); /* or the loop makes all of them before a thread is awake */
#ifdef IDXIO_RACE
    made += count;
#endif
    idxio_gather_some(what, first, count);
}

static idxio_gathering gathering(size_t batch) {
    idxio_gathering g = {
        .source = source, .ids = ids + batch * BATCH, .out = out[batch % (AHEAD + 1)]};
    g.row = g.elements = g.out_row = ROW;
    return g;
}

static int is_right(size_t batch) {
    const uint8_t *rows = out[batch % (AHEAD + 1)];
    for (size_t k = 0; k < BATCH; k++)
        if (memcmp(rows + k * ROW, source + (size_t)ids[batch * BATCH + k] * ROW, ROW)) return 0;
    return 1;
}

/* The batches of one epoch, of which the loop takes `taken`. */
static int epoch(size_t taken) {
    idxio_thread_pool pool;
    idxio_gathering work[ROWS / BATCH];
    idxio_task tasks[ROWS / BATCH];
    int good = !idxio_thread_pool_start(&pool, THREADS);
    for (size_t next = 0, batch = 0; good && batch < taken; batch++) {
        for (; next < ROWS / BATCH && next <= batch + AHEAD - 1; next++) {
            work[next] = gathering(next);
            tasks[next] = (idxio_task){.rows = make, .what = &work[next], .turn = 5, .back = BATCH};
            idxio_thread_pool_submit(&pool, &tasks[next]);
        }
        if (batch % 3) idxio_thread_pool_notify(&pool);
        idxio_thread_pool_wait(&pool, &tasks[batch]);
        good = is_right(batch);
    }
    idxio_thread_pool_shutdown(&pool);
    return good;
}

int main(void) {
    for (size_t i = 0; i < sizeof source; i++) source[i] = (uint8_t)(i * 2654435761u >> 13);
    for (size_t i = 0; i < ROWS; i++) ids[i] = (int64_t)(i * 277 % ROWS);
    for (size_t k = 0; k < EPOCHS; k++)
        if (!epoch(k % 4 ? ROWS / BATCH : k % (ROWS / BATCH))) return puts("a batch is wrong"), 1;
    return 0;
}
