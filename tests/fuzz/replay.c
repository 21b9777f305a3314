/* replay: a driver for targets without libFuzzer: every file of the corpus as it is, then changed in the same way each
 * time by a seed. It measures what libFuzzer limits: a second an input, and memory.
 *
 * usage: fuzz_TARGET [-runs=N] [-seed=N] [-max_len=N] PATH...    (files, or folders of files; N runs in all) */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SECONDS_MAX = 1, SANITIZED_SLOWER = 4, CHANGES = 4, FILES_MAX = 4096 };

#pragma weak LLVMFuzzerCustomMutator

typedef struct Input {
    char *name;
    uint8_t *data;
    size_t size;
} Input;

static Input inputs[FILES_MAX];
static size_t input_count, size_max = 1 << 16;
static uint64_t state;

static size_t below(size_t limit) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state >> 20) % limit;
}

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most) {
    static const char *const pieces[] = {"[",   "]",  "{",  "}", ":", ",",  "\"",   "\n",
                                         "-1",  "0",  "&a", "*", "<", "/>", "\\",   "1e99",
                                         "../", "%s", "'",  "#", "~", "|",  "\xff", "\0"};
    const char *piece = pieces[below(sizeof pieces / sizeof *pieces)];
    size_t at = below(size + 1), length = *piece ? strlen(piece) : 1;
    switch (size ? below(4) : 0) {
    case 0: /* a piece put in */
        if (size + length > most)
            return size;
        memmove(data + at + length, data + at, size - at);
        memcpy(data + at, piece, length);
        return size + length;
    case 1: /* a part taken out */
        at = below(size);
        length = 1 + below(size - at);
        length = length > 64 ? 64 : length;
        memmove(data + at, data + at + length, size - at - length);
        return size - length;
    case 2: /* a number of 4 bytes at its edges */
        if (size >= 4) {
            static const uint32_t edges[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff};
            memcpy(data + below(size - 3), &edges[below(5)], 4);
            return size;
        } /* fall through */
    default:
        data[below(size)] = (uint8_t)below(256);
        return size;
    }
}

static int read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    struct stat info;
    if (!file || fstat(fileno(file), &info) != 0 || input_count == FILES_MAX)
        return 0;
    Input *input = &inputs[input_count++];
    *input = (Input){strdup(path), malloc((size_t)info.st_size + 1), (size_t)info.st_size};
    int whole = input->data && fread(input->data, 1, input->size, file) == input->size;
    fclose(file);
    return whole;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const Input *)a)->name, ((const Input *)b)->name);
}

static int read_path(const char *path) {
    DIR *folder = opendir(path);
    if (!folder)
        return read_file(path);
    int good = 1;
    for (struct dirent *entry; good && (entry = readdir(folder));) {
        char name[4096];
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        good = *entry->d_name == '.' || read_file(name);
    }
    closedir(folder);
    return good;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* What is run stands in this file when the process ends in the middle of it. */
static void keep(const uint8_t *data, size_t size, const char *why, const char *name) {
    FILE *file = fopen("replay-failed", "wb");
    if (file) {
        fwrite(data, 1, size, file);
        fclose(file);
    }
    fprintf(stderr, "replay: %s on %s: the input is kept as replay-failed\n", why, name);
}

static const uint8_t *running;
static size_t running_size;
static const char *running_name;

static void at_exit(void) {
    if (running)
        keep(running, running_size, "the process ended", running_name);
}

/* The input in memory of exactly its size, so that a sanitizer sees a read past it. */
static int run(const uint8_t *data, size_t size, const char *name) {
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, data, size);
    running = copy;
    running_size = size;
    running_name = name;
    double began = now();
    LLVMFuzzerTestOneInput(copy, size);
    double took = now() - began;
    running = NULL;
    int late = took > SECONDS_MAX * SANITIZED_SLOWER;
    if (late)
        keep(copy, size, "more than a second", name);
    free(copy);
    return late;
}

int main(int count, char **arguments) {
    size_t runs = 0;
    uint64_t seed = 1;
    for (int i = 1; i < count; ++i) {
        const char *argument = arguments[i];
        if (sscanf(argument, "-runs=%zu", &runs) == 1 ||
            sscanf(argument, "-seed=%lu", &seed) == 1 ||
            sscanf(argument, "-max_len=%zu", &size_max) == 1)
            continue;
        if (!read_path(argument)) {
            fprintf(stderr, "replay: cannot read %s\n", argument);
            return 2;
        }
    }
    if (!input_count) {
        fprintf(stderr, "usage: %s [-runs=N] [-seed=N] [-max_len=N] PATH...\n", arguments[0]);
        return 2;
    }
    atexit(at_exit);
    qsort(inputs, input_count, sizeof *inputs, by_name);
    int failed = 0;
    for (size_t i = 0; i < input_count; ++i)
        failed += run(inputs[i].data, inputs[i].size, inputs[i].name);
    uint8_t *data = malloc(size_max);
    state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (size_t i = input_count; i < runs; ++i) {
        const Input *input = &inputs[below(input_count)];
        size_t size = input->size < size_max ? input->size : size_max;
        memcpy(data, input->data, size);
        for (size_t changes = LLVMFuzzerCustomMutator ? 1 : 1 + below(CHANGES); changes; --changes)
            size = LLVMFuzzerCustomMutator
                       ? LLVMFuzzerCustomMutator(data, size, size_max, (unsigned)below(1u << 31))
                       : LLVMFuzzerMutate(data, size, size_max);
        failed += run(data, size, input->name);
    }
    free(data);
    for (size_t i = 0; i < input_count; ++i) {
        free(inputs[i].name);
        free(inputs[i].data);
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%zu inputs, %zu runs, %ld MiB, %d failed\n", input_count,
           runs > input_count ? runs : input_count, usage.ru_maxrss >> 10, failed);
    return failed != 0;
}
