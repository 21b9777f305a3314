/* launch_threads: all ranks as threads of this process on private memory: the same code as with processes,
 * for sanitizers and debuggers. Also what is common to all ways of launching. */
#include "core/backend.h"
#include "core/launch.h"
#include "core/stream.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct Worker {
    rt_segment *segment;
    int rank;
    bool started;
    pthread_t thread;
} Worker;

rt_status rt_launch_rank(rt_segment *segment, int rank) {
    rt_rank *context = rt_rank_create(segment, rank);
    if (!context) {
        char text[64];
        snprintf(text, sizeof text, "rank %d: no memory for its context", rank);
        rt_segment_fail(segment, rank, RT_UNAVAILABLE, text);
        return RT_UNAVAILABLE;
    }
    context->watch_pids = atomic_load(&rt_segment_header(segment)->attached) != 0;
    rt_status status = rt_rank_run(context);
    rt_rank_free(context);
    return status;
}

rt_status rt_launch_failure(const rt_segment *segment, rt_error *error) {
    rt_header *header = rt_segment_header(segment);
    int32_t failed = atomic_load(&header->failed);
    if (!failed)
        return RT_OK;
    for (int i = 0; i < 10 && !rt_word_count(atomic_load(&header->told)); ++i)
        rt_word_sleep(&header->told, 0, 100); /* the message may be under way */
    const rt_area *area = rt_segment_area(segment, failed - 1);
    if (!rt_word_count(atomic_load(&header->told)))
        return rt_error_set(error, RT_SOFTWARE, "rank %d failed without a message", failed - 1);
    return rt_error_set(error, area->status, "%s", area->message);
}

static void *worker_run(void *argument) {
    Worker *worker = argument;
    rt_launch_rank(worker->segment, worker->rank);
    return NULL;
}

rt_status rt_launch_threads(rt_segment *segment, rt_error *error) {
    int world = segment->program->world;
    segment->threads = true;
    RT_TRY(rt_segment_map(segment, -1, true, error));
    RT_TRY(rt_stream_begin(segment, error));
    Worker *workers = calloc((size_t)world, sizeof *workers);
    if (!workers)
        return rt_error_set(error, RT_UNAVAILABLE, "no memory for %d threads", world);
    rt_backend_limit(world);
    for (int r = 0; r < world; ++r) {
        workers[r] = (Worker){.segment = segment, .rank = r};
        workers[r].started = pthread_create(&workers[r].thread, NULL, worker_run, &workers[r]) == 0;
        if (!workers[r].started) {
            char text[64];
            snprintf(text, sizeof text, "rank %d: no thread for it", r);
            rt_segment_fail(segment, r, RT_UNAVAILABLE, text);
        }
    }
    for (int r = 0; r < world; ++r)
        if (workers[r].started)
            pthread_join(workers[r].thread, NULL);
    free(workers);
    return rt_launch_failure(segment, error);
}
