/* parallel: see parallel.h. Each loop is one generation: the workers see its number grow, run
 * their slice and count down. Slices are fixed, so that a run never depends on timing. */
#include "reference/parallel.h"

#include "base/arena.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

enum { THREADS_MAX = 64 };

typedef struct Worker {
    Parallel *parallel;
    int64_t index;
    pthread_t thread;
} Worker;

struct Parallel {
    Arena arena; /* holds this struct */
    pthread_mutex_t mutex;
    pthread_cond_t begun, done;
    int64_t threads; /* with the caller */
    int64_t generation, running;
    bool closing;
    int64_t count;
    ParallelBody body;
    void *context;
    Worker workers[THREADS_MAX];
};

static void run_slice(const Parallel *parallel, int64_t index) {
    int64_t begin = parallel->count * index / parallel->threads;
    int64_t end = parallel->count * (index + 1) / parallel->threads;
    if (begin < end)
        parallel->body(parallel->context, begin, end);
}

static void *work(void *argument) {
    Worker *worker = argument;
    Parallel *parallel = worker->parallel;
    int64_t seen = 0;
    for (;;) {
        pthread_mutex_lock(&parallel->mutex);
        while (parallel->generation == seen && !parallel->closing)
            pthread_cond_wait(&parallel->begun, &parallel->mutex);
        bool closing = parallel->closing;
        seen = parallel->generation;
        pthread_mutex_unlock(&parallel->mutex);
        if (closing)
            return NULL;
        run_slice(parallel, worker->index);
        pthread_mutex_lock(&parallel->mutex);
        if (--parallel->running == 0)
            pthread_cond_signal(&parallel->done);
        pthread_mutex_unlock(&parallel->mutex);
    }
}

static int64_t cores(void) {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    return CPU_COUNT(&set);
}

Parallel *parallel_open(int64_t threads) {
    Arena arena = {0};
    Parallel *parallel = ARENA_NEW(&arena, Parallel);
    parallel->arena = arena;
    pthread_mutex_init(&parallel->mutex, NULL);
    pthread_cond_init(&parallel->begun, NULL);
    pthread_cond_init(&parallel->done, NULL);
    int64_t wanted = threads ? threads : cores();
    if (wanted > THREADS_MAX)
        wanted = THREADS_MAX;
    parallel->threads = 1;
    while (parallel->threads < wanted) {
        Worker *worker = &parallel->workers[parallel->threads];
        *worker = (Worker){.parallel = parallel, .index = parallel->threads};
        if (pthread_create(&worker->thread, NULL, work, worker) != 0)
            break;
        parallel->threads++;
    }
    return parallel;
}

void parallel_close(Parallel *parallel) {
    pthread_mutex_lock(&parallel->mutex);
    parallel->closing = true;
    pthread_cond_broadcast(&parallel->begun);
    pthread_mutex_unlock(&parallel->mutex);
    for (int64_t i = 1; i < parallel->threads; i++)
        pthread_join(parallel->workers[i].thread, NULL);
    pthread_cond_destroy(&parallel->begun);
    pthread_cond_destroy(&parallel->done);
    pthread_mutex_destroy(&parallel->mutex);
    Arena arena = parallel->arena;
    arena_free(&arena);
}

void parallel_for(Parallel *parallel, int64_t count, ParallelBody body, void *context) {
    pthread_mutex_lock(&parallel->mutex);
    parallel->count = count;
    parallel->body = body;
    parallel->context = context;
    parallel->running = parallel->threads - 1;
    parallel->generation++;
    pthread_cond_broadcast(&parallel->begun);
    pthread_mutex_unlock(&parallel->mutex);
    run_slice(parallel, 0);
    pthread_mutex_lock(&parallel->mutex);
    while (parallel->running)
        pthread_cond_wait(&parallel->done, &parallel->mutex);
    pthread_mutex_unlock(&parallel->mutex);
}

int64_t parallel_threads(const Parallel *parallel) {
    return parallel->threads;
}
