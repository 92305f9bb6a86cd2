/* What the thread pool needs of the system and the compiler: POSIX threads, and the atomics of gcc
 * and clang. */
#ifndef IDXIO_PLATFORM_H
#define IDXIO_PLATFORM_H

#include <pthread.h>

typedef pthread_mutex_t idxio_mutex;
typedef pthread_cond_t idxio_condition;
typedef pthread_t idxio_thread;

#define IDXIO_MUTEX_INIT(mutex) pthread_mutex_init(mutex, NULL)
#define IDXIO_MUTEX_DESTROY(mutex) pthread_mutex_destroy(mutex)
#define IDXIO_LOCK(mutex) pthread_mutex_lock(mutex)
#define IDXIO_UNLOCK(mutex) pthread_mutex_unlock(mutex)
#define IDXIO_CONDITION_INIT(condition) pthread_cond_init(condition, NULL)
#define IDXIO_CONDITION_DESTROY(condition) pthread_cond_destroy(condition)
#define IDXIO_WAIT(condition, mutex) pthread_cond_wait(condition, mutex)
#define IDXIO_WAKE_ALL(condition) pthread_cond_broadcast(condition)
/* 0, or an error number. */
#define IDXIO_START(thread, work, argument) pthread_create(thread, NULL, work, argument)
#define IDXIO_JOIN(thread) pthread_join(thread, NULL)

/* Fields that one thread reads without the mutex while another writes them. */
#define IDXIO_PEEK(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)
#define IDXIO_POKE(field, value) __atomic_store_n(&(field), value, __ATOMIC_RELAXED)

#if defined(__x86_64__) || defined(__i386__)
#define IDXIO_PAUSE() __builtin_ia32_pause()
#else
#define IDXIO_PAUSE() ((void)0)
#endif
#endif
