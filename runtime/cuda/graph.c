/* graph: see graph.h. The first stream begins the capture, all others fork from it and join it again, so that one graph
 * holds them all; other threads of the process may go on calling CUDA meanwhile (thread-local capture).
 *
 * Nothing is recorded, traced or timed on a replay; where that is wanted there are no graphs. Counters are the same on
 * every run, so a replay adds what the capture added. */
#include "cuda/graph.h"
#include "cuda/io.h"
#include "cuda/step.h"

#include <stdlib.h>

struct rt_graph {
    cudaGraphExec_t exec;        /* NULL: not yet captured */
    int64_t *operations, *bytes; /* [kinds], [world] that a run counts */
    rt_pending *pending;
    int32_t pending_count;
};

const char *rt_graph_why_not(const rt_rank *rank, const rt_step *step) {
    const char *text = getenv("RT_CUDA_GRAPHS");
    if (!step->captured)
        return "what it does depends on counts";
    if (text && strcmp(text, "0") == 0)
        return "RT_CUDA_GRAPHS=0";
    if (!rank->backend->process->moves->captures)
        return "the transport meets peers on the host";
    if (rank->backend->synchronous)
        return "RT_CUDA_SYNC=1";
    if (rank->record || rank->job->trace || rank->job->times)
        return "calls are recorded or timed";
    return NULL;
}

bool rt_graph_wanted(rt_rank *rank, const rt_step *step) {
    rt_graph **graph = &rank->backend->graphs[step - rank->program->step];
    if (rt_graph_why_not(rank, step))
        return false;
    if (*graph)
        return true;
    *graph = calloc(1, sizeof **graph); /* without memory the next step asks again */
    return false;
}

void rt_graph_free(rt_graph *graph) {
    if (!graph)
        return;
    if (graph->exec)
        cudaGraphExecDestroy(graph->exec);
    free(graph->operations);
    free(graph->bytes);
    free(graph->pending);
    free(graph);
}

/* Take what the counters are now from `counts`, or what they are now less that. */
static void counters(const rt_rank *rank, rt_graph *graph, bool less) {
    const rt_program *program = rank->program;
    for (int32_t k = 0; k < program->kinds; ++k)
        graph->operations[k] = rank->operations[k] - (less ? graph->operations[k] : 0);
    for (int32_t r = 0; r < program->world; ++r)
        graph->bytes[r] = rank->bytes[r] - (less ? graph->bytes[r] : 0);
}

static rt_status graph_room(rt_rank *rank, rt_graph *graph) {
    graph->operations = calloc((size_t)rank->program->kinds, sizeof *graph->operations);
    graph->bytes = calloc((size_t)rank->program->world, sizeof *graph->bytes);
    if (!graph->operations || !graph->bytes)
        return rt_fail(rank, RT_UNAVAILABLE, "no memory to capture the step");
    return RT_OK;
}

static rt_status captured(rt_rank *rank, const rt_step *step) {
    RT_TRY(rt_step_fork(rank));
    RT_TRY(step->run[rank->place->role](rank));
    return rt_step_join(rank);
}

/* A capture is ended however the step's function ends, for a stream that captures can do nothing else. */
static rt_status capture(rt_rank *rank, const rt_step *step, cudaGraph_t *graph) {
    rt_backend *backend = rank->backend;
    RT_CUDA(rank, cudaStreamBeginCapture(backend->streams[0], cudaStreamCaptureModeThreadLocal));
    backend->capturing = true;
    rt_status status = captured(rank, step);
    cudaError_t error = cudaStreamEndCapture(backend->streams[0], graph);
    backend->capturing = false;
    RT_TRY(status);
    return rt_device_told(rank, error, "cudaStreamEndCapture");
}

static rt_status pending_keep(rt_rank *rank, rt_graph *graph) {
    const rt_backend *backend = rank->backend;
    size_t count = (size_t)backend->pending_count;
    graph->pending = calloc(count + 1, sizeof *graph->pending);
    if (!graph->pending)
        return rt_fail(rank, RT_UNAVAILABLE, "no memory to capture the step");
    if (count)
        memcpy(graph->pending, backend->pending, count * sizeof *graph->pending);
    graph->pending_count = backend->pending_count;
    return RT_OK;
}

static rt_status graph_make(rt_rank *rank, const rt_step *step, rt_graph *graph) {
    cudaGraph_t captive = NULL;
    RT_TRY(graph_room(rank, graph));
    counters(rank, graph, false);
    rt_status status = capture(rank, step, &captive);
    if (status == RT_OK)
        status = rt_device_told(rank, cudaGraphInstantiate(&graph->exec, captive, 0),
                                "cudaGraphInstantiate");
    if (captive)
        cudaGraphDestroy(captive);
    RT_TRY(status);
    counters(rank, graph, true);
    return pending_keep(rank, graph);
}

/* Everything of a run but the device's work. */
static rt_status replay(rt_rank *rank, const rt_graph *graph) {
    for (int32_t i = 0; i < graph->pending_count; ++i)
        RT_TRY(rt_io_again(rank, &graph->pending[i]));
    for (int32_t k = 0; k < rank->program->kinds; ++k)
        rank->operations[k] += graph->operations[k];
    for (int32_t r = 0; r < rank->program->world; ++r)
        rank->bytes[r] += graph->bytes[r];
    return RT_OK;
}

rt_status rt_graph_run(rt_rank *rank, const rt_step *step) {
    rt_graph *graph = rank->backend->graphs[step - rank->program->step];
    if (rt_segment_failed(rank->segment))
        return RT_ABORTED;
    RT_TRY(graph->exec ? replay(rank, graph) : graph_make(rank, step, graph));
    /* nobody knows which operation of a graph the device is at */
    atomic_store_explicit(&rank->area->op, 0, memory_order_relaxed);
    atomic_store_explicit(&rank->area->layer, 0, memory_order_relaxed);
    atomic_fetch_add_explicit(&rank->area->progress, 1, memory_order_relaxed);
    RT_CUDA(rank, cudaGraphLaunch(graph->exec, rank->backend->streams[0]));
    return RT_OK;
}
