/* rank: see rank.h. The bookkeeping around every operation: progress, counters, times, trace. */
#include "core/rank.h"
#include "core/backend.h"
#include "core/record.h"
#include "core/emulate.h"
#include "core/pulse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

double rt_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The most senders, or hops, that announce rows in one exchange. */
static int64_t most_counts(const rt_program *program) {
    int64_t most = program->world;
    for (int32_t e = 0; e < program->exchanges; ++e) {
        most = program->exchange[e].there_hops > most ? program->exchange[e].there_hops : most;
        most = program->exchange[e].back_hops > most ? program->exchange[e].back_hops : most;
    }
    return most;
}

rt_rank *rt_rank_create(rt_segment *segment, int id) {
    const rt_program *program = segment->program;
    const rt_job *job = segment->job;
    rt_rank *rank = calloc(1, sizeof *rank);
    if (!rank)
        return NULL;
    rank->program = program;
    rank->job = job;
    rank->segment = segment;
    rank->id = id;
    rank->place = &program->places[id];
    rank->role = &program->role[rank->place->role];
    rank->area = rt_segment_area(segment, id);
    rank->operations = rt_segment_array(segment, id, segment->area_operations);
    rank->bytes = rt_segment_array(segment, id, segment->area_bytes);
    rank->busy = rt_segment_array(segment, id, segment->area_busy);
    rank->wait = rt_segment_array(segment, id, segment->area_wait);
    rank->ends = rt_segment_array(segment, id, segment->area_ends);
    if (job->times)
        rank->times = rt_segment_array(segment, id, segment->area_times);
    if (job->trace)
        rank->events = rt_segment_array(segment, id, segment->area_events);
    rank->next = calloc((size_t)program->batch, sizeof *rank->next);
    rank->ended = calloc((size_t)program->batch, sizeof *rank->ended);
    rank->arrivals = calloc((size_t)program->channels + 1, sizeof *rank->arrivals);
    rank->turns = calloc((size_t)program->channels + 1, sizeof *rank->turns);
    rank->closure = calloc((size_t)program->world, sizeof *rank->closure);
    rank->seen = calloc((size_t)program->world, sizeof *rank->seen);
    rank->pulled = calloc((size_t)program->world, sizeof *rank->pulled);
    rank->peers = calloc((size_t)program->world, sizeof *rank->peers);
    for (int32_t r = 0; rank->peers && r < program->world; ++r)
        rank->peers[r].pidfd = -1;
    rank->counts = calloc((size_t)most_counts(program), sizeof *rank->counts);
    if (!rank->next || !rank->ended || !rank->arrivals || !rank->turns || !rank->closure ||
        !rank->seen || !rank->counts || !rank->pulled || !rank->peers) {
        rt_rank_free(rank);
        return NULL;
    }
    atomic_store_explicit(&rank->area->clock, rt_pulse_clock(segment->threads),
                          memory_order_relaxed);
    atomic_store_explicit(&rank->area->pid, (int32_t)getpid(), memory_order_release);
    return rank;
}

void rt_rank_free(rt_rank *rank) {
    if (!rank)
        return;
    rt_backend_close(rank);
    free(rank->next);
    free(rank->ended);
    free(rank->arrivals);
    free(rank->turns);
    free(rank->closure);
    free(rank->seen);
    free(rank->counts);
    free(rank->pulled);
    for (int32_t r = 0; rank->peers && r < rank->program->world; ++r)
        if (rank->peers[r].pidfd >= 0)
            close(rank->peers[r].pidfd);
    free(rank->peers);
    free(rank);
}

rt_status rt_op_begin(rt_rank *rank, int op, int layer) {
    rt_area *area = rank->area;
    if (rt_segment_failed(rank->segment))
        return RT_ABORTED;
    atomic_store_explicit(&area->op, op + 1, memory_order_relaxed);
    atomic_store_explicit(&area->layer, layer + 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&area->progress, 1, memory_order_relaxed);
    if (op < 0 || op >= rank->role->op_count)
        return rt_fail(rank, RT_SOFTWARE, "the role has no operation %d", op);
    rank->waited = 0;
    rank->op_begin = rt_now();
    return rt_backend_op_begin(rank, op, layer);
}

static void event_record(rt_rank *rank, int op, int layer, double begin, double end, double wait) {
    rt_area *area = rank->area;
    if (area->events == RT_TRACE_EVENTS) {
        area->events_dropped++;
        return;
    }
    rank->events[area->events++] = (rt_event){.begin = begin,
                                              .end = end,
                                              .wait = wait,
                                              .op = op,
                                              .layer = layer,
                                              .step = (int32_t)(rank->step - rank->program->step)};
}

void rt_op_took(rt_rank *rank, int op, int layer, double begin, double end, double wait) {
    int kind = rank->role->ops[op].kind_index;
    double busy = end - begin - wait;
    rank->busy[kind] += busy;
    rank->wait[kind] += wait;
    if (rank->times) {
        rt_op_time *time = &rank->times[op];
        if (!time->count || busy < time->busy_min)
            time->busy_min = busy;
        time->count++;
        time->busy += busy;
        time->wait += wait;
        time->begin += begin;
        time->end += end;
    }
    if (rank->events && !rank->warming)
        event_record(rank, op, layer, begin, end, wait);
}

rt_status rt_op_end(rt_rank *rank, int op, int layer, rt_status status) {
    if (status != RT_OK) /* a kernel may return a status without having told why */
        return status == RT_ABORTED ? status : rt_fail(rank, status, "failed");
    rank->operations[rank->role->ops[op].kind_index]++;
    return rt_backend_op_end(rank, op, layer);
}

int32_t rt_role_index(const rt_rank *rank) {
    return rank->place->index;
}

void *rt_at(const rt_rank *rank, int64_t offset) {
    return rank->slab + offset;
}

rt_status rt_fail(rt_rank *rank, rt_status status, const char *format, ...) {
    if (rt_segment_failed(rank->segment))
        return RT_ABORTED;
    char message[RT_MESSAGE], doing[160];
    rt_segment_doing(rank->segment, rank->id, doing, sizeof doing);
    int used =
        snprintf(message, sizeof message, "rank %d (%s): %s: ", rank->id, rank->role->name, doing);
    va_list args;
    va_start(args, format);
    if (used > 0 && used < (int)sizeof message)
        vsnprintf(message + used, sizeof message - (size_t)used, format, args);
    va_end(args);
    rt_error_plain(message);
    return rt_segment_fail(rank->segment, rank->id, status, message) ? status : RT_ABORTED;
}

rt_status rt_launch(rt_rank *rank, int op, int layer, int kernel, const void *args) {
    RT_TRY(rt_recorded(rank, RT_CALL_LAUNCH, op, layer, -1, -1, kernel, args));
    if (rank->emulator)
        return rt_emulate_local(rank, op, layer);
    RT_TRY(rt_op_begin(rank, op, layer));
    if (kernel < 0 || kernel >= rank->program->kernels)
        return rt_fail(rank, RT_SOFTWARE, "the program has no kernel %d", kernel);
    return rt_op_end(rank, op, layer, rank->program->kernel[kernel](rank, args));
}
