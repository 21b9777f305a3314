/* track: see track.h. Times: an event of the device is put on CLOCK_MONOTONIC by a base event at the begin of each step,
 * when the device has nothing to do, whose time the host brackets; elapsed times are floats of milliseconds, so steps of
 * a second are told to 0.1 us. What waits is told of a move by rt_track_met alone. */
#include "cuda/track.h"

#include <stdlib.h>

/* One run of an operation. */
typedef struct Run {
    int op, layer, stream;
    int next; /* run of the same stream, -1: none yet */
    bool met;
    cudaEvent_t begin, ready, end; /* begin and ready: of timed steps */
} Run;

struct rt_track {
    bool timed;
    cudaEvent_t base;
    double base_s;
    Run *runs; /* [room], events of all */
    int count, room;
    int *head, *tail; /* [streams] of runs not known to be done; -1: none */
    int streams;
};

rt_track *rt_track_create(bool timed) {
    rt_track *track = calloc(1, sizeof *track);
    if (track)
        track->timed = timed;
    return track;
}

void rt_track_free(rt_track *track) {
    if (!track)
        return;
    for (int i = 0; i < track->room; ++i) {
        if (track->runs[i].begin)
            cudaEventDestroy(track->runs[i].begin);
        if (track->runs[i].ready)
            cudaEventDestroy(track->runs[i].ready);
        if (track->runs[i].end)
            cudaEventDestroy(track->runs[i].end);
    }
    if (track->base)
        cudaEventDestroy(track->base);
    free(track->runs);
    free(track->head);
    free(track->tail);
    free(track);
}

static rt_status event_make(rt_rank *rank, cudaEvent_t *event, bool timed) {
    if (*event)
        return RT_OK;
    RT_CUDA(rank,
            cudaEventCreateWithFlags(event, timed ? cudaEventDefault : cudaEventDisableTiming));
    return RT_OK;
}

/* When the base happens on the host's clock: the middle of its bracket. */
static rt_status base_find(rt_rank *rank, rt_track *track) {
    RT_TRY(event_make(rank, &track->base, true));
    double before = rt_now();
    RT_CUDA(rank, cudaEventRecord(track->base, rank->backend->streams[0]));
    RT_TRY(rt_device_wait(rank, track->base));
    track->base_s = (before + rt_now()) / 2;
    return RT_OK;
}

rt_status rt_track_step(rt_rank *rank) {
    rt_backend *backend = rank->backend;
    rt_track *track = backend->track;
    track->count = 0;
    if (!track->head) {
        track->streams = backend->stream_count;
        track->head = calloc((size_t)track->streams + 1, sizeof *track->head);
        track->tail = calloc((size_t)track->streams + 1, sizeof *track->tail);
        if (!track->head || !track->tail)
            return rt_fail(rank, RT_UNAVAILABLE, "no memory to track operations");
    }
    for (int s = 0; s < track->streams; ++s)
        track->head[s] = track->tail[s] = -1;
    return backend->timed ? base_find(rank, track) : RT_OK;
}

static rt_status track_grow(rt_rank *rank, rt_track *track) {
    int room = track->room ? 2 * track->room : 256;
    Run *runs = realloc(track->runs, (size_t)room * sizeof *runs);
    if (!runs)
        return rt_fail(rank, RT_UNAVAILABLE, "no memory to track %d operations", room);
    memset(runs + track->room, 0, (size_t)(room - track->room) * sizeof *runs);
    track->runs = runs;
    track->room = room;
    return RT_OK;
}

rt_status rt_track_begin(rt_rank *rank) {
    rt_backend *backend = rank->backend;
    rt_track *track = backend->track;
    if (backend->capturing)
        return RT_OK;
    if (track->count == track->room)
        RT_TRY(track_grow(rank, track));
    int index = track->count, stream = rank->role->ops[backend->op].stream;
    Run *run = &track->runs[index];
    run->op = backend->op;
    run->layer = backend->layer;
    run->stream = stream;
    run->next = -1;
    run->met = false;
    RT_TRY(event_make(rank, &run->end, track->timed));
    if (backend->timed) {
        RT_TRY(event_make(rank, &run->begin, true));
        RT_CUDA(rank, cudaEventRecord(run->begin, backend->stream));
    }
    track->count++;
    return RT_OK;
}

rt_status rt_track_met(rt_rank *rank) {
    rt_backend *backend = rank->backend;
    rt_track *track = backend->track;
    if (backend->capturing || !backend->timed || track->count == 0)
        return RT_OK;
    Run *run = &track->runs[track->count - 1];
    RT_TRY(event_make(rank, &run->ready, true));
    RT_CUDA(rank, cudaEventRecord(run->ready, backend->stream));
    run->met = true;
    return RT_OK;
}

rt_status rt_track_end(rt_rank *rank) {
    rt_backend *backend = rank->backend;
    rt_track *track = backend->track;
    if (backend->capturing)
        return RT_OK;
    int index = track->count - 1;
    Run *run = &track->runs[index];
    RT_CUDA(rank, cudaEventRecord(run->end, backend->stream));
    if (track->head[run->stream] < 0)
        track->head[run->stream] = index;
    else
        track->runs[track->tail[run->stream]].next = index;
    track->tail[run->stream] = index;
    return RT_OK;
}

cudaError_t rt_track_look(rt_rank *rank, bool *moved) {
    rt_track *track = rank->backend->track;
    *moved = false;
    for (int s = 0; track->head && s < track->streams; ++s)
        while (track->head[s] >= 0) {
            const Run *run = &track->runs[track->head[s]];
            cudaError_t error = cudaEventQuery(run->end);
            if (error == cudaErrorNotReady)
                break;
            if (error != cudaSuccess)
                return error;
            track->head[s] = run->next;
            *moved = true;
        }
    return cudaSuccess;
}

void rt_track_name(rt_rank *rank) {
    const rt_track *track = rank->backend->track;
    int first = -1;
    for (int s = 0; track->head && s < track->streams; ++s)
        if (track->head[s] >= 0 && (first < 0 || track->head[s] < first))
            first = track->head[s];
    if (first < 0)
        return;
    atomic_store_explicit(&rank->area->op, track->runs[first].op + 1, memory_order_relaxed);
    atomic_store_explicit(&rank->area->layer, track->runs[first].layer + 1, memory_order_relaxed);
}

static rt_status elapsed(rt_rank *rank, const rt_track *track, cudaEvent_t event, double *seconds) {
    float milliseconds;
    RT_CUDA(rank, cudaEventElapsedTime(&milliseconds, track->base, event));
    *seconds = track->base_s + milliseconds * 1e-3;
    return RT_OK;
}

rt_status rt_track_tell(rt_rank *rank) {
    const rt_track *track = rank->backend->track;
    if (!rank->backend->timed)
        return RT_OK;
    for (int i = 0; i < track->count; ++i) {
        const Run *run = &track->runs[i];
        double begin, ready, end;
        RT_TRY(elapsed(rank, track, run->begin, &begin));
        RT_TRY(elapsed(rank, track, run->end, &end));
        ready = begin;
        if (run->met)
            RT_TRY(elapsed(rank, track, run->ready, &ready));
        rt_op_took(rank, run->op, run->layer, begin, end, ready - begin);
    }
    return RT_OK;
}
