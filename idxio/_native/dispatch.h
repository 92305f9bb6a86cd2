/* Functions that are compiled twice: suffix _plain for every processor, and _avx2. */
#ifndef IDXIO_DISPATCH_H
#define IDXIO_DISPATCH_H

#if defined(__x86_64__) && defined(__GNUC__)
#define IDXIO_AVX2 __attribute__((target("avx2")))
#define IDXIO_BEST(function) (__builtin_cpu_supports("avx2") ? function##_avx2 : function##_plain)
#else
#define IDXIO_BEST(function) function##_plain
#endif

/* Whether every processor of this kind shuffles bytes. */
#if defined(__aarch64__)
#define IDXIO_SHUFFLES 1
#else
#define IDXIO_SHUFFLES 0
#endif

#define IDXIO_INLINE static inline __attribute__((always_inline))
#endif
