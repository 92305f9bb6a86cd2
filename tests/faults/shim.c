/* Lets one call of the C library fail: the one with a given number, of those that are made while a
 * program is armed. Loaded by LD_PRELOAD; `driver.py` arms it.
 *
 * Calls are counted in three rows: those of files and threads by anyone; those of memory by the
 * native code of idxio, zlib and libdeflate, as numpy and others raise what they will; and the
 * pages that a new thread needs for its first call of Python. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FILES, MEMORY, THREADS, ROWS };
enum { COUNT, FAIL, SHORT, ZERO };
enum { MOST = 1 << 16 };

static struct {
    atomic_int armed;
    int row, kind, error;
    long at;
    atomic_long count[ROWS];
    atomic_long fired;
    const char *names[MOST]; /* of the calls of files */
} shim;

void shim_arm(int row, long at, int kind, int error) {
    shim.row = row;
    shim.at = at;
    shim.kind = kind;
    shim.error = error;
    shim.fired = 0;
    for (int k = 0; k < ROWS; k++) shim.count[k] = 0;
    shim.armed = 1;
}

long shim_disarm(void) {
    shim.armed = 0;
    return shim.fired;
}

long shim_count(int row) { return shim.count[row]; }

const char *shim_name(long at) {
    return at < MOST && shim.names[at] != NULL ? shim.names[at] : "";
}

/* What is to become of this call: COUNT where it is to be as ever. */
static int fate(int row, const char *name) {
    if (!shim.armed) return COUNT;
    const long at = shim.count[row]++;
    if (row == FILES && at < MOST) shim.names[at] = name;
    if (row != shim.row || at != shim.at || shim.kind == COUNT) return COUNT;
    shim.fired++;
    return shim.kind;
}

/* Its address is looked up each time: dlsym takes no memory where the symbol is there. */
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define FAILS(row, name, failure)       \
    switch (fate(row, #name)) {         \
        case COUNT: break;              \
        default:                        \
            errno = shim.error;         \
            return failure;             \
    }

#define CALL(type, name, parameters, arguments)     \
    type name parameters {                          \
        FAILS(FILES, name, -1)                      \
        return REAL(name) arguments;                \
    }

/* Reads and writes, which may also do a part of what they are asked for, or nothing. */
#define MOVE(name, parameters, less, arguments)                     \
    ssize_t name parameters {                                       \
        switch (fate(FILES, #name)) {                               \
            case COUNT: break;                                      \
            case ZERO: return 0;                                    \
            case SHORT: less; break;                                \
            default: errno = shim.error; return -1;                 \
        }                                                           \
        return REAL(name) arguments;                                \
    }

#define OPEN(name, first, rest)                                 \
    int name first {                                            \
        va_list list;                                           \
        va_start(list, flags);                                  \
        const mode_t mode = va_arg(list, mode_t);               \
        va_end(list);                                           \
        FAILS(FILES, name, -1)                                  \
        return REAL(name) rest;                                 \
    }

OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
OPEN(open64, (const char *path, int flags, ...), (path, flags, mode))
OPEN(openat, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))
OPEN(openat64, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))

static size_t half(size_t n) { return n > 1 ? n / 2 : n; }

MOVE(read, (int fd, void *data, size_t n), n = half(n), (fd, data, n))
MOVE(write, (int fd, const void *data, size_t n), n = half(n), (fd, data, n))
MOVE(pread, (int fd, void *data, size_t n, off_t at), n = half(n), (fd, data, n, at))
MOVE(pread64, (int fd, void *data, size_t n, off64_t at), n = half(n), (fd, data, n, at))
MOVE(pwrite, (int fd, const void *data, size_t n, off_t at), n = half(n), (fd, data, n, at))
MOVE(pwrite64, (int fd, const void *data, size_t n, off64_t at), n = half(n), (fd, data, n, at))

/* The first of several buffers, a half of it. */
#define VECTOR(name, parameters, arguments)                                      \
    ssize_t name parameters {                                                    \
        struct iovec first;                                                      \
        switch (fate(FILES, #name)) {                                            \
            case COUNT: break;                                                   \
            case ZERO: return 0;                                                 \
            case SHORT:                                                          \
                first = *parts;                                                  \
                first.iov_len = half(first.iov_len);                             \
                parts = &first;                                                  \
                count = 1;                                                       \
                break;                                                           \
            default: errno = shim.error; return -1;                              \
        }                                                                        \
        return REAL(name) arguments;                                             \
    }
VECTOR(preadv, (int fd, const struct iovec *parts, int count, off_t at), (fd, parts, count, at))
VECTOR(preadv64, (int fd, const struct iovec *parts, int count, off64_t at), (fd, parts, count, at))
VECTOR(pwritev, (int fd, const struct iovec *parts, int count, off_t at), (fd, parts, count, at))
VECTOR(pwritev64, (int fd, const struct iovec *parts, int count, off64_t at), (fd, parts, count, at))

/* A file is closed whatever close() says. */
int close(int fd) {
    const int what = fate(FILES, "close");
    const int result = REAL(close)(fd);
    if (what == COUNT) return result;
    errno = shim.error;
    return -1;
}

CALL(int, stat, (const char *restrict path, struct stat *restrict out), (path, out))
CALL(int, stat64, (const char *restrict path, struct stat64 *restrict out), (path, out))
CALL(int, lstat, (const char *restrict path, struct stat *restrict out), (path, out))
CALL(int, lstat64, (const char *restrict path, struct stat64 *restrict out), (path, out))
CALL(int, fstat, (int fd, struct stat *out), (fd, out))
CALL(int, fstat64, (int fd, struct stat64 *out), (fd, out))
CALL(int, fstatat, (int fd, const char *restrict path, struct stat *restrict out, int flags),
     (fd, path, out, flags))
CALL(int, fstatat64, (int fd, const char *restrict path, struct stat64 *restrict out, int flags),
     (fd, path, out, flags))
CALL(int, rename, (const char *from, const char *to), (from, to))
CALL(int, link, (const char *from, const char *to), (from, to))
CALL(int, symlink, (const char *from, const char *to), (from, to))
CALL(int, unlink, (const char *path), (path))
CALL(int, unlinkat, (int fd, const char *path, int flags), (fd, path, flags))
CALL(int, mkdir, (const char *path, mode_t mode), (path, mode))
CALL(int, rmdir, (const char *path), (path))
CALL(int, fsync, (int fd), (fd))
CALL(int, fdatasync, (int fd), (fd))
CALL(int, ftruncate, (int fd, off_t size), (fd, size))
CALL(int, ftruncate64, (int fd, off64_t size), (fd, size))
CALL(int, chmod, (const char *path, mode_t mode), (path, mode))
CALL(int, fchmod, (int fd, mode_t mode), (fd, mode))
CALL(int, fchown, (int fd, uid_t user, gid_t group), (fd, user, group))
CALL(int, utimensat, (int fd, const char *path, const struct timespec times[2], int flags),
     (fd, path, times, flags))
CALL(int, flock, (int fd, int what), (fd, what))
CALL(off64_t, lseek64, (int fd, off64_t at, int from), (fd, at, from))
CALL(int, posix_fadvise64, (int fd, off64_t at, off64_t n, int what), (fd, at, n, what))

DIR *opendir(const char *path) {
    FAILS(FILES, opendir, NULL)
    return REAL(opendir)(path);
}

struct dirent64 *readdir64(DIR *folder) {
    FAILS(FILES, readdir64, NULL)
    return REAL(readdir64)(folder);
}

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict how,
                   void *(*function)(void *), void *restrict argument) {
    if (fate(FILES, "pthread_create") != COUNT) return EAGAIN;
    return REAL(pthread_create)(thread, how, function, argument);
}

/* Whether a thread that is not the main one asks for the first time. */
static int is_first_of_thread(void) {
    static __thread int has_asked;
    if (!shim.armed || has_asked || syscall(SYS_gettid) == getpid()) return 0;
    has_asked = 1;
    return 1;
}

/* Of a file: what is mapped besides is memory of the libraries. */
void *mmap64(void *at, size_t n, int protection, int flags, int fd, off64_t offset) {
    if (fd >= 0)
        FAILS(FILES, mmap64, MAP_FAILED)
    else if (is_first_of_thread())
        FAILS(THREADS, mmap64, MAP_FAILED)
    return REAL(mmap64)(at, n, protection, flags, fd, offset);
}

void *mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset) {
    if (fd >= 0)
        FAILS(FILES, mmap, MAP_FAILED)
    else if (is_first_of_thread())
        FAILS(THREADS, mmap, MAP_FAILED)
    return REAL(mmap)(at, n, protection, flags, fd, offset);
}

/* Whether a place in the code is one of those whose memory fails. */
static int is_ours(const void *caller) {
    Dl_info about;
    if (!shim.armed || !dladdr(caller, &about) || about.dli_fname == NULL) return 0;
    return strstr(about.dli_fname, "idxio/_native/") != NULL ||
           strstr(about.dli_fname, "libz.so") != NULL ||
           strstr(about.dli_fname, "libdeflate.so") != NULL;
}

#define MEMORY_FAILS(name, failure) \
    if (is_ours(__builtin_return_address(0))) FAILS(MEMORY, name, failure)

/* The memory of glibc under its other names: dlsym may ask for some before it finds any. */
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

void *malloc(size_t n) {
    MEMORY_FAILS(malloc, NULL)
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t size) {
    MEMORY_FAILS(calloc, NULL)
    return __libc_calloc(n, size);
}

void *realloc(void *old, size_t n) {
    MEMORY_FAILS(realloc, NULL)
    return __libc_realloc(old, n);
}

int posix_memalign(void **out, size_t alignment, size_t n) {
    if (is_ours(__builtin_return_address(0)) && fate(MEMORY, "posix_memalign") != COUNT)
        return ENOMEM;
    *out = __libc_memalign(alignment, n);
    return *out == NULL ? ENOMEM : 0;
}
