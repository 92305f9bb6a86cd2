/* Functions that are compiled several times: suffix _plain for every processor, _avx2, _avx512. */
#ifndef IDXIO_DISPATCH_H
#define IDXIO_DISPATCH_H

#if defined(__x86_64__) && defined(__GNUC__)
#define IDXIO_AVX2 __attribute__((target("avx2")))
#define IDXIO_BEST(function) (__builtin_cpu_supports("avx2") ? function##_avx2 : function##_plain)
#else
#define IDXIO_BEST(function) function##_plain
#endif

/* Those that gain by 64 bytes at a time are compiled once more: suffix _avx512. The processors that
 * had these first slow down by them; those with VBMI2 (Ice Lake, Zen 4) do not. */
#if defined(IDXIO_AVX2) && !defined(__clang__) && __GNUC__ >= 9
#define IDXIO_AVX512 \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")))
#define IDXIO_WIDEST(function) \
    (__builtin_cpu_supports("avx512vbmi2") ? function##_avx512 : IDXIO_BEST(function))
#else
#define IDXIO_WIDEST(function) IDXIO_BEST(function)
#endif

/* Whether every processor of this kind shuffles bytes. */
#if defined(__aarch64__)
#define IDXIO_SHUFFLES 1
#else
#define IDXIO_SHUFFLES 0
#endif

#define IDXIO_INLINE static inline __attribute__((always_inline))
#endif
