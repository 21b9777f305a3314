/* workers: see workers.h. A piece of work is cut into chunks, which threads take from a ticket until none is left, so that
 * one that comes late or is held up takes fewer. Between pieces a helper gives its processor away for a while before it
 * sleeps: in a decode step pieces follow each other faster than a sleeper wakes. */
#include "host/workers.h"
#include "core/rank.h"
#include "core/futex.h"

#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdlib.h>

enum { LINE = 64, CHUNKS_A_THREAD = 4, TURNS_AT_END = 64 };

/* The longest that a sleeper relies on being woken. */
enum { ASLEEP_MS = 50 };

#define AWAKE_S                                                                                    \
    200e-6 /* how long a helper looks for the next piece; waking a sleeper costs some 20e-6 */

struct rt_workers {
    alignas(LINE) rt_word posted;          /* pieces of work so far; abort bit: end */
    alignas(LINE) _Atomic uint64_t ticket; /* piece << 32 | chunks that nobody has taken */
    alignas(LINE) rt_word done;            /* chunks done, of all pieces */
    alignas(LINE) int64_t count; /* the piece: constant until all of its chunks are done */
    int64_t chunk, chunks;
    rt_part_fn part;
    const void *context;
    int helpers;
    pthread_t thread[];
};

/* Take and do chunks until there is none. Who has one may read the piece: it stays until that chunk is done. */
static void work(rt_workers *workers) {
    uint64_t ticket = atomic_load_explicit(&workers->ticket, memory_order_acquire);
    while ((uint32_t)ticket) {
        if (!atomic_compare_exchange_weak_explicit(&workers->ticket, &ticket, ticket - 1,
                                                   memory_order_acq_rel, memory_order_acquire))
            continue;
        int64_t begin = (workers->chunks - (int64_t)(uint32_t)ticket) * workers->chunk;
        int64_t end = begin + workers->chunk;
        workers->part(workers->context, begin, end < workers->count ? end : workers->count);
        rt_word_add(&workers->done);
        rt_word_wake(&workers->done);
        ticket = atomic_load_explicit(&workers->ticket, memory_order_acquire);
    }
}

/* Whether there is another piece than the one seen last, or the end; *value: of the word. */
static bool news(rt_workers *workers, uint32_t seen, uint32_t *value) {
    *value = atomic_load_explicit(&workers->posted, memory_order_acquire);
    return (*value & RT_ABORT_BIT) || rt_word_count(*value) != seen;
}

static void *helper_run(void *argument) {
    rt_workers *workers = argument;
    uint32_t seen = 0, value;
    for (;;) {
        double begin = rt_now();
        while (!news(workers, seen, &value) && rt_now() - begin < AWAKE_S)
            sched_yield();
        while (!news(workers, seen, &value))
            rt_word_sleep(&workers->posted, value, ASLEEP_MS);
        if (value & RT_ABORT_BIT)
            return NULL;
        seen = rt_word_count(value);
        work(workers);
    }
}

rt_workers *rt_workers_create(int helpers) {
    size_t bytes = sizeof(rt_workers) + (size_t)helpers * sizeof(pthread_t);
    rt_workers *workers = aligned_alloc(LINE, (bytes + LINE - 1) / LINE * LINE);
    if (!workers)
        return NULL;
    *workers = (rt_workers){.helpers = 0};
    for (; workers->helpers < helpers; workers->helpers++) {
        if (pthread_create(&workers->thread[workers->helpers], NULL, helper_run, workers) != 0) {
            rt_workers_free(workers);
            return NULL;
        }
    }
    return workers;
}

void rt_workers_free(rt_workers *workers) {
    if (!workers)
        return;
    rt_word_abort(&workers->posted);
    for (int i = 0; i < workers->helpers; ++i)
        pthread_join(workers->thread[i], NULL);
    free(workers);
}

/* Until the chunks that helpers have are done: they are at work, so turns are given away before sleeping. */
static void await(rt_workers *workers, uint32_t target) {
    for (int turn = 0;; ++turn) {
        uint32_t value = atomic_load_explicit(&workers->done, memory_order_acquire);
        if (rt_word_reached(value, target))
            return;
        if (turn < TURNS_AT_END)
            sched_yield();
        else
            rt_word_sleep(&workers->done, value, ASLEEP_MS);
    }
}

void rt_workers_run(rt_workers *workers, int64_t count, int64_t grain, rt_part_fn part,
                    const void *context) {
    const int64_t most = (int64_t)(workers->helpers + 1) * CHUNKS_A_THREAD;
    const int64_t chunk = ((count + most - 1) / most + grain - 1) / grain * grain;
    const int64_t chunks = chunk > 0 ? (count + chunk - 1) / chunk : 0;
    if (workers->helpers == 0 || chunks < 2) {
        if (count > 0)
            part(context, 0, count);
        return;
    }
    uint64_t piece = atomic_load_explicit(&workers->ticket, memory_order_relaxed) >> 32;
    uint32_t done = atomic_load_explicit(&workers->done, memory_order_relaxed);
    workers->count = count;
    workers->chunk = chunk;
    workers->chunks = chunks;
    workers->part = part;
    workers->context = context;
    atomic_store_explicit(&workers->ticket, (piece + 1) << 32 | (uint64_t)chunks,
                          memory_order_release);
    rt_word_add(&workers->posted);
    rt_word_wake(&workers->posted);
    work(workers);
    await(workers, rt_word_count(rt_word_count(done) + (uint32_t)chunks));
}
