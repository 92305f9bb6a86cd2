/* The floor of a shuffled epoch: what its loops take in C.
 *
 * usage: floor_batches FILE, a raw IDX file of uint8 images.
 *
 * One command per line on standard input, one line of answer on standard output:
 *   uint8     draw an order (Fisher, Yates), copy each image into a batch of 256: nanoseconds
 *   float32   the same with x * a + b into float32
 *   augmented the same of a part at a random place of the image and a margin of 4, half of them
 *             flipped
 * One batch of memory is used again and again. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROW = 784, BATCH = 256 };

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The part of a 28 x 28 image that begins at (i, j) of a margin of 4 around it, as x * a + b. The
 * image is put into the margin as a whole: to read a line that was just written waits for it. */
static void augment(const unsigned char *x, int i, int j, int flipped, float a, float b, float *y) {
    static unsigned char padded[36][36];
    for (int row = 0; row < 28; row++) memcpy(padded[row + 4] + 4, x + row * 28, 28);
    for (int row = i; row < i + 28; row++, y += 28) {
        const unsigned char *part = padded[row] + j;
        if (flipped)
            for (int k = 0; k < 28; k++) y[k] = (float)part[27 - k] * a + b;
        else
            for (int k = 0; k < 28; k++) y[k] = (float)part[k] * a + b;
    }
}

int main(int argc, char **argv) {
    char line[64];
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) return 2;
    size_t n = ((size_t)ftell(file) - 16) / ROW;
    unsigned char *images = malloc(n * ROW), *labels = calloc(n, 1);
    uint32_t *order = malloc(n * sizeof *order);
    float *out = aligned_alloc(64, BATCH * ROW * sizeof *out);
    unsigned char label_out[BATCH];
    if (images == NULL || order == NULL || out == NULL || labels == NULL) return 2;
    if (fseek(file, 16, SEEK_SET) != 0 || fread(images, ROW, n, file) != n) return 2;
    uint64_t state = 88172645463325252u;
    volatile float sink = 0; /* or nothing need be done */
    while (fgets(line, sizeof line, stdin) != NULL) {
        int augmented = strcmp(line, "augmented\n") == 0;
        int as_float = strcmp(line, "float32\n") == 0;
        const float a = 1 / (255 * 0.353f), b = -0.286f / 0.353f;
        int64_t start = now();
        for (size_t i = 0; i < n; i++) order[i] = (uint32_t)i;
        for (size_t i = n - 1; i > 0; i--) {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            size_t j = (size_t)((state >> 32) * (i + 1) >> 32);
            uint32_t t = order[i];
            order[i] = order[j], order[j] = t;
        }
        for (size_t first = 0; first < n; first += BATCH) {
            size_t count = n - first < BATCH ? n - first : BATCH;
            for (size_t k = 0; k < count; k++) {
                const unsigned char *x = images + (size_t)order[first + k] * ROW;
                if (k + 4 < count)
                    for (size_t i = 0; i < ROW; i += 64)
                        __builtin_prefetch(images + (size_t)order[first + k + 4] * ROW + i);
                label_out[k] = labels[order[first + k]];
                if (augmented) {
                    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
                    const int i = (int)((state & 0xffff) * 9 >> 16);
                    const int j = (int)((state >> 16 & 0xffff) * 9 >> 16);
                    augment(x, i, j, (int)(state >> 63), a, b, out + k * ROW);
                } else if (as_float)
                    for (size_t i = 0; i < ROW; i++) out[k * ROW + i] = (float)x[i] * a + b;
                else
                    memcpy((unsigned char *)out + k * ROW, x, ROW);
            }
            sink += out[first % ROW] + label_out[0];
        }
        printf("%lld\n", (long long)(now() - start));
        fflush(stdout);
    }
    return 0;
}
