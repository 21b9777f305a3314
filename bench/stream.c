/* stream: how fast a plain loop reads memory here. `stream BYTES THREADS PASSES` reads a buffer of BYTES, a part a
 * thread, PASSES times after one that warms up, and prints the GB/s of the median pass and of the best. The
 * buffer is as large as what it is compared with, so that caches help both alike. It owns the buffer. What is
 * wanted is all that memory gives, so it lies in large pages and the loop is built for the processor at hand. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

enum { MOST_THREADS = 256, MOST_PASSES = 10000, LARGE_PAGE = 2 << 20 };

typedef struct Reader {
    const uint64_t *words;
    size_t count;
    int passes;
    pthread_barrier_t *barrier;
    double *begin, *end; /* [1 + passes] */
    uint64_t sum;
} Reader;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Four places at a time: memory gives more than to one. */
static uint64_t sum_words(const uint64_t *words, size_t count) {
    size_t part = count / 4;
    const uint64_t *b = words + part, *c = b + part, *d = c + part;
    uint64_t sum = 0, sum_b = 0, sum_c = 0, sum_d = 0;
    for (size_t i = 0; i < part; ++i) {
        sum += words[i];
        sum_b += b[i];
        sum_c += c[i];
        sum_d += d[i];
    }
    return sum + sum_b + sum_c + sum_d;
}

static void *reader_run(void *argument) {
    Reader *reader = argument;
    for (int pass = 0; pass <= reader->passes; ++pass) {
        pthread_barrier_wait(reader->barrier);
        reader->begin[pass] = now();
        reader->sum += sum_words(reader->words, reader->count);
        reader->end[pass] = now();
    }
    return NULL;
}

/* Of a pass, from when the first reader began until the last one ended. */
static double pass_seconds(const Reader *readers, int count, int pass) {
    double begin = readers[0].begin[pass], end = readers[0].end[pass];
    for (int t = 1; t < count; ++t) {
        begin = readers[t].begin[pass] < begin ? readers[t].begin[pass] : begin;
        end = readers[t].end[pass] > end ? readers[t].end[pass] : end;
    }
    return end - begin;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    static double seconds[MOST_PASSES];
    static Reader readers[MOST_THREADS];
    pthread_t threads[MOST_THREADS];
    pthread_barrier_t barrier;
    size_t bytes = argc == 4 ? strtoull(argv[1], NULL, 10) : 0, words = bytes / sizeof(uint64_t);
    int count = argc == 4 ? atoi(argv[2]) : 0, passes = argc == 4 ? atoi(argv[3]) : 0;
    if (!words || count < 1 || count > MOST_THREADS || passes < 1 || passes > MOST_PASSES) {
        fprintf(stderr, "usage: stream BYTES THREADS PASSES\n");
        return 2;
    }
    size_t whole = (words * sizeof(uint64_t) + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
    uint64_t *buffer = aligned_alloc(LARGE_PAGE, whole), total = 0;
    double *times = calloc((size_t)count * 2, (size_t)(1 + passes) * sizeof *times);
    if (!buffer || !times) {
        fprintf(stderr, "stream: no memory for %zu bytes\n", bytes);
        return 1;
    }
    madvise(buffer, whole, MADV_HUGEPAGE); /* where the system has none, small ones do */
    for (size_t i = 0; i < words; ++i)
        buffer[i] = i;
    pthread_barrier_init(&barrier, NULL, (unsigned)count);
    for (int t = 0; t < count; ++t) {
        size_t begin = words * (size_t)t / (size_t)count,
               end = words * (size_t)(t + 1) / (size_t)count;
        readers[t] = (Reader){.words = buffer + begin,
                              .count = end - begin,
                              .passes = passes,
                              .barrier = &barrier,
                              .begin = times + 2 * t * (1 + passes),
                              .end = times + (2 * t + 1) * (1 + passes)};
        if (pthread_create(&threads[t], NULL, reader_run, &readers[t]) != 0) {
            fprintf(stderr, "stream: cannot start thread %d\n", t);
            exit(1); /* the others wait at the barrier for good */
        }
    }
    for (int t = 0; t < count; ++t) {
        pthread_join(threads[t], NULL);
        total += readers[t].sum;
    }
    for (int pass = 1; pass <= passes; ++pass) /* the first one warms up */
        seconds[pass - 1] = pass_seconds(readers, count, pass);
    qsort(seconds, (size_t)passes, sizeof *seconds, ascending);
    double size = (double)(words * sizeof *buffer) * 1e-9;
    printf("%.3f %.3f\n", size / seconds[passes / 2], size / seconds[0]);
    fprintf(stderr, "sum %llu\n", (unsigned long long)total); /* so that no read is left out */
    pthread_barrier_destroy(&barrier);
    free(times);
    free(buffer);
    return 0;
}
