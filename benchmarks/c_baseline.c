/* The floor: what libdeflate takes in C. usage: floor FILE.gz
 *
 * One command per line on standard input, one line of answer on standard output:
 *   version       the version of libdeflate that this was compiled with
 *   run           read the file and decompress it into fresh huge pages: nanoseconds of reading, of
 *                 the call
 *   save PATH     the same, and the result goes to PATH: "saved"
 * Reading is open, fstat, malloc, read, close and the mmap of the output. The call is
 * libdeflate_gzip_decompress, which checks the CRC, with the page faults of its output. Freeing is
 * not timed. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <libdeflate.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static unsigned char *read_file(const char *path, size_t *size) {
    struct stat status;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &status) < 0) fail(path);
    *size = (size_t)status.st_size;
    unsigned char *data = malloc(*size);
    if (data == NULL) fail("malloc");
    for (size_t done = 0; done < *size;) {
        ssize_t n = read(fd, data + done, *size - done);
        if (n <= 0) fail("read");
        done += (size_t)n;
    }
    close(fd);
    return data;
}

static void save(const char *path, const unsigned char *data, size_t size) {
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0) fail(path);
}

/* Decompress the file once; to is where the result goes, or NULL. */
static void run(const char *path, struct libdeflate_decompressor *decompressor, const char *to) {
    size_t in_size, out_size, produced = 0;
    int64_t start = now();
    unsigned char *in = read_file(path, &in_size);
    if (in_size < 18) fail("too short for gzip");
    /* ISIZE: good enough for a file known to be whole. */
    const unsigned char *tail = in + in_size - 4;
    out_size = tail[0] | (size_t)tail[1] << 8 | (size_t)tail[2] << 16 | (size_t)tail[3] << 24;
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    unsigned char *out = mmap(NULL, out_size, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (out == MAP_FAILED) fail("mmap");
#ifdef MADV_HUGEPAGE
    madvise(out, out_size, MADV_HUGEPAGE);
#endif
    int64_t middle = now();
    enum libdeflate_result result =
        libdeflate_gzip_decompress(decompressor, in, in_size, out, out_size, &produced);
    int64_t end = now();
    if (result != LIBDEFLATE_SUCCESS || produced != out_size) {
        fprintf(stderr, "%s: libdeflate returned %d\n", path, (int)result);
        exit(1);
    }
    if (to != NULL) {
        save(to, out, out_size);
        printf("saved\n");
    } else {
        printf("%lld %lld\n", (long long)(middle - start), (long long)(end - middle));
    }
    munmap(out, out_size);
    free(in);
}

int main(int argc, char **argv) {
    char line[4096];
    struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
    if (argc != 2 || decompressor == NULL) {
        fprintf(stderr, "usage: floor FILE.gz\n");
        return 2;
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = 0;
        if (strcmp(line, "version") == 0) {
            printf("%s\n", LIBDEFLATE_VERSION_STRING);
        } else if (strcmp(line, "run") == 0) {
            run(argv[1], decompressor, NULL);
        } else if (strncmp(line, "save ", 5) == 0) {
            run(argv[1], decompressor, line + 5);
        } else {
            fprintf(stderr, "unknown command: %s\n", line);
            return 2;
        }
        fflush(stdout);
    }
    libdeflate_free_decompressor(decompressor);
    return 0;
}
