/* Runs a fuzz target once on each named file: what a kept corpus needs, with any compiler. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libFuzzer's own; a replay changes no input. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) {
    (void)data, (void)max_size;
    return size;
}

int main(int argc, char **argv) {
    LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file) return perror(argv[i]), 1;
        fseek(file, 0, SEEK_END);
        long size = ftell(file);
        rewind(file);
        /* Just as large as the input: the sanitizer sees the first byte that is read behind it. */
        uint8_t *data = malloc(size ? (size_t)size : 1);
        if (!data || fread(data, 1, (size_t)size, file) != (size_t)size) return perror(argv[i]), 1;
        fclose(file);
        LLVMFuzzerTestOneInput(data, (size_t)size);
        free(data);
    }
    printf("%d inputs replayed\n", argc - 1);
    return argc < 2;
}
