/* step: see step.h. */
#include "cuda/step.h"
#include "core/wait.h"
#include "cuda/graph.h"
#include "cuda/io.h"
#include "cuda/reads.h"
#include "cuda/track.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#if __has_include(<nvtx3/nvToolsExt.h>)
#include <nvtx3/nvToolsExt.h>
#else /* a toolkit installed without it: no profiler sees ranges */
#define nvtxRangePushA(text) ((void)(text))
#define nvtxRangePop() ((void)0)
#define nvtxNameOsThreadA(id, text) ((void)(id), (void)(text))
#endif

enum {
    SPIN_NS =
        50 *
        1000, /* a wait gives turns away for so long before it sleeps: less than a sleep costs, */
    SPIN_ALONE_NS = 20000000, /* and longer where no other rank needs the processor */
    SLEEP_NS = 20 * 1000,     /* asleep between looks; the system makes it some 70 us */
    LOOK_NS = 1000000,        /* between looks at the run */
    DRAIN_NS = 2000000000,    /* how long what is left on streams may take to end */
};

bool rt_step_wants_times(const rt_rank *rank) {
    const rt_job *job = rank->job;
    return job->trace || job->times || job->options->verb == RT_VERB_BENCH;
}

bool rt_step_synchronous(void) {
    const char *text = getenv("RT_CUDA_SYNC");
    return text && strcmp(text, "1") == 0;
}

#define LEAVE_S 0.5 /* what peers are given to tell first */

/* --- waiting -------------------------------------------------------------------------------------------- */

/* What a wait saw when it last looked. */
typedef struct Vigil {
    double begun, looked, moved;
    uint64_t progress; /* of all ranks */
} Vigil;

static uint64_t world_progress(const rt_rank *rank) {
    uint64_t sum = 0;
    for (int32_t r = 0; r < rank->program->world; ++r)
        sum += atomic_load_explicit(&rt_segment_area(rank->segment, r)->progress,
                                    memory_order_relaxed);
    return sum;
}

/* Nothing has moved for the limit, and `over` seconds more. A rank whose peers wait elsewhere leaves it to them to tell, for
 * a while: they are nearer to the cause. */
static rt_status give_up(rt_rank *rank, double over) {
    const rt_moves *moves = rank->backend->process->moves;
    char about[400] = "";
    bool others = false;
    if (rank->step && moves->about)
        others = moves->about(rank, atomic_load_explicit(&rank->area->op, memory_order_relaxed) - 1,
                              about, sizeof about);
    if (others && over < LEAVE_S)
        return RT_OK;
    if (rank->step && rank->backend->replaying)
        snprintf(about, sizeof about, " in a graph, of which RT_CUDA_GRAPHS=0 tells the operation");
    return rt_fail(rank, RT_TIMEOUT,
                   "the device made no progress for %lld ms%s; --%stimeout-ms sets the limit",
                   (long long)rank->limit_ms, about, rank->step ? "" : "load-");
}

/* Whether the run goes on: no rank has failed, the transport neither, and something moved within the limit. What other
 * ranks do counts too, for this rank's streams may wait for theirs. */
static rt_status vigil_look(rt_rank *rank, Vigil *vigil, double now) {
    const rt_moves *moves = rank->backend->process->moves;
    bool moved;
    vigil->looked = now;
    if (rt_segment_failed(rank->segment))
        return RT_ABORTED;
    if (rank->step &&
        moves->poll) /* weights are read by several threads, and no move is under way */
        RT_TRY(moves->poll(rank));
    RT_CUDA(rank, rt_track_look(rank, &moved));
    if (moved)
        atomic_fetch_add_explicit(&rank->area->progress, 1, memory_order_relaxed);
    uint64_t progress = world_progress(rank);
    if (progress != vigil->progress) {
        vigil->progress = progress;
        vigil->moved = now;
    }
    if (rank->step)
        rt_track_name(rank);
    double over = now - vigil->moved - (double)rank->limit_ms * 1e-3;
    if (rank->limit_ms && over >= 0)
        return give_up(rank, over);
    return RT_OK;
}

static void sleep_short(void) {
    nanosleep(&(struct timespec){.tv_nsec = SLEEP_NS}, NULL);
}

static rt_status wait_long(rt_rank *rank, cudaEvent_t event, double begun) {
    const double spin = (rank->backend->process->ranks == 1 ? SPIN_ALONE_NS : SPIN_NS) * 1e-9;
    Vigil vigil = {.begun = begun, .looked = begun, .moved = begun};
    vigil.progress = world_progress(rank);
    for (;;) {
        cudaError_t error = cudaEventQuery(event);
        if (error == cudaSuccess)
            return RT_OK;
        if (error != cudaErrorNotReady)
            RT_CUDA(rank, error);
        double now = rt_now();
        if (now - vigil.looked > LOOK_NS * 1e-9)
            RT_TRY(vigil_look(rank, &vigil, now));
        if (now - begun < spin)
            sched_yield();
        else
            sleep_short();
    }
}

rt_status rt_device_wait(rt_rank *rank, cudaEvent_t event) {
    if (rank->backend->capturing)
        return rt_fail(rank, RT_SOFTWARE, "a captured step cannot wait for the device");
    cudaError_t error = cudaEventQuery(event);
    if (error == cudaSuccess)
        return RT_OK;
    if (error != cudaErrorNotReady)
        RT_CUDA(rank, error);
    atomic_store_explicit(&rank->area->waits_for, RT_WAITS_FOR_DEVICE(rank->program),
                          memory_order_relaxed);
    int32_t op = atomic_load_explicit(&rank->area->op, memory_order_relaxed);
    int32_t layer = atomic_load_explicit(&rank->area->layer, memory_order_relaxed);
    rt_status status = wait_long(rank, event, rt_now());
    if (status == RT_OK) { /* meanwhile it named what the device was at */
        atomic_store_explicit(&rank->area->op, op, memory_order_relaxed);
        atomic_store_explicit(&rank->area->layer, layer, memory_order_relaxed);
    }
    atomic_store_explicit(&rank->area->waits_for, 0, memory_order_relaxed);
    atomic_fetch_add_explicit(&rank->area->progress, 1, memory_order_relaxed);
    return status;
}

bool rt_step_drain(rt_rank *rank) {
    rt_backend *backend = rank->backend;
    const rt_moves *moves = backend->process->moves;
    const double begun = rt_now();
    if (rt_segment_failed(rank->segment) && moves->abort)
        moves->abort(rank);
    for (int s = 0; s < backend->stream_count; ++s)
        while (backend->streams[s] && cudaStreamQuery(backend->streams[s]) == cudaErrorNotReady) {
            if (rt_now() - begun > DRAIN_NS * 1e-9)
                return false;
            sleep_short();
        }
    return true;
}

/* --- operations ----------------------------------------------------------------------------------------- */

static void range_push(const rt_rank *rank, int op, int layer) {
    char text[80];
    if (layer < 0)
        snprintf(text, sizeof text, "%d %s", op, rank->role->ops[op].kind);
    else
        snprintf(text, sizeof text, "%d %s, layer %d", op, rank->role->ops[op].kind, layer);
    nvtxRangePushA(text);
}

/* Waits are for what this step has recorded: all of the steps before is done. */
rt_status rt_backend_op_begin(rt_rank *rank, int op, int layer) {
    rt_backend *backend = rank->backend;
    const rt_op *of = &rank->role->ops[op];
    if (of->stream < 0 || of->stream >= backend->stream_count)
        return rt_fail(rank, RT_SOFTWARE, "the program has no stream %d", of->stream);
    backend->op = op;
    backend->layer = layer;
    backend->stream = backend->streams[of->stream];
    range_push(rank, op, layer);
    for (size_t i = 0; i < sizeof of->waits / sizeof *of->waits && of->waits[i] >= 0; ++i)
        if (backend->recorded[of->waits[i]] == backend->step)
            RT_CUDA(rank, cudaStreamWaitEvent(backend->stream, backend->records[of->waits[i]], 0));
    return rt_track_begin(rank);
}

static rt_status fault_tell(rt_rank *rank);

rt_status rt_backend_op_end(rt_rank *rank, int op, int layer) {
    rt_backend *backend = rank->backend;
    (void)layer;
    if (rank->role->ops[op].records) {
        RT_CUDA(rank, cudaEventRecord(backend->records[op], backend->stream));
        backend->recorded[op] = backend->step;
    }
    RT_TRY(rt_track_end(rank));
    nvtxRangePop();
    if (backend->synchronous) {
        RT_CUDA(rank, cudaEventRecord(backend->done, backend->stream));
        RT_TRY(rt_device_wait(rank, backend->done));
        RT_TRY(fault_tell(rank));
    }
    return RT_OK;
}

rt_status rt_device_met(rt_rank *rank) {
    return rt_track_met(rank);
}

/* --- a step --------------------------------------------------------------------------------------------- */

rt_status rt_step_fork(rt_rank *rank) {
    rt_backend *backend = rank->backend;
    RT_CUDA(rank, cudaEventRecord(backend->fork, backend->streams[0]));
    for (int s = 1; s < backend->stream_count; ++s)
        RT_CUDA(rank, cudaStreamWaitEvent(backend->streams[s], backend->fork, 0));
    return RT_OK;
}

rt_status rt_step_join(rt_rank *rank) {
    rt_backend *backend = rank->backend;
    for (int s = 1; s < backend->stream_count; ++s) {
        RT_CUDA(rank, cudaEventRecord(backend->join[s], backend->streams[s]));
        RT_CUDA(rank, cudaStreamWaitEvent(backend->streams[0], backend->join[s], 0));
    }
    return RT_OK;
}

static rt_status keys_send(rt_rank *rank) {
    rt_backend *backend = rank->backend;
    int32_t batch = rank->program->batch;
    if (!backend->keys)
        return RT_OK;
    for (int32_t s = 0; s < batch; ++s)
        backend->keys[s] = rt_choice_key(rank, s);
    RT_CUDA(rank, cudaMemcpyAsync(backend->keys_device, backend->keys,
                                  (size_t)batch * sizeof *backend->keys, cudaMemcpyHostToDevice,
                                  backend->streams[0]));
    return RT_OK;
}

/* What a kernel has told, named by the operation that it told of. */
static rt_status fault_tell(rt_rank *rank) {
    const struct rt_fault fault = *(volatile struct rt_fault *)rank->backend->fault;
    const rt_program *program = rank->program;
    if (fault.code == RT_FAULT_NONE)
        return RT_OK;
    atomic_store_explicit(&rank->area->op, (fault.tag & 0xffff) + 1, memory_order_relaxed);
    atomic_store_explicit(&rank->area->layer, fault.tag >> 16, memory_order_relaxed);
    switch (fault.code) {
    case RT_FAULT_ENTRY:
        return rt_fail(rank, RT_SOFTWARE, "token id %d is outside the vocabulary of %d",
                       fault.value, program->vocabulary);
    case RT_FAULT_FINITE:
        return rt_fail(rank, RT_SOFTWARE, "the logits of sequence %d are not finite", fault.value);
    case RT_FAULT_COUNT:
        return rt_fail(rank, RT_SOFTWARE, "%d rows for a window that holds %g", fault.value,
                       (double)fault.number);
    case RT_FAULT_KNOWN:
        return rt_fail(rank, RT_SOFTWARE, "a peer sends %d rows, this rank expects %g", fault.value,
                       (double)fault.number);
    case RT_FAULT_SLOT:
        return rt_fail(rank, RT_SOFTWARE, "a row is for expert slot %d, which is not held here",
                       fault.value);
    case RT_FAULT_PROBABLE:
        return rt_fail(
            rank, RT_DATA,
            "the %d likeliest tokens have %.4f of the probability, top-p is %g: make the "
            "program with more --candidates, or add --top-k %d",
            program->candidates, (double)fault.number, rank->job->choice.top_p,
            program->candidates);
    default:
        return rt_fail(rank, RT_SOFTWARE, "a kernel tells of fault %d: %d, %g", fault.code,
                       fault.value, (double)fault.number);
    }
}

static rt_status step_enqueue(rt_rank *rank, const rt_step *step) {
    RT_TRY(rt_track_step(rank));
    RT_TRY(rt_step_fork(rank));
    RT_TRY(step->run[rank->place->role](rank));
    return rt_step_join(rank);
}

static rt_status step_finish(rt_rank *rank) {
    rt_backend *backend = rank->backend;
    RT_CUDA(rank, cudaEventRecord(backend->done, backend->streams[0]));
    RT_TRY(rt_device_wait(rank, backend->done));
    RT_TRY(fault_tell(rank));
    RT_TRY(rt_reads_finish(rank));
    RT_TRY(rt_io_finish(rank));
    return rt_track_tell(rank);
}

static rt_status step_run(rt_rank *rank, const rt_step *step) {
    rt_backend *backend = rank->backend;
    bool graph = rt_graph_wanted(rank, step);
    backend->step++;
    backend->pending_count = 0;
    backend->timed = rt_step_wants_times(rank) && !graph;
    backend->replaying = graph;
    *backend->fault = (struct rt_fault){0};
    RT_TRY(keys_send(rank));
    RT_TRY(graph ? rt_graph_run(rank, step) : step_enqueue(rank, step));
    return step_finish(rank);
}

rt_status rt_backend_step(rt_rank *rank, const rt_step *step) {
    char text[80];
    snprintf(text, sizeof text, "rank %d: %s", rank->id, step->name);
    nvtxRangePushA(text);
    rt_status status = step_run(rank, step);
    nvtxRangePop();
    return status;
}

void rt_step_thread(const rt_rank *rank) {
    char text[16];
    snprintf(text, sizeof text, "rank%d", rank->id);
    nvtxNameOsThreadA((uint32_t)gettid(), text);
}
