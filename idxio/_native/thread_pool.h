/* Threads that do jobs of rows, together with whoever waits for them.
 *
 * Jobs are done in the order in which they were added. Who waits for one does what nobody began, so that a thread which
 * wakes late costs nothing. The mutex guards all that changes; before a thread sleeps, it looks at first or busy for a
 * while without it. */
#ifndef IDXIO_CREW_H
#define IDXIO_CREW_H

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "task.h"

typedef struct {
    pthread_mutex_t mutex;
    pthread_cond_t added, done;
    idxio_job *first, *last; /* the line of jobs that have rows left */
    int sleeping, waiting, left;
    int size;
    pthread_t *threads;
} idxio_crew;

#if defined(__x86_64__) || defined(__i386__)
#define IDXIO_PAUSE() __builtin_ia32_pause()
#else
#define IDXIO_PAUSE() ((void)0)
#endif

/* Looks before a thread sleeps, about 20 us: less than it takes to wake up. Measured: without them an epoch of float32
 * takes 7.3 ms in place of 5.2, and 2,000 are no better. */
#define IDXIO_LOOKS 500
#define IDXIO_LOOK(what) \
    for (int k = 0; k < IDXIO_LOOKS && !(what); k++) IDXIO_PAUSE()
#define IDXIO_PEEK(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)

/* Some rows of the job, the oldest, with the mutex held; the last ones take it out of the line. */
static size_t idxio_crew_take(idxio_crew *crew, idxio_job *job) {
    size_t left = job->back - job->front;
    if (left > job->turn) return job->turn;
    __atomic_store_n(&crew->first, job->after, __ATOMIC_RELAXED);
    if (job->after == NULL) crew->last = NULL;
    return left;
}

static void *idxio_crew_work(void *argument) {
    idxio_crew *crew = (idxio_crew *)argument;
    pthread_mutex_lock(&crew->mutex);
    while (!crew->left) {
        idxio_job *job = crew->first;
        if (job == NULL) {
            pthread_mutex_unlock(&crew->mutex);
            IDXIO_LOOK(IDXIO_PEEK(crew->first));
            pthread_mutex_lock(&crew->mutex);
            crew->sleeping++;
            while (crew->first == NULL && !crew->left) pthread_cond_wait(&crew->added, &crew->mutex);
            crew->sleeping--;
            continue;
        }
        /* From the end, as who waits takes from the front: each processor keeps to memory that it has at hand. */
        size_t count = idxio_crew_take(crew, job), first = job->back -= count;
        __atomic_store_n(&job->busy, job->busy + 1, __ATOMIC_RELAXED);
        pthread_mutex_unlock(&crew->mutex);
        job->rows(job->what, first, count);
        pthread_mutex_lock(&crew->mutex);
        __atomic_store_n(&job->busy, job->busy - 1, __ATOMIC_RELAXED);
        if (job->busy == 0 && crew->waiting) pthread_cond_broadcast(&crew->done);
    }
    pthread_mutex_unlock(&crew->mutex);
    return NULL;
}

/* Puts a job into the line, for threads that are awake. */
static void idxio_crew_add(idxio_crew *crew, idxio_job *job) {
    if (job->front == job->back) return;
    pthread_mutex_lock(&crew->mutex);
    job->after = NULL;
    if (crew->last) crew->last->after = job;
    else __atomic_store_n(&crew->first, job, __ATOMIC_RELAXED);
    crew->last = job;
    pthread_mutex_unlock(&crew->mutex);
}

/* Wakes the threads that sleep, which takes about 15 us. */
static void idxio_crew_wake(idxio_crew *crew) {
    pthread_mutex_lock(&crew->mutex);
    int sleeping = crew->sleeping;
    pthread_mutex_unlock(&crew->mutex);
    if (sleeping) pthread_cond_broadcast(&crew->added);
}

/* Returns when the job, the oldest in the line, is done. */
static void idxio_crew_finish(idxio_crew *crew, idxio_job *job) {
    pthread_mutex_lock(&crew->mutex);
    while (job->front < job->back) {
        size_t count = idxio_crew_take(crew, job), first = job->front;
        job->front += count;
        pthread_mutex_unlock(&crew->mutex);
        job->rows(job->what, first, count);
        pthread_mutex_lock(&crew->mutex);
    }
    if (job->busy) {
        pthread_mutex_unlock(&crew->mutex);
        IDXIO_LOOK(!IDXIO_PEEK(job->busy));
        pthread_mutex_lock(&crew->mutex);
        crew->waiting++;
        while (job->busy) pthread_cond_wait(&crew->done, &crew->mutex);
        crew->waiting--;
    }
    pthread_mutex_unlock(&crew->mutex);
}

/* 0, or an error number, with the threads that there are until then; leave is due in any case. */
static int idxio_crew_start(idxio_crew *crew, int size) {
    int error;
    pthread_mutex_init(&crew->mutex, NULL);
    pthread_cond_init(&crew->added, NULL);
    pthread_cond_init(&crew->done, NULL);
    crew->first = crew->last = NULL;
    crew->sleeping = crew->waiting = crew->left = 0;
    crew->threads = (pthread_t *)malloc((size_t)size * sizeof(pthread_t));
    error = crew->threads == NULL ? ENOMEM : 0;
    for (crew->size = 0; crew->size < size && !error; crew->size += !error)
        error = pthread_create(&crew->threads[crew->size], NULL, idxio_crew_work, crew);
    return error;
}

/* Ends the threads, each when the rows that it took are made. */
static void idxio_crew_leave(idxio_crew *crew) {
    pthread_mutex_lock(&crew->mutex);
    crew->left = 1;
    pthread_cond_broadcast(&crew->added);
    pthread_mutex_unlock(&crew->mutex);
    for (int k = 0; k < crew->size; k++) pthread_join(crew->threads[k], NULL);
    free(crew->threads);
    pthread_cond_destroy(&crew->done);
    pthread_cond_destroy(&crew->added);
    pthread_mutex_destroy(&crew->mutex);
}
#endif
